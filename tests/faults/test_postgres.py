"""Faults of PostgreSQL, and of the way to it."""

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from shared.events import Metadata, encode_state
from shared.events.regulation import AgencyRegistered
from shared.identifiers import derived_id
from tests.support import oracle
from tests.support.chaos import Ground, Scene, Scenes, database_of, fault
from tests.support.cluster import Cluster
from tests.support.host import small_disk
from tests.support.pair import until
from tests.support.proxy import COMMIT, Link, without_notifications

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

HEAL = 90.0  # seconds: a statement's timeout (30), and as long again for the server to acknowledge its cancellation


@fault("5", "PostgreSQL killed mid-commit", "kill -9 of the postmaster as a COMMIT passes, sent on or not", "I1 I2 I3")
@pytest.mark.parametrize("forwards", [True, False])
def test_killed_mid_commit(staged: Scenes, forwards: bool) -> None:
    with staged(proxied="store") as scene:
        scene.start().work(scene.some())
        killed = threading.Event()

        def kill(link: Link) -> None:
            scene.cluster.kill()
            killed.set()

        scene.proxies["store"].when(COMMIT, kill, forwards)
        assert killed.wait(60)
        scene.cluster.start()
        scene.check()


@fault("6", "COMMIT reply lost", "proxy swallows the reply to a COMMIT and resets, twelve times, of both services",
       "I1: no double append, no double application")  # fmt: skip
def test_commit_reply_lost(staged: Scenes) -> None:
    with staged(proxied="store projection", pace=0.1) as scene:
        scene.start().work(10)
        for number in range(12):
            lost = threading.Event()

            def lose(link: Link, lost: threading.Event = lost) -> None:
                link.swallowed.add("down")
                time.sleep(0.05)  # the commit goes through meanwhile, mostly
                link.reset()
                lost.set()

            scene.proxies["projection" if number % 3 == 0 else "store"].when(COMMIT, lose)
            lost.wait(10)
        scene.check()


@fault("7", "Restart, pool full of dead sockets", "the server is stopped in immediate mode and started, twice",
       "the pools heal; I9")  # fmt: skip
def test_immediate_restart(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 30))
        for _ in range(2):
            scene.cluster.shut_down(signal.SIGQUIT)
            scene.cluster.start()
            scene.accepted(len(scene.office.accepted) + 10)
        scene.check()


@fault("8", "Half-open connections", "one direction of every open connection leads nowhere: to PostgreSQL, to RabbitMQ",
       "timeouts and heartbeats notice; I9")  # fmt: skip
