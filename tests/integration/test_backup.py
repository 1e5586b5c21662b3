"""A backup holds everything but the keys; what is restored opens, is whole, and whoever was erased stays erased."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from shared.sealing import key_fingerprint
from tests.support.backups import doithoai, folder_for, log_received, on_restored, own_cluster, told
from tests.support.cluster import Cluster
from tests.support.files import PDF, answered, stored, uploaded
from tests.support.intake import DISTRICT, Intake, served
from tests.support.pair import until

NAME = "Lò Thị A"
PASSWORD = "p@ss/:1"  # that of the role that takes the backups
POST = {
    "subject": "sub-1", "name": "Lò Văn Nam", "position": "Chuyên viên", "roles": ["office"], "jurisdiction": DISTRICT,
    "valid_from": "2020-01-01",
}  # fmt: skip


class BackedUp:
    """A store with two petitioners and an official, backed up; the first and the official were erased afterwards."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder, self.backups = cluster, folder, folder / "backups"
        self.backups.mkdir()
        self.dsn = cluster.database("shared.postgres", "services.intake")
        self.paths: dict[str, str] = {}
        followup = cluster.database("shared.postgres", "services.followup")
        cluster.admin(f"CREATE ROLE keeper LOGIN REPLICATION PASSWORD '{PASSWORD}'")
        cluster.admin("GRANT pg_read_all_data TO keeper")
        urls = [cluster.dsn(dsn.rsplit("/", 1)[1], "keeper", quote(PASSWORD, safe="")) for dsn in (self.dsn, followup)]
        self.settings = {
            "INTAKE_DATABASE_URL": urls[0],
            "FOLLOWUP_DATABASE_URL": urls[1],
            "INTAKE_FILES": str(folder / "files"),
            "INTAKE_MASTER_KEY_FILE": str(folder / "master.key"),
        }

    async def fill(self) -> None:
        async with self.served(self.dsn, self.folder / "files") as intake:
            await intake.places()
            for petitioner in ("p1", "p2"):
                content = PDF + petitioner.encode()
                await uploaded(intake, content)
                self.paths[petitioner] = await answered(intake, content, petitioner=petitioner)
            await intake.done("/v1/people", POST)
            (person,) = (await intake.get("/v1/people")).json()["items"]
            # The machine of the backups has no key: what tells it is the store's.
            without = {name: value for name, value in self.settings.items() if "KEY" not in name}
            await asyncio.to_thread(told, "backup", "--to", str(self.backups), **without)
            await intake.done("/v1/petitioners/p1/erasure", {"ground": "Theo yêu cầu"})
            await intake.done(f"/v1/people/{person['id']}/erasure")

    def served(self, dsn: str, files: Path) -> Any:
        return served(dsn, self.folder, files=str(files))

    def back_up(self, *options: str) -> dict[str, Any]:
        return told("backup", "--to", str(self.backups), *options, **self.settings)


@pytest.fixture(scope="module")
def backed_up() -> Iterator[BackedUp]:
    with own_cluster() as cluster:
        folder = cluster.folder.parent / "office"
        folder.mkdir()
        made = BackedUp(cluster, folder)
        asyncio.run(made.fill())
        yield made


def test_backup__is_named_when_it_is_whole_and_holds_no_key(backed_up: BackedUp) -> None:
    (backup,) = (path for path in backed_up.backups.iterdir() if (path / "manifest.json").exists())
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["databases"]["intake"]["position"] > 0 and manifest["files"] == 2
    # Both databases are on one server: one base backup has them at one instant.
    assert list(manifest["servers"]) == ["intake"] and manifest["databases"]["followup"]["server"] == "intake"
    assert {part["path"] for part in manifest["parts"]} >= {"intake/base.tar.gz", "erasures.json", "files.txt"}
    key = (backed_up.folder / "master.key").read_bytes()
    assert manifest["keys"] == {"master.key": key_fingerprint(key)}
    assert all(key not in path.read_bytes() for path in stored(backed_up.backups))
    assert "doithoai_backup_timestamp_seconds 1" in (backed_up.backups / "doithoai_backup.prom").read_text()


def test_keys__are_not_copied_beside_the_data(backed_up: BackedUp) -> None:
    options = ["--to", str(backed_up.backups), "--keys-to", str(backed_up.backups / "keys")]
    done = doithoai("backup", *options, code=2, **backed_up.settings)
    assert "keys never lie beside the data" in done.stderr


def test_keys__are_copied_alone_where_there_is_no_database(backed_up: BackedUp, tmp_path: Path) -> None:
    only = {"INTAKE_MASTER_KEY_FILE": backed_up.settings["INTAKE_MASTER_KEY_FILE"]}
    assert told("backup", "--keys-to", str(tmp_path / "safe"), **only) == {"keys": ["master.key"]}
    assert (tmp_path / "safe").stat().st_mode & 0o077 == (tmp_path / "safe" / "master.key").stat().st_mode & 0o077 == 0
    done = doithoai("backup", "--keys-to", str(backed_up.backups / "x"), code=2, **only)
    assert "keys never lie beside the data" in done.stderr


