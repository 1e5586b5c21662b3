"""What happened to a case: its facts and its deadlines as one history, annulled records with who and why."""

import contextlib
from collections.abc import Container, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from services.followup.adapters.read.models import Case, CaseFile, Deadline, RaisedDeadlineEvent, StoredEvent
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.pages import annulled_ids, choice_words, field_title, names_of
from services.followup.domain.wording.names import Bilingual, duty_words, ground_words, reason_words
from services.followup.domain.wording.notes import day_words
from services.followup.entrypoints.json_views import EventView, event_view
from shared.cases.corrections import CORRECTABLE
from shared.events import SEALED
from shared.events.any_stream import RecordAnnulled
from shared.events.deadline import DeadlineWaived
from shared.events.petition import PetitionCorrected, PetitionReceived
from shared.identifiers import LOCAL_ZONE

#: The field of events that names a file.
FILE = "digest"
#: The fields of events that name another case, those that name a body, and those that name several.
NAMES_A_CASE = ("conference_id", "into")
NAMES_A_BODY = ("agency", "to", "by", "office", "station", "proposer")
NAMES_BODIES = ("agencies", "assisting")
#: What a page does not repeat of an event: its day stands above, and ids are for machines.
NOT_TOLD = frozenset(
    {"annulled_topic", "deadline_id", "effective_on", "event_id", "notice_id", "petition_ids", "petitioner_ids"}
)
#: The fields that hold parts of which each is told.
_TOLD_PART_BY_PART = ("consent", "attributes")


class _Acted(msgspec.Struct):
    meta: dict[str, Any] = {}


class HistoryEntry(NamedTuple):
    """One line of what happened: a fact, or an event of the deadline of a duty, `at` its instant.

    `annulled`: what took it back."""

    event: EventView
    at: datetime
    duty: Bilingual | None
    annulled: EventView | None
    details: list[tuple[Bilingual, Any, str]]
    #: In which post, and whether as the chair's deputy.
    post: str = ""
    is_delegated: bool = False


class History(NamedTuple):
    """What happened, the names of the bodies in it, and the cases that it names and the caller may see."""

    entries: list[HistoryEntry]
    events: list[EventView]
    names: dict[str, Bilingual]
    linked: frozenset[str]

    @property
    def actors(self) -> frozenset[str]:
        """Who recorded something of it."""
        return frozenset(event.actor for event in self.events if event.actor)


async def history_of(queries: Queries, scope: Scope, file: CaseFile) -> History:
    """The history of a case."""
    events = [event_view(event) for event in file.events]
    raised = await queries.raised_events([deadline.raised.deadline_id for deadline in file.deadlines])
    places = await queries.places(scope, file.case.source)
    named = {str(value) for event in events for value in event.data.values()} & places.keys()
    names = {code: Bilingual(places[code], places[code]) for code in named}
    names |= await names_of(queries, file.case.source, _bodies(file.case, file.deadlines, events))
    if file.case.row.field:
        names[file.case.row.field] = file.case.field_title
    linked = frozenset(map(str, await queries.visible(scope, _others(file.case, events))))
    return History(_timeline(file, events, raised, names, linked), events, names, linked)


def _timeline(
    file: CaseFile,
    events: Sequence[EventView],
    raised: Sequence[RaisedDeadlineEvent],
    names: dict[str, Bilingual],
    linked: frozenset[str],
) -> list[HistoryEntry]:
    """What happened in the order in which it was recorded; what was annulled says by what."""
    duties = {d.raised.deadline_id: duty_words(d.raised.duty) for d in file.deadlines}
    gone = annulled_ids(file.events)
    page = f"/cases/{file.case.row.subject_id}"
    by_annulled = {
        str(event.data.get("event_id")): event
        for event in events
        if event.topic == RecordAnnulled.TOPIC and event.event_id not in gone
    }
    corrected = _corrections(events, gone)
    facts = [
        HistoryEntry(
            event,
            event.recorded_at,
            None,
            by_annulled.get(str(event.event_id)) if event.event_id in gone else None,
            [*corrected.get(event.event_id, ()), *_details(event, names, linked, page)],
            *_acted_as(stored),
        )
        for event, stored in zip(events, file.events, strict=True)
    ]
    of_deadlines = [
        HistoryEntry(
            event, datetime.fromisoformat(event.data["at"]), duties.get(each.deadline_id), None, list(_told_of(event))
        )
        for each in raised
        for event in [event_view(each.event)]
    ]
    return sorted([*facts, *of_deadlines], key=lambda entry: entry.at)


