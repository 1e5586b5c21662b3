"""Faults of the two services: killed, stopped, frozen, doubled, of different releases."""

import contextlib
import signal
import subprocess
import threading
import time
from typing import Any

import httpx
import pytest

from tests.support import oracle
from tests.support.chaos import Scene, Scenes, database_of, fault
from tests.support.pair import Service, get, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

LEASE = 5.0  # seconds


@fault("–", "kill -9 at random", "both services, RabbitMQ and PostgreSQL, twelve times in any order", "I1 I2 I3 I6")
def test_killed_at_random(staged: Scenes) -> None:
    with staged(count=20, pace=0.15) as scene:
        scene.start().work(5)
        for _ in range(12):
            match scene.rng.choice(["intake", "intake", "followup", "followup", "store", "broker"]):
                case "intake":
                    restarted(scene.intake)
                case "followup":
                    restarted(scene.followup)
                case "store":
                    scene.cluster.kill()
                    scene.cluster.start()
                case _:
                    scene.broker.kill()
                    scene.broker.start()
            time.sleep(scene.rng.uniform(0, 1))
        scene.check(within=60)


@fault("30", "SIGTERM under load", "each service stopped and started four times", "exit 0 in time; I1 I2 I3")
def test_sigterm_under_load(staged: Scenes) -> None:
    with staged(count=14, pace=0.1) as scene:
        scene.start().work(5)
        for number in range(8):
            service = (scene.intake, scene.followup)[number % 2]
            assert service.stop() == 0, service.tail()
            service.start()
            time.sleep(scene.rng.uniform(0, 1))
        scene.check()
        for service in (scene.intake, scene.followup):
            assert "Traceback" not in service.tail(10**7)


@fault("5, 15, 16", "Intake killed at named points", "SIGKILL before and after the commit, before the publish, "
       "between confirm and position, after it", "I1: a retry gets the first answer; I2 I3")  # fmt: skip
def test_intake_killed_at_named_points(staged: Scenes) -> None:
    with staged(count=14, pace=0.1) as scene:
        scene.start().work(5, pause=True)
        points = ["intake_before_commit", "intake_after_commit", "relay_before_publish", "relay_before_advance",
                  "relay_after_advance"]  # fmt: skip
        die_at(scene, scene.intake, points)
        scene.check()


@fault("15, 16", "Followup killed at named points", "SIGKILL before and after the commit, before the ack, before and "
       "after its own relay's position", "I3 I5 I6")  # fmt: skip
def test_followup_killed_at_named_points(staged: Scenes) -> None:
    with staged(count=24, pace=0.3) as scene:
        scene.start().work(50, pause=True)
        points = ["followup_before_commit", "followup_after_commit", "followup_before_ack", "relay_before_advance",
                  "relay_after_advance", "followup_before_commit"]  # fmt: skip
        die_at(scene, scene.followup, points)
        scene.check()


@fault("58", "A batch killed in the middle", "SIGKILL while 300 pushes of one batch are decided, then the same again",
       "each record once; what was not done is done; I1 I2 I3")  # fmt: skip
def test_batch_killed_in_the_middle(staged: Scenes) -> None:
    with staged(count=14, pace=0.1) as scene:
        scene.start().work(5)
        pushed = {"jurisdiction": "H35.10.31", "source": "local", "source_version": "1", "text": "Đường sạt lở."}
        body = {"items": [pushed | {"external_id": f"batch-{number}"} for number in range(300)]}

        def send() -> list[dict[str, Any]]:
            answer = httpx.post(f"{scene.intake.url}/v1/petitions/batch", json=body, timeout=60)
            found: list[dict[str, Any]] = answer.json()["items"]
            return found

        def die() -> None:
            with contextlib.suppress(httpx.HTTPError):
                send()

        def known() -> int:
            found = (
                httpx.get(
                    f"{scene.intake.url}/v1/petitions",
                    params={"source": "local", "external_id": f"batch-{n}"},
                    timeout=10,
                )
                for n in (20, 280)
            )
            return sum(answer.status_code == 200 for answer in found)

        first = threading.Thread(target=die)
        first.start()
        until(lambda: known() >= 1, 20, "some of the batch is recorded")
        scene.intake.kill()
        first.join()
        scene.intake.start()
        again = send()
        assert {each["status"] for each in again} <= {200, 201}
        before = sum(each["push"]["result"] == "unchanged" for each in again)
        scene.note(f"{before} of 300 were recorded before the kill")
        assert 0 < before < 300
        third = send()
        assert {each["push"]["result"] for each in third} == {"unchanged"}
        assert [each["push"]["id"] for each in third] == [each["push"]["id"] for each in again]
        # Not by `check`, which holds the whole log against what the office was answered.
        until(scene.has_ended, 60, "the office has done its work")
        until(lambda: not scene.behind(), 60, "everything has caught up")
        oracle.check_projection(scene.store, scene.projection)
        oracle.check_digest(scene.store, scene.projection, scene.reference)


