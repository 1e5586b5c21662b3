"""Backups taken under load, restored to an earlier point, with other events at the same positions; the way out."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.followup.domain.deadlines.raised import DeadlineState
from tests.support import oracle
from tests.support.chaos import Scene, Scenes, database_of, fault
from tests.support.cluster import Cluster
from tests.support.pair import get, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

CHECKS = "I7: stops loudly, nothing diverges silently; the documented way out, walked"


@fault("28, 43", "Restored from a dump", "pg_dump under load, restored; other events at the same positions", CHECKS)
def test_restored_from_a_dump(staged: Scenes, tmp_path: Path) -> None:
    with staged(tap=False) as scene:
        dump = Path(tempfile.mkdtemp(prefix="doithoai-dump-"))
        scene.cluster.own(dump)
        database = database_of(scene.store)
        walk(
            scene,
            lambda: scene.cluster.dump(database, dump / "store"),
            lambda: scene.cluster.restore(dump / "store", database),
        )


@fault("28, 43", "Restored from a base backup", "pg_basebackup under load, started in the place of the server", CHECKS)
def test_restored_from_a_base_backup(staged: Scenes) -> None:
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "server").mkdir()
        cluster = Cluster(Path(folder) / "server").start()
        backup = cluster.folder / "backup"

        def restore() -> None:
            cluster.shut_down()
            cluster.data = backup
            cluster.start()

        try:
            with staged(tap=False, cluster=cluster, apart=True) as scene:
                walk(scene, lambda: cluster.base_backup(backup), restore)
        finally:
            cluster.shut_down()


@fault(
    "55",
    "Cursor over a restore",
    "a reader of a part, killed between any two pages, is ahead of a dump that is restored; other events since",
    "told by 409 and led back: each event of the restored history, none missed",
)
def test_cursor_over_a_restore(staged: Scenes, tmp_path: Path) -> None:
    with staged(tap=False) as scene:
        dump, database, office = Path(tempfile.mkdtemp(prefix="doithoai-dump-")), database_of(scene.store), scene.office
        scene.cluster.own(dump)
        scene.intake.start()
        held(scene)
        reader = CursorReader(scene)
        reader.read_to_the_end()
        scene.cluster.dump(database, dump / "store")
        kept = scene.head()
        for number in range(3):
            office.assign(number)
            office.receive(80 + number)
        lost = scene.head()
        reader.read_to_the_end()
        assert set(reader.known) == set(visible(scene))
        gone = set(visible(scene)[-(lost - kept) :])
        scene.intake.kill()
        scene.cluster.restore(dump / "store", database)
        scene.intake.start()
        for number in range(3):
            again(scene, number)
        while scene.head() <= lost:
            office.receive(100 + scene.head())
        problem = reader.ask()
        assert (problem["status"], problem["type"].rpartition(":")[2]) == (409, "history-changed")
        # The reader goes on where it is led, once whoever runs it has agreed; what it knows already comes again.
        before = set(reader.known)
        reader.cursor, reader.known = problem["cursor"], []
        reader.read_to_the_end()
        stands = visible(scene)
        assert reader.known == stands[-len(reader.known) :], "in order, each once"
        assert (before - gone) | set(reader.known) == set(stands)
        assert not gone & set(reader.known)
        scene.note(f"{len(gone)} of what was read is gone, {len(before & set(reader.known))} events came again")


class CursorReader:
    """Follows the petitions that systems pushed, and forgets a page now and then before it has kept it."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self.cursor, self.known = scene, "", list[str]()

    def ask(self) -> dict[str, Any]:
        """What the feed answers."""
        query = {"cursor": self.cursor, "mine": "true", "limit": str(self._scene.rng.randrange(1, 9))}
        answer: dict[str, Any] = get(f"{self._scene.intake.url}/v1/events", params=query).json()
        return answer

    def read_to_the_end(self) -> None:
        """Keep each page with its cursor."""
        while True:
            page = self.ask()
            if self._scene.rng.random() < 0.2:
                continue  # killed in between
            self.cursor = page["next"]
            self.known += [event["id"] for event in page["events"]]
            if not page["events"] and page["complete_to"]:
                return


def visible(scene: Scene) -> list[str]:
    """The ids of the events on petitions that were pushed, in order."""
    query = "SELECT event_id FROM stored_events WHERE position('petition_reference' IN convert_from(state, 'UTF8')) > 0"
    return [str(event_id) for (event_id,) in oracle.rows(scene.store, f"{query} ORDER BY notification_id")]


