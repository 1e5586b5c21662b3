"""A policy tried on the facts of a source: which deadlines would have been other ones, and why. Nothing is recorded."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.facts import Fact
from services.followup.domain.wording.explanation import short_line
from services.followup.domain.wording.names import Bilingual
from shared.events import Metadata
from shared.events.deadline import Subject
from shared.events.regulation import PolicyAdopted
from shared.identifiers import derived_id, local_day, midnight
from shared.policy import Policy

UNTOLD = Bilingual("", "")


class TrialAdoption(msgspec.Struct, frozen=True, kw_only=True):
    """Who would adopt what, from the policy's `valid_from` on."""

    jurisdiction: str
    policy: Policy


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline on one side: its day, how it ended, and why it is that day."""

    due_on: date | None
    outcome: str
    breached: bool
    why: Bilingual
    #: The days on which whoever owes it is warned.
    warned_on: tuple[date, ...] = ()


class DeadlineChange(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline that would differ. `state` is "open" while it is owed on either side."""

    subject: Subject
    subject_id: UUID
    duty: str
    part: str
    state: Literal["past", "open"]
    before: Side | None
    after: Side | None


Key = tuple[str, str, str, int]


def policy_impact(facts: Sequence[Fact], trial: TrialAdoption) -> list[DeadlineChange]:
    """Every deadline that the trial would change, in the order of its subject and duty."""
    if not facts:
        return []
    # Both sides are looked at on the same day: what time alone brings is no difference.
    until = midnight(local_day(facts[-1].recorded_at)) + timedelta(days=1)
    before, after = _deadlines(facts, until), _deadlines(_with(facts, trial), until)
    found = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if _same(old, new):
            continue
        known = old or new
        assert known is not None
        is_open = any(each is not None and each.is_open for each in (old, new))
        found.append(
            DeadlineChange(
                subject=known.subject,
                subject_id=known.subject_id,
                duty=known.duty,
                part=known.part,
                state="open" if is_open else "past",
                before=_side(old),
                after=_side(new),
            )
        )
    return found


def _with(facts: Sequence[Fact], trial: TrialAdoption) -> list[Fact]:
    """The facts with the adoption in its place: recorded at the first moment of the day from which it is valid, or now.

    One that is valid from a later day is known today: it moves clocks that will still run then, where it says so.
    """
    begins, moment = trial.policy.valid_from, timedelta(microseconds=1)
    stamp = min(max(midnight(begins), facts[0].recorded_at - moment), facts[-1].recorded_at + moment)
    earlier = [fact for fact in facts if fact.recorded_at < stamp]
    return [*earlier, trial_fact(trial, earlier[-1].position if earlier else 0, stamp), *facts[len(earlier) :]]


def trial_fact(trial: TrialAdoption, position: int, recorded_at: datetime) -> Fact:
    """The adoption as a fact that was recorded right after a position."""
    event_id = derived_id("trial", trial.policy.policy_id, trial.jurisdiction)
    meta = Metadata(
        event_id=event_id, aggregate="policy", jurisdiction=trial.jurisdiction, actor="trial", correlation_id=event_id
    )
    adopted = PolicyAdopted(effective_on=trial.policy.valid_from, jurisdiction=trial.jurisdiction, policy=trial.policy)
    return Fact(position, event_id, derived_id("policy", trial.jurisdiction), adopted.TOPIC, recorded_at, adopted, meta)


def _deadlines(facts: Iterable[Fact], until: datetime) -> dict[Key, DeadlineState]:
    """The deadlines as they stand at a moment after the last fact. Those of one duty are told apart by their order."""
    engine = DeadlineEngine("trial")
    for fact in facts:
        engine.apply(fact)
        engine.emitted.clear()
    engine.advance(until)
    found: dict[Key, DeadlineState] = {}
    for subject_id in engine.subjects():
        for raised in sorted(engine.raised_of(subject_id), key=lambda r: r.deadline_id.int):
            nth = 0
            while (key := (str(subject_id), raised.duty, raised.part, nth)) in found:
                nth += 1
            found[key] = raised
    return found


def _same(old: DeadlineState | None, new: DeadlineState | None) -> bool:
    if old is None or new is None:
        return False
    if (old.due_on, old.outcome, old.breached) != (new.due_on, new.outcome, new.breached):
        return False
    # Of what is done with nobody is warned any more.
    return not old.is_open or old.stages == new.stages


def _side(raised: DeadlineState | None) -> Side | None:
    if raised is None:
        return None
    why = short_line(raised.explanation) if raised.explanation else UNTOLD
    return Side(
        due_on=raised.due_on, outcome=raised.outcome, breached=raised.breached, why=why, warned_on=raised.stages
    )
