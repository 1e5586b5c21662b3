"""Times when recorded petitions become visible: followup's position, and breach messages at the broker."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from services.load.histogram import Histogram
from services.load.http import BROKEN, HttpConnection
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.topology import CONNECT_TIMEOUT, DEADLINES

PATTERN = "deadline.deadline_breached.{}"


class Positions:
    """Asks followup for its position, one request after the other, while something is waited for.

    A time is late by at most one request and its answer. `idle` is set while nothing is waited for.
    """

    def __init__(self, followup: HttpConnection) -> None:
        self._followup = followup
        self._waiting: list[tuple[int, float]] = []
        self._more = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.latency, self.failure = Histogram(), ""

    def expect(self, position: int, committed: float) -> None:
        """Time this position from `committed` (the loop's clock) until followup has applied it."""
        if not self.failure:
            heapq.heappush(self._waiting, (position, committed))
            self.idle.clear()
            self._more.set()

    async def position(self) -> int:
        """The position that followup has applied. Raises what a broken connection raises."""
        answer = await self._followup.ask("GET", "/v1/sources")
        if answer.status != 200:
            raise ConnectionError(f"GET /v1/sources: {answer.status}")
        return max((int(s["position"]) for s in msgspec.json.decode(answer.body)["items"]), default=0)

    async def run(self) -> None:
        """Ask until cancelled, or until followup fails."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._more.wait()
                reached = await self.position()
                now = loop.time()
                while self._waiting and self._waiting[0][0] <= reached:
                    self.latency.record(round((now - heapq.heappop(self._waiting)[1]) * 1e6))
                if not self._waiting:
                    self._more.clear()
                    self.idle.set()
        except BROKEN as error:
            self.failure = str(error) or type(error).__name__
            self.idle.set()
        finally:
            self._followup.close()


class Breaches:
    """Receives breach messages and times each from the commit that caused it."""

    def __init__(self) -> None:
        self._committed: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self.latency = Histogram()
        self.idle = asyncio.Event()
        self.idle.set()

    def expect(self, petition_id: str, committed: float) -> None:
        """Time the breach of a petition's reply from `committed`; its message may have been faster than the answer."""
        if (seen := self._seen.pop(petition_id, None)) is not None:
            self.latency.record(round((seen - committed) * 1e6))
        else:
            self._committed[petition_id] = committed
            self.idle.clear()

    def saw(self, body: bytes, now: float) -> None:
        """Take a message of the exchange into account."""
        petition_id = str(msgspec.json.decode(body)["data"]["subject_id"])
        if (committed := self._committed.pop(petition_id, None)) is not None:
            self.latency.record(round((now - committed) * 1e6))
            if not self._committed:
                self.idle.set()
        else:
            self._seen[petition_id] = now

    @asynccontextmanager
    async def received(self, url: str, jurisdiction: str) -> AsyncIterator[None]:
        """Listen at the broker with a private queue that is deleted afterwards."""
        loop = asyncio.get_running_loop()

        async def on_message(message: Any) -> None:
            self.saw(message.body, loop.time())

        connection = await BrokerHosts(url).connect()
        async with connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(DEADLINES.exchange, ensure=True)
            queue = await channel.declare_queue(exclusive=True, timeout=CONNECT_TIMEOUT)
            await queue.bind(exchange, PATTERN.format(jurisdiction))
            await queue.consume(on_message, no_ack=True)
            yield