def _corrections(events: Sequence[EventView], gone: Container[UUID]) -> dict[UUID, list[tuple[Bilingual, Any, str]]]:
    """What each correction of a receipt changed, as it read before and after; what is sealed is only named."""
    reads: dict[str, Any] = {}
    found: dict[UUID, list[tuple[Bilingual, Any, str]]] = {}
    for event in events:
        if event.topic == PetitionReceived.TOPIC:
            reads = {**event.data, "received_on": event.data.get("effective_on")}
        elif event.topic == PetitionCorrected.TOPIC:
            told = found.setdefault(event.event_id, [])
            named = [str(name) for name in event.data.get("corrected", ())]
            for name in named:
                before, after = reads.get(name), event.data.get(name)
                told.append((field_title(name, event.topic), before_and_after(event.topic, name, before, after), ""))
            if event.event_id not in gone:
                reads |= {name: event.data.get(name) for name in named}
    return found


def before_and_after(topic: str, name: str, before: Any, after: Any) -> Bilingual:
    """How a field read and reads; of what is not shown here, that it changed."""
    is_hidden = name in SEALED[topic] and before is None and after is None
    if is_hidden or any(isinstance(each, dict | list) for each in (before, after)):
        return Bilingual("đã đính chính", "corrected")
    said = [_plain(topic, name, each) for each in (before, after)]
    return Bilingual(" → ".join(each.vi for each in said), " → ".join(each.en for each in said))


def _plain(topic: str, name: str, value: Any) -> Bilingual:
    if name == "kind":  # left out of the bytes where it is the default
        value = value or "petition"
    if value in (None, ""):
        return Bilingual("(trống)", "(empty)")
    if name == "submitted_at":
        return Bilingual(_local_time(str(value)), _local_time(str(value)))
    if (found := choice_words(topic, name, str(value))) is not None:
        return found
    with contextlib.suppress(ValueError):
        return day_words(date.fromisoformat(str(value)))
    return Bilingual(str(value), str(value))


def _acted_as(stored: StoredEvent) -> tuple[str, bool]:
    """The post in which somebody acted, and whether by delegation of the chair; unknown where it cannot be read."""
    try:
        meta = msgspec.json.decode(stored.state, type=_Acted).meta
    except msgspec.DecodeError:
        return "", False
    return str(meta.get("post") or ""), bool(meta.get("delegation"))


def _told_of(event: EventView) -> Iterable[tuple[Bilingual, Any, str]]:
    """What the page says of a deadline's event: its day, and why a breach was none."""
    for name, words in (("due_on", Bilingual("Hạn", "due")), ("done_on", Bilingual("Hoàn thành", "done on"))):
        if day := event.data.get(name):
            yield words, day_words(date.fromisoformat(str(day))), ""
    if reason := event.data.get("reason"):
        words_of = ground_words if event.topic == DeadlineWaived.TOPIC else reason_words
        yield Bilingual("Lý do", "reason"), words_of(str(reason)), ""


def _digests(name: str, value: Any) -> list[str]:
    """The files that a field names: by itself, within a notice, or as attachments."""
    match value:
        case str():
            return [value] if name == FILE and value else []
        case dict():
            return [str(value[FILE])] if value.get(FILE) else []
        case list():
            return [str(each[FILE]) for each in value if isinstance(each, dict) and each.get(FILE)]
        case _:
            return []


