"""The servers of a session of faults, and the table that it ends with: on the terminal, in build, in docs."""

import contextlib
import json
import os
import platform
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.chaos import Ground, Scene, Scenes, scene, seed
from tests.support.postgres import TestServer

ROOT = Path(__file__).resolve().parents[2]
TABLE, DOCUMENT = ROOT / "build" / "chaos.json", ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- the table, by make chaos -->\n", "<!-- the end of the table -->\n"
#: Rows that no test injects, and why.
LEFT_OUT = (
    ("33", "Tampering as superuser", "SQL", "the verifier names the first bad row", "comes with the audit of the log"),
    ("34", "Key shredded, then rebuild and replay", "DROP of keys", "I8 I10", "comes with the audit of the log"),
    ("9", "A real pgbouncer in transaction mode", "–", "–", "Debian 12 has 1.18, which loses prepared statements (1.21 "
     "keeps them); what it does to LISTEN is injected by the proxy"),
)  # fmt: skip

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
    left_out = [
        {"row": row, "title": title, "how": how, "checks": checks, "result": "not injected", "notes": [why]}
        for row, title, how, checks, why in LEFT_OUT
    ]
    rows = sorted([*_rows, *left_out], key=lambda row: _number(row["row"]))
    terminalreporter.section(f"faults (FAULTS_SEED={seed()})")
    for row in rows:
        terminalreporter.write_line(f"{row['row']:>8}  {row['title'][:44]:44}  {row['how'][:60]:60}  {row['result']}")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    TABLE.parent.mkdir(exist_ok=True)
    found = {"seed": seed(), "when": when, "machine": machine, "faults": rows}
    TABLE.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if config.getoption("--doc", False):
        _write_document(rows, f"{when}; {machine}; seed {seed()}.")


def _write_document(rows: list[dict[str, Any]], head: str) -> None:
    lines = [head, "", "| row | fault | how injected | must hold | result |", "|---|---|---|---|---|"]
    for row in rows:
        result = "; ".join([row["result"], *row["notes"]])
        cells = (row["row"], row["title"], row["how"], row["checks"], result)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    text = DOCUMENT.read_text("utf-8")
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1], "utf-8")


def _number(row: str) -> tuple[int, str]:
    first = row.split(",")[0]
    return (int(first), "") if first.isdigit() else (99, row)


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
