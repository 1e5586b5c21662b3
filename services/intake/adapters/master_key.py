"""Which master key a store is sealed under: bound by the first process that starts on it, held against each later one.

WrongSettings
└── WrongMasterKey    the key that is set is not the one that the store is sealed under
"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import structlog

from services.intake.adapters.seals import PetitionSeals
from services.intake.application.ports import StoredKey
from shared.sealing import BrokenSeal
from shared.sentences import Sentence
from shared.settings import WrongSettings

VARIABLE = "INTAKE_MASTER_KEY_FILE"
SAMPLE = 100  # of the oldest keys, and as many of the newest
AT_ONCE = 1000  # rows
WRONG_KEY = Sentence(
    "không phải khóa chính của kho dữ liệu này; hãy dùng khóa đã cất riêng, không tạo khóa mới "
    "(docs/runbooks/DoithoaiSealsUnopened.md)",
    "is not the master key of this store; use the one that was locked away, and make no new one "
    "(docs/runbooks/DoithoaiSealsUnopened.md)",
)

_KEY = "SELECT key_id, owner_id, originator_id, wrapped FROM sealing_keys"
_EDGES = f"({_KEY} ORDER BY key_id LIMIT $1) UNION ({_KEY} ORDER BY key_id DESC LIMIT $1)"
_HAS_TABLE = "SELECT to_regclass('public.master_key') IS NOT NULL"
_BOUND = "SELECT fingerprint FROM master_key"
_BIND = "INSERT INTO master_key (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING"

log = structlog.get_logger("seals")


class WrongMasterKey(WrongSettings):
    """The master key that is set is not that of the store; `said` in both languages."""

    def __init__(self, said: Sentence = WRONG_KEY) -> None:
        super().__init__(f"{VARIABLE}: {said.both}")
        self.said = said


class TriedKeys(msgspec.Struct):
    """How many wrapped keys a master key opens, and those that it does not."""

    opened: int = 0
    unopened: list[StoredKey] = []

    @property
    def is_of_another_key(self) -> bool:
        """Whether most is sealed under another master key."""
        return bool(self.unopened) and self.opened <= len(self.unopened)

    def require_most(self) -> None:
        """Pass the master key under which most is sealed. Raises WrongMasterKey."""
        if self.is_of_another_key:
            raise WrongMasterKey


async def bind(pool: "asyncpg.Pool[asyncpg.Record]", seals: PetitionSeals) -> None:
    """Bind a store to the master key, or hold the key against the one that it is bound to. Raises WrongMasterKey.

    Of several processes that start on a new store one binds it, and the others are held against its key.
    """
    async with pool.acquire() as connection:
        if await fingerprint_of(connection) is None:
            tried = await tried_on_store(connection, seals)
            tried.require_most()
            if tried.unopened:
                log.error("sealed_under_another_key", keys=len(tried.unopened), opened=tried.opened)
            await connection.execute(_BIND, seals.key_fingerprint)
        if await fingerprint_of(connection) != seals.key_fingerprint:
            raise WrongMasterKey


async def fingerprint_of(connection: Any) -> str | None:
    """What tells the key that a store is bound to; None where no process since 0.5.0 has started on it."""
    found: str | None = await connection.fetchval(_BOUND) if await connection.fetchval(_HAS_TABLE) else None
    return found


async def tried_on_store(connection: Any, seals: PetitionSeals) -> TriedKeys:
    """Try the oldest and the newest keys of a store, and all of them where those do not agree."""
    tried = TriedKeys()
    for row in await connection.fetch(_EDGES, SAMPLE):
        try_key(tried, seals, StoredKey(*row.values()))
    return await tried_on_all(connection, seals) if tried.opened and tried.unopened else tried


async def tried_on_all(connection: Any, seals: PetitionSeals) -> TriedKeys:
    """Try every key of a store."""
    tried = TriedKeys()
    async with connection.transaction():
        rows: AsyncIterator[Any] = connection.cursor(_KEY, prefetch=AT_ONCE)
        async for row in rows:
            try_key(tried, seals, StoredKey(*row.values()))
    return tried


def try_key(tried: TriedKeys, seals: PetitionSeals, key: StoredKey) -> None:
    """Try one key."""
    try:
        seals.check_key(key)
        tried.opened += 1
    except BrokenSeal:
        tried.unopened.append(key)