def _is_told(name: str, value: Any) -> bool:
    """Whether a value is told as it is: of lists those of bodies are."""
    return not isinstance(value, (dict, list)) or name in NAMES_BODIES


def _details(
    event: EventView, names: dict[str, Bilingual], linked: frozenset[str], page: str
) -> Iterable[tuple[Bilingual, Any, str]]:
    for name, value in event.data.items():
        if event.topic == PetitionCorrected.TOPIC and name in (*CORRECTABLE, "corrected") and name != "attachments":
            continue  # told as it read before and after
        words = field_title(name, event.topic)
        yield from ((words, "", f"{page}/files/{digest}") for digest in _digests(name, value))
        if isinstance(value, dict) and name in _TOLD_PART_BY_PART:
            yield from _parts(name, value)
        if name in (*NOT_TOLD, FILE) or not value or not _is_told(name, value):
            continue
        if name in NAMES_A_CASE:
            if str(value) in linked:
                yield words, "", f"/cases/{value}"
        elif isinstance(value, list):
            bodies = [names.get(str(each)) or Bilingual(str(each), str(each)) for each in value]
            yield words, Bilingual(", ".join(each.vi for each in bodies), ", ".join(each.en for each in bodies)), ""
        elif isinstance(value, bool):
            yield words, Bilingual("có", "yes") if value else Bilingual("không", "no"), ""
        elif (found := choice_words(event.topic, name, str(value))) is not None:
            yield words, found, ""
        elif str(value) in names:
            yield words, names[str(value)], ""
        elif name == "submitted_at":
            yield words, _local_time(str(value)), ""
        else:
            with contextlib.suppress(ValueError):
                value = day_words(date.fromisoformat(str(value)))
            yield words, value if isinstance(value, Bilingual) else str(value), ""


def _parts(name: str, value: dict[str, Any]) -> Iterable[tuple[Bilingual, Any, str]]:
    """The parts of the consent to be told, or the attributes of the province under their own names."""
    for part, said in value.items():
        if isinstance(said, list):
            found = [choice_words("", part, str(each)) or Bilingual(str(each), str(each)) for each in said]
            told: Any = Bilingual(", ".join(each.vi for each in found), ", ".join(each.en for each in found))
        elif isinstance(said, bool):
            told = Bilingual("có", "yes") if said else Bilingual("không", "no")
        else:
            told = str(said)
            if name == "consent":
                with contextlib.suppress(ValueError):
                    told = day_words(date.fromisoformat(told))
        yield (field_title(part, "Consent") if name == "consent" else Bilingual(part, part)), told, ""


def _local_time(instant: str) -> str:
    """An instant as people in Viet Nam write it. An event that waits may hold anything, which stays as it is."""
    try:
        return datetime.fromisoformat(instant).astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
    except (ValueError, OverflowError):
        return instant


def _others(case: Case, events: Sequence[EventView]) -> set[UUID]:
    """The cases that the page of a case names."""
    found = {each for each in (case.row.conference_id, case.row.merged_into) if each}
    for named in (event.data.get(field) for event in events for field in NAMES_A_CASE):
        with contextlib.suppress(ValueError):  # an event that waits may hold anything
            found.add(UUID(str(named)))
    return found


def _bodies(case: Case, deadlines: Iterable[Deadline], events: Sequence[EventView]) -> set[str]:
    told = (event.data.get(field) for event in events for field in NAMES_A_BODY)
    listed = (event.data.get(field) for event in events for field in NAMES_BODIES)
    named = {value for value in told if isinstance(value, str)}
    named |= {str(each) for value in listed if isinstance(value, list) for each in value}
    return {case.row.agency, *(span.agency for span in case.row.spans), *(d.raised.debtor for d in deadlines), *named}