def die_at(scene: Scene, service: Service, points: list[str]) -> None:
    """Let a service die at each point, with some work for each, and in the end live."""
    reached = 0
    for point in points:
        service.kill()
        service.program = ["-m", "tests.support.crashing", f"{point}:{scene.rng.randint(1, 2)}"]
        service.start(wait=False)
        process = service.process
        assert process is not None
        scene.office.limit = len(scene.office.accepted) + 20
        with contextlib.suppress(subprocess.TimeoutExpired):
            reached += process.wait(20) == -signal.SIGKILL
    service.kill()
    service.program = ["-m", "services.cli"]
    service.start()
    scene.go_on(0)
    scene.note(f"{reached} of {len(points)} points reached under load")
    assert reached > len(points) // 2, service.tail()


@fault("23", "Two relays", "two intakes; the one that relays is frozen (SIGSTOP) beyond its lease, then goes on",
       "the fence holds; I2 I3")  # fmt: skip
def test_two_relays__the_leader_freezes(staged: Scenes) -> None:
    with staged(count=14, pace=0.2) as scene:
        second = scene.another_intake()
        scene.start()
        second.start()
        urls = [scene.intake.url, second.url]
        scene.office._url = lambda: urls[threading.get_ident() % len(urls)]
        scene.work(scene.some(10, 20))
        leader = holder(scene.store, "relay:intake", scene.intake, second)
        urls[:] = [service.url for service in (scene.intake, second) if service is not leader]
        leader.signal(signal.SIGSTOP)
        scene.accepted(len(scene.office.accepted) + 10)
        frozen_at = scene.relay_position()
        until(lambda: scene.relay_position() > frozen_at, 30, "the other one relays")
        time.sleep(LEASE)
        leader.signal(signal.SIGCONT)
        urls[:] = [scene.intake.url, second.url]
        scene.check()


@fault("47", "Two sources of one name", "followup restarted with a second store called like the first; an intake of "
       "another source on the virtual host", "refused, both named; the first is followed on")  # fmt: skip
def test_two_sources_of_one_name(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 20), pause=True)
        packages = ("shared.postgres", "services.intake")
        twin = scene.another_intake(DATABASE_URL=scene.cluster.database(*packages), AMQP_URL="").start()
        stranger = scene.another_intake(DATABASE_URL=scene.cluster.database(*packages), SOURCE="so-thu")
        stranger.start(wait=False)
        assert stranger.process is not None
        assert stranger.process.wait(60) != 0 and "local" in stranger.tail() and "so-thu" in stranger.tail()
        scene.followup.kill()
        scene.followup.environment["FOLLOWUP_SOURCES"] = f"{scene.intake.url},{twin.url}"
        scene.followup.start(wait=False)
        until(lambda: refused_by(scene.followup) == 1, 30, "refused")
        assert get(f"{scene.followup.url}/readyz", timeout=5).status_code == 200
        told = get(f"{scene.followup.url}/progressz", timeout=5)
        assert told.status_code == 503 and "called local" in told.text and twin.url in told.text
        scene.go_on(10).check()
        scene.followup.kill()
        scene.followup.environment["FOLLOWUP_SOURCES"] = scene.intake.url
        scene.followup.start()
        scene.check()


def refused_by(followup: Service) -> float:
    """How many addresses it does not follow; 0 while it does not answer."""
    try:
        return followup.metrics().get("followup_sources_refused", 0)
    except httpx.HTTPError:
        return 0


@fault("46", "Two provinces in one followup", "a second store of the same codes with another calendar; followup killed "
       "thrice, one intake away for a while, a rebuild of one",
       "each = followed alone: state and deadline events")  # fmt: skip
