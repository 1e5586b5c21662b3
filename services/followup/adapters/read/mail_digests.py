"""Digests by mail in PostgreSQL: what they are made of, and the log of those that are done."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.followup.adapters.read.calendars import calendars
from services.followup.adapters.read.heirs import reached
from services.followup.adapters.read.index_scans import Values, within
from services.followup.adapters.read.jurisdiction_names import place_names
from services.followup.adapters.read.models import Source
from services.followup.adapters.read.pagination import read
from services.followup.adapters.read.queries import SOURCES
from services.followup.adapters.read.source_clocks import NOW
from services.followup.application.access import Scope
from services.followup.application.digest_mailer import Mailed, SourceClock
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.letters.digest import DAYS, DigestLine, MailDigest, Recipient, retracted_line, split
from services.followup.domain.wording.names import body_words
from shared.calendar import Calendar, unpublished_year
from shared.cases.successors import OFFICE
from shared.events import decode_state
from shared.events.deadline import DeadlineBreachRetracted
from shared.events.regulation import CalendarPublished
from shared.identifiers import NATION, derived_id, midnight, ordered_id

LISTED = 200  # deadlines in each part of a digest; the rest are counted

_CLOCKS = f"""
SELECT source, {NOW} AS now,
    extract(epoch FROM clock_timestamp() - complete_read_at)::float8 AS silent_for
FROM sources WHERE complete_read_at IS NOT NULL AND {NOW} IS NOT NULL ORDER BY source
"""
_OWED = """
SELECT d.raised, c.row, count(*) OVER () AS total FROM deadlines d LEFT JOIN cases c USING (source, subject_id)
WHERE d.debtor = $1 AND d.outcome = '' AND d.source = $2 AND d.due_on >= $3 AND d.due_on < $4 AND {within}
ORDER BY d.due_on, d.deadline_id LIMIT $5
"""
#: The id of a deadline event begins with the milliseconds of its instant.
_RETRACTED = """
SELECT e.topic, e.state, d.raised, c.row
FROM public.stored_events e JOIN deadlines d ON d.source = $3 AND d.deadline_id = e.originator_id
LEFT JOIN cases c USING (source, subject_id)
WHERE e.event_id >= $1 AND e.event_id < $2 AND e.topic = 'DeadlineBreachRetracted' ORDER BY e.event_id
"""
_PUBLISHED = "SELECT topic, state FROM facts WHERE source = $1 AND NOT is_petition AND topic = 'CalendarPublished'"
_NAME = "SELECT name FROM agencies WHERE source = $1 AND code = $2"
_LAST = "SELECT max(day) FROM public.sent_digests WHERE source = $1 AND recipient = $2"
_IS_DONE = "SELECT true FROM public.sent_digests WHERE source = $1 AND recipient = $2 AND day = $3"
_DONE = """
INSERT INTO public.sent_digests (source, recipient, day, outcome, message_id, refused) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (source, recipient, day) DO UPDATE SET refused = excluded.refused
"""
_UNREACHED = """
SELECT day, refused FROM public.sent_digests
WHERE source = $1 AND recipient = $2 AND day >= $3 AND refused <> '{}' ORDER BY day
"""

_row = msgspec.json.Decoder(CaseRow)
_raised = msgspec.json.Decoder(DeadlineState)


class StoredDigests:
    """Digests over the projection behind a pool whose search path begins with its schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def clocks(self) -> Sequence[SourceClock]:
        """Return the clock of each source that was read."""
        return [SourceClock(*row.values()) for row in await read(self._pool, lambda c: c.fetch(_CLOCKS))]

    async def last_day(self, source: str, recipient: Recipient) -> date | None:
        """Return the last day whose digest is done; None when none is."""
        found: date | None = await self._pool.fetchval(_LAST, source, recipient.key)
        return found

    async def is_done(self, source: str, recipient: Recipient, day: date) -> bool:
        """Return whether the digest of a day is done."""
        return bool(await self._pool.fetchval(_IS_DONE, source, recipient.key, day))

    async def done(self, digest: MailDigest, mailed: Mailed) -> None:
        """Record that a digest is done; the Message-ID is empty when there was nothing to send."""
        refused = [_address_key(digest.source, digest.recipient, digest.day, address) for address in mailed.refused]
        outcome = "sent" if mailed.message_id else "empty"
        named = (digest.source, digest.recipient, digest.day, outcome, mailed.message_id)
        await self._pool.execute(_DONE, *named, refused)

    async def unreached(self, source: str, recipient: Recipient, since: date) -> list[tuple[date, Recipient]]:
        """Return the digests from a day on that some of the body's addresses have not got, with these alone."""
        found = []
        for row in await self._pool.fetch(_UNREACHED, source, recipient.key, since):
            day, keys = row["day"], set(row["refused"])
            rest = tuple(a for a in recipient.addresses if _address_key(source, recipient.key, day, a) in keys)
            if rest:  # an address that is no longer in the file is owed nothing
                found.append((day, Recipient(recipient.key, rest)))
        return found

    async def digest(self, source: str, recipient: Recipient, day: date, today: date) -> MailDigest:
        """Return the digest of a day, from what is known now."""
        return await read(self._pool, lambda c: _digest(c, source, recipient, day, today))


