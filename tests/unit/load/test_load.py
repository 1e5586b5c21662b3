"""Open-loop load: latency counts from the arrival that was fixed beforehand; only this machine is ever loaded."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from typer.testing import CliRunner

from services.cli import build
from services.load.arrivals import Arrivals, Committed
from services.load.fixtures import LoadFixture
from services.load.http import Address, HttpConnection, NotLoopback, address_of
from services.load.probes import Breaches, Positions

Answering = Callable[[str, str, bytes], Awaitable[tuple[int, object]]]


@asynccontextmanager
async def answering(answer: Answering) -> AsyncIterator[Address]:
    """A server that keeps connections and answers what a function says: method, path, body to status, JSON."""

    handlers: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.lower().split("\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
                method, path, _ = head.split(" ", 2)
                status, found = await answer(method, path, await reader.readexactly(length))
                body = json.dumps(found).encode()
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body))
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await asyncio.gather(*(handler for handler in handlers if handler is not None))


class StallingIntake:
    """Accepts petitions; holds every answer back while it stands still."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.going = asyncio.Event()
        self.going.set()

    async def __call__(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        await self.going.wait()
        self.bodies.append(json.loads(body))
        return 201, {"id": f"p{len(self.bodies)}", "position": len(self.bodies)}


async def test_service_that_stands_still__is_seen_in_every_arrival_of_that_time() -> None:
    intake = StallingIntake()
    async with answering(intake) as address:
        arrivals = Arrivals(address, LoadFixture("LOAD"), run="r", rate=100, duration=1)
        intake.going.clear()
        asyncio.get_running_loop().call_later(0.5, intake.going.set)
        committed: list[Committed] = []
        await arrivals.run(2, committed.append)
    assert (arrivals.planned, arrivals.accepted, len(committed)) == (100, 100, 100)
    # Over two connections a closed loop would have seen two slow answers; half of all arrived in that half second.
    assert arrivals.latency.percentile(75) > 200_000
    assert sorted(int(str(body["external_id"])) for body in intake.bodies) == list(range(100))


async def test_refusals_and_broken_connections__are_counted_and_end_nothing() -> None:
    seen = 0

    async def answer(method: str, path: str, body: bytes) -> tuple[int, object]:
        nonlocal seen
        seen += 1
        if seen % 3 == 1:
            return 503, {"type": "https://example.org/problems/overloaded"}
        if seen % 3 == 2:
            raise asyncio.IncompleteReadError(b"", 1)
        return 201, {"id": "p", "position": 1}

    async with answering(answer) as address:
        arrivals = Arrivals(address, LoadFixture("LOAD"), run="r", rate=300, duration=0.1)
        await arrivals.run(1, lambda committed: None)
    assert (arrivals.accepted, dict(arrivals.failed)) == (
        10, {"503 overloaded": 10, "IncompleteReadError": 10, "never sent": 0},
    )  # fmt: skip


async def test_position__is_timed_when_followup_has_it() -> None:
    reached = 0

    async def answer(method: str, path: str, body: bytes) -> tuple[int, object]:
        nonlocal reached
        reached += 1
        return 200, {"items": [{"position": reached}]}

    async with answering(answer) as address:
        positions = Positions(HttpConnection(address))
        watching = asyncio.create_task(positions.run())
        for position in (3, 1, 2):
            positions.expect(position, asyncio.get_running_loop().time())
        await asyncio.wait_for(positions.idle.wait(), 10)
        watching.cancel()
        await asyncio.wait([watching])
    assert (positions.latency.count, reached, positions.failure) == (3, 3, "")


async def test_followup_that_fails__ends_the_waiting_and_is_told() -> None:
    async def answer(method: str, path: str, body: bytes) -> tuple[int, object]:
        return 500, {}

    async with answering(answer) as address:
        positions = Positions(HttpConnection(address))
        positions.expect(1, 0.0)
        await positions.run()
        positions.expect(2, 0.0)
    assert positions.idle.is_set() and "500" in positions.failure


def test_breach_message__may_be_faster_than_the_answer() -> None:
    breaches = Breaches()
    message = {"data": {"subject_id": "p1"}}
    breaches.saw(json.dumps(message).encode(), 1.0)
    breaches.expect("p1", 1.002)
    assert breaches.latency.count == 1 and breaches.idle.is_set()
    breaches.expect("p2", 2.0)
    assert not breaches.idle.is_set()
    breaches.saw(json.dumps({"data": {"subject_id": "p2"}}).encode(), 2.005)
    assert breaches.latency.largest == 5000 and breaches.idle.is_set()


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "http://example.org", "https://127.0.0.1", "127.0.0.1", ""])
def test_other_machine__is_refused(url: str) -> None:
    with pytest.raises(NotLoopback):
        address_of(url)


@pytest.mark.parametrize(
    "options",
    [
        ["--intake", "http://192.168.1.2:8570"],
        ["--followup", "http://followup.example:8571"],
        ["--breach", "--amqp", "amqp://u:p@broker.example/x"],
        ["--breach"],
        ["--rate", "1000000"],
        ["--duration", "100000"],
    ],
)
def test_command__goes_nowhere_else_and_not_on_for_ever(options: list[str]) -> None:
    result = CliRunner().invoke(build("load"), ["load", "--rate", "1", "--duration", "1", *options])
    assert result.exit_code == 2