def test_two_provinces_in_one_followup(staged: Scenes) -> None:
    with staged(count=12, pace=0.1) as scene:
        scene.start()
        packages = ("shared.postgres", "services.intake")
        store, source = scene.cluster.database(*packages), "so-thu"
        other = scene.another_intake(DATABASE_URL=store, SOURCE=source, AMQP_URL="").start()
        reference = scene.ground.quiet.database("shared.postgres", "services.followup")
        scene.pair.followup(other, reference, AMQP_URL="").start()
        office = scene.pair.office(other, scene.rng.randrange(10**6))
        holidays = [{"date": f"2019-09-{n:02}", "name": "Nghỉ đột xuất"} for n in range(4, 13)]
        office.act("calendar", "/v1/calendars", year=2019, holidays=holidays)
        scene.followup.kill()
        scene.followup.environment["FOLLOWUP_SOURCES"] = f"{scene.intake.url},{other.url}"
        scene.followup.start()
        work = threading.Thread(target=office.work, args=(12,))
        work.start()
        scene.work(scene.some(20, 40))
        for step in range(3):
            scene.followup.kill()
            if step == 1:
                other.kill()
            scene.followup.start(wait=False)
            scene.accepted(len(scene.office.accepted) + scene.some(5, 25))
            if step == 1:
                other.start()
        environment = {"FOLLOWUP_SOURCES": scene.followup.environment["FOLLOWUP_SOURCES"]}
        told = scene.doithoai("followup", "rebuild", "--source", source, **environment)
        assert told.startswith(f"{source}: ") and ", 0 differences" in told and "local" not in told, told
        work.join(120)
        assert not work.is_alive(), "the other office has done its work"
        scene.followup.wait_ready()
        scene.check(within=60)
        for dsn in (scene.projection, reference):
            until(lambda dsn=dsn: has_read(dsn, store, source), 60, "the other province is read")
        raised = oracle.check_raised(store, scene.projection, reference, source=source)
        oracle.check_digest(store, scene.projection, reference, source=source)
        scene.note(f"{raised} deadline events of the other province")


def has_read(followup: str, store: str, source: str) -> bool:
    """Whether a followup has read a store to its end, with the timers of its day."""
    ((head, day),) = oracle.rows(
        store,
        "SELECT coalesce(max(notification_id), 0), date_trunc('day', store_now(), 'Asia/Ho_Chi_Minh') "
        "FROM stored_events",
    )
    query = "SELECT position = %s AND horizon >= %s FROM followed.sources WHERE source = %s"
    found = oracle.rows(followup, query, head, day, source)
    swept = not oracle.rows(followup, "SELECT 1 FROM followed.sweeps WHERE source = %s", source)
    return bool(found and found[0][0] and swept)


@fault("24", "Two followups, the writer's host is gone", "the leader is frozen (SIGSTOP) with its transaction open, "
       "its connections swallowed", "another takes over; the resumed one moves nothing; I3 I5 I6")  # fmt: skip
def test_two_followups__the_leader_freezes(staged: Scenes) -> None:
    with staged(proxied="projection", count=14, pace=0.3) as scene:
        second = scene.another_followup(DATABASE_URL=scene.projection)
        scene.start()
        leader = scene.followup
        until(lambda: scene.position() > 0, 30)
        second.start()
        assert holder(scene.projection, "source:local", leader, second) is leader
        scene.work(scene.some(10, 30))
        leader.signal(signal.SIGSTOP)
        for direction in ("up", "down"):
            scene.proxies["projection"].swallow(direction)
        position = scene.position()
        since = time.monotonic()
        until(lambda: scene.position() > position, 45, "the other one writes")
        scene.note(f"taken over after {time.monotonic() - since:.1f} s")
        scene.accepted(len(scene.office.accepted) + 10)
        leader.signal(signal.SIGCONT)
        scene.check(within=60)


@fault("53", "A followup cut off from the intake", "the leader's way to the feed cut, not that to its database or "
       "the broker; mended", "another leads, by the lease + 10 s; who stands back says why; I3 I5 I6")  # fmt: skip
def test_two_followups__the_leader_is_cut_off_from_the_intake(staged: Scenes) -> None:
    with staged(proxied="feed", count=14, pace=0.3) as scene:
        second = scene.another_followup(SOURCES=scene.intake.url)
        scene.start()
        leader = scene.followup
        until(lambda: scene.position() > 0, 30)
        second.start()
        assert holder(scene.projection, "source:local", leader, second) is leader
        scene.work(scene.some(10, 30))
        scene.proxies["feed"].cut()
        since = time.monotonic()
        until(lambda: holder(scene.projection, "source:local", leader, second) is second, 30, "the other one leads")
        scene.note(f"taken over after {time.monotonic() - since:.1f} s")
        assert time.monotonic() - since < LEASE + 10
        until(lambda: "does not reach it" in progress_of(leader), 30, "it says why it stands back")
        assert progress_of(second) == ""
        away = 'followup_source_away{source="local"}'
        until(lambda: leader.metrics().get(away) == 1, 30, "its metric says so")
        scene.accepted(len(scene.office.accepted) + 10)
        scene.proxies["feed"].mend()
        until(lambda: progress_of(leader) == "", 30, "it reaches the source again")
        scene.check(within=60)


