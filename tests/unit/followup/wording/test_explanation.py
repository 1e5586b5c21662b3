"""An explanation in words: the same facts in Vietnamese and in English, each day of the count in its place."""

import re
import unicodedata
from datetime import date
from typing import get_args

import msgspec
import pytest

from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.deadlines.status import Status
from services.followup.domain.duties.duty import WaiverGround
from services.followup.domain.wording import names
from services.followup.domain.wording.explanation import counted_days, letter, short_line
from services.followup.domain.wording.notes import (
    NOTE_TEXTS,
    TRAIT_TOO_LATE_TEXTS,
    note_day,
    note_text,
)
from services.followup.entrypoints.json_views import StatusName
from shared.events import EVENTS
from shared.events.any_stream import RecordAnnulled
from shared.events.deadline import Explanation
from shared.events.petition import ExtensionGranted, PetitionAssigned
from shared.events.regulation import DialoguePlanAdopted
from shared.identifiers import derived_id
from shared.policy import DEFAULT_POLICY, DUTIES, Note, NoteKind, read_note, recorded_note
from shared.policy.schema import Trait
from tests.support.history import DISTRICT, History, day


def explained(history: History, subject: object, duty: str) -> Explanation:
    found = [r for s in history.engine.subjects() for r in history.engine.raised_of(s) if r.duty == duty]
    explanation = next(r for r in found if r.subject_id == subject).explanation
    assert explanation is not None
    return explanation


@pytest.fixture
def history() -> History:
    """One petition of the conference of Friday 23 August 2019, under plan 570; Monday 2 September is a holiday."""
    return under(adopted=True)


def under(adopted: bool, jurisdiction: str = DISTRICT) -> History:
    history = History()
    if adopted:
        history.adopt_plan_570(jurisdiction=jurisdiction)
    conference = history.plan("c", "2019-08-23")
    petition = history.receive("p", "2019-07-10")
    history.hold(conference, petition, first="2019-08-23")
    history.record(petition, PetitionAssigned(effective_on=day("2019-08-28"), agency="H35.10.3"), "2019-08-28 10:00")
    return history


PETITION, CONFERENCE = derived_id("petition", "p"), derived_id("conference", "c")


def test_reply__in_one_line(history: History) -> None:
    line = short_line(explained(history, PETITION, "reply"))
    assert line.vi == (
        "15 ngày làm việc kể từ sau ngày 23/08/2019 (văn bản 570/KH-UBND, mục II.4.3); không tính ngày nghỉ 02/09"
    )
    assert (
        line.en == "15 working days after 23 August 2019 (document 570/KH-UBND, section II.4.3); "
        "days off 2 Sep not counted"
    )


def test_default__that_nobody_adopted_is_cited_as_no_law() -> None:
    history = under(adopted=False)
    found = explained(history, PETITION, "reply")
    # Its id and its count stay.
    assert (found.adopted, found.policy_id, found.days, found.due_on) == (False, "plan-570", 15, date(2019, 9, 16))
    assert short_line(found).vi == (
        "15 ngày làm việc kể từ sau ngày 23/08/2019 (thời hạn mặc định của phần mềm; đơn vị chưa ban hành quy định); "
        "không tính ngày nghỉ 02/09"
    )
    assert "Thời hạn mặc định của phần mềm; đơn vị chưa ban hành quy định." in letter(found).vi.split("\n")
    undated = explained(history, PETITION, "result_report")
    for explanation in (found, undated):
        for text in (short_line(explanation), letter(explanation)):
            said = f"{text.vi} {text.en}"
            assert not re.search("570|Căn cứ|văn bản không|document|section|Source:", said), said
        assert len(letter(explanation).vi.split("\n")) == len(letter(explanation).en.split("\n"))


@pytest.mark.parametrize(
    ("number", "year", "place", "adopted"),
    [
        ("570/KH-UBND", 2019, DISTRICT, True),
        ("570/KH-UBND", 2019, "H35", True),  # a province's plan holds below it
        ("570/KH-UBND", 2019, "H96", False),
        ("570/KH-UBND", 2019, f"{DISTRICT}.31", False),
        ("570/KH-UBND", 2018, DISTRICT, False),  # numbers begin anew each year
        ("57/KH-UBND", 2019, DISTRICT, False),
    ],
)
def test_default__is_adopted_by_the_plan_that_it_is(number: str, year: int, place: str, adopted: bool) -> None:
    history = History()
    plan = DialoguePlanAdopted(effective_on=day("2019-06-24"), jurisdiction=place, number=number, year=year)
    history.record(derived_id("plan"), plan, "2019-06-24 09:00", jurisdiction=place)
    conference = history.plan("c", "2019-08-23")
    assert explained(history, conference, "invitation").adopted is adopted


