"""The deadline machine of one source: facts in, deadline events out, in event time. Pure: no clock, no I/O.

Live, in replay and after an outage it is this one piece of code that decides: the same facts and the same horizon give
the same events, identities and instants. `apply` first fires the timers that fall before the fact's stamp; `advance`
fires those up to an instant to which the source has said it is complete.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.followup.domain.cases import (
    ConferenceCase,
    Dialogue,
    PetitionCase,
    dialogue_of,
    evolve,
    fold_conference,
    fold_petition,
)
from services.followup.domain.deadlines.case_rows import CaseRow, conference_row, jurisdiction_row, petition_row
from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.emission import Cause, agrees, cause_of, emit
from services.followup.domain.deadlines.raised import DeadlineState, next_timer
from services.followup.domain.deadlines.timers import fire
from services.followup.domain.duties.conference import conference_duties
from services.followup.domain.duties.due_dates import ExpectedDeadline, explain
from services.followup.domain.duties.jurisdiction import jurisdiction_duties, jurisdiction_id, next_opening
from services.followup.domain.duties.petition import petition_duties
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import Fact, is_regulation
from services.followup.domain.regulation import RegulationLog
from shared.cases.reply_clock import Kin
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import (
    ConclusionNoticeIssued,
    ConferenceCancelled,
    ConferenceClosed,
    ConferencePlanned,
    ConferenceRescheduled,
)
from shared.events.deadline import Explanation
from shared.events.petition import (
    EscalationProposed,
    PersonalDataErased,
    PetitionClassified,
    PetitionMerged,
    PetitionRaised,
    PetitionScheduled,
)
from shared.events.regulation import (
    AgencyClosed,
    CalendarProposed,
    CalendarPublished,
    FrequencyDutyWaived,
    JurisdictionClosed,
    PolicyAdopted,
    ReceptionDayHeld,
)
from shared.identifiers import derived_id, sorted_ids

INSTANT = timedelta(microseconds=1)
MOVES_PETITIONS = (
    ConferencePlanned,
    ConferenceRescheduled,
    ConferenceCancelled,
    ConferenceClosed,
    ConclusionNoticeIssued,
    RecordAnnulled,
)
#: What a petition's duties do not look at.
MOVES_NOTHING = (PetitionClassified, EscalationProposed, PersonalDataErased)
MOVES_EVERYTHING = (CalendarPublished, CalendarProposed, PolicyAdopted, AgencyClosed, JurisdictionClosed)


class Needs(msgspec.Struct):
    """What must be loaded before some facts are applied; of the conferences in `moving` the petitions too."""

    petitions: set[UUID]
    conferences: set[UUID]
    moving: set[UUID]
    everything: bool


class DeadlineEngine:
    """Everything known of one source that has been loaded, and what has been raised on it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.horizon: datetime | None = None
        self.parked: set[UUID] = set()
        self.emitted: list[Emitted] = []
        self.dirty: set[UUID] = set()
        self.differences: dict[UUID, str] = {}
        self._regulation = RegulationLog()
        self._facts: dict[UUID, list[Fact]] = {}
        self._conferences: dict[UUID, ConferenceCase | None] = {}
        self._dialogues: dict[UUID, Dialogue] = {}
        self._petitions: dict[UUID, PetitionCase | None] = {}
        self._linked: dict[UUID, set[UUID]] = {}
        self._merged: dict[UUID, set[UUID]] = {}
        self._codes: dict[UUID, str] = {}
        self._raised: dict[UUID, dict[UUID, DeadlineState]] = {}
        self._last_expected: dict[UUID, dict[UUID, ExpectedDeadline]] = {}
        self._timers: list[tuple[datetime, UUID, UUID]] = []
        self._scheduled: dict[UUID, datetime] = {}
        self._context = CaseContext(source, self._regulation, self._conferences.get)

    # --- loading ---------------------------------------------------------------------------------------------------

    def needs(self, facts: Sequence[Fact]) -> Needs:
        """What must be loaded, petitions with their kin, before these facts can be applied."""
        found = Needs(set(), set(), set(), False)
        for fact in facts:
            if fact.meta.aggregate == "petition":
                found.petitions.add(fact.originator_id)
                if isinstance(fact.event, PetitionMerged):
                    found.petitions.add(fact.event.into)
                elif isinstance(fact.event, PetitionScheduled | PetitionRaised):
                    found.conferences.add(fact.event.conference_id)
            elif fact.meta.aggregate == "conference":
                found.conferences.add(fact.originator_id)
                if isinstance(fact.event, MOVES_PETITIONS):
                    found.moving.add(fact.originator_id)
            else:
                found.everything |= self._moves_everything(fact)
        return found

    def _moves_everything(self, fact: Fact) -> bool:
        if isinstance(fact.event, CalendarPublished | CalendarProposed):
            # The first calendar of a year: no count can have reached it before.
            return fact.event.year in self._regulation.calendar.years
        return isinstance(fact.event, MOVES_EVERYTHING)

    def load_shared(
        self, regulation: Sequence[Fact], dialogues: Mapping[UUID, Dialogue], horizon: datetime | None = None
    ) -> None:
        """Take in every fact of the regulation, in the order recorded, and the dialogues held, by their conference."""
        self.horizon = horizon
        self._regulation.extend(regulation)
        self._dialogues.update(dialogues)
        self._know_codes()

    def load_jurisdictions(self, raised: Sequence[DeadlineState]) -> None:
        """Take in what was raised on the authorities themselves; what is shared must be loaded."""
        for each in raised:
            self._raised.setdefault(each.subject_id, {})[each.deadline_id] = each
        for subject_id in self._codes:
            self._detect_drift(subject_id)
            self._schedule(subject_id)

    def load_conference(self, conference_id: UUID, facts: Sequence[Fact], raised: Sequence[DeadlineState]) -> None:
        """Take in one conference's facts and what they raised; one without facts is remembered as unknown."""
        self._facts[conference_id] = list(facts)
        self._raised[conference_id] = {r.deadline_id: r for r in raised}
        self._fold_conference(conference_id)
        self._schedule(conference_id)

    def load_petition(self, petition_id: UUID, facts: Sequence[Fact], raised: Sequence[DeadlineState]) -> None:
        """Take in one petition's facts and what they raised; kin and conferences must be loaded in the same step."""
        self._facts[petition_id] = list(facts)
        self._raised[petition_id] = {r.deadline_id: r for r in raised}
        self._fold_petition(petition_id)
        self._schedule(petition_id)

    def is_petition(self, subject_id: UUID) -> bool:
        """Whether it is a petition that is loaded."""
        return subject_id in self._petitions

    def is_loaded(self, subject_id: UUID) -> bool:
        """Whether a petition or a conference is loaded."""
        return subject_id in self._petitions or subject_id in self._conferences

    def conferences_of(self, petition_id: UUID) -> Collection[UUID]:
        """The conferences to which a loaded petition belongs."""
        case = self._petitions.get(petition_id)
        return case.conferences if case is not None else ()

    def forget(self, subject_id: UUID) -> None:
        """Let a petition or a conference go, so that memory stays bounded; it is loaded again when needed.

        A conference goes with the petitions that belong to it, or after them.
        """
        self._unlink(self._petitions.get(subject_id))
        for deadline_id in self._raised.get(subject_id, ()):
            self._scheduled.pop(deadline_id, None)
        for known in (self._facts, self._raised, self._petitions, self._conferences, self._last_expected):
            known.pop(subject_id, None)

    def park(self, petition_id: UUID) -> None:
        """Let the petition's timers wait, and those of the petitions merged with it."""
        waiting = [petition_id]
        while waiting:
            each = waiting.pop()
            if each in self.parked:
                continue
            self.parked.add(each)
            waiting.extend(self._merged.get(each, ()))
            waiting.extend(self._lineage(each))

    def release(self, petition_ids: Iterable[UUID]) -> None:
        """Let parked petitions go on; they are loaded again when needed."""
        for petition_id in petition_ids:
            self.parked.discard(petition_id)
            self.forget(petition_id)

    @property
    def loaded_count(self) -> int:
        """How many petitions and conferences are loaded."""
        return len(self._petitions) + len(self._conferences)

    def loaded(self) -> list[UUID]:
        """The petitions and conferences that are loaded."""
        return [*self._petitions, *self._conferences]

    def apply_regulation_to(self, fact: Fact, subject_ids: Sequence[UUID]) -> None:
        """Bring subjects that were loaded only now to what the last fact of the regulation, taken in before, changes.

        So that a calendar can move a million deadlines with a bounded number of them in memory.
        """
        self._regulation.without_last()
        for subject_id in subject_ids:
            self._detect_drift(subject_id)
        self._regulation.extend([fact])
        for subject_id in sorted_ids(subject_ids):
            self._emit_differences(subject_id, cause_of(fact))
        self.dirty.update(subject_ids)

    def update_fired(self, raised: DeadlineState) -> None:
        """Learn what was fired on a deadline outside, from its row alone; of no concern while it is not loaded."""
        known = self._raised.get(raised.subject_id)
        if known is not None and raised.deadline_id in known:
            known[raised.deadline_id] = raised
            self._schedule(raised.subject_id)

    # --- time and facts --------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> None:
        """Fire what falls before the fact's stamp, then take the fact in and emit what it changes.

        Atomic: on an exception the fact is not taken in and nothing of it is emitted.
        """
        self.advance(fact.recorded_at - INSTANT)
        touched = self._touched(fact)
        for subject_id in touched:
            self._detect_drift(subject_id)
        emitted, before = len(self.emitted), dict[UUID, dict[UUID, DeadlineState]]()
        try:
            self._insert(fact)
            touched |= self._touched(fact)
            for subject_id in sorted_ids(touched):
                before[subject_id] = dict(self._raised.get(subject_id, {}))
                self._emit_differences(subject_id, cause_of(fact))
        except Exception:
            self._remove(fact, touched)
            del self.emitted[emitted:]
            self._raised.update(before)
            raise
        self.dirty |= touched | {fact.originator_id}

    def hear(self, fact: Fact, dialogue: Dialogue | None) -> None:
        """Take in what a conference's fact, applied elsewhere, changes for the authority that owes the dialogue."""
        self.advance(fact.recorded_at - INSTANT)
        touched = self._authorities(fact)
        for subject_id in touched:
            self._detect_drift(subject_id)
        self._set_dialogue(fact.originator_id, dialogue)
        for subject_id in sorted_ids(touched):
            self._emit_differences(subject_id, cause_of(fact))

    def advance(self, to: datetime) -> None:
        """Fire every timer up to and including an instant, in order."""
        if self.horizon is not None and to <= self.horizon:
            return
        while self._timers and self._timers[0][0] <= to:
            fire_at, deadline_id, subject_id = heapq.heappop(self._timers)
            self.horizon = max(fire_at, self.horizon) if self.horizon else fire_at
            self._fire(fire_at, deadline_id, subject_id)
        self.horizon = to

    @property
    def next_fire_at(self) -> datetime | None:
        """The earliest timer among what is loaded."""
        return self._timers[0][0] if self._timers else None

    def reconcile(self, subject_id: UUID, reason: str, at: datetime) -> None:
        """Emit what separates the raised from the desired on a subject listed as a difference."""
        from_reason = Cause(derived_id("reconciliation", subject_id, reason, at.isoformat()), at, reason)
        self.differences.pop(subject_id, None)
        self._emit_differences(subject_id, from_reason)
        self.dirty.add(subject_id)

    # --- reading ---------------------------------------------------------------------------------------------------

    def raised_of(self, subject_id: UUID) -> list[DeadlineState]:
        return list(self._raised.get(subject_id, {}).values())

    def subjects(self) -> list[UUID]:
        """Every loaded subject, and the jurisdictions."""
        return [*self.loaded(), *self.jurisdictions()]

    def jurisdictions(self) -> list[UUID]:
        """The authorities that owe duties of their own."""
        return list(self._codes)

    def case_row(self, subject_id: UUID) -> CaseRow | None:
        """The subject as the read side shows it."""
        raised = self.raised_of(subject_id)
        facts = self._facts.get(subject_id, [])
        petition = self._petitions.get(subject_id)
        if petition is not None:
            return petition_row(petition, raised, self._context, facts[-1].position)
        conference = self._conferences.get(subject_id)
        if conference is not None:
            return conference_row(conference, raised, self._regulation, facts[-1].position)
        code = self._codes.get(subject_id)
        return jurisdiction_row(code, subject_id, raised, self._regulation) if code is not None else None

    # --- inside ----------------------------------------------------------------------------------------------------

    def _touched(self, fact: Fact) -> set[UUID]:
        kind = fact.meta.aggregate
        if kind == "petition":
            if isinstance(fact.event, MOVES_NOTHING):
                return set()
            found = self._lineage(fact.originator_id)
            if isinstance(fact.event, PetitionMerged):
                found |= self._lineage(fact.event.into)
            return found - self.parked
        if kind == "conference":
            touched = {fact.originator_id}
            if isinstance(fact.event, MOVES_PETITIONS):
                for petition_id in self._linked.get(fact.originator_id, ()):
                    touched |= self._lineage(petition_id)
                touched |= self._authorities(fact)
            return touched - self.parked
        if isinstance(fact.event, ReceptionDayHeld | FrequencyDutyWaived):
            return {jurisdiction_id(fact.event.code)} & set(self._codes)
        touched = set(self._codes)
        if isinstance(fact.event, MOVES_EVERYTHING):
            touched |= set(self._conferences) | set(self._petitions)
        return touched - self.parked

    def _authorities(self, fact: Fact) -> set[UUID]:
        return {jurisdiction_id(fact.meta.jurisdiction)} & self._codes.keys()

    def _lineage(self, petition_id: UUID) -> set[UUID]:
        """The petition and those into which it was merged, one after another."""
        found: set[UUID] = set()
        step: UUID | None = petition_id
        while step is not None and step not in found:
            found.add(step)
            case = self._petitions.get(step)
            step = case.survivor if case else None
        return found

    def _insert(self, fact: Fact) -> None:
        if is_regulation(fact):
            self._regulation.extend([fact])
            self._know_codes()
            return
        self._facts.setdefault(fact.originator_id, []).append(fact)
        case = self._petitions.get(fact.originator_id)
        if case is None or isinstance(fact.event, RecordAnnulled):
            self._refold(fact)
        else:
            self._unlink(case)
            evolve(case, fact)
            self._link(case)

    def _remove(self, fact: Fact, touched: set[UUID]) -> None:
        if is_regulation(fact):
            self._regulation.without_last()
        else:
            self._facts[fact.originator_id].pop()
            self._refold(fact)
        for subject_id in touched:
            self._last_expected.pop(subject_id, None)

    def _refold(self, fact: Fact) -> None:
        if fact.meta.aggregate == "conference":
            self._fold_conference(fact.originator_id)
        else:
            self._fold_petition(fact.originator_id)

    def _fold_conference(self, conference_id: UUID) -> None:
        case = fold_conference(conference_id, self._facts[conference_id])
        self._conferences[conference_id] = case
        self._set_dialogue(conference_id, dialogue_of(case))

    def _set_dialogue(self, conference_id: UUID, dialogue: Dialogue | None) -> None:
        if dialogue is None:
            self._dialogues.pop(conference_id, None)
        else:
            self._dialogues[conference_id] = dialogue

    def _fold_petition(self, petition_id: UUID) -> None:
        self._unlink(self._petitions.get(petition_id))
        case = fold_petition(petition_id, self._facts[petition_id])
        self._petitions[petition_id] = case
        self._link(case)

    def _link(self, case: PetitionCase | None) -> None:
        if case is None:
            return
        for conference_id in case.conferences:
            self._linked.setdefault(conference_id, set()).add(case.petition_id)
        if case.survivor is not None:
            self._merged.setdefault(case.survivor, set()).add(case.petition_id)

    def _unlink(self, case: PetitionCase | None) -> None:
        if case is None:
            return
        for conference_id in case.conferences:
            self._linked.get(conference_id, set()).discard(case.petition_id)
        if case.survivor is not None:
            self._merged.get(case.survivor, set()).discard(case.petition_id)

    def _know_codes(self) -> None:
        for code in self._regulation.bound():
            subject_id = jurisdiction_id(code)
            if subject_id not in self._codes:
                self._codes[subject_id] = code

    def _kin(self, petition_id: UUID) -> tuple[Kin[Fact], ...]:
        found = []
        for merged_id in sorted_ids(self._merged.get(petition_id, ())):
            case = self._petitions.get(merged_id)
            end = case.round.end if case else None
            if case is not None and end is not None:
                found.append(Kin(case, end, self._kin(merged_id)))
        return tuple(found)

    def _expected(self, subject_id: UUID) -> dict[UUID, ExpectedDeadline]:
        petition = self._petitions.get(subject_id)
        if petition is not None:
            expected = petition_duties(petition, self._kin(subject_id), self._context)
        elif (conference := self._conferences.get(subject_id)) is not None:
            expected = conference_duties(conference, self.source, self._regulation)
        elif subject_id in self._codes and self.horizon is not None:
            held, code = self._dialogues.values(), self._codes[subject_id]
            expected = jurisdiction_duties(code, self.source, self._regulation, held, self.horizon)
        else:
            expected = []
        return {d.deadline_id: d for d in expected}

    def _detect_drift(self, subject_id: UUID) -> None:
        """See once after loading whether what was raised is what ought to be; if not, nothing more is emitted."""
        if subject_id in self._last_expected or subject_id in self.parked:
            return
        expected = self._expected(subject_id)
        raised = self._raised.get(subject_id, {})
        unequal = [d for d in {*expected, *raised} if not agrees(raised.get(d), expected.get(d))]
        if unequal:
            self.differences[subject_id] = f"{len(unequal)} deadlines differ from what was raised"
        self._last_expected[subject_id] = expected

    def _emit_differences(self, subject_id: UUID, cause: Cause) -> None:
        if subject_id in self.parked:
            return
        expected = self._expected(subject_id)
        self._last_expected[subject_id] = expected
        if subject_id in self.differences:
            return
        raised = self._raised.setdefault(subject_id, {})
        for deadline_id in sorted_ids(expected | raised):
            events, after = emit(raised.get(deadline_id), expected.get(deadline_id), cause, self._explain)
            self.emitted.extend(events)
            if after is not None:
                raised[deadline_id] = after
        self._schedule(subject_id)

    def _explain(self, expected: ExpectedDeadline) -> Explanation:
        return explain(expected, self._regulation.calendar)

    def _schedule(self, subject_id: UUID) -> None:
        if subject_id in self.parked:
            return
        for raised in self._raised.get(subject_id, {}).values():
            timer = next_timer(raised)
            self._schedule_one(timer.fire_at if timer else None, raised.deadline_id, subject_id)
        code = self._codes.get(subject_id)
        if code is not None and self.horizon is not None:
            self._schedule_one(next_opening(code, self._regulation, self.horizon), subject_id, subject_id)

    def _schedule_one(self, fire_at: datetime | None, key: UUID, subject_id: UUID) -> None:
        if fire_at is None:
            self._scheduled.pop(key, None)
        elif self._scheduled.get(key) != fire_at:
            self._scheduled[key] = fire_at
            heapq.heappush(self._timers, (fire_at, key, subject_id))
            # Entries of clocks that have moved or been let go stay in the heap; they may not outgrow the live ones.
            if len(self._timers) > 2 * len(self._scheduled) + HEAP_SLACK:
                self._timers = [t for t in self._timers if self._scheduled.get(t[1]) == t[0]]
                heapq.heapify(self._timers)

    def _fire(self, fire_at: datetime, key: UUID, subject_id: UUID) -> None:
        if self._scheduled.get(key) != fire_at:
            return
        del self._scheduled[key]
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
        self._schedule_one(following.fire_at if following else None, key, subject_id)

    def _open_period(self, fire_at: datetime, subject_id: UUID) -> None:
        """Set the clocks of the periods that begin; each is caused by what made the authority owe the duty at all."""
        expected = self._expected(subject_id)
        raised = self._raised.setdefault(subject_id, {})
        for deadline_id in sorted_ids(expected.keys() - raised.keys()):
            deadline = expected[deadline_id]
            cause = Cause(deadline.start.event_id, fire_at, "new_period", deadline.start.meta.backfilled)
            events, after = emit(None, deadline, cause, self._explain)
            self.emitted.extend(events)
            if after is not None:
                raised[deadline_id] = after
            self.dirty.add(subject_id)
        self._last_expected[subject_id] = expected
        self._schedule(subject_id)


HEAP_SLACK = 1000
