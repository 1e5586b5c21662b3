"""Pictures of the growth figures."""

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from benchmarks.lines import Line, at_least, at_most
from benchmarks.plots import PICTURES, Panel, Picture, draw, picture, written

SVG = "{http://www.w3.org/2000/svg}"
SIZES = "1,000,000 / 10,000 events"
LINES = [
    *(at_least(f"append rate, {n} callers: {SIZES}", 11_000.0 + n, 12_000.0 + n, 0.8) for n in (8, 32)),
    *(at_most(f"append p50, {n} callers: {SIZES}", 2.5 + n, 1.5 + n, 1.5) for n in (8, 32)),
    *(at_most(f"append p99, {n} callers: {SIZES}", 7.5 + n, 6.5 + n, 1.5) for n in (8, 32)),
    at_least(f"feed page: {SIZES}", 151_000.0, 152_000.0, 0.8),
    at_most(f"case listing, agency: {SIZES}", 1.21, 1.11, 1.5),
    at_most(f"case listing, a & b: {SIZES}", 2.21, 2.11, 1.5),
    at_most(f"idle tick: {SIZES}", 0.211, 0.222, 1.5),
    at_most("rebuild memory: 99,873 / 9,963 events", 101.0, 100.0, 1.33, unit="MB"),
]


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def _drawn(name: str) -> list[Line]:
    return [line for line in LINES if any(line.name.startswith(panel.what) for panel in PICTURES[name].panels)]


@pytest.mark.parametrize("name", PICTURES)
def test_picture__has_every_series_group_and_value(name: str) -> None:
    svg = picture(PICTURES[name], LINES)
    texts = _texts(svg)
    wanted = {PICTURES[name].title, "10,000 events", "1,000,000 events"}
    for panel in PICTURES[name].panels:
        wanted |= {panel.heading, panel.across}
    for line in _drawn(name):
        wanted |= {written(line.ours), written(line.other), line.unit}
        wanted |= {line.name.split(":")[0].split(", ")[1]} if "," in line.name.split(":")[0] else set()
    assert wanted <= set(texts)
    bars = [r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect") if float(r.get("width", 0)) > 20]
    assert len(bars) == 2 * len(_drawn(name)) + 1  # and the ground


def test_picture__bars_stand_in_proportion_within_the_sheet() -> None:
    svg = ElementTree.fromstring(picture(PICTURES["reading"], LINES))
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    heights = {}
    for rect in svg.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width and 0 <= y <= y + h <= height
        heights[rect.get("class"), x] = h
    small, large = (
        next(h for (kind, _), h in sorted(heights.items()) if kind == name and h > 20) for name in ("s0", "s1")
    )  # fmt: skip
    assert large / small == pytest.approx(151 / 152, abs=0.01)


def test_picture__without_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="no figures"):
        picture(Picture("Empty", (Panel("nothing", "Nothing", "by none"),)), LINES)


def test_draw__writes_each_picture_from_the_json(tmp_path: Path) -> None:
    figures = tmp_path / "bench-growth.json"
    figures.write_bytes(msgspec.json.encode(LINES))
    paths = draw(figures, tmp_path / "pictures")
    assert [path.name for path in paths] == ["append.svg", "reading.svg"]
    assert all(ElementTree.parse(path).getroot().tag == f"{SVG}svg" for path in paths)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (0.2114, "0.211"), (9.4, "9.4"), (699.3, "699"), (999.7, "1k"), (12_425.0, "12.4k"), (2e6, "2M")],
)
def test_written__three_places(value: float, said: str) -> None:
    assert written(value) == said
