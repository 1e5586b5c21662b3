"""A petition's rounds for a report: each from its receipt or a reopening to the day on which it ended. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from services.followup.domain.cases import PetitionCase
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.duty import DutyOutcome
from services.followup.domain.facts import Fact, holding_kind
from shared.cases.facts import by_effect
from shared.cases.rounds import ENDINGS, Round
from shared.events.petition import ExtensionGranted, PetitionEscalated

#: How a round ended: by a written reply whose result is known, or by the event of that name.
How = Literal["", "replied", "answered", "withdrawn", "redirected", "merged", "closed", "refused"]

DONE = (DutyOutcome.MET, DutyOutcome.MET_LATE)


class HandlingRound(msgspec.Struct, frozen=True, kw_only=True):
    """One round in which a petition is handled. It is open while `ended` is None.

    `clocks` are its reply deadlines, `replied_on` the day of its first written reply; an extension is the day on
    which it was granted and the day to which.
    """

    begun: date
    ended: date | None
    how: How
    reopened: bool
    clocks: tuple[DeadlineState, ...]
    replied_on: date | None
    complex_on: date | None
    escalated_on: date | None
    extensions: tuple[tuple[date, date], ...]


def rounds_of(case: PetitionCase, raised: Iterable[DeadlineState]) -> list[HandlingRound]:
    """The petition's rounds in order. A petition reopened while still open stays in its round."""
    standing = [r for r in raised if r.is_open or r.done_on is not None]
    rounds: list[HandlingRound] = []
    for index, round_ in enumerate(case.rounds):
        begun = round_.reopened.on if round_.reopened else case.received.on
        if rounds and rounds[-1].ended is None:
            begun = rounds.pop().begun
        rounds.append(_round(case, index, begun, round_, standing))
    return rounds


def _round(
    case: PetitionCase, index: int, begun: date, round_: Round[Fact], raised: Sequence[DeadlineState]
) -> HandlingRound:
    clocks = tuple(r for r in raised if r.duty == "reply" and _round_of(case, r.starting_event) == index)
    owed = [r for r in raised if r.duty in ("reply", "result_report") and _concerns(case, r, index)]
    replies = by_effect(round_.replies)
    ended, how = _ending(round_, clocks, owed, replies[0].on if replies else None)
    marked = by_effect(round_.complex)
    escalated = by_effect(f for f in case.of(PetitionEscalated) if _round_of(case, f.event_id) == index)
    return HandlingRound(
        begun=begun,
        ended=max(ended, begun) if ended else None,
        how=how,
        reopened=round_.reopened is not None,
        clocks=clocks,
        replied_on=replies[0].on if replies else None,
        complex_on=marked[0].on if marked else None,
        escalated_on=escalated[0].on if escalated else None,
        extensions=tuple((fact.on, fact.event.expected_on) for fact in holding_kind(round_.steps, ExtensionGranted)),
    )


def _ending(
    round_: Round[Fact], clocks: Sequence[DeadlineState], owed: Sequence[DeadlineState], replied_on: date | None
) -> tuple[date | None, How]:
    """When and how the round ended: replied with every result known, or by an ending event, whichever came first."""
    settled = _settled_on(owed, replied_on)
    if round_.end is None:
        return settled, "replied" if settled else ""
    if settled is not None and settled <= round_.end.on:
        return settled, "replied"
    how: How = ENDINGS[type(round_.end.event)]
    # Outside a conference no clock may have run for the reply that was given.
    answered = all(r.outcome in DONE for r in clocks) if clocks else replied_on is not None
    return round_.end.on, "replied" if how == "closed" and answered else how


def _settled_on(owed: Sequence[DeadlineState], replied_on: date | None) -> date | None:
    if replied_on is None:
        return None
    days = [replied_on]
    for each in owed:
        # A duty that was dropped was not done: then the event that dropped it ends the case.
        if each.outcome not in DONE or each.done_on is None:
            return None
        days.append(each.done_on)
    return max(days)


def _concerns(case: PetitionCase, raised: DeadlineState, index: int) -> bool:
    """Whether a duty must be done before this round ends. One of an earlier round counts unless it was waived."""
    begun_in = _round_of(case, raised.starting_event)
    return begun_in == index or (begun_in < index and raised.outcome != DutyOutcome.WAIVED)


def _round_of(case: PetitionCase, event_id: UUID) -> int:
    """The round of an event of the case. What began outside the case, such as a conference's end, is of the first."""
    position = next((f.position for f in case.facts if f.event_id == event_id), 0)
    return case.round_at(position)