@pytest.mark.parametrize("where", ["store projection", "relay bell"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_half_open(staged: Scenes, where: str, direction: str) -> None:
    with staged(proxied=where) as scene:
        scene.start().work(scene.some())
        for name in where.split():
            scene.proxies[name].swallow(direction)
        scene.check(within=HEAL)


@fault("9", "LISTEN dead", "the listening backends are terminated again and again", "the poll carries on; I9")
def test_listening_backends_terminated(staged: Scenes) -> None:
    with staged(pace=0.1) as scene:
        scene.start().work(10)
        for _ in range(8):
            scene.cluster.admin(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname IN (%s, %s) AND (query LIKE 'LISTEN%%' OR query = 'SELECT 1')",
                database_of(scene.store),
                database_of(scene.projection),
            )
            time.sleep(0.5)
        scene.check()


@fault("9", "Notifications never come", "proxy drops NOTIFY, as a pooler in transaction mode does", "polls; I9")
def test_notifications_never_come(staged: Scenes) -> None:
    with staged(proxied="store projection", filter_down=without_notifications) as scene:
        scene.start().work()
        scene.check()


@fault("10", "Disk full", "the data folder on a tmpfs that is filled up, then freed", "503, no half stream; I9")
def test_disk_full(staged: Scenes) -> None:
    with small_cluster() as (cluster, disk), staged(cluster=cluster) as scene:
        scene.start().work(scene.some(10, 25), pause=True)
        disk.fill()
        scene.go_on(0)
        until(lambda: scene.office.statuses[503] or not cluster.is_alive(), 60, "refused for want of space")
        scene.note(f"server {'up' if cluster.is_alive() else 'down'} meanwhile")
        time.sleep(2)
        disk.free()
        if not cluster.is_alive():
            cluster.start()
        scene.check()
        assert set(scene.office.statuses) <= {200, 201, 503}, scene.office.statuses


@fault("21", "An append that forgets the lock", "four writers insert at the head without it", "unique violation; I2 I5")
def test_append_without_the_lock(staged: Scenes) -> None:
    with staged(tap=False, pace=0.1) as scene:
        scene.start().work(10)
        done = threading.Event()
        results: list[str] = []
        rogues = [threading.Thread(target=_rogue, args=(scene, n, done, results)) for n in range(4)]
        for rogue in rogues:
            rogue.start()
        scene.accepted(len(scene.office.accepted) + 25)
        done.set()
        for rogue in rogues:
            rogue.join()
        assert results.count("UniqueViolation") > 0, results
        scene.note(f"{results.count('UniqueViolation')} rogue inserts refused, {results.count('recorded')} recorded")
        until(scene.has_ended, 100, "the work is done")
        until(lambda: not scene.behind(), 30, "everything is read")
        oracle.check_projection(scene.store, scene.projection)
        positions = [e[0] for e in oracle.stored_events(scene.store)]
        assert positions == list(range(1, len(positions) + 1))
        oracle.check_digest(scene.store, scene.projection, scene.reference)


def _rogue(scene: Scene, number: int, done: threading.Event, results: list[str]) -> None:
    """Appends an agency's registration over and over, as a path without the lock would."""
    for turn in range(200):
        if done.is_set():
            return
        code = f"H35.10.{100 + number}{turn:03d}"
        event = AgencyRegistered(
            effective_on=date(2019, 7, 1), code=code, name=code, jurisdiction="H35.10", valid_from=date(2019, 1, 1)
        )
        event_id = derived_id("rogue", number, turn)
        meta = Metadata(
            event_id=event_id, aggregate="agency", jurisdiction="H35.10", actor="rogue", correlation_id=event_id
        )
        try:
            with psycopg.connect(scene.store) as connection:
                connection.execute(
                    "INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id, "
                    "event_id, recorded_at) SELECT %s, 1, %s, %s, max(notification_id) + 1, %s, "
                    # Beyond all that was stated complete: only its position is to be in doubt.
                    "greatest(max(recorded_at), store_now() + interval '5 s') + interval '1 us' FROM stored_events",
                    (derived_id("agency", code), event.TOPIC, encode_state(event, meta), event_id),
                )
                time.sleep(0.02)
            results.append("recorded")
        except psycopg.Error as error:
            results.append(type(error).__name__)
        time.sleep(0.05)


@fault("22", "Long idle write transaction", "BEGIN; INSERT; sleep: in this database and in another one",
       "nothing waits for it")  # fmt: skip
def test_idle_write_transaction(staged: Scenes, ground: Ground) -> None:
    with staged() as scene, contextlib.ExitStack() as stack:
        scene.start().work(scene.some(5, 15), pause=True)
        other = ground.cluster.database("shared.postgres")
        for dsn in (scene.store, other):
            connection = stack.enter_context(psycopg.connect(dsn))
            connection.execute("INSERT INTO leases VALUES ('idle', 'idle', 1, now())")
        scene.go_on(0)
        scene.check()
        assert set(scene.office.statuses) == {201, 200} or set(scene.office.statuses) == {201}, scene.office.statuses


@fault("22", "Transaction that idles on the lock", "the ordering lock is taken and held; the server's idle timeout 6 s",
       "503 meanwhile; freed by the timeout; I9")  # fmt: skip
def test_idle_on_the_ordering_lock(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 30))
        connection = psycopg.connect(scene.store, options="-c idle_in_transaction_session_timeout=6000")
        connection.execute("SELECT ordering_lock()")
        scene.check(within=60)
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1")
        connection.close()


@fault("–", "Long-held lock", "LOCK TABLE stored_events, and the projection's rows, for 12 s", "503 meanwhile; I9")
def test_long_held_lock(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 30))
        with psycopg.connect(scene.store) as store, psycopg.connect(scene.projection) as projection:
            store.execute("LOCK TABLE stored_events IN ACCESS EXCLUSIVE MODE")
            projection.execute("SELECT 1 FROM followed.sources FOR UPDATE")
            time.sleep(12)
        scene.check(within=60)


