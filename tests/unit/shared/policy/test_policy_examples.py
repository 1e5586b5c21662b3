"""Rules of real documents, each due date counted by hand in its comment.

What the language does not say yet is not here: shares of voters, quorums (the handbook's 50 to 300 people), the periods
and cut-offs of reports.
"""

from datetime import date

import pytest

from shared.calendar import Calendar
from shared.policy import (
    DEFAULT_POLICY,
    Policy,
    count,
    count_occurrence,
    named_rule,
    occurrences,
    read_policy,
    rule_count,
    shipped_policy,
    warning_days,
)
from tests.support.history import day, seed_years

CALENDAR = Calendar(seed_years())
YOUTH = shipped_policy("youth-dialogue")
COMMUNES = shipped_policy("communes-2025")
RECEPTION = shipped_policy("citizen-reception")

HEAD = "policy_id: test\ndocument: {number: 1/QĐ, issued_on: 2020-01-01}\nvalid_from: 2020-01-01\nrules:\n"


def policy(rules: str) -> Policy:
    return read_policy(HEAD + rules)


def rolled(duty: str, text: str) -> Policy:
    return policy(f"  - {{duty: {duty}, {text}, unit: calendar_days, roll: next_working_day}}\n")


#: A city committee's handbook: calendar days, twice a year.
HANDBOOK = policy(
    "  - {duty: public_notice, form: minimum_notice, length: 7, unit: calendar_days}\n"
    "  - {duty: conclusion_notice, form: deadline, length: 10, unit: calendar_days}\n"
    "  - {duty: result_report, form: deadline, length: 20, unit: calendar_days, counted_from: conference_end}\n"
    "  - duty: annual_dialogue\n"
    "    form: frequency\n"
    "    frequency:\n"
    "      times: 2\n"
    "      windows: [{first: 06-01, last: 06-30}, {first: 12-01, last: 12-31}]\n"
)

CASES = [
    # plan 570, Fri 23 Aug 2019, 2 September off
    (DEFAULT_POLICY, "invitation", "2019-08-23", "2019-08-14"),
    (DEFAULT_POLICY, "conclusion", "2019-08-23", "2019-08-30"),
    (DEFAULT_POLICY, "reply", "2019-08-23", "2019-09-16"),
    (DEFAULT_POLICY, "reply_complex", "2019-08-23", "2019-10-07"),
    # youth, Thu 26 Mar 2026: 30 days back; 26 + 10 = Sun 5 Apr; 26 + 15 = Fri 10 Apr; request of Fri 10 Apr + 45
    (YOUTH, "public_notice", "2026-03-26", "2026-02-24"),
    (YOUTH, "conclusion", "2026-03-26", "2026-04-05"),
    (rolled("conclusion_notice", "form: deadline, length: 10"), "conclusion", "2026-03-26", "2026-04-06"),
    (YOUTH, "conclusion_notice_several_fields", "2026-03-26", "2026-04-10"),
    (YOUTH, "conclusion_notice_complex", "2026-03-26", "2026-04-10"),
    (YOUTH, "convene", "2026-04-10", "2026-05-25"),
    # a plan of 8 Mar 2023 for Thu 23 Mar 2023 was due on 21 Feb
    (YOUTH, "public_notice", "2023-03-23", "2023-02-21"),
    # communes: 7 days back, 10 days on
    (COMMUNES, "public_notice", "2025-10-29", "2025-10-22"),
    (COMMUNES, "result_publication", "2025-10-29", "2025-11-08"),
    # handbook, Thu 18 Jun 2026
    (HANDBOOK, "public_notice", "2026-06-18", "2026-06-11"),
    (HANDBOOK, "conclusion", "2026-06-18", "2026-06-28"),
    (rolled("conclusion_notice", "form: deadline, length: 10"), "conclusion", "2026-06-18", "2026-06-29"),
    (HANDBOOK, "result_report", "2026-06-18", "2026-07-08"),
    # reception, Thu 23 Apr 2026: 24(1) [25 26 27] 28(2) 29(3) [30 1 2 3] 4-8(8) [9 10] 11 12(10)
    (RECEPTION, "acceptance_notice", "2026-04-23", "2026-05-12"),
    (RECEPTION, "forwarder_report", "2026-04-23", "2026-05-07"),
    (RECEPTION, "result_notice", "2026-04-23", "2026-05-05"),
    # circulars: five working days, three for what comes in online, ten for complex cases; Mon 7 Sep 2026
    *[
        (
            policy(
                "  - duty: acceptance_notice\n    form: deadline\n    length: 5\n"
                "    variants: [{when: [online], length: 3}, {when: [complex], length: 10},"
                " {when: [online, complex], length: 8}]\n"
            ),
            name,
            "2026-09-07",
            due,
        )
        for name, due in (
            ("acceptance_notice", "2026-09-14"),
            ("acceptance_notice_online", "2026-09-10"),
            ("acceptance_notice_complex", "2026-09-21"),
            ("acceptance_notice_online_complex", "2026-09-17"),
            ("acceptance_notice_complex_online", "2026-09-17"),
        )
    ],
    # workplace dialogue, Wed 9 Sep 2026: 8(1) 7(2) [6 5] 4(3) 3(4) [2-31 Aug] 28 Aug(5); 10 11 14(3)
    (policy("  - {duty: invitation, form: minimum_notice, length: 5}\n"), "invitation", "2026-09-09", "2026-08-28"),
    (policy("  - {duty: conclusion_notice, form: deadline, length: 3}\n"), "conclusion", "2026-09-09", "2026-09-14"),
]