def test_policy__that_leaves_a_duty_to_the_default_does_not_adopt_the_default() -> None:
    history = History()
    own = msgspec.structs.replace(DEFAULT_POLICY, policy_id="own", rules=DEFAULT_POLICY.rules[:1])
    history.adopt(own, "2019-06-24 09:00")
    conference = history.plan("c", "2019-08-23")
    assert [explained(history, conference, rule.duty).adopted for rule in own.rules] == [True]
    assert not explained(history, conference, "public_notice").adopted


@pytest.mark.parametrize(
    ("section", "vi", "en"),
    [
        ("II.4.1, III.5", "mục II.4.1, III.5", "section II.4.1, III.5"),
        ("3", "mục 3", "section 3"),
        ("Điều 28", "Điều 28", "Điều 28"),
        ("Chương II", "Chương II", "Chương II"),
        ("Luật Thanh niên, Điều 10", "Luật Thanh niên, Điều 10", "Luật Thanh niên, Điều 10"),
        ("mục 3", "mục 3", "mục 3"),
    ],
)
def test_section__names_its_kind_once(section: str, vi: str, en: str) -> None:
    explanation = Explanation(
        rule="reply", policy_id="p", document="1/QĐ", section=section, days=10, counted_from=day("2019-08-23"),
        due_on=day("2019-09-09"),
    )  # fmt: skip
    assert f"(văn bản 1/QĐ, {vi})" in short_line(explanation).vi
    assert f"Source: document 1/QĐ, {en}." in letter(explanation).en


def test_reply__as_a_letter(history: History) -> None:
    text = letter(explained(history, PETITION, "reply"))
    vi, en = text.vi.split("\n"), text.en.split("\n")
    assert vi[0] == "Việc phải làm: Trả lời kiến nghị bằng văn bản."
    assert vi[2] == "Mốc tính: thứ Sáu, ngày 23/08/2019; bản thân ngày này không được tính."
    assert "Không tính thứ Hai, ngày 02/09/2019 (ngày nghỉ: Quốc khánh)." in vi
    assert vi[-1] == "Hạn cuối: hết thứ Hai, ngày 16/09/2019."
    assert "Not counted: Monday 2 September 2019 (day off: National Day)." in en
    assert en[-1] == "Due: by the end of Monday 16 September 2019."
    assert len(vi) == len(en)


def test_counted_days__run_to_the_due_date_with_their_numbers(history: History) -> None:
    lines = counted_days(explained(history, PETITION, "reply"))
    assert (lines[0].date, lines[0].kind, lines[0].number) == (date(2019, 8, 23), "start", None)
    assert (lines[-1].date, lines[-1].kind, lines[-1].number) == (date(2019, 9, 16), "counted", 15)
    by_day = {line.date: line for line in lines}
    assert by_day[date(2019, 9, 2)].reason.vi == "ngày nghỉ: Quốc khánh"
    assert by_day[date(2019, 8, 24)].kind == "skipped"
    assert len(lines) == 25


def test_counted_days__backwards(history: History) -> None:
    explanation = explained(history, CONFERENCE, "invitation")
    lines = counted_days(explanation)
    assert [line.number for line in lines if line.number] == [1, 2, 3, 4, 5, 6, 7]
    assert lines[-1].date == date(2019, 8, 14)
    assert short_line(explanation).vi.startswith("chậm nhất 7 ngày làm việc trước ngày 23/08/2019")
    assert short_line(explained(history, CONFERENCE, "preparation_report")).vi.startswith(
        "chậm nhất vào ngày làm việc liền trước ngày 23/08/2019"
    )


def test_counted_days__over_a_make_up_saturday() -> None:
    history = History()
    conference = history.plan("c", "2019-04-24", planned="2019-03-01")
    history.hold(conference, first="2019-04-24")
    explanation = explained(history, conference, "conclusion_notice")
    last = counted_days(explanation)[-1]
    assert (last.date, last.kind, last.number) == (date(2019, 5, 4), "makeup", 5)
    assert "tính cả ngày làm bù 04/05" in short_line(explanation).vi
    assert "Có tính thứ Bảy, ngày 04/05/2019 (ngày làm bù cho ngày 29/04/2019)." in letter(explanation).vi


