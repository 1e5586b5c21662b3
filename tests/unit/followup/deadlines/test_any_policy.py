"""Whatever a policy says that intake accepts, and whichever calendars are there: followup goes on, and catches up."""

from typing import Any

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from shared.calendar import Calendar, CalendarYear
from shared.events.petition import PetitionAssigned, PetitionMarkedComplex, WrittenReplyIssued
from shared.events.regulation import DialoguePlanAdopted, ReceptionDayHeld
from shared.identifiers import derived_id
from shared.policy import DUTIES, DUTY_KINDS, UncountablePolicy
from shared.policy import policy_of as policy_from
from shared.policy.probe import uncountable_rules
from shared.policy.schema import Policy
from tests.support.history import DISTRICT, History, at, day

YEARS = (2024, 2025, 2026, 2027, 2028)
DAYS = st.sampled_from(["01-01", "02-28", "02-29", "03-15", "04-31", "06-30", "12-31"])
FIXED = DAYS | st.builds("{}-{}".format, st.sampled_from(["0001", "2026", "2030", "2099", "9999"]), DAYS)


@st.composite
def any_rule(draw: st.DrawFn, duty: str) -> dict[str, Any]:
    """A rule of any form that the duty has, with any words."""
    kind = DUTY_KINDS[duty]
    rule: dict[str, Any] = {"duty": duty, "form": draw(st.sampled_from(kind.forms))}
    if rule["form"] == "undated":
        return rule
    if rule["form"] == "frequency":
        per = draw(st.sampled_from(["year", "half_year", "quarter", "month", "week"]))
        rule["frequency"] = {"times": draw(st.integers(1, 2)), "per": per}
        if per == "year":
            rule["warn_on"] = draw(st.lists(DAYS, max_size=2))
            rule["frequency"]["windows"] = draw(st.just([]) | st.just([{"first": "01-01", "last": "02-29"}]))
        elif per == "month" and rule["frequency"]["times"] == 1 and draw(st.booleans()):
            rule["frequency"]["day"] = draw(st.integers(1, 31))
            rule["roll"] = draw(st.sampled_from(["stay", "next_working_day"]))
        return rule
    rule["unit"] = draw(st.sampled_from(["working_days", "calendar_days", "hours"]))
    rule["length"] = draw(st.integers(0, 40) | st.sampled_from([366, 8784]))
    rule["roll"] = draw(st.sampled_from(["stay", "next_working_day", "previous_working_day"]))
    if kind.anchors:
        rule["counted_from"] = draw(st.sampled_from(kind.anchors))
        if rule["counted_from"] == "fixed_date":
            rule["fixed_date"] = draw(FIXED)
    if "variants" in kind.words and draw(st.booleans()):
        rule["variants"] = [{"when": ["complex"], "length": draw(st.integers(0, 366))}]
    if "extension" in kind.words and draw(st.booleans()):
        rule["extension"] = {"each": draw(st.integers(1, 366))}
    return rule


@st.composite
def accepted(draw: st.DrawFn) -> Policy:
    """A policy that intake accepts with the calendars of 2024 to 2028."""
    duties = draw(st.lists(st.sampled_from(DUTIES), min_size=1, max_size=6, unique=True))
    data = {
        "policy_id": "any",
        "document": {"number": "1/QĐ", "issued_on": "2024-01-01"},
        "valid_from": draw(st.sampled_from(["2024-01-01", "2026-03-01"])),
        "running_clocks": draw(st.sampled_from(["keep", "move"])),
        "warn_days": draw(st.lists(st.sampled_from([1, 5, 366]), max_size=2)),
        "rules": [draw(any_rule(duty)) for duty in duties],
    }
    try:
        policy = policy_from(data)
    except UncountablePolicy:
        assume(False)
    assume(not uncountable_rules(policy, Calendar(years(YEARS))))
    return policy


def years(of: Any) -> list[CalendarYear]:
    return [CalendarYear(year=year, holidays=(), version=str(year)) for year in of]


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(accepted(), st.sets(st.sampled_from(YEARS)), st.booleans())
def test_any_accepted_policy__stops_nothing_whichever_calendars_are_missing(
    policy: Policy, published: set[int], early: bool
) -> None:
    history = History(calendars=[])
    for year in years(sorted(published)):
        history.publish(year, at("2026-01-01 00:00"))
    history.register(DISTRICT, "district", "2026-01-01 00:01")
    history.register(f"{DISTRICT}.1", "commune", "2026-01-01 00:02", DISTRICT)
    if early:
        history.adopt(policy, "2026-01-02 08:00")
    plan = DialoguePlanAdopted(effective_on=day("2026-02-02"), jurisdiction=DISTRICT, number="1/KH", year=2026)
    history.record(derived_id("plan", DISTRICT, "1/KH"), plan, "2026-02-02 08:00")
    conference = history.plan("c", "2026-03-20", planned="2026-02-03")
    petition = history.receive("p", "2026-02-10")
    history.hold(conference, petition, first="2026-03-20")
    history.record(petition, PetitionMarkedComplex(effective_on=day("2026-03-23"), decided_by="CT", criteria=("khó",)))
    history.record(petition, PetitionAssigned(effective_on=day("2026-03-23"), agency=f"{DISTRICT}.4"))
    if not early:
        history.adopt(policy, "2026-03-24 08:00")
    history.record(
        derived_id("jurisdiction", DISTRICT),
        ReceptionDayHeld(effective_on=day("2026-03-25"), code=DISTRICT, citizens=1),
    )
    reply = WrittenReplyIssued(effective_on=day("2026-04-01"), number="1/UBND", signatory="CT", digest="00")
    history.record(petition, reply, "2026-04-01 09:00")
    history.until("2027-06-01 00:00")
    engine = history.engine
    assert set(engine.cases.uncountable) <= set(engine.subjects())
    named = {int(rule.fixed_date[:4]) for rule in policy.rules if rule.fixed_date and len(rule.fixed_date) > 5}
    for year in years(sorted({*range(2023, 2030), *(year + n for year in named for n in range(4))})):
        history.publish(year, at("2027-06-02 08:00"))
    history.until("2027-07-01 00:00")
    assert engine.cases.uncountable == {}
    assert not engine.differences
