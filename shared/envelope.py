"""An event outside the store: CloudEvents 1.0 headers and body, and pages of the feed. Bytes in, bytes out."""

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.events import EVENTS, PetitionReference, Recorded, schema_id
from shared.identifiers import FIRST_YEAR, LAST_YEAR, local_iso, snake

CONTENT_TYPE = "application/json"
SPEC_VERSION = "1.0"
#: Readers take the type of an event with it and without; writers put it there where an operator asks for it.
TYPE_PREFIX = "vn.doithoai."
#: A page ends with the event that fills it to so many bytes, so that a page of large events is a short one.
PAGE_BYTES = 4 * 1024 * 1024
MOST = 2**63 - 1  # the largest position or version that a store can keep


class Message(msgspec.Struct, frozen=True):
    """An event ready for the broker, binary mode."""

    routing_key: str
    headers: dict[str, str]
    body: bytes
    message_id: str


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of `GET /v1/events`. `complete_to` stands only in answers that reach the head."""

    source: str
    epoch: str
    previous_id: UUID | None
    head: int
    complete_to: datetime | None
    events: list[Recorded]


def may_be_the_last(events: Sequence[Recorded], limit: int) -> bool:
    """Whether a page ended because the log did, and neither at its limit nor at its bytes."""
    return len(events) < limit and sum(len(event.state) for event in events) < PAGE_BYTES


class InvalidMessage(ValueError):
    """A message or page that lacks what this product's own carry."""


class _Placed(msgspec.Struct):
    aggregate: str
    jurisdiction: str


class _PlacedState(msgspec.Struct):
    meta: _Placed


class _At(msgspec.Struct):
    at: datetime


class _DeadlineState(msgspec.Struct):
    data: _At


_placed = msgspec.json.Decoder(_PlacedState)
_deadline_state = msgspec.json.Decoder(_DeadlineState)


def routing_key(topic: str, state: bytes) -> str:
    """`{aggregate}.{event}.{jurisdiction}`: `petition.petition_received.H35.10`."""
    meta = _placed.decode(state).meta
    return f"{meta.aggregate}.{_snake(topic)}.{meta.jurisdiction}"


_snake = functools.lru_cache(maxsize=256)(snake)


def topic_of(event_type: str) -> str:
    """The topic that a `ce-type` names."""
    return event_type.removeprefix(TYPE_PREFIX)


def event_time(recorded: Recorded) -> datetime:
    """`ce-time`: a deadline event's event-time instant, any other's recording."""
    if EVENTS[recorded.topic].AGGREGATE != "deadline":
        return recorded.recorded_at
    return _deadline_state.decode(recorded.state).data.at


# What is committed together has one stamp, so the same few instants are written again and again.
_local_iso = functools.lru_cache(maxsize=1024)(local_iso)


@functools.lru_cache(maxsize=1024)
def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


class _Referred(msgspec.Struct):
    petition_reference: PetitionReference | None = None
    traceparent: str | None = None


class _ReferredState(msgspec.Struct):
    meta: _Referred


_referred = msgspec.json.Decoder(_ReferredState)


class _Written(msgspec.Struct, omit_defaults=True):
    """The CloudEvents attributes of an event; numbers and instants as strings, as every binding writes them."""

    id: UUID
    source: str
    type: str
    time: str
    subject: UUID
    position: str
    epoch: str
    recordedat: str
    aggregateversion: str
    dataschema: str
    previousid: UUID | None = None
    externalsource: str | None = None
    externalid: str | None = None
    traceparent: str | None = None


class _WrittenEvent(_Written, omit_defaults=True):
    """An event in structured mode."""

    data: msgspec.Raw = msgspec.Raw()
    specversion: str | None = None
    datacontenttype: str | None = None


def _values(recorded: Recorded, prefix: str) -> tuple[Any, ...]:
    meta = _referred.decode(recorded.state).meta
    reference = meta.petition_reference
    return (
        recorded.event_id,
        f"/doithoai/{recorded.source}",
        prefix + recorded.topic,
        _local_iso(event_time(recorded)),
        recorded.originator_id,
        str(recorded.position),
        recorded.epoch,
        _utc(recorded.recorded_at),
        str(recorded.version),
        schema_id(recorded.topic),
        recorded.previous_id,
        reference.source if reference else None,
        reference.external_id if reference else None,
        meta.traceparent,
    )