def test_keys__that_are_not_the_stores_are_not_locked_away(backed_up: BackedUp, tmp_path: Path) -> None:
    (tmp_path / "other.key").write_bytes(os.urandom(32))
    other = backed_up.settings | {"INTAKE_MASTER_KEY_FILE": str(tmp_path / "other.key")}
    done = doithoai("backup", "--keys-to", str(tmp_path / "safe"), code=2, **other)
    assert "is not the master key of this store" in done.stderr and not (tmp_path / "safe").exists()


@pytest.mark.slow
def test_backup__under_another_key_is_taken_and_says_so(backed_up: BackedUp, tmp_path: Path) -> None:
    """The machine of the backups has the wrong key: no night is lost for it, and the manifest names the right one."""
    (tmp_path / "other.key").write_bytes(os.urandom(32))
    other = backed_up.settings | {"INTAKE_MASTER_KEY_FILE": str(tmp_path / "other.key")}
    (tmp_path / "backups").mkdir()
    done = doithoai("backup", "--to", str(tmp_path / "backups"), **other)
    assert "is not the master key of this store" in done.stderr
    (backup,) = (path for path in (tmp_path / "backups").iterdir() if (path / "manifest.json").exists())
    right = key_fingerprint((backed_up.folder / "master.key").read_bytes())
    assert json.loads((backup / "manifest.json").read_text())["keys"]["master.key"] == right


@pytest.mark.slow
def test_restore__with_a_key_of_which_no_manifest_tells_is_refused(backed_up: BackedUp, tmp_path: Path) -> None:
    """A backup of an older release from a machine without a key: the restored store itself knows."""
    (backup, *_) = sorted(path for path in backed_up.backups.iterdir() if (path / "manifest.json").exists())
    shutil.copytree(backup, tmp_path / backup.name)
    manifest = tmp_path / backup.name / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"keys": {}}))
    (tmp_path / "other.key").write_bytes(os.urandom(32))
    other = backed_up.settings | {"INTAKE_MASTER_KEY_FILE": str(tmp_path / "other.key")}
    options = ["--from", str(tmp_path / backup.name), "--to", str(folder_for(backed_up.cluster, "untold"))]
    done = doithoai("restore", *options, code=1, **other)
    assert "is not the master key of this store" in done.stderr


def test_files__that_are_new_are_copied_alone(backed_up: BackedUp) -> None:
    assert told("backup", "--to", str(backed_up.backups), "--files-only", **backed_up.settings) == {"copied": 0}


def test_restore__erases_again_what_a_backup_brings_back(backed_up: BackedUp, tmp_path: Path) -> None:
    """The erasure came after the backup, and no log tells of it; a later backup's list does."""
    target = folder_for(backed_up.cluster, "restored")
    older = sorted(path for path in backed_up.backups.iterdir() if (path / "manifest.json").exists())[0]
    backed_up.back_up("--keys-to", str(tmp_path / "keys"))
    assert (tmp_path / "keys" / "master.key").read_bytes() == (backed_up.folder / "master.key").read_bytes()
    found = told("restore", "--from", str(older), "--to", str(target), **backed_up.settings)
    assert found["erased"] == {"known": 2, "stands": 0, "again": 2, "nothing_there": 0}
    assert (found["files"], found["files_missing"], found["stores"]["intake"]["log_segments"]) == (1, [], 0)
    assert found["stores"]["followup"]["position"] == 0 and found["followup_ahead"] == []
    with on_restored(backed_up.cluster, target / "intake") as cluster:
        dsn = cluster.dsn(backed_up.dsn.rsplit("/", 1)[1])
        asyncio.run(check_restored(backed_up, dsn, target / "files"))
    # Nothing is overwritten unless it is said, and then nothing is lost.
    refused = doithoai("restore", "--from", str(older), "--to", str(target), code=2, **backed_up.settings)
    assert "the folder is not empty" in refused.stderr


