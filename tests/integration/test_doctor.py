"""`doithoai doctor` says what is right and wrong, several things at once, whatever hangs, and no secret."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest
from typer.testing import CliRunner

from services.cli import build
from services.dev.rabbitmq import free_ports
from services.doctor.examination import Examination, examined
from services.doctor.findings import State
from shared.http.tokens import mint_token
from shared.rabbit.topology import claim, commands_of
from tests.support import forked
from tests.support.intake import Intake, served, tokens_file
from tests.support.postgres import TestServer, as_role
from tests.support.waiting import until

HOUR = 3600.0


def said(report: Examination, state: State = State.WRONG) -> str:
    """What was found in some state, a line each."""
    return "\n".join(f.said.en for part in report.sections for f in part.findings if f.state is state)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith(("INTAKE_", "FOLLOWUP_", "DOITHOAI_")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
async def intake(
    pg_server: TestServer, tmp_path: Path, amqp_url: str, environment: pytest.MonkeyPatch
) -> AsyncIterator[Intake]:
    """An intake that is well, and the environment that it has."""
    dsn = await pg_server.fresh("shared.postgres", "services.intake")
    (tmp_path / "files").mkdir()
    key, tokens = tmp_path / "master.key", tokens_file(tmp_path)
    key.write_bytes(os.urandom(32))
    for path in (key, tokens):
        path.chmod(0o600)
    settings: dict[str, Any] = {"amqp_url": amqp_url, "files": str(tmp_path / "files"), "tokens_file": str(tokens)}
    async with served(dsn, tmp_path, **settings) as running:
        port = running.client.base_url.port
        chosen = {"database_url": dsn, "master_key_file": str(key), "port": str(port), "source": "local"} | settings
        for name, value in chosen.items():
            environment.setenv(f"INTAKE_{name.upper()}", value)
        await until(running.is_ready)
        yield running


async def consumed(amqp_url: str) -> None:
    async def is_consumed() -> bool:
        async with await aio_pika.connect(amqp_url) as connection:
            with contextlib.suppress(aio_pika.exceptions.ChannelClosed):
                channel = await connection.channel()
                found = await channel.declare_queue(commands_of("local").queue, passive=True)
                return bool(found.declaration_result.consumer_count)
        return False

    await until(is_consumed)


async def test_intake_that_is_well__has_nothing_wrong(intake: Intake, amqp_url: str) -> None:
    async def goes_on() -> bool:
        return (await intake.get("/progressz")).status_code == 200

    await consumed(amqp_url)
    await until(goes_on)
    report = await examined(None, time.time)
    # The readers of its events are followup's; there is none here.
    wrong = [line for line in said(report).splitlines() if "followup.local.events" not in line]
    assert wrong == []
    right = said(report, State.RIGHT)
    for expected in ("its tables are those of this version", "service: ready", "INTAKE_MASTER_KEY_FILE: 32 bytes",
                     "INTAKE_MASTER_KEY_FILE: the key of the store",
                     "the virtual host is that of the source local", "intake.local.commands: a quorum queue",
                     "its clock agrees", "RabbitMQ 3.", "disk of "):  # fmt: skip
        assert expected in right
    (version,) = await intake.rows("SELECT split_part(current_setting('server_version'), ' ', 1) AS version")
    assert f"PostgreSQL {version['version']}, UTF-8" in right


async def test_key__of_another_store_is_wrong(intake: Intake, tmp_path: Path) -> None:
    """It is as long as the right one."""
    (tmp_path / "master.key").write_bytes(os.urandom(32))
    assert "INTAKE_MASTER_KEY_FILE: is not the master key of this store" in said(await examined(None, time.time))


async def test_several_faults__are_told_at_once(
    intake: Intake, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (closed,) = free_ports(1)
    environment.setenv("INTAKE_PORT", str(closed))
    environment.setenv("INTAKE_AMQP_URL", f"amqp://guest:geheim@127.0.0.1:{closed}/x")
    environment.setenv("INTAKE_FILES", str(tmp_path / "none"))
    (tmp_path / "master.key").write_bytes(bytes(5))
    environment.setenv("INTAKE_SOURCE", "lai-chau")
    told = said(await examined(tmp_path / "backups", lambda: time.time() + HOUR))
    for expected in (
        "has 5 bytes, not 32",
        f"INTAKE_AMQP_URL: 127.0.0.1:{closed}: nobody listens there",
        f":{closed} does not answer",
        "there is no folder",
        "there is no whole backup",
        "the store is called local, INTAKE_SOURCE is 'lai-chau'",
        "the clock of the database is -3600 s",
    ):
        assert expected in told, told
    assert "geheim" not in told


async def test_migrations_and_grants__that_are_missing_are_told(
    intake: Intake, environment: pytest.MonkeyPatch, pg_server: TestServer
) -> None:
    await intake.rows("DELETE FROM schema_migrations WHERE name = 'services.intake/0006_files.sql'")
    assert "1 migrations are pending, from services.intake/0006_files.sql on" in said(await examined(None, time.time))
    role = f"bare_{os.getpid()}"
    admin = await asyncpg.connect(pg_server.dsn("postgres"))
    await admin.execute(f"CREATE ROLE {role} LOGIN")
    await admin.close()
    await intake.rows(f"GRANT SELECT ON stored_events, store_state TO {role}")
    environment.setenv("INTAKE_DATABASE_URL", as_role(intake.dsn, role))
    report = await examined(None, time.time)
    assert "the role lacks rights: leases, losses, sealing_keys" in said(report) and "append_events" in said(report)


async def test_empty_database__is_told(intake: Intake, environment: pytest.MonkeyPatch, pg_server: TestServer) -> None:
    environment.setenv("INTAKE_DATABASE_URL", await pg_server.empty())
    assert "there are no tables yet" in said(await examined(None, time.time))


@pytest.mark.parametrize(("name", "other"), [("intake", "followup"), ("followup", "intake")])
async def test_database__of_the_other_service_is_told(
    environment: pytest.MonkeyPatch, pg_server: TestServer, name: str, other: str
) -> None:
    environment.setenv(f"{name.upper()}_DATABASE_URL", await pg_server.fresh("shared.postgres", f"services.{other}"))
    report = await examined(None, time.time)
    assert f"this is the database of {other}, not of {name}" in said(report)
    # Following such a remedy would make the tables of one in the database of the other.
    assert "doithoai migrate" not in repr(report)


async def test_broker__of_another_source_or_with_another_queue_is_told(
    environment: pytest.MonkeyPatch, fresh_vhosts: Iterator[str], pg_server: TestServer
) -> None:
    url = next(fresh_vhosts)
    async with await aio_pika.connect(url) as connection:
        await claim(await connection.channel(), "tam-duong")
        await (await connection.channel()).declare_queue("intake.local.commands", durable=True)
    environment.setenv("INTAKE_AMQP_URL", url)
    environment.setenv("INTAKE_SOURCE", "local")
    environment.setenv("INTAKE_DATABASE_URL", await pg_server.empty())
    told = said(await examined(None, time.time))
    assert "the virtual host belongs to the source 'tam-duong', and this is 'local'" in told
    assert "the queue intake.local.commands is of another type" in told
    environment.setenv("INTAKE_AMQP_URL", url.replace("guest:guest", "guest:wrong"))
    assert "the broker refuses its user or password" in said(await examined(None, time.time))
    environment.setenv("INTAKE_AMQP_URL", f"{url}-none")
    assert "there is no such virtual host, or the user may not enter it" in said(await examined(None, time.time))


async def test_node_of_a_broker__that_is_away_is_told_by_name(
    environment: pytest.MonkeyPatch, amqp_url: str, pg_server: TestServer
) -> None:
    (closed,) = free_ports(1)
    node = amqp_url.rpartition("@")[2].partition("/")[0]
    environment.setenv("INTAKE_AMQP_URL", amqp_url.replace(node, f"127.0.0.1:{closed},{node}"))
    environment.setenv("INTAKE_SOURCE", "local")
    environment.setenv("INTAKE_DATABASE_URL", await pg_server.empty())
    report = await examined(None, time.time)
    assert f"INTAKE_AMQP_URL: 127.0.0.1:{closed}: nobody listens there" in said(report, State.NOTE)
    assert "INTAKE_AMQP_URL: reached as guest" in said(report, State.RIGHT)
    environment.setenv("INTAKE_AMQP_URL", amqp_url.replace(node, f"127.0.0.1:{closed}"))
    assert f"INTAKE_AMQP_URL: 127.0.0.1:{closed}: nobody listens there" in said(await examined(None, time.time))


async def test_source__that_refuses_the_token_or_is_away_is_told(
    intake: Intake, environment: pytest.MonkeyPatch, pg_server: TestServer, tmp_path: Path
) -> None:
    (closed,) = free_ports(1)
    token, _ = mint_token("reader", "auditor")
    (tmp_path / "source.token").write_text(token)
    (tmp_path / "source.token").chmod(0o600)
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    feed = str(intake.client.base_url).rstrip("/")
    for name, value in {"DATABASE_URL": dsn, "SOURCES": f"{feed},http://127.0.0.1:{closed}", "PORT": str(closed),
                        "SOURCE_TOKEN_FILE": str(tmp_path / "source.token")}.items():  # fmt: skip
        environment.setenv(f"FOLLOWUP_{name}", value)
    report = await examined(None, time.time)
    assert f"{feed} refuses the token (401)" in said(report)
    assert f"http://127.0.0.1:{closed} does not answer" in said(report)
    assert "its tables are those of this version" in said(report, State.RIGHT)
    assert token not in repr(report)


async def test_broker_of_a_source__that_is_away_is_told(
    environment: pytest.MonkeyPatch, amqp_url: str, pg_server: TestServer, tmp_path: Path
) -> None:
    (closed,) = free_ports(1)
    feeds = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    files = (tmp_path / "one", tmp_path / "two")
    for file, url in zip(files, (amqp_url, f"amqp://u:geheim@127.0.0.1:{closed}/x"), strict=True):
        file.write_text(url)
    environment.setenv("FOLLOWUP_SOURCES", ",".join(f"{feed}|{file}" for feed, file in zip(feeds, files, strict=True)))
    environment.setenv("FOLLOWUP_DATABASE_URL", await pg_server.empty())
    report = await examined(None, time.time)
    assert f"FOLLOWUP_SOURCES: {feeds[0]}: reached as guest" in said(report, State.RIGHT)
    assert f"FOLLOWUP_SOURCES: {feeds[1]}: 127.0.0.1:{closed}: nobody listens there" in said(report)
    assert "geheim" not in repr(report)
    files[1].write_text("http://no-broker/")
    assert "it must begin with amqp" in said(await examined(None, time.time))


@pytest.mark.timeout(60)
@pytest.mark.slow
async def test_what_hangs__is_told_and_stops_no_other(intake: Intake, environment: pytest.MonkeyPatch) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        while await reader.read(100):
            pass
        writer.close()
        closed.append(writer)

    opened, closed = list[asyncio.StreamWriter](), list[asyncio.StreamWriter]()
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environment.setenv("INTAKE_DATABASE_URL", f"postgresql://u:p@127.0.0.1:{port}/x")
    environment.setenv("INTAKE_AMQP_URL", f"amqp://u:p@127.0.0.1:{port}/x")
    environment.setenv("INTAKE_ISSUER", f"https://127.0.0.1:{port}")
    report = await examined(None, time.time)
    assert f"127.0.0.1:{port} does not answer within 4 s" in said(report)
    assert f"INTAKE_AMQP_URL: 127.0.0.1:{port}: it does not answer within 2.5 s" in said(report)
    assert "shows no certificate" in said(report) and "service: ready" in said(report, State.RIGHT)
    server.close()

    async def has_ended() -> bool:
        return len(closed) == len(opened) > 0

    await until(has_ended)


@pytest.mark.parametrize(
    ("options", "settings", "code", "told"),
    [
        (["--json"], {"INTAKE_DATABASE_URL": "postgresql://u:geheim@127.0.0.1:9/x"}, 1, '"right": false'),
        ([], {"INTAKE_DATABASE_URL": "postgresql://u:geheim@127.0.0.1:9/x"}, 1, "✗ không vào được cơ sở dữ liệu"),
        ([], {}, 2, "set one of them or both"),
        (["--nothing"], {}, 2, "No such option"),
    ],
)
def test_command__ends_with_a_code(options: list[str], settings: dict[str, str], code: int, told: str) -> None:
    done = CliRunner().invoke(build("doctor"), ["doctor", *options], env=settings)
    assert done.exit_code == code and told in done.output and "geheim" not in done.output
    if "--json" in options:
        found = json.loads(done.output)
        assert all(finding["vi"] and finding["en"] for finding in found["findings"])


def test_page__has_nothing_above_it_that_libraries_log() -> None:
    (closed,) = free_ports(1)
    url = f"127.0.0.1:{closed}/x"
    done = forked.run(
        "doctor", env={"INTAKE_DATABASE_URL": f"postgresql://u@{url}", "INTAKE_AMQP_URL": f"amqp://u:p@{url}"}
    )
    assert done.returncode == 1 and done.stderr == "" and done.stdout.startswith("doithoai ")
    assert f"✗ INTAKE_AMQP_URL: 127.0.0.1:{closed}: ở đó không có ai nghe / " in done.stdout


async def test_sandbox_setting__that_intake_would_not_start_with_is_wrong(
    database: str, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    begun = {"source": "sandbox", "sandbox": "true", "clock_start": "2026-01-05T08:00:00+07:00"}
    async with served(database, tmp_path, **begun):
        pass
    for name, value in {"database_url": database, **begun}.items():
        environment.setenv(f"INTAKE_{name.upper()}", value)
    assert "sandbox" not in said(await examined(None, time.time))
    environment.delenv("INTAKE_SANDBOX")
    assert "INTAKE_DATABASE_URL: this store was begun as a sandbox" in said(await examined(None, time.time))


async def test_sandbox_setting__of_another_store_is_wrong(intake: Intake, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INTAKE_SANDBOX", "true")
    assert "INTAKE_SANDBOX: this store was not begun as a sandbox" in said(await examined(None, time.time))