def _address_key(source: str, recipient: str, day: date, address: str) -> UUID:
    """What is kept of an address: it tells nothing to who does not know the address, and another each day."""
    return derived_id("digest-address", source, recipient, day.isoformat(), address)


async def _digest(connection: Any, source: str, recipient: Recipient, day: date, today: date) -> MailDigest:
    overdue, overdue_total = await _owed(connection, source, recipient, date.min, day)
    calendar = (await calendars(connection)).get(source, Calendar())
    due, due_total = await _owed(connection, source, recipient, day, day + timedelta(days=DAYS))
    sources = [Source(**dict(row)) for row in await connection.fetch(SOURCES)]
    return MailDigest(
        source=source,
        recipient=recipient.key,
        name=await _name(connection, source, recipient),
        day=day,
        today=today,
        read_to=next((s.complete_to for s in sources if s.source == source), None),
        overdue=split(overdue, day, calendar)[0],
        due=split(due, day, calendar)[1],
        retracted=await _retracted(connection, source, recipient, day, calendar),
        overdue_total=overdue_total,
        due_total=due_total,
        unpublished_year=await _unpublished_year(connection, source, recipient, day),
    )


async def _unpublished_year(connection: Any, source: str, recipient: Recipient, day: date) -> int | None:
    if recipient.debtor != OFFICE:
        return None
    events = [decode_state(row["topic"], row["state"])[0] for row in await connection.fetch(_PUBLISHED, source)]
    return unpublished_year(day, {event.year for event in events if isinstance(event, CalendarPublished)})


async def _owed(
    connection: Any, source: str, recipient: Recipient, first: date, end: date
) -> tuple[list[tuple[DeadlineState, CaseRow | None]], int]:
    value = Values()
    value.given += [recipient.debtor, source, first, end, LISTED]
    place = within(Scope(recipient.jurisdiction), value, "d")
    rows = await connection.fetch(_OWED.format(within=place), *value.given)
    return [(_raised.decode(r["raised"]), _case(r)) for r in rows], rows[0]["total"] if rows else 0


async def _retracted(
    connection: Any, source: str, recipient: Recipient, day: date, calendar: Calendar
) -> list[DigestLine]:
    scope = await reached(connection, Scope(recipient.jurisdiction, recipient.debtor))
    assert scope is not None, "nothing was asked for that could be beyond it"
    first, end, lowest = midnight(day - timedelta(days=1)), midnight(day), bytes(10)
    found = []
    for row in await connection.fetch(_RETRACTED, ordered_id(first, lowest), ordered_id(end, lowest), source):
        event, meta = decode_state(row["topic"], row["state"])
        assert isinstance(event, DeadlineBreachRetracted)
        mine = scope.is_seen_by(event.debtor, source)
        if mine and not meta.backfilled and scope.holds(meta.jurisdiction, source):
            found.append(retracted_line(event, _raised.decode(row["raised"]), _case(row), day, calendar))
    return found[:LISTED]


async def _name(connection: Any, source: str, recipient: Recipient) -> str:
    name: str | None = await connection.fetchval(_NAME, source, recipient.debtor)
    if name is None:
        name = body_words(recipient.debtor).vi
        if recipient.jurisdiction != NATION:
            place = (await place_names(connection, source)).get(recipient.jurisdiction, recipient.jurisdiction)
            name = f"{name} – {place}"
    return name


def _case(row: Any) -> CaseRow | None:
    return _row.decode(row["row"]) if row["row"] is not None else None
