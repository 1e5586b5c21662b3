"""A conflict: what a push would have changed against the office, kept until an official decides."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

ConflictState = Literal["open", "accepted", "refused", "superseded"]


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """What a push would change of a petition that the office has in hand, or has changed in the same fields.

    `superseded`: a later push of the record took its place, or said what stands.
    """

    conflict_id: UUID
    petition_id: UUID
    jurisdiction: str
    source: str
    external_id: str
    source_version: str
    fields: tuple[str, ...]
    state: ConflictState
    pushed_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None


class NewConflict(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict to keep, weighed against the petition at a version."""

    petition_id: UUID
    jurisdiction: str
    source: str
    external_id: str
    source_version: str
    fields: tuple[str, ...]
    content: bytes
    at_version: int


class PushedRecord(msgspec.Struct, frozen=True):
    """What is kept of a pushed record beside the log.

    `version` is the latest that was weighed; `alike_version` the one that was last found alike with the petition, up to
    its event `alike_at`.
    """

    version: str = ""
    alike_version: str = ""
    alike_at: int = 0
    conflicts: tuple[Conflict, ...] = ()


class Pushes(Protocol):
    """Where it is kept."""

    async def known(self, source: str, external_id: str) -> PushedRecord: ...
    async def advance(self, source: str, external_id: str, version: str, alike_at: int) -> None: ...
    async def open(self, new: NewConflict) -> bool: ...
    async def conflict(self, conflict_id: UUID) -> Conflict | None: ...
    async def content(self, conflict_id: UUID) -> bytes: ...
    async def page(
        self,
        jurisdiction: str,
        inherited: Collection[str],
        sources: Collection[str] | None,
        state: ConflictState | None,
        petition_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[Conflict]: ...
    async def decide(self, conflict_id: UUID, state: ConflictState, decided_by: str) -> bool: ...
