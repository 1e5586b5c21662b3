"""The deadline engine of one source: facts go in, deadline events come out, in event time. Pure: no clock, no I/O.

Live, in a replay and after an outage this same code decides: the same facts and the same horizon give the same events,
ids and instants. `apply` first fires the timers that fall before the fact's stamp. `advance` fires those up to an
instant to which the source has said it is complete. `case_memory` holds the cases, `timers` what time will bring; this
file compares the deadlines that are expected with those that were raised, and emits the difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.followup.domain.cases import Dialogue
from services.followup.domain.deadlines.case_memory import CaseMemory
from services.followup.domain.deadlines.case_rows import CaseRow, conference_row, jurisdiction_row, petition_row
from services.followup.domain.deadlines.causes import Cause, Reason, cause_of
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.emission import agrees, emit, under_raised_ids
from services.followup.domain.deadlines.raised import DeadlineState, next_timer
from services.followup.domain.deadlines.timers import Timers, fire
from services.followup.domain.duties.conference import conference_duties
from services.followup.domain.duties.due_dates import ExpectedDeadline, UncountableDuty, explain
from services.followup.domain.duties.duty import WaiverGround
from services.followup.domain.duties.jurisdiction import jurisdiction_duties, next_opening
from services.followup.domain.duties.petition import petition_duties
from services.followup.domain.facts import Fact
from shared.events.deadline import Explanation
from shared.identifiers import derived_id, sorted_ids

INSTANT = timedelta(microseconds=1)


class DeadlineEngine:
    """The deadlines of one source: what its loaded cases expect, held against what was raised on them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.cases = CaseMemory(source)
        #: The instant up to which every timer has fired; None before the first.
        self.horizon: datetime | None = None
        #: The petitions whose deadlines wait, because an event of theirs could not be applied.
        self.parked: set[UUID] = set()
        #: The deadline events since the caller last took them away.
        self.emitted: list[Emitted] = []
        #: The subjects whose rows may have changed since the caller last took them away.
        self.dirty: set[UUID] = set()
        #: The subjects whose raised deadlines are not the expected ones, and how; nothing is emitted on them.
        self.differences: dict[UUID, str] = {}
        self._raised: dict[UUID, dict[UUID, DeadlineState]] = {}
        self._last_expected: dict[UUID, dict[UUID, ExpectedDeadline]] = {}
        self._timers = Timers()

    # --- loading ---------------------------------------------------------------------------------------------------

    def load_shared(
        self, regulation: Sequence[Fact], dialogues: Mapping[UUID, Dialogue], horizon: datetime | None = None
    ) -> None:
        """Load the regulation, in the order recorded, the dialogues held, by their conference, and the horizon."""
        self.horizon = horizon
        self.cases.load_shared(regulation, dialogues)

    def load_jurisdictions(self, raised: Sequence[DeadlineState]) -> None:
        """Load what was raised on the authorities themselves; what is shared must be loaded."""
        for each in raised:
            self._raised.setdefault(each.subject_id, {})[each.deadline_id] = each
        for subject_id in self.cases.jurisdictions:
            self._detect_drift(subject_id)
            self._schedule(subject_id)

    def load_conference(self, conference_id: UUID, facts: Sequence[Fact], raised: Sequence[DeadlineState]) -> None:
        """Load one conference's facts and what was raised on it; one without facts is remembered as unknown."""
        self.cases.load_conference(conference_id, facts)
        self._raised[conference_id] = {r.deadline_id: r for r in raised}
        self._schedule(conference_id)

    def load_petition(self, petition_id: UUID, facts: Sequence[Fact], raised: Sequence[DeadlineState]) -> None:
        """Load one petition's facts and what was raised on it.

        Those merged with it and its conferences must be loaded before a fact is applied.
        """
        self.cases.load_petition(petition_id, facts)
        self._raised[petition_id] = {r.deadline_id: r for r in raised}
        self._schedule(petition_id)

    def forget(self, subject_id: UUID) -> None:
        """Drop a petition or a conference, so that memory stays bounded; it is loaded again when needed.

        A conference goes with the petitions that belong to it, or after them.
        """
        self.cases.forget(subject_id)
        for deadline_id in self._raised.pop(subject_id, ()):
            self._timers.cancel(deadline_id)
        self._last_expected.pop(subject_id, None)

    def park(self, petition_id: UUID) -> None:
        """Let the timers of a petition wait, and those of the petitions merged with it."""
        waiting = [petition_id]
        while waiting:
            each = waiting.pop()
            if each not in self.parked:
                self.parked.add(each)
                waiting.extend(self.cases.merged_with(each))

    def release(self, petition_ids: Iterable[UUID]) -> None:
        """Let parked petitions go on; they are loaded again when needed."""
        for petition_id in petition_ids:
            self.parked.discard(petition_id)
            self.forget(petition_id)

    def settle(self, pending: Sequence[Fact], settled_to: Mapping[UUID, int]) -> None:
        """Bring events of the regulation to loaded subjects that have missed them, one event after another.

        `settled_to` has the last position on which each was settled. What comes out is what would have come out then:
        by the regulation of that moment, and with the timers that fell in between.
        """
        try:
            for fact in pending:
                missed = sorted_ids(s for s, position in settled_to.items() if position < fact.position)
                self._fire_until(fact.recorded_at - INSTANT)
                self.cases.know_until(fact.position - 1)
                for subject_id in missed:
                    self._detect_drift(subject_id)
                self.cases.know_until(fact.position)
                for subject_id in missed:
                    self._emit_differences(subject_id, cause_of(fact))
        finally:
            self.cases.know_until(None)
        if self.horizon is not None:
            self._fire_until(self.horizon)
        self.dirty.update(settled_to)

    def update_fired(self, raised: DeadlineState) -> None:
        """Update a loaded deadline whose timer was fired from its database row."""
        known = self._raised.get(raised.subject_id)
        if known is not None and raised.deadline_id in known:
            known[raised.deadline_id] = raised
            self._schedule(raised.subject_id)

    # --- facts and time --------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> None:
        """Fire what falls before the fact's stamp, then insert the fact and emit what it changes.

        Atomic: on an exception the fact is not inserted and nothing of it is emitted.
        """
        self.advance(fact.recorded_at - INSTANT)
        touched = self.cases.touched(fact) - self.parked
        for subject_id in touched:
            self._detect_drift(subject_id)
        emitted, before = len(self.emitted), dict[UUID, dict[UUID, DeadlineState]]()
        uncountable = {s: self.cases.uncountable[s] for s in touched if s in self.cases.uncountable}
        try:
            self.cases.insert(fact)
            touched |= self.cases.touched(fact) - self.parked
            for subject_id in sorted_ids(touched):
                before[subject_id] = dict(self._raised.get(subject_id, {}))
                self._emit_differences(subject_id, cause_of(fact))
        except Exception:
            self.cases.remove(fact)
            for subject_id in touched:
                self._last_expected.pop(subject_id, None)
            del self.emitted[emitted:]
            for subject_id, raised in before.items():
                self.cases.list_uncountable(subject_id, uncountable.get(subject_id, {}))
                self._put_back(subject_id, raised)
            raise
        self.dirty |= touched | {fact.originator_id}

    def _put_back(self, subject_id: UUID, raised: dict[UUID, DeadlineState]) -> None:
        """Restore the deadlines of a subject and their timers as they were before a fact that failed."""
        for deadline_id in self._raised.get(subject_id, {}).keys() - raised.keys():
            self._timers.cancel(deadline_id)
        self._raised[subject_id] = raised
        self._schedule(subject_id)

    def apply_dialogue(self, fact: Fact, dialogue: Dialogue | None) -> None:
        """Update the authority's duties after a conference event that another engine has handled."""
        self.advance(fact.recorded_at - INSTANT)
        touched = self.cases.authority_of(fact)
        for subject_id in touched:
            self._detect_drift(subject_id)
        self.cases.set_dialogue(fact.originator_id, dialogue)
        for subject_id in sorted_ids(touched):
            self._emit_differences(subject_id, cause_of(fact))

    def advance(self, to: datetime) -> None:
        """Fire every timer up to and including an instant, in order."""
        if self.horizon is not None and to <= self.horizon:
            return
        self._fire_until(to)
        self.horizon = to

    @property
    def next_fire_at(self) -> datetime | None:
        """An instant before which no timer of what is loaded falls; None where there is none."""
        return self._timers.next_fire_at

    def reconcile(self, subject_id: UUID, reason: str, at: datetime) -> bool:
        """Emit what separates the raised from the expected on a loaded subject that is listed as a difference.

        Whether it agrees now; if not, it stays listed.
        """
        if subject_id in self.parked:
            return False
        was = self.differences.pop(subject_id)
        self.dirty.add(subject_id)
        from_reason = Cause(derived_id("reconciliation", subject_id, reason, at.isoformat()), at, reason)
        try:
            self._emit_differences(subject_id, from_reason)
        except Exception as error:  # one that cannot be counted holds up no other
            self.differences[subject_id] = f"{was}; {type(error).__name__}: {error}"
            return False
        self._last_expected.pop(subject_id, None)
        self._detect_drift(subject_id)
        return subject_id not in self.differences

    # --- reading ---------------------------------------------------------------------------------------------------

    def raised_of(self, subject_id: UUID) -> list[DeadlineState]:
        """The deadlines raised on a subject."""
        return list(self._raised.get(subject_id, {}).values())

    def expected_of(self, subject_id: UUID) -> dict[UUID, ExpectedDeadline]:
        """The deadlines that a loaded subject should have by what is known, by their ids.

        Those that cannot be counted are left out, and listed in `cases.uncountable`.
        """
        expected, uncountable = dict[UUID, ExpectedDeadline](), dict[UUID, UncountableDuty]()
        for each in self._duties_of(subject_id):
            if isinstance(each, UncountableDuty):
                uncountable[each.deadline_id] = each
            else:
                expected[each.deadline_id] = each
        self.cases.list_uncountable(subject_id, uncountable)
        return expected

    def _duties_of(self, subject_id: UUID) -> list[ExpectedDeadline | UncountableDuty]:
        cases = self.cases
        petition = cases.petitions.get(subject_id)
        if petition is not None:
            return petition_duties(petition, cases.merged_into(subject_id), cases.context)
        elif (conference := cases.conferences.get(subject_id)) is not None:
            return conference_duties(conference, self.source, cases.regulation)
        elif (code := cases.jurisdictions.get(subject_id)) is not None and self.horizon is not None:
            held = cases.dialogues.values()
            return jurisdiction_duties(code, self.source, cases.regulation, held, self.horizon)
        return []

    def subjects(self) -> list[UUID]:
        """Every loaded subject, and the jurisdictions."""
        return [*self.cases.loaded(), *self.cases.jurisdictions]

    def case_row(self, subject_id: UUID) -> CaseRow | None:
        """The subject as the read side shows it."""
        cases = self.cases
        raised = self.raised_of(subject_id)
        petition = cases.petitions.get(subject_id)
        if petition is not None:
            return petition_row(petition, raised, cases.context, cases.last_position(subject_id))
        conference = cases.conferences.get(subject_id)
        if conference is not None:
            return conference_row(conference, raised, cases.regulation, cases.last_position(subject_id))
        code = cases.jurisdictions.get(subject_id)
        return jurisdiction_row(code, subject_id, raised, cases.regulation) if code is not None else None

    # --- comparing -------------------------------------------------------------------------------------------------

    def _detect_drift(self, subject_id: UUID) -> None:
        """See once after loading whether the raised deadlines are the expected ones; if not, nothing is emitted."""
        if subject_id in self._last_expected or subject_id in self.parked:
            return
        expected = self._expected_as_raised(subject_id)
        raised = self._raised.get(subject_id, {})
        countable = {*expected, *raised}.difference(self.cases.uncountable.get(subject_id, ()))
        unequal = [d for d in countable if not agrees(raised.get(d), expected.get(d), self.horizon)]
        if unequal:
            self.differences[subject_id] = f"{len(unequal)} deadlines differ from what was raised"
        self._last_expected[subject_id] = expected

    def _emit_differences(self, subject_id: UUID, cause: Cause) -> None:
        if subject_id in self.parked:
            return
        expected = self._expected_as_raised(subject_id)
        self._last_expected[subject_id] = expected
        if subject_id in self.differences:
            return
        raised = self._raised.setdefault(subject_id, {})
        petition = self.cases.petitions.get(subject_id)
        reference = None if petition is None else petition.received.meta.received_as
        for deadline_id in sorted_ids((expected | raised).keys() - self.cases.uncountable.get(subject_id, {}).keys()):
            known, wanted = raised.get(deadline_id), expected.get(deadline_id)
            if wanted is None and known is not None:
                events, after = emit(known, None, cause, self._explain, self._why_not_expected(known))
            else:
                events, after = emit(known, wanted, cause, self._explain, reference=reference)
            self.emitted.extend(events)
            if after is not None:
                raised[deadline_id] = after
        self._schedule(subject_id)

    def _expected_as_raised(self, subject_id: UUID) -> dict[UUID, ExpectedDeadline]:
        """What is expected of a subject, by the ids under which it was raised; by them the rest is listed."""

        def stands(event_id: UUID) -> bool:
            return self.cases.record_of(subject_id, event_id) == "standing"

        expected, raised = self.expected_of(subject_id), self._raised.get(subject_id, {})
        uncountable = self.cases.uncountable.get(subject_id)
        if not uncountable:
            return under_raised_ids(expected, raised, stands)
        known: dict[UUID, ExpectedDeadline | UncountableDuty] = {**expected, **uncountable}
        found = under_raised_ids(known, raised, stands)
        listed = {
            deadline_id: msgspec.structs.replace(duty, deadline_id=deadline_id)
            for deadline_id, duty in found.items()
            if isinstance(duty, UncountableDuty)
        }
        self.cases.list_uncountable(subject_id, listed)
        return {deadline_id: duty for deadline_id, duty in found.items() if isinstance(duty, ExpectedDeadline)}

    def _why_not_expected(self, raised: DeadlineState) -> WaiverGround:
        annulled = self.cases.record_of(raised.subject_id, raised.starting_event) == "annulled"
        return WaiverGround.START_ANNULLED if annulled else WaiverGround.NO_LONGER_OWED

    def _explain(self, expected: ExpectedDeadline) -> Explanation:
        return explain(expected, self.cases.regulation.calendar)

    # --- firing ----------------------------------------------------------------------------------------------------

    def _schedule(self, subject_id: UUID) -> None:
        if subject_id in self.parked:
            return
        waiting = self.cases.uncountable.get(subject_id, {})
        for raised in self._raised.get(subject_id, {}).values():
            timer = next_timer(raised) if raised.deadline_id not in waiting else None
            self._timers.schedule(raised.deadline_id, subject_id, timer.fire_at if timer else None)
        code = self.cases.jurisdictions.get(subject_id)
        if code is not None and self.horizon is not None:
            self._timers.schedule(subject_id, subject_id, next_opening(code, self.cases.regulation, self.horizon))

    def _fire_until(self, to: datetime) -> None:
        while (due := self._timers.pop_due(to)) is not None:
            fire_at, key, subject_id = due
            self.horizon = max(fire_at, self.horizon) if self.horizon else fire_at
            self._fire(fire_at, key, subject_id)

    def _fire(self, fire_at: datetime, key: UUID, subject_id: UUID) -> None:
        if subject_id in self.parked or subject_id in self.differences:
            return
        if key == subject_id:
            self._open_period(fire_at, subject_id)
            return
        raised = self._raised[subject_id][key]
        timer = next_timer(raised)
        if timer is None or timer.fire_at != fire_at:
            return
        event, after = fire(raised, timer)
        self.emitted.append(event)
        self._raised[subject_id][key] = after
        self.dirty.add(subject_id)
        following = next_timer(after)
        self._timers.schedule(key, subject_id, following.fire_at if following else None)

    def _open_period(self, fire_at: datetime, subject_id: UUID) -> None:
        """Set the clocks of the periods that begin; each is caused by the fact that made the authority owe the duty."""
        expected = self._expected_as_raised(subject_id)
        raised = self._raised.setdefault(subject_id, {})
        for deadline_id in sorted_ids(expected.keys() - raised.keys()):
            deadline = expected[deadline_id]
            cause = Cause(deadline.start.event_id, fire_at, Reason.NEW_PERIOD, deadline.start.meta.backfilled)
            events, after = emit(None, deadline, cause, self._explain)
            self.emitted.extend(events)
            if after is not None:
                raised[deadline_id] = after
            self.dirty.add(subject_id)
        self._last_expected[subject_id] = expected
        self._schedule(subject_id)
