"""The drill: both servers and both services are lost under load, and come back from a backup and the log beside it."""

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import oracle
from tests.support.backups import doithoai, folder_for, log_received, on_restored, own_cluster, told
from tests.support.chaos import Clerk, fault
from tests.support.cluster import Cluster
from tests.support.files import PDF, digest_of
from tests.support.office import AGENCIES, BEGIN, Office
from tests.support.pair import Pair, Service, pair, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

MOST_LOST, LONGEST = 300.0, 3600.0  # seconds
COUNT = 20  # petitions
MEANWHILE = 90  # commands at most until the backup is taken: some are left for afterwards
CHECKS = "≤ 5 minutes lost, back within 60; deadline events and state those of the restored store; erased stays erased"


class Drill:
    """A pair on two servers whose log is received beside the backups."""

    def __init__(self, intake_on: Cluster, followup_on: Cluster, made: Pair, root: Path) -> None:
        self.servers = {"intake": intake_on, "followup": followup_on}
        self.backups, self.files = root / "backups", root / "files"
        self.files.mkdir()
        self.backups.mkdir()
        self.intake = made.intake(CLOCK_START=BEGIN, FILES=str(self.files))
        dsn = followup_on.database("shared.postgres", "services.followup")
        self.followup = made.followup(self.intake, dsn)
        self.settings = {
            "INTAKE_DATABASE_URL": made.intake_dsn,
            "FOLLOWUP_DATABASE_URL": dsn,
            "INTAKE_FILES": str(self.files),
            "INTAKE_MASTER_KEY_FILE": str(made.master_key),
        }

    def back_up(self, *options: str) -> dict[str, Any]:
        return told("backup", "--to", str(self.backups), *options, **self.settings)

    @contextlib.contextmanager
    def received(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for name, server in self.servers.items():
                stack.enter_context(log_received(server, self.backups / "wal" / name))
            yield

    def lose_everything(self) -> None:
        for service in (self.intake, self.followup):
            service.kill()
        for server in self.servers.values():
            server.kill()


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    with contextlib.ExitStack() as stack:
        intake_on, followup_on = (stack.enter_context(own_cluster()) for _ in range(2))
        folder = tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True)
        root = Path(stack.enter_context(folder))
        dsn = intake_on.database("shared.postgres", "services.intake")
        yield Drill(intake_on, followup_on, stack.enter_context(pair(intake_on, tmp_path, intake_dsn=dsn)), root)


@fault("52", "Everything lost at once", "kill -9 of both services and both servers under load; their disks are gone",
       CHECKS)  # fmt: skip
def test_everything_lost__comes_back_from_backup_and_log(drill: Drill, request: pytest.FixtureRequest) -> None:
    office = Clerk(lambda: drill.intake.url, 1, 0.05)
    with drill.received():
        drill.intake.start()
        drill.followup.start()
        worker = threading.Thread(target=worked, args=(office,), daemon=True)
        worker.start()
        until(lambda: len(office.accepted) >= 30, 100, "work before the backup")
        with_file(drill.intake, office, 0)
        office.limit = MEANWHILE
        drill.back_up()
        office.limit = sys.maxsize
        with_file(drill.intake, office, 1)
        assert drill.back_up("--files-only") == {"copied": 1}
        office.act("erasure", "/v1/petitioners/p2/erasure", ground="yêu cầu")
        at_least = len(office.accepted) + 12
        until(lambda: len(office.accepted) >= at_least or not worker.is_alive(), 100, "work after the backup")
        assert worker.is_alive(), "the office has ended too early"
        drill.lose_everything()
        accepted, lost_at = dict(office.accepted), time.monotonic()
    target = folder_for(drill.servers["intake"], "restored")
    found = told("restore", "--from", str(drill.backups), "--to", str(target), **drill.settings)
    assert (found["files"], found["files_missing"], found["files_damaged"]) == (2, [], [])
    with (
        on_restored(drill.servers["intake"], target / "intake") as one,
        on_restored(drill.servers["followup"], target / "followup") as other,
    ):
        store = restart(drill.intake, "INTAKE", one, FILES=str(target / "files"))
        lost, seconds = lost_of(store, accepted)
        until(lambda: len(office.accepted) > len(accepted), 60, "the office is answered again")
        took = time.monotonic() - lost_at
        note(request, f"{lost} of {len(accepted)} commands lost, of the last {seconds:.1f} s")
        spent = ", ".join(f"{step} {value}" for step, value in found["seconds"].items() if value >= 1)
        note(request, f"accepting again after {took:.0f} s ({spent})")
        assert seconds <= MOST_LOST and took <= LONGEST
        projection = restart(drill.followup, "FOLLOWUP", other)
        until(lambda: not worker.is_alive(), 110, "the office has done its work")
        follows(drill, found, store, projection)
        if not lost:
            oracle.check_store(store, office.accepted)
        oracle.check_projection(store, projection)
        assert oracle.check_raised(store, projection) > COUNT
        oracle.check_digest(store, projection)
        assert "Người thứ 2" not in str(drill.intake.get(content(office, 2), on_behalf_of="test"))
        assert "Người thứ 3" in str(drill.intake.get(content(office, 3), on_behalf_of="test"))
        for number in (0, 1):
            path = f"/v1/petitions/{office.petitions[number]}/files/{digest_of(file_of(number))}"
            answer = httpx.get(f"{drill.intake.url}{path}", params={"on_behalf_of": "test"}, timeout=30)
            assert answer.content == file_of(number)
    office.close()


