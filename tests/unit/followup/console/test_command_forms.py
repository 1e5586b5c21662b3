"""Forms made from definitions: what is filled in comes back as the body, and what is wrong stands at its input."""

from collections.abc import Mapping
from datetime import date
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.console.acts import NEXT
from services.followup.console.cases import ENDED
from services.followup.console.command_forms import (
    BLANK_ROWS,
    CHOSEN,
    MAX_ROWS,
    NEEDED,
    NOT_ASKED,
    Choices,
    CommandForm,
    FormField,
    as_filled,
    body_of,
    field_of,
    form_of,
    input_of,
    said_of,
    with_more,
)
from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseState
from services.intake.application.command_body import CODECS
from services.intake.application.definitions import DEFINITIONS
from shared.command_definitions import ChoiceDefinition, CommandDefinition, FieldDefinition, FieldKind, Translated
from shared.policy import read_policy
from tests.support.bilingual import check_bilingual

TODAY = date(2026, 9, 5)
IDS = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058")
POLICY = """\
policy_id: h35
document: {number: 1/QĐ-UBND, issued_on: 2026-01-02}
valid_from: 2026-01-02
rules:
  - {duty: reply, form: deadline, length: 10, counted_from: receipt}
"""


def said(text: str) -> Translated:
    return Translated(f"Ô {text}", f"Field {text}")


def offered(*values: str) -> tuple[ChoiceDefinition, ...]:
    return tuple(ChoiceDefinition(value, said(value)) for value in values)


#: What there is to choose from, as the console offers it.
CHOICES: Choices = {
    "place": offered("H35", "H35.10"),
    "agency": offered("H35.10.1", "H35.10.4"),
    "body": offered("office", "chair", "H35.10.4"),
    "petition": offered(*IDS),
    "conference": offered(*IDS),
    "record": offered(*IDS),
    "deadline": offered(*IDS),
}


class SentField(NamedTuple):
    """What a browser sends of a field, by the end of its inputs' names, and the value that it stands for."""

    inputs: dict[str, str]
    value: Any


# --- what people fill in ---------------------------------------------------------------------------------------------

LINE = st.text(st.sampled_from("aạếĐ0 .:-<&\"'{}[]%"), min_size=1, max_size=12).map(str.strip).filter(bool)
TEXT = st.lists(LINE, min_size=1, max_size=3).map("\n".join)


def entries(field: FormField) -> st.SearchStrategy[SentField]:
    """Everything that can be filled into a field."""
    if field.kind == "group":
        return groups(field)
    if field.is_list and field.choices:
        chosen = st.lists(st.sampled_from([c.value for c in field.choices]), min_size=1, unique=True)
        ordered = chosen.map(lambda some: [c.value for c in field.choices if c.value in some])
        return ordered.map(lambda values: SentField({f".{value}": "yes" for value in values}, values))
    if field.is_list:
        return st.lists(LINE, min_size=1, max_size=4).map(
            lambda lines: SentField({"": "\r\n".join(lines) + "\r\n"}, lines)
        )
    if field.choices:
        return st.sampled_from(field.choices).map(lambda choice: SentField({"": choice.value}, choice.value))
    match field.kind:
        case "date":
            days = st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31))
            written = st.sampled_from(("%d/%m/%Y", "%Y-%m-%d", "%d.%m.%y"))
            return st.builds(lambda day, how: SentField({"": day.strftime(how)}, day.isoformat()), days, written)
        case "number":
            return st.integers(0, 10**17).map(lambda number: SentField({"": f" {number} "}, number))
        case "yes_no":
            answers = [True, False] if field.is_required else [True]
            return st.sampled_from(answers).map(lambda answer: SentField({"": "yes" if answer else "no"}, answer))
        case "policy":
            return st.just(SentField({"": POLICY}, POLICY))
        case "file":
            return st.just(SentField({"": "ab" * 32}, "ab" * 32))
        case _:
            return TEXT.map(lambda text: SentField({"": f"  {text} "}, text))


