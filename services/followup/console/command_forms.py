"""Forms made from the definitions of commands, and the bodies made from what was filled into them. Pure.

An input is called by the way to its field: `number`, `petitioner_notice.number`, `assignments.0.agency`, and a box that
may be ticked with others `petition_ids.<id>`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from services.followup.console.typed_days import typed_day
from services.followup.console.typed_numbers import typed_number
from shared.command_definitions import ChoiceDefinition, CommandDefinition, FieldDefinition, FieldKind, Translated
from shared.identifiers import composed
from shared.policy import UncountablePolicy, read_policy
from shared.sentences import Sentence

#: What people do not fill in: what the service makes up, or what other pages take.
NOT_ASKED = frozenset({"petitioner_ids", "attachments", "policy_id"})
#: What a form asks for though the command may leave it out: what a machine does not know, a person does.
NEEDED = frozenset(
    {"PetitionReceived.kind", "PetitionReceived.text", "PetitionReassigned.reason", "RecordAnnulled.reason"}
)
BLANK_ROWS = 2  # beneath those that are filled in
MAX_ROWS = 100
MAX_POLICY_ERRORS = 10  # that are told at once
#: The fields that name who acts.
WHO_ACTS = frozenset({"agency", "proposer"})
#: What the choices of a field are taken from.
CHOSEN: frozenset[FieldKind] = frozenset({"place", "agency", "body", "petition", "conference", "record", "deadline"})

_EMPTY = Sentence("Chưa nhập: {field}.", "Still to be filled in: {field}.")
_NO_DAY = Sentence(
    "{field}: “{text}” không phải là ngày; hãy nhập ngày/tháng/năm, ví dụ 5/9/2026.",
    "{field}: “{text}” is no day; type day/month/year, such as 5/9/2026.",
)
_NO_NUMBER = Sentence(
    "{field}: “{text}” không phải là số; hãy nhập bằng chữ số, ví dụ 20.",
    "{field}: “{text}” is no number; type it in digits, such as 20.",
)
_NOT_OFFERED = Sentence(
    "{field}: hãy chọn một trong các mục của danh sách.", "{field}: choose one of the entries of the list."
)
_YES, _NO = Translated("Có", "Yes"), Translated("Không", "No")
_RECEIVED = Translated("Đã nhận tệp", "The file was received")

#: By the kind of field; of fields that a catalogue lists by `catalogue.` and its kind.
Choices = Mapping[str, Sequence[ChoiceDefinition]]
Filled = Mapping[str, str]


class FormError(msgspec.Struct, frozen=True):
    """What is wrong, and the input that is to blame; empty where none is."""

    at: str
    said: Translated


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form, with the choices that there are for it."""

    name: str
    kind: FieldKind
    title: Translated
    is_required: bool
    is_list: bool
    is_keyed: bool
    help: Translated | None
    choices: tuple[ChoiceDefinition, ...]
    fields: "tuple[FormField, ...]"

    def rows(self, filled: Filled, name: str) -> range:
        """How many rows of a group are shown: those that are filled in, and some to go on."""
        numbers = [int(n) for n in _numbers(filled, name)]
        asked = typed_number(filled.get(f"{name}.rows", "")) or 0
        return range(min(max([asked, BLANK_ROWS, *(n + 1 for n in numbers)]), MAX_ROWS))


class CommandForm(msgspec.Struct, frozen=True, kw_only=True):
    """A command as a form."""

    command: str
    title: Translated
    is_final: bool
    fields: tuple[FormField, ...]

    @property
    def has_files(self) -> bool:
        """Whether it takes a file."""
        return bool(self.file_inputs)

    @property
    def file_inputs(self) -> frozenset[str]:
        """The names of the inputs that take a file."""
        return frozenset(f"{name}_file" for name, field in _inputs(self.fields, "") if field.kind == "file")


def kinds_of(definition: CommandDefinition) -> frozenset[FieldKind]:
    """The kinds of fields of a command that are chosen from what there is."""

    def walk(fields: Iterable[FieldDefinition]) -> Iterator[FieldKind]:
        for field in fields:
            yield field.kind
            yield from walk(field.fields)

    return CHOSEN & set(walk(definition.fields))


def form_of(definition: CommandDefinition, choices: Choices, agency: str = "") -> CommandForm:
    """The form of a command. What a field may name is chosen from `choices` by its kind.

    An agency that may give it for itself alone is the only choice where the command names who acts.
    """
    return CommandForm(
        command=definition.command,
        title=definition.title,
        is_final=definition.is_final,
        fields=tuple(
            _of_agency(
                field_of(each, choices, is_needed=f"{definition.command}.{each.name}" in NEEDED), choices, agency
            )
            for each in definition.fields
            if each.name not in NOT_ASKED
        ),
    )


