"""A province that is the only one registered and adopted nothing: the running pair reads nowhere as another's plan."""

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from tests.support.mail import MailServer, mail_server
from tests.support.office import BEGIN, Office
from tests.support.pages import citing, walked
from tests.support.pair import Pair, Service, until

PROVINCE, LEAD = "H96", "H96.1"


@pytest.mark.slow
def test_province_of_another_number__is_told_of_no_plan_by_page_letter_digest_or_file(
    pair: Pair, tmp_path: Path
) -> None:
    to = tmp_path / "to.yaml"
    to.write_text(f"{LEAD}: mot@example.vn\n")
    with mail_server() as server, contextlib.ExitStack() as stack:
        intake = pair.intake(CLOCK_START=BEGIN, SOURCE="ca-mau").start()
        mail = {"SMTP_URL": server.url, "DIGEST_FROM": "vp@example.vn", "DIGEST_TO": str(to)}
        followup = pair.followup(intake, **mail).start()
        office = stack.enter_context(contextlib.closing(Office(lambda: intake.url)))
        petitions = overdue(office)
        until(lambda: server.taken, 90, "a digest")
        head = intake.get("/v1/events", limit=1)["head"]
        until(lambda: followup.get("/v1/sources")["items"][0]["position"] == head)
        told = asyncio.run(everything(followup, petitions)) | digests(server)
    assert sum("/letter" in path for path in told) > 1
    assert "quá hạn" in told["digest 0"]
    assert any("thời hạn mặc định của phần mềm" in text for text in told.values())
    assert {path: told[path][:300] for path in citing(told)} == {}


def overdue(office: Office) -> list[str]:
    """Two petitions assigned at a conference of the province and answered by nobody; one is told as complex."""
    office.act(
        "place", "/v1/jurisdictions",
        code=PROVINCE, name="Tỉnh Cà Mau", level="province", parent="", valid_from="2004-01-01",
    )  # fmt: skip
    office.act("agency", "/v1/agencies", code=LEAD, name="Sở Một", jurisdiction=PROVINCE, valid_from="2004-01-01")
    held = str(
        office.act(
            "plan", "/v1/conferences",
            jurisdiction=PROVINCE, kind="periodic", place="Hội trường", first_day="2019-08-23", last_day="2019-08-23",
            office=LEAD,
        )["id"]
    )  # fmt: skip
    for number in (1, 2):
        done = office.act(
            f"receive:{number}", "/v1/petitions",
            jurisdiction=PROVINCE, text=f"Kiến nghị số {number}", petitioner_ids=[f"p{number}"],
            identities={f"p{number}": {"name": f"Người thứ {number}"}},
        )  # fmt: skip
        office.petitions[number] = str(done["id"])
        office.on(number, "classification", subject=f"Việc {number}", field="giao thông")
    office.clock("2019-08-23 08:00")
    office.act("opening", f"/v1/conferences/{held}/opening")
    for number in (1, 2):
        office.on(number, "raising", conference_id=held)
    office.act("closing", f"/v1/conferences/{held}/closing")
    office.clock("2019-08-30 08:00")
    for number in (1, 2):
        office.on(number, "assignment", agency=LEAD)
    office.on(2, "complexity", decided_by="Chủ tịch", criteria=["nhiều cơ quan"])
    office.clock("2019-10-08 07:30")
    return list(office.petitions.values())


async def everything(followup: Service, petitions: list[str]) -> dict[str, str]:
    """Every page, letter, list and file that followup gives."""
    asked = {"doithoai_asked": "1"}  # at which door one comes in
    async with httpx.AsyncClient(base_url=followup.url, cookies=asked, verify=False, timeout=30) as client:
        told = await walked(client, *(f"/cases/{each}" for each in petitions))
        for path in ("/v1/reports?period=2019-09", "/v1/reports?period=2019-09&format=csv", "/v1/uncountable"):
            answer = await client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            told[path] = answer.text
        # An explanation's fields keep the id of the document, with `adopted: false`; the letter is for people.
        proposed = (await client.get("/v1/reminders/proposed")).json()["items"]
        for number, each in enumerate(proposed):
            told[f"/letter {number}"] = "\n".join(each["letter"].values())
            assert not each["deadline"]["explanation"]["adopted"]
    return told


def digests(server: MailServer) -> dict[str, str]:
    """What was sent by mail."""
    return {
        f"digest {number}": f"{message['Subject']}\n{message.get_content()}"
        for number, (_, message) in enumerate(server.taken)
    }
