"""The table of the run: on the terminal, in build, in docs/cluster.md."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.lines import engine
from tests.cluster.measuring import Result
from tests.cluster.patroni import LOOP_WAIT, RETRY_TIMEOUT, TTL
from tests.cluster.rows import ROWS, Row
from tests.cluster.site import ROOT

TABLE, DOCUMENT = ROOT / "build" / "cluster.json", ROOT / "docs" / "cluster.md"
BEGIN, END = "<!-- the table, by make cluster -->\n", "<!-- the end of the table -->\n"
FIGURES = ("accept s", "visible s", "console s", "accepted = stored = applied", "deadline events")
COLUMNS = ("row", "fault", "how injected", *FIGURES[:3], "budget", "result", *FIGURES[3:], "by hand")
_ROWS = {row.name: row for row in ROWS}


class Run(msgspec.Struct, frozen=True):
    """A run: when, where, with which servers, what came of it."""

    when: str
    machine: str
    engines: str
    rate: float
    results: list[Result]


def run_of(results: Sequence[Result], engines: str, rate: float) -> Run:
    """A run that ends now."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Run(when, engine(), engines, rate, list(results))


def verdict(row: Row, result: Result) -> str:
    """What is said of a row in one phrase."""
    if result.skipped:
        return f"skipped: {result.skipped}"
    if result.problem:
        return f"failed: {result.problem}"
    if row.budget is None:
        return row.why
    return f"over {row.budget.seconds:g} s" if result.is_late else "within"


def lines(run: Run) -> list[str]:
    """The run as Markdown."""
    timings = f"Patroni: ttl {TTL} s, loop_wait {LOOP_WAIT} s, retry_timeout {RETRY_TIMEOUT} s"
    head = f"{run.when}; {run.machine}; {run.engines}. {run.rate:g} petitions a second. {timings}."
    table = [
        f"| {' | '.join(COLUMNS)} |",
        f"|{'|'.join('--:' if column in FIGURES else '---' for column in COLUMNS)}|",
    ]
    for result in run.results:
        row = _ROWS[result.name]
        shown = [f"{seconds:.1f}" for seconds in (result.accept, result.visible, result.console)]
        counts = [f"{result.accepted:,}", f"{result.deadline_events:,}"]
        if result.skipped:
            shown, counts = ["–"] * 3, ["–"] * 2
        notes = f" ({', '.join(result.notes)})" if result.notes else ""
        budget = row.budget.what if row.budget is not None else "–"
        cells = [
            row.name,
            row.title,
            row.how,
            *shown,
            budget,
            verdict(row, result) + notes,
            *counts,
            result.by_hand or "none",
        ]
        table.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")
    return [head, "", *table]


def write(run: Run) -> None:
    """Keep it in build, for tools and for people."""
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")
    TABLE.with_suffix(".md").write_text("\n".join(lines(run)) + "\n", "utf-8")


def write_document(run: Run, document: Path = DOCUMENT) -> None:
    """Put it into the document in place of the table that is there; the words around it stay."""
    before, _, rest = document.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(before + BEGIN + "\n".join(lines(run)) + "\n" + END + after, "utf-8")
