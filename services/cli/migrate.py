"""`doithoai migrate`: apply the missing migrations to the databases of the pair, and grant roles what they need."""

import asyncio
import json
from typing import Annotated

import asyncpg
import typer

from services.databases import PACKAGES, URLS, urls_given
from services.exit_codes import FAILED, WRONG_USE, stop
from shared.postgres.migrate import EditedMigration, OwnsItsStore, grant
from shared.postgres.migrate import migrate as apply
from shared.postgres.server_check import failure
from shared.postgres.transient_errors import Unconfirmed
from shared.settings import WrongSettings

GRANTS = {
    "intake": ("grant_intake", "grant_erasing_refused", "grant_files", "grant_master_key", "grant_pushes"),
    "followup": ("grant_following", "grant_webhooks"),
}
RUNS_AS = "A role that {} runs as, when it does not own its database: it gets its grants."


def migrate(
    intake_role: Annotated[str, typer.Option(help=RUNS_AS.format("intake"))] = "",
    followup_role: Annotated[str, typer.Option(help=RUNS_AS.format("followup"))] = "",
    auditor_role: Annotated[str, typer.Option(help="A role that may read the events, and nothing else.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Migrate the databases of INTAKE_DATABASE_URL and FOLLOWUP_DATABASE_URL, whichever are set. Safe to repeat."""
    roles = {"intake": intake_role, "followup": followup_role}
    try:
        urls = urls_given()
    except WrongSettings as error:
        stop(WRONG_USE, str(error))
    if not urls:
        stop(WRONG_USE, f"set {URLS['intake']} or {URLS['followup']}, or both")
    for name, role in roles.items():
        if role and name not in urls:
            stop(WRONG_USE, f"--{name}-role: set {URLS[name]} too")
    done: dict[str, list[str]] = {}
    for name, url in urls.items():
        try:
            done[name] = asyncio.run(_migrate(name, url, roles[name], auditor_role))
        except (EditedMigration, OwnsItsStore) as error:
            stop(FAILED, f"{name}: {error}")
        except asyncpg.UndefinedObjectError as error:
            stop(FAILED, f"{name}: {error}; create the role first")
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, Unconfirmed) as error:
            stop(FAILED, f"{name}: {failure(error, URLS[name])}")
        if not as_json:
            typer.echo(f"{name}: {', '.join(done[name]) or 'nothing to apply'}")
    if as_json:
        typer.echo(json.dumps(done))


async def _migrate(name: str, url: str, role: str, auditor: str) -> list[str]:
    applied = await apply(url, PACKAGES[name])
    await grant(url, dict.fromkeys(GRANTS[name], role) | {"grant_auditing": auditor})
    return applied
