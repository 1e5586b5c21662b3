"""Rebuild through the real deadline machine: decoding and folding, against the same fold on eventsourcing's mapper."""

import gc
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, StoredEvent, UUIDAsHex

from benchmarks.rows import Row
from services.followup.domain.facts import Fact, fact_of
from services.followup.domain.machine import Machine
from shared.events import EVENTS, Deed, Event, Metadata, Recorded, encode_state
from shared.events.conference import ConferenceClosed, ConferenceOpened, ConferencePlanned
from shared.events.petition import (
    PetitionAssigned,
    PetitionClassified,
    PetitionRaised,
    PetitionReceived,
    PetitionScheduled,
    WrittenReplyIssued,
)
from shared.events.regulation import CalendarPublished
from shared.identifiers import derived_id

CONFERENCES = 100
PETITIONS_EACH = 40
JURISDICTION = "H35.10"
BEGIN = datetime(2019, 6, 24, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=20)


class Noted(Aggregate.Event):
    """An event as eventsourcing keeps it: its fields beside its metadata, through the stock JSON transcoder."""

    data: dict[str, Any]
    meta: dict[str, Any]


def history() -> list[Recorded]:
    """Conferences one after another, each with its petitions: received, classified, raised, assigned, answered."""
    found: list[Recorded] = []
    year = CalendarPublished(effective_on=date(2019, 6, 24), year=2019, holidays=(), document="")
    _record(found, derived_id("calendar", 2019), 1, year, "calendar")
    _record(found, derived_id("calendar", 2020), 1, msgspec.structs.replace(year, year=2020), "calendar")
    for number in range(CONFERENCES):
        _conference(found, number)
    return found


def _conference(found: list[Recorded], number: int) -> None:
    conference, held = derived_id("conference", number), date(2019, 8, 23)
    _record(
        found, conference, 1,
        ConferencePlanned(
            effective_on=date(2019, 6, 24), jurisdiction=JURISDICTION, kind="extraordinary", first_day=held,
            last_day=held, place="Hội trường",
        ),
        "conference",
    )  # fmt: skip
    petitions = [derived_id("petition", number, index) for index in range(PETITIONS_EACH)]
    for index, petition in enumerate(petitions):
        received = PetitionReceived(
            effective_on=date(2019, 7, 1), jurisdiction=JURISDICTION, petitioner_ids=(f"p-{number}-{index}",)
        )
        deeds: list[Deed] = [
            received,
            PetitionClassified(effective_on=date(2019, 7, 2), subject="Sửa chữa đường liên bản", field="giao thông"),
            PetitionScheduled(effective_on=date(2019, 7, 3), conference_id=conference),
            PetitionRaised(effective_on=held, conference_id=conference),
        ]
        for version, deed in enumerate(deeds, 1):
            _record(found, petition, version, deed, "petition")
    _record(found, conference, 2, ConferenceOpened(effective_on=held), "conference")
    _record(found, conference, 3, ConferenceClosed(effective_on=held), "conference")
    for petition in petitions:
        assigned = PetitionAssigned(effective_on=date(2019, 8, 30), agency="H35.10.3")
        reply = WrittenReplyIssued(effective_on=date(2019, 9, 10), number="1/TB", signatory="", digest="00")
        _record(found, petition, 5, assigned, "petition")
        _record(found, petition, 6, reply, "petition")


def _record(found: list[Recorded], originator: UUID, version: int, event: Event, aggregate: str) -> None:
    position = len(found) + 1
    event_id = derived_id("event", position)
    meta = Metadata(
        event_id=event_id, aggregate=aggregate, jurisdiction=JURISDICTION, actor="bench", correlation_id=event_id
    )
    found.append(
        Recorded(
            source="bench", epoch="1", position=position, previous_id=None, event_id=event_id, originator_id=originator,
            version=version, topic=event.TOPIC, recorded_at=BEGIN + STEP * position, state=encode_state(event, meta),
        )
    )  # fmt: skip


def measure() -> list[Row]:
    """Decoding alone, then the whole fold."""
    recorded = history()
    mapper = _mapper()
    stored = [_as_stored(mapper, each) for each in recorded]
    ours = _rate(len(recorded), lambda: _drain(fact_of(each) for each in recorded))
    theirs = _rate(len(recorded), lambda: _drain(mapper.to_domain_event(each) for each in stored))
    whole = _rate(len(recorded), lambda: fold(fact_of(each) for each in recorded), rounds=2)
    on_mapper = _rate(
        len(recorded),
        lambda: fold(_from_noted(mapper.to_domain_event(s), r) for s, r in zip(stored, recorded, strict=True)),
        rounds=2,
    )
    return [
        Row(work="decode", ours=ours, other=theirs, against="eventsourcing's mapper", target=3.0),
        Row(work="rebuild, the whole", ours=whole, other=on_mapper, against="same fold on its mapper", target=2.0),
    ]


def fold(facts: Iterable[Fact]) -> Machine:
    """Facts through a new machine."""
    machine = Machine("bench")
    for fact in facts:
        machine.apply(fact)
        machine.emitted.clear()
    return machine


def _mapper() -> Mapper[UUID]:
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    return Mapper(transcoder=transcoder)


def _as_stored(mapper: Mapper[UUID], each: Recorded) -> StoredEvent:
    state = msgspec.json.decode(each.state)
    return mapper.to_stored_event(
        Noted(
            originator_id=each.originator_id,
            originator_version=each.version,
            timestamp=each.recorded_at,
            data=state["data"],
            meta=state["meta"],
        )
    )


def _from_noted(noted: Any, each: Recorded) -> Fact:
    event = msgspec.convert(noted.data, EVENTS[each.topic])
    meta = msgspec.convert(noted.meta, Metadata)
    return Fact(each.position, each.event_id, each.originator_id, each.topic, noted.timestamp, event, meta)


def _drain(items: Iterable[object]) -> None:
    for _ in items:
        pass


def _rate(count: int, work: Callable[[], object], rounds: int = 3) -> float:
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return count / best
