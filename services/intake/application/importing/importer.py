"""The import: batch after batch is decided while the one before commits; a case is one append, whole or not at all."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol
from uuid import UUID

import msgspec

from services.intake.application.append_builder import Recorder
from services.intake.application.command_handler import CommandHandler
from services.intake.application.deciding import load_clocks
from services.intake.application.importing.appends import Appends, Settings
from services.intake.application.importing.bodies import Bodies
from services.intake.application.importing.case_decider import IMPORT, Decisions, Group, Known, Rejected
from services.intake.application.importing.case_events import names_in
from services.intake.application.importing.refusals import RowRefused, reason_of
from services.intake.application.importing.regulation_rows import record_regulation
from services.intake.application.importing.rows import Row, Rows, is_id
from services.intake.application.known_reference import KnownReferences
from services.intake.application.ports import History, Ids, Seals, StoredKey
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import Refused
from shared.event_store.append import Append, Appended
from shared.event_store.errors import IdempotencyReplay, NotRecorded
from shared.sentences import Sentence

BATCH = 400  # groups decided and committed together
MAX_ATTEMPTS = 8  # for what others kept changing

Numbers = tuple[int, ...]


class Bulk(Protocol):
    """The store, many cases at a time."""

    async def recorded(self, caller: str, keys: Sequence[str]) -> set[str]:
        """Which idempotency keys were used before."""
        ...

    async def originators(self, source: str, names: Sequence[str]) -> dict[str, UUID]:
        """The aggregates behind external references."""
        ...

    async def append(self, appends: Sequence[Append]) -> Sequence[Appended | NotRecorded]:
        """One transaction; one outcome a command. Raises StoreUnavailable."""
        ...


class Summary(msgspec.Struct, kw_only=True):
    """What came of the rows: each is recorded, known, or rejected."""

    recorded: int = 0
    known: int = 0
    rejected: int = 0
    cases: int = 0
    events: int = 0


class Rejection(msgspec.Struct, frozen=True):
    """A row that was turned back."""

    index: int
    column: str
    reason: str


class Outcome(msgspec.Struct, frozen=True):
    """What came of an import."""

    summary: Summary
    rejections: list[Rejection]


class _Keyed(msgspec.Struct, frozen=True):
    """A group of rows with what they say, keyed."""

    numbers: Numbers
    rows: list[Row]
    key: str
    digest: bytes


class Importer:
    """Imports the rows of one file."""

    def __init__(
        self,
        rows: Rows,
        settings: Settings,
        *,
        regulation_cache: RegulationCache,
        history: History,
        bulk: Bulk,
        handler: CommandHandler,
        references: KnownReferences,
        seals: Seals,
        recorder: Recorder,
        new_id: Ids,
        progress: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._rows, self._settings = rows, settings
        self._regulation_cache, self._history, self._bulk, self._handler = regulation_cache, history, bulk, handler
        self._references = references
        self._seals, self._new_id, self._progress = seals, new_id, progress
        self._appends = Appends(settings, recorder, new_id)
        self.outcome = Outcome(Summary(), [])
        self._known = Known()
        self._bodies: Bodies | None = None
        self._again: set[Numbers] = set()
        self._refused_once: set[Numbers] = set()
        self._nameless: set[bytes] = set()

    async def begin(self) -> None:
        """Record what the rest builds on: regulation, conferences. Raises StoreUnavailable."""
        await self._regulation_cache.refresh()
        for number in self._rows.index.regulation:
            await self._regulation(number)
        await self.record(self._rows.index.first)

    async def record(self, groups: Sequence[Numbers]) -> None:
        """Record what can be of some groups. Raises StoreUnavailable; done again, it goes on where it was."""
        epoch = self._history.epoch
        for attempt in range(1, MAX_ATTEMPTS + 1):
            # What others recorded meanwhile is learnt.
            self._known, self._bodies = Known(), None
            self._nameless.clear()
            await self._regulation_cache.refresh()
            await self._pass(groups, last=attempt == MAX_ATTEMPTS)
            if not self._again:
                break
            groups, self._again = [numbers for numbers in groups if numbers in self._again], set()
        # What was there already is told as recorded too.
        await self._history.confirm(None, epoch)

    def take(self, outcome: Outcome) -> None:
        """Count what another importer did of the same file."""
        done, more = self.outcome.summary, outcome.summary
        for field in more.__struct_fields__:
            setattr(done, field, getattr(done, field) + getattr(more, field))
        self.outcome.rejections.extend(outcome.rejections)

    # --- cases ---

    async def _pass(self, groups: Sequence[Numbers], *, last: bool) -> None:
        committing: asyncio.Task[None] | None = None
        for batch in _batches(groups):
            calls = await self._decided(batch)
            if committing is not None:
                await committing
            committing = asyncio.create_task(self._commit(calls, last=last))
            await asyncio.sleep(0)  # let it send the batch before the next one is decided
        if committing is not None:
            await committing

    async def _decided(self, batch: Sequence[Numbers]) -> list[list[tuple[Numbers, Append]]]:
        """The appends of a batch, in calls that do not build on each other's streams."""
        fresh = await self._fresh([keyed for numbers in batch if (keyed := self._read(numbers)) is not None])
        await self._load(row for keyed in fresh for row in keyed.rows)
        if self._bodies is None or self._bodies.regulation is not self._regulation_cache.regulation:
            self._bodies = Bodies(self._regulation_cache.regulation, self._settings.within)
        decisions = Decisions(
            self._regulation_cache,
            self._known,
            self._bodies,
            self._rows.columns,
            self._new_id,
            self._rows.table.of_text,
        )
        decided = [(keyed, decisions.group(keyed.rows)) for keyed in fresh]
        keys = await self._keys([group for _, group in decided if isinstance(group, Group)])
        calls: list[list[tuple[Numbers, Append]]] = [[]]
        written: set[UUID] = set()
        for keyed, group in decided:
            if isinstance(group, Rejected):
                self._turn_back(keyed.numbers, group)
            elif not group.told:
                self._count_known(keyed.numbers)
            else:
                if not written.isdisjoint(group.expected):
                    calls.append([])
                    written = set()
                try:
                    append = self._appends.append(group, keyed.key, keyed.digest, keys)
                except Refused as refused:
                    # Too large to be sealed; what was decided on it expects a version that never comes.
                    self._reject(keyed.numbers, Rejected(keyed.numbers[0], refused.field or "", reason_of(refused)))
                    continue
                calls[-1].append((keyed.numbers, append))
                written.update(told.fact.originator_id for told in group.told)
        self._known.conferences_only()
        return calls

    def _read(self, numbers: Numbers) -> _Keyed | None:
        rows: list[Row] = []
        for number in numbers:
            try:
                rows.append(self._rows.row(number))
            except RowRefused as refused:
                self._reject(numbers, Rejected(number, self._rows.columns.heading(refused.column), refused.reason))
                return None
        return self._keyed(numbers, rows)

    def _keyed(self, numbers: Numbers, rows: list[Row]) -> _Keyed:
        """What the rows say, keyed: the same wherever they stand and whatever file they come in."""
        contents = (rows[0].content,) if len(rows) == 1 else sorted({row.content for row in rows})
        digest = self._seals.fingerprint(b"\x1f".join((self._settings.source.encode(), *contents)))
        # The name in front keeps neighbours of the file neighbours in the index: random keys cost twice the writes.
        return _Keyed(numbers, rows, f"{rows[0].case}:{digest.hex()}", digest)

    async def _fresh(self, groups: list[_Keyed]) -> list[_Keyed]:
        """Those that were not recorded before."""
        done = await self._bulk.recorded(IMPORT.name, [keyed.key for keyed in groups])
        fresh = []
        for keyed in groups:
            known = keyed.key in done
            if not known and not keyed.rows[0].case:
                # Two rows that say the same and have no name are one: the second finds the first under way.
                known = keyed.digest in self._nameless
                self._nameless.add(keyed.digest)
            if known:
                self._count_known(keyed.numbers)
            else:
                fresh.append(keyed)
        return fresh

    async def _load(self, rows: Iterable[Row]) -> None:
        """What the store holds of the cases that the rows are of or refer to."""
        wanted = list(rows)
        names = {name for row in wanted for name in _names_of(row)} - self._known.ids.keys()
        ids = {name: given for name in names if (given := is_id(name)) is not None}
        named = [name for name in names if name not in ids]
        ids |= await self._bulk.originators(self._settings.source, named) if named else {}
        found = await self._history.facts(set(ids.values())) if ids else {}
        self._known.take(found)
        self._known.ids |= {name: i for name, i in ids.items() if found[i]}
        if petitions := tuple(self._known.loaded.petitions):
            await load_clocks(self._history, petitions, self._known.loaded, self._known.take)
        cases = {case for row in wanted if (case := self._known.ids.get(row.case)) is not None}
        await self._open([case for case in cases if case not in self._known.opened])

    async def _open(self, cases: Sequence[UUID]) -> None:
        """The sealed words of cases that exist already: a row is held against them."""
        for case in cases:
            self._known.opened[case] = {}
        for (case, version), content in (await self._references.opened(cases)).items():
            self._known.opened[case][version] = content

    async def _keys(self, groups: Iterable[Group]) -> dict[UUID, list[StoredKey]]:
        """The sealing keys of cases that exist already."""
        written = {(told.fact.originator_id, g.expected[told.fact.originator_id]) for g in groups for told in g.told}
        existing = [case for case, version in written if version]
        found: dict[UUID, list[StoredKey]] = {}
        for key in await self._history.keys_of(existing) if existing else ():
            found.setdefault(key.originator_id, []).append(key)
        return found

    async def _commit(self, calls: Sequence[Sequence[tuple[Numbers, Append]]], *, last: bool) -> None:
        for call in calls:
            if not call:
                continue
            outcomes = await self._bulk.append([append for _, append in call])
            for (numbers, append), outcome in zip(call, outcomes, strict=True):
                if isinstance(outcome, Appended):
                    self.outcome.summary.cases += len({event.originator_id for event in append.events})
                    self._count_recorded(numbers, len(append.events))
                elif isinstance(outcome, IdempotencyReplay):
                    self._count_known(numbers)
                elif not last:
                    self._again.add(numbers)
                else:
                    reason = Sentence(
                        "người khác liên tục thay đổi vụ việc liên quan; hãy nhập lại dòng này",
                        f"others kept changing what it rests on ({type(outcome).__name__}): import it again",
                    ).both
                    self._reject(numbers, Rejected(numbers[0], "", reason))

    # --- bodies, calendars, policies, plans ---

    async def _regulation(self, number: int) -> None:
        if (keyed := self._read((number,))) is None or not await self._fresh([keyed]):
            return
        try:
            is_new = await record_regulation(
                keyed.rows[0],
                keyed.key,
                handler=self._handler,
                regulation_cache=self._regulation_cache,
                settings=self._settings,
                from_text=self._rows.table.of_text,
            )
        except RowRefused as refused:
            self._reject(keyed.numbers, Rejected(number, refused.column, refused.reason))
        except Refused as refused:
            self._reject(keyed.numbers, Rejected(number, refused.field or "", reason_of(refused)))
        else:
            if is_new:
                self._count_recorded(keyed.numbers, 1)
            else:
                self._count_known(keyed.numbers)

    # --- counting ---

    def _count_recorded(self, numbers: Numbers, events: int) -> None:
        self.outcome.summary.recorded += len(numbers)
        self.outcome.summary.events += events
        self._progress(len(numbers))

    def _count_known(self, numbers: Numbers) -> None:
        self.outcome.summary.known += len(numbers)
        self._progress(len(numbers))

    def _turn_back(self, numbers: Numbers, rejected: Rejected) -> None:
        """A refusal by the rules stands once it was decided on fresh knowledge too."""
        if rejected.stale and numbers not in self._refused_once:
            self._refused_once.add(numbers)
            self._again.add(numbers)
        else:
            self._reject(numbers, rejected)

    def _reject(self, numbers: Numbers, rejected: Rejected) -> None:
        line = self._rows.index.span(rejected.index).line
        for number in numbers:
            if number == rejected.index:
                self.outcome.rejections.append(Rejection(number, rejected.column, rejected.reason))
            else:
                held_back = Sentence(
                    f"giữ lại cùng dòng {line} đã bị trả lại, vì thuộc cùng vụ việc",
                    f"held back with line {line}, which was rejected",
                ).both
                self.outcome.rejections.append(Rejection(number, "", held_back))
        self.outcome.summary.rejected += len(numbers)
        self._progress(len(numbers))


def share_of(groups: Sequence[Numbers], share: int, shares: int) -> list[Numbers]:
    """One of several equal shares: every so many batches, so that all of them advance through the file together."""
    return [numbers for n, batch in enumerate(_batches(groups)) if n % shares == share for numbers in batch]


def _batches(groups: Sequence[Numbers]) -> Iterator[list[Numbers]]:
    found = iter(groups)
    while batch := list(islice(found, BATCH)):
        yield batch


def _names_of(row: Row) -> Iterator[str]:
    if row.case:
        yield row.case
    if row.register is not None and (name := row.register.get("conference")):
        yield name
    if row.act is not None:
        yield from names_in(row.act.fields)
