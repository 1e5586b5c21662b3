"""Everything that is looked at, and in which order it is told."""

import asyncio
import contextlib
import importlib.metadata
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from services.backups.catalog import Catalog
from services.doctor import (
    broker,
    certificates,
    databases,
    kept_backups,
    machine,
    processes,
    secret_files,
    servers,
    store_key,
)
from services.doctor.databases import Now
from services.doctor.findings import AbandonedThreads, Finding, Section, State, section
from services.doctor.machine import OurFolder
from services.doctor.system import account_of, folders_of_rabbitmq
from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings
from shared.http.loopback import is_loopback
from shared.rabbit.topology import DEADLINES, commands_of, events_of
from shared.sentences import Sentence

#: The units whose users must read and write what they need.
INTAKE, FOLLOWUP, BACKUP = "doithoai-intake.service", "doithoai-followup.service", "doithoai-backup.service"


class Examination(msgspec.Struct, frozen=True):
    """The whole page."""

    version: str
    sections: tuple[Section, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.state is not State.WRONG for part in self.sections for finding in part.findings)


async def examined(backups: Path | None, now: Now) -> Examination:
    """Look at what the environment configures: intake, followup, or both."""
    asyncio.get_running_loop().set_default_executor(AbandonedThreads())
    settings = list[Finding]()
    intake = followup = None
    if _is_configured("INTAKE"):
        intake, finding = secret_files.settings_of(IntakeSettings, "intake")
        settings.append(finding)
    if _is_configured("FOLLOWUP"):
        followup, finding = secret_files.settings_of(FollowupSettings, "followup")
        settings.append(finding)
    first = Section(Sentence("Thiết lập", "Settings"), tuple(settings))
    checks = [
        *_of_intake(intake, now),
        *_of_followup(followup, now),
        *_of_servers(intake, followup, backups, now),
        *_of_machine(intake, followup, backups, now),
    ]
    parts = await asyncio.gather(*(section(Sentence(vi, en), check) for vi, en, check in checks))
    return Examination(importlib.metadata.version("doithoai"), (first, *parts))


def is_configured() -> bool:
    """Whether the environment configures anything."""
    return _is_configured("INTAKE") or _is_configured("FOLLOWUP")


_Check = tuple[str, str, Callable[[], Awaitable[Sequence[Finding]]]]


def _of_intake(settings: IntakeSettings | None, now: Now) -> list[_Check]:
    if settings is None:
        return []

    async def look_at_broker() -> Sequence[Finding]:
        source = await databases.name_of_store(settings.database_url, settings.source)
        queues = [commands_of(source), events_of(source)]
        return await broker.look("INTAKE_AMQP_URL", settings.amqp_url, source, queues)

    count = settings.pool_size + 1  # and the one that listens
    look_at_store = partial(databases.look, "intake", settings.database_url, count, now, settings)

    async def look_at_secrets() -> Sequence[Finding]:
        files = await asyncio.to_thread(lambda: secret_files.of_intake(settings, account_of(INTAKE)))
        return [*files, *await store_key.look(settings)]

    return [
        ("Bí mật của intake", "Secrets of intake", look_at_secrets),
        ("Cơ sở dữ liệu của intake", "Database of intake", look_at_store),
        ("RabbitMQ của intake", "Broker of intake", look_at_broker),
        ("Dịch vụ intake", "Service intake", partial(processes.look, settings.host, settings.port, now)),
    ]


def _of_followup(settings: FollowupSettings | None, now: Now) -> list[_Check]:
    if settings is None:
        return []
    look_at_broker = partial(broker.look, "FOLLOWUP_AMQP_URL", settings.amqp_url, "", [DEADLINES])
    secrets = partial(asyncio.to_thread, lambda: secret_files.of_followup(settings, account_of(FOLLOWUP)))
    own: list[_Check] = [
        ("RabbitMQ riêng của các nguồn", "Brokers of the sources' own", partial(broker.look_at_own, settings))
    ]
    return [
        ("Bí mật của followup", "Secrets of followup", secrets),
        (
            "Cơ sở dữ liệu của followup",
            "Database of followup",
            partial(databases.look, "followup", settings.database_url, 1, now),
        ),
        ("RabbitMQ của followup", "Broker of followup", look_at_broker),
        ("Dịch vụ followup", "Service followup", partial(processes.look, settings.host, settings.port, now)),
        ("Nguồn của followup", "Sources of followup", partial(processes.look_at_sources, settings)),
        *(own if settings.broker_files else ()),
    ]


