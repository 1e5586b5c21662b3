"""The packages are ours, importing them opens nothing, and stored topics are never taken away."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import services
import shared
from shared.events import EVENTS
from shared.events.registry import UPCASTERS

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent

#: Runs in a fresh interpreter: imports every module of a package and reports what it opened on the way.
_PROBE = """
import importlib, json, pkgutil, sys, threading
opened = []
WATCHED = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.fork")
def watch(event, args):
    if event in WATCHED:
        opened.append(f"{event} {args!r}"[:200])
    elif event == "open" and isinstance(args[0], int):
        pass  # a file that was opened, and seen, before: the interpreter writes what it compiles like that
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        if "__pycache__" not in str(args[0]):
            opened.append(f"open {args[0]} {args[1]}")
before = set(threading.enumerate())
sys.addaudithook(watch)
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
opened += [f"thread {t.name}" for t in set(threading.enumerate()) - before]
print(json.dumps(opened))
"""


@pytest.mark.parametrize("package", [services, shared])
def test_package__is_the_one_of_this_repository(package: object) -> None:
    # A dependency that ships a top-level `shared` or `services` would be found first, and silently.
    assert Path(str(package.__file__)).resolve().is_relative_to(ROOT)  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", ["services", "shared", "doithoai_client"])
def test_import__opens_nothing(package: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _PROBE, package], cwd=ROOT, capture_output=True, text=True, check=True, timeout=100
    )
    assert json.loads(result.stdout.splitlines()[-1]) == []


def test_packages__are_typed() -> None:
    assert all((ROOT / name / "py.typed").exists() for name in ("services", "shared"))


def test_topics__may_only_grow() -> None:
    stored = (HERE / "topics.txt").read_text("utf-8").split()
    assert [topic for topic in stored if topic not in EVENTS] == [], "a stored topic must stay readable for ever"
    missing = [topic for topic in EVENTS if topic not in stored]
    assert missing == [], "run `make contracts`: it adds the new topics to topics.txt"


def test_versions__have_an_upcaster_for_every_step() -> None:
    steps = [(topic, version) for topic, kind in EVENTS.items() for version in range(1, kind.VERSION)]
    assert [step for step in steps if step not in UPCASTERS] == []


@pytest.mark.parametrize(
    "path", [each for top in ("services", "shared", "clients") for each in sorted((ROOT / top).rglob("*.py"))]
)
def test_module__says_in_one_line_what_it_is(path: Path) -> None:
    assert path.read_text("utf-8").startswith('"""'), path.relative_to(ROOT)
