"""Each call as a value: what is sent, and how its answer is read. No I/O."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx

from doithoai_client.events import event_of
from doithoai_client.models import (
    BatchEntry,
    ChangesPage,
    EventsPage,
    FileReceipt,
    PetitionAnswer,
    PetitionChange,
    PutResult,
)
from doithoai_client.problems import CallRefused
from doithoai_client.reconciling import DayRecord

T = TypeVar("T")

#: intake records petitions; followup counts their deadlines. Each has a feed.
ServiceName = Literal["intake", "followup"]

MOST_ITEMS = 1_000  # of one batch
MOST_BYTES = 900_000  # of one batch, below the bound of a body
SLACK = 30.0  # seconds beyond those that a call asks the service to wait


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call. Where it `repeats` it may be sent again as it is: it has its key, or does the same twice."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    service: ServiceName = "intake"
    params: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    patience: float = SLACK
    repeats: bool = True


def send(
    service: ServiceName,
    method: str,
    path: str,
    body: Any = None,
    key: str = "",
    params: Mapping[str, str] | None = None,
) -> Call[Any]:
    """Any other call; a command of intake gets a key of its own where none is given. followup knows no keys."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    has_key = method == "POST" and service == "intake"
    if has_key:
        headers["Idempotency-Key"] = key or fresh_key()
    return Call(
        method,
        path,
        _json,
        service,
        tuple((params or {}).items()),
        headers,
        encoded(body) if body is not None else None,
        repeats=has_key or method != "POST",
    )


def fresh_key() -> str:
    """An idempotency key that nobody had."""
    return secrets.token_urlsafe(18)


def put(source: str, external_id: str, source_version: str, petition: Mapping[str, Any]) -> Call[PutResult]:
    body = {**petition, "source_version": source_version}
    if not has_address(external_id):
        return _one_of(batch(source, [{**body, "external_id": external_id}]))

    def read(response: httpx.Response) -> PutResult:
        return _pushed(_json(response))

    headers = {"Content-Type": "application/json"}
    return Call("PUT", by_reference(source, external_id), read, headers=headers, body=encoded(body))


def batch(source: str, items: Sequence[Mapping[str, Any]]) -> Call[list[BatchEntry]]:
    names = [str(item["external_id"]) for item in items]

    def read(response: httpx.Response) -> list[BatchEntry]:
        return [_item(name, each) for name, each in zip(names, _items(response), strict=True)]

    headers = {"Content-Type": "application/json"}
    body = encoded({"items": [{"source": source, **item} for item in items]})
    return Call("POST", "/v1/petitions/batch", read, headers=headers, body=body, patience=120.0)