def progress_of(followup: Service) -> str:
    """Why the source makes no progress by a followup, as it says; nothing where it does."""
    works: dict[str, str] = get(f"{followup.url}/progressz", timeout=5).json()
    return str(works["works"]["local"])


@fault("–", "Frozen beyond every lease", "SIGSTOP of intake for 8 s, then of followup; SIGCONT", "I1 I3 I6")
def test_frozen_and_resumed(staged: Scenes) -> None:
    with staged(pace=0.2) as scene:
        scene.start().work(scene.some(10, 30))
        for service in (scene.intake, scene.followup):
            service.signal(signal.SIGSTOP)
            time.sleep(8)
            service.signal(signal.SIGCONT)
        scene.check()


def holder(dsn: str, lease: str, *services: Service) -> Service:
    """Which of some services holds a lease."""
    found = until(lambda: oracle.rows(dsn, "SELECT holder FROM leases WHERE name = %s", lease), 30, lease)
    return next(s for s in services if s.process is not None and f":{s.process.pid}:" in found[0][0])


@fault("25", "Rolling deploy, a new event", "a followup of the release before an event, and one of the release with it",
       "the old one stops loudly, drops nothing; I3")  # fmt: skip
def test_old_release_meets_a_new_event(staged: Scenes) -> None:
    with staged() as scene:
        scene.followup.program = ["-m", "tests.support.crashing", "without:PetitionMarkedComplex"]
        scene.start().work()
        until(lambda: state(scene)[0] == "stopped", 90, "the old release has stopped")
        assert "unknown topic PetitionMarkedComplex" in state(scene)[1]
        at = scene.position()
        ((topic,),) = oracle.rows(scene.store, "SELECT topic FROM stored_events WHERE notification_id = %s", at + 1)
        assert topic == "PetitionMarkedComplex"
        stopped = 'followup_source_stopped{source="local"}'
        until(lambda: scene.followup.metrics().get(stopped) == 1, 15, "the metric shows it")
        scene.followup.stop()
        scene.followup.program = ["-m", "services.cli"]
        scene.followup.start()
        scene.check()


def state(scene: Scene) -> tuple[str, str]:
    """Whether the source is followed, and why not."""
    found = oracle.rows(scene.projection, "SELECT state, reason FROM followed.sources")
    return (found[0][0], found[0][1]) if found else ("", "")


@fault("27", "Rebuild during traffic, killed", "rebuild killed while it writes, before the swap, in it, after it; then "
       "run to its end", "the live tables go on; green = fold; nothing is appended")  # fmt: skip
def test_rebuild_killed_midway(staged: Scenes) -> None:
    with staged(count=16, pace=0.3) as scene:
        scene.start().work(scene.some(20, 40))
        for point in ("rebuild_writing:3", "rebuild_before_swap", "rebuild_before_commit", "rebuild_after_swap:2"):
            before = scene.position()
            killed = scene.command("tests.support.crashing", point, "followup", "rebuild")
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            until(lambda before=before: scene.position() >= before, 15, "the live tables are there")
        done = scene.command("services.cli", "followup", "rebuild")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "0 differences" in done.stdout, done.stdout
        scene.check()


@fault("–", "Killed in a migration", "SIGKILL of both services when a migration is done but not yet noted",
       "the next start applies it whole")  # fmt: skip
def test_killed_in_a_migration(staged: Scenes) -> None:
    with staged() as scene:
        for service in (scene.intake, scene.followup):
            dsn = scene.cluster.dsn(database_of(scene.pair.server.database("shared.postgres")))
            service.environment[f"{service.name.upper()}_DATABASE_URL"] = dsn
            if service is scene.intake:
                scene.store = dsn
            else:
                scene.projection = dsn
            service.program = ["-m", "tests.support.crashing", "migration"]
            service.start(wait=False)
            assert service.process is not None
            assert service.process.wait(60) == -signal.SIGKILL, service.tail()
            service.program = ["-m", "services.cli"]
        scene.start().work()
        scene.check()


def restarted(service: Service) -> None:
    """Killed, and started again."""
    service.kill()
    service.start()
