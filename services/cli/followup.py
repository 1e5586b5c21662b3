"""`doithoai followup serve|rebuild|unpark|digest`, and the commands `doithoai replay` and `doithoai reconcile`."""

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import asyncpg
import httpx
import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from services.cli.intake_client import feed_refusal
from services.cli.losses import By, Confirm, show
from services.exit_codes import FAILED, WRONG_USE, need_folder_of, stop, stop_at, unwritable
from services.followup.adapters.feed_client import FeedClient
from services.followup.adapters.mail import DigestTemplate, InvalidMail
from services.followup.adapters.read.mail_digests import StoredDigests
from services.followup.adapters.source_log import FeedHistory, StoreHistory
from services.followup.adapters.store.earlier_release import EarlierRelease
from services.followup.adapters.store.operator_requests import RequestFailed, ask
from services.followup.adapters.store.rebuild_tables import SEARCH_PATH as REBUILT_PATH
from services.followup.adapters.store.rebuild_tables import RebuildTables
from services.followup.adapters.store.source_births import StoredBirths
from services.followup.application import rebuild as rebuilding
from services.followup.application import replay as replaying
from services.followup.application.digest_mailer import MailServerUnavailable
from services.followup.application.ports import (
    RebuildRuns,
    SourceStopped,
    SourceUnavailable,
    StillSweeping,
    TablesBusy,
)
from services.followup.application.rebuild import RebuildReport
from services.followup.application.replay import InvalidPoint, Replayed, Until, parse_until
from services.followup.application.source_names import SourceNames, SourceRefused, birth_of
from services.followup.configured import SEARCH_PATH, digest_mailer, digest_recipients, source_token
from services.followup.domain.letters.digest import MailDigest, Recipient
from services.followup.settings import FollowupSettings, listed_sources
from shared.http.logs import configure_logs
from shared.http.tokens import InvalidTokens, TokenFile
from shared.identifiers import local_day, local_iso, normalised
from shared.postgres.pool import create_pool
from shared.postgres.server_check import UnfitServer, failure
from shared.postgres.transient_errors import Unconfirmed
from shared.sentences import Sentence
from shared.settings import WrongSettings, settings_from_environment

AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Unconfirmed, SourceUnavailable)

app = typer.Typer(name="followup", help="Follow sources and watch the clocks.", no_args_is_help=True)
_progress = Console(stderr=True)

TOKEN_FILE = "FOLLOWUP_SOURCE_TOKEN_FILE"
GIVE_TOKEN_FILE = Sentence(
    f"hãy ghi mã truy cập vào một tệp và nêu tệp đó bằng {TOKEN_FILE}",
    f"write a token into a file, and name that file by {TOKEN_FILE}",
)

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.callback()
def main() -> None:
    """Follow sources and watch the clocks."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="FOLLOWUP_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="FOLLOWUP_PORT; 0 takes a free one")] = None,
) -> None:
    """Serve followup. Its settings come from the environment (FOLLOWUP_...)."""
    # Not before it is asked for: the other commands here wait for no web server.
    from services.followup.bootstrap import run

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        run(_settings().model_copy(update=given))
    except InvalidTokens as error:
        stop_at("FOLLOWUP_TOKENS_FILE, FOLLOWUP_TOKENS", WRONG_USE, error.said)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except (UnfitServer, *AWAY) as error:
        stop(FAILED, f"followup does not start: {failure(error, 'FOLLOWUP_DATABASE_URL')}")


@app.command()
def rebuild(
    source: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="this source; left out: each in turn")
    ] = None,
    confirm_restored: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="This source was restored: read its other history.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the projection of sources again beside their live tables, swap them, and report what differs.

    Nothing is emitted, and other sources stay as they are.
    """
    settings = _settings()
    reports = _run(_rebuild(settings, tuple(source or ()), tuple(confirm_restored or ())))
    if as_json:
        typer.echo(msgspec.json.encode(reports).decode())
        return
    for name, report in reports.items():
        typer.echo(
            f"{name}: {report.events} events, {report.cases} cases, {report.deadlines} deadlines, "
            f"{len(report.differences)} differences"
        )
        for subject_id, why in sorted(report.differences.items(), key=str):
            typer.echo(f"  {subject_id}  {why}")
    if any(report.differences for report in reports.values()):
        typer.echo("What differs emits nothing until `doithoai reconcile --reason ...`.")


@app.command()
def unpark(
    petition: Annotated[UUID, typer.Argument(help="the petition whose events wait")],
    source: Annotated[str, typer.Option(help="its source")] = "local",
) -> None:
    """Rebuild a parked petition from its first event and raise what an undisturbed run would have raised."""
    typer.echo(_run(_ask(_settings(), "unpark", source, petition, "")))


@app.command()
def losses(confirm: Confirm = "", by: By = "", as_json: Json = False) -> None:
    """List the events that were read from a source and that it has lost; confirm that somebody has seen to it."""
    show(_settings().database_url, "FOLLOWUP_DATABASE_URL", confirm, by, as_json=as_json)


