"""Rows of the regulation (bodies, calendars, policies, plans): one command each, like any other, before every case."""

import msgspec

from services.intake.application.command import Command
from services.intake.application.command_handler import CommandHandler
from services.intake.application.importing.appends import Settings
from services.intake.application.importing.case_decider import IMPORT
from services.intake.application.importing.case_events import body_of
from services.intake.application.importing.rows import Row
from services.intake.application.regulation_cache import RegulationCache


async def record_regulation(
    row: Row,
    key: str,
    *,
    handler: CommandHandler,
    regulation_cache: RegulationCache,
    settings: Settings,
    from_text: bool,
) -> bool:
    """Record one event of the regulation; whether it was new. Raises RowRefused, Refused."""
    assert row.act is not None
    body = body_of(row.act, row.act.fields, from_text=from_text)
    command = Command(
        codec=row.act.codec,
        body=msgspec.structs.replace(body, on_behalf_of=body.on_behalf_of or settings.on_behalf_of),
        caller=IMPORT,
        target=str(row.act.fields.get("code", "")),
        key=key,
        backfilled=True,
    )
    if _stands(command, regulation_cache):
        return False
    await handler.execute(command)
    return True


def _stands(command: Command, regulation_cache: RegulationCache) -> bool:
    """Whether the very same event is on record, whoever recorded it."""
    assert command.body.effective_on is not None
    given = dict.fromkeys(command.codec.route.in_path, command.target)
    event = command.codec.event(command.body, command.body.effective_on, **given)
    return any(fact.event == event for fact in regulation_cache.facts)
