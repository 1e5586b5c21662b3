"""`python -m benchmarks [NAME ...]`: measure, print the table, write build/bench.json; 1 when a target is missed.

Every module here with a function `measure() -> Sequence[Row]` is a benchmark; each runs in a process of its own, so
that one leaves nothing behind for the next.
"""

import importlib
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

import benchmarks
from benchmarks.rows import Row, show, write

#: Takes its time and is asked for by name.
GROWTH = "growth"
NO_BENCHMARK = {"__main__", "rows"}


def names() -> list[str]:
    """The benchmarks, by module name."""
    return [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name not in NO_BENCHMARK]


def run(name: str) -> Sequence[Row]:
    """One benchmark in a process of its own; what it prints goes to the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "rows.json"
        subprocess.run([sys.executable, "-m", "benchmarks", "--one", name, str(result)], check=True)
        return msgspec.json.decode(result.read_bytes(), type=list[Row])


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    if arguments[:1] == ["--one"]:
        module = importlib.import_module(f"benchmarks.{arguments[1]}")
        Path(arguments[2]).write_bytes(msgspec.json.encode(module.measure()))
        return 0
    chosen = list(arguments) or [name for name in names() if name != GROWTH]
    wrong = [name for name in chosen if name not in names()]
    if wrong:
        print(f"no benchmark {wrong[0]}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    rows = [row for name in chosen for row in run(name)]
    show(rows)
    print(f"written to {write(rows, 'bench-growth.json' if chosen == [GROWTH] else 'bench.json')}")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
