"""`python -m benchmarks [LINE ...]`: measure, print the table, write build/bench.json; 1 when a target is missed.

Each of the modules named below has a function `measure() -> Sequence[Line]` and runs in a process of its own, with a
PostgreSQL and a broker of its own, so that one leaves nothing behind for the next.
"""

import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.lines import BUILD, Line, show, write
from benchmarks.plots import draw

#: In the order of the table.
NAMES = (
    "append", "relay", "projection", "rebuild", "accept", "connect", "bulk", "visible", "midnight", "calendar", "pages",
)  # fmt: skip
#: Takes its time, is asked for by name and draws its figures.
GROWTH = "growth"
TIMEOUT = 600.0  # seconds for one of them


def run(name: str) -> list[Line]:
    """One benchmark in a process of its own; what it prints goes to the terminal. Nothing when it fails."""
    print(f"{name} ...", flush=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "lines.json"
        command = [sys.executable, "-m", "benchmarks", "--one", name, str(result)]
        try:
            failed = subprocess.run(command, check=False, timeout=None if name == GROWTH else TIMEOUT).returncode != 0
        except subprocess.TimeoutExpired:
            failed = True
        print(f"{name}: {'FAILED' if failed else 'done'}, {time.perf_counter() - began:.0f} s", flush=True)
        return [] if failed else msgspec.json.decode(result.read_bytes(), type=list[Line])


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    if arguments[:1] == ["--one"]:
        module = importlib.import_module(f"benchmarks.{arguments[1]}")
        Path(arguments[2]).write_bytes(msgspec.json.encode(module.measure()))
        return 0
    chosen = list(arguments) or list(NAMES)
    wrong = [name for name in chosen if name not in (*NAMES, GROWTH)]
    if wrong:
        print(f"no benchmark {wrong[0]}; there are: {', '.join((*NAMES, GROWTH))}", file=sys.stderr)
        return 2
    found = {name: run(name) for name in chosen}
    lines = [line for each in found.values() for line in each]
    show(lines)
    # A part of the table goes beside the whole, not over it.
    stem = "bench" if chosen == list(NAMES) else f"bench-{'-'.join(chosen)}"
    path = write(lines, stem)
    drawn = draw(path) if found.get(GROWTH) else []
    print(f"written to {', '.join(str(each.relative_to(BUILD.parent)) for each in (path, *drawn))}")
    return 0 if all(found.values()) and all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
