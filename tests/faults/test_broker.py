"""Faults of RabbitMQ and of what it carries."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.dev.rabbitmq import PrivateBroker
from shared.rabbit.topology import DEADLINES, commands_of, events_of
from tests.support import oracle
from tests.support.chaos import Ground, Scenes, fault
from tests.support.host import faked_clock, small_disk
from tests.support.pair import until
from tests.support.proxy import PUBLISH, Link
from tests.support.raw_amqp import RawSender, short

EVENTS = events_of("local")
COMMANDS = commands_of("local")

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

PENDING = "intake_outbox_pending_events"


@fault("1", "Broker killed mid-publish", "kill -9 of the node once a publish has passed, its confirm held", "I2 I3")
def test_broker_killed_between_publish_and_confirm(staged: Scenes) -> None:
    with staged(proxied="relay") as scene:
        scene.start().work(scene.some())
        killed = threading.Event()

        def kill(link: Link) -> None:
            link.swallowed.add("down")
            scene.broker.kill()
            link.reset()
            killed.set()

        scene.proxies["relay"].when(PUBLISH, kill)
        assert killed.wait(60)
        scene.broker.start()
        scene.check()


@fault("2", "Confirm lost, message stored", "proxy swallows what the broker says after a publish, then resets", "I3")
def test_confirm_lost__the_position_waits_and_duplicates_are_absorbed(staged: Scenes) -> None:
    with staged(proxied="relay") as scene:
        scene.start().work(scene.some())
        lost: list[tuple[int, int]] = []

        def lose(link: Link) -> None:
            link.swallowed.add("down")
            head = scene.head()  # what is being published lies at or below it
            until(lambda: scene.head() > head, 30)
            lost.append((head, scene.relay_position()))
            link.reset()

        scene.proxies["relay"].when(PUBLISH, lose)
        until(lambda: lost, 60)
        assert lost[0][1] < lost[0][0], "the position moved without a confirm"
        scene.check()
        assert scene.again > 0, "nothing came again: the confirm was not lost"


@fault("3", "Unroutable", "the queue's binding is deleted while events flow", "returned, counted, sent again; I2")
def test_binding_deleted__events_come_back_and_leave_again(staged: Scenes) -> None:
    with staged(tap=False) as scene:
        scene.start().work(scene.some(10, 30))

        async def unbind(channel: Any) -> None:
            queue = await channel.get_queue(EVENTS.queue)
            await queue.unbind(EVENTS.exchange, EVENTS.pattern)

        scene.amqp(unbind)
        until(lambda: scene.intake.metrics().get("intake_outbox_unroutable_total", 0) > 0, 30, "counted as unroutable")
        scene.check()


@fault("4", "Memory alarm blocks publishers", "rabbitmqctl set_vm_memory_high_watermark 0.00001", "intake accepts; I9")
def test_memory_alarm__intake_accepts_and_the_publish_times_out(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(5, 20), pause=True)
        scene.broker.control("set_vm_memory_high_watermark", "0.00001")
        try:
            scene.go_on(20)
            until(lambda: scene.intake.metrics()[PENDING] > 0, 20, "the backlog is shown")
            until(lambda: "relay_interrupted" in scene.intake.tail(10**6), 60, "the publish has timed out")
        finally:
            scene.broker.control("set_vm_memory_high_watermark", "0.4")
        scene.check()


@fault("–", "Disk alarm blocks publishers", "rabbitmqctl set_disk_free_limit above what is free", "intake accepts; I9")
def test_disk_alarm__intake_accepts(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(5, 20), pause=True)
        scene.broker.control("set_disk_free_limit", "1000000GB")
        try:
            scene.go_on(30)
            until(lambda: scene.intake.metrics()[PENDING] > 0, 20, "the backlog is shown")
        finally:
            scene.broker.control("set_disk_free_limit", "50MB")
        scene.check()


@fault("11", "Disk full on the broker", "its folder on a tmpfs that is filled up", "as an alarm; I9")
def test_broker_on_a_full_disk(staged: Scenes, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 160) as disk, own_broker(disk.path) as broker, staged(broker=broker) as scene:
        scene.start().work(scene.some(5, 15), pause=True)
        disk.fill(leaving=20)
        until(lambda: "disk resource limit alarm set" in broker_log(disk.path), 60, "the broker raises its alarm")
        scene.go_on(15)
        until(lambda: scene.intake.metrics()[PENDING] > 0, 20, "the backlog is shown")
        disk.free()
        scene.check(within=60)


@fault("13, 14", "Duplicates, out of order, hours late", "every message again ×3, shuffled, while the feed is cut",
       "I3 I4 I5: what is not next is dropped")  # fmt: skip
def test_duplicates_out_of_order_and_late(staged: Scenes) -> None:
    with staged(proxied="feed") as scene:
        scene.start().work(scene.some(20, 40))
        scene.proxies["feed"].cut()
        copies = [(dict(m.headers), m.body) for m in scene.tapped() if m.exchange == EVENTS.exchange] * 3
        scene.rng.shuffle(copies)
        scene.push(EVENTS.queue, *copies)
        scene.accepted(len(scene.office.accepted) + 10)
        scene.proxies["feed"].mend()
        late = [(dict(m.headers), m.body) for m in scene.tapped() if m.exchange == EVENTS.exchange]
        scene.push(EVENTS.queue, *reversed(late))
        scene.check()


@fault("35", "Consumer cancelled, queue re-created", "every queue of the pair is deleted under its consumer",
       "consumers are back; I9")  # fmt: skip
def test_queues_deleted__every_consumer_comes_back(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some())
        queues = (EVENTS.queue, DEADLINES.queue, COMMANDS.queue)
        until(lambda: all(scene.consumers(queue) for queue in queues), 30, "consumed before")

        async def delete(channel: Any) -> None:
            for queue in queues:
                await channel.queue_delete(queue)

        scene.amqp(delete)
        scene.check()
        for queue in queues:
            until(lambda queue=queue: scene.consumers(queue) > 0, 30, f"{queue} is consumed again")


@fault("–", "Exchanges deleted", "both exchanges are deleted while events flow", "declared again; I2")
def test_exchanges_deleted(staged: Scenes) -> None:
    with staged(tap=False) as scene:
        scene.start().work(scene.some())

        async def delete(channel: Any) -> None:
            for exchange in (EVENTS.exchange, DEADLINES.exchange):
                await channel.exchange_delete(exchange)

        scene.amqp(delete)
        scene.check()


@fault("40", "Corrupt, forged messages", "foreign, cut, altered ones in each queue; one claims to be the next event",
       "dropped or kept as refused; nothing of them is applied")  # fmt: skip
def test_corrupt_messages(staged: Scenes) -> None:
    with staged(proxied="feed") as scene:
        scene.start().work(scene.some(20, 30))
        (sample,) = [m for m in scene.tapped() if m.exchange == EVENTS.exchange][:1]
        garbage: list[tuple[dict[str, Any], bytes]] = [
            ({}, b"\x00\xff"),
            (dict(sample.headers), sample.body[:-20]),
            (dict(sample.headers) | {"ce-position": "một"}, sample.body),
            ({"ce-id": "x", "ce-type": "DeadlineBreached"}, b"{"),
        ]
        for queue in (EVENTS.queue, DEADLINES.queue, COMMANDS.queue):
            scene.push(queue, *garbage)
        scene.check()
        before = len(oracle.stored_events(scene.store))
        # The next event, so far as its headers tell; its body is not what the store holds.
        last = [m for m in scene.taken if m.exchange == EVENTS.exchange][-1]
        claims = dict(last.headers) | {"ce-position": str(before + 1), "ce-previousid": str(last.headers["ce-id"])}
        scene.push(EVENTS.queue, (claims, b'{"data":{"nonsense":1},"meta":1,"v":1}'))
        scene.office.receive(1000)
        scene.count += 1
        scene.check()


@fault("–", "A message of 10 MiB", "into each of the three queues", "dropped or refused; memory bounded")
def test_huge_messages(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some())
        for queue in (EVENTS.queue, DEADLINES.queue, COMMANDS.queue):
            scene.push(queue, ({}, b'"' + b"x" * (10 * 1024 * 1024) + b'"'))
        scene.check()


@fault("41", "Undecodable properties", "an id that is no UTF-8, a time beyond the calendar, to commands and deadlines",
       "refused and kept, or passed over; both consumers go on")  # fmt: skip
def test_undecodable_properties(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some())
        until(lambda: scene.consumers(COMMANDS.queue) and scene.consumers(DEADLINES.queue), 30, "consumed before")

        async def send() -> None:
            sender = await RawSender.connect(scene.broker.url)
            # Straight into the queue of deadlines: by their exchange the tap would have it too, and cannot decode it.
            for exchange, key in ((COMMANDS.exchange, COMMANDS.pattern), ("", DEADLINES.queue)):
                for flags, properties in ((1 << 7, short(b"\xff")), (1 << 6, b"\x7f" + b"\xff" * 7)):
                    assert await sender.publish(exchange, key, flags, properties, b"{}") == "Basic.Ack"
            await sender.close()

        asyncio.run(send())
        kept = "SELECT 1 FROM refused_commands WHERE reason_code = 'undecodable-message'"
        until(lambda: oracle.rows(scene.store, kept), 30, "refused and kept")
        scene.check()
        for queue in (COMMANDS.queue, DEADLINES.queue):
            until(lambda queue=queue: not scene.waiting(queue), 30, f"{queue} is empty")


@fault("41", "A queue of another type", "the command queue is deleted and declared as a classic one for a while",
       "readyz, log and metric say so; consumed again once it is gone")  # fmt: skip
def test_command_queue_of_another_type(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some())
        until(lambda: scene.consumers(COMMANDS.queue), 30, "consumed before")

        async def replace(channel: Any) -> None:
            await channel.queue_delete(COMMANDS.queue)
            await channel.declare_queue(COMMANDS.queue, durable=True)

        async def delete(channel: Any) -> None:
            await channel.queue_delete(COMMANDS.queue)

        scene.amqp(replace)
        until(lambda: scene.intake.metrics()["intake_broker_hindered"] == 1, 30, "the metric says so")
        assert "queue_not_consumed" in scene.intake.tail(10**6) and scene.intake.is_ready()
        assert COMMANDS.queue in scene.intake.get("/readyz")["notices"]["commands"]
        scene.amqp(delete)
        until(lambda: scene.consumers(COMMANDS.queue), 30, "consumed again")
        scene.check()


@fault("–", "The broker's clock apart", "the node runs three days ahead (libfaketime)", "nothing changes")
def test_clock_of_the_broker_apart(staged: Scenes, tmp_path: Path) -> None:
    with faked_clock("+3d") as clock, own_broker(tmp_path / "rabbit", clock) as broker, staged(broker=broker) as scene:
        scene.start().work()
        scene.check()


@fault("29", "Broker password changed", "change_password, connections closed; later the new one into its file",
       "intake accepts; I9 once the secret is given, without a restart")  # fmt: skip
def test_broker_password_rotated(staged: Scenes, ground: Ground, tmp_path: Path) -> None:
    control = ground.broker.control
    with contextlib.suppress(Exception):
        control("delete_user", "pair")
    control("add_user", "pair", "cũ")
    secret = tmp_path / "broker.password"
    secret.write_text("cũ\n")
    control("set_permissions", "-p", "/", "pair", ".*", ".*", ".*")
    url = ground.broker.url.replace("guest:guest", "pair") + f"?password_file={secret}"
    with staged(intake={"AMQP_URL": url}, followup={"AMQP_URL": url}) as scene:
        scene.start().work(scene.some(5, 20), pause=True)
        control("change_password", "pair", "mới")
        control("close_all_connections", "rotated")
        scene.go_on(20)
        until(lambda: scene.intake.metrics()[PENDING] > 0, 20, "the backlog is shown")
        secret.write_text("mới\n")
        scene.check()
    control("delete_user", "pair")


@contextlib.contextmanager
def own_broker(folder: Path, environment: dict[str, str] | None = None) -> Iterator[PrivateBroker]:
    """A broker for one scene, in a folder, with more in its environment."""
    folder.mkdir(parents=True, exist_ok=True)
    broker, before = PrivateBroker(folder), dict(os.environ)
    os.environ.update(environment or {})
    try:
        broker.launch()
    finally:
        os.environ.clear()
        os.environ.update(before)
    try:
        broker.wait_ready()
        yield broker
    finally:
        broker.stop()


def broker_log(folder: Path) -> str:
    """Everything that a broker has logged."""
    return "".join(path.read_text("utf-8", "replace") for path in (folder / "log").glob("*.log"))
