"""A consumer that is killed at any line of it, and as often as chance wants, neither loses an event nor doubles one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["blocking", "asyncio"])
def test_consumer__killed_at_any_line_takes_in_each_event_once(tmp_path: Path, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.client_kills", way, str(tmp_path), "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["kills"] > told["lines"] > 100  # each line once, and some more
