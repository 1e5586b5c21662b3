"""`doithoai intake serve`, and the command `doithoai token`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import asyncpg
import msgspec
import typer

from services.cli.intake_client import DEFAULT_URL, get
from services.cli.losses import By, Confirm, Json, show
from services.cli.reconcile_day import reconcile
from services.exit_codes import FAILED, WRONG_USE, given_code, stop, stop_at, unwritable
from services.intake.settings import IntakeSettings
from shared.http.tokens import (
    RIGHTS,
    ROLE_RIGHTS,
    ROLE_TITLES,
    ROLES,
    InvalidTokens,
    Right,
    TokenEntry,
    change_tokens,
    checked,
    mint_token,
    rotated,
)
from shared.identifiers import NATION, normalised
from shared.postgres.server_check import UnfitServer, failure
from shared.postgres.transient_errors import Unconfirmed
from shared.sentences import Sentence
from shared.settings import WrongSettings, settings_from_environment

app = typer.Typer(name="intake", help="The system of record.", no_args_is_help=True)


app.command()(reconcile)


@app.callback()
def main() -> None:
    """The system of record."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="INTAKE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="INTAKE_PORT; 0 takes a free one")] = None,
) -> None:
    """Serve intake. Its settings come from the environment (INTAKE_...)."""
    # Not before it is asked for: the other commands here wait for no web server.
    from services.intake.bootstrap import run

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        run(settings_from_environment(IntakeSettings).model_copy(update=given))
    except InvalidTokens as error:
        stop_at("INTAKE_TOKENS_FILE, INTAKE_TOKENS", WRONG_USE, error.said)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    except (OSError, TimeoutError, UnfitServer, asyncpg.PostgresError, asyncpg.InterfaceError, Unconfirmed) as error:
        stop(FAILED, f"intake does not start: {failure(error, 'INTAKE_DATABASE_URL')}")


def token(
    name: Annotated[str, typer.Argument(help="the calling system")],
    role: Annotated[str, typer.Option(help=", ".join(sorted(ROLES)))] = "system",
    jurisdiction: Annotated[str, typer.Option(help="the subtree that it is held to")] = NATION,
    agency: Annotated[str, typer.Option(help="the agency's code, for the role agency")] = "",
    amqp_user: Annotated[str, typer.Option(help="its user at the broker, for commands by queue")] = "",
    source: Annotated[
        list[str] | None, typer.Option(help="a source in whose name it may push, `*` any; left out: its own name alone")
    ] = None,
    may: Annotated[
        list[str] | None,
        typer.Option(help=f"what a system may beyond its acts: {', '.join(RIGHTS)}; none; left out: all of it"),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="add the entry to this tokens file")] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="another token for a caller of the file; the newest old one stays valid")
    ] = False,
) -> None:
    """Mint a token. It is printed once, with the hashed entry for the tokens file."""
    if rotate:
        if file is None:
            said = Sentence("hãy nêu tệp mã truy cập bằng --file FILE", "name the tokens file with --file FILE")
            stop_at("--rotate", WRONG_USE, said)
        minted, entry = _rotated(file, name)
    else:
        if role not in ROLES or (role == "agency") != bool(agency):
            listed = ", ".join(sorted(ROLES))
            said = Sentence(
                f"hãy chọn một trong: {listed}; chỉ vai trò agency, và luôn luôn, cần --agency",
                f"one of {listed}; the role agency, and it alone, needs --agency",
            )
            stop_at("--role", WRONG_USE, said)
        place = given_code("--jurisdiction", jurisdiction)
        body = given_code("--agency", agency) if agency else ""
        minted, entry = mint_token(
            normalised(name),
            role,  # type: ignore[arg-type]
            place,
            body,
            amqp_user,
            tuple(source or ()),
            _rights(may),
        )
        try:
            checked((entry,))
        except InvalidTokens as error:
            stop_at("--source" if "" in entry.sources else "NAME", WRONG_USE, error.said)
        if file is not None:
            _add(file, entry)
    typer.echo(minted)
    typer.echo(msgspec.json.encode(entry).decode())
    if sys.stderr.isatty():  # for people; scripts read the token alone
        typer.echo(rights_of(entry).both, err=True)


