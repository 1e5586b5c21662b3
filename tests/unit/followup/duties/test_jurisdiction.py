"""What an authority itself owes: dialogues and reception days in each period, the communes' own plans (rule 9)."""

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest

from shared.events.any_stream import RecordAnnulled
from shared.events.deadline import DeadlineWaived
from shared.events.regulation import (
    DialoguePlanAdopted,
    FrequencyDutyWaived,
    JurisdictionClosed,
    JurisdictionRegistered,
    ReceptionDayHeld,
)
from shared.identifiers import derived_id
from shared.policy import Policy
from tests.support.history import DISTRICT, at, day
from tests.support.scenario import CONFERENCE, Happening, Record, Scenario, adopted, given, held, planned, policy_with

COMMUNE = "H35.10.20"
SECOND = derived_id("conference", "c2")


def subject(code: str = DISTRICT) -> UUID:
    return derived_id("jurisdiction", code)


def registered(code: str = DISTRICT, level: str = "district", since: str = "2004-01-01", parent: str = "") -> Record:
    event = JurisdictionRegistered(
        effective_on=day("2019-01-01"),
        code=code,
        name=code,
        level=level,  # type: ignore[arg-type]
        valid_from=day(since),
        parent=parent,
    )
    return Record("2019-01-01 08:00", subject(code), event)


def abolished(on: str, code: str = DISTRICT) -> Record:
    return Record(f"{on} 08:00", subject(code), JurisdictionClosed(effective_on=day(on), code=code))


def plan(
    on: str = "2019-06-24", recorded: str = "", code: str = DISTRICT, number: str = "570/KH-UBND", parent: str = ""
) -> Record:
    event = DialoguePlanAdopted(
        effective_on=day(on), jurisdiction=code, number=number, year=int(on[:4]), parent_plan=parent
    )
    return Record(recorded or f"{on} 08:00", derived_id("plan", code, number), event)


def reception(on: str) -> Record:
    return Record(f"{on} 17:00", subject(), ReceptionDayHeld(effective_on=day(on), code=DISTRICT))


def waiver(period: str, audience: str = "", duty: str = "annual_dialogue", on: str = "2019-07-01") -> Record:
    event = FrequencyDutyWaived(
        effective_on=day(on), code=DISTRICT, duty=duty, period=period, number="7/QĐ", audience=audience
    )
    return Record(f"{on} 08:30", subject(), event)


def stands(*happenings: Happening, duty: str = "annual_dialogue", code: str = DISTRICT) -> list[str]:
    return given(*happenings).stands(subject(code), duty)


def rules(text: str, **changes: object) -> Policy:
    return msgspec.structs.replace(policy_with(text), **changes)


YEARLY = "- {duty: annual_dialogue, form: frequency, frequency: {}}"
TWICE = "- {duty: annual_dialogue, form: frequency, frequency: {times: 2, waiver: {}}}"
MONTHLY = "- {duty: reception_day, form: frequency, frequency: {per: month}}"


# --- what opens it ----------------------------------------------------------------------------------------------------