def attributes(recorded: Recorded, prefix: str = "") -> dict[str, str]:
    """The CloudEvents attributes of an event, all as strings. The prefix is empty or TYPE_PREFIX, here and below."""
    found: dict[str, str] = msgspec.to_builtins(_Written(*_values(recorded, prefix)))
    found["specversion"] = SPEC_VERSION
    return found


def to_structured(events: Sequence[Recorded], prefix: str = "") -> list[Any]:
    """Events as CloudEvents in structured mode, the stored bytes as `data`; for answers that carry some of them."""
    made: Any = _WrittenEvent
    return [made(*_values(e, prefix), msgspec.Raw(e.state), SPEC_VERSION, CONTENT_TYPE) for e in events]


def to_message(recorded: Recorded, prefix: str = "") -> Message:
    """The broker's form: headers `ce-*` as the CloudEvents SDK's RabbitMQ binding writes them; the stored bytes."""
    headers = {f"ce-{name}": value for name, value in attributes(recorded, prefix).items()}
    if (traceparent := headers.get("ce-traceparent")) is not None:
        headers["traceparent"] = traceparent  # where tools of AMQP look for it
    return Message(routing_key(recorded.topic, recorded.state), headers, recorded.state, headers["ce-id"])


class _Attributes(msgspec.Struct):
    """What is read of an event's attributes, in the feed and in messages alike; numbers come as strings."""

    id: UUID
    source: str
    type: str
    subject: UUID
    position: int
    epoch: str
    recordedat: datetime
    aggregateversion: int
    previousid: UUID | None = None


#: The same as headers of a message.
_Headers: Any = msgspec.defstruct(
    "_Headers",
    [(f.name, f.type) if f.required else (f.name, f.type, f.default) for f in msgspec.structs.fields(_Attributes)],
    rename=lambda name: f"ce-{name}",
)


def from_message(headers: Mapping[str, Any], body: bytes) -> Recorded:
    """The event in a message of ours. Raises InvalidMessage."""
    try:
        return _recorded(msgspec.convert(headers, _Headers, strict=False), body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidMessage(f"not an event of this product: {error!r}") from error


def feed_page(page: FeedPage, prefix: str = "") -> bytes:
    """The JSON of a feed page: CloudEvents in structured mode, the stored bytes as `data`."""
    return msgspec.json.encode(
        {
            "source": page.source,
            "epoch": page.epoch,
            "previous_id": page.previous_id,
            "head": page.head,
            "complete_to": page.complete_to,
            "events": to_structured(page.events, prefix),
        }
    )


class _Structured(_Attributes):
    data: msgspec.Raw = msgspec.Raw()


class _PageJson(msgspec.Struct):
    source: str
    epoch: str
    previous_id: UUID | None
    head: int
    complete_to: datetime | None
    events: list[_Structured]


_page_decoder = msgspec.json.Decoder(_PageJson, strict=False)


def parse_feed_page(body: bytes) -> FeedPage:
    """A feed page from its JSON. Raises InvalidMessage."""
    try:
        page = _page_decoder.decode(body)
        events = [_recorded(e, bytes(e.data)) for e in page.events]
        complete_to = None if page.complete_to is None else _usable(page.complete_to)
        if not 0 <= page.head <= MOST:
            raise ValueError(f"no log is {page.head} events long")
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidMessage(f"not a feed page: {error}") from error
    return FeedPage(
        source=page.source,
        epoch=page.epoch,
        previous_id=page.previous_id,
        head=page.head,
        complete_to=complete_to,
        events=events,
    )


def _recorded(found: _Attributes, state: bytes) -> Recorded:
    if not state:
        raise ValueError("an event has data")
    if not (1 <= found.position <= MOST and 1 <= found.aggregateversion <= MOST):
        raise ValueError("an event has a position and a version from 1")
    return Recorded(
        source=found.source.removeprefix("/doithoai/"),
        epoch=found.epoch,
        position=found.position,
        previous_id=found.previousid,
        event_id=found.id,
        originator_id=found.subject,
        version=found.aggregateversion,
        topic=topic_of(found.type),
        recorded_at=_usable(found.recordedat),
        state=state,
    )


def _usable(instant: datetime) -> datetime:
    """The instant in UTC: no log reaches beyond the years that can be counted in. Raises ValueError."""
    if instant.tzinfo is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError(f"{instant} is no instant of the years {FIRST_YEAR} to {LAST_YEAR} with an offset")
    return instant.astimezone(UTC)