@app.command()
def digest(
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the day of the digest")],
    agency: Annotated[str, typer.Option(help="one body: its key in the recipients file, or its code")] = "",
    source: Annotated[str, typer.Option(help="one source; left out: each")] = "",
    printed: Annotated[bool, typer.Option("--print", help="Print what would be sent; nothing is sent.")] = False,
) -> None:
    """Send those digests of a day that were not sent yet, or print them."""
    configure_logs("followup")
    text, all_taken = _run(_digest(_settings(), day.date(), agency, source, printed))
    typer.echo(text or "Nothing to send.")
    if not all_taken:
        raise typer.Exit(FAILED)


def reconcile(
    reason: Annotated[str, typer.Option(help="recorded with every event, such as source_restored")],
    case: Annotated[UUID | None, typer.Option(help="one case; left out: every case listed as a difference")] = None,
    source: Annotated[str, typer.Option(help="the source")] = "local",
) -> None:
    """Emit the differences between expected and raised deadlines, with a reason."""
    if not (why := normalised(reason)):
        stop(WRONG_USE, "--reason: say why, such as source_restored")
    typer.echo(_run(_ask(_settings(), "reconcile", source, case, why)))


def replay(
    until: Annotated[str, typer.Option(metavar="POSITION[@INSTANT]|INSTANT", help="up to which point")],
    history: Annotated[
        str, typer.Option("--from", metavar="URL", help="a feed (http://...) or an event store (postgresql://...)")
    ] = "",
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="write the rows there, one JSON a line")] = None,
    as_json: Json = False,
) -> None:
    """Replay a source's history up to a point and print the digest of the resulting state."""
    sources = listed_sources(os.environ.get("FOLLOWUP_SOURCES", "http://127.0.0.1:8570"))
    place = history or next((url for url, _ in sources), "")
    if not place.startswith(("http://", "https://", "postgresql://", "postgres://")):
        named = repr(place.partition("?")[0])
        said = Sentence(
            f"{named} không phải http://, https:// hay postgresql://; hãy nêu một địa chỉ như vậy",
            f"{named} is neither http://, https:// nor postgresql://; give such an address",
        )
        stop_at("--from", WRONG_USE, said)
    token = _token()
    if to is not None:
        need_folder_of("--to", to)  # before the history is read, which may take long
    try:
        found = _run(
            _replay(place.rstrip("/"), token, parse_until(until)),
            "--from" if history else "FOLLOWUP_SOURCES",
            bool(token()),
        )
        if to is not None:
            with to.open("wb") as file:
                file.writelines(line + b"\n" for line in _rows(found))
    except InvalidPoint as error:
        stop(WRONG_USE, f"--until: {error}")
    except OSError as error:
        stop_at(f"--to: {to}", WRONG_USE, unwritable(error))
    point = found.point
    at = f"{point.position}@{local_iso(point.instant)}"
    if as_json:
        answer = {"source": point.source, "epoch": point.epoch, "until": at, "digest": found.digest}
        typer.echo(json.dumps(answer | {"parked": found.parked}))
        return
    typer.echo(f"source   {point.source} (epoch {point.epoch})\nuntil    {at}\ndigest   {found.digest}")
    if found.parked:
        typer.echo(f"parked   {found.parked} events that could not be folded, or wait behind one")


