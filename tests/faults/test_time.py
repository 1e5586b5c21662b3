"""Faults of clocks and of silence: what is due does not depend on when it is looked at."""

import signal
import tempfile
import time
from pathlib import Path

import pytest

from tests.support import oracle
from tests.support.chaos import Scene, Scenes, fault
from tests.support.cluster import Cluster
from tests.support.host import FakedClock, faked_clock
from tests.support.pair import until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

COMPLETE = 'followup_source_complete_timestamp_seconds{source="local"}'


@fault("12", "Clocks of the services jump", "libfaketime under both: ±2 h back and forth, other time zones",
       "I6: nothing changes; leases by the database's clock")  # fmt: skip
def test_clock_of_the_services_jumps(staged: Scenes) -> None:
    with faked_clock("+2h") as clock, staged(pace=0.1) as scene:
        for service, zone in ((scene.intake, "America/Los_Angeles"), (scene.followup, "Pacific/Kiritimati")):
            service.environment |= clock | {"TZ": zone}
        scene.start().work(10)
        for offset in ("-2h", "+0", "+1d", "-5"):
            clock.jump(offset)
            scene.accepted(min(len(scene.office.accepted) + 12, 70))
        scene.check()


@fault("12", "The database's clock jumps", "libfaketime under PostgreSQL: +2 h, back, NTP step of -90 s",
       "recorded_at never goes back; leases go on; I6")  # fmt: skip
def test_clock_of_the_database_jumps(staged: Scenes) -> None:
    with faked_clock("+0") as clock, jumping_cluster(clock) as cluster, staged(cluster=cluster, pace=0.1) as scene:
        scene.start().work(10)
        for offset in ("+2h", "+0", "-90"):
            clock.jump(offset)
            scene.accepted(min(len(scene.office.accepted) + 15, 70))
        scene.check()


class jumping_cluster:
    """A server of its own whose clock is another one."""

    def __init__(self, clock: FakedClock) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True)
        self._clock = clock

    def __enter__(self) -> Cluster:
        Path(self._folder.name).chmod(0o755)
        self._cluster = Cluster(Path(self._folder.name)).start()
        self._cluster.shut_down()
        self._cluster.environment = self._clock
        return self._cluster.start()

    def __exit__(self, *_: object) -> None:
        self._cluster.shut_down()
        self._folder.cleanup()


@fault("36", "Followup down over midnights", "stopped; replies in time, late and none recorded meanwhile; started",
       "I6: exactly the breaches of an undisturbed run")  # fmt: skip
def test_followup_down_over_midnights(staged: Scenes) -> None:
    with staged() as scene:
        scene.start()
        conference(scene)
        assert scene.followup.stop() == 0
        scene.office.clock("2019-09-20 08:00")
        scene.office.reply(0, "2019-09-16")
        scene.office.reply(1, "2019-09-18")
        until(lambda: oracle.raised(scene.reference), 30)
        scene.followup.start()
        scene.check()


@fault("–", "Killed between the steps of a calendar", "a holiday is announced for open cases; SIGKILL before and after "
       "steps of it, midnights and replies in between", "I6: each step as if it had been there at once")  # fmt: skip
def test_killed_between_the_steps_of_a_calendar(staged: Scenes) -> None:
    with staged(count=24) as scene:
        scene.start()
        conference(scene)
        until(lambda: scene.position() == scene.head(), 30)
        calendars = [(2, "2019-09-03", "2019-09-13"), (3, "2019-09-12", "2019-09-12"), (1, "2019-09-17", "2019-09-16")]
        free: list[str] = []
        for step, today, off in calendars:
            scene.followup.kill()
            point = "sweep_before_step" if step % 2 else "sweep_after_step"
            scene.followup.program = ["-m", "tests.support.crashing", f"{point}:{step}"]
            scene.office.clock(f"{today} 08:00")
            free.append(off)
            holidays = [{"date": day, "name": "Nghỉ đột xuất"} for day in ["2019-01-01", *free]]
            scene.office.act(f"calendar:{step}", "/v1/calendars", year=2019, holidays=holidays)
            scene.office.reply(step, today)
            scene.followup.start(wait=False)
            process = scene.followup.process
            assert process is not None
            assert process.wait(30) == -signal.SIGKILL, scene.followup.tail()
        assert oracle.rows(scene.projection, "SELECT 1 FROM followed.sweeps"), "it was killed once all was done"
        scene.followup.program = ["-m", "services.cli"]
        scene.followup.start()
        scene.office.clock("2019-10-01 08:00")
        scene.check()


@fault("37", "Source silent around a midnight", "feed and broker cut for followup while the midnight passes",
       "no guessed breach; completeness stands still; right afterwards")  # fmt: skip
def test_source_silent_around_a_midnight(staged: Scenes) -> None:
    with staged(proxied="feed bell") as scene:
        scene.start()
        conference(scene)
        until(lambda: scene.position() == scene.head(), 30)
        for proxy in scene.proxies.values():
            proxy.cut()
        before = oracle.raised(scene.projection)
        scene.office.clock("2019-09-16 23:59")
        ((stated,),) = oracle.rows(scene.projection, "SELECT extract(epoch FROM complete_to) FROM followed.sources")
        scene.office.reply(0, "2019-09-16")
        scene.office.clock("2019-09-17 06:00")
        until(lambda: any(e[2] == "DeadlineBreached" for e in oracle.raised(scene.reference).values()), 30)
        time.sleep(5)
        assert oracle.raised(scene.projection) == before, "something was raised without the source"
        shown = scene.followup.metrics()[COMPLETE]
        assert abs(shown - float(stated)) < 0.001, "completeness was guessed"
        for proxy in scene.proxies.values():
            proxy.mend()
        scene.check()


def conference(scene: Scene) -> None:
    """A conference with petitions, all assigned."""
    office = scene.office
    office.places()
    office.plan()
    for number in range(scene.count):
        office.receive(number)
    office.clock("2019-08-05 08:00")
    for number in range(scene.count):
        office.schedule(number)
    office.hold(scene.count)
    office.clock("2019-08-30 08:00")
    for number in range(scene.count):
        office.assign(number)
