"""The cluster stands up on this machine, and two rows of its table hold; all of them are `make cluster`."""

import subprocess
import sys

import msgspec
import pytest

from tests.cluster.packages import PackagesMissing, find_servers
from tests.cluster.site import FOLDER, ROOT
from tests.cluster.table import TABLE, Run

SMOKE = ("followup-killed", "switchover")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_cluster__comes_up_and_loses_nothing() -> None:
    try:
        find_servers(FOLDER / "servers")
    except PackagesMissing as error:
        pytest.skip(str(error))
    # A process of its own, since it calls from a network namespace.
    command = [sys.executable, "-m", "tests.cluster", "--only", ",".join(SMOKE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stdout + done.stderr
    run = msgspec.json.decode(TABLE.read_bytes(), type=Run)
    assert [result.name for result in run.results if not result.problem] == sorted(SMOKE), done.stdout + done.stderr
    assert all(result.accepted for result in run.results)
