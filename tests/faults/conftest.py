"""The servers of a session of faults, and what becomes of its table."""

import contextlib
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support import fault_table
from tests.support.chaos import Ground, Scene, Scenes, scene, seed
from tests.support.postgres import TestServer

_rows: list[dict[str, Any]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--doc", action="store_true", help="write the table of faults into docs/faults.md")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(row, title, how, checks): a row of the table of faults")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Keep what a fault led to."""
    outcome = yield
    report, marker = outcome.get_result(), item.get_closest_marker("fault")
    if marker is None or (report.when != "call" and report.outcome == "passed"):
        return
    notes = [str(value) for name, value in item.user_properties if name == "note"]
    if report.skipped:
        notes = [str(report.longrepr[2]).removeprefix("Skipped: ")]
    _rows.append(
        dict(marker.kwargs)
        | {"test": item.name, "result": report.outcome, "notes": notes, "seconds": round(call.duration, 1)}
    )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table."""
    if not any(row["test"] for row in _rows) or not config.getoption("markexpr", "").startswith("chaos"):
        return
    found = fault_table.whole(_rows, seed())
    terminalreporter.section(f"faults (FAULTS_SEED={seed()})")
    for row in found["faults"]:
        terminalreporter.write_line(f"{row['row']:>8}  {row['title'][:44]:44}  {row['how'][:60]:60}  {row['result']}")
    fault_table.write(found)
    if config.getoption("--doc", False):
        fault_table.write_document(found)


@pytest.fixture(scope="session")
def ground(pg_server: TestServer) -> Iterator[Ground]:
    """PostgreSQL and RabbitMQ that may be hurt."""
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as folder:
        made = Ground(pg_server, Path(folder), seed())
        yield made
        made.close()


@pytest.fixture
def staged(ground: Ground, tmp_path: Path, request: pytest.FixtureRequest) -> Scenes:
    """Makes a scene under the test's name; its notes go into the table."""

    @contextlib.contextmanager
    def noted(options: dict[str, Any]) -> Iterator[Scene]:
        with scene(ground, tmp_path, request.node.name, **options) as made:
            try:
                yield made
            finally:
                request.node.user_properties += [("note", note) for note in made.notes]

    def make(**options: Any) -> AbstractContextManager[Scene]:
        return noted(options)

    return make