@pytest.mark.parametrize(
    ("rules", "name", "start", "due"), CASES, ids=[f"{p.policy_id}-{n}-{s}" for p, n, s, _ in CASES]
)
def test_due_date__as_the_document_says(rules: Policy, name: str, start: str, due: str) -> None:
    counted = rule_count(rules, name, day(start), CALENDAR)
    assert counted is not None
    assert counted.due_on == day(due)


def test_complaints__complex_remote_and_both_are_totals() -> None:
    complaints = policy(
        "  - duty: reply\n    form: deadline\n    length: 30\n    unit: calendar_days\n    counted_from: acceptance\n"
        "    variants:\n"
        "      - {when: [complex], in_total: 45, criteria: [nhiều người, nhiều địa phương]}\n"
        "      - {when: [remote], length: 45}\n"
        "      - {when: [complex, remote], in_total: 60}\n"
    )
    rule, _ = named_rule(complaints, "reply")
    due = [
        count(rule, day("2026-03-02"), CALENDAR, frozenset(traits))
        for traits in ((), ("complex",), ("remote",), ("complex", "remote"))
    ]
    assert [(c.due_on - day("2026-03-02")).days for c in due if c] == [30, 45, 45, 60]


def dues(rules: Policy, duty: str, since: str, until: str) -> dict[str, date]:
    rule, _ = named_rule(rules, duty)
    assert rule.frequency is not None
    return {
        each.part: count_occurrence(rule, each, each.first, CALENDAR).due_on
        for each in occurrences(rule.frequency, day(since), day(until))
    }


def test_reception_day__of_the_month__rolls_to_the_next_working_day() -> None:
    # 25 Jan 2026 is a Sunday; 25 Apr a Saturday before the day off of Mon 27 Apr; 25 Feb a Wednesday
    monthly = policy(
        "  - duty: reception_day\n    form: frequency\n    roll: next_working_day\n"
        "    frequency: {per: month, day: 25}\n"
    )
    found = dues(monthly, "reception_day", "2026-01-01", "2026-04-30")
    assert found == {
        "2026-01": day("2026-01-26"),
        "2026-02": day("2026-02-25"),
        "2026-03": day("2026-03-25"),
        "2026-04": day("2026-04-28"),
    }


def test_youth__none_in_march_is_a_warning__none_in_the_year_a_breach() -> None:
    rule, _ = named_rule(YOUTH, "annual_dialogue")
    assert rule.frequency is not None
    (only,) = occurrences(rule.frequency, day("2026-01-01"), day("2026-12-31"))
    due = count_occurrence(rule, only, only.first, CALENDAR).due_on
    assert due == day("2026-12-31")
    assert warning_days(rule, only, YOUTH.warn_days, due, CALENDAR) == (day("2026-04-01"),)


def test_handbook__two_a_year__each_is_owed_for_itself() -> None:
    rule, _ = named_rule(HANDBOOK, "annual_dialogue")
    assert rule.frequency is not None
    june, december = occurrences(rule.frequency, day("2026-01-01"), day("2026-12-31"))
    assert (june.part, december.part) == ("2026/1", "2026/2")
    assert warning_days(rule, june, (5, 1), june.last, CALENDAR) == (day("2026-07-01"),)
    assert june.last == december.last == day("2026-12-31")


def test_plan__warns_of_the_annual_dialogue_on_1_october() -> None:
    rule, _ = named_rule(DEFAULT_POLICY, "annual_dialogue")
    assert rule.frequency is not None
    (only,) = occurrences(rule.frequency, day("2019-06-24"), day("2019-06-24"))
    assert warning_days(rule, only, (5, 1), only.last, CALENDAR) == (day("2019-10-01"),)


def test_posting__thirty_consecutive_days__the_first_counts() -> None:
    posted = policy(
        "  - {duty: posting, form: minimum_duration, length: 30, unit: calendar_days, first_day: included}\n"
    )
    counted = rule_count(posted, "posting", day("2026-03-02"), CALENDAR)
    assert counted is not None
    assert (counted.due_on, len(counted.days)) == (day("2026-03-31"), 30)


@pytest.mark.parametrize(
    ("hours", "due"), [(1, "2026-03-03"), (24, "2026-03-03"), (25, "2026-03-04"), (72, "2026-03-05")]
)
def test_hours__end_with_the_day_in_which_they_end(hours: int, due: str) -> None:
    hourly = policy(f"  - {{duty: acceptance_notice, form: deadline, length: {hours}, unit: hours}}\n")
    counted = rule_count(hourly, "acceptance_notice", day("2026-03-02"), CALENDAR)
    assert counted is not None and counted.due_on == day(due)
