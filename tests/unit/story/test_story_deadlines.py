"""The story's deeds through the deadline machine: each of the twenty petitions comes out as the story says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.followup.domain.deadlines.engine import DeadlineEngine
from services.story.narrator import Narrator
from services.story.play import tell
from services.story.preparation import CONFERENCE_DAY
from shared.events import DatedEvent
from shared.events.conference import ConclusionNoticeIssued
from shared.events.petition import PetitionAssigned
from shared.identifiers import LOCAL_ZONE
from tests.support.history import History
from tests.support.story import FakeIntake, told

END = datetime(2019, 10, 4, 9, 0, tzinfo=LOCAL_ZONE)


class Played:
    """The story's facts in a machine, with the ids by which the story knows its petitions."""

    def __init__(self) -> None:
        intake = FakeIntake()
        self.teller: Narrator = told(intake)[0]
        assert tell(self.teller)
        history = History("local")
        stamp = datetime.min.replace(tzinfo=UTC)
        for moment, originator, event in intake.events:
            for each_id, each in with_assignments(originator, event):
                stamp = max(stamp + timedelta(milliseconds=1), moment)
                history.record(each_id, each, stamp)
        history.engine.advance(END)
        self.engine: DeadlineEngine = history.engine

    def told_of(self, key: str, duty: str = "reply") -> list[str]:
        subject = self.teller.ids[key]
        return [
            f"{e.event.TOPIC.removeprefix('Deadline')} {e.event.due_on:%d/%m}"
            for e in self.engine.emitted
            if e.event.subject_id == subject and e.event.duty == duty and e.event.TOPIC != "DeadlineDueSoon"
        ]

    def state(self, key: str) -> str:
        row = self.engine.case_row(self.teller.ids[key])
        assert row is not None
        return row.state


def with_assignments(originator: UUID, event: DatedEvent) -> Sequence[tuple[UUID, DatedEvent]]:
    """A conclusion notice assigns the petitions that it names, as intake records it."""
    found: list[tuple[UUID, DatedEvent]] = [(originator, event)]
    if isinstance(event, ConclusionNoticeIssued):
        for line in event.assignments:
            assigned = PetitionAssigned(
                effective_on=event.effective_on, agency=line.agency, assisting=line.assisting, due_on=line.due_on
            )
            found.append((line.petition_id, assigned))
    return found


@pytest.fixture(scope="module")
def played() -> Played:
    return Played()


@pytest.mark.parametrize(
    ("key", "reply"),
    [
        ("01", ["Set 16/09", "Met 16/09"]),
        ("02", []),
        ("03", []),
        ("04", ["Set 16/09", "Moved 07/10"]),
        ("05", ["Set 16/09", "Met 16/09"]),
        ("06", ["Set 16/09", "Moved 15/10"]),
        ("07", ["Set 16/09", "Breached 16/09", "BreachRetracted 16/09", "Met 16/09"]),
        ("08", ["Set 16/09", "Breached 16/09", "MetLate 16/09"]),
        ("09", ["Set 16/09", "Breached 16/09"]),
        ("10", ["Set 16/09", "Moved 31/10"]),
        ("11", ["Set 16/09", "Met 16/09"]),
        ("12", ["Set 16/09", "Waived 16/09"]),
        ("13", []),
        ("14", []),
        ("15", ["Set 16/09", "Met 16/09"]),
        ("16", []),
        ("17", ["Set 16/09", "Moved 06/09", "Met 06/09"]),
        ("18", ["Set 16/09", "Met 16/09"]),
        ("19", ["Set 16/09", "Met 16/09", "Set 16/10"]),
        ("20", []),
    ],
)
def test_reply__as_the_story_tells_it(played: Played, key: str, reply: list[str]) -> None:
    assert played.told_of(key) == reply


@pytest.mark.parametrize(
    ("key", "state"),
    [("04", "assigned"), ("09", "assigned"), ("10", "escalated"), ("12", "merged"), ("13", "withdrawn"),
     ("14", "redirected"), ("18", "replied"), ("20", "no_clock")],
)  # fmt: skip
def test_state__on_the_last_day(played: Played, key: str, state: str) -> None:
    assert played.state(key) == state


def test_complex_case__is_due_soon_on_the_last_day(played: Played) -> None:
    subject = played.teller.ids["04"]
    soon = [e for e in played.engine.emitted if e.event.subject_id == subject and e.event.TOPIC == "DeadlineDueSoon"]
    assert soon[-1].event.at.astimezone(LOCAL_ZONE).date().isoformat() == "2019-10-04"


def test_preparation__is_done_in_time(played: Played) -> None:
    conference = played.teller.ids["conference"]
    rows = [row for row in played.engine.raised_of(conference) if row.due_on]
    assert {row.outcome for row in rows} == {"met"}
    invitation = next(row for row in rows if row.duty == "invitation")
    assert invitation.due_on is not None
    assert invitation.due_on.isoformat() == "2019-08-14"
    assert {r.due_on.isoformat() for r in rows if r.duty == "conclusion_notice" and r.due_on} == {"2019-08-30"}


def test_annual_dialogue__is_met_by_the_conference(played: Played) -> None:
    annual = [e for e in played.engine.emitted if e.event.duty == "annual_dialogue" and e.event.TOPIC == "DeadlineMet"]
    assert CONFERENCE_DAY in {e.event.done_on for e in annual}  # type: ignore[attr-defined]


def test_machine__has_no_differences(played: Played) -> None:
    assert played.engine.differences == {}