OPENINGS: dict[str, tuple[list[Happening], list[str]]] = {
    "nothing adopted": (["2021-06-01 00:00"], []),
    "a plan adopted": ([plan()], ["2019 chair 2019-12-31 open"]),
    "a plan of another authority": ([plan(code="H35.11")], []),
    "the next year, on its first midnight": (
        [plan(), "2020-01-01 00:00"],
        ["2019 chair 2019-12-31 open", "2020 chair 2020-12-31 open"],
    ),
    "not before": ([plan(), "2019-12-31 23:59"], ["2019 chair 2019-12-31 open"]),
    # years already ended when the adoption was recorded are never opened
    "recorded three years later": ([plan("2019-06-24", "2022-05-05 08:00")], ["2022 chair 2022-12-31 open"]),
    "recorded on the last day of the year": (
        [plan("2019-06-24", "2019-12-31 23:00")],
        ["2019 chair 2019-12-31 open"],
    ),
    "recorded on the first day of the next": ([plan("2019-06-24", "2020-01-01 00:30")], ["2020 chair 2020-12-31 open"]),
    # a plan takes from the default what it leaves out; a law says what it says
    "a policy that stands on the default": (
        [adopted(rules("- {duty: reply, form: deadline, length: 5}"))],
        ["2019 chair 2019-12-31 open"],
    ),
    "a law that is silent on it": (
        [adopted(rules("- {duty: reply, form: deadline, length: 5}", precedence="law"))],
        [],
    ),
    "a policy for an audience that is silent on it": (
        [adopted(rules("- {duty: reply, form: deadline, length: 5}", audience="youth"))],
        [],
    ),
    "a policy that states it": ([adopted(rules(YEARLY, precedence="law"))], ["2019 chair 2019-12-31 open"]),
    "a policy that states it from a later day": (
        [adopted(rules(YEARLY, precedence="law", valid_from=day("2020-03-01"))), "2020-02-29 23:59"],
        [],
    ),
    "a policy that states it, on its first day": (
        [adopted(rules(YEARLY, precedence="law", valid_from=day("2020-03-01"))), "2020-03-01 00:00"],
        ["2020 chair 2020-12-31 open"],
    ),
    "for other levels": ([registered(), adopted(rules(YEARLY, levels=("commune",)))], []),
    "for its level, adopted above": (
        [registered(), adopted(rules(YEARLY, levels=("district",)), code="H35")],
        ["2019 chair 2019-12-31 open"],
    ),
    "for its level, adopted elsewhere": ([registered(), adopted(rules(YEARLY, levels=("district",)), code="H36")], []),
    "of a period that is no year": (
        [adopted(rules("- {duty: annual_dialogue, form: frequency, frequency: {per: half_year}}")), "2019-07-01 00:00"],
        ["2019-H1 chair 2019-06-30 open", "2019-H2 chair 2019-12-31 open"],
    ),
}


@pytest.mark.parametrize("case", OPENINGS)
def test_annual_dialogue__opened_only_by_what_was_adopted(case: str) -> None:
    happenings, expected = OPENINGS[case]
    assert stands(*happenings) == expected


def test_first_year__is_counted_from_its_adoption__the_next_from_its_first_day() -> None:
    scenario = given(plan(), "2020-01-01 00:00")
    rows = sorted(scenario.history.engine.raised_of(subject()), key=lambda r: r.part)
    explained = [r.explanation for r in rows]
    assert [e.counted_from for e in explained if e] == [day("2019-06-24"), day("2020-01-01")]
    opened = next(e for e in scenario.history.engine.emitted if e.event.due_on == day("2020-12-31"))
    assert opened.event.cause_id == scenario.history.facts[-1].event_id, "caused by what made it owe the duty at all"
    assert str(opened.event.at) == "2019-12-31 17:00:00+00:00"


# --- what is known late ---------------------------------------------------------------------------------------------


def test_plan_recorded_late_with_an_earlier_day__the_deadline_stands() -> None:
    scenario = given(plan(), "2019-12-20 00:00")
    scenario.when(plan("2019-03-04", "2019-12-20 08:00", number="111/KH-UBND"), "2020-01-01 00:00")
    scenario.then("annual_dialogue", "DeadlineBreached 2019-12-31", "DeadlineSet 2020-12-31")
    scenario.warned("annual_dialogue")  # both were given before
    first = min(scenario.history.engine.raised_of(subject()), key=lambda r: r.part)
    assert first.explanation is not None and first.explanation.counted_from == day("2019-03-04")
    earlier = next(f for f in scenario.history.facts if f.recorded_at == at("2019-12-20 08:00"))
    assert first.starting_event == earlier.event_id


def test_plan_recorded_late__years_that_have_ended_stand() -> None:
    happenings: list[Happening] = [plan(), "2020-02-03 00:00", plan("2018-05-02", "2020-02-03 08:00", number="1/KH")]
    assert stands(*happenings) == ["2019 chair 2019-12-31 open", "2020 chair 2020-12-31 open"]
    assert not [e for e in given(*happenings).history.told(subject()) if "Waived" in e or "Retracted" in e]


def test_year_before_all_that_was_known_in_it__is_not_opened_by_a_plan_recorded_late() -> None:
    law = adopted(rules(YEARLY, valid_from=day("2022-01-01")), on="2020-03-02")
    assert stands(law, plan("2019-05-06", "2021-02-01 08:00"), "2022-01-01 00:00") == [
        "2021 chair 2021-12-31 open",
        "2022 chair 2022-12-31 open",
    ]


