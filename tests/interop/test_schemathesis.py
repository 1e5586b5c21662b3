"""Schemathesis sends both services what their OpenAPI documents allow and what they do not, in sequences too."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import TestServer
from tests.support.stage import GuardedPair, stage

ROOT = Path(__file__).resolve().parents[2]
#: Which caller asks: the one who may do most there.
CALLERS = {"intake": "van-phong", "followup": "kiem-tra"}

#: Checks that are not right for us, and why.
NOT_OURS = {
    # What fits its schema may still break a rule of the case, name an agency that is not there, or be a cursor that no
    # page gave: 400, 404, 409, 412 and 422 are answers to it.
    "positive_data_acceptance",
}
#: A document to be checked is answered 200 with what is wrong in it: that is what these are for.
CHECKED = """
[[operations]]
include-path-regex = "^/v1/(policies|calendars)/check$"
checks = { negative_data_rejection = { enabled = false } }
"""


@pytest.fixture
def on_stage(pg_server: TestServer, tmp_path: Path) -> Iterator[GuardedPair]:
    with stage(pg_server, tmp_path) as made:
        yield made


def run(made: GuardedPair, service: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    config = folder / "schemathesis.toml"
    config.write_text(CHECKED)
    url = {"intake": made.intake.url, "followup": made.followup.url}[service]
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(config),
            "run",
            str(ROOT / "contracts" / f"openapi-{service}.json"),
            "--url",
            url,
            "--header",
            f"Authorization: Bearer {made.tokens[CALLERS[service]]}",
            "--phases",
            "examples,coverage,fuzzing,stateful",
            "--exclude-checks",
            ",".join(sorted(NOT_OURS)),
            # How long an answer takes says nothing on a machine that others use too.
            "--suppress-health-check",
            "all",
            "--request-timeout",
            "30",
            "--continue-on-failure",
            "--no-color",
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("service", CALLERS)
def test_schemathesis__finds_nothing_in_half_a_minute(on_stage: GuardedPair, service: str, tmp_path: Path) -> None:
    done = run(on_stage, service, tmp_path, "--max-examples", "3", "--max-time", "30", "--generation-deterministic")
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service", CALLERS)
def test_schemathesis__finds_nothing_in_a_long_run(on_stage: GuardedPair, service: str, tmp_path: Path) -> None:
    done = run(
        on_stage, service, tmp_path, "--max-examples", "200", "--max-time", "900", "--generation-database", "none"
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
