"""What a source pushed, as two systems compare it: the petitions of a day by digests, and what changed since."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from services.intake.application.ports import History
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import AnyFact, Caller, check_role, check_source
from services.intake.domain.errors import JurisdictionMayNot
from shared.cases.public_state import PublicState, public_state
from shared.cases.reconciliation import LineDigests, LinesDigest, bucket_of
from shared.events.petition import PetitionReceived
from shared.identifiers import midnight

#: Who compares: the systems that push, and who reads every case of a place.
ROLES = frozenset({"system", "office", "chair", "auditor", "operations"})
MAX_SCANNED = 5_000  # positions a page of changes


class PushedPetition(msgspec.Struct, frozen=True):
    """A petition that was pushed under a reference, with its facts as far as they are asked for."""

    external_id: str
    petition_id: UUID
    #: Which version of its sender's own record was recorded last; "" where none was said.
    source_version: str
    facts: Sequence[AnyFact]

    @property
    def state(self) -> PublicState:
        """How it stands."""
        return public_state(self.facts)

    @property
    def jurisdiction(self) -> str:
        """The place that it is about."""
        receipt = self.facts[0].event
        assert isinstance(receipt, PetitionReceived)
        return receipt.jurisdiction


class PushedPetitions(Protocol):
    """What was pushed under references."""

    async def position_before(self, instant: datetime) -> int:
        """The last position that was recorded before an instant."""
        ...

    def received(
        self, source: str, after: int, until: int, head: int, bucket: int | None
    ) -> AsyncGenerator[Sequence[PushedPetition]]:
        """The petitions received in a stretch of the log, as they stand at `head`, by the bytes of their ids."""
        ...

    async def changed(
        self, source: str, after: int, until: int, head: int, limit: int
    ) -> Sequence[tuple[int, PushedPetition]]:
        """The petitions whose last event at `head` lies in a stretch of the log, with its position."""
        ...


class ComparedLog(Protocol):
    """The log, as far as a comparison asks."""

    async def identity(self) -> tuple[str, str]: ...
    async def head(self) -> int: ...
    async def event_id_at(self, position: int) -> UUID | None: ...
    async def state_complete_to(self) -> tuple[datetime, int] | None: ...


class ComparedAt(msgspec.Struct, frozen=True, kw_only=True):
    """To which place in the log an answer speaks: the store, its history, the position and the event there."""

    source: str
    epoch: str
    position: int
    event_id: UUID | None


class BucketView(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a day."""

    bucket: int
    count: int
    digest: str


class ReconciledLine(msgspec.Struct, frozen=True, kw_only=True):
    """One petition of a bucket: the three parts of its line, and its id."""

    external_id: str
    source_version: str
    state: PublicState
    id: UUID


class DayView(msgspec.Struct, frozen=True, kw_only=True):
    """What a source pushed on a day. `final`: the day is over for the log, so no petition joins it any more.

    `lines` are those of the bucket that was asked for.
    """

    source: str
    day: date
    final: bool
    at: ComparedAt
    count: int
    digest: str
    states: dict[str, int]
    buckets: list[BucketView]
    lines: list[ReconciledLine] | None = None


class PetitionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A petition under its reference, as it stands."""

    external_id: str
    source_version: str
    state: PublicState
    id: UUID
    version: int
    changed_at: datetime


class ChangedPetitions(msgspec.Struct, frozen=True):
    """The changes of a stretch of the log, to which position it was scanned, and whether the log goes on there."""

    items: list[PetitionChange]
    scanned_to: int
    more: bool


class Reconciliation:
    """Compares by digests. One day at a time is read: it may be a hundred thousand petitions."""

    def __init__(
        self, regulation_cache: RegulationCache, history: History, petitions: PushedPetitions, log: ComparedLog
    ) -> None:
        self._regulation_cache, self._history = regulation_cache, history
        self._petitions, self._log = petitions, log
        self._one_at_a_time = asyncio.Lock()

    async def day(
        self, caller: Caller, source: str, day: date, bucket: int | None = None, position: int | None = None
    ) -> DayView:
        """A day as it stands at a position, by default the last one. Raises NotAllowed, NotConfirmed.

        It is told to who may push as the source, and to others where the whole day lies at their place.
        """
        await self._check(caller, source)
        end, epoch = midnight(day + timedelta(days=1)), self._history.epoch
        stated = await self._log.state_complete_to()
        head = position if position is not None else stated[1] if stated is not None else await self._log.head()
        after, until = await self._petitions.position_before(midnight(day)), await self._petitions.position_before(end)
        final = stated is not None and stated[0] >= end and head >= until
        await self._history.confirm(head, epoch)
        digests, states, lines = LineDigests(), Counter[str](), list[ReconciledLine]()
        # Who has to hold the whole day is answered alike for each bucket: else they would tell what lies elsewhere.
        read = bucket if caller.is_sender else None
        received = self._petitions.received(source, after, min(until, head), head, read)
        async with self._one_at_a_time, contextlib.aclosing(received) as chunks:
            async for chunk in chunks:
                for each in chunk:
                    if not self._sees(caller, each):
                        raise JurisdictionMayNot(None, "day", own=caller.jurisdiction)
                    if bucket is not None and bucket_of(each.external_id) != bucket:
                        continue
                    line = _line(each)
                    digests.add(line.external_id, line.source_version, line.state)
                    states[line.state] += 1
                    if bucket is not None:
                        lines.append(line)
        named, history = await self._log.identity()
        event_id = await self._log.event_id_at(head) if head else None
        return DayView(
            source=source,
            day=day,
            final=final,
            at=ComparedAt(source=named, epoch=history, position=head, event_id=event_id),
            count=digests.total.count,
            digest=digests.total.digest,
            states={state: states[state] for state in PublicState if states[state]},
            buckets=list(_buckets(digests.buckets)),
            lines=lines if bucket is not None else None,
        )

    async def changes(self, caller: Caller, source: str, after: int, limit: int) -> ChangedPetitions:
        """What changed of a source's petitions after a position, as it stands. Raises NotAllowed, NotConfirmed.

        Each petition comes where its last event stands: once, unless it changes again. Those of other places are left
        out for who does not push as the source.
        """
        await self._check(caller, source)
        epoch = self._history.epoch
        head = await self._log.head()
        await self._history.confirm(head, epoch)
        until = min(after + MAX_SCANNED, head)
        found = await self._petitions.changed(source, after, until, head, limit)
        scanned_to = found[-1][0] if len(found) == limit else max(until, after)
        items = [_change(each) for _, each in found if self._sees(caller, each)]
        return ChangedPetitions(items, scanned_to, more=scanned_to < head)

    async def position_before(self, instant: datetime) -> int:
        """The last position that was recorded before an instant."""
        return await self._petitions.position_before(instant)

    async def _check(self, caller: Caller, source: str) -> None:
        check_role(caller, ROLES)
        if caller.is_sender:
            check_source(caller, source)
        else:
            await self._regulation_cache.refresh()

    def _sees(self, caller: Caller, petition: PushedPetition) -> bool:
        """Whether a petition is shown: to its source all are, to others those of their place."""
        known = self._regulation_cache
        return caller.is_sender or known.regulation.lies_within(petition.jurisdiction, caller.jurisdiction, known.today)


def _line(petition: PushedPetition) -> ReconciledLine:
    return ReconciledLine(
        external_id=petition.external_id,
        source_version=petition.source_version,
        state=petition.state,
        id=petition.petition_id,
    )


def _change(petition: PushedPetition) -> PetitionChange:
    last = petition.facts[-1]
    return PetitionChange(
        external_id=petition.external_id,
        source_version=petition.source_version,
        state=petition.state,
        id=petition.petition_id,
        version=last.version,
        changed_at=last.recorded_at,
    )


def _buckets(found: Iterator[tuple[int, LinesDigest]]) -> Iterator[BucketView]:
    for number, each in found:
        yield BucketView(bucket=number, count=each.count, digest=each.digest)
