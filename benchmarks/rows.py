"""One line of a benchmark: what ours does, what the other side of the same run does, and the ratio that gates."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

BUILD = Path(__file__).resolve().parents[1] / "build"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A measured path. `ratio` is ours over the other's; `target` its least value (greatest when `at_most`)."""

    work: str
    ours: float
    other: float
    against: str
    target: float
    unit: str = "events/s"
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """What gates: machines differ, the two sides of one run do not."""
        return self.ours / self.other if self.other else 0.0

    @property
    def reached(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target


def machine() -> dict[str, object]:
    """The machine on which the figures were taken."""
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def write(rows: Sequence[Row], name: str) -> Path:
    """Keep the figures with their machine."""
    BUILD.mkdir(exist_ok=True)
    path = BUILD / name
    found = [{**msgspec.to_builtins(row), "ratio": round(row.ratio, 3), "reached": row.reached} for row in rows]
    path.write_text(json.dumps({"machine": machine(), "rows": found}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    table = Table(title="Measured; the ratio gates")
    for heading in ("work", "ours", "other side", "against", "ratio", "target", ""):
        table.add_column(heading)
    for row in rows:
        sign = "≤" if row.at_most else "≥"
        table.add_row(
            row.work,
            f"{row.ours:,.4g} {row.unit}",
            f"{row.other:,.4g} {row.unit}",
            row.against,
            f"{row.ratio:.2f}",
            f"{sign} {row.target}",
            "ok" if row.reached else "MISSED",
        )
    Console().print(table)
