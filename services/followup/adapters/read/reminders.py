"""Reminders: which debtors should be reminded now, and all that the letter to each names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.followup.adapters.read.calendars import calendars
from services.followup.adapters.read.jurisdiction_names import every_place
from services.followup.adapters.read.listings import DeadlineFilter
from services.followup.adapters.read.models import Deadline
from services.followup.adapters.read.pagination import InvalidCursor, Page, decode_cursor, encode_cursor
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.reminder_dates import reminded_on
from services.followup.application.access import Coded, Scope
from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.letters.reminder import Letter
from services.followup.domain.letters.when_to_remind import Stage, is_proposed, stage_reached
from services.followup.domain.wording.names import body_words
from shared.calendar import Calendar
from shared.identifiers import local_day

_ROWS = "SELECT source, row FROM cases WHERE subject_id = ANY($1)"
_STATUSES = ("breached", "due_soon")  # in the order of their due dates

_row = msgspec.json.Decoder(CaseRow)


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline whose debtor should be reminded."""

    deadline: Deadline
    row: CaseRow
    stage: Stage  # the one that it has reached
    letter: Letter


class Reminders:
    """Letters and proposals, over the projection behind a pool whose search path begins with its schema."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", queries: Queries) -> None:
        self._pool, self._queries = pool, queries

    async def proposed(self, scope: Scope, wanted: DeadlineFilter, limit: int, cursor: str = "") -> Page[Proposal]:
        """Return the deadlines whose debtors should be reminded now, the earliest due date first.

        A page may be short. `wanted.status` is not looked at. Raises InvalidCursor.
        """
        number, inner = decode_cursor(cursor, tuple[int, str]) if cursor else (0, "")
        if not 0 <= number < len(_STATUSES):
            raise InvalidCursor("this cursor was not given by this listing")
        found: list[Proposal] = []
        while not found and number < len(_STATUSES):
            of_status = msgspec.structs.replace(wanted, status=_STATUSES[number])
            page = await self._queries.deadlines(scope, of_status, limit, inner)
            found = await self._proposals(page.items)
            inner = page.next
            number += not inner
        return Page(found, encode_cursor(number, inner) if number < len(_STATUSES) else "")

    async def letter(self, deadline: Deadline) -> Letter | None:
        """Return what the letter on a deadline is made of; None when nothing is owed any more or no case is known."""
        letters = await self.letters([deadline] if deadline.raised.is_open else [])
        return letters[0] if letters else None

    async def _proposals(self, deadlines: Sequence[Deadline]) -> list[Proposal]:
        by_id = {d.raised.deadline_id: d for d in deadlines}
        found = []
        for letter in await self.letters(deadlines):
            raised = letter.raised
            stage = stage_reached(raised, letter.today)
            if stage is not None and is_proposed(raised, letter.row, letter.urged_on, letter.today):
                deadline = by_id[raised.deadline_id]
                found.append(Proposal(deadline=deadline, row=letter.row, stage=stage, letter=letter))
        return found

    async def letters(self, deadlines: Sequence[Deadline]) -> list[Letter]:
        """Return what the letters on open deadlines are made of, in their order, of those whose cases are known."""
        if not deadlines:
            return []
        subjects = list({d.raised.subject_id for d in deadlines})
        days = {s.source: local_day(s.now) for s in await self._queries.sources() if s.now is not None}
        async with self._pool.acquire() as connection:
            rows = await _rows(connection, subjects)
            conferences = await _rows(connection, {r.conference_id for r in rows.values() if r.conference_id})
            reminded = await reminded_on(connection, subjects)
            places = await every_place(connection)
            known = await calendars(connection)
        names = await self._names((d.raised.source, d.raised.debtor) for d in deadlines)
        return [
            Letter(
                raised=d.raised,
                row=row,
                debtor=names[d.raised.source, d.raised.debtor],
                place=places.get((d.raised.source, _office_of(d.raised.source, row, conferences)), ""),
                today=days[d.raised.source],
                calendar=known.get(d.raised.source, Calendar()),
                urged_on=reminded.get(d.raised.deadline_id),
            )
            for d in deadlines
            if d.raised.source in days and (row := rows.get((d.raised.source, d.raised.subject_id))) is not None
        ]

    async def _names(self, codes: Iterable[Coded]) -> dict[Coded, str]:
        wanted = sorted(set(codes))
        registered = await self._queries.agency_names(wanted)
        return {each: registered.get(each) or body_words(each[1]).vi for each in wanted}


async def _rows(connection: Any, subject_ids: Collection[UUID]) -> dict[tuple[str, UUID], CaseRow]:
    rows = [(r["source"], _row.decode(r["row"])) for r in await connection.fetch(_ROWS, list(subject_ids))]
    return {(source, row.subject_id): row for source, row in rows}


def _office_of(source: str, row: CaseRow, conferences: Mapping[tuple[str, UUID], CaseRow]) -> str:
    """Return the jurisdiction whose office follows a case up: that of its conference, or else its own."""
    conference = conferences.get((source, row.conference_id)) if row.conference_id else None
    return conference.jurisdiction if conference else row.jurisdiction
