"""The rules in force at a place as sheets: what is adopted, what is the default, what an adoption changes."""

import msgspec

from services.followup.domain.regulation import RegulationLog
from services.followup.domain.rules_in_force import DocumentSheet, sheet_changes, sheets_in_force
from shared.policy import Policy, read_policy
from tests.support.history import DISTRICT, History, day

SHORTER = read_policy(
    "policy_id: shorter\ndocument: {number: 2/QĐ, issued_on: 2019-08-01}\nvalid_from: 2019-08-01\n"
    "rules: [{duty: reply, form: deadline, length: 10, section: Điều 3}]\n"
)


def sheets(history: History, place: str = DISTRICT, on: str = "2019-09-02") -> list[DocumentSheet]:
    return sheets_in_force(RegulationLog(history.facts), place, day(on))


def limits(found: list[DocumentSheet]) -> dict[tuple[str, str], str]:
    return {(sheet.policy.policy_id, line.title.en): line.limit.en for sheet in found for line in sheet.lines}


def test_nothing_adopted__the_default_names_no_document() -> None:
    (sheet,) = sheets(History())
    assert not sheet.adopted and sheet.policy.policy_id == "plan-570"
    assert all(line.section == "" for line in sheet.lines)
    assert not any("document" in each.en for line in sheet.lines for each in line.details)
    # The default opens nothing periodic by itself.
    assert "annual_dialogue" not in {line.duty for line in sheet.lines}


def test_own_plan_is_the_default__it_is_adopted_with_its_sections() -> None:
    history = History()
    history.adopt_plan_570()
    (sheet,) = sheets(history)
    assert sheet.adopted and {line.section for line in sheet.lines} >= {"II.4.1", "II.4.3"}
    assert "annual_dialogue" in {line.duty for line in sheet.lines}


def test_two_documents__each_says_what_holds_of_it() -> None:
    history = History()
    history.adopt(SHORTER, "2019-08-01 08:00")
    found = sheets(history)
    assert [sheet.adopted for sheet in found] == [False, True]
    assert limits(found)["shorter", "Written reply"] == "at most 10 working days after the last day of the conference"
    assert ("plan-570", "Written reply") not in limits(found)
    assert ("plan-570", "Conclusion notice") in limits(found)
    assert ("shorter", "Written reply") not in limits(sheets(history, on="2019-07-31"))
    assert ("shorter", "Written reply") not in limits(sheets(history, place="H40"))


def test_changes__none_between_equal_states_and_each_line_that_another_document_says() -> None:
    before, history = sheets(History()), History()
    assert sheet_changes(before, before) == []
    history.adopt(SHORTER, "2019-08-01 08:00")
    found = sheet_changes(before, sheets(history))
    told = [(c.before and c.before.line.limit.en[:18], c.after and c.after.line.limit.en[:18]) for c in found]
    # The document has no limit of its own for complex cases, so its only one holds for them too.
    assert told == [
        ("at most 15 working", "at most 10 working"),
        ("at most 30 working", "at most 10 working"),
        (None, "at least once a ye"),
    ]


def test_changes__the_same_words_of_another_document_are_a_change() -> None:
    first, second = History(), History()
    first.adopt(SHORTER, "2019-08-01 08:00")
    other = msgspec.structs.replace(SHORTER.document, number="3/QĐ")
    second.adopt(msgspec.structs.replace(SHORTER, document=other), "2019-08-01 08:00")
    found = sheet_changes(sheets(first), sheets(second))
    assert [(c.after and c.after.line.duty, c.after and c.after.policy.document.number) for c in found] == [
        ("reply", "3/QĐ")
    ]


def test_changes__what_is_said_of_all_held_for_an_audience_before() -> None:
    before, history = sheets(History()), History()
    youth: Policy = msgspec.structs.replace(SHORTER, audience="youth", precedence="decree")
    history.adopt(youth, "2019-08-01 08:00")
    (change,) = sheet_changes(before, sheets(history))
    assert change.audience == "youth"
    assert change.before is not None and change.before.line.limit.en.startswith("at most 15")
    assert change.after is not None and change.after.line.limit.en.startswith("at most 10")
