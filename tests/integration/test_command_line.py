"""The command line as a shell and a terminal meet it: exit codes, one line an error, signals, letters."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.dev.rabbitmq import free_ports
from tests.support import forked
from tests.support.pair import Pair, Service, pair, until
from tests.support.postgres import TestServer
from tests.support.prometheus import serving

PROGRAM = [sys.executable, "-m", "services.cli"]


def doithoai(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INTAKE_", "FOLLOWUP_", "DOITHOAI_"))}
    return forked.run(*arguments, env=kept | environment)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "doithoai: name a command; --help lists them"),
        (["followup"], "doithoai followup: name a command; --help lists them"),
        (["calendar"], "doithoai calendar: name a command; --help lists them"),
        (["calendar", "propose", "1800"], "greater than or equal to 1900"),
        (["deadline", "reply", "--from", "1800-01-01"], "1800-01-01 is not in the years 1900 to 2100"),
        (["deadline", "reply", "--from", "2100-12-31"], "give one with --calendar FILE"),
        (["policy", "show", "plan-570", "--conference", "2100-12-31"], "give one with --calendar FILE"),
        (["token", ""], "NAME: '': tên bên gọi và tên nguồn không được để trống"),
        (["token", "x", "--source", ""], "--source: "),
        (["token", "x", "--jurisdiction", "?"], "--jurisdiction: "),
        (["token", "x", "--role", "agency", "--agency", "?"], "--agency: "),
        (["token", "x", "--role", "chief"], "--role: "),
        (["token", "x", "--rotate"], "--rotate: "),
        (["token", "local", "--file", "/nonexist/x.json"], "take another one"),
        (["token", "x", "--file", "/nonexist/x.json"], "--file: /nonexist/x.json: "),
        (["token", "x", "--file", "/tmp"], "name a file that can be read"),
        (
            ["dev", "--data", "/dev/null"],
            "--data: /dev/null: không phải là thư mục; hãy nêu một thư mục / is no folder",
        ),
        (["backup", "--to", "/nonexist"], "set one of them or both, of a role that has REPLICATION"),
        (["backup"], "--to: hãy nêu nơi cất các bản sao lưu / name the folder that holds the backups"),
        (["restore", "--from", "/nonexist", "--to", "/nonexist"], "there is no whole backup there"),
        (["doctor"], "set one of them or both, as for the services"),
        (["dev", "--broker", "x"], "--broker: 'x' không phải"),
        (
            ["replay", "--until", "5", "--from", "http://127.0.0.1:9", "--to", "/nonexist/x"],
            "--to: /nonexist/x: không có thư mục",
        ),
        (["replay", "--until", "5", "--from", "http://127.0.0.1:9", "--to", "/tmp"], "--to: /tmp: "),
        (["import", "/nonexist.csv", "--source", "x", "--rejects", "/nonexist/x"], "--rejects: /nonexist/x: "),
        (["import", "/nonexist.csv", "--source", "x", "--jurisdiction", "?"], "--jurisdiction: "),
        (["import", "/nonexist.csv", "--source", "x"], "name a file that can be"),
        (["calendar", "propose", "2027", "--out", "/nonexist/x"], "/nonexist/x: không ghi được"),
        (["dev", "--intake-port", "9999", "--followup-port", "9999"], "give different ports"),
        (["dev", "--intake-port", "8571"], "give different ports"),
        (
            ["replay", "--until", "5", "--from", "ftp://x"],
            "'ftp://x' is neither http://, https:// nor postgresql://",
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
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"FOLLOWUP_SOURCE_TOKEN_FILE: {missing}: không đọc được (No such file or directory)")


def test_replay__asks_the_first_source_whatever_stands_behind_its_address() -> None:
    done = doithoai(
        "replay", "--until", "5", FOLLOWUP_SOURCES="http://127.0.0.1:9|/nonexist/broker, http://127.0.0.1:8"
    )
    assert done.returncode == 1 and done.stderr.startswith("FOLLOWUP_SOURCES: không trả lời (ConnectError)")


def test_folder_that_cannot_be_made__is_named_without_a_class(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = doithoai("dev", "--no-story", "--broker", "none", "--data", str(tmp_path / "file" / "data"))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"--data: {tmp_path}/file/data: không tạo được (Not a directory)")


def test_tokens_file_that_is_none__is_named_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text("{")
    minted = doithoai("token", "x", "--file", str(file))
    serving = doithoai(
        "intake", "serve", INTAKE_TOKENS_FILE=str(file), INTAKE_DATABASE_URL="postgresql://127.0.0.1:9/x",
    )  # fmt: skip
    for done, place in ((minted, f"--file: {file}: "), (serving, "INTAKE_TOKENS_FILE, INTAKE_TOKENS: ")):
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
        assert done.stderr.startswith(place) and "mend it" in done.stderr


@pytest.mark.parametrize("arguments", ["deadline reply --from 2019-08-23", "--help"])
def test_result_without_a_place__is_refused(arguments: str) -> None:
    command = f"{' '.join(PROGRAM)} {arguments} >&-"
    closed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert closed.returncode == 2 and "standard output is closed" in closed.stderr
    assert len(closed.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", ["deadline reply --from 2019-08-23", "policy check plan-570", "token x", "--help"]
)
def test_reader_who_has_enough__is_not_bothered(arguments: str, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output, (tmp_path / "errors").open("wb") as errors:
        forked.start(arguments.split(), os.environ, output, errors).wait(60)
    assert (tmp_path / "errors").read_text() == ""


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


REPLAY = ["replay", "--until", "5", "--from"]
TRY = ["policy", "diff", "plan-570", "--against-history", "--jurisdiction", "H35.10", "--url"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "answered 401: it needs a token"),
        (403, "answered 403: this caller may not read every event"),
        (404, "answered 404: there is no feed; is it intake?"),
        (502, "answered 502; see the log there"),
        (503, "answered 503: it runs, but cannot read its store now"),
    ],
)
def test_feed_that_refuses__is_told_as_what_it_answers(status: int, told: str) -> None:
    with serving(lambda _, __: b"", status) as url:
        for command in (REPLAY, TRY):
            done = doithoai(*command, url)
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
            assert told in done.stderr and "cannot be reached" not in done.stderr


@pytest.mark.parametrize("command", [["intake", "refused"], ["calendar", "confirm", "2027"]])
def test_answer_of_something_else__is_not_taken_for_an_empty_list(command: list[str]) -> None:
    with serving(lambda _, __: b"", 404) as url:
        done = doithoai(*command, "--url", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "answered 404 without JSON; is it intake?" in done.stderr


@pytest.mark.slow
def test_intake_with_tokens__says_how_one_is_given(made: Pair, tmp_path: Path) -> None:
    file, given = tmp_path / "tokens.json", tmp_path / "token"
    minted = doithoai("token", "audit", "--role", "auditor", "--file", str(file)).stdout.splitlines()[0]
    intake = made.intake(TOKENS_FILE=str(file)).start()
    given.write_text("dt_old")
    known = {"FOLLOWUP_SOURCE_TOKEN_FILE": str(given)}
    for command, environment, told in (
        (REPLAY, {}, "it needs a token; write a token into a file, and name that file by FOLLOWUP_SOURCE_TOKEN_FILE"),
        (REPLAY, known, "it does not know the token; use one that is in intake's tokens file"),
        (TRY, {}, "it needs a token; give a token with --token or DOITHOAI_TOKEN"),
        (["intake", "refused", "--url"], {}, "give a token with --token or DOITHOAI_TOKEN"),
        (["calendar", "confirm", "2027", "--url"], {}, "give a token with --token or DOITHOAI_TOKEN"),
        (["policy", "adopt", "plan-570", "--jurisdiction", "H35.10", "--url"], {}, "DOITHOAI_TOKEN"),
    ):
        done = doithoai(*command, intake.url, **environment)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert told in done.stderr and "401" in done.stderr, done.stderr
    given.write_text(minted)
    done = doithoai(*REPLAY, intake.url, **known)
    assert "401" not in done.stderr


@pytest.fixture
def made(pg_server: TestServer, tmp_path: Path) -> "Pair":
    with pair(pg_server, tmp_path) as found:
        yield found  # type: ignore[misc]


def in_an_interpreter_of_its_own(service: Service) -> Service:
    service.program = PROGRAM[1:]
    return service


def test_services_started_in_the_background_of_a_script__end_by_sigint(made: Pair) -> None:
    """A shell that is not interactive starts them with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        intake = in_an_interpreter_of_its_own(made.intake()).start()
        followup = in_an_interpreter_of_its_own(made.followup(intake)).start()
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
        # Not earlier: the signal is ignored until it is handled.
        until((tmp_path / "data" / "intake-database.url").exists)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, "Stopping ..." in said) == (0, True), said


def test_losses__are_listed_and_confirmed_by_somebody(database: str) -> None:
    done = doithoai("intake", "losses", INTAKE_DATABASE_URL=database)
    assert done.returncode == 0 and "nothing was lost" not in done.stdout
    assert "no process was told of a loss" in done.stdout and "không tiến trình nào báo mất mát" in done.stdout
    assert "whether more was lost cannot be known here" in done.stdout
    done = doithoai("intake", "losses", "--confirm", "all", INTAKE_DATABASE_URL=database)
    assert (done.returncode, "--by: " in done.stderr) == (2, True)
    done = doithoai("followup", "losses", "--confirm", "all", "--by", "x", FOLLOWUP_DATABASE_URL=database)
    assert (done.returncode, "no such loss waits" in done.stderr) == (1, True)
