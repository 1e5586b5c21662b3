"""What is imported is declared, and what is declared is imported: a package comes from pyproject.toml or not at all."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CLIENT = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text("utf-8"))
OURS = {"services", "shared", "tests", "benchmarks", "deploy", "doithoai_client"}
#: uvicorn loads the one by name, zoneinfo the other.
LOADED_BY_NAME = {"httptools", "tzdata"}
#: Run in the environment of the generator that wrote what they import.
ELSEWHERE = ROOT / "tests" / "interop" / "clients"


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(group: str = "") -> set[str]:
    """The packages that the product needs, or with a group what is installed beside them."""
    needed = PROJECT["dependency-groups"][group] if group else PROJECT["project"]["dependencies"]
    return {normalised(re.split(r"[\[=<>]", each)[0]) for each in needed}


@cache
def imported(*folders: str) -> dict[str, str]:
    """The package of each module imported from outside, with one file that imports it."""
    found, packages = {}, packages_distributions()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if path.is_relative_to(ELSEWHERE):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in (name.split(".")[0] for name in names):
                if name not in sys.stdlib_module_names and name not in OURS:
                    found[normalised(packages[name][0])] = str(path.relative_to(ROOT))
    return found


def test_import__of_the_product_is_declared() -> None:
    needed = imported("services", "shared")
    # What runs servers on a developer's machine takes PostgreSQL from a wheel; the product itself never does.
    # What sends spans is installed where a collector is named, and imported only then.
    undeclared = needed.keys() - declared() - declared("telemetry") - imported("services/dev").keys()
    assert {package: needed[package] for package in undeclared} == {}, "declare in pyproject.toml"


def test_import__of_the_client_library_is_what_it_declares() -> None:
    needed = {normalised(re.split(r"[\[=<>]", each)[0]) for each in CLIENT["project"]["dependencies"]}
    assert imported("clients/python/src").keys() == needed


def test_client_library__has_the_version_of_the_product() -> None:
    assert CLIENT["project"]["version"] == PROJECT["project"]["version"]


def test_import__of_the_tests_is_declared() -> None:
    needed = imported("services/dev", "tests", "deploy", "docs")
    undeclared = needed.keys() - declared() - declared("dev") - declared("interop") - declared("telemetry")
    assert {package: needed[package] for package in undeclared} == {}, "declare in the group dev or interop"


def test_declared_package__is_imported() -> None:
    unused = declared() - imported("services", "shared").keys() - LOADED_BY_NAME
    assert unused == set(), "drop from pyproject.toml and docs/dependencies.md"