def _of_servers(
    intake: IntakeSettings | None, followup: FollowupSettings | None, backups: Path | None, now: Now
) -> list[_Check]:
    named = {"intake": intake, "followup": followup}
    urls = {name: settings.database_url for name, settings in named.items() if settings is not None}

    async def look() -> Sequence[Finding]:
        received = False
        if backups is not None:
            at = datetime.fromtimestamp(now(), UTC)
            with contextlib.suppress(OSError):  # the check of the backups says why; a folder that is away may hang
                received = bool(await asyncio.to_thread(Catalog(backups).log_grown, at))
        return await servers.look(urls, received=received)

    return [("Máy chủ PostgreSQL", "Servers of PostgreSQL", look)] if urls else []


def _of_machine(
    intake: IntakeSettings | None, followup: FollowupSettings | None, backups: Path | None, now: Now
) -> list[_Check]:
    urls = list[tuple[str, str]]()
    if intake is not None:
        named = ("database_url", "amqp_url", "issuer", "public_url")
        urls += [(f"INTAKE_{name.upper()}", getattr(intake, name)) for name in named]
    if followup is not None:
        named = ("database_url", "amqp_url", "issuer", "public_url")
        urls += [(f"FOLLOWUP_{name.upper()}", getattr(followup, name)) for name in named]
        urls += [("FOLLOWUP_SOURCES", url) for url in followup.feeds]
    checks: list[_Check] = [("Chứng thư", "Certificates", partial(certificates.look, urls, now))]
    if public := [(variable, url) for variable, url in urls if variable.endswith("PUBLIC_URL") and _is_public(url)]:
        checks.append(("Địa chỉ bên ngoài", "Addresses outside", partial(_look_outside, public)))
    if folder := os.environ.get("DOITHOAI_SECRETS_DIR", ""):
        of_folder = partial(asyncio.to_thread, lambda: secret_files.of_folder(folder, account_of(INTAKE)))
        checks.append(("Thư mục bí mật", "Folder of secrets", of_folder))
    if backups is not None:
        checks.append(("Sao lưu", "Backups", partial(kept_backups.look, backups, now)))
    return [*checks, ("Máy này", "This machine", partial(_look_at_machine, intake, followup, backups))]


async def _look_outside(public: Sequence[tuple[str, str]]) -> Sequence[Finding]:
    looks = (processes.look_at_public(variable, url) for variable, url in public)
    return [finding for found in await asyncio.gather(*looks) for finding in found]


async def _look_at_machine(
    intake: IntakeSettings | None, followup: FollowupSettings | None, backups: Path | None
) -> Sequence[Finding]:
    urls = [settings.database_url for settings in (intake, followup) if settings is not None]
    kept = [
        OurFolder("PostgreSQL", each) for found in await asyncio.gather(*map(servers.folders, urls)) for each in found
    ]
    brokers = [settings.amqp_url for settings in (intake, followup) if settings is not None]
    if any(url and not _is_public(url) for url in brokers):  # one on this machine
        kept += [OurFolder("RabbitMQ", each) for each in await asyncio.to_thread(lambda: list(folders_of_rabbitmq()))]
    if intake is not None and intake.files:
        kept.append(OurFolder("INTAKE_FILES", Path(intake.files), await asyncio.to_thread(account_of, INTAKE)))
    if backups is not None:
        writer = await asyncio.to_thread(account_of, BACKUP, str(backups))
        kept.append(OurFolder("--backups", backups, writer, is_backup=True))
    return await machine.look(list(dict.fromkeys(kept)))


def _is_public(url: str) -> bool:
    """Whether a URL leads beyond this machine."""
    host = urlsplit(url).hostname or ""
    return bool(host) and not is_loopback(host)


def _is_configured(prefix: str) -> bool:
    folder = os.environ.get("DOITHOAI_SECRETS_DIR", "")
    named = f"{prefix}_DATABASE_URL"
    return bool(os.environ.get(named)) or bool(folder and (Path(folder) / named.lower()).exists())