def test_start_known_late__annulled__the_first_stands_again() -> None:
    late = plan("2019-03-04", "2019-12-20 08:00", number="111/KH-UBND")
    scenario = given(plan(), "2019-12-20 00:00", late)
    annulled = RecordAnnulled(effective_on=day("2019-12-21"), event_id=scenario.history.facts[-1].event_id, reason="x")
    scenario.when(Record("2019-12-21 08:00", late.subject, annulled), "2020-01-01 00:00")
    scenario.then("annual_dialogue", "DeadlineBreached 2019-12-31", "DeadlineSet 2020-12-31")


def test_first_start__annulled__is_waived_for_that() -> None:
    scenario = given(plan(), "2019-07-01 00:00")
    annulled = RecordAnnulled(effective_on=day("2019-07-01"), event_id=scenario.history.facts[-1].event_id, reason="x")
    scenario.when(Record("2019-07-01 08:00", derived_id("plan", DISTRICT, "570/KH-UBND"), annulled))
    (waived,) = [e.event for e in scenario.history.engine.emitted if isinstance(e.event, DeadlineWaived)]
    assert waived.reason == "start_annulled"


def test_period_that_a_document_recorded_late_divides__is_not_told_as_annulled() -> None:
    scenario = given(plan(), "2019-07-01 00:00")
    twice = rules("- {duty: annual_dialogue, form: frequency, frequency: {per: half_year}}")
    scenario.when(adopted(twice, on="2019-07-02"))
    (waived,) = [e.event for e in scenario.history.engine.emitted if isinstance(e.event, DeadlineWaived)]
    assert (waived.part, waived.reason) == ("2019", "no_longer_owed")


# --- what meets it ----------------------------------------------------------------------------------------------------


def periodic(on: str, conference: UUID = CONFERENCE, audience: str = "", kind: str = "periodic") -> list[Record]:
    made = planned(on, "2019-07-01", conference=conference)
    changed = msgspec.structs.replace(made.event, audience=audience, kind=kind)
    return [made._replace(event=changed), *held(on=on, conference=conference)]


MEETINGS: dict[str, tuple[list[Happening], list[str]]] = {
    "a periodic conference": ([plan(), *periodic("2019-08-23")], ["2019 chair 2019-12-31 met"]),
    "an extraordinary one": ([plan(), *periodic("2019-08-23", kind="extraordinary")], ["2019 chair 2019-12-31 open"]),
    "one that is only planned": ([plan(), planned()], ["2019 chair 2019-12-31 open"]),
    "one for an audience": ([plan(), *periodic("2019-08-23", audience="youth")], ["2019 chair 2019-12-31 open"]),
    "one on the last day": ([plan(), *periodic("2019-12-31")], ["2019 chair 2019-12-31 met"]),
    "one of the next year": (
        [plan(), *periodic("2020-01-02")],
        ["2019 chair 2019-12-31 open", "2020 chair 2020-12-31 met"],
    ),
    "one of two": (
        [adopted(rules(TWICE)), *periodic("2019-08-23")],
        ["2019/1 chair 2019-12-31 met", "2019/2 chair 2019-12-31 open"],
    ),
    "two of two": (
        [adopted(rules(TWICE)), *periodic("2019-08-23"), *periodic("2019-08-30", SECOND)],
        ["2019/1 chair 2019-12-31 met", "2019/2 chair 2019-12-31 met"],
    ),
}


@pytest.mark.parametrize("case", MEETINGS)
def test_annual_dialogue__met_by_a_periodic_conference_held_in_the_year(case: str) -> None:
    happenings, expected = MEETINGS[case]
    assert stands(*happenings) == expected


def test_two_dialogues__each_time_is_met_by_its_own() -> None:
    scenario = given(adopted(rules(TWICE)), *periodic("2019-08-23"), *periodic("2019-08-30", SECOND))
    rows = sorted(scenario.history.engine.raised_of(subject()), key=lambda r: r.part)
    assert [r.done_on for r in rows] == [day("2019-08-23"), day("2019-08-30")]