@fault("26", "Migration while running", "CREATE INDEX CONCURRENTLY, ADD COLUMN with lock_timeout 2 s", "no 5xx; I9")
def test_migration_while_running(staged: Scenes) -> None:
    with staged(pace=0.05) as scene:
        scene.start().work(10)
        with psycopg.connect(scene.store, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '2s'")
            connection.execute("CREATE INDEX CONCURRENTLY later ON stored_events (topic, notification_id)")
            connection.execute("ALTER TABLE idempotency_keys ADD COLUMN later text")
        with psycopg.connect(scene.projection, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '2s'")
            connection.execute("CREATE INDEX CONCURRENTLY later ON followed.facts (topic, position)")
            connection.execute("ALTER TABLE followed.cases ADD COLUMN later text")
        scene.check()
        assert not any(status >= 500 for status in scene.office.statuses), scene.office.statuses


@fault("31", "Pool starvation, cancelled callers", "100 clients on a pool of 2, half of them hang up mid-request",
       "no lock leaks; every retry is answered")  # fmt: skip
def test_pool_starvation_and_cancellation(staged: Scenes) -> None:
    with staged(intake={"POOL_SIZE": "2"}) as scene:
        scene.start().work(15)
        crowd = [threading.Thread(target=_impatient, args=(scene, n)) for n in range(100)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        for number in range(100):  # whoever hung up asks again with the same key
            scene.office.act(f"crowd:{number}", "/v1/petitions", **_petition(number))
        scene.beside += 100
        until(lambda: not _advisory_locks(scene), 10, "no advisory lock is left")
        scene.check()


def _petition(number: int) -> dict[str, Any]:
    return {"jurisdiction": "H35.10.31", "text": f"Kiến nghị số {number}", "source": "đám đông",
            "external_id": str(number)}  # fmt: skip


def _impatient(scene: Scene, number: int) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(
            f"{scene.intake.url}/v1/petitions", json=_petition(number),
            headers={"Idempotency-Key": f"crowd:{number}"}, verify=False,
            timeout=0.01 * (number % 40 + 1) if number % 2 else 30,
        )  # fmt: skip


def _advisory_locks(scene: Scene) -> list[Any]:
    """Advisory locks that outlive a moment."""
    query = (
        "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
        "AND a.datname = %s AND a.state <> 'active' AND a.state_change < clock_timestamp() - interval '2 s'"
    )
    return scene.cluster.admin(query, database_of(scene.store))


@fault("32", "Deadlocks", "rogue transactions take rows and the ordering lock in the opposite order, patiently",
       "40P01 is the service's; it tries again; I3")  # fmt: skip
def test_deadlocks(staged: Scenes) -> None:
    with staged(pace=0.2) as scene:
        scene.start().work(scene.some(10, 20))
        for _ in range(3):
            # Its own deadlock timeout is long, so it is the service whose transaction is given up.
            with psycopg.connect(scene.store, options="-c deadlock_timeout=20s") as rogue:
                rogue.execute("LOCK TABLE external_references IN SHARE MODE")
                rogue.execute("LOCK TABLE idempotency_keys IN SHARE MODE")
                until(lambda: _waits_for_a_lock(scene.store), 20, "an append waits")
                rogue.execute("SELECT ordering_lock()")
        for _ in range(2):
            with psycopg.connect(scene.projection, options="-c deadlock_timeout=20s") as rogue:
                rogue.execute("LOCK TABLE followed.facts IN SHARE MODE")
                rogue.execute("LOCK TABLE followed.deadlines IN SHARE MODE")
                if until(lambda: _waits_for_a_lock(scene.projection) or scene.has_ended(), 20, "the writer waits"):
                    rogue.execute("SELECT 1 FROM followed.sources FOR UPDATE")
        scene.check()
        assert "DeadlockDetectedError" in scene.intake.tail(10**7)


def _waits_for_a_lock(dsn: str) -> list[Any]:
    return oracle.rows(
        dsn,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND wait_event = 'relation'",
    )


@fault("–", "Serialization failures", "a trigger raises 40001 or 40P01 in a third of the transactions",
       "tried again; I1 I3")  # fmt: skip
def test_serialization_failures(staged: Scenes) -> None:
    failing = """
    CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF random() < 0.33 THEN RAISE EXCEPTION 'injected' USING ERRCODE =
            CASE WHEN random() < 0.5 THEN 'serialization_failure' ELSE 'deadlock_detected' END; END IF;
        RETURN NULL;
    END $$
    """
    with staged() as scene:
        scene.start().work(10)
        tables = {scene.store: "idempotency_keys", scene.projection: "followed.facts"}
        for dsn, table in tables.items():
            oracle.rows(dsn, failing)
            oracle.rows(dsn, f"CREATE TRIGGER failing AFTER INSERT ON {table} EXECUTE FUNCTION failing()")
        scene.accepted(len(scene.office.accepted) + 40)
        for dsn, table in tables.items():
            oracle.rows(dsn, f"DROP TRIGGER failing ON {table}")
        scene.check()


@fault("–", "Backends terminated", "pg_terminate_backend of every connection of the pair, ten times", "I1 I3 I9")
def test_backends_terminated(staged: Scenes) -> None:
    with staged(pace=0.15) as scene:
        scene.start().work(5)
        for _ in range(10):
            for dsn in (scene.store, scene.projection):
                scene.cluster.terminate(database_of(dsn))
            time.sleep(scene.rng.uniform(0.1, 0.6))
        scene.check()


@fault("–", "max_connections exhausted", "other clients take every connection and the pair's are terminated",
       "503 meanwhile; I9")  # fmt: skip
def test_max_connections_exhausted(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 30), pause=True)
        with contextlib.ExitStack() as crowd:
            admin = crowd.enter_context(psycopg.connect(scene.cluster.dsn("postgres"), autocommit=True))
            _all_taken(scene, admin, crowd)
            scene.go_on(0)
            until(
                lambda: _all_taken(scene, admin, crowd) and scene.office.statuses[503],
                60, "refused for want of connections",
            )  # fmt: skip
        scene.check()


def _all_taken(scene: Scene, admin: "psycopg.Connection[Any]", crowd: contextlib.ExitStack) -> bool:
    """Take what connections there are, those of the pair too."""
    databases = [database_of(dsn) for dsn in (scene.store, scene.projection)]
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)", (databases,))
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            crowd.enter_context(psycopg.connect(scene.cluster.dsn("postgres"), connect_timeout=5))
    return True


@fault("–", "Statement timeout", "statement_timeout 1 ms for the databases, connections renewed", "503 meanwhile; I9")
def test_statement_timeout(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 30))
        for dsn in (scene.store, scene.projection):
            scene.cluster.admin(f"ALTER DATABASE \"{database_of(dsn)}\" SET statement_timeout = '1ms'")
            scene.cluster.terminate(database_of(dsn))
        time.sleep(5)
        for dsn in (scene.store, scene.projection):
            scene.cluster.admin(f'ALTER DATABASE "{database_of(dsn)}" RESET statement_timeout')
            scene.cluster.terminate(database_of(dsn))
        scene.check()


