"""Draws story.svg, the picture of the README, from what `doithoai dev` printed: `python docs/images/story.py < STORY`.

Only some days are drawn, whole; an ellipsis stands for those left out.
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 118  # columns
DAYS = ("24/06", "01/07", "23/08", "16/09", "17/09", "19/09", "20/09", "04/10")
GLOSS = "  · "
DEFAULT_PORTS = {"intake": "8570", "followup": "8571"}
OUTCOMES = (
    (r"đúng hạn", "green"),
    (r"trễ hạn|sắp đến hạn", "yellow"),
    (r"QUÁ HẠN", "bold red"),
)
#: No font is fetched: a picture in a page may not. Each of these has every Vietnamese letter; DejaVu Sans Mono has not.
FONTS = "ui-monospace, Consolas, 'Noto Sans Mono', 'Roboto Mono', 'Ubuntu Mono', 'Liberation Mono', monospace"
FORMAT = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px FONTS; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def drawn(story: str) -> Iterator[Text]:
    """The lines of the picture."""
    *days, end = story[story.index("Thứ Hai 24/06") :].split("\nHai mươi kiến nghị")
    left_out = False
    for day in "".join(days).strip().split("\n\n"):
        heading, *lines = day.split("\n")
        if heading.partition("/2019")[0][-5:] not in DAYS:
            left_out = True
            continue
        if left_out:
            yield Text("  …\n", "dim")
        left_out = False
        yield from _told(heading, "bold cyan")
        for line in lines:
            yield from _told(line)
        yield Text()
    table = re.sub(r"\n\s*\n", "\n\n", f"Hai mươi kiến nghị{end}".strip())
    yield from (_colored(line.rstrip()) for line in table.split("\n"))


def _told(line: str, style: str = "") -> Iterator[Text]:
    text, _, gloss = line.partition(GLOSS)
    if len(line) <= WIDTH:
        yield Text.assemble((text, style), (GLOSS + gloss if gloss else "", "dim"))
    else:
        yield Text(text, style)
        yield Text(f"    {GLOSS.strip()} {gloss}", "dim")


def _colored(line: str) -> Text:
    for service, port in DEFAULT_PORTS.items():
        if f"· {service}:" in line:
            line = re.sub(r"(127\.0\.0\.1:)\d+", rf"\g<1>{port}", line)
    text = Text(line)
    for pattern, style in OUTCOMES:
        text.highlight_regex(pattern, style)
    return text


def main() -> None:
    """Read the story, write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for line in drawn(sys.stdin.read()):
        console.print(line)
    picture = console.export_svg(title="make run", code_format=FORMAT, unique_id="story")
    lines = (line.rstrip() for line in picture.replace("FONTS", FONTS).splitlines())
    Path(__file__).with_suffix(".svg").write_text("\n".join(lines) + "\n", "utf-8")


main()
