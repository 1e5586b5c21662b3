"""One row under load: how long calls went unanswered, and the account afterwards."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from services.load.fixtures import LoadFixture, prepare
from services.load.http import Address, HttpConnection
from tests.cluster.accounting import account, lost
from tests.cluster.balancer import PORTS
from tests.cluster.hosts import EDGE
from tests.cluster.load import Load
from tests.cluster.processes import until
from tests.cluster.rig import Rig
from tests.cluster.rows import ClusterFault
from tests.cluster.services import add_caller, token_of

QUIET = 3.0  # seconds of load before the fault and after everything is whole again
FLOWS_WITHIN = 60.0  # seconds


class Result(msgspec.Struct, kw_only=True):
    """What a row came to. `problem` says what did not hold, `is_late` that calls waited longer than the budget says."""

    name: str
    accept: float = 0.0
    visible: float = 0.0
    console: float = 0.0
    accepted: int = 0
    events: int = 0
    deadline_events: int = 0
    by_hand: str = ""
    notes: list[str] = []
    problem: str = ""
    is_late: bool = False
    skipped: str = ""


class Measurement:
    """Rows measured one after another on one cluster, under one load whose account grows."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._caller = f"load-{os.urandom(3).hex()}"
        add_caller(rig.site, self._caller, "office")
        time.sleep(QUIET)  # until the services know the caller
        fixture = asyncio.run(_prepared(self._address("intake", "office")))
        intake, followup = self._address("intake", self._caller), self._address("followup", "operations")
        self._load = Load(intake, followup, fixture, self._caller)

    def _address(self, service: str, caller: str) -> Address:
        return Address(self._rig.site.address(EDGE), PORTS[service], token_of(self._rig.site, caller))

    def rows(self, rows: Iterable[ClusterFault], tell: Callable[[ClusterFault, Result], None]) -> Iterator[Result]:
        """The result of each."""
        for row in rows:
            result = Result(name=row.name)
            if row.cuts and not self._rig.hosts.can_cut:
                result.skipped = "cutting a host off takes root"
            else:
                self._row(row, result)
            tell(row, result)
            yield result

    def _row(self, row: ClusterFault, result: Result) -> None:
        rig, load = self._rig, self._load
        before = dict(load.accepted)
        answers = load.answers.copy()
        load.may_lose = row.loses
        load.start()
        began = broken = time.monotonic()
        try:
            until(lambda: load.flows_since(began), FLOWS_WITHIN, "the load flows")
            time.sleep(QUIET)
            broken = time.monotonic()
            hurt = row.inject(rig)
            time.sleep(max(broken + row.lasts - time.monotonic(), 0))
            row.mend(rig, hurt)
            rig.wait_whole()
            mended = time.monotonic()
            until(lambda: load.flows_since(mended), FLOWS_WITHIN, "the load flows again")
            time.sleep(QUIET)
            ended = time.monotonic()
        except Exception as error:  # what one row meets takes away no other row's result
            result.problem = _told(error)
            ended = time.monotonic()
        try:
            load.stop()
            if row.loses:
                self._settle_losses(result)
            found = account(rig, load.accepted, self._caller)
            result.accepted = found.accepted - len(before)
            result.events, result.deadline_events = found.events, found.deadline_events
        except Exception as error:
            result.problem = "; ".join(filter(None, (result.problem, _told(error))))
        result.accept = load.petitions.longest_gap(broken, ended)
        result.visible = load.longest_wait(broken - QUIET, ended)
        result.console = load.pages.longest_gap(broken, ended)
        refused = load.answers - answers
        result.notes += [f"{count} × {status}" for status, count in sorted(refused.items()) if status != "201"]
        longest = max(result.accept, result.visible, result.console)
        result.is_late = row.budget is not None and longest > row.budget.seconds

    def _settle_losses(self, result: Result) -> None:
        """What is lost must be told, all of it; it is then accepted no longer."""
        gone = lost(self._rig, self._load.accepted)
        for key in gone:
            del self._load.accepted[key]
        result.notes.append(f"{len(gone)} acknowledged commands lost")
        assert gone, "nothing was lost, so the row shows nothing"
        told = self._rig.told_lost()
        assert told == len(gone), f"{len(gone)} acknowledged commands are lost and {told} told"
        result.by_hand = "the loss is looked into and confirmed"


def _told(error: Exception) -> str:
    """What went wrong, in one cell of the table."""
    said = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    return said[:600]


async def _prepared(intake: Address) -> LoadFixture:
    connection = HttpConnection(intake)
    try:
        return await prepare(connection, breach=True)
    finally:
        connection.close()