def worked(office: Clerk) -> None:
    """The conference; what is lost with its server is asked for again until it is answered."""
    try:
        office.work(COUNT)
    except Exception as error:  # of what rests on a command that was lost
        print(f"the office: {error!r}")


def file_of(number: int) -> bytes:
    return PDF + bytes([number])


def with_file(intake: Service, office: Office, number: int) -> None:
    """A petition of the office whose prepared answer is a file."""
    sent = httpx.post(f"{intake.url}/v1/files", content=file_of(number), timeout=30)
    assert sent.status_code == 201, sent.text
    office.on(number, "forwarding", agency=AGENCIES[0])
    office.on(number, "prepared-answer", agency=AGENCIES[0], digest=digest_of(file_of(number)))


def restart(service: Service, prefix: str, server: Cluster, **settings: str) -> str:
    """Start a service on a restored server; the dsn of its database."""
    database = service.environment[f"{prefix}_DATABASE_URL"].rsplit("/", 1)[1]
    dsn = server.dsn(database)
    service.environment |= {f"{prefix}_{name}": value for name, value in (settings | {"DATABASE_URL": dsn}).items()}
    service.start()
    return dsn


def lost_of(store: str, accepted: dict[str, dict[str, Any]]) -> tuple[int, float]:
    """How many accepted commands the restored store lacks, and from how long before the last of them on."""
    kept = {(str(event[2]), event[3], event[0]) for event in oracle.stored_events(store)}
    lost = [a for a in accepted.values() if (a["id"], a["version"], a["position"]) not in kept]
    # By when the answers were given: the store's own clock is a movable one.
    stamps = sorted(datetime.fromisoformat(a["recorded_at"]) for a in lost)
    return len(lost), (stamps[-1] - stamps[0]).total_seconds() if stamps else 0.0


def follows(drill: Drill, found: dict[str, Any], store: str, projection: str) -> None:
    """followup reads on; where its log reached further than intake's, after the documented way out."""
    settings = drill.settings | {"FOLLOWUP_DATABASE_URL": projection, "FOLLOWUP_SOURCES": drill.intake.url}
    if found["followup_ahead"]:
        doithoai("followup", "rebuild", "--confirm-restored", "local", **settings)
        doithoai("reconcile", "--source", "local", "--reason", "source_restored", **settings)

    def is_there() -> bool:
        ((head,),) = oracle.rows(store, "SELECT max(notification_id) FROM stored_events")
        return bool(oracle.rows(projection, "SELECT 1 FROM followed.sources WHERE position = %s", head))

    until(is_there, 60, "followup has caught up")


def content(office: Office, number: int) -> str:
    return f"/v1/petitions/{office.petitions[number]}/content"


def note(request: pytest.FixtureRequest, text: str) -> None:
    request.node.user_properties.append(("note", text))
