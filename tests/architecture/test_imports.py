"""The rooms import what they may: the import contracts, and an allow-list for the pure ones."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]

PURE_ROOMS = (
    "shared.sentences",
    "shared.problem_words",
    "shared.identifiers",
    "shared.calendar",
    "shared.policy",
    "shared.events",
    "shared.event_store",
    "shared.cases",
    "shared.envelope",
    "services.intake.domain",
    "services.followup.domain",
)
#: A deny-list misses tomorrow's library: this is all that a pure room may import from outside.
ALLOWED = {
    "bisect", "calendar", "collections", "dataclasses", "datetime", "enum", "functools", "hashlib", "heapq",
    "itertools", "math", "msgspec", "operator", "re", "types", "typing", "unicodedata", "uuid", "zoneinfo",
}  # fmt: skip
#: What one module of a pure room alone may import: text in, data out, and the files that are constants.
ALLOWED_IN = {
    "shared.policy.reading": {"yaml"},
    "shared.calendar.shipped": {"importlib"},
    "shared.policy.shipped": {"importlib"},
    "shared.cases.shipped_catalogues": {"importlib"},
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the product, also those inside functions."""
    return grimp.build_graph("services", "shared", include_external_packages=True, cache_dir=None)


def in_room(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def test_pure_rooms__import_only_what_is_allowed(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{module} imports {imported}"
        for module in sorted(graph.modules)
        if in_room(module, PURE_ROOMS)
        for imported in sorted(graph.find_modules_directly_imported_by(module))
        if imported not in ALLOWED | ALLOWED_IN.get(module, set()) and not in_room(imported, PURE_ROOMS)
    ]
    assert wrong == []


def test_pure_rooms__all_exist(graph: grimp.ImportGraph) -> None:
    assert [room for room in PURE_ROOMS if room not in graph.modules] == []


def test_counting__never_imports_holidays(graph: grimp.ImportGraph) -> None:
    importers = graph.find_modules_that_directly_import("holidays") if "holidays" in graph.modules else set()
    assert all(".adapters" in module for module in importers), importers


def test_import_contracts__are_kept() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-1000:]
