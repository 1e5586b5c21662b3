"""What the settings name, for the service and for a command that works beside it without a server."""

import os
import socket
from pathlib import Path

import asyncpg

from services.followup.adapters.mail import DigestTemplate, InvalidMail, Post, load_recipients
from services.followup.adapters.read.mail_digests import StoredDigests
from services.followup.application.digest_mailer import DigestMailer
from services.followup.domain.letters.digest import Recipient
from services.followup.settings import FollowupSettings
from shared.http.system_tokens import SystemSettings
from shared.http.tokens import TokenFile
from shared.postgres import lease
from shared.server_urls import broker_hosts_of
from shared.settings import WrongSettings

MIGRATIONS = ("shared.postgres", "services.followup")
SEARCH_PATH = "followed, public"
MAIL_LEASE = 120.0  # seconds: longer than one message may take


def source_token(settings: FollowupSettings) -> TokenFile:
    """The token with which the feeds are read, whenever it is read. Raises WrongSettings."""
    try:
        return TokenFile(settings.source_token_file)
    except OSError as error:
        raise WrongSettings(f"FOLLOWUP_SOURCE_TOKEN_FILE: {error.strerror}") from None


def broker_urls(settings: FollowupSettings) -> dict[str, str]:
    """The URL of its broker, of each source by its address. Raises WrongSettings.

    A virtual host belongs to one source. Where several are followed, those without a broker of their own are read by
    their feeds alone.
    """
    urls = dict.fromkeys(settings.feeds, settings.amqp_url if len(settings.feeds) == 1 else "")
    for address, file in settings.broker_files.items():
        try:
            urls[address] = Path(file).read_text("utf-8").strip()
            broker_hosts_of(urls[address])
        except OSError as error:
            raise WrongSettings(f"FOLLOWUP_SOURCES: {file}: {error.strerror}") from None
        except ValueError as error:
            raise WrongSettings(f"FOLLOWUP_SOURCES: {file}: {error}") from None
    return urls


def digest_mailer(
    settings: FollowupSettings, pool: "asyncpg.Pool[asyncpg.Record]", *, alone: bool = False
) -> DigestMailer | None:
    """What sends digests by mail; None where no mail server is set. `alone`: for one command, which needs no lease.

    Raises WrongSettings.
    """
    post = digest_post(settings)
    if post is None:
        return None
    holder = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"

    async def may_send() -> bool:
        return alone or await lease.acquire(pool, "digests", holder, MAIL_LEASE) is not None

    return DigestMailer(StoredDigests(pool), post.send, digest_recipients(settings), settings.digest_at, may_send)


def digest_post(settings: FollowupSettings) -> Post | None:
    """The mail server with the digests' text; None where none is set. Raises WrongSettings."""
    if not settings.smtp_url:
        return None
    try:
        return Post(settings.smtp_url, settings.digest_from, DigestTemplate(settings.digest_template))
    except InvalidMail as error:
        raise WrongSettings(f"FOLLOWUP_SMTP_URL, FOLLOWUP_DIGEST_FROM, FOLLOWUP_DIGEST_TEMPLATE: {error}") from None


def digest_recipients(settings: FollowupSettings) -> list[Recipient]:
    """Who gets digests. Raises WrongSettings."""
    if not settings.digest_to:
        raise WrongSettings("FOLLOWUP_DIGEST_TO: name the file with each body's addresses")
    try:
        return load_recipients(settings.digest_to)
    except InvalidMail as error:
        raise WrongSettings(f"FOLLOWUP_DIGEST_TO: {error}") from None


def system_settings(settings: FollowupSettings) -> SystemSettings:
    """What the settings say of the provider of systems. Raises WrongSettings."""
    found = SystemSettings(
        settings.jwt_issuer,
        settings.jwt_audience,
        settings.jwt_jwks,
        settings.jwt_admin,
    )
    if found.wrong:
        raise WrongSettings(f"FOLLOWUP_{found.wrong}")
    return found
