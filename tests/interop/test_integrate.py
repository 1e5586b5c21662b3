"""The page on connecting a system: each of its commands, by curl, in Python and in JavaScript, against one sandbox."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.dev.rabbitmq import free_ports
from tests.support.interop import NODE_FOLDER, node

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "howto" / "integrate.md").read_text("utf-8")
README = ROOT / "clients" / "python" / "README.md"
BLOCKS = re.findall(r"^```([\w-]+)(?: (\w+))?\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
START = "make sandbox\n"
STARTS_WITHIN, READS_WITHIN = 180, 90  # seconds
#: A reader goes on once both receivers say that they listen, this time.
LISTENING = "until [ $(grep -c listens receivers) -ge {count} ]; do sleep 0.1; done\n"
#: Whose breaches the receivers print, each by both ways.
BREACHES = ["TN-0001", "TN-0002", "TN-0003"]


@contextlib.contextmanager
def sandbox(folder: Path) -> Iterator[Path]:
    """A sandbox on free ports; its folder."""
    data, said = folder / "sandbox", folder / "said"
    ports = (
        f"--{name}-port={port}" for name, port in zip(("intake", "followup", "sandbox"), free_ports(3), strict=True)
    )
    program = Path(sys.executable).with_name("doithoai")
    with said.open("wb") as output:
        running = subprocess.Popen([program, "dev", "--sandbox", "--data", data, *ports], stdout=output, stderr=output)
    try:
        until = time.monotonic() + STARTS_WITHIN
        while "Running;" not in said.read_text("utf-8"):
            assert running.poll() is None and time.monotonic() < until, said.read_text("utf-8")
            time.sleep(0.2)
        yield data
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    # Not below pytest's own folder: every session that starts closes that to the user whom PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="doithoai-") as own, sandbox(Path(own)) as folder:
        if not (folder / "portal.url").exists():
            pytest.skip("no broker")
        yield folder


@pytest.fixture
def place(data: Path, tmp_path: Path) -> Path:
    """What a reader has: the clone, the packages, and a sandbox that is at its beginning."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    (tmp_path / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "sandbox").symlink_to(data)
    environment = dict(re.findall(r"export (\w+)=(\S+)", (data / "sandbox.env").read_text("utf-8")))
    headers = {"Authorization": f"Bearer {environment['TOKEN']}"}
    httpx.post(f"{environment['SANDBOX']}/sandbox/reset", headers=headers, timeout=90).raise_for_status()
    return tmp_path


def commands(way: str, language: str) -> list[str]:
    """The commands of the page in its order, after the one that starts the sandbox, for a reader of this way."""
    found = []
    for info, only, text in BLOCKS:
        if text == START or (info == "js-shell" and language != "js") or info not in ("sh", "js-shell"):
            continue
        if only in ("", way):
            found.append(text)
    return found


def run(place: Path, script: str) -> str:
    """What a shell with job control says to the commands, each of which must be done."""
    (port,) = free_ports(1)
    script = script.replace("127.0.0.1:8600", f"127.0.0.1:{port}")
    environment = os.environ | {"SINK_PORT": str(port), "PATH": f"{node()}:{os.environ['PATH']}"}
    command = ["bash", "-c", f"set -meo pipefail\n{script}"]
    with (place / "said").open("w+") as said:
        streams = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
        code = subprocess.run(command, cwd=place, env=environment, timeout=240, check=False, **streams).returncode
        said.seek(0)
        text = said.read()
    assert code == 0, text
    return text


def wait_for(count: int) -> str:
    """Shell that waits until the receivers have printed so many lines of breaches, and then says which.

    A reader sees them come.
    """
    look = f'"$(cat receivers | grep -c DeadlineBreached)" -lt {count}'
    wait = f"for n in $(seq {READS_WITHIN}); do if [ {look} ]; then sleep 1; fi; done"
    return f"{wait}; sort receivers | sed 's/^/came: /'\n"


def as_a_reader(blocks: list[str]) -> str:
    """One script: what receivers print goes to a file, and where a reader would look at it, the script waits for it."""
    script = "touch receivers\n"
    receivers = 0
    for block in blocks:
        if "webhook &" in block:
            receivers += 1
            block = block.replace(" &\n", " >> receivers 2>&1 &\n")
            at = block.index("\n", block.index("portal queue")) + 1
            block = block[:at] + LISTENING.format(count=2 * receivers) + block[at:]
        script += block
        if "next-deadline" in block and receivers == 1 and "DAY=" not in block:
            script += wait_for(2)
    return script + wait_for(6) + "kill %1 %2\n"


def test_commands__are_few() -> None:
    for way in ("curl", "portal"):
        lines = [line for block in commands(way, "python") for line in block.splitlines() if not line.startswith("  ")]
        assert len(lines) + 1 <= 25, lines
    assert [text for _, _, text in BLOCKS].count(START) == 1


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("way", "language"), [("curl", "python"), ("portal", "python"), ("portal", "js")])
def test_page__takes_a_stranger_all_the_way(place: Path, way: str, language: str) -> None:
    said = run(place, as_a_reader(commands(way, language)))
    came = set(re.findall(r"^came: (queue|webhook) DeadlineBreached (\S+) (?:new|known)$", said, re.MULTILINE))
    assert came == {(by, name) for by in ("queue", "webhook") for name in BREACHES}, said
    last = said[said.rindex("came: queue DeadlineBreached TN-0001") :]
    assert len(re.findall(r"^came: .* DeadlineBreached \S+ new$", last, re.MULTILINE)) <= 3, said
    assert (place / ".data" / "portal" / "reply.pdf").read_bytes().startswith(b"%PDF")
    assert "Nội dung trả lời thử nghiệm" in said
    if way == "portal":
        told = iter(said.splitlines())
        for line in (
            "created ",
            "changed",
            "reply 20",
            "active",
            "replied ",
            "intake ",
            "followup ",
            "TN-0003 created",
        ):
            assert any(each.startswith(line) for each in told), f"{line!r} in\n{said}"
        assert re.search(r"^the same [0-9a-f]{64}$", said, re.MULTILINE), said
    else:
        results = re.findall(r'"result":"(\w+)"', said)
        assert results == ["created", "changed", "created", "created"], said
        digests = re.findall(r'"digest":"([0-9a-f]{64})","states":\{"received":2\}', said)
        assert len(digests) == 1, said


def test_readme_of_the_library__runs(place: Path, data: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 30
    environment = os.environ | dict(re.findall(r"export (\w+)=(\S+)", (data / "sandbox.env").read_text("utf-8")))
    environment["STORE"] = str(place / "store.sqlite")
    for results in ("created", "changed"), ("stale", "unchanged"):  # the second time nothing is new
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        first, second, refused, news = done.stdout.splitlines()
        assert (first, second) == results, done.stderr
        assert refused.startswith("invalid-value jurisdiction "), refused
        assert news.count("PetitionReceived") == news.count("PetitionCorrected") == 1, news
