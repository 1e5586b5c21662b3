"""Urging through the whole pair: followup proposes a letter, the office records that it was sent, and so on."""

import contextlib
from typing import Any

import pytest

from tests.support.office import AGENCIES, BEGIN, Office
from tests.support.pair import Pair, Service, until


def proposed(followup: Service, agency: str) -> list[dict[str, Any]]:
    """What is proposed on replies."""
    items = followup.get("/v1/reminders/proposed", agency=agency)["items"]
    return [p for p in items if p["deadline"]["duty"] == "reply"]


@pytest.mark.slow
def test_reminder__is_proposed_recorded_and_proposed_no_more(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    followup = pair.followup(intake).start()
    with contextlib.closing(Office(lambda: intake.url)) as office:
        urge(intake, followup, office)


def urge(intake: Service, followup: Service, office: Office) -> None:
    """One petition whose reply never comes."""
    office.places()
    office.plan()
    office.receive(1)
    office.clock("2019-08-05 08:00")
    office.schedule(1)
    office.clock("2019-08-23 08:00")
    office.act("opening", f"/v1/conferences/{office.conference}/opening")
    office.on(1, "raising", conference_id=office.conference)
    office.act("closing", f"/v1/conferences/{office.conference}/closing")
    office.clock("2019-08-30 08:00")
    office.assign(1)
    agency = AGENCIES[1]
    head = intake.get("/v1/events", limit=1)["head"]
    until(lambda: followup.get("/v1/sources")["items"][0]["position"] == head)
    assert proposed(followup, agency) == []

    office.clock("2019-09-09 08:00")  # five working days before 16 September
    until(lambda: proposed(followup, agency), what="a proposal at the first warning")
    (proposal,) = proposed(followup, agency)
    assert proposal["stage"] == {"kind": "due_soon", "on": "2019-09-09"}
    assert "chậm nhất hết thứ Hai, ngày 16/09/2019" in proposal["letter"]["vi"]
    command = proposal["recording"]
    office.act("remind", command["path"], **command["body"])
    until(lambda: not proposed(followup, agency), what="no proposal once urged")

    deadline_id = proposal["deadline"]["deadline_id"]
    assert followup.get(f"/v1/deadlines/{deadline_id}")["urged_on"] == "2019-09-09"
    case = followup.get(f"/v1/cases/{office.petitions[1]}")
    (sent,) = [e for e in case["events"] if e["topic"] == "ReminderSent"]
    assert (sent["data"]["deadline_id"], sent["data"]["to"]) == (deadline_id, agency)
    assert sent["recorded_at"].startswith("2019-09-09")

    office.clock("2019-09-17 00:00")  # nobody replied
    until(lambda: proposed(followup, agency), what="a proposal after the breach")
    (again,) = proposed(followup, agency)
    assert (again["stage"], again["urged_on"]) == ({"kind": "breached", "on": "2019-09-17"}, "2019-09-09")
    assert "Đã đôn đốc lần gần nhất vào ngày 09 tháng 9 năm 2019" in again["letter"]["vi"]