@fault("29", "Database password changed", "ALTER ROLE, connections terminated; the new one into its file later",
       "503 meanwhile, never 500; I9 once the secret is given, without a restart")  # fmt: skip
def test_database_password_rotated(staged: Scenes, tmp_path: Path) -> None:
    secret = tmp_path / "database.password"
    secret.write_text("old")
    with staged() as scene:
        role = f"svc_{database_of(scene.store)}"
        scene.cluster.admin(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'old'")
        services = {scene.intake: scene.store, scene.followup: scene.projection}
        for service, dsn in services.items():
            url = scene.cluster.dsn(database_of(dsn), role, "none").replace(":none@", "@")
            service.environment[f"{service.name.upper()}_DATABASE_URL"] = f"{url}?password_file={secret}"
        scene.start().work(scene.some(10, 30), pause=True)
        scene.cluster.admin(f"ALTER ROLE {role} PASSWORD 'new'")
        for dsn in services.values():
            scene.cluster.terminate(database_of(dsn))
        scene.go_on(0)
        until(lambda: scene.office.statuses[503], 30, "refused meanwhile")
        secret.write_text("new")
        scene.check()
        assert not scene.office.statuses[500], scene.office.statuses


@contextlib.contextmanager
def small_cluster() -> Iterator[tuple[Cluster, Any]]:
    """A server on a small disk."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        path = Path(folder)
        path.chmod(0o755)
        with small_disk(path / "disk", 160) as disk:
            (path / "server").mkdir()
            cluster = Cluster(path / "server", disk.path / "data", max_wal_size="8MB", min_wal_size="2MB")
            disk.path.chmod(0o777)
            try:
                yield cluster.start(), disk
            finally:
                cluster.shut_down()
