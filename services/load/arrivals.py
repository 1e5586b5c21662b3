"""Open-loop arrivals: the instant of each petition is fixed beforehand, and its latency counts from that instant.

A slow answer delays no arrival, only the sending, and the delay is part of the latency.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec

from services.load.fixtures import LoadFixture
from services.load.histogram import Histogram
from services.load.http import BROKEN, Address, HttpAnswer, HttpConnection

GRACE = 30.0  # seconds after the last arrival for what is still under way

_TEXT = "Đường từ bản ra trung tâm xã sạt lở từ mùa mưa năm ngoái, đề nghị sửa trước mùa mưa này."


class Committed(msgspec.Struct, frozen=True):
    """A petition that intake has recorded; `at` is the loop's clock at the answer."""

    petition_id: str
    position: int
    at: float


class Arrivals:
    """A rate of petitions a second for some seconds, over some connections."""

    def __init__(self, intake: Address, stage: LoadFixture, *, run: str, rate: float, duration: float) -> None:
        self._intake, self._stage, self._run, self._rate = intake, stage, run, rate
        self.planned = max(1, round(rate * duration))
        self.latency, self.slack = Histogram(), Histogram()
        self.accepted, self.failed = 0, Counter[str]()
        self.seconds = 0.0
        self._next = 0
        self._begin = 0.0

    async def run(self, connections: int, on_commit: Callable[[Committed], None]) -> None:
        """Send all of them, or as many as can be sent until the grace period is over."""
        loop = asyncio.get_running_loop()
        self._begin = loop.time()
        end = self.planned / self._rate + GRACE
        workers = [asyncio.create_task(self._worker(on_commit)) for _ in range(connections)]
        _, late = await asyncio.wait(workers, timeout=end)
        for worker in late:
            worker.cancel()
        for result in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        self.seconds = loop.time() - self._begin
        self.failed["never sent"] += self.planned - self._next

    async def _worker(self, on_commit: Callable[[Committed], None]) -> None:
        connection, loop = HttpConnection(self._intake), asyncio.get_running_loop()
        try:
            while (number := self._next) < self.planned:
                self._next += 1
                due = self._begin + number / self._rate
                waited = due > loop.time()
                if waited:
                    await asyncio.sleep(due - loop.time())
                    # How late the generator itself is: what it adds to every latency.
                    self.slack.record(round((loop.time() - due) * 1e6))
                await self._arrive(connection, number, due, on_commit)
        finally:
            connection.close()

    async def _arrive(
        self, connection: HttpConnection, number: int, due: float, on_commit: Callable[[Committed], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        received = await self._ask(connection, "/v1/petitions", self._petition(number), f"{number}")
        if received is None:
            return
        self.latency.record(round((loop.time() - due) * 1e6))
        last, petition_id = received, received.id
        if self._stage.conference_id:
            raising: dict[str, object] = {
                "conference_id": self._stage.conference_id,
                "effective_on": self._stage.held_on,
            }
            raised = await self._ask(connection, f"/v1/petitions/{petition_id}/raising", raising, f"{number}:raised")
            if raised is None:
                return
            last = raised
        self.accepted += 1
        on_commit(Committed(petition_id, last.position, loop.time()))

    def _petition(self, number: int) -> dict[str, object]:
        body: dict[str, object] = {
            "jurisdiction": self._stage.jurisdiction,
            "source": f"load-{self._run}",
            "external_id": str(number),
            "identities": {"1": {"name": f"Người thử {number}", "address": "bản thử"}},
            "text": f"{_TEXT} ({number})",
        }
        return body | ({"effective_on": self._stage.held_on} if self._stage.held_on else {})

    async def _ask(self, connection: HttpConnection, path: str, body: dict[str, object], key: str) -> "_Done | None":
        try:
            headers = {"Idempotency-Key": f"load:{self._run}:{key}"}
            answer: HttpAnswer = await connection.ask("POST", path, msgspec.json.encode(body), headers)
        except BROKEN as error:
            self.failed[type(error).__name__] += 1
            return None
        if answer.status != 201:
            self.failed[_problem(answer)] += 1
            return None
        return msgspec.json.decode(answer.body, type=_Done)


def _problem(answer: HttpAnswer) -> str:
    """The status with the problem's type, which says nothing of the content."""
    try:
        return f"{answer.status} {msgspec.json.decode(answer.body)['type'].rsplit('/', 1)[-1]}"
    except (msgspec.MsgspecError, KeyError, TypeError):
        return str(answer.status)


class _Done(msgspec.Struct):
    id: str
    position: int
