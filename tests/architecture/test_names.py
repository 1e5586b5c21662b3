"""A public class has a name that occurs once, so that a search finds its one home."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Names that occur twice, each until one of the two has a better one.
TWICE = {"Fact", "History"}


def homes(*tops: str) -> dict[str, list[str]]:
    """Where each public class of the top level of a module is defined."""
    found = defaultdict(list)
    for path in (path for top in tops for path in (ROOT / top).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_public_class__has_a_name_of_its_own() -> None:
    # The client library is a package of its own, and calls things as the contract does.
    several = {
        name: places
        for tops in (("services", "shared", "benchmarks", "tests"), ("clients",))
        for name, places in homes(*tops).items()
        if len(places) > 1
    }
    assert {name: places for name, places in several.items() if name not in TWICE} == {}, "rename all but one"
    assert sorted(TWICE - several.keys()) == [], "these occur once now: take them out of TWICE"