def walk(scene: Scene, back_up: Callable[[], None], restore: Callable[[], None]) -> None:
    """Back up under load, lose the store, restore, go on differently, stop, confirm, rebuild, reconcile."""
    office = scene.office
    scene.start()
    held(scene)
    before = scene.head()
    office.assign(0)
    back_up()
    # What the backup does not hold: a case with its conference and an agency, replies, the breaches of a midnight.
    gone = lost_for_good(scene)
    for number in range(1, 4):
        office.assign(number)
    office.clock("2019-09-12 08:00")
    office.reply(0, "2019-09-12")
    office.clock("2019-09-17 08:00")
    until(lambda: not scene.behind(), 30, "followed so far")
    lost, raised = scene.head(), oracle.raised(scene.projection)
    assert any(e[2] == "DeadlineBreached" for e in raised.values())
    scene.intake.kill()
    restore()
    kept = scene.head()
    assert before <= kept < lost
    scene.intake.start()
    office.clock("2019-09-12 08:00")
    for number in range(1, 4):  # other events at the same positions: other keys, another order
        again(scene, number)
    while scene.head() <= lost:
        office.receive(100 + scene.head())
    stopped(scene)
    assert oracle.raised(scene.projection) == raised, "something was raised on another history"
    scene.note(f"{lost - kept} events lost, others at their positions")
    # The way out, as the manual has it.
    report = json.loads(scene.doithoai("followup", "rebuild", "--confirm-restored", "local", "--json"))["local"]
    assert report["differences"], "a breach that never was is not a difference?"
    assert oracle.raised(scene.projection) == raised, "a rebuild has appended"
    until(lambda: following(scene), 30, "following again")
    print(scene.doithoai("reconcile", "--reason", "source_restored"))
    until(lambda: not oracle.rows(scene.projection, "SELECT 1 FROM followed.differences"), 30, "nothing differs")
    for subject_id in gone:
        rows = oracle.rows(
            scene.projection, "SELECT breached, outcome FROM followed.deadlines WHERE subject_id = %s", subject_id
        )
        assert rows and set(rows) == {(False, "waived")}, f"what is no more still stands: {rows}"
    assert not oracle.rows(scene.projection, "SELECT 1 FROM followed.agencies WHERE code = 'H35.10.99'")
    office.clock("2019-09-18 08:00")
    office.reply(5, "2019-09-18")
    until(lambda: scene.position() == scene.head() and following(scene), 30, "it goes on")
    agrees_with_a_fresh_one(scene)


def held(scene: Scene) -> None:
    """A conference held, its petitions open."""
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


def lost_for_good(scene: Scene) -> list[str]:
    """An agency, and a petition of which a conference of its own is planned; the ids of what owes something."""
    office = scene.office
    registered = {"code": "H35.10.99", "name": "Phòng mới", "jurisdiction": "H35.10", "valid_from": "2004-01-01"}
    office.act("agency:lost", "/v1/agencies", **registered)
    days = {"first_day": "2019-09-10", "last_day": "2019-09-10", "place": "Hội trường", "office": "H35.10.1"}
    planned = office.act("plan:lost", "/v1/conferences", jurisdiction="H35.10", kind="extraordinary", **days)
    office.receive(90)
    petition = office.petitions[90]
    office.act("schedule:lost", f"/v1/petitions/{petition}/schedule", conference_id=planned["id"])
    office.act("forward:lost", f"/v1/petitions/{petition}/forwarding", agency="H35.10.99")
    return [str(planned["id"]), petition]


def again(scene: Scene, number: int) -> None:
    """What the office records instead, under new keys."""
    agency = f"H35.10.{6 - number}"
    scene.office.act(f"again:{number}", f"/v1/petitions/{scene.office.petitions[number]}/assignment", agency=agency)


def stopped(scene: Scene) -> None:
    """Both followups have stopped loudly, and the metric says so."""
    for dsn in (scene.projection, scene.reference):
        until(lambda dsn=dsn: oracle.rows(dsn, "SELECT 1 FROM followed.sources WHERE state = 'stopped'"), 30, "stopped")
    metric = 'followup_source_stopped{source="local"}'
    until(lambda: scene.followup.metrics().get(metric) == 1, 15, "shown as stopped")


def following(scene: Scene) -> list[Any]:
    return oracle.rows(
        scene.projection, "SELECT 1 FROM followed.sources WHERE state = 'following' AND horizon >= '2019-09-12'"
    )


def agrees_with_a_fresh_one(scene: Scene) -> None:
    """Beside its log, followup's state is what one gives that has read nothing but the restored history."""
    fresh = scene.pair.followup(scene.intake, scene.ground.quiet.database("shared.postgres", "services.followup"),
                                AMQP_URL="").start()  # fmt: skip
    dsn = fresh.environment["FOLLOWUP_DATABASE_URL"]
    until(lambda: oracle.rows(dsn, "SELECT 1 FROM followed.sources WHERE position = %s AND horizon >= "
                              "'2019-09-18'", scene.head()), 30, "the fresh one has caught up")  # fmt: skip
    until(lambda: standing(scene.projection) == standing(dsn), 10, "the same deadlines stand")
    assert oracle.facts(scene.projection) == oracle.stored_events(scene.store)


def standing(dsn: str) -> dict[Any, tuple[Any, ...]]:
    """Every deadline that was not taken back: due, breach, outcome."""
    found = [
        msgspec.json.decode(bytes(r[0]), type=DeadlineState)
        for r in oracle.rows(dsn, "SELECT raised FROM followed.deadlines")
    ]
    return {r.deadline_id: (r.due_on, r.breached, r.outcome, r.debtor) for r in found if r.outcome != "waived"}
