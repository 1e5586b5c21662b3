"""Faults between followup and the sink of a subscriber: each event arrives, in its order, and none is left out."""

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import oracle
from tests.support.chaos import Scene, Scenes, fault
from tests.support.pair import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class Receiver:
    """A sink in a thread; while it is `down` it answers 503."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.down = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_OPTIONS(self) -> None:
                self.send_response(200)
                self.send_header("WebHook-Allowed-Origin", "*")
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.down:
                    receiver.events.append(json.loads(body))
                self.send_response(503 if receiver.down else 204)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def in_order(self, source: str) -> list[int]:
        """The positions of a log that came, each where it came first."""
        found = (int(event["position"]) for event in self.events if event["source"] == source)
        return list(dict.fromkeys(found))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def allowed(tmp_path: Path) -> dict[str, str]:
    """The settings of a followup that sends webhooks to this machine."""
    key = tmp_path / "webhooks.key"
    key.write_bytes(bytes(range(32)))
    return {"WEBHOOK_KEY_FILE": str(key), "WEBHOOK_ALLOWED": "127.0.0.0/8"}


def subscribe(scene: Scene, receiver: Receiver) -> dict[str, int]:
    """Subscribe to everything from now on; where that is in each log."""
    answer = httpx.post(f"{scene.followup.url}/v1/subscriptions", json={"sink": receiver.url}, timeout=30)
    assert answer.json()["status"] == "active", answer.text
    return {place["source"]: place["position"] for place in answer.json()["places"]}


def check_all_came(scene: Scene, receiver: Receiver, begun: dict[str, int]) -> int:
    """Wait until both logs have come whole and in order; how many requests were more than one an event."""
    logs = {"local": scene.store, "followup": scene.projection}

    def have_come() -> bool:
        return all(
            receiver.in_order(f"/doithoai/{name}") == list(range(begun[name] + 1, head(dsn) + 1))
            for name, dsn in logs.items()
        )

    until(have_come, 60, "every event of both logs has come, in order")
    return len(receiver.events) - len({event["id"] for event in receiver.events})


def head(dsn: str) -> int:
    ((found,),) = oracle.rows(dsn, "SELECT coalesce(max(notification_id), 0) FROM public.stored_events")
    return int(found)


@fault("56", "Followup killed between a delivery and its record", "SIGKILL before and after the record, twice each",
       "each event comes, in the order of its log; one more for each kill before its record")  # fmt: skip
def test_killed_between_a_delivery_and_its_record(staged: Scenes, receiver: Receiver, allowed: dict[str, str]) -> None:
    with staged(count=14, pace=0.2, followup=allowed) as scene:
        scene.start()
        begun = subscribe(scene, receiver)
        scene.work(5)
        points = ["webhook_before_record", "webhook_after_record"] * 2
        for point in points:
            scene.followup.kill()
            scene.followup.program = ["-m", "tests.support.crashing", f"{point}:{scene.rng.randint(1, 4)}"]
            scene.followup.start(wait=False)
            process = scene.followup.process
            assert process is not None
            scene.office.limit = len(scene.office.accepted) + 20
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert process.wait(30) == -signal.SIGKILL
        scene.followup.kill()
        scene.followup.program = ["-m", "services.cli"]
        scene.followup.start()
        scene.go_on(0)
        scene.check(within=60)
        again = check_all_came(scene, receiver, begun)
        scene.note(f"{len(receiver.events)} requests, {again} of them once more")
        assert again <= len(points) + 1


@fault("57", "A sink that is down, and the process that sends is lost", "503 while the office works; the one of two "
       "followups that sends killed; the sink back", "the other sends, by the lease; everything comes in order; "
       "followup is ready all the while")  # fmt: skip
def test_sink_down_and_the_sender_lost(staged: Scenes, receiver: Receiver, allowed: dict[str, str]) -> None:
    with staged(count=14, pace=0.1, followup=allowed) as scene:
        second = scene.another_followup(**allowed)
        scene.start()
        second.start()
        begun = subscribe(scene, receiver)
        receiver.down = True
        scene.work(scene.some(10, 30))
        sender = until(lambda: sending(scene, [scene.followup, second]), 30, "one of them sends")
        assert sender.is_ready()
        sender.kill()
        receiver.down = False
        since = time.monotonic()
        until(lambda: receiver.events, 60, "the other one sends")
        scene.note(f"sent again after {time.monotonic() - since:.1f} s")
        sender.start()
        scene.go_on(0)
        scene.check(within=60)
        check_all_came(scene, receiver, begun)


def sending(scene: Scene, services: list[Any]) -> Any:
    found = oracle.rows(scene.projection, "SELECT holder FROM leases WHERE name = 'webhooks'")
    return next((s for s in services if found and s.process is not None and f":{s.process.pid}:" in found[0][0]), None)
