"""A server of a test's own, the command line beside it, and what receives its log."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from services.cli import build
from tests.support.cluster import PASSWORD, POSTGRES_BIN_PATH, USER, Cluster
from tests.support.pair import until


@contextlib.contextmanager
def own_cluster(**settings: str) -> Iterator[Cluster]:
    """A server until the block ends, in a folder that its user may enter."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "server").mkdir()
        cluster = Cluster(Path(folder) / "server", **settings).start()
        # As an administrator lets the role of the backups in.
        hba = cluster.data / "pg_hba.conf"
        hba.write_text(hba.read_text() + "host replication all 127.0.0.1/32 scram-sha-256\n")
        cluster.admin("SELECT pg_reload_conf()")
        try:
            yield cluster
        finally:
            cluster.shut_down(signal.SIGQUIT)


def doithoai(*arguments: str, code: int = 0, **environment: str) -> Result:
    """Our command line, which must end with this code; it finds the programs of the wheel's server."""
    others = {k: None for k in os.environ if k.startswith(("INTAKE_", "FOLLOWUP_", "DOITHOAI_"))}
    path = {"PATH": f"{POSTGRES_BIN_PATH}:{os.environ['PATH']}"}
    # In this process: to start another one costs more than what most of these commands do.
    done = CliRunner().invoke(build(arguments[0]), arguments, env=others | path | environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, f"{done.exit_code}: {done.output}"
    return done


def told(*arguments: str, code: int = 0, **environment: str) -> dict[str, Any]:
    """What it says as JSON."""
    found: dict[str, Any] = json.loads(doithoai(*arguments, "--json", code=code, **environment).stdout)
    return found


def folder_for(cluster: Cluster, name: str) -> Path:
    """A folder of the user that the server runs as, as `doithoai restore` takes it."""
    made = cluster.folder.parent / name
    made.mkdir()
    cluster.own(made)
    return made


@contextlib.contextmanager
def log_received(cluster: Cluster, folder: Path) -> Iterator[None]:
    """What a server writes to its log arrives in a folder, as the unit of the documentation does it."""
    folder.mkdir(parents=True, exist_ok=True)
    place = f"postgresql://{USER}@127.0.0.1:{cluster.port}/postgres"
    command = [str(POSTGRES_BIN_PATH / "pg_receivewal"), "-D", str(folder), "-S", "backup", "-d", place, "-w"]
    environment = os.environ | {"PGPASSWORD": PASSWORD}
    subprocess.run([*command, "--create-slot", "--if-not-exists"], env=environment, check=True, timeout=30)
    process = subprocess.Popen([*command, "--synchronous"], env=environment)
    try:
        until(lambda: cluster.admin("SELECT 1 FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"), 20)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def on_restored(cluster: Cluster, data: Path) -> Iterator[Cluster]:
    """A fresh server on a restored data folder."""
    again = Cluster(data.parent, data).start()
    try:
        yield again
    finally:
        again.shut_down()