def test_extension__moves_the_date_and_the_count_still_ends_by_the_rule(history: History) -> None:
    told = day("2019-09-10")
    granted = ExtensionGranted(
        effective_on=told, petitioner_told_on=told, committee_told_on=told, expected_on=day("2019-10-01")
    )
    history.record(PETITION, granted, "2019-09-10 10:00")
    explanation = explained(history, PETITION, "reply")
    assert explanation.notes == ("extended:2019-10-01", "by_rule_alone:2019-09-16")
    assert counted_days(explanation)[-1].date == date(2019, 9, 16)
    assert "được gia hạn đến 01/10/2019" in short_line(explanation).vi
    assert letter(explanation).en.endswith("Due: by the end of Tuesday 1 October 2019.")


def test_undated_and_fixed_days__are_not_counted(history: History) -> None:
    undated = explained(history, PETITION, "result_report")
    assert counted_days(undated) == [] and "không ấn định số ngày" in short_line(undated).vi
    yearly = explained(history, derived_id("jurisdiction", DISTRICT), "annual_dialogue")
    assert counted_days(yearly) == []
    assert short_line(yearly).en == "within the year 2019 (document 570/KH-UBND, section II.3)"


def test_same_day__is_told_as_such() -> None:
    explanation = Explanation(
        rule="reply_report",
        policy_id="plan-570",
        document="570/KH-UBND",
        counted_from=date(2019, 9, 5),
        days=0,
        due_on=date(2019, 9, 5),
    )
    assert short_line(explanation).vi == "trong ngày 05/09/2019 (văn bản 570/KH-UBND)"
    assert [line.kind for line in counted_days(explanation)] == ["start"]
    assert "không được tính" not in letter(explanation).vi and "not counted" not in letter(explanation).en


@pytest.mark.parametrize("recorded", ["brand_new:2030-01-02", "extended:soon", "no_variant:blue", "blue_too_late:x"])
def test_note__that_this_release_does_not_know_stays_as_it_is(recorded: str) -> None:
    assert read_note(recorded) is None
    assert note_text(recorded, "vi") == recorded
    assert note_day((recorded, "not_stated", "extended:2019-10-01"), NoteKind.EXTENDED) == date(2019, 10, 1)


@pytest.mark.parametrize(
    ("note", "recorded"),
    [
        (Note(NoteKind.EXTENDED, date(2019, 10, 15)), "extended:2019-10-15"),
        (Note(NoteKind.NOT_STATED), "not_stated"),
        (Note(NoteKind.NO_VARIANT, trait="remote"), "no_variant:remote"),
        (Note(NoteKind.POLICY_MOVED, date(2019, 8, 30), document="2/QĐ"), "policy_moved:2/QĐ:2019-08-30"),
        (Note(NoteKind.TRAIT_TOO_LATE, date(2019, 10, 1), "complex"), "complex_too_late:2019-10-01"),
        (Note(NoteKind.TRAIT_TOO_LATE, date(2019, 10, 1), "very_complex"), "very_complex_too_late:2019-10-01"),
        (Note(NoteKind.EXTENSION_TOO_LATE, date(2019, 10, 1)), "extension_too_late:2019-10-01"),
    ],
)
def test_note__is_recorded_as_a_code_with_its_values(note: Note, recorded: str) -> None:
    assert recorded_note(note) == recorded
    assert read_note(recorded) == note


def test_note__names_a_document_without_its_colons() -> None:
    moved = Note(NoteKind.POLICY_MOVED, date(2019, 8, 30), document="2:3/QĐ")
    assert recorded_note(moved) == "policy_moved:2 3/QĐ:2019-08-30"


def test_every_name__is_there_in_both_languages() -> None:
    assert {*DUTIES, "reply_complex"} <= names._DUTIES.keys()
    assert names._EVENTS.keys() == EVENTS.keys()
    assert NOTE_TEXTS.keys() | {NoteKind.TRAIT_TOO_LATE} == set(NoteKind)
    assert TRAIT_TOO_LATE_TEXTS.keys() == set(get_args(Trait))
    assert names._STATUSES.keys() == set(Status) == set(get_args(StatusName))
    assert names._GROUNDS.keys() == set(WaiverGround)
    assert {state for states in names._STATES.values() for state in states} == set(CaseState)
    tables = [names._DUTIES, names._BODIES, names._STATUSES, names._GROUNDS, names._EVENTS, *names._STATES.values()]
    pairs = [(w.vi, w.en) for table in tables for w in table.values()] + [
        *NOTE_TEXTS.values(),
        *TRAIT_TOO_LATE_TEXTS.values(),
    ]
    for vi, en in pairs:
        assert vi != en and vi == unicodedata.normalize("NFC", vi)
        assert set(re.findall(r"{\w+}", vi)) == set(re.findall(r"{\w+}", en))
    assert names.event_words(RecordAnnulled.TOPIC).vi == "Hủy bản ghi sai"
    assert names.duty_words("something_new").vi == "something_new"