RECEPTIONS: dict[str, tuple[str, list[Happening], list[str]]] = {
    "of the month": (MONTHLY, [reception("2019-01-31")], ["2019-01 chair 2019-01-31 met"]),
    "of no month": (
        MONTHLY,
        ["2019-02-01 00:00"],
        ["2019-01 chair 2019-01-31 open", "2019-02 chair 2019-02-28 open"],
    ),
    "of another month": (
        MONTHLY,
        [reception("2019-02-01")],
        ["2019-01 chair 2019-01-31 open", "2019-02 chair 2019-02-28 met"],
    ),
    # the 28th; Sun 31 Mar 2019 would roll to Mon 1 Apr
    "on the day to which the last one rolled": (
        "- {duty: reception_day, form: frequency, roll: next_working_day, frequency: {per: month, day: 31}}",
        ["2019-03-31 23:59", reception("2019-04-01")],
        [
            "2019-01 chair 2019-01-31 open",
            "2019-02 chair 2019-02-28 open",
            "2019-03 chair 2019-04-01 met",
            "2019-04 chair 2019-05-02 met",
        ],
    ),
    "after the day of the month": (
        "- {duty: reception_day, form: frequency, frequency: {per: month, day: 10}}",
        [reception("2019-01-11")],
        ["2019-01 chair 2019-01-10 met_late"],
    ),
    "recorded in the other order": (
        "- {duty: reception_day, form: frequency, frequency: {per: month, times: 2}}",
        [reception("2019-01-20"), reception("2019-01-10")._replace(moment="2019-01-21 09:00")],
        ["2019-01/1 chair 2019-01-31 met", "2019-01/2 chair 2019-01-31 met"],
    ),
}


@pytest.mark.parametrize("case", RECEPTIONS)
def test_reception_day__met_by_one_of_its_month(case: str) -> None:
    text, happenings, expected = RECEPTIONS[case]
    assert stands(adopted(rules(text)), *happenings, duty="reception_day") == expected


def test_reception_days__in_the_order_in_which_they_were_held() -> None:
    text, happenings, _ = RECEPTIONS["recorded in the other order"]
    scenario = given(adopted(rules(text)), *happenings)
    rows = sorted(
        (r for r in scenario.history.engine.raised_of(subject()) if r.duty == "reception_day"), key=lambda r: r.part
    )
    assert [r.done_on for r in rows] == [day("2019-01-10"), day("2019-01-20")]