async def _rebuild(
    settings: FollowupSettings, chosen: tuple[str, ...], restored: tuple[str, ...]
) -> dict[str, RebuildReport]:
    async with contextlib.AsyncExitStack() as stack:
        pool = await create_pool(settings.database_url, application="rebuild", search_path=REBUILT_PATH)
        stack.push_async_callback(pool.close)
        client = await stack.enter_async_context(httpx.AsyncClient())
        births, feeds = StoredBirths(pool), dict[str, FeedClient]()
        names = SourceNames(births)
        for url in settings.feeds:
            feed = FeedClient(url, client, source_token(settings))
            page = await feed.page(0, limit=1)
            feeds[page.source] = feed
            if page.source in restored and (birth := birth_of(page)) is not None:
                await births.confirm(page.source, birth)
            await names.claim(url, page)
        if unknown := sorted({*chosen, *restored} - feeds.keys()):
            raise WrongSettings(f"--source: FOLLOWUP_SOURCES has no {unknown[0]!r}, only {', '.join(sorted(feeds))}")
        with Progress(console=_progress, transient=True) as progress:
            task = progress.add_task("folding", total=None)

            def show(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            await rebuilding.take_over(EarlierRelease(pool), show)
            wanted = [feed for name, feed in feeds.items() if name in chosen or not chosen]
            return await rebuilding.rebuild(RebuildTables(pool), wanted, restored, show)


async def _digest(settings: FollowupSettings, day: date, agency: str, source: str, printed: bool) -> tuple[str, bool]:
    """What was sent or printed, a line a body, and whether every address took it."""
    pool = await create_pool(settings.database_url, application="digest", search_path=SEARCH_PATH)
    try:
        store, mailer = StoredDigests(pool), digest_mailer(settings, pool, alone=True)
        if mailer is None and not printed:
            raise WrongSettings("FOLLOWUP_SMTP_URL: name the mail server, or only --print")
        lines, failed = list[str](), False
        for clock in [c for c in await store.clocks() if source in ("", c.source)]:
            today = local_day(clock.now)
            if day > today:
                raise RequestFailed(f"--day: {clock.source} has not come to {day} yet")
            for recipient in _digest_recipients(settings, agency, printed=printed):
                if printed or mailer is None:
                    found = await store.digest(clock.source, recipient, day, today)
                    lines += [] if found.is_empty else [_as_text(settings, found, recipient)]
                elif not await store.is_done(clock.source, recipient, day):
                    sent = await mailer.send_days(clock.source, recipient, [day], today)
                    rest = await store.unreached(clock.source, recipient, day)
                    refused = not await store.is_done(clock.source, recipient, day)
                    failed |= refused or bool(rest)
                    what = "sent" if sent else "refused by the mail server" if refused else "nothing to tell"
                    if rest:
                        what += f"; the mail server refused {len(rest[0][1].addresses)} of its addresses"
                    lines.append(f"{clock.source}  {recipient.key}  {what}")
        return ("\n\n" if printed else "\n").join(lines), not failed
    except MailServerUnavailable as error:
        raise RequestFailed(f"the mail server cannot be reached or takes nothing now: {error}") from None
    finally:
        await pool.close()


def _digest_recipients(settings: FollowupSettings, agency: str, *, printed: bool) -> list[Recipient]:
    if printed and agency and not settings.digest_to:
        return [Recipient(agency, ())]  # what is only printed needs no address
    chosen = [r for r in digest_recipients(settings) if agency in ("", r.key, r.debtor)]
    if not chosen:
        raise WrongSettings(f"--agency: FOLLOWUP_DIGEST_TO names no {agency!r}")
    return chosen


def _as_text(settings: FollowupSettings, found: MailDigest, recipient: Recipient) -> str:
    try:
        subject, body = DigestTemplate(settings.digest_template).render(found)
    except InvalidMail as error:
        raise WrongSettings(f"FOLLOWUP_DIGEST_TEMPLATE: {error}") from None
    return f"To: {recipient.key}\nSubject: {subject}\n\n{body}"


async def _ask(settings: FollowupSettings, kind: str, source: str, subject: UUID | None, reason: str) -> str:
    pool = await create_pool(settings.database_url, application="request", search_path=SEARCH_PATH)
    try:
        return await ask(pool, kind, source, subject, reason)
    finally:
        await pool.close()


async def _replay(place: str, token: TokenFile, until: Until) -> Replayed:
    if place.startswith(("postgresql://", "postgres://")):
        return await replaying.replay(StoreHistory(place), until)
    async with httpx.AsyncClient() as client:
        return await replaying.replay(FeedHistory(FeedClient(place, client, token)), until)


def _rows(found: Replayed) -> Iterator[bytes]:
    for subject_id in found.engine.subjects():
        row = found.engine.case_row(subject_id)
        if row is not None:
            yield msgspec.json.encode({"case": row})
        for raised in found.engine.raised_of(subject_id):
            yield msgspec.json.encode({"deadline": raised})


def _settings() -> FollowupSettings:
    try:
        return settings_from_environment(FollowupSettings)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))


def _token() -> TokenFile:
    path = os.environ.get(TOKEN_FILE, "")
    try:
        return TokenFile(path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or error
        said = Sentence(
            f"không đọc được ({why}); hãy nêu tệp chứa mã truy cập",
            f"cannot be read ({why}); name the file that holds the token",
        )
        stop_at(f"{TOKEN_FILE}: {path}", WRONG_USE, said)


def _run(work: "Awaitable[T]", place: str = "FOLLOWUP_DATABASE_URL", has_token: bool | None = None) -> T:
    """What the work gives. `place` is where the database, or for a replay the history, is named."""

    async def awaited() -> T:
        return await work

    try:
        return asyncio.run(awaited())
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except (SourceStopped, SourceRefused, StillSweeping, TablesBusy, RebuildRuns, RequestFailed) as error:
        stop(FAILED, str(error))
    except SourceUnavailable as error:
        known = bool(os.environ.get(TOKEN_FILE)) if has_token is None else has_token
        where = "FOLLOWUP_SOURCES" if place == "FOLLOWUP_DATABASE_URL" else place
        stop_at(where, FAILED, feed_refusal(error.status, str(error), known, GIVE_TOKEN_FILE))
    except AWAY as error:
        stop(FAILED, failure(error, place))
