"""What one row of an office's register says: the events of a petition's life, in the order in which they follow."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from services.intake.application.importing.headings import folded
from services.intake.application.importing.refusals import RowRefused, shown
from services.intake.application.importing.values import (
    KINDS,
    RESULTS,
    URGENCIES,
    Row,
    day_of,
    instant_of,
    parsed_day,
    parts_of,
    word_of,
)
from services.intake.domain import Conference, Petition
from services.intake.domain.field_checks import NOT_RECORDED
from shared.events import DatedEvent
from shared.events.petition import (
    RECIPIENTS,
    AgencyResultReported,
    ExtensionGranted,
    Identity,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionEscalated,
    PetitionMarkedComplex,
    PetitionRaised,
    PetitionReceived,
    PetitionRedirected,
    PetitionScheduled,
    PetitionWithdrawn,
    Place,
    Report,
    WrittenReplyIssued,
)
from shared.identifiers import NATION, is_within

#: The column to blame for a field of an event, where it has another name.
COLUMN_OF: dict[str, dict[str, str]] = {
    "PetitionReceived": {"effective_on": "received_on", "identities": "name"},
    "PetitionClassified": {"effective_on": "classified_on"},
    "PetitionScheduled": {"effective_on": "scheduled_on", "conference_id": "conference"},
    "PetitionRaised": {"effective_on": "raised_on", "conference_id": "conference"},
    "PetitionAnsweredAtConference": {
        "effective_on": "answered_on",
        "conference_id": "conference",
        "by": "answered_by",
    },
    "PetitionAssigned": {"effective_on": "assigned_on"},
    "PetitionMarkedComplex": {
        "effective_on": "complex_on",
        "decided_by": "complex_by",
        "criteria": "complex_criteria",
    },
    "ExtensionGranted": {
        "effective_on": "extension_told_on",
        "petitioner_told_on": "extension_told_on",
        "committee_told_on": "extension_reported_on",
        "expected_on": "extended_to",
        "ground": "extension_ground",
    },
    "PetitionEscalated": {"effective_on": "escalated_on", "authority": "escalated_to", "number": "escalation_number"},
    "WrittenReplyIssued": {
        "effective_on": "reply_on",
        "number": "reply_number",
        "signatory": "reply_signatory",
        "digest": "reply_digest",
        "text": "reply_text",
        "reports": "reported_on",
    },
    "AgencyResultReported": {"effective_on": "result_on"},
    "PetitionClosed": {"effective_on": "closed_on", "ground": "closing_ground"},
    "PetitionWithdrawn": {"effective_on": "withdrawn_on"},
    "PetitionRedirected": {"effective_on": "redirected_on", "body": "redirected_to", "procedure": "kind"},
}
#: The columns that say a field of an event, where they are not the one above.
_SAID_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "PetitionReceived": {
        "identities": ("name", "name_address", "address", "phone", "document", "email"),
        "text": ("text", "note", "reply_text"),
    },
    "WrittenReplyIssued": {"effective_on": ("reply_on", "reply", "reply_number"), "number": ("reply_number", "reply")},
    "PetitionRedirected": {"body": ("redirected_to", "agency")},
}
#: The day behind the number of a document. Each piece of it is bounded, so that no cell takes longer than its length.
_DAY_OF_REPLY = re.compile(
    r"(?:\bngày ?)?(?<!\d)\d{1,2}(?: ?[/.-] ?\d{1,2} ?[/.-] ?|,? tháng \d{1,2},? năm )\d{4}(?!\d)", re.I
)
_NUMBER_SIGN = re.compile(r"số ?:? ?", re.I)
#: What may follow the matter in a recorded text: a note under its heading.
_NOTES = re.compile(r"\n[^:\n]{1,200}: ")
_ELSEWHERE = ("complaint", "denunciation")


def columns_of(topic: str, field: str) -> tuple[str, ...]:
    """The columns of a register that say a field of an event."""
    return _SAID_BY.get(topic, {}).get(field) or (COLUMN_OF.get(topic, {}).get(field, field),)


def said_of(event: DatedEvent, columns: frozenset[str]) -> frozenset[str]:
    """The fields of an event that stand in a row, by its filled columns; the others were derived, or are defaults."""
    topic = event.TOPIC
    found = frozenset(f for f in event.__struct_fields__ if not columns.isdisjoint(columns_of(topic, f)))
    return found | {"jurisdiction"} if isinstance(event, PetitionReceived) else found


def laid_over(
    given: Mapping[str, Any], recorded: Mapping[str, Any], row: Row, columns: frozenset[str]
) -> dict[str, Any]:
    """What a row says of a receipt, laid over the recorded one: a cell that is empty says nothing."""
    found = dict(given)
    known = recorded.get("identities") or {}
    said = {label: _said_parts(theirs, columns) for label, theirs in (given.get("identities") or {}).items()}
    if not said and known:
        said = {next(iter(known)): {part: row[part] for part in ("phone", "document", "email") if part in columns}}
    found["identities"] = {**known, **{label: {**known.get(label, {}), **parts} for label, parts in said.items()}}
    if not _other_words(row, columns, str(recorded.get("text") or "")):
        found["text"] = recorded.get("text")
    return found


def differing_columns(
    topic: str,
    field: str,
    row: Row,
    columns: frozenset[str],
    given: Mapping[str, Any],
    recorded: Mapping[str, Any],
) -> list[str]:
    """The columns of a row in which it says something else of a field than the record."""
    if (topic, field) == ("PetitionReceived", "text"):
        return _other_words(row, columns, str(recorded.get("text") or ""))
    if (topic, field) == ("PetitionReceived", "identities"):
        known = recorded.get("identities") or {}
        parts = [
            part
            for label, theirs in given["identities"].items()
            for part, value in theirs.items()
            if value != known.get(label, {}).get(part, "")
        ]
        found = [part if part in columns else "name_address" for part in parts]
        return [each for each in dict.fromkeys(found) if each in columns] or ["name"]
    named = columns_of(topic, field)
    return [next((each for each in named if each in columns), named[0])]


def _said_parts(identity: Mapping[str, str], columns: frozenset[str]) -> dict[str, str]:
    """The parts of an identity that stand in the row."""
    both = "name_address" in columns
    return {
        part: value
        for part, value in identity.items()
        if value not in ("", NOT_RECORDED) and (part in columns or (both and part in ("name", "address")))
    }


def _other_words(row: Row, columns: frozenset[str], recorded: str) -> list[str]:
    """The columns whose words are not in a recorded text, which begins with the matter and goes on with notes."""
    found: list[str] = []
    if "text" in columns:
        text = row["text"]
        rest = recorded[len(text) :] if recorded.startswith(text) else None
        if rest is None or (rest and not _NOTES.match(rest)):
            found.append("text")
    known = set(recorded.split("\n"))
    if "note" in columns:
        heading = "note"
        for line in row["note"].split("\n"):
            heading = named[0] if len(named := line.split(": ", 1)) > 1 else heading
            if line not in known and heading not in found:
                found.append(heading)
    if "reply_text" in columns and not _has_reply(row) and not known.issuperset(_outcome(row).split("\n")):
        found.append("reply_text")
    return found


class Around(Protocol):
    """What a row refers to."""

    def agency(self, text: str, on: date, field: str) -> str: ...
    def place(self, text: str, on: date, field: str) -> str: ...
    def conference(self, name: str, field: str) -> tuple[UUID, Conference]: ...


class _Reading:
    """One row while it is read; the days that later events fall back on."""

    def __init__(
        self, row: Row, around: Around, received_on: date, known: Petition | None, columns: frozenset[str]
    ) -> None:
        self.row, self.around, self.received_on, self.known, self.columns = row, around, received_on, known, columns
        self.kind = word_of(row, "kind", KINDS, "petition")
        self.meeting: tuple[UUID, Conference] | None = None
        if (name := row.get("conference")) is not None:
            self.meeting = around.conference(name, "conference")
        self.reply_on: date | None = None
        self.assigned_on: date | None = None

    def day(self, field: str) -> date | None:
        return day_of(self.row, field)

    def text(self, field: str) -> str:
        return self.row.get(field, "")

    @property
    def held_on(self) -> date | None:
        """The day on which the petition was raised, where the row does not say it: the first that is possible."""
        opened = self.meeting[1].opened_on if self.meeting else None
        return max(opened, self.received_on) if opened else None

    @property
    def known_by(self) -> date:
        """The day from which an undated assignment counts: the end of the conference, else the receipt."""
        closed = self.meeting[1].closed_on if self.meeting else None
        return max(self.held_on or self.received_on, closed or self.received_on)


def events_of(
    row: Row, around: Around, known: Petition | None = None, columns: frozenset[str] = frozenset()
) -> Iterator[DatedEvent]:
    """The events of a row; `known` is its petition where that is known already. Raises RowRefused.

    `columns` are those that stand in the row itself: the others are given for all rows.
    """
    told_on = day_of(row, "received_on")
    if (on := told_on or (known.received_on if known else None)) is None:
        raise RowRefused(
            "received_on",
            "để trống; hãy ghi ngày tiếp nhận kiến nghị",
            "is empty: a petition has a day on which it was received",
        )
    reading = _Reading(row, around, on, known, columns)
    if told_on is not None:
        yield _received(reading, told_on)
    for fields, part in _PARTS:
        if not fields.isdisjoint(row):
            yield from part(reading)


def _received(r: _Reading, on: date) -> DatedEvent:
    if r.kind == "ambiguous":
        raise RowRefused(
            "kind",
            "“KN” có thể là khiếu nại hoặc kiến nghị; hãy ghi đủ chữ, hoặc KN/PA",
            "KN may be khiếu nại or kiến nghị: write it out, or KN/PA",
        )
    text = "\n".join(part for part in (r.text("text"), *_notes(r)) if part)
    kind: Any = "petition" if r.kind in _ELSEWHERE else r.kind
    return PetitionReceived(
        effective_on=on,
        jurisdiction=_place(r, on),
        kind=kind,
        channel=r.text("channel"),
        identities=_identities(r),
        text=text,
        submitted_at=instant_of(r.row, "submitted_at"),
        place=Place(address=place) if (place := r.text("place")) else None,
        area=r.text("area"),
        category=r.text("category"),
        language=r.text("language"),
    )


def _place(r: _Reading, on: date) -> str:
    """The jurisdiction of a petition; one that is known may lie anywhere in the jurisdiction given for all rows."""
    place = r.text("jurisdiction")
    if not place and r.known is None:
        raise RowRefused(
            "jurisdiction",
            "để trống; hãy ghi địa bàn, hoặc dùng --jurisdiction",
            "is empty: give the column, or --jurisdiction",
        )
    code = r.around.place(place, on, "jurisdiction") if place else ""
    if r.known is not None and "jurisdiction" not in r.columns and is_within(r.known.jurisdiction, code or NATION):
        return r.known.jurisdiction
    return code


def _notes(r: _Reading) -> tuple[str, ...]:
    """What has no field of its own stays with the sealed text; also an outcome told without a document."""
    return (r.text("note"), "" if _has_reply(r.row) else _outcome(r.row))


def _outcome(row: Row) -> str:
    """An outcome that is told without a document."""
    return f"Kết quả: {row['reply_text']}" if row.get("reply_text") else ""


def _identities(r: _Reading) -> dict[str, Identity]:
    name, address = r.text("name"), r.text("address")
    if not name:
        # Form 03/TCD has both in one column.
        name, *rest = (part.strip() for part in re.split(r"[,;\n]", r.text("name_address"), maxsplit=1))
        address = address or "".join(rest)
    if not name and not address:
        return {}
    return {
        "1": Identity(
            name=name or NOT_RECORDED,
            address=address,
            phone=r.text("phone"),
            document=r.text("document"),
            email=r.text("email"),
        )
    }


def _classified(r: _Reading) -> Iterator[DatedEvent]:
    field, subject = r.text("field"), r.text("subject")
    if not field and not subject:
        return
    urgency: Any = word_of(r.row, "urgency", URGENCIES, "normal")
    # The matter in the petitioner's own words may name people: a title that is missing is never taken from it.
    subject = subject or f"Kiến nghị, phản ánh về {field}"
    on = r.day("classified_on") or r.received_on
    yield PetitionClassified(effective_on=on, subject=subject, field=field, urgency=urgency)


def _at_conference(r: _Reading) -> Iterator[DatedEvent]:
    if r.kind in _ELSEWHERE:
        return
    if r.meeting is None:
        if r.text("answered_on") or r.text("answer"):
            raise RowRefused(
                "conference",
                "để trống; hãy ghi hội nghị đã trả lời trực tiếp, hoặc dùng --conference",
                "is empty: name the conference of the oral answer, or --conference",
            )
        return
    conference_id, conference = r.meeting
    scheduled_on = r.day("scheduled_on")
    if scheduled_on is not None or conference.opened_on is None:
        on = scheduled_on or max(r.received_on, conference.planned_on or r.received_on)
        yield PetitionScheduled(effective_on=on, conference_id=conference_id)
    if (held_on := r.day("raised_on") or r.held_on) is None:
        return
    yield PetitionRaised(effective_on=held_on, conference_id=conference_id)
    if r.text("answered_on") or r.text("answer"):
        yield PetitionAnsweredAtConference(
            effective_on=r.day("answered_on") or held_on,
            conference_id=conference_id,
            by=_answerer(r, held_on),
            answer=r.text("answer"),
        )


def _answerer(r: _Reading, on: date) -> str:
    by = r.text("answered_by")
    if not by or folded(by) in ("chair", "chủ trì", "chủ tịch"):
        return "chair"
    return r.around.agency(by, on, "answered_by")


def _assigned(r: _Reading) -> Iterator[DatedEvent]:
    if not (agency := r.text("agency")) or r.kind in _ELSEWHERE:
        return
    r.assigned_on = on = r.day("assigned_on") or r.known_by
    yield PetitionAssigned(
        effective_on=on,
        agency=r.around.agency(agency, on, "agency"),
        assisting=tuple(r.around.agency(part, on, "assisting") for part in parts_of(r.text("assisting"))),
        due_on=r.day("due_on"),
    )


def _complex(r: _Reading) -> Iterator[DatedEvent]:
    if (on := r.day("complex_on")) is not None:
        yield PetitionMarkedComplex(
            effective_on=on, decided_by=r.text("complex_by"), criteria=parts_of(r.text("complex_criteria"))
        )


def _extended(r: _Reading) -> Iterator[DatedEvent]:
    if (expected_on := r.day("extended_to")) is None:
        return
    told, reported = r.day("extension_told_on"), r.day("extension_reported_on")
    for field, on in (("extension_told_on", told), ("extension_reported_on", reported)):
        if on is None:
            raise RowRefused(
                field,
                "để trống; gia hạn chỉ có giá trị khi có đủ hai thông báo",
                "is empty: an extension is valid only with its two notices",
            )
    assert told is not None and reported is not None
    yield ExtensionGranted(
        effective_on=max(told, reported),
        petitioner_told_on=told,
        committee_told_on=reported,
        expected_on=expected_on,
        ground=r.text("extension_ground"),
    )


def _escalated(r: _Reading) -> Iterator[DatedEvent]:
    authority = r.text("escalated_to")
    if not authority:
        if word_of(r.row, "result", RESULTS) == "escalated":
            raise RowRefused(
                "escalated_to",
                "để trống; hãy ghi cơ quan cấp trên đang giải quyết",
                "is empty: name the higher authority that has the matter",
            )
        return
    on = r.day("escalated_on")
    if on is None:
        raise RowRefused(
            "escalated_on",
            "để trống; hãy ghi ngày trình cấp trên",
            "is empty: when was the matter submitted to the higher authority?",
        )
    yield PetitionEscalated(effective_on=on, authority=authority, number=r.text("escalation_number"))


def _has_reply(row: Row) -> bool:
    return "reply" in row or "reply_number" in row


def _replied(r: _Reading) -> Iterator[DatedEvent]:
    if not _has_reply(r.row):
        return
    number, on = r.text("reply_number"), r.day("reply_on")
    column, text = ("reply", both) if (both := r.text("reply")) else ("reply_number", number)
    # The day often stands behind the number, or in a column of its own, whatever the heading asks for.
    if (on is None and (both or _DAY_OF_REPLY.search(text))) or (on is not None and _ends_with(text, on)):
        number, on = _number_and_day(text, column)
    else:
        number = text
    if on is None:
        raise RowRefused("reply_on", "để trống; hãy ghi ngày của văn bản trả lời", "is empty: a reply has a date")
    r.reply_on = on
    reported_on = r.day("reported_on")
    yield WrittenReplyIssued(
        effective_on=on,
        number=number,
        signatory=r.text("reply_signatory") or NOT_RECORDED,
        digest=r.text("reply_digest") or NOT_RECORDED,
        reports=tuple(Report(recipient=to, on=reported_on) for to in RECIPIENTS) if reported_on else (),
        text=r.text("reply_text"),
    )


def _ends_with(text: str, on: date) -> bool:
    """Whether a number has this very day behind it."""
    try:
        return _number_and_day(text, "reply_number")[1] == on
    except RowRefused:
        return False


def _number_and_day(text: str, column: str) -> tuple[str, date]:
    """The number and the day of the one reply in a cell. Raises RowRefused."""
    plain = " ".join(text.split())
    days = [found.span() for found in islice(_DAY_OF_REPLY.finditer(plain), 2)]
    if len(days) > 1:
        raise RowRefused(
            column,
            f"{shown(text)} có nhiều ngày; hãy ghi mỗi văn bản trả lời một dòng, cùng mã vụ việc",
            f"{shown(text)} holds more than one day: write each reply in a row of its own, with the same case",
        )
    start, end = days[0] if days else (0, 0)
    number = plain[:start].rstrip(" ,;:")
    number = number[sign.end() :] if (sign := _NUMBER_SIGN.match(number)) else number
    if not number or plain[end:].strip(" .,;)"):
        raise RowRefused(
            column,
            "không có số kèm ngày của văn bản; hãy ghi như 12/UBND-VP, ngày 16/09/2019",
            "holds no number with a date: write 12/UBND-VP, ngày 16/09/2019",
        )
    return number, parsed_day(plain[start:end], column)


def _result(r: _Reading) -> Iterator[DatedEvent]:
    result: Any = word_of(r.row, "result", RESULTS)
    if result in ("", "escalated"):
        return
    on = r.day("result_on") or (r.reply_on if result == "resolved" else None)
    if on is None:
        if result == "resolved":
            raise RowRefused(
                "result_on", "để trống; hãy ghi ngày giải quyết xong", "is empty: when was the matter resolved?"
            )
        return  # under way since its assignment: no event says so, and none has to
    agency = r.text("agency")
    if not agency:
        raise RowRefused(
            "agency", "để trống; hãy ghi cơ quan có kết quả giải quyết này", "is empty: whose result is it?"
        )
    yield AgencyResultReported(effective_on=on, agency=r.around.agency(agency, on, "agency"), result=result)


def _ended(r: _Reading) -> Iterator[DatedEvent]:
    if (on := r.day("closed_on")) is not None:
        yield PetitionClosed(effective_on=on, ground=r.text("closing_ground"))
    if (on := r.day("withdrawn_on")) is not None:
        yield PetitionWithdrawn(effective_on=on)
    body = r.text("redirected_to") or (r.text("agency") if r.kind in _ELSEWHERE else "")
    if not body and r.kind in _ELSEWHERE:
        raise RowRefused(
            "redirected_to",
            "để trống; khiếu nại, tố cáo theo thủ tục khác, hãy ghi cơ quan có thẩm quyền giải quyết",
            "is empty: complaints and denunciations are other procedures; whose is it?",
        )
    if body:
        procedure: Any = r.kind if r.kind in _ELSEWHERE else "other"
        yield PetitionRedirected(effective_on=r.day("redirected_on") or r.received_on, procedure=procedure, body=body)


#: The parts of a row, each with the fields of which it says nothing without one.
_PARTS: tuple[tuple[frozenset[str], Callable[[_Reading], Iterator[DatedEvent]]], ...] = (
    (frozenset({"field", "subject"}), _classified),
    (frozenset({"conference", "answered_on", "answer"}), _at_conference),
    (frozenset({"agency"}), _assigned),
    (frozenset({"complex_on"}), _complex),
    (frozenset({"extended_to"}), _extended),
    (frozenset({"escalated_to", "result"}), _escalated),
    (frozenset({"reply", "reply_number"}), _replied),
    (frozenset({"result"}), _result),
    (frozenset({"closed_on", "withdrawn_on", "redirected_to", "agency", "kind"}), _ended),
)