@pytest.mark.slow
def test_restore__asks_a_living_followup_for_later_erasures(backed_up: BackedUp, tmp_path: Path) -> None:
    """No backup tells of the erasure; followup has read it."""
    older = sorted(path for path in backed_up.backups.iterdir() if (path / "manifest.json").exists())[0]
    shutil.copytree(older, tmp_path / "backups" / older.name)
    (tmp_path / "backups" / "files").symlink_to(backed_up.backups / "files")
    asyncio.run(as_followup_has_read(backed_up))
    target = folder_for(backed_up.cluster, "asked")
    options = ["--from", str(tmp_path / "backups"), "--to", str(target), "--only", "intake"]
    living = {"FOLLOWUP_DATABASE_URL": backed_up.cluster.dsn("living")}
    found = told("restore", *options, **backed_up.settings | living)
    assert found["erased"] == {"known": 2, "stands": 0, "again": 2, "nothing_there": 0}
    # Where it cannot be asked, nothing is restored as if nobody had been erased.
    away = {"FOLLOWUP_DATABASE_URL": backed_up.cluster.dsn("nowhere")}
    done = doithoai("restore", *options, "--replace", code=1, **backed_up.settings | away)
    assert "cannot be asked for later erasures" in done.stderr
    assert not (target / "intake.wal").exists(), "the next try would find it in its way"


@pytest.mark.slow
def test_restore__tells_of_a_log_with_a_gap(backed_up: BackedUp) -> None:
    """A server stops without a word where a segment is missing."""
    backups, database = backed_up.folder / "with log", backed_up.dsn.rsplit("/", 1)[1]
    with log_received(backed_up.cluster, backups / "wal" / "intake"):
        told("backup", "--to", str(backups), **backed_up.settings)
        for _ in range(4):
            backed_up.cluster.admin("CREATE TABLE filler AS SELECT repeat('x', 900) FROM generate_series(1, 2000)",
                                    database=database)  # fmt: skip
            backed_up.cluster.admin("DROP TABLE filler", database=database)
            backed_up.cluster.admin("SELECT pg_switch_wal()")
        until(lambda: len(list((backups / "wal" / "intake").iterdir())) > 4, 30)
    backed_up.cluster.admin("SELECT pg_drop_replication_slot('backup')")
    options = ["--from", str(backups), "--to"]
    whole = told(
        "restore", *options, str(folder_for(backed_up.cluster, "100% of 'all' \"$HOME\"")), **backed_up.settings
    )
    assert whole["stores"]["intake"]["log_is_whole"] and whole["stores"]["intake"]["log_segments"] > 3
    later = sorted(path for path in (backups / "wal" / "intake").iterdir())
    later[-3].unlink()
    target = folder_for(backed_up.cluster, 'it\'s 100% "$HOME" a gap')
    done = doithoai("restore", *options, str(target), code=1, **backed_up.settings)
    assert "the log was not replayed to its end" in done.stdout


@pytest.mark.slow
def test_log__begins_anew_after_a_restore(backed_up: BackedUp) -> None:
    """A slot that keeps the log from now on, an empty folder, the old log beside; not while it is received."""
    backups = backed_up.folder / "anew"
    backups.mkdir()
    restart = ("backup", "--to", str(backups), "--restart-log")
    with log_received(backed_up.cluster, backups / "wal" / "intake"):
        refused = doithoai(*restart, code=1, **backed_up.settings)
        assert "stop pg_receivewal first" in refused.stderr
        backed_up.cluster.admin("SELECT pg_switch_wal()")
        until(lambda: len(list((backups / "wal" / "intake").iterdir())) > 1, 30)
    (moved,) = told(*restart, **backed_up.settings)["moved"]
    assert list(Path(moved).iterdir()) and Path(moved).parent.parent == backups
    assert list((backups / "wal" / "intake").iterdir()) == []
    slot = backed_up.cluster.admin(
        "SELECT restart_lsn IS NOT NULL FROM pg_replication_slots WHERE slot_name = 'backup'"
    )
    assert slot == [(True,)], "what is recorded until the receiver starts would be in no log"
    with log_received(backed_up.cluster, backups / "wal" / "intake"):
        told("backup", "--to", str(backups), **backed_up.settings)
    backed_up.cluster.admin("SELECT pg_drop_replication_slot('backup')")


async def as_followup_has_read(backed_up: BackedUp) -> None:
    """A database with the facts of followup that a restore reads."""
    backed_up.cluster.admin("CREATE DATABASE living")
    store: Any = await asyncpg.connect(backed_up.dsn)
    living: Any = await asyncpg.connect(backed_up.cluster.dsn("living"))
    rows = await store.fetch("SELECT 'local', event_id, topic, state, recorded_at FROM stored_events")
    await living.execute(
        "CREATE SCHEMA followed; CREATE TABLE followed.facts "
        "(source text, event_id uuid, topic text, state bytea, recorded_at timestamptz)"
    )
    values = [tuple(row.values()) for row in rows]
    await living.executemany("INSERT INTO followed.facts VALUES ($1, $2, $3, $4, $5)", values)
    await store.close()
    await living.close()


