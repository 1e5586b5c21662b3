"""The plan's own conference through the deadline machine."""

from shared.events.petition import PetitionAssigned, WrittenReplyIssued
from tests.support.history import day
from tests.support.scenario import HELD, PETITION, Record, given


def test_plan_570__reply_breached_then_met_late() -> None:
    assigned = PetitionAssigned(effective_on=day("2019-08-30"), agency="H35.10.3")
    reply = WrittenReplyIssued(effective_on=day("2019-09-18"), number="1/UBND", signatory="A", digest="00")
    scenario = given(*HELD)
    scenario.then("invitation", "DeadlineSet 2019-08-14", "DeadlineBreached 2019-08-14")
    scenario.then("conclusion_notice", "DeadlineSet 2019-08-30").then("reply", "DeadlineSet 2019-09-16")
    scenario.when(Record("2019-08-30 09:00", PETITION, assigned)).then("reply")
    scenario.when("2019-09-17 00:00").then("reply", "DeadlineBreached 2019-09-16")
    scenario.warned("reply", "2019-09-09", "2019-09-13")
    scenario.when(Record("2019-09-18 10:00", PETITION, reply)).then("reply", "DeadlineMetLate 2019-09-16")