def groups(field: FormField) -> st.SearchStrategy[SentField]:
    row = filled_in(field.fields).filter(lambda entry: bool(entry.value))
    if not field.is_list:
        return row.map(lambda entry: SentField({f".{name}": text for name, text in entry.inputs.items()}, entry.value))

    def numbered(rows: dict[int, SentField]) -> SentField:
        inputs = {f".{n}.{name}": text for n, entry in rows.items() for name, text in entry.inputs.items()}
        bodies = [rows[n].value for n in sorted(rows)]
        return SentField(inputs, {str(n): body for n, body in enumerate(bodies, 1)} if field.is_keyed else bodies)

    return st.dictionaries(st.integers(0, MAX_ROWS - 1), row, min_size=1, max_size=3).map(numbered)


def filled_in(fields: tuple[FormField, ...]) -> st.SearchStrategy[SentField]:
    """The fields of a form filled in, those that may be left empty or not; an empty input is sent as a browser does."""

    def together(some: dict[str, SentField | None]) -> SentField:
        inputs, body = dict[str, str](), dict[str, Any]()
        for name, entry in some.items():
            if entry is None:
                inputs[name] = " "
            else:
                inputs |= {name + end: text for end, text in entry.inputs.items()}
                body[name] = entry.value
        return SentField(inputs, body)

    return st.fixed_dictionaries(
        {f.name: entries(f) if f.is_required else st.one_of(st.none(), entries(f)) for f in fields}
    ).map(together)


# --- definitions that there might be ---------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z_]{0,6}", fullmatch=True).filter(lambda name: name not in NOT_ASKED)
SINGLE: tuple[FieldKind, ...] = (
    "text", "long_text", "number", "yes_no", "date", "choice", "file", *sorted(CHOSEN),
)  # fmt: skip
LISTED: tuple[FieldKind, ...] = ("text", "agency", "petition")


@st.composite
def definitions_of_fields(draw: st.DrawFn, depth: int = 0) -> tuple[FieldDefinition, ...]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    return tuple(draw(definitions_of_field(name, depth)) for name in names)


@st.composite
def definitions_of_field(draw: st.DrawFn, name: str, depth: int) -> FieldDefinition:
    is_list = draw(st.booleans())
    kinds = (*(LISTED if is_list else SINGLE), *(("group",) if depth < 2 else ()))
    kind = draw(st.sampled_from(kinds))
    return FieldDefinition(
        name=name,
        kind=kind,
        title=said(name),
        is_required=draw(st.booleans()),
        is_list=is_list,
        is_keyed=kind == "group" and is_list and draw(st.booleans()),
        choices=offered("one", "two.three") if kind == "choice" else (),
        fields=draw(definitions_of_fields(depth + 1)) if kind == "group" else (),
    )


@st.composite
def definitions(draw: st.DrawFn) -> CommandDefinition:
    return CommandDefinition(
        command="X",
        path="/v1/x",
        aggregate="x",
        title=said("x"),
        roles=("office",),
        fields=draw(definitions_of_fields()),
    )


@given(st.data())
def test_form_of_any_definition__gives_back_what_was_filled_in(data: st.DataObject) -> None:
    form = form_of(data.draw(definitions()), data.draw(st.sampled_from(({}, CHOICES))))
    filled, body = data.draw(filled_in(form.fields))
    assert body_of(form, filled | {"key": "k"}, TODAY) == (body, [])


@settings(max_examples=20)
@given(st.data())
@pytest.mark.parametrize("path", DEFINITIONS)
def test_form_of_each_command__gives_a_body_that_intake_decodes(path: str, data: st.DataObject) -> None:
    form = form_of(DEFINITIONS[path], CHOICES)
    filled, body = data.draw(filled_in(form.fields))
    found, errors = body_of(form, filled, TODAY)
    assert errors == []
    assert {name: value for name, value in found.items() if name != "policy"} == {
        name: value for name, value in body.items() if name != "policy"
    }
    CODECS[path].decode(msgspec.json.encode(found))


@given(st.data(), st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=6))
@settings(max_examples=200)
def test_whatever_is_sent__gives_a_body_or_what_is_wrong_with_it(data: st.DataObject, strange: dict[str, str]) -> None:
    """No input breaks a form: not one that nobody asked for, not one in the place of another."""
    form = form_of(data.draw(st.sampled_from(tuple(DEFINITIONS.values()))), CHOICES)
    names = _input_names(form)
    inputs = st.sampled_from([*names, *(f"{name}.rows" for name in names)])
    twisted = data.draw(st.dictionaries(inputs, st.text(max_size=12)))
    filled = strange | twisted
    body, errors = body_of(form, filled, TODAY)
    assert set(body) <= {field.name for field in form.fields}
    for error in errors:
        check_bilingual_but_for_quotes(error.said)
        assert error.at
    for field in form.fields:
        if field.kind == "group" and field.is_list:
            assert BLANK_ROWS <= len(field.rows(filled, field.name)) <= MAX_ROWS


