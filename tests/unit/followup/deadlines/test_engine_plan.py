"""The plan's own conference through the deadline machine."""

from shared.events.petition import PetitionAssigned, WrittenReplyIssued
from tests.support.history import History, day


def test_plan_570__reply_breached_then_met_late() -> None:
    history = History()
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-08-01")
    history.hold(conference, petition, first="2019-08-23")
    history.record(petition, PetitionAssigned(effective_on=day("2019-08-30"), agency="H35.10.3"), "2019-08-30 09:00")
    history.until("2019-09-17 00:00")
    history.record(
        petition,
        WrittenReplyIssued(effective_on=day("2019-09-18"), number="1/UBND", signatory="A", digest="00"),
        "2019-09-18 10:00",
    )
    assert history.told(petition, "reply") == [
        "DeadlineSet 2019-09-16",
        "DeadlineDueSoon 2019-09-16",
        "DeadlineDueSoon 2019-09-16",
        "DeadlineBreached 2019-09-16",
        "DeadlineMetLate 2019-09-16",
    ]
    assert history.due(conference, "invitation") == day("2019-08-14")
    assert history.due(conference, "conclusion_notice") == day("2019-08-30")
