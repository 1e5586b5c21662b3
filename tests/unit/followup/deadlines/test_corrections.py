"""A corrected receipt: what rests on its day moves under the same id, and no deed done in time becomes late.

Fifteen working days from the receipt. Thu 1 Aug 2019: 2(1) 5-9(6) 12-16(11) 19-22(15), due Thu 22 Aug. Mon 29 Jul:
30-2(4) 5-9(9) 12-16(14) Mon 19(15).
"""

from shared.events.any_stream import RecordAnnulled
from shared.events.petition import PetitionCorrected, WrittenReplyIssued
from tests.support.history import at, day
from tests.support.loading import loaded_again
from tests.support.scenario import PETITION, Record, Scenario, given, policy_with, received

RULES = policy_with("  - {duty: reply, form: deadline, length: 15, unit: working_days, counted_from: receipt}\n")
RECEIVED = received(on="2019-08-01")


def corrected(moment: str, on: str) -> Record:
    event = PetitionCorrected(effective_on=day(moment[:10]), corrected=("received_on",), received_on=day(on))
    return Record(moment, PETITION, event)


def replied(moment: str, on: str = "") -> Record:
    event = WrittenReplyIssued(effective_on=day(on or moment[:10]), number="1", signatory="CT", digest="0" * 64)
    return Record(moment, PETITION, event)


def under_the_rules() -> Scenario:
    scenario = given()
    scenario.history.adopt(RULES, "2019-01-02 08:00")
    return scenario.when(RECEIVED)


def test_corrected_day__moves_what_rests_on_it_under_its_id() -> None:
    scenario = under_the_rules().then("reply", "DeadlineSet 2019-08-22")
    (before,) = scenario.history.engine.raised_of(PETITION)
    scenario.when(corrected("2019-08-05 09:00", "2019-07-29")).then("reply", "DeadlineMoved 2019-08-19")
    (after,) = scenario.history.engine.raised_of(PETITION)
    moved = scenario.history.engine.emitted[-1].event
    assert (after.deadline_id, after.starting_event) == (before.deadline_id, before.starting_event)
    assert (moved.reason, moved.moved_from, moved.explanation.counted_from) == (  # type: ignore[attr-defined]
        "corrected",
        day("2019-08-22"),
        day("2019-07-29"),
    )


def test_corrected_day__of_an_overdue_case_breaches_or_takes_back() -> None:
    earlier = under_the_rules().when("2019-08-21 00:00", corrected("2019-08-21 09:00", "2019-07-29"))
    earlier.then("reply", "DeadlineMoved 2019-08-19")
    earlier.when("2019-08-21 10:00").then("reply", "DeadlineBreached 2019-08-19")
    later = under_the_rules().when(corrected("2019-08-01 10:00", "2019-07-29"), "2019-08-21 00:00")
    later.when(corrected("2019-08-21 09:00", "2019-08-01"))
    later.then("reply", "DeadlineBreachRetracted 2019-08-19", "DeadlineMoved 2019-08-22")
    reasons = [each.event.reason for each in later.history.engine.emitted[-2:]]  # type: ignore[attr-defined]
    assert reasons == ["corrected", "corrected"]


def test_deed_done_in_time__stays_so() -> None:
    scenario = under_the_rules().when(replied("2019-08-21 09:00"))
    scenario.then("reply", "DeadlineMet 2019-08-22")
    scenario.when(corrected("2019-08-26 09:00", "2019-07-29")).then("reply")
    assert scenario.stands(PETITION, "reply") == ["office 2019-08-22 met"]


def test_deed_done_late__is_in_time_by_the_right_day() -> None:
    scenario = under_the_rules().when(corrected("2019-08-01 10:00", "2019-07-29"), replied("2019-08-21 09:00"))
    assert scenario.stands(PETITION, "reply") == ["office 2019-08-19 met_late"]
    scenario.when(corrected("2019-08-26 09:00", "2019-08-01"))
    assert scenario.stands(PETITION, "reply") == ["office 2019-08-22 met"]


def test_deed_done_after_the_correction__has_its_date() -> None:
    scenario = under_the_rules().when(corrected("2019-08-02 09:00", "2019-07-29"), replied("2019-08-21 09:00"))
    assert scenario.stands(PETITION, "reply") == ["office 2019-08-19 met_late"]


def test_correction_annulled__the_day_before_it_stands_again() -> None:
    scenario = under_the_rules().when(corrected("2019-08-05 09:00", "2019-07-29"))
    wrong = scenario.history.facts[-1]
    annulled = RecordAnnulled(effective_on=day("2019-08-06"), event_id=wrong.event_id, reason="nhầm")
    scenario.history.record(PETITION, annulled, at("2019-08-06 09:00"), "petition")
    assert scenario.stands(PETITION, "reply") == ["office 2019-08-22 open"]


def test_loaded_again__reads_the_same() -> None:
    scenario = under_the_rules().when(corrected("2019-08-05 09:00", "2019-07-29"), replied("2019-08-15 09:00"))
    scenario.when(corrected("2019-08-26 09:00", "2019-07-15"))
    again = loaded_again(scenario.history.engine, scenario.history.facts)
    assert again.raised_of(PETITION) == scenario.history.engine.raised_of(PETITION)