def check_bilingual_but_for_quotes(words: Translated) -> None:
    assert words.vi.strip() and words.en.strip() and words.vi != words.en


def _input_names(form: CommandForm) -> list[str]:
    def walk(fields: tuple[FormField, ...], prefix: str) -> list[str]:
        found = []
        for field in fields:
            found.append(prefix + field.name)
            found += walk(field.fields, f"{prefix}{field.name}.{'0.' if field.is_list else ''}")
        return found

    return walk(form.fields, "")


# --- what is wrong ---------------------------------------------------------------------------------------------------


def form(command: str) -> CommandForm:
    return form_of(next(d for d in DEFINITIONS.values() if d.command == command), CHOICES)


def told(command: str, filled: Mapping[str, str]) -> dict[str, str]:
    """What is said to be wrong, by input; each in both languages."""
    _, errors = body_of(form(command), filled, TODAY)
    for error in errors:
        check_bilingual(error.said.vi, error.said.en)
    return {error.at: error.said.vi for error in errors}


def test_empty_fields__are_named_each_at_its_input() -> None:
    assert told("WrittenReplyIssued", {"number": " "}) == {
        "number": "Chưa nhập: Số, ký hiệu văn bản.",
        "signatory": "Chưa nhập: Người ký.",
        "digest": "Chưa nhập: Tệp văn bản.",
    }
    assert told("ReplyReported", {"reply_number": "1"}) == {"reports": "Chưa nhập: Báo cáo việc trả lời."}
    assert told("ConferenceProposalDecided", {}) == {"accepted": "Chưa nhập: Chấp thuận."}


def test_what_people_know__is_asked_for_though_the_command_may_leave_it_out() -> None:
    assert {"kind", "text"} <= told("PetitionReceived", {"jurisdiction": "H35.10"}).keys()
    named = {f"{d.command}.{f.name}" for d in DEFINITIONS.values() for f in d.fields}
    assert named >= NEEDED and {name.partition(".")[2] for name in named} >= NOT_ASKED


def test_boxes__are_ticked_all_and_then_none() -> None:
    definition = next(each for each in DEFINITIONS.values() if each.command == "ConferenceProposed")
    petitions = [ChoiceDefinition(each, Translated(each, each)) for each in IDS]
    form = form_of(definition, {"petition": petitions})
    ticked = {f"petition_ids.{each}": "yes" for each in IDS}
    one = {"proposer": "x", f"petition_ids.{IDS[1]}": "yes"}
    assert with_more(form, one, "petition_ids") == {"proposer": "x"} | ticked
    assert with_more(form, {"proposer": "x"} | ticked, "petition_ids") == {"proposer": "x"}
    assert with_more(form, one, "nothing") == one


@pytest.mark.parametrize(("command", "name"), [("ConferenceProposed", "proposer"), ("AnswerPrepared", "agency")])
def test_agency__is_the_only_choice_of_who_acts_where_it_acts_for_itself(command: str, name: str) -> None:
    definition = next(each for each in DEFINITIONS.values() if each.command == command)
    choices: Choices = {"agency": [ChoiceDefinition(code, Translated(code, code)) for code in ("H35.10.3", "H35.10.4")]}
    own = {field.name: field for field in form_of(definition, choices, "H35.10.4").fields}[name]
    assert [each.value for each in own.choices] == ["H35.10.4"]
    others = {field.name: field for field in form_of(definition, choices).fields}[name]
    assert others.choices == field_of(next(f for f in definition.fields if f.name == name), choices).choices


def test_parts_of_a_group__are_asked_for_where_the_group_is_begun() -> None:
    begun = {"reports.1.recipient": "chair", "number": "1", "signatory": "x", "digest": "ab" * 32}
    assert told("WrittenReplyIssued", begun) == {"reports.1.on": "Chưa nhập: Ngày báo cáo."}