def in_batches(source: str, items: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The items in as few batches as their number and size allow."""
    found: list[Mapping[str, Any]] = []
    size = 0
    for item in items:
        added = len(encoded({"source": source, **item})) + 1
        if found and (len(found) == MOST_ITEMS or size + added > MOST_BYTES):
            yield found
            found, size = [], 0
        found.append(item)
        size += added
    if found:
        yield found


def find(source: str, external_id: str) -> Call[str]:
    """The id of what was pushed under a reference."""
    params = (("source", source), ("external_id", external_id))
    return Call("GET", "/v1/petitions", lambda response: str(_json(response)["id"]), params=params)


def has_address(external_id: str) -> bool:
    """Whether a reference can be one part of a path: an encoded slash is taken for one that parts, dots for a step."""
    return "/" not in external_id and external_id not in ("", ".", "..")


def withdraw(petition: str, body: Mapping[str, Any], key: str) -> Call[Any]:
    """`petition` is the address of one: `by_reference`, or `by_id`."""
    return send("intake", "POST", f"{petition}/withdrawal", dict(body), key)


def answer(petition: str) -> Call[PetitionAnswer]:
    return Call("GET", f"{petition}/answer", _answered)


def by_id(petition_id: str) -> str:
    """The address of a petition."""
    return f"/v1/petitions/{_part(petition_id)}"


def send_file(content: bytes, name: str) -> Call[FileReceipt]:
    headers = {"Content-Type": "application/octet-stream"}
    if name:  # in a header, which nobody logs: it may name a citizen
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Call("POST", "/v1/files", _stored, headers=headers, body=content, patience=300.0)


def fetch_file(petition_id: str, digest: str) -> Call[bytes]:
    def content(response: httpx.Response) -> bytes:
        if hashlib.sha256(response.content).hexdigest() != digest:
            raise ValueError(f"what came is not the file {digest}")
        return response.content

    return Call("GET", f"{by_id(petition_id)}/files/{_part(digest)}", content, patience=300.0)


def deadlines(petition_id: str) -> Call[list[dict[str, Any]]]:
    return Call("GET", "/v1/deadlines", _items, "followup", (("subject_id", petition_id),))


@dataclass(frozen=True)
class FeedQuestion:
    """Which events of a service's feed are wanted. A cursor belongs to one question and goes on for that alone."""

    service: ServiceName = "intake"
    types: Sequence[str] = ()
    jurisdiction: str = ""
    mine: bool = False

    @property
    def params(self) -> list[tuple[str, str]]:
        """As parameters of the feed."""
        found = [("type", each) for each in sorted(set(self.types))]
        if self.jurisdiction:
            found.append(("jurisdiction", self.jurisdiction))
        if self.mine:
            found.append(("mine", "true"))
        return found

    @property
    def feed(self) -> str:
        """The name under which a store keeps the cursor."""
        asked = "&".join(f"{name}={value}" for name, value in self.params)
        return f"{self.service}?{asked}" if asked else self.service


def page(question: FeedQuestion, cursor: str, limit: int, wait: float) -> Call[EventsPage]:
    def read(response: httpx.Response) -> EventsPage:
        found = _json(response)
        events = tuple(map(event_of, found["events"]))
        complete_to = datetime.fromisoformat(found["complete_to"]) if found["complete_to"] else None
        return EventsPage(events, found["next"], complete_to, complete_to is not None or found["next"] == cursor)

    params = [*question.params, ("cursor", cursor), ("limit", str(limit)), ("wait", f"{wait:g}")]
    return Call("GET", "/v1/events", read, question.service, params, patience=wait + SLACK)


def changes(source: str, since: datetime | None, cursor: str) -> Call[ChangesPage]:
    def read(response: httpx.Response) -> ChangesPage:
        found = _json(response)
        items = tuple(
            PetitionChange(each["external_id"], each["source_version"], each["state"], each["id"])
            for each in found["items"]
        )
        return ChangesPage(items, found["next"], found["more"])

    if since is not None and since.tzinfo is None:
        raise ValueError("since: an instant has a time zone; give it one, such as datetime.now(UTC)")
    begin = (("changed_since", since.isoformat()),) if since is not None and not cursor else ()
    return Call("GET", "/v1/petitions", read, params=(("source", source), *begin, ("cursor", cursor)))


@dataclass(frozen=True)
class DayTotals:
    """A day as the service holds it at a position of its log."""

    is_final: bool
    position: int
    digest: str
    buckets: Mapping[int, str]


def reconciliation(source: str, day: date) -> Call[DayTotals]:
    def read(response: httpx.Response) -> DayTotals:
        found = _json(response)
        buckets = {each["bucket"]: each["digest"] for each in found["buckets"]}
        return DayTotals(found["final"], found["at"]["position"], found["digest"], buckets)

    return Call("GET", "/v1/reconciliation", read, params=(("source", source), ("day", day.isoformat())))


def reconciled_bucket(source: str, day: date, bucket: int, position: int) -> Call[list[DayRecord]]:
    """The records of a bucket, as they stood at a position: those of one comparison are of one instant."""

    def read(response: httpx.Response) -> list[DayRecord]:
        lines = _json(response)["lines"]
        return [DayRecord(each["external_id"], each["source_version"], each["state"]) for each in lines]

    asked = {"source": source, "day": day.isoformat(), "bucket": str(bucket), "position": str(position)}
    return Call("GET", "/v1/reconciliation", read, params=tuple(asked.items()))


def encoded(value: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _part(text: str) -> str:
    return quote(text, safe="")


def by_reference(source: str, external_id: str) -> str:
    """The address of a petition by the key under which it was pushed."""
    return f"/v1/petitions/by-reference/{_part(source)}/{_part(external_id)}"


def _json(response: httpx.Response) -> Any:
    return json.loads(response.content) if response.content else None


def _items(response: httpx.Response) -> list[dict[str, Any]]:
    return list(_json(response)["items"])


def _pushed(found: Mapping[str, Any]) -> PutResult:
    conflicts = tuple(each["field"] for each in found.get("conflicts") or ())
    version, code = found["source_version"], found.get("receipt_code") or ""
    return PutResult(found["id"], found["result"], version, conflicts, code, found)


def _item(name: str, found: Mapping[str, Any]) -> BatchEntry:
    if found.get("push"):
        return BatchEntry(name, _pushed(found["push"]), None)
    return BatchEntry(name, None, CallRefused(found["status"], found.get("problem") or {}))


def _one_of(call: Call[list[BatchEntry]]) -> Call[PutResult]:
    def read(response: httpx.Response) -> PutResult:
        (found,) = call.read(response)
        if found.pushed is None:
            assert found.refused is not None
            raise found.refused
        return found.pushed

    return Call(call.method, call.path, read, headers=call.headers, body=call.body, patience=call.patience)


def _answered(response: httpx.Response) -> PetitionAnswer:
    found = _json(response)
    names = found["names"]
    return PetitionAnswer(found["id"], found["state"], names["vi"], names["en"], found.get("reply"), found)


def _stored(response: httpx.Response) -> FileReceipt:
    found = _json(response)
    return FileReceipt(found["digest"], found["media_type"], found["size"])