def _of_agency(field: FormField, choices: Choices, agency: str) -> FormField:
    if not agency or field.name not in WHO_ACTS:
        return field
    own = tuple(each for each in choices.get("agency", ()) if each.value == agency)
    return msgspec.structs.replace(field, kind="agency", choices=own) if own else field


def field_of(field: FieldDefinition, choices: Choices, *, is_needed: bool = False) -> FormField:
    """A field of a form from its definition."""
    return FormField(
        name=field.name,
        kind=field.kind,
        title=field.title,
        is_required=field.is_required or is_needed,
        is_list=field.is_list,
        is_keyed=field.is_keyed,
        help=field.help,
        choices=_choices(field, choices),
        fields=tuple(field_of(part, choices) for part in field.fields),
    )


def _choices(field: FieldDefinition, choices: Choices) -> tuple[ChoiceDefinition, ...]:
    if field.kind == "catalogue":
        return tuple(choices.get(f"catalogue.{field.catalogue}", field.choices))
    return tuple(choices.get(field.kind, ())) if field.kind in CHOSEN else field.choices


def with_more(form: CommandForm, filled: Filled, name: str) -> dict[str, str]:
    """What was filled in, with one more row of a group, or with every box of a list ticked, with none if all were.

    The same where there is no such field.
    """
    field = next((field for field in form.fields if field.name == name), None)
    if field is not None and field.kind == "group":
        return {**filled, f"{name}.rows": str(len(field.rows(filled, name)) + 1)}
    if field is not None and field.is_list and field.choices:
        boxes = [f"{name}.{choice.value}" for choice in field.choices]
        others = {key: value for key, value in filled.items() if key not in boxes}
        return others if all(map(filled.get, boxes)) else others | dict.fromkeys(boxes, "yes")
    return dict(filled)


def body_of(form: CommandForm, filled: Filled, today: date) -> tuple[dict[str, Any], list[FormError]]:
    """The body of the command, without the fields that were left empty, and what is wrong with what was filled in."""
    errors: list[FormError] = []
    return _body(form.fields, filled, "", today, errors), errors


