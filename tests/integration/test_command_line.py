"""The command line as a shell and a terminal meet it: exit codes, one line an error, signals, letters."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.dev.rabbitmq import free_ports
from tests.support.pair import Pair, pair, until
from tests.support.postgres import TestServer

PROGRAM = [sys.executable, "-m", "services.cli"]


def doithoai(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INTAKE_", "FOLLOWUP_", "DOITHOAI_"))}
    return subprocess.run(
        [*PROGRAM, *arguments], env=kept | environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "doithoai: name a command; --help lists them"),
        (["followup"], "doithoai followup: name a command; --help lists them"),
        (["calendar"], "doithoai calendar: name a command; --help lists them"),
        (["calendar", "propose", "1800"], "greater than or equal to 1900"),
        (["deadline", "reply", "--from", "1800-01-01"], "1800-01-01 is not in the years 1900 to 2100"),
        (["dev", "--intake-port", "9999", "--followup-port", "9999"], "give two different ports"),
        (["dev", "--intake-port", "8571"], "give two different ports"),
        (
            ["replay", "--until", "5", "--from", "ftp://x"],
            "--from: 'ftp://x' is neither http://, https:// nor postgresql://",
        ),
    ],
)
def test_wrong_use__is_2_and_one_line(arguments: list[str], told: str) -> None:
    done = doithoai(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert told in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("intake", "serve"), ("followup", "serve"), ("migrate",)])
def test_folder_of_secrets_that_is_none__is_said_in_one_line(command: tuple[str, ...]) -> None:
    done = doithoai(*command, DOITHOAI_SECRETS_DIR="/nonexist")
    told = "DOITHOAI_SECRETS_DIR: /nonexist is no folder; name the folder that holds the secrets\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_file_that_cannot_be_read__is_named_without_a_class(tmp_path: Path) -> None:
    missing = str(tmp_path / "token")
    done = doithoai("replay", "--until", "5", "--from", "http://127.0.0.1:9", FOLLOWUP_SOURCE_TOKEN_FILE=missing)
    assert (done.returncode, done.stderr) == (2, f"FOLLOWUP_SOURCE_TOKEN_FILE: {missing}: No such file or directory\n")


def test_folder_that_cannot_be_made__is_named_without_a_class(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = doithoai("dev", "--no-story", "--broker", "none", "--data", str(tmp_path / "file" / "data"))
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/file/data: Not a directory\n")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1258"])
def test_terminal_without_vietnamese__gets_what_it_can_show(encoding: str) -> None:
    terminal = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [*PROGRAM, "deadline", "reply", "--from", "2019-08-23"]
    done = subprocess.run(command, env=os.environ | terminal, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2019" in done.stdout


def test_zone__is_there_without_the_data_of_the_system() -> None:
    code = (
        "from datetime import datetime\nfrom shared.identifiers import LOCAL_ZONE\n"
        "print(datetime(2026, 1, 1, tzinfo=LOCAL_ZONE))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONTZPATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "2026-01-01 00:00:00+07:00\n", done.stderr


@pytest.fixture
def made(pg_server: TestServer, tmp_path: Path) -> "Pair":
    with pair(pg_server, tmp_path) as found:
        yield found  # type: ignore[misc]


def test_services_started_in_the_background_of_a_script__end_by_sigint(made: Pair) -> None:
    """A shell that is not interactive starts them with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        intake = made.intake().start()
        followup = made.followup(intake).start()
    finally:
        signal.signal(signal.SIGINT, before)
    for service in (followup, intake):
        service.signal(signal.SIGINT)
        assert service.process is not None and service.process.wait(30) == 0, service.tail()


def test_pair_started_in_the_background_of_a_script__ends_by_sigint(tmp_path: Path) -> None:
    ports = [str(port) for port in free_ports(2)]
    command = [*PROGRAM, "dev", "--no-story", "--broker", "none", "--data", str(tmp_path / "data")]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            [*command, "--intake-port", ports[0], "--followup-port", ports[1]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        until((tmp_path / "data" / "lock").exists)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, "Stopping ..." in said) == (0, True), said
