"""Who calls while something breaks: a petition system, somebody who waits for a petition, somebody at the console.

The petition system sends at a fixed rate whatever happens, each petition with a key of its own and again with the same
key until it is answered. Each petition is then raised at a conference that ended long ago, so that each starts clocks
and breaches them.
"""

import asyncio
import bisect
import itertools
import threading
import time
from collections import Counter
from typing import Any

import msgspec

from services.load.fixtures import PLACE, LoadFixture
from services.load.http import BROKEN, Address, HttpConnection

RATE = 10.0  # petitions a second
PATIENCE = 5.0  # seconds until an answer is no longer waited for
AGAIN = 0.2  # seconds until the same is sent again
LOOK_EVERY = 0.1  # seconds between two looks of those who wait
DRAINED_WITHIN = 60.0  # seconds
RETRIED = (429, 500, 502, 503, 504)


class NeverAccepted(AssertionError):
    """A command that was refused for good: the load is wrong, or the product."""


class Forgotten(Exception):
    """The petition of a command is not there any more, though it was accepted."""


class Timeline(msgspec.Struct):
    """Instants at which something succeeded, by the monotonic clock."""

    instants: list[float] = []

    def longest_gap(self, begin: float, end: float) -> float:
        """The longest time without success between two instants; open at neither end."""
        first = max(bisect.bisect_right(self.instants, begin) - 1, 0)
        last = bisect.bisect_left(self.instants, end)
        inside = [begin, *self.instants[first + 1 : last], end]
        return max((b - a for a, b in itertools.pairwise(inside)), default=0.0)


class Waited(msgspec.Struct, frozen=True):
    """A petition that was accepted at an instant and seen in followup so many seconds later."""

    accepted: float
    seconds: float


class Load:
    """All three, on a thread of their own; what was accepted is kept for the accounting."""

    def __init__(self, intake: Address, followup: Address, fixture: LoadFixture, run: str) -> None:
        self.accepted: dict[str, dict[str, Any]] = {}
        self.petitions, self.pages = Timeline(), Timeline()
        self.visible: list[Waited] = []
        self.answers: Counter[str] = Counter()
        self._intake, self._followup, self._fixture, self._run = intake, followup, fixture, run
        self._waiting: list[tuple[int, float]] = []  # position, accepted at
        self.may_lose = False  # whether a petition that was accepted may be gone
        self._number = itertools.count(1)
        self._stop, self._give_up = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    # --- from outside ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, until `stop`. May be repeated."""
        self._stop.clear()
        self._give_up.clear()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send nothing new, and wait until all that was sent is answered and seen."""
        self._stop.set()
        assert self._thread is not None
        self._thread.join(DRAINED_WITHIN)
        self._give_up.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        assert not self._waiting, f"{len(self._waiting)} accepted petitions were not seen within {DRAINED_WITHIN:g} s"

    def flows_since(self, instant: float) -> bool:
        """Whether a petition was accepted, one seen and a page answered since."""
        if self._failure is not None:
            raise self._failure
        seen = self.visible[-1].accepted > instant if self.visible else False
        return seen and all(t.instants and t.instants[-1] > instant for t in (self.petitions, self.pages))

    def longest_wait(self, begin: float, end: float) -> float:
        """The longest time from an acceptance in between until the petition was seen."""
        return max((w.seconds for w in self.visible if begin <= w.accepted <= end), default=0.0)

    # --- the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:
            self._failure = error

    async def _all(self) -> None:
        sending: set[asyncio.Task[None]] = set()
        looking = [asyncio.create_task(work()) for work in (self._wait_for_petitions, self._read_pages)]
        due = time.monotonic()
        try:
            while not self._stop.is_set():
                task = asyncio.create_task(self._send(next(self._number)))
                sending.add(task)
                for ended in [t for t in sending if t.done()]:
                    sending.remove(ended)
                    ended.result()
                due += 1 / RATE
                await asyncio.sleep(max(due - time.monotonic(), 0))
            await asyncio.gather(*sending)
            while self._waiting and not self._give_up.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(LOOK_EVERY)
        finally:
            for each in looking:
                each.cancel()
            await asyncio.gather(*looking, return_exceptions=True)

    async def _send(self, number: int) -> None:
        connection = HttpConnection(self._intake)
        try:
            body = {
                "jurisdiction": PLACE,
                "source": self._run,
                "external_id": str(number),
                "identities": {"1": {"name": f"Người thứ {number}"}},
                "text": f"Kiến nghị số {number}",
                "effective_on": self._fixture.held_on,
            }
            received = await self._command(connection, f"{number}", "/v1/petitions", body)
            raising = {"conference_id": self._fixture.conference_id, "effective_on": self._fixture.held_on}
            path = f"/v1/petitions/{received['id']}/raising"
            await self._command(connection, f"{number}:raised", path, raising)
        except Forgotten:
            if not self.may_lose:
                raise NeverAccepted(f"petition {number} was accepted and is not there") from None
        finally:
            connection.close()

    async def _command(self, connection: HttpConnection, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Idempotency-Key": f"{self._run}:{key}"}
        while not self._give_up.is_set():
            status, content = await self._ask(connection, "POST", path, msgspec.json.encode(body), headers)
            self.answers[str(status or "none")] += 1
            if status in (200, 201):
                answer: dict[str, Any] = msgspec.json.decode(content)
                now = time.monotonic()
                self.accepted[f"{self._run}:{key}"] = answer
                self.petitions.instants.append(now)
                self._waiting.append((answer["position"], now))
                return answer
            if status == 404:
                raise Forgotten
            if status and status not in RETRIED and b"contended" not in content:
                raise NeverAccepted(f"{path}: {status} {content.decode()}")
            await asyncio.sleep(AGAIN)
        raise NeverAccepted(f"{path}: not answered within {DRAINED_WITHIN:g} s after the fault")

    async def _wait_for_petitions(self) -> None:
        connection = HttpConnection(self._followup)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if not self._waiting:
                continue
            status, content = await self._ask(connection, "GET", "/v1/sources")
            if status != 200:
                continue
            now, reached = (
                time.monotonic(),
                max((s["position"] for s in msgspec.json.decode(content)["items"]), default=0),
            )
            seen = [w for w in self._waiting if w[0] <= reached]
            self._waiting = [w for w in self._waiting if w[0] > reached]
            self.visible += [Waited(accepted, now - accepted) for _, accepted in seen]

    async def _read_pages(self) -> None:
        connection = HttpConnection(self._followup)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            status, _ = await self._ask(connection, "GET", "/cases")
            if status == 200:
                self.pages.instants.append(time.monotonic())

    async def _ask(
        self,
        connection: HttpConnection,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body; no status where there was no answer in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await connection.ask(method, path, body, headers)
                return answer.status, answer.body
        except BROKEN:
            return 0, b""