def _body(
    fields: Iterable[FormField], filled: Filled, prefix: str, today: date, errors: list[FormError]
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for field in fields:
        name = prefix + field.name
        value = _value(field, name, filled, today, errors)
        if value is not None:
            body[field.name] = value
        elif field.is_required and not any(error.at == name for error in errors):
            errors.append(_error(name, field, _EMPTY))
    return body


def _value(field: FormField, name: str, filled: Filled, today: date, errors: list[FormError]) -> Any:
    """What was filled into a field; None where nothing was."""
    if field.kind == "group":
        return _group(field, name, filled, today, errors)
    if field.is_list and field.choices:
        return [choice.value for choice in field.choices if filled.get(f"{name}.{choice.value}")] or None
    text = composed(filled.get(name, "")).strip()
    if not text:
        return None
    if field.is_list:
        return [line.strip() for line in text.splitlines() if line.strip()]
    match field.kind:
        case "date":
            if (day := typed_day(text, today)) is None:
                errors.append(_error(name, field, _NO_DAY, text))
            return day.isoformat() if day else None
        case "number":
            if (number := typed_number(text)) is None:
                errors.append(_error(name, field, _NO_NUMBER, text))
            return number
        case "yes_no":
            return text == "yes" or (False if field.is_required else None)
        case "policy":
            return _policy(name, text, errors)
        case _:
            if field.choices and text not in {choice.value for choice in field.choices}:
                errors.append(_error(name, field, _NOT_OFFERED))
                return None
            return text


def _group(field: FormField, name: str, filled: Filled, today: date, errors: list[FormError]) -> Any:
    if not field.is_list:
        return _body(field.fields, filled, f"{name}.", today, errors) if _is_filled(filled, name) else None
    rows = [
        _body(field.fields, filled, f"{name}.{number}.", today, errors)
        for number in _numbers(filled, name)
        if _is_filled(filled, f"{name}.{number}")
    ]
    if field.is_keyed:
        return {str(number): row for number, row in enumerate(rows, 1)} or None
    return rows or None


def _policy(name: str, text: str, errors: list[FormError]) -> Any:
    try:
        return msgspec.to_builtins(read_policy(text))
    except UncountablePolicy as invalid:
        for problem in invalid.problems[:MAX_POLICY_ERRORS]:
            line = Sentence(f"Dòng {problem.line}: ", f"Line {problem.line}: ") if problem.line else Sentence("", "")
            said = problem.said
            errors.append(FormError(name, Translated(line.vi + said.vi, line.en + said.en)))
        return None


def _is_filled(filled: Filled, name: str) -> bool:
    return any(key.startswith(f"{name}.") and value.strip() for key, value in filled.items())


def _numbers(filled: Filled, name: str) -> list[str]:
    """The numbers of the rows of a group in which something is filled in, in their order."""
    found = {
        key[len(name) + 1 :].partition(".")[0]
        for key, value in filled.items()
        if key.startswith(f"{name}.") and value.strip()
    }
    return sorted((n for n in found if (number := typed_number(n)) is not None and number < MAX_ROWS), key=int)


def _inputs(fields: Iterable[FormField], prefix: str) -> Iterator[tuple[str, FormField]]:
    """Every input by its name; of a list of groups those of the first row stand for all."""
    for field in fields:
        yield prefix + field.name, field
        yield from _inputs(field.fields, f"{prefix}{field.name}.{'0.' if field.is_list else ''}")


def as_filled(field: str | None, filled: Filled) -> str:
    """The field that a refusal of intake names, by the rows of the form.

    `a[0].b` is in the first row that was filled in, since the empty ones were not sent: `a.0.b`, or `a.1.b`.
    """
    named = _dotted(field)
    group, _, rest = named.partition(".")
    said, _, part = rest.partition(".")
    number, rows = typed_number(said), _numbers(filled, group)
    if number is not None and number < len(rows):
        return f"{group}.{rows[number]}" + (f".{part}" if part else "")
    return named


def _dotted(field: str | None) -> str:
    return (field or "").replace("[", ".").replace("]", "")


def input_of(form: CommandForm, field: str | None) -> str:
    """The input of a field that is named, or the nearest around it; empty for none. `a[0].b` is `a.0.b`."""
    named = _dotted(field)
    known = {name for name, _ in _inputs(form.fields, "")}
    while named:
        if named in known or _first_row(named) in known:
            return named
        named = named.rpartition(".")[0]
    return ""


def _first_row(name: str) -> str:
    return ".".join("0" if part.isdecimal() else part for part in name.split("."))


def _error(name: str, field: FormField, sentence: Sentence, text: str = "") -> FormError:
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    vi = sentence.vi.format(field=field.title.vi, text=shown)
    return FormError(name, Translated(vi, sentence.en.format(field=field.title.en, text=shown)))


def said_of(form: CommandForm, filled: Filled) -> list[tuple[Translated, Translated]]:
    """What was filled in, in the words in which it was chosen, as it is read before it is confirmed."""
    return _said(form.fields, filled, "")


def _said(fields: Iterable[FormField], filled: Filled, prefix: str) -> list[tuple[Translated, Translated]]:
    found = ((field.title, _said_in(field, prefix + field.name, filled)) for field in fields)
    return [(title, words) for title, words in found if words is not None]


def _said_in(field: FormField, name: str, filled: Filled) -> Translated | None:
    """What was filled into a field, in words; None where nothing was."""
    if field.kind == "group":
        rows = [f"{name}.{number}." for number in _numbers(filled, name)] if field.is_list else [f"{name}."]
        parts = (_said(field.fields, filled, row) for row in rows)
        return _together("\n", [_row_said(each) for each in parts if each])
    text = filled.get(name, "").strip()
    if field.choices:
        chosen = {c.value for c in field.choices if filled.get(f"{name}.{c.value}")} if field.is_list else {text}
        return _together("\n", [each.title for each in field.choices if each.value in chosen])
    match field.kind if text else "":
        case "":
            return None
        case "yes_no":
            return _YES if text == "yes" else _NO
        case "file":
            return _RECEIVED
        case _:
            return Translated(text, text)


def _row_said(parts: list[tuple[Translated, Translated]]) -> Translated:
    return Translated(
        "; ".join(f"{title.vi}: {words.vi}" for title, words in parts),
        "; ".join(f"{title.en}: {words.en}" for title, words in parts),
    )


def _together(between: str, parts: Sequence[Translated]) -> Translated | None:
    if not parts:
        return None
    return Translated(between.join(each.vi for each in parts), between.join(each.en for each in parts))