@pytest.mark.parametrize(
    ("command", "filled", "at", "words"),
    [
        ("PetitionAssigned", {"agency": "H35.10.4", "due_on": "31/2/2026"}, "due_on", "“31/2/2026” không phải là ngày"),
        ("PetitionAssigned", {"agency": "H36"}, "agency", "hãy chọn một trong các mục của danh sách"),
        ("PetitionRedirected", {"procedure": "rumour"}, "procedure", "hãy chọn một trong các mục"),
        ("RecordAnnulled", {"event_id": "01890a5d-ac96-774b-bcce-000000000000"}, "event_id", "hãy chọn một"),
        ("AttendanceRecorded", {"citizens": "mười"}, "citizens", "“mười” không phải là số; hãy nhập bằng chữ số"),
        ("AttendanceRecorded", {"citizens": "-1"}, "citizens", "“-1” không phải là số"),
        ("AttendanceRecorded", {"citizens": "1,5"}, "citizens", "không phải là số"),
        ("AttendanceRecorded", {"citizens": "٣"}, "citizens", "không phải là số"),
        ("AttendanceRecorded", {"citizens": "9" * 5000}, "citizens", "không phải là số"),
        ("ReplyReported", {"reports.0.recipient": "chair", "reports.0.on": "x"}, "reports.0.on", "“x” không phải"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant__is_said_at_its_input(command: str, filled: dict[str, str], at: str, words: str) -> None:
    found = told(command, filled)
    assert words in found[at]
    assert len(found[at]) < 200


def test_policy__is_read_as_its_file_is_and_its_lines_are_told() -> None:
    asked = form("PolicyAdopted")
    body, errors = body_of(asked, {"policy": POLICY, "jurisdiction": "H35"}, TODAY)
    assert errors == [] and body["policy"]["policy_id"] == read_policy(POLICY).policy_id == "h35"
    _, wrong = body_of(asked, {"policy": POLICY.replace("length", "lenght"), "jurisdiction": "H35"}, TODAY)
    assert [error.at for error in wrong] == ["policy"] * len(wrong)
    assert any(error.said.vi.startswith("Dòng 5: ") and error.said.en.startswith("Line 5: ") for error in wrong)


def test_notice__is_sent_as_a_document_and_its_refusal_is_shown_at_its_field() -> None:
    filled = {
        "expected_on": "1/10/2026",
        "ground": "x",
        "petitioner_told_on": "hôm nay",
        "petitioner_notice.number": " 12/TB ",
        "petitioner_notice.digest": "ab" * 32,
        "committee_notice.number": "",
    }
    extension = form("ExtensionGranted")
    body, errors = body_of(extension, filled, TODAY)
    assert errors == []
    assert body["petitioner_notice"] == {"number": "12/TB", "digest": "ab" * 32}
    assert (body["petitioner_told_on"], body["expected_on"]) == ("2026-09-05", "2026-10-01")
    assert "committee_notice" not in body
    assert input_of(extension, as_filled("petitioner_notice.digest", filled)) == "petitioner_notice.digest"
    assert input_of(extension, as_filled("committee_notice", filled)) == "committee_notice"
    assert extension.file_inputs == {"petitioner_notice.digest_file", "committee_notice.digest_file"}


# --- what a refusal of intake names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DEFINITIONS)
def test_input__of_every_field_is_found_by_the_name_that_intake_gives_it(path: str) -> None:
    asked = form_of(DEFINITIONS[path], CHOICES)
    for name in _input_names(asked):
        filled = {name: "x"}
        named = name.replace(".0.", "[0].")
        assert input_of(asked, as_filled(named, filled)) == input_of(asked, named) == name
        assert input_of(asked, as_filled(f"{named}.more[3].still", filled)) == name


@pytest.mark.parametrize(
    ("field", "at"),
    [
        ("assignments[0].agency", "assignments.1.agency"),
        ("assignments[1].due_on", "assignments.4.due_on"),
        ("assignments[1]", "assignments"),
        ("assignments[0].assisting[2]", "assignments.1.assisting"),
        ("assignments[7].agency", "assignments.7.agency"),
        ("assignments", "assignments"),
        ("number", "number"),
        ("nobody", ""),
        ("", ""),
        (None, ""),
        ("[0].number", ""),
        ("a[...].b", ""),
        ("." * 50, ""),
    ],
)
def test_input__of_a_row_is_that_of_the_row_that_was_filled_in(field: str | None, at: str) -> None:
    filled = {"assignments.1.agency": "H35.10.4", "assignments.4.agency": "H35.10.1", "assignments.0.agency": " "}
    assert input_of(form("ConclusionNoticeIssued"), as_filled(field, filled)) == at


def test_rows__are_those_filled_in_and_some_to_go_on() -> None:
    reports = next(f for f in form("ReplyReported").fields if f.name == "reports")
    assert reports.rows({}, "reports") == range(BLANK_ROWS)
    assert reports.rows({"reports.4.on": "x"}, "reports") == range(5)
    assert reports.rows({"reports.rows": "7"}, "reports") == range(7)
    for strange in ("x", "-1", "9" * 5000, "1e9", "²"):
        assert len(reports.rows({"reports.rows": strange}, "reports")) in (BLANK_ROWS, MAX_ROWS)
    assert len(reports.rows({"reports.rows": "99999"}, "reports")) == MAX_ROWS
    assert len(reports.rows({f"reports.{n}.on": "x" for n in range(500)}, "reports")) == MAX_ROWS


# --- what is read before it is confirmed -----------------------------------------------------------------------------


@given(st.data())
def test_whatever_is_sent__is_said_field_by_field_before_it_is_confirmed(data: st.DataObject) -> None:
    form = form_of(data.draw(definitions()), CHOICES)
    filled = data.draw(filled_in(form.fields)).inputs
    body, _ = body_of(form, filled, TODAY)
    assert [title for title, _ in said_of(form, filled)] == [f.title for f in form.fields if f.name in body]


def test_what_was_chosen__is_said_by_its_name_and_not_by_its_code() -> None:
    filled = {"code": "VN", "name": "Việt Nam", "level": "nation", "valid_from": "1/1/2004", "parent": "H35"}
    told = [words.vi for _, words in said_of(form("JurisdictionRegistered"), filled)]
    assert told == ["VN", "Việt Nam", "Trung ương", "1/1/2004", "Ô H35"]
    rows = {"reports.0.recipient": "party_committee", "reports.0.on": "5/9/2026", "reports.3.on": "6/9/2026"}
    ((_, reports),) = said_of(form("ReplyReported"), rows)
    assert "party_committee" not in reports.vi
    assert reports.en.splitlines() == ["Recipient: party committee; Reported on: 5/9/2026", "Reported on: 6/9/2026"]


# --- what the pages rely on ------------------------------------------------------------------------------------------


def test_names_of_fields__are_not_those_that_a_form_sends_of_its_own() -> None:
    for definition in DEFINITIONS.values():
        own = {"key", "more", "back"} | ({"confirmed"} if definition.is_final else set())
        assert not own & {field.name for field in definition.fields}, definition.command


def test_states__are_open_or_ended() -> None:
    petition_states = {*OPEN_STATES, CaseState.RESOLVED, *ENDED}
    assert len(petition_states) == len(OPEN_STATES) + 1 + len(ENDED)
    conference = {CaseState(s) for s in ("proposed", "planned", "open", "held", "cancelled")}
    jurisdiction = {CaseState.BOUND}
    assert petition_states | conference | jurisdiction == set(CaseState)


def test_next_acts__are_commands_on_what_is_in_that_state() -> None:
    for state, commands in NEXT.items():
        known = {
            d.command
            for d in DEFINITIONS.values()
            if state is CaseState.BOUND or (not d.creates and d.aggregate in ("petition", "conference"))
        }
        assert set(commands) <= known, state


def test_keys_of_rows__are_unlike_whatever_was_removed_between() -> None:
    people = next(f for f in form("PetitionReceived").fields if f.name == "identities")
    assert people.is_keyed
    numbers = count(0, 3)
    filled = {f"identities.{next(numbers)}.name": name for name in ("A", "B", "C")}
    filled |= {"jurisdiction": "H35.10", "kind": "petition", "text": "x"}
    body, errors = body_of(form("PetitionReceived"), filled, TODAY)
    assert errors == []
    assert body["identities"] == {"1": {"name": "A"}, "2": {"name": "B"}, "3": {"name": "C"}}


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, ["other"]),
        ({"catalogue.task": offered("hau-can")}, ["hau-can"]),
        ({"catalogue.field": offered("x")}, ["other"]),
    ],
)
def test_field_of_a_catalogue__offers_what_stands_or_its_own(choices: Choices, expected: list[str]) -> None:
    field = FieldDefinition(name="kind", kind="catalogue", title=said("1"), choices=offered("other"), catalogue="task")
    assert [choice.value for choice in field_of(field, choices).choices] == expected