async def check_restored(backed_up: BackedUp, dsn: str, files: Path) -> None:
    """The second petitioner's words and file are there, the first's are gone, and commands are taken."""
    async with backed_up.served(dsn, files) as intake:
        assert NAME not in (await content_of(intake, backed_up.paths["p1"])).text
        assert NAME in (await content_of(intake, backed_up.paths["p2"])).text
        assert [person["name"] for person in (await intake.get("/v1/people")).json()["items"]] == [""]
        assert len(stored(files)) == 1
        await intake.petition()


async def content_of(intake: Intake, path: str) -> httpx.Response:
    return await intake.get(f"{path}/content", on_behalf_of="test")


@pytest.mark.parametrize("harm", ["other key", "altered part", "no backup"])
def test_restore__that_cannot_be_meant_changes_nothing(backed_up: BackedUp, tmp_path: Path, harm: str) -> None:
    (first, *_) = sorted(path for path in backed_up.backups.iterdir() if (path / "manifest.json").exists())
    backup = tmp_path / first.name
    shutil.copytree(first, backup)
    settings, target = dict(backed_up.settings), folder_for(backed_up.cluster, f"refused {harm}")
    match harm:
        case "other key":
            (tmp_path / "other.key").write_bytes(os.urandom(32))
            settings["INTAKE_MASTER_KEY_FILE"], expected, code = str(tmp_path / "other.key"), "is not the master key", 2
        case "altered part":
            with (backup / "intake" / "base.tar.gz").open("r+b") as file:
                file.write(b"x")
            expected, code = "this part is not what the manifest says", 1
        case _:
            (backup / "manifest.json").unlink()
            expected, code = "there is no whole backup there", 2
    done = doithoai("restore", "--from", str(backup), "--to", str(target), code=code, **settings)
    assert expected in done.stderr and len(done.stderr.splitlines()) <= 2
    assert list(target.iterdir()) == []


@pytest.mark.slow
def test_damaged_backup__stops_neither_the_next_one_nor_the_restore_of_another(backed_up: BackedUp) -> None:
    """What is damaged is told; of the erasures that its list had, nobody knows."""
    backups = backed_up.folder / "damaged"
    backups.mkdir()
    taken = [told("backup", "--to", str(backups), **backed_up.settings)["backup"] for _ in range(2)]
    (Path(taken[1]) / "manifest.json").write_text("{")
    (backups / "doithoai_backup.prom").unlink()
    found = told("backup", "--to", str(backups), "--keep", "1", code=3, **backed_up.settings)
    assert (found["removed"], len(found["doubts"])) == (1, 1) and taken[1] in found["doubts"][0]
    assert "doithoai_backup_timestamp_seconds 1" in (backups / "doithoai_backup.prom").read_text()
    target = folder_for(backed_up.cluster, "beside a damaged one")
    restored = told("restore", "--from", found["backup"], "--to", str(target), code=1, **backed_up.settings)
    assert restored["lists_unknown"] == [f"{taken[1]}/manifest.json"] and restored["keys_opened"]


def test_backup__may_be_named_from_where_one_is(
    backed_up: BackedUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's programs run elsewhere: the base backup would lie there."""
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    found = told("backup", "--to", "here", **backed_up.settings)
    assert (Path(found["backup"]) / "intake" / "base.tar.gz").is_relative_to(tmp_path)
    assert (Path(found["backup"]) / "intake" / "base.tar.gz").is_file()


def test_backup__does_not_make_its_folder(backed_up: BackedUp, tmp_path: Path) -> None:
    """Where the disk of the backups is not mounted, the local one would fill up."""
    done = doithoai("backup", "--to", str(tmp_path / "away" / "backups"), code=2, **backed_up.settings)
    assert "mount the disk of the backups" in done.stderr and not (tmp_path / "away").exists()


@pytest.mark.slow
def test_restore__goes_on_where_some_content_is_under_another_key(backed_up: BackedUp, tmp_path: Path) -> None:
    """It says how much and where, erases again, copies the files, says what is next, and the exit code is 1."""
    database = backed_up.dsn.rsplit("/", 1)[1]
    flip = (
        "UPDATE sealing_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) "
        "WHERE key_id = (SELECT key_id FROM sealing_keys WHERE owner_id = 'p2')"
    )
    backed_up.cluster.admin(flip, database=database)
    (tmp_path / "backups").mkdir()
    told("backup", "--to", str(tmp_path / "backups"), **backed_up.settings)
    backed_up.cluster.admin(flip, database=database)
    target = folder_for(backed_up.cluster, "two keys")
    options = ["--from", str(tmp_path / "backups"), "--to", str(target)]
    done = doithoai("restore", *options, code=1, **backed_up.settings)
    assert "1 keys do not open under this master key: the content of 1 events (" in done.stdout
    assert "2 erasures: 2 stand" in done.stdout and "1 files; 0 missing" in done.stdout
    assert "next: start PostgreSQL on" in done.stdout
