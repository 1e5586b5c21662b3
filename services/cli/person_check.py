"""Holds the rows of a sheet of people against what intake knows, by the rules by which it would take or refuse them."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from services.cli.intake_client import get
from services.cli.person_files import PersonRow
from services.intake.domain import Caller, Fact, Refused, fold_regulation, may
from services.intake.domain.acts import REGULATION_ACTS
from shared.events import DATED_EVENTS, DatedEvent
from shared.events.person import PostAnnulled, PostEnded, PostGranted
from shared.identifiers import NATION

PAGE = 1000  # records asked for at once


def refused_row(url: str, token: str, rows: list[PersonRow]) -> tuple[PersonRow, Refused] | None:
    """The first row that intake would refuse, and why; None where it would take them all.

    A row that is recorded already is passed over, as it would be by its key.
    """
    me = get(url, "/v1/me", token) or {}
    today = date.fromisoformat(str((get(url, "/v1/clock", token) or {})["today"]))
    caller = Caller(str(me.get("caller", "")), frozenset(me.get("roles", ())), str(me.get("jurisdiction") or NATION))
    facts = [*_bodies(url, token), *_posts(people(url, token), today)]
    recorded = {_said(fact.event) for fact in facts if isinstance(fact.event, PostGranted)}
    regulation = fold_regulation(facts)
    act = REGULATION_ACTS[PostGranted]
    for number, row in enumerate(rows):
        event = msgspec.convert(row.body | {"effective_on": today}, PostGranted)
        if _said(event) in recorded:
            continue
        try:
            may(caller, event, None, regulation)
            act.check(event, regulation)
        except Refused as refused:
            return row, refused
        act.fold(regulation, _fact(event, number))
    return None


def people(url: str, token: str) -> Iterator[dict[str, Any]]:
    """Everybody within the caller's subtree."""
    cursor = ""
    while True:
        page = get(url, f"/v1/people?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""), token) or {"items": []}
        yield from page["items"]
        if len(page["items"]) < PAGE:
            return
        cursor = page["items"][-1]["id"]


def _bodies(url: str, token: str) -> Iterator[Fact[DatedEvent]]:
    for path in ("/v1/jurisdictions", "/v1/agencies"):
        cursor = ""
        while True:
            items = (get(url, f"{path}?limit={PAGE}&cursor={cursor}", token) or {"items": []})["items"]
            for each in items:
                event = msgspec.convert(each["data"], DATED_EVENTS[each["topic"]], strict=False)
                yield _fact(event, each["position"], UUID(each["event_id"]))
            if len(items) < PAGE:
                break
            cursor = base64.urlsafe_b64encode(str(items[-1]["position"]).encode()).rstrip(b"=").decode()


def _posts(known: Iterator[dict[str, Any]], today: date) -> Iterator[Fact[DatedEvent]]:
    for person in known:
        for post in person["posts"]:
            said = {name: value for name, value in post.items() if name in PostGranted.__struct_fields__}
            event = msgspec.convert(
                said | {"subject": person["subject"], "name": person["name"] or "-", "effective_on": today}, PostGranted
            )
            post_id = UUID(post["id"])
            yield _fact(event, 0, post_id)
            if post.get("annulled"):
                yield _fact(PostAnnulled(effective_on=today, post=post_id), 0)
            if ended_on := post.get("ended_on"):
                yield _fact(PostEnded(effective_on=date.fromisoformat(ended_on), post=post_id), 0)


def _fact(event: DatedEvent, position: int, event_id: UUID | None = None) -> Fact[DatedEvent]:
    made = uuid5(NAMESPACE_OID, f"{event.TOPIC} {position}")
    return Fact(event, event_id or made, 1, position, datetime.now(UTC))


def _said(event: PostGranted) -> tuple[object, ...]:
    """What a row and a recorded post have in common; names are not compared."""
    return (
        event.subject,
        event.position,
        frozenset(event.roles),
        event.jurisdiction,
        event.agency,
        event.valid_from,
        event.valid_until,
    )
