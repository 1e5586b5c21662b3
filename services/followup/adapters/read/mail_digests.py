"""Digests by mail in PostgreSQL: what they are made of, and the log of those that are done."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec

from services.followup.adapters.read.calendars import calendars
from services.followup.adapters.read.index_scans import Values, within
from services.followup.adapters.read.jurisdiction_names import place_names
from services.followup.adapters.read.models import Source
from services.followup.adapters.read.pagination import read
from services.followup.adapters.read.queries import SOURCES
from services.followup.application.digest_mailer import SourceClock
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.letters.digest import DAYS, DigestLine, MailDigest, Recipient, retracted_line, split
from services.followup.domain.wording.names import body_words
from shared.calendar import Calendar
from shared.events import decode_state
from shared.events.deadline import DeadlineBreachRetracted
from shared.identifiers import NATION, is_within, midnight, ordered_id

LISTED = 200  # deadlines in each part of a digest; the rest are counted

_CLOCKS = """
SELECT source, greatest(complete_to + (clock_timestamp() - complete_read_at), horizon, instant) AS now,
    extract(epoch FROM clock_timestamp() - complete_read_at)::float8 AS silent_for
FROM sources WHERE complete_read_at IS NOT NULL ORDER BY source
"""
_OWED = """
SELECT d.raised, c.row, count(*) OVER () AS total FROM deadlines d LEFT JOIN cases c USING (subject_id)
WHERE d.debtor = $1 AND d.outcome = '' AND d.source = $2 AND d.due_on >= $3 AND d.due_on < $4 AND {within}
ORDER BY d.due_on, d.deadline_id LIMIT $5
"""
#: The id of a deadline event begins with the milliseconds of its instant.
_RETRACTED = """
SELECT e.topic, e.state, d.raised, c.row
FROM public.stored_events e JOIN deadlines d ON d.deadline_id = e.originator_id LEFT JOIN cases c USING (subject_id)
WHERE e.event_id >= $1 AND e.event_id < $2 AND e.topic = 'DeadlineBreachRetracted' ORDER BY e.event_id
"""
_LAST = "SELECT max(day) FROM public.sent_digests WHERE source = $1 AND recipient = $2"
_IS_DONE = "SELECT true FROM public.sent_digests WHERE source = $1 AND recipient = $2 AND day = $3"
_DONE = """
INSERT INTO public.sent_digests (source, recipient, day, outcome, message_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
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

    async def done(self, digest: MailDigest, message_id: str) -> None:
        """Record that a digest is done; `message_id` is empty when there was nothing to send."""
        outcome = "sent" if message_id else "empty"
        await self._pool.execute(_DONE, digest.source, digest.recipient, digest.day, outcome, message_id)

    async def digest(self, source: str, recipient: Recipient, day: date, today: date) -> MailDigest:
        """Return the digest of a day, from what is known now."""
        return await read(self._pool, lambda c: _digest(c, source, recipient, day, today))


async def _digest(connection: Any, source: str, recipient: Recipient, day: date, today: date) -> MailDigest:
    overdue, overdue_total = await _owed(connection, source, recipient, date.min, day)
    calendar = (await calendars(connection)).get(source, Calendar())
    due, due_total = await _owed(connection, source, recipient, day, day + timedelta(days=DAYS))
    sources = [Source(**dict(row)) for row in await connection.fetch(SOURCES)]
    return MailDigest(
        source=source,
        recipient=recipient.key,
        name=await _name(connection, recipient),
        day=day,
        today=today,
        read_to=next((s.complete_to for s in sources if s.source == source), None),
        overdue=split(overdue, day, calendar)[0],
        due=split(due, day, calendar)[1],
        retracted=await _retracted(connection, source, recipient, day, calendar),
        overdue_total=overdue_total,
        due_total=due_total,
    )


async def _owed(
    connection: Any, source: str, recipient: Recipient, first: date, end: date
) -> tuple[list[tuple[DeadlineState, CaseRow | None]], int]:
    value = Values()
    value.given += [recipient.debtor, source, first, end, LISTED]
    place = within(recipient.jurisdiction, value).replace("jurisdiction", "d.jurisdiction")
    rows = await connection.fetch(_OWED.format(within=place), *value.given)
    return [(_raised.decode(r["raised"]), _case(r)) for r in rows], rows[0]["total"] if rows else 0


async def _retracted(
    connection: Any, source: str, recipient: Recipient, day: date, calendar: Calendar
) -> list[DigestLine]:
    first, end, lowest = midnight(day - timedelta(days=1)), midnight(day), bytes(10)
    found = []
    for row in await connection.fetch(_RETRACTED, ordered_id(first, lowest), ordered_id(end, lowest)):
        event, meta = decode_state(row["topic"], row["state"])
        assert isinstance(event, DeadlineBreachRetracted)
        mine = (event.source, event.debtor) == (source, recipient.debtor)
        if mine and not meta.backfilled and is_within(meta.jurisdiction, recipient.jurisdiction):
            found.append(retracted_line(event, _raised.decode(row["raised"]), _case(row), day, calendar))
    return found[:LISTED]


async def _name(connection: Any, recipient: Recipient) -> str:
    name: str | None = await connection.fetchval("SELECT name FROM agencies WHERE code = $1", recipient.debtor)
    if name is None:
        name = body_words(recipient.debtor).vi
        if recipient.jurisdiction != NATION:
            place = (await place_names(connection)).get(recipient.jurisdiction, recipient.jurisdiction)
            name = f"{name} – {place}"
    return name


def _case(row: Any) -> CaseRow | None:
    return _row.decode(row["row"]) if row["row"] is not None else None
