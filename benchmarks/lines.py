"""One line of the table: what ours does, what the other side of the same run does, and the ratio that gates."""

import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

BUILD = Path(__file__).resolve().parents[1] / "build"
ROUNDS = 9


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A measured path. `ratio` is ours over the other's; `ceiling` what the same machine can do at most, if known."""

    name: str
    ours: float
    other: float
    ceiling: float | None
    unit: str
    ratio: float
    target: str
    met: bool


def at_least(
    name: str, ours: float, other: float, factor: float, *, unit: str = "events/s", ceiling: float | None = None
) -> Line:
    """A line that is met when ours is at least `factor` times the other's."""
    ratio = ours / other
    return Line(
        name=name, ours=ours, other=other, ceiling=ceiling, unit=unit, ratio=round(ratio, 3), target=f"≥ {factor:g}",
        met=ratio >= factor,
    )  # fmt: skip


def at_most(
    name: str, ours: float, other: float, factor: float, *, unit: str = "ms", ceiling: float | None = None
) -> Line:
    """A line that is met when ours is at most `factor` times the other's."""
    ratio = ours / other
    return Line(
        name=name, ours=ours, other=other, ceiling=ceiling, unit=unit, ratio=round(ratio, 3), target=f"≤ {factor:g}",
        met=ratio <= factor,
    )  # fmt: skip


def limit(name: str, ours: float, most: float, *, unit: str) -> Line:
    """A line without another side: met when ours is at most `most`; the ratio says how much of it was used."""
    return Line(
        name=name, ours=ours, other=most, ceiling=None, unit=unit, ratio=round(ours / most, 3),
        target=f"≤ {most:g} {unit}", met=ours <= most,
    )  # fmt: skip


Side = Callable[[], Awaitable[float]]


async def interleaved(sides: Mapping[str, Side], rounds: int = ROUNDS) -> dict[str, float]:
    """Each side once a round, one after another, so that the machine's moods meet all of them; the medians."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            found[name].append(await side())
        print(f"  round {number + 1}/{rounds}: " + ", ".join(f"{n} {v[-1]:,.4g}" for n, v in found.items()), flush=True)
    return {name: statistics.median(values) for name, values in found.items()}


async def median_seconds(work: Callable[[], Awaitable[object]], times: int) -> float:
    """The median seconds of one of several calls in a row."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def engine() -> str:
    """The machine on which the figures were taken, in one line."""
    model = next((r.split(":")[1].strip() for r in _read("/proc/cpuinfo") if r.startswith("model name")), "")
    total = next((int(r.split()[1]) // 1024**2 for r in _read("/proc/meminfo") if r.startswith("MemTotal")), 0)
    parts = (f"{os.cpu_count()} × {model}", f"{total} GiB", platform.platform(), f"Python {platform.python_version()}")
    return ", ".join(parts)


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def show(lines: Iterable[Line]) -> None:
    """Print the table."""
    table = Table(title="The ratio gates; both sides of a line ran in this very run")
    for heading in ("line", "ours", "other", "ceiling", "unit", "ratio", "target", "met"):
        table.add_column(heading, justify="left" if heading in ("line", "unit", "met") else "right")
    for each in lines:
        table.add_row(*cells(each))
    Console(width=150).print(table)


def cells(each: Line) -> tuple[str, ...]:
    """A line's values as texts."""
    ceiling = f"{each.ceiling:,.4g}" if each.ceiling is not None else "–"
    met = "yes" if each.met else "NO"
    return (
        each.name,
        _number(each.ours),
        _number(each.other),
        ceiling,
        each.unit,
        f"{each.ratio:.2f}",
        each.target,
        met,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write(lines: Sequence[Line], stem: str) -> Path:
    """Keep the figures: the JSON that tools read, and beside it the same table, dated, with its machine."""
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"{stem}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(list(lines)), indent=1) + b"\n")
    rows = ["| " + " | ".join(cells(each)) + " |" for each in lines]
    heading = ["| line | ours | other | ceiling | unit | ratio | target | met |", "|---|--:|--:|--:|---|--:|--:|---|"]
    said = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {engine()}"
    (BUILD / f"{stem}.md").write_text("\n".join([said, "", *heading, *rows, ""]), "utf-8")
    return path
