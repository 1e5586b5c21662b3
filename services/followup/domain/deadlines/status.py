"""How a deadline stands on a day: what time alone has brought, whether it was raised already or not. Pure."""

from datetime import date
from typing import Literal

from services.followup.domain.deadlines.raised import DeadlineState

Status = Literal["on_track", "due_soon", "breached", "met", "met_late", "waived"]
OUTCOMES: tuple[Literal["met", "met_late", "waived"], ...] = ("met", "met_late", "waived")


def status_of(raised: DeadlineState, today: date) -> Status:
    """The outcome, or while open: past its due date, past its first warning, or on track. Undated ones are on track."""
    for outcome in OUTCOMES:
        if raised.outcome == outcome:
            return outcome
    if raised.due_on is not None and raised.due_on < today:
        return "breached"
    return "due_soon" if raised.stages and min(raised.stages) <= today else "on_track"
