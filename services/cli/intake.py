"""`doithoai intake serve`, and the command `doithoai token`."""

import json
from pathlib import Path
from typing import Annotated

import asyncpg
import msgspec
import typer

from services.cli.intake_client import DEFAULT_URL, get
from services.exit_codes import FAILED, WRONG_USE, stop
from services.intake.bootstrap import run
from services.intake.settings import IntakeSettings
from shared.http.auth import ROLES, InvalidTokens, load_tokens, mint_token
from shared.identifiers import NATION, MalformedCode, agency_code
from shared.settings import WrongSettings, settings_from_environment

app = typer.Typer(name="intake", help="The system of record.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """The system of record."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="INTAKE_HOST")] = None,
    port: Annotated[int | None, typer.Option(help="INTAKE_PORT; 0 takes a free one")] = None,
) -> None:
    """Serve intake. Its settings come from the environment (INTAKE_...)."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        run(settings_from_environment(IntakeSettings).model_copy(update=given))
    except (InvalidTokens, WrongSettings) as error:
        stop(WRONG_USE, str(error))
    except asyncpg.UndefinedTableError:
        stop(FAILED, "intake does not start: its database has no tables; run `doithoai migrate` first")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Only the kind: the text may quote the address and user of the database.
        stop(FAILED, f"intake does not start: {type(error).__name__}; is INTAKE_DATABASE_URL right?")


def token(
    name: Annotated[str, typer.Argument(help="the calling system")],
    role: Annotated[str, typer.Option(help=", ".join(sorted(ROLES)))] = "system",
    jurisdiction: Annotated[str, typer.Option(help="the subtree that it is held to")] = NATION,
    agency: Annotated[str, typer.Option(help="the agency's code, for the role agency")] = "",
    amqp_user: Annotated[str, typer.Option(help="its user at the broker, for commands by queue")] = "",
    file: Annotated[Path | None, typer.Option(help="append the entry to this tokens file")] = None,
) -> None:
    """Mint a token. It is printed once, with the hashed entry for the tokens file."""
    if role not in ROLES or (role == "agency") != bool(agency):
        stop(WRONG_USE, f"--role: one of {', '.join(sorted(ROLES))}; the role agency, and it alone, needs --agency")
    try:
        place, body = agency_code(jurisdiction), agency_code(agency) if agency else ""
    except MalformedCode as error:
        stop(WRONG_USE, str(error))
    minted, entry = mint_token(name, role, place, body, amqp_user)  # type: ignore[arg-type]
    if file is not None:
        try:
            entries = [*(load_tokens(str(file)) if file.exists() else ()), entry]
        except InvalidTokens as error:
            stop(FAILED, str(error))
        content = json.dumps({"tokens": msgspec.to_builtins(entries)}, ensure_ascii=False, indent=2)
        file.write_text(content + "\n", encoding="utf-8")
    typer.echo(minted)
    typer.echo(msgspec.json.encode(entry).decode())


@app.command()
def refused(
    url: Annotated[str, typer.Option(help="The intake that is asked.")] = DEFAULT_URL,
    token: Annotated[str, typer.Option(help="The caller's token; else DOITHOAI_TOKEN.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the commands of the queue that were refused: when, whose, which, and why; nothing of what they said."""
    items = (get(url, f"/v1/refused-commands?limit={limit}", token) or {"items": []})["items"]
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=False))
        return
    for item in items:
        what = item["command"] or "?"
        told = [item["refused_at"], item["caller"] or "?", what, item["reason_code"], item["refused_id"]]
        typer.echo("  ".join([*told, "erased"] if item["is_erased"] else told))
    if not items:
        typer.echo("nothing was refused")
