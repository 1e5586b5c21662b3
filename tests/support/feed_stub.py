"""A feed in memory, as the client library meets it: pages by a cursor, empty ones too, and restores."""

import json
from typing import Any

import httpx


def event_at(position: int, **changed: Any) -> dict[str, Any]:
    """A CloudEvent as the feed gives it."""
    return {
        "specversion": "1.0",
        "id": f"0190-{position}",
        "source": "/doithoai/local",
        "type": "PetitionReceived",
        "time": "2019-08-23T01:00:00Z",
        "subject": "01890a5d-ac96-774b-bcce-b302099a8057",
        "position": str(position),
        "epoch": "e",
        "recordedat": "2019-08-23T01:00:01Z",
        "aggregateversion": "1",
        "dataschema": "urn:doithoai:schema:PetitionReceived",
        "datacontenttype": "application/json",
        "externalsource": "cong",
        "externalid": f"TN-{position}",
        "data": {"kind": "petition"},
    } | changed


class StubFeed:
    """Events at positions from 1; of those the caller sees `seen`. A cursor is the position that was passed last."""

    def __init__(self, head: int, seen: set[int] | None = None, scan: int = 3) -> None:
        self.head, self.scan = head, scan
        self.seen = set(range(1, head + 1)) if seen is None else seen
        self.complete_to: str | None = "2019-08-23T01:00:02Z"  # at the end of the feed; a service may not know it
        self.restored_to: int | None = None
        self.is_resumed = False  # once somebody was told of the restore

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer like `GET /v1/events`."""
        word = request.url.params["cursor"]
        after = int(word or 0)
        if word and self.restored_to is not None and after > self.restored_to and not self.is_resumed:
            self.is_resumed = True
            members = {"type": "urn:doithoai:problem:history-changed", "cursor": str(max(self.restored_to - 2, 0))}
            return httpx.Response(409, json=members | {"status": 409, "field": "cursor"})
        upto = min(self.head, after + min(self.scan, int(request.url.params["limit"])))
        events = [self._event(each) for each in range(after + 1, upto + 1) if each in self.seen]
        page = {"source": "local", "epoch": "e", "next": str(upto), "events": events}
        page["complete_to"] = self.complete_to if upto == self.head else None
        return httpx.Response(200, content=json.dumps(page))

    def restore(self, to: int, head: int) -> None:
        """Lose what came after a position, then record other events up to a head."""
        self.restored_to, self.head, self.seen = to, head, set(range(1, head + 1))

    def _event(self, position: int) -> dict[str, Any]:
        is_anew = self.restored_to is not None and position > self.restored_to
        return event_at(position, id=f"0191-{position}") if is_anew else event_at(position)
