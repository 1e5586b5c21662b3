"""The due date of a reply rests on what was merged into its petition, wherever the decision is made."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.importing import Importing, rejects_of, write_lines
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, Intake

EARLY, HELD, NOTICE = "2019-08-14", "2019-08-23", "2019-08-30"
#: 14 August and 15 working days: 5 September. Beyond it, and before 16 September, which is counted from 23 August.
BETWEEN = "2019-09-12"
EXTENSION = {"effective_on": NOTICE, "petitioner_told_on": NOTICE, "committee_told_on": NOTICE, "expected_on": BETWEEN}
DATE = {"effective_on": NOTICE, "agency": EDUCATION, "due_on": BETWEEN}


async def raised(intake: Intake, on: str, external_id: str) -> str:
    """A petition that was raised at a conference of that day, now closed; its id."""
    names = {"source": "so-cu", "external_id": external_id}
    petition = (await intake.petition(effective_on="2019-07-01", **names))["id"]
    days = {"effective_on": "2019-07-22", "first_day": on, "last_day": on, "place": "Hội trường"}
    conference = (await intake.done("/v1/conferences", {"jurisdiction": DISTRICT, "kind": "periodic"} | days))["id"]
    await intake.done(f"/v1/conferences/{conference}/opening", {"effective_on": on})
    raising = {"effective_on": on, "conference_id": conference}
    await intake.done(f"/v1/petitions/{petition}/raising", raising)
    await intake.done(f"/v1/conferences/{conference}/closing", {"effective_on": on})
    return str(petition)


@pytest.fixture
async def survivor(intake: Intake) -> str:
    """A petition of 23 August, into which another was merged that had taken over one of 14 August."""
    first, last = await raised(intake, EARLY, "P1"), await raised(intake, HELD, "P3")
    between = (await intake.petition(effective_on="2019-07-01"))["id"]
    for gone, into in ((first, between), (between, last)):
        await intake.done(f"/v1/petitions/{gone}/merger", {"effective_on": HELD, "into": into})
    return last


async def test_extension__beyond_the_inherited_date__is_accepted(intake: Intake, survivor: str) -> None:
    await intake.done(f"/v1/petitions/{survivor}/extension", EXTENSION)


async def test_date_of_the_chair__beyond_the_inherited_date__is_refused_with_it(intake: Intake, survivor: str) -> None:
    refused = await intake.post(f"/v1/petitions/{survivor}/assignment", DATE)
    assert (refused.status_code, "2019-09-05" in refused.text) == (422, True), refused.text


async def test_annulled_merger__counts_no_more(intake: Intake, survivor: str) -> None:
    facts = (await intake.rows("SELECT originator_id, event_id FROM stored_events WHERE topic = 'PetitionMerged'"))[-1]
    annulment = {"event_id": str(facts["event_id"])}
    await intake.done(f"/v1/petitions/{facts['originator_id']}/annulments", annulment)
    await intake.done(f"/v1/petitions/{survivor}/assignment", DATE)


async def test_import__decides_by_the_inherited_date_too(
    intake: Intake, survivor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = Importing(intake, monkeypatch)

    def file(command: str, fields: dict[str, Any]) -> Path:
        return write_lines(tmp_path / f"{command}.jsonl", {"command": command, "case": "P3"} | fields)

    code, summary, _ = await importing.run(file("PetitionAssigned", DATE), "--source", "so-cu")
    assert code and "2019-09-05" in str(rejects_of(summary))
    await importing.done(file("ExtensionGranted", EXTENSION), "--source", "so-cu")


async def test_import__merger_and_extension_in_one_file(
    intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = Importing(intake, monkeypatch)
    rows: list[dict[str, Any]] = []
    for name, on in (("early", EARLY), ("late", HELD)):
        plan = {"jurisdiction": DISTRICT, "kind": "periodic", "first_day": on, "last_day": on, "place": "Hội trường"}
        conference, petition = {"case": f"C-{name}"}, {"case": f"P-{name}"}
        received = {"jurisdiction": COMMUNE, "text": "Đường sạt lở."}
        rows += [
            {"command": "ConferencePlanned", "effective_on": "2019-07-22"} | conference | plan,
            {"command": "ConferenceOpened", "effective_on": on} | conference,
            {"command": "PetitionReceived", "effective_on": "2019-07-01"} | petition | received,
            {"command": "PetitionRaised", "effective_on": on, "conference_id": f"C-{name}"} | petition,
            {"command": "ConferenceClosed", "effective_on": on} | conference,
        ]
    rows.append({"command": "PetitionMerged", "case": "P-early", "effective_on": HELD, "into": "P-late"})
    rows.append({"command": "ExtensionGranted", "case": "P-late"} | EXTENSION)
    await importing.done(write_lines(tmp_path / "both.jsonl", *rows), "--source", "so-cu")
