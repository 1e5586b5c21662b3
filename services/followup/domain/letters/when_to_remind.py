"""When a debtor should be urged (theo dõi, đôn đốc, plan II.4.3). Pure."""

from datetime import date, timedelta
from typing import Literal

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState

_DAY = timedelta(days=1)
#: A case that ended so is done with; only the report of a reply given before is still owed.
_ENDED = ("answered", "withdrawn", "redirected", "merged", "refused")


class Stage(msgspec.Struct, frozen=True):
    """A moment to urge: a warning stage, or the day of the breach. `on` is its local day."""

    kind: Literal["due_soon", "breached"]
    on: date


def stage_reached(raised: DeadlineState, today: date) -> Stage | None:
    """The last stage that a deadline has reached, or None if it has ended, is undated, or is not yet near."""
    if not raised.is_open or raised.due_on is None:
        return None
    if raised.due_on < today:
        return Stage("breached", raised.due_on + _DAY)
    reached = [day for day in raised.stages if day <= today]
    return Stage("due_soon", max(reached)) if reached else None


def is_proposed(raised: DeadlineState, row: CaseRow, urged_on: date | None, today: date) -> bool:
    """Whether the debtor should be urged now, since a stage was reached and nobody was urged after it.

    The office urges that petitions be settled, and what a conference needs for it (plan II.4.3); what an authority owes
    as such is not urged by its own office: warnings and digests tell its chair.
    """
    stage = stage_reached(raised, today)
    urged = stage is not None and urged_on is not None and urged_on >= stage.on
    over = row.state in _ENDED and raised.duty != "reply_report"
    return stage is not None and not urged and not over and row.subject != "jurisdiction"
