"""Clients that generators write from the two OpenAPI documents compile, and take a petition from receipt to end."""

import compileall
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.interop import NODE_FOLDER, run_node_tool
from tests.support.postgres import TestServer
from tests.support.stage import SYSTEM, GuardedPair, stage

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "build" / "interop" / "clients"
UV = ROOT / ".uv" / "bin" / "uv"
SERVICES = ("intake", "followup")
ENVIRONMENT = {
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_PROJECT_ENVIRONMENT": str(ROOT / "build" / "interop" / "generator"),
    "PYTHONPATH": str(CLIENTS),
}


@pytest.fixture
def on_stage(pg_server: TestServer, tmp_path: Path) -> Iterator[GuardedPair]:
    with stage(pg_server, tmp_path) as made:
        yield made


def document(service: str) -> Path:
    return ROOT / "contracts" / f"openapi-{service}.json"


def operations(service: str) -> list[dict[str, Any]]:
    paths = json.loads(document(service).read_text("utf-8"))["paths"]
    return [operation for item in paths.values() for operation in item.values()]


def generated(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run something in the environment of the Python generator."""
    return subprocess.run(
        [str(UV), "run", "--quiet", "--project", str(ROOT / "tests" / "interop" / "generator"), "--locked", *arguments],
        env={**os.environ, **ENVIRONMENT},
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def given_to(made: GuardedPair) -> str:
    return json.dumps(
        {
            "intake": made.intake.url,
            "followup": made.followup.url,
            "office": made.tokens["van-phong"],
            "system": made.tokens[SYSTEM],
            "reader": made.tokens["kiem-tra"],
            "source": SYSTEM,
            "conference": made.conference,
        }
    )


def check(written: str) -> None:
    told = json.loads(written)
    assert told["state"] == "closed"
    assert ["reply", "met"] in told["duties"]


@pytest.mark.timeout(600)
def test_python_client__of_every_operation_takes_a_petition_through(on_stage: GuardedPair) -> None:
    for service in SERVICES:
        folder = CLIENTS / f"{service}_client"
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        target = ("--output-path", str(folder), "--meta", "none", "--overwrite")
        done = generated("openapi-python-client", "generate", "--path", str(document(service)), *target)
        assert done.returncode == 0, done.stdout + done.stderr
        # YAML is what this generator cannot send; it says so and offers JSON. Nothing else is left out.
        left_out = [line for line in done.stdout.splitlines() if "WARNING" in line or "Unsupported" in line]
        assert {line for line in left_out if "policies/check" not in line} <= {
            "Unsupported content type application/yaml"
        }
        assert compileall.compile_dir(folder, quiet=1)
        modules = {path.stem for path in folder.glob("api/*/*.py")} - {"__init__"}
        assert len(modules) == len(operations(service)), "an operation was dropped"
    done = generated("python", str(ROOT / "tests" / "interop" / "clients" / "petition.py"), given=given_to(on_stage))
    assert done.returncode == 0, done.stderr
    check(done.stdout)


@pytest.mark.timeout(600)
def test_typescript_client__compiles_strictly_and_takes_a_petition_through(on_stage: GuardedPair) -> None:
    folder = NODE_FOLDER / "typescript"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "interop" / "clients" / "petition.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    for service in SERVICES:
        done = run_node_tool("openapi-typescript", str(document(service)), "--output", str(folder / f"{service}.d.ts"))
        assert done.returncode == 0, done.stderr
    options = (
        "--strict",
        "--noUncheckedIndexedAccess",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "--lib",
        "es2022,dom",
    )
    done = run_node_tool("tsc", *options, "--outDir", str(folder), str(folder / "petition.ts"), timeout=300)
    assert done.returncode == 0, done.stdout
    done = run_node_tool("node", str(folder / "petition.js"), given_to(on_stage))
    assert done.returncode == 0, done.stderr
    check(done.stdout)