# --- what ends it -----------------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[list[Happening], list[str]]] = {
    "waived": (
        [adopted(rules(TWICE)), waiver("2019/1")],
        ["2019/1 chair 2019-12-31 waived", "2019/2 chair 2019-12-31 open"],
    ),
    "waived, of another duty": (
        [adopted(rules(TWICE)), waiver("2019/1", duty="reception_day")],
        ["2019/1 chair 2019-12-31 open", "2019/2 chair 2019-12-31 open"],
    ),
    "waived, for another audience": (
        [adopted(rules(TWICE)), waiver("2019/1", "youth")],
        ["2019/1 chair 2019-12-31 open", "2019/2 chair 2019-12-31 open"],
    ),
    "waived, where no document allows it": ([plan(), waiver("2019")], ["2019 chair 2019-12-31 open"]),
    "held and waived": (
        [adopted(rules(TWICE)), *periodic("2019-08-23"), waiver("2019/1", on="2019-09-02")],
        ["2019/1 chair 2019-12-31 met", "2019/2 chair 2019-12-31 open"],
    ),
    "abolished in the year": ([registered(), plan(), abolished("2019-07-01")], ["2019 chair 2019-12-31 waived"]),
    "abolished from the first day of the year on": (
        [
            registered(),
            plan("2018-06-24", "2019-01-02 08:00"),
            abolished("2020-01-01")._replace(moment="2019-12-02 08:00"),
            "2021-06-01 00:00",
        ],
        ["2019 chair 2019-12-31 open"],
    ),
    # the year begins all the same: its duty ends with its authority
    "abolished within the next year, known before": (
        [registered(), plan(), abolished("2020-07-01")._replace(moment="2019-12-02 08:00"), "2020-01-01 00:00"],
        ["2019 chair 2019-12-31 open", "2020 chair 2020-12-31 waived"],
    ),
    # the year had begun: what its first midnight opened is taken back
    "abolished on the first day of the year": (
        [registered(), plan("2018-06-24", "2019-01-02 08:00"), abolished("2020-01-01"), "2021-06-01 00:00"],
        ["2019 chair 2019-12-31 open", "2020 chair 2020-12-31 waived"],
    ),
    "abolished on the last day": (
        [registered(), plan(), abolished("2019-12-31"), "2021-06-01 00:00"],
        ["2019 chair 2019-12-31 waived"],
    ),
    "abolished, recorded after the next year began": (
        [registered(), plan(), "2020-02-01 00:00", abolished("2019-11-01")._replace(moment="2020-02-02 08:00")],
        ["2019 chair 2019-12-31 waived", "2020 chair 2020-12-31 waived"],
    ),
    "held before it was abolished": (
        [registered(), plan(), *periodic("2019-08-23"), abolished("2019-11-01")],
        ["2019 chair 2019-12-31 met"],
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_annual_dialogue__waived_by_decision_or_with_its_authority(case: str) -> None:
    happenings, expected = ENDS[case]
    assert stands(*happenings) == expected


def test_waiver__that_no_document_allows__is_noted() -> None:
    scenario = given(plan(), waiver("2019"))
    (row,) = scenario.history.engine.raised_of(subject())
    assert row.explanation is not None and "waiver_not_provided:2019-07-01" not in row.explanation.notes
    later = given(waiver("2019")._replace(moment="2019-06-01 08:00"), plan())
    (row,) = later.history.engine.raised_of(subject())
    assert row.explanation is not None and "waiver_not_provided:2019-07-01" in row.explanation.notes


GROUNDS: list[tuple[Callable[[], Scenario], str, str]] = [
    (lambda: given(adopted(rules(TWICE)), waiver("2019/1")), "2019/1", "waived_by_decision"),
    (lambda: given(registered(), plan(), abolished("2019-07-01")), "2019", "jurisdiction_closed"),
]


@pytest.mark.parametrize(("made", "part", "ground"), GROUNDS)
def test_waived__tells_why(made: Callable[[], Scenario], part: str, ground: str) -> None:
    (row,) = [r for r in made().history.engine.raised_of(subject()) if r.part == part]
    assert (row.outcome, row.ground, row.done_on) == ("waived", ground, day("2019-07-01"))


# --- another document -------------------------------------------------------------------------------------------------


def test_document_out_of_force__opens_no_further_period() -> None:
    ending = rules(YEARLY, precedence="law", valid_until=day("2019-12-31"), audience="youth")
    assert stands(adopted(ending), "2022-06-01 00:00") == ["youth:2019 chair 2019-12-31 open"]


def test_document_that_begins_again__opens_its_first_period_on_its_first_day() -> None:
    first = rules(YEARLY, precedence="law", valid_until=day("2019-12-31"), audience="youth")
    again = msgspec.structs.replace(first, policy_id="again", valid_from=day("2021-03-01"), valid_until=None)
    silent = rules(
        "- {duty: reply, form: deadline, length: 5}", policy_id="silent", audience="youth", valid_from=day("2020-05-01")
    )
    later = msgspec.structs.replace(again, policy_id="later", valid_from=day("2022-05-01"))
    records = (
        adopted(first),
        adopted(later, "2019-01-02"),
        adopted(again, "2019-01-03"),
        adopted(silent, "2019-01-04"),
    )
    assert stands(*records, "2021-02-28 23:59") == ["youth:2019 chair 2019-12-31 open"]
    assert stands(*records, "2021-03-01 00:00") == [
        "youth:2019 chair 2019-12-31 open",
        "youth:2021 chair 2021-12-31 open",
    ]


def test_rule_for_everyone__does_not_stand_in_for_one_for_an_audience() -> None:
    youth = rules(YEARLY, audience="youth", valid_until=day("2019-12-31"))
    everyone = rules(YEARLY, policy_id="everyone")
    assert stands(adopted(youth), adopted(everyone, "2019-01-03"), "2020-01-01 00:00") == [
        "2019 chair 2019-12-31 open",
        "2020 chair 2020-12-31 open",
        "youth:2019 chair 2019-12-31 open",
    ]


def test_each_year__uses_the_rule_in_force_on_its_first_day() -> None:
    more = rules(TWICE, policy_id="more", valid_from=day("2020-01-01"))
    assert stands(adopted(rules(YEARLY)), adopted(more, "2019-06-01"), "2020-01-01 00:00") == [
        "2019 chair 2019-12-31 open",
        "2020/1 chair 2020-12-31 open",
        "2020/2 chair 2020-12-31 open",
    ]
    later = msgspec.structs.replace(more, valid_from=day("2020-01-02"))
    assert stands(adopted(rules(YEARLY)), adopted(later, "2019-06-01"), "2020-06-01 00:00") == [
        "2019 chair 2019-12-31 open",
        "2020 chair 2020-12-31 open",
    ]


# --- the plans of the communes ----------------------------------------------------------------------------------------

BO = registered(COMMUNE, "commune", parent=DISTRICT)


def own(on: str, parent: str = "570/KH-UBND") -> Record:
    return plan(on, code=COMMUNE, number="12/KH-UBND", parent=parent)


COMMUNES: dict[str, tuple[list[Happening], list[str]]] = {
    "none registered": ([plan()], []),
    "one": ([BO, plan()], [f"{COMMUNE} chair None open"]),
    "a town is no commune": ([registered(COMMUNE, "district", parent=DISTRICT), plan()], []),
    "of another district": ([registered(COMMUNE, "commune", parent="H35.11"), plan()], []),
    "founded on the day of the plan": (
        [registered(COMMUNE, "commune", "2019-06-24", DISTRICT), plan()],
        [f"{COMMUNE} chair None open"],
    ),
    "founded the day after": ([registered(COMMUNE, "commune", "2019-06-25", DISTRICT), plan()], []),
    "abolished on the day of the plan": ([BO, abolished("2019-06-24", COMMUNE), plan()], []),
    "abolished the day after": (
        [BO, plan(), abolished("2019-06-25", COMMUNE)],
        [f"{COMMUNE} chair None open"],
    ),
    "adopted its own": ([BO, plan(), own("2019-07-10")], [f"{COMMUNE} chair None met"]),
    "adopted its own under another plan": ([BO, plan(), own("2019-07-10", "1/KH")], [f"{COMMUNE} chair None open"]),
    "adopted its own in an earlier year": (
        [BO, own("2018-07-10")._replace(moment="2019-02-01 08:00"), plan()],
        [f"{COMMUNE} chair None open"],
    ),
    "adopted its own earlier in the same year": (
        [BO, own("2019-02-01"), plan()],
        [f"{COMMUNE} chair None met"],
    ),
}


@pytest.mark.parametrize("case", COMMUNES)
def test_commune_plan__each_commune_of_the_day_adopts_its_own(case: str) -> None:
    happenings, expected = COMMUNES[case]
    assert stands(*happenings, duty="commune_plan") == expected


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        ("length: 10, unit: calendar_days", "2019-07-04"),
        ("length: 0, counted_from: fixed_date, fixed_date: '06-24'", "2019-06-24"),
        ("length: 0, counted_from: fixed_date, fixed_date: '06-23'", "2020-06-23"),
        ("length: 0, counted_from: fixed_date, fixed_date: '03-15'", "2020-03-15"),
        ("length: 0, counted_from: fixed_date, fixed_date: '2019-08-01'", "2019-08-01"),
    ],
)
def test_commune_plan__counted_from_the_plan_or_a_fixed_date(rule: str, due: str) -> None:
    policy = rules(f"- {{duty: commune_plan, form: deadline, {rule}}}")
    assert stands(adopted(policy), BO, plan(), duty="commune_plan") == [f"{COMMUNE} chair {due} open"]


def test_rows_of_the_authority__are_its_own() -> None:
    scenario = given(registered(), BO, plan(), "2020-01-01 00:00")
    rows = scenario.history.engine.raised_of(subject())
    assert {(r.subject, r.jurisdiction, r.debtor) for r in rows} == {("jurisdiction", DISTRICT, "chair")}
    assert {r.duty for r in rows} == {"annual_dialogue", "commune_plan"}
