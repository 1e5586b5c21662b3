"""Pictures of growth, as SVG from the JSON that the run leaves: `python -m benchmarks.plots` draws them again.

A picture is a row of panels that wraps; a panel has a group of bars for each caller count or filter, and in it a bar
for each size.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from benchmarks.lines import BUILD, Line

FOLDER = BUILD.parent / "docs" / "performance"

WIDTH = 900  # of a picture at most; all lengths are pixels
LEFT, TOP, PLOT, BOTTOM = 62, 56, 170, 52  # around and of the bars of a panel
GROUP, BAR, NARROWEST = 78, 34, 2
HEAD = 64  # title and legend
TICKS = 4
#: Bars and writing in light, then in dark surroundings; the ground is drawn too, so that both always fit.
STYLE = """
text{font-family:system-ui,sans-serif;font-size:11px;fill:#1c2733}.ground{fill:#ffffff}.grid{stroke:#d5dbe3}
.title{font-size:16px;font-weight:600}.head{font-size:13px;font-weight:600}.s0{fill:#3b5b8c}.s1{fill:#c07a22}
@media (prefers-color-scheme:dark){text{fill:#e4e9f0}.ground{fill:#14191f}.grid{stroke:#3a444f}
.s0{fill:#7fa6dd}.s1{fill:#e0a458}}
"""
_NAME = re.compile(r"(?P<what>[^,:]+)(, (?P<group>[^:]+))?: (?P<large>[\d,]+) / (?P<small>[\d,]+) (?P<unit>\w+)")


class Panel(msgspec.Struct, frozen=True):
    """A heading over the bars of some lines: those whose name begins with `what`. `across` names the groups."""

    what: str
    heading: str
    across: str


class Picture(msgspec.Struct, frozen=True):
    """Panels under one title."""

    title: str
    panels: tuple[Panel, ...]


PICTURES = {
    "append": Picture(
        "Appending, by the number of callers and the size of the store",
        (
            Panel("append rate", "Append rate", "concurrent callers"),
            Panel("append p50", "Append latency, median", "concurrent callers"),
            Panel("append p99", "Append latency, 99th percentile", "concurrent callers"),
        ),
    ),
    "reading": Picture(
        "Reading, by the size of the history",
        (
            Panel("feed page", "Feed", "page after page"),
            Panel("case listing", "A page of cases, median", "filter"),
            Panel("idle tick", "Idle tick, median", "the next timer"),
        ),
    ),
}


def draw(figures: Path, folder: Path = FOLDER) -> list[Path]:
    """Write each picture of the lines in a JSON file; where they are."""
    lines = msgspec.json.decode(figures.read_bytes(), type=list[Line])
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, each in PICTURES.items():
        path = folder / f"{name}.svg"
        path.write_text(picture(each, lines), "utf-8")
        written.append(path)
    return written


def picture(wanted: Picture, lines: Sequence[Line]) -> str:
    """The SVG of a picture; panels without a line are left out. Raises ValueError where none has any."""
    drawn: list[str] = []
    series: dict[str, None] = {}
    x = y = wide = 0
    for panel in wanted.panels:
        bars = [
            (found, line) for line in lines if (found := _NAME.fullmatch(line.name)) and found["what"] == panel.what
        ]
        if not bars:
            continue
        width = LEFT + max(NARROWEST, len(bars)) * GROUP
        if x + width > WIDTH:
            x, y = 0, y + TOP + PLOT + BOTTOM
        groups = [(found["group"] or "", (line.other, line.ours)) for found, line in bars]
        drawn += _panel(panel, groups, bars[0][1].unit, x + LEFT, HEAD + y + TOP)
        series |= {f"{found[size]} {found['unit']}": None for found, _ in bars for size in ("small", "large")}
        x += width
        wide = max(wide, x)
    if not drawn:
        raise ValueError(f"no figures for: {wanted.title}")
    return _sheet(wanted.title, list(series), drawn, max(wide, 480), HEAD + y + TOP + PLOT + BOTTOM)


def _sheet(title: str, series: Sequence[str], drawn: Sequence[str], width: int, height: int) -> str:
    legend = [
        f'<rect class="s{n}" x="{16 + n * 170}" y="40" width="12" height="12"/>{_text(34 + n * 170, 50, each)}'
        for n, each in enumerate(series)
    ]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>', _text(16, 26, title, "title"),
        *legend, *drawn, "</svg>", "",
    ])  # fmt: skip


def _panel(panel: Panel, groups: Sequence[tuple[str, Sequence[float]]], unit: str, left: int, top: int) -> list[str]:
    highest = _ceiling(max(value for _, values in groups for value in values))
    width, bottom = max(NARROWEST, len(groups)) * GROUP - 8, top + PLOT
    drawn = [_text(left, top - 28, panel.heading, "head"), _text(left, top - 12, unit)]
    for n in range(TICKS + 1):
        y = bottom - PLOT * n // TICKS
        drawn.append(f'<path class="grid" d="M{left} {y}H{left + width}"/>')
        drawn.append(_text(left - 6, y + 4, written(highest * n / TICKS), anchor="end"))
    for n, (name, values) in enumerate(groups):
        middle = left + (width * (2 * n + 1)) // (2 * len(groups))
        drawn.append(_text(middle, bottom + 16, name, anchor="middle"))
        for number, value in enumerate(values):
            drawn += _bar(number, value, middle + (number - 1) * BAR, bottom, PLOT * value / highest)
    return [*drawn, _text(left + width // 2, bottom + 34, panel.across, anchor="middle")]


def _bar(number: int, value: float, x: float, bottom: int, height: float) -> list[str]:
    top = bottom - height
    return [
        f'<rect class="s{number}" x="{x + 1:g}" y="{top:.1f}" width="{BAR - 2}" height="{height:.1f}"/>',
        _text(x + BAR // 2, top - 4, written(value), anchor="middle"),
    ]


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:g}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _ceiling(value: float) -> float:
    """The next 1, 2, 4, 6 or 8 of a decimal place, where an axis can end."""
    place = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(place * step for step in (1, 2, 4, 6, 8, 10) if place * step >= value)


def written(value: float) -> str:
    """A figure in three places."""
    for factor, suffix in ((1_000_000, "M"), (1_000, "k")):
        if value >= factor * 0.9995:
            return f"{value / factor:.3g}{suffix}"
    return f"{value:.3g}"


if __name__ == "__main__":
    for path in draw(BUILD / "bench-growth.json"):
        print(f"drawn: {path.relative_to(BUILD.parent)}")
