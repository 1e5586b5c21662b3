"""The counting against a reference that walks day by day, and what must hold whatever the rule and the calendar."""

from datetime import date, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.policy import Rule, Step, clock_after, count, count_occurrence, occurrences
from shared.policy.schema import Frequency
from tests.support.policy_strategies import (
    STARTS,
    calendar_of,
    clock_steps,
    free_days,
    limit_of,
    reference_clock,
    rules,
)
from tests.support.reference_counting import Days, due, rolled, unrolled

MANY = settings(max_examples=100, deadline=None)


@MANY
@given(rules(), free_days(), STARTS, st.sets(st.sampled_from(["complex", "several_fields"])))
def test_count__is_that_of_the_reference(rule: Rule, days: Days, start: date, traits: set[str]) -> None:
    limit = limit_of(rule)
    counted = count(rule, start, calendar_of(days), frozenset(traits))  # type: ignore[arg-type]
    assert counted is not None
    assert counted.due_on == due(limit, start, limit.chosen(traits)[0], days)


@MANY
@given(rules(backward=True), free_days(), STARTS)
def test_count_back__is_that_of_the_reference(rule: Rule, days: Days, start: date) -> None:
    counted = count(rule, start, calendar_of(days))
    assert counted is not None
    assert counted.due_on == due(limit_of(rule), start, rule.length or 0, days)


@MANY
@given(rules(), free_days(), STARTS)
def test_count__tells_as_many_days_as_it_counts(rule: Rule, days: Days, start: date) -> None:
    counted = count(rule, start, calendar_of(days))
    assert counted is not None
    length = rule.length or 0
    whole = -(-length // 24) if rule.unit == "hours" else length
    assert sum(day.counted for day in counted.days) == whole
    assert len({day.date for day in counted.days}) == len(counted.days) or rule.roll == "previous_working_day"
    end = unrolled(limit_of(rule), start, length, days)
    assert end in {day.date for day in counted.days} | {start}


@settings(max_examples=150, deadline=None)
@given(st.data(), rules(), free_days(), STARTS)
def test_clock__is_that_of_the_reference(data: st.DataObject, rule: Rule, days: Days, start: date) -> None:
    steps = data.draw(clock_steps(start, merged=True))
    product = clock_after(rule, start, steps, calendar_of(days))
    reference = reference_clock(limit_of(rule), start, steps, days)
    assert product.due_on == reference.due
    assert product.expected_on == reference.expected
    assert set(product.traits) == reference.traits


@MANY
@given(
    st.integers(1, 40),
    st.integers(1, 20),
    st.sampled_from(["next_working_day", "previous_working_day"]),
    st.sampled_from(["rolled", "unrolled"]),
    free_days(),
    STARTS,
)
def test_extension__counts_on_from_the_end_that_the_rule_names(
    length: int, each: int, roll: str, end: str, days: Days, start: date
) -> None:
    words = {"duty": "reply", "form": "deadline", "length": length, "unit": "calendar_days", "roll": roll}
    rule = msgspec.convert({**words, "extension": {"each": each, "counted_from": end}}, Rule)
    far = Step(kind="extension", on=start, day=start + timedelta(days=300), told={"petitioner": start})
    assert (
        clock_after(rule, start, [far], calendar_of(days)).due_on
        == reference_clock(limit_of(rule), start, [far], days).due
    )


@MANY
@given(rules(), free_days(), STARTS, st.integers(0, 120))
def test_a_day_off_more__never_shortens_a_forward_limit(rule: Rule, days: Days, start: date, offset: int) -> None:
    # An end that rolls back to the working day before is meant to come earlier.
    rule = msgspec.structs.replace(rule, roll="stay" if rule.roll == "previous_working_day" else rule.roll)
    holiday = start + timedelta(days=offset)
    more = Days(days.off | {holiday}, days.worked - {holiday})
    before, after = (count(rule, start, calendar_of(each)) for each in (days, more))
    assert before is not None and after is not None
    assert after.due_on >= before.due_on


@MANY
@given(rules(backward=True), free_days(), STARTS, st.integers(0, 120))
def test_a_day_off_more__never_brings_a_backward_limit_nearer(rule: Rule, days: Days, start: date, offset: int) -> None:
    rule = msgspec.structs.replace(rule, roll="stay" if rule.roll == "next_working_day" else rule.roll)
    holiday = start - timedelta(days=offset)
    more = Days(days.off | {holiday}, days.worked - {holiday})
    before, after = (count(rule, start, calendar_of(each)) for each in (days, more))
    assert before is not None and after is not None
    assert after.due_on <= before.due_on


@MANY
@given(st.one_of(rules(), rules(backward=True)), free_days(), STARTS, st.integers(0, 60))
def test_a_later_start__never_gives_an_earlier_due_date(rule: Rule, days: Days, start: date, offset: int) -> None:
    calendar = calendar_of(days)
    first, second = (count(rule, day, calendar) for day in (start, start + timedelta(days=offset)))
    assert first is not None and second is not None
    assert second.due_on >= first.due_on


@MANY
@given(st.data(), rules(), free_days(), STARTS)
def test_more_time__never_gives_an_earlier_due_date(data: st.DataObject, rule: Rule, days: Days, start: date) -> None:
    # Without a further extension, and with the last one, after the same life.
    steps = data.draw(clock_steps(start))
    last = steps[-1].on if steps else start
    calendar = calendar_of(days)
    before = clock_after(rule, start, steps, calendar).due_on
    to = last + timedelta(days=data.draw(st.integers(0, 60)))
    on = last + timedelta(days=1)
    more = Step(kind="extension", on=on, day=to, told={"petitioner": on})
    after = clock_after(rule, start, [*steps, more], calendar).due_on
    assert (before is None) == (after is None)
    assert before is None or after is None or after >= before


@MANY
@given(free_days(), STARTS, st.integers(1, 31), st.sampled_from(["stay", "next_working_day", "previous_working_day"]))
def test_day_of_the_month__rolls_as_the_reference(days: Days, start: date, day: int, roll: str) -> None:
    rule = Rule(
        duty="reception_day",
        form="frequency",
        frequency=Frequency(per="month", day=day),
        roll=roll,  # type: ignore[arg-type]
    )
    assert rule.frequency is not None
    (only,) = occurrences(rule.frequency, start, start)
    last = only.last.day
    end = start.replace(day=min(day, last))
    found = count_occurrence(rule, only, start, calendar_of(days)).due_on
    assert found == rolled(limit_of(rule), end, days)


@MANY
@given(
    st.sampled_from(["year", "half_year", "quarter", "month", "week"]), st.integers(1, 3), STARTS, st.integers(0, 800)
)
def test_periods__follow_each_other_without_gap_or_overlap(per: str, times: int, since: date, length: int) -> None:
    until = since + timedelta(days=length)
    found = list(occurrences(Frequency(per=per, times=times), since, until))  # type: ignore[arg-type]
    spans = list(dict.fromkeys((each.first, each.last) for each in found))
    assert spans[0][0] <= since and spans[-1][1] >= until and spans[-1][0] <= until
    assert all(last + timedelta(days=1) == following for (_, last), (following, _) in pairwise(spans))
    assert len(found) == times * len(spans)
    assert len({each.part for each in found}) == len(found)
