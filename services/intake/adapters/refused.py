"""Refused commands of the queue: kept, sealed, with their reason; listed, and erased with the petitioner they name."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.intake.adapters.contents import SealedRow
from services.intake.adapters.seals import Kept, PetitionSeals
from services.intake.application.ports import StoredKey
from shared.identifiers import normalised
from shared.sealing import BrokenSeal

AT_ONCE = 8  # commands that are opened together: each may have the size of the broker's largest message
_FIRST = UUID(int=0)

_KEEP = """
INSERT INTO refused_commands (refused_id, refused_at, caller, command, reason_code, sealed)
VALUES ($1, store_now(), $2, $3, $4, $5)
"""
_LIST = """
SELECT refused_id, refused_at, caller, command, reason_code, sealed = '' AS is_erased FROM refused_commands
WHERE ($1::uuid IS NULL
       OR (refused_at, refused_id) < (SELECT refused_at, refused_id FROM refused_commands WHERE refused_id = $1))
AND ($2::text[] IS NULL OR caller = ANY ($2)) ORDER BY refused_at DESC, refused_id DESC LIMIT $3
"""
_KNOWN = "SELECT EXISTS (SELECT 1 FROM refused_commands WHERE refused_id = $1)"
_NEXT = "SELECT refused_id, sealed FROM refused_commands WHERE refused_id > $1 AND sealed <> '' ORDER BY 1 LIMIT $2"
_SEALED = """
SELECT event_id, originator_id, originator_version, topic, sealed FROM stored_events
WHERE originator_id = ANY ($1) AND sealed IS NOT NULL
"""
_KEYS = "SELECT key_id, owner_id, originator_id, wrapped FROM sealing_keys WHERE owner_id = $1"


class RefusedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A refused command as it is listed, without what it said. `is_erased`: that is not kept any more either."""

    refused_id: UUID
    refused_at: datetime
    caller: str
    command: str
    reason_code: str
    is_erased: bool


class RefusedCommands:
    """The table of refused commands. What a citizen wrote in one is sealed like everything else."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", seals: PetitionSeals, new_id: Callable[[], UUID]) -> None:
        self._pool = pool
        self._seals = seals
        self._new_id = new_id

    async def keep(self, caller: str, command: str, code: str, reason: str, body: bytes) -> UUID:
        """Keep one; its id."""
        refused_id = self._new_id()
        await self._pool.execute(
            _KEEP,
            refused_id,
            caller,
            command,
            code,
            self._seals.seal_refused(refused_id, Kept(reason, body)),
        )
        return refused_id

    async def page(self, before: UUID | None, callers: Collection[str] | None, limit: int) -> list[RefusedCommand]:
        """The newest before one, of these users of the broker; None is of all."""
        rows = await self._pool.fetch(_LIST, before, None if callers is None else list(callers), limit)
        return [RefusedCommand(**dict(row)) for row in rows]

    async def knows(self, refused_id: UUID) -> bool:
        """Whether one is kept; none is ever taken away."""
        return bool(await self._pool.fetchval(_KNOWN, refused_id))

    async def erase(self, named: str, streams: Collection[UUID]) -> None:
        """Erase what is kept of every command that names somebody by their id, one of their streams, or who they are.

        A command says who a petitioner is by phone or document, or by everything that is known of them.
        """
        names = {named, *map(str, streams)}
        rows = await self._pool.fetch(
            "SELECT external_id FROM external_references WHERE originator_id = ANY ($1)", list(streams)
        )
        names.update(row["external_id"] for row in rows)
        wanted = _Wanted(names, await self._identities(named, streams))
        after = _FIRST
        while rows := await self._pool.fetch(_NEXT, after, AT_ONCE):
            after = rows[-1]["refused_id"]
            # Off the loop: what was kept may be large.
            if found := await asyncio.to_thread(self._naming, [tuple(row) for row in rows], wanted):
                await self._pool.execute("SELECT erase_refused($1)", found)

    async def _identities(self, petitioner: str, petitions: Collection[UUID]) -> list[dict[str, str]]:
        keys = {row["key_id"]: StoredKey(*row.values()) for row in await self._pool.fetch(_KEYS, petitioner)}
        found: list[dict[str, str]] = []
        for row in await self._pool.fetch(_SEALED, list(petitions)):
            try:
                content = self._seals.opened(SealedRow(*row.values()), keys)
            except BrokenSeal:
                continue  # under another master key, or altered: it names nobody, and hinders no erasure
            if identity := content.get("identities", {}).get(petitioner):
                found.append({field: value for field, value in identity.items() if value})
        return found

    def _naming(self, rows: Sequence[tuple[UUID, bytes]], wanted: "_Wanted") -> list[UUID]:
        found = []
        for refused_id, sealed in rows:
            with contextlib.suppress(BrokenSeal):  # under another master key: nobody can read it
                if wanted.is_in(self._seals.open_refused(refused_id, sealed)):
                    found.append(refused_id)
        return found


class _Wanted:
    """What to look for: names that stand alone, and identities."""

    def __init__(self, names: Collection[str], identities: Iterable[dict[str, str]]) -> None:
        self._names = {normalised(name) for name in names}
        self._identities = list(identities)

    def is_in(self, kept: Kept) -> bool:
        """Whether a refused command names somebody who is looked for."""
        try:
            texts = set(_texts(msgspec.json.decode(kept.body)))
        except (msgspec.MsgspecError, RecursionError, ValueError):
            whole = normalised(kept.body.decode("utf-8", "replace"))
            return self._matches(lambda text: text in whole, lambda name: f'"{name}"' in whole)
        return self._matches(texts.__contains__, texts.__contains__)

    def _matches(self, has: Callable[[str], bool], names: Callable[[str], bool]) -> bool:
        return any(map(names, self._names)) or any(
            any(has(identity[field]) for field in ("phone", "document") if field in identity)
            or all(map(has, identity.values()))
            for identity in self._identities
        )


def _texts(value: Any) -> Iterable[str]:
    """Every text in a JSON value, the names of fields too."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield normalised(text)  # as the store keeps what it is held against
            case dict(fields):
                waiting += [*fields.keys(), *fields.values()]
            case list(items):
                waiting += items
            case _:
                pass  # numbers name nobody
