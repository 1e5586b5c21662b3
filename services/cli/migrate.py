"""`doithoai migrate`: apply the missing migrations to the databases of the pair, and grant roles what they need."""

import asyncio
import json
import os
from typing import Annotated

import asyncpg
import typer

from services.exit_codes import FAILED, WRONG_USE, stop
from services.followup.bootstrap import MIGRATIONS as FOLLOWUP
from services.intake.bootstrap import MIGRATIONS as INTAKE
from shared.postgres.migrate import EditedMigration
from shared.postgres.migrate import migrate as apply
from shared.postgres.pool import WRITABLE

URLS = {"intake": "INTAKE_DATABASE_URL", "followup": "FOLLOWUP_DATABASE_URL"}
PACKAGES = {"intake": INTAKE, "followup": FOLLOWUP}


def migrate(
    intake_role: Annotated[
        str, typer.Option(help="A role that intake runs as, when it does not own its database: it gets its grants.")
    ] = "",
    auditor_role: Annotated[str, typer.Option(help="A role that may read the events, and nothing else.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Migrate the databases of INTAKE_DATABASE_URL and FOLLOWUP_DATABASE_URL, whichever are set. Safe to repeat."""
    urls = {name: url for name, variable in URLS.items() if (url := os.environ.get(variable, ""))}
    if not urls:
        stop(WRONG_USE, f"set {URLS['intake']} or {URLS['followup']}, or both")
    if intake_role and "intake" not in urls:
        stop(WRONG_USE, f"--intake-role: set {URLS['intake']} too")
    grants = {"intake": {"grant_intake": intake_role, "grant_erasing_refused": intake_role}, "followup": {}}
    done: dict[str, list[str]] = {}
    for name, url in urls.items():
        try:
            done[name] = asyncio.run(_migrate(name, url, grants[name] | {"grant_auditing": auditor_role}))
        except EditedMigration as error:
            stop(FAILED, f"{name}: {error}")
        except asyncpg.UndefinedObjectError as error:
            stop(FAILED, f"{name}: {error}; create the role first")
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Only the kind: the text may quote the address and user of the database.
            stop(FAILED, f"{name}: {type(error).__name__}; is {URLS[name]} right?")
        if not as_json:
            typer.echo(f"{name}: {', '.join(done[name]) or 'nothing to apply'}")
    if as_json:
        typer.echo(json.dumps(done))


async def _migrate(name: str, url: str, grants: dict[str, str]) -> list[str]:
    applied = await apply(url, PACKAGES[name])
    connection = await asyncpg.connect(url, timeout=10, **WRITABLE)
    try:
        for function, role in grants.items():
            if role:
                await connection.execute(f"SELECT {function}($1)", role)
    finally:
        await connection.close()
    return applied
