"""An event outside the store: CloudEvents 1.0 headers and body, and pages of the feed. Bytes in, bytes out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.events import EVENTS, Recorded, decode_metadata
from shared.identifiers import local_iso, snake

CONTENT_TYPE = "application/json"


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


class InvalidMessage(ValueError):
    """A message or page that lacks what this product's own carry."""


def routing_key(topic: str, state: bytes) -> str:
    """`{aggregate}.{event}.{jurisdiction}`: `petition.petition_received.H35.10`."""
    meta = decode_metadata(state)
    return f"{meta.aggregate}.{snake(topic)}.{meta.jurisdiction}"


def event_time(recorded: Recorded) -> datetime:
    """`ce-time`: a deadline event's event-time instant, any other's recording."""
    if EVENTS[recorded.topic].AGGREGATE != "deadline":
        return recorded.recorded_at
    return msgspec.json.decode(recorded.state, type=_DeadlineState).data.at


class _At(msgspec.Struct):
    at: datetime


class _DeadlineState(msgspec.Struct):
    data: _At


def attributes(recorded: Recorded) -> dict[str, str]:
    """The CloudEvents attributes of an event, all as strings."""
    found = {
        "id": str(recorded.event_id),
        "source": f"/doithoai/{recorded.source}",
        "specversion": "1.0",
        "type": recorded.topic,
        "time": local_iso(event_time(recorded)),
        "subject": str(recorded.originator_id),
        "position": str(recorded.position),
        "epoch": recorded.epoch,
        "recordedat": _utc(recorded.recorded_at),
        "aggregateversion": str(recorded.version),
    }
    if recorded.previous_id is not None:
        found["previousid"] = str(recorded.previous_id)
    return found


def to_message(recorded: Recorded) -> Message:
    """The broker's form: headers `ce-*` as the CloudEvents SDK's RabbitMQ binding writes them, the stored bytes as body."""
    headers = {f"ce-{name}": value for name, value in attributes(recorded).items()}
    return Message(routing_key(recorded.topic, recorded.state), headers, recorded.state, str(recorded.event_id))


def from_message(headers: Mapping[str, Any], body: bytes) -> Recorded:
    """The event in a message of ours. Raises InvalidMessage."""
    try:
        return _recorded({k[3:]: str(v) for k, v in headers.items() if k.startswith("ce-")}, body)
    except (KeyError, ValueError) as error:
        raise InvalidMessage(f"not an event of this product: {error!r}") from error


def feed_page(page: FeedPage) -> bytes:
    """The JSON of a feed page: CloudEvents in structured mode, the stored bytes as `data`."""
    return msgspec.json.encode(
        {
            "source": page.source,
            "epoch": page.epoch,
            "previous_id": page.previous_id,
            "head": page.head,
            "complete_to": page.complete_to,
            "events": [
                {**attributes(e), "datacontenttype": CONTENT_TYPE, "data": msgspec.Raw(e.state)} for e in page.events
            ],
        }
    )


class _PageJson(msgspec.Struct):
    source: str
    epoch: str
    previous_id: UUID | None
    head: int
    complete_to: datetime | None
    events: list[dict[str, msgspec.Raw]]


_page_decoder = msgspec.json.Decoder(_PageJson)


def parse_feed_page(body: bytes) -> FeedPage:
    """A feed page from its JSON. Raises InvalidMessage."""
    try:
        page = _page_decoder.decode(body)
        events = [_from_structured(e) for e in page.events]
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        raise InvalidMessage(f"not a feed page: {error}") from error
    return FeedPage(
        source=page.source,
        epoch=page.epoch,
        previous_id=page.previous_id,
        head=page.head,
        complete_to=page.complete_to,
        events=events,
    )


def _from_structured(event: dict[str, msgspec.Raw]) -> Recorded:
    data = bytes(event.pop("data"))
    return _recorded({k: msgspec.json.decode(v, type=str) for k, v in event.items()}, data)


def _recorded(found: Mapping[str, str], state: bytes) -> Recorded:
    previous = found.get("previousid")
    return Recorded(
        source=found["source"].removeprefix("/doithoai/"),
        epoch=found["epoch"],
        position=int(found["position"]),
        previous_id=UUID(previous) if previous else None,
        event_id=UUID(found["id"]),
        originator_id=UUID(found["subject"]),
        version=int(found["aggregateversion"]),
        topic=found["type"],
        recorded_at=datetime.fromisoformat(found["recordedat"]).astimezone(UTC),
        state=state,
    )


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_structured(events: Sequence[Recorded]) -> list[dict[str, Any]]:
    """Events as CloudEvents in structured mode, for answers that carry some of them."""
    return [{**attributes(e), "datacontenttype": CONTENT_TYPE, "data": msgspec.Raw(e.state)} for e in events]
