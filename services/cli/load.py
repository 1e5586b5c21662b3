"""`doithoai load`: put open-loop load on a pair on this machine and time it from arrival to breach."""

import asyncio
import contextlib
import json
import os
import selectors
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from urllib.parse import urlsplit

import typer
from aiormq.exceptions import AMQPError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.exit_codes import FAILED, WRONG_USE, stop
from services.load.arrivals import Arrivals, Committed
from services.load.fixtures import FixtureRefused, LoadFixture, prepare
from services.load.http import BROKEN, Address, HttpConnection, NotLoopback, address_of
from services.load.probes import Breaches, Positions
from shared.http.loopback import is_loopback

INTAKE, FOLLOWUP = "http://127.0.0.1:8570", "http://127.0.0.1:8571"
LARGEST_RATE, LONGEST = 20_000.0, 3_600.0  # petitions a second, seconds
SETTLE = 30.0  # seconds for what was committed to become visible
LOOK = 1.0  # seconds between two looks at the progress


def load(
    rate: Annotated[float, typer.Option(min=0.1, max=LARGEST_RATE, help="petitions a second")],
    duration: Annotated[float, typer.Option(min=0.1, max=LONGEST, help="seconds")],
    intake: Annotated[str, typer.Option(metavar="URL", help="on this machine")] = INTAKE,
    followup: Annotated[str, typer.Option(metavar="URL", help="on this machine; empty: intake alone")] = FOLLOWUP,
    token: Annotated[str, typer.Option(envvar="LOAD_TOKEN", help="the bearer token for both services")] = "",
    breach: Annotated[bool, typer.Option("--breach", help="let each petition breach, time the message")] = False,
    amqp: Annotated[str, typer.Option(metavar="URL", envvar="FOLLOWUP_AMQP_URL", help="the broker, for --breach")] = "",
    connections: Annotated[int, typer.Option(min=1, max=512, help="to intake")] = 64,
    probes: Annotated[float, typer.Option(min=0.1, help="petitions a second timed until followup has them")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="print the figures as JSON")] = False,
) -> None:
    """Send petitions at a fixed rate to a pair on this machine, and time them.

    It records petitions in the jurisdiction LOAD that nobody can delete: use a store that can be thrown away.
    """
    try:
        asked = _Options(rate, duration, connections, probes, breach, amqp)
        addresses = address_of(intake, token), address_of(followup, token) if followup else None
        _check_broker(breach, amqp)
    except NotLoopback as error:
        stop(WRONG_USE, str(error))
    try:
        # Select waits by the microsecond; epoll rounds every arrival up to the next millisecond.
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
            figures = runner.run(_measured(asked, *addresses))
    except (FixtureRefused, AMQPError, *BROKEN) as error:
        stop(FAILED, f"the load ends: {str(error) or type(error).__name__}")
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _print(figures)
    if figures["failed"]:
        raise typer.Exit(FAILED)


class _Options:
    """The options."""

    def __init__(self, rate: float, duration: float, connections: int, probes: float, breach: bool, amqp: str) -> None:
        self.rate, self.duration, self.connections = rate, duration, connections
        self.breach, self.amqp = breach, amqp
        self.every = max(1, round(rate / probes))  # every n-th petition is timed until followup has it


def _check_broker(breach: bool, amqp: str) -> None:
    if breach:
        host = urlsplit(amqp).hostname or ""
        if not is_loopback(host):
            raise NotLoopback(f"--amqp: {host or 'nothing'!r} is not this machine: give the URL of its broker")


async def _measured(asked: _Options, intake: Address, followup: Address | None) -> dict[str, object]:
    preparing = HttpConnection(intake)
    stage = await prepare(preparing, breach=asked.breach)
    preparing.close()
    run = os.urandom(4).hex()
    arrivals = Arrivals(intake, stage, run=run, rate=asked.rate, duration=asked.duration)
    positions, breaches = Positions(HttpConnection(followup)) if followup else None, Breaches()
    if positions is not None:
        await positions.position()

    def on_commit(committed: Committed) -> None:
        if positions is not None and arrivals.accepted % asked.every == 0:
            positions.expect(committed.position, committed.at)
        if asked.breach:
            breaches.expect(committed.petition_id, committed.at)

    async with _watched(asked, stage, positions, breaches):
        with _progress(arrivals):
            await arrivals.run(asked.connections, on_commit)
        await _settled(positions, breaches)
    return _figures(asked, run, arrivals, positions, breaches)


@contextlib.asynccontextmanager
async def _watched(
    asked: _Options, stage: LoadFixture, positions: Positions | None, breaches: Breaches
) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        if asked.breach:
            await stack.enter_async_context(breaches.received(asked.amqp, stage.jurisdiction))
        watching = asyncio.create_task(positions.run()) if positions else None
        yield
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


async def _settled(positions: Positions | None, breaches: Breaches) -> None:
    """Wait until what was committed last shows. What does not show in time is missing from the count."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE):
            if positions is not None:
                await positions.idle.wait()
            await breaches.idle.wait()


def _figures(
    asked: _Options, run: str, arrivals: Arrivals, positions: Positions | None, breaches: Breaches
) -> dict[str, object]:
    failed = {why: count for why, count in arrivals.failed.items() if count}
    if positions is not None and positions.failure:
        failed[f"followup: {positions.failure}"] = 1
    return {
        "run": run,
        "asked": {"rate": asked.rate, "duration": asked.duration, "connections": asked.connections},
        "planned": arrivals.planned,
        "accepted": arrivals.accepted,
        "failed": failed,
        "rate": round(arrivals.accepted / arrivals.seconds, 1),
        "accepted_ms": arrivals.latency.summary(),
        "visible_ms": positions.latency.summary() if positions else None,
        "breach_ms": breaches.latency.summary() if asked.breach else None,
        "slack_ms": arrivals.slack.summary(),
    }


@contextlib.contextmanager
def _progress(arrivals: Arrivals) -> Iterator[None]:
    console = Console(stderr=True)
    columns = (TextColumn("Tải / load"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=arrivals.planned)
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal timer
            bar.update(task, completed=arrivals.accepted)
            timer = loop.call_later(LOOK, look)

        look()
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()


def _print(figures: dict[str, object]) -> None:
    console = Console(highlight=False)
    console.print(
        f"{figures['accepted']} / {figures['planned']} đã nhận / accepted, {figures['rate']}/s; "
        f"lỗi / failed: {figures['failed'] or 0}"
    )
    table = Table("ms", "count", "mean", "p50", "p90", "p99", "p99.9", "max", pad_edge=False)
    for name, label in (
        ("accepted_ms", "đến → 201 / arrival → 201"),
        ("visible_ms", "201 → followup"),
        ("breach_ms", "201 → quá hạn / breach"),
        ("slack_ms", "máy đo trễ / generator late"),
    ):
        if isinstance(summary := figures[name], dict):
            table.add_row(label, *(f"{value:g}" for value in summary.values()))
    console.print(table)