@app.command()
def refused(
    url: Annotated[str, typer.Option(help="The intake that is asked.")] = DEFAULT_URL,
    token: Annotated[str, typer.Option(help="The caller's token; else DOITHOAI_TOKEN.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the commands of the queue that were refused: when, whose, which, and why; nothing of what they said."""
    answer = get(url, f"/v1/refused-commands?limit={limit}", token)
    if answer is None:
        said = Sentence(
            f"{url} không có danh sách này (404); hãy nêu hệ thống tiếp nhận cùng phiên bản",
            f"{url} has no such list (404); name an intake of this version",
        )
        stop_at("--url", FAILED, said)
    items = answer["items"]
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=False))
        return
    for item in items:
        what = item["command"] or "?"
        told = [item["refused_at"], item["caller"] or "?", what, item["reason_code"], item["refused_id"]]
        typer.echo("  ".join([*told, "erased"] if item["is_erased"] else told))
    if not items:
        typer.echo("nothing was refused")


@app.command()
def losses(confirm: Confirm = "", by: By = "", as_json: Json = False) -> None:
    """List the acknowledged commands that the store has lost; confirm that somebody has seen to it."""
    try:
        settings = settings_from_environment(IntakeSettings)
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    show(settings.database_url, "INTAKE_DATABASE_URL", confirm, by, as_json=as_json)


def rights_of(entry: TokenEntry) -> Sentence:
    """What the holder of a token may, for whoever mints it."""
    title, rights = ROLE_TITLES[entry.role], ROLE_RIGHTS[entry.role]
    place = f"{entry.jurisdiction} {entry.agency}".rstrip()
    sources = ", ".join(entry.sources) or entry.name
    of_sources = Sentence(f"; nguồn {sources}", f"; sources {sources}") if entry.role == "system" else Sentence("", "")
    return Sentence(
        f"{entry.name}: {title.vi} ở {place}: {rights.vi}{of_sources.vi}",
        f"{entry.name}: {title.en} at {place}: {rights.en}{of_sources.en}",
    )


class _OtherwiseInFile(Exception):
    """A caller is in the tokens file though it should not be, or the other way round."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.said = Sentence(vi, en)


def _add(file: Path, entry: TokenEntry) -> None:
    def added(entries: tuple[TokenEntry, ...]) -> tuple[TokenEntry, ...]:
        if any(known.name == entry.name for known in entries):
            raise _OtherwiseInFile(
                f"{entry.name} đã có trong {file}: --rotate tạo thêm một mã truy cập cho bên gọi đó",
                f"{entry.name} is in {file} already: --rotate mints it another token",
            )
        return (*entries, entry)

    _change(file, added)


def _rights(given: list[str] | None) -> tuple[Right, ...]:
    """The rights that a token is to have: all, none, or those that are named."""
    if given is None:
        return RIGHTS
    if given == ["none"]:
        return ()
    if unknown := set(given) - set(RIGHTS):
        listed, named = ", ".join((*RIGHTS, "none")), ", ".join(sorted(unknown))
        said = Sentence(
            f"không có quyền {named}; hãy chọn trong: {listed}", f"there is no right {named}; choose of {listed}"
        )
        stop_at("--may", WRONG_USE, said)
    return tuple(right for right in RIGHTS if right in given)


def _rotated(file: Path, name: str) -> tuple[str, TokenEntry]:
    made: list[tuple[str, TokenEntry]] = []

    def replaced(entries: tuple[TokenEntry, ...]) -> tuple[TokenEntry, ...]:
        known = next((entry for entry in entries if entry.name == name), None)
        if known is None:
            raise _OtherwiseInFile(
                f"{name} chưa có trong {file}: bỏ --rotate để tạo mã truy cập đầu tiên",
                f"{name} is not in {file}: without --rotate it gets its first token",
            )
        made.append(rotated(known))
        return tuple(made[0][1] if entry is known else entry for entry in entries)

    _change(file, replaced)
    return made[0]


def _change(file: Path, change: Callable[[tuple[TokenEntry, ...]], tuple[TokenEntry, ...]]) -> None:
    try:
        change_tokens(file, change)
    except _OtherwiseInFile as refused:
        stop_at("NAME", FAILED, refused.said)
    except InvalidTokens as error:
        stop_at(f"--file: {file}", WRONG_USE, error.said)
    except OSError as error:
        stop_at(f"--file: {file}", WRONG_USE, unwritable(error))
