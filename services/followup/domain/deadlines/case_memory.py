"""The cases of one source that are in memory: their facts, how they hang together, and which of them a fact touches."""

import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal
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
from services.followup.domain.duties.due_dates import UncountableDuty
from services.followup.domain.duties.jurisdiction import jurisdiction_id
from services.followup.domain.duties.reply import CaseContext
from services.followup.domain.facts import Fact, is_of_person, is_of_petition, is_regulation
from services.followup.domain.regulation import RegulationLog
from shared.cases.facts import annulled_ids
from shared.cases.reply_clock import MergedPetition
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import (
    ConclusionNoticeIssued,
    ConferenceCancelled,
    ConferenceClosed,
    ConferencePlanned,
    ConferenceRescheduled,
)
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
from shared.identifiers import local_day, sorted_ids

#: Events of a conference that can change the duties of its petitions and of its authority.
MOVES_PETITIONS = (
    ConferencePlanned,
    ConferenceRescheduled,
    ConferenceCancelled,
    ConferenceClosed,
    ConclusionNoticeIssued,
    RecordAnnulled,
)
#: Events of a petition that none of its duties depends on.
MOVES_NOTHING = (PetitionClassified, EscalationProposed, PersonalDataErased)
#: Events of the regulation that can change the duties of every case.
MOVES_EVERYTHING = (
    CalendarPublished,
    CalendarProposed,
    PolicyAdopted,
    AgencyClosed,
    JurisdictionClosed,
    RecordAnnulled,
)


class Needs(msgspec.Struct):
    """What must be loaded before some facts are applied."""

    #: Petitions, each with those it is merged with and its conferences.
    petitions: set[UUID]
    #: Conferences alone.
    conferences: set[UUID]
    #: Conferences whose petitions must be loaded as well, because a fact can change their duties.
    moving: set[UUID]
    #: Whether a fact can change the duties of every case of the source.
    everything: bool


class CaseMemory:
    """The regulation of one source, and those of its petitions and conferences that are loaded.

    Only its methods change the public mappings.
    """

    def __init__(self, source: str) -> None:
        self.regulation = RegulationLog()
        #: The loaded petitions; None where no receipt is among the facts.
        self.petitions: dict[UUID, PetitionCase | None] = {}
        #: The loaded conferences; None where nothing is known of one.
        self.conferences: dict[UUID, ConferenceCase | None] = {}
        #: The dialogues that were held, by conference, whether the conference is loaded or not.
        self.dialogues: dict[UUID, Dialogue] = {}
        #: The codes of the authorities that owe duties of their own, by their stream.
        self.jurisdictions: dict[UUID, str] = {}
        self.context = CaseContext(source, self.regulation, self.conferences.get)
        #: The duties of each case that cannot be counted, loaded or not: what was raised on them stands, and its timers
        #: wait.
        self.uncountable: dict[UUID, dict[UUID, UncountableDuty]] = {}
        #: The cases whose list of such duties has changed since the caller last took them away.
        self.relisted: set[UUID] = set()
        self._whole = self.regulation
        self._earlier: dict[int, RegulationLog] = {}
        self._facts: dict[UUID, list[Fact]] = {}
        self._petitions_of: dict[UUID, set[UUID]] = {}
        self._merged_into: dict[UUID, set[UUID]] = {}

    # --- loading ---------------------------------------------------------------------------------------------------

    def needs(self, facts: Sequence[Fact]) -> Needs:
        """What must be loaded before these facts can be applied."""
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

    def moves_ended(self, fact: Fact) -> bool:
        """Whether an event that can change every case can change those too of which all ended in time before its day.

        A calendar cannot: what was done in time stays so. A document cannot that begins later and names no heirs.
        """
        match fact.event:
            case CalendarPublished() | CalendarProposed():
                return False
            case PolicyAdopted(policy=policy):
                return bool(policy.heirs) or policy.valid_from <= local_day(fact.recorded_at)
            case _:
                return True

    def may_move_everything(self, fact: object) -> bool:
        """Whether it is an event of a kind that can change every case, whether this one does or not."""
        return isinstance(fact, Fact) and is_regulation(fact) and isinstance(fact.event, MOVES_EVERYTHING)

    def _moves_everything(self, fact: Fact) -> bool:
        if isinstance(fact.event, CalendarPublished | CalendarProposed):
            # The first calendar of a year after all others: no count can have reached it, nor a warning back into it,
            # but one that could not be finished for lack of it.
            return any(year >= fact.event.year for year in self.regulation.calendar.years) or bool(self.uncountable)
        return isinstance(fact.event, MOVES_EVERYTHING)

    def know_until(self, position: int | None) -> None:
        """Let the regulation be what was known of it at a position; at None all that is known now."""
        facts = self._whole.facts
        known = len(facts) if position is None else bisect.bisect_right(facts, position, key=lambda fact: fact.position)
        self.regulation = self._whole
        if known < len(facts):
            if known not in self._earlier:
                self._earlier[known] = RegulationLog(facts[:known])
            self.regulation = self._earlier[known]
        self.context = msgspec.structs.replace(self.context, regulation=self.regulation)

    def forget_earlier(self) -> None:
        """Drop what `know_until` has kept."""
        self._earlier.clear()

    def load_shared(self, regulation: Sequence[Fact], dialogues: Mapping[UUID, Dialogue]) -> None:
        """Add the facts of the regulation, in the order recorded, and the dialogues held, by their conference."""
        self.regulation.extend(regulation)
        self.dialogues.update(dialogues)
        self._find_jurisdictions()

    def load_petition(self, petition_id: UUID, facts: Sequence[Fact]) -> None:
        """Fold a petition from its facts; those merged with it and its conferences are to be loaded with it."""
        self._facts[petition_id] = list(facts)
        self._fold_petition(petition_id)

    def load_conference(self, conference_id: UUID, facts: Sequence[Fact]) -> None:
        """Fold a conference from its facts; one without facts is remembered as unknown."""
        self._facts[conference_id] = list(facts)
        self._fold_conference(conference_id)

    def forget(self, subject_id: UUID) -> None:
        """Drop a petition or a conference; a conference goes with the petitions that belong to it, or after them."""
        self._unlink(self.petitions.get(subject_id))
        for known in (self._facts, self.petitions, self.conferences):
            known.pop(subject_id, None)

    # --- reading ---------------------------------------------------------------------------------------------------

    def is_petition(self, subject_id: UUID) -> bool:
        """Whether it is a petition that is loaded."""
        return subject_id in self.petitions

    def is_loaded(self, subject_id: UUID) -> bool:
        """Whether a petition or a conference is loaded."""
        return subject_id in self.petitions or subject_id in self.conferences

    def has_facts(self, subject_id: UUID) -> bool:
        """Whether anything is known of a loaded petition or conference."""
        return bool(self._facts.get(subject_id))

    def loaded(self) -> list[UUID]:
        """The petitions and conferences that are loaded."""
        return [*self.petitions, *self.conferences]

    @property
    def loaded_count(self) -> int:
        """How many petitions and conferences are loaded."""
        return len(self.petitions) + len(self.conferences)

    def last_position(self, subject_id: UUID) -> int:
        """The position of the last fact of a loaded case."""
        return self._facts[subject_id][-1].position

    def conferences_of(self, petition_id: UUID) -> Collection[UUID]:
        """The conferences to which a loaded petition belongs."""
        case = self.petitions.get(petition_id)
        return case.conferences if case is not None else ()

    def merged_with(self, petition_id: UUID) -> set[UUID]:
        """The petitions merged into this one, and this one with those into which it was merged."""
        return {*self._merged_into.get(petition_id, ()), *self._survivors(petition_id)}

    def merged_into(self, petition_id: UUID) -> tuple[MergedPetition[Fact], ...]:
        """The petitions merged into this one, in the order of their ids, each with those merged into it."""
        found = []
        for merged_id in sorted_ids(self._merged_into.get(petition_id, ())):
            case = self.petitions.get(merged_id)
            end = case.round.end if case else None
            if case is not None and end is not None:
                found.append(MergedPetition(case, end, self.merged_into(merged_id)))
        return tuple(found)

    def record_of(self, subject_id: UUID, event_id: UUID) -> Literal["standing", "annulled", "unknown"]:
        """Whether a record on which a loaded case or an authority depends stands, was annulled, or is not known."""
        known = {fact.event_id for fact in self._on_record(subject_id)}
        if event_id not in known:
            return "unknown"
        return "annulled" if event_id in annulled_ids(self._on_record(subject_id)) else "standing"

    def _on_record(self, subject_id: UUID) -> Iterator[Fact]:
        """Every fact of a case, of those merged with it, of their conferences, and of the regulation."""
        kin, waiting = set[UUID](), [subject_id]
        while waiting:
            each = waiting.pop()
            if each not in kin:
                kin.add(each)
                waiting.extend(self.merged_with(each))
        for each in kin.union(*(self.conferences_of(petition_id) for petition_id in kin)):
            yield from self._facts.get(each, ())
        yield from self.regulation.facts

    def touched(self, fact: Fact) -> set[UUID]:
        """The loaded cases and the authorities whose duties a fact can change, as things stand."""
        kind = fact.meta.aggregate
        if is_of_person(fact):
            return set()
        if kind == "petition":
            if isinstance(fact.event, MOVES_NOTHING):
                return set()
            found = self._survivors(fact.originator_id)
            if isinstance(fact.event, PetitionMerged):
                found |= self._survivors(fact.event.into)
            return found
        if kind == "conference":
            found = {fact.originator_id}
            if isinstance(fact.event, MOVES_PETITIONS):
                for petition_id in self._petitions_of.get(fact.originator_id, ()):
                    found |= self._survivors(petition_id)
                found |= self.authority_of(fact)
            return found
        if isinstance(fact.event, ReceptionDayHeld | FrequencyDutyWaived):
            return {jurisdiction_id(fact.event.code)} & self.jurisdictions.keys()
        found = set(self.jurisdictions)
        if isinstance(fact.event, MOVES_EVERYTHING):
            found |= self.conferences.keys() | self.petitions.keys()
        return found

    def authority_of(self, fact: Fact) -> set[UUID]:
        """The authority of a fact, where it owes duties of its own; otherwise nothing."""
        return {jurisdiction_id(fact.meta.jurisdiction)} & self.jurisdictions.keys()

    def _survivors(self, petition_id: UUID) -> set[UUID]:
        """The petition and those into which it was merged, one after another."""
        found: set[UUID] = set()
        step: UUID | None = petition_id
        while step is not None and step not in found:
            found.add(step)
            case = self.petitions.get(step)
            step = case.survivor if case else None
        return found

    # --- facts -----------------------------------------------------------------------------------------------------

    def insert(self, fact: Fact) -> None:
        """Add the next fact of the source."""
        if is_of_person(fact):
            return
        if is_regulation(fact):
            self.regulation.extend([fact])
            self._find_jurisdictions()
            return
        self._facts.setdefault(fact.originator_id, []).append(fact)
        case = self.petitions.get(fact.originator_id)
        if case is not None and is_of_petition(fact) and not isinstance(fact.event, RecordAnnulled):
            self._unlink(case)
            evolve(case, fact)
            self._link(case)
        else:
            self._fold(fact)

    def remove(self, fact: Fact) -> None:
        """Take the last inserted fact out again."""
        if is_of_person(fact):
            return
        if is_regulation(fact):
            self.regulation.without_last()
        else:
            self._facts[fact.originator_id].pop()
            self._fold(fact)

    def set_dialogue(self, conference_id: UUID, dialogue: Dialogue | None) -> None:
        """Remember the dialogue that a conference was, or that it was none."""
        if dialogue is None:
            self.dialogues.pop(conference_id, None)
        else:
            self.dialogues[conference_id] = dialogue

    def list_uncountable(self, subject_id: UUID, duties: dict[UUID, UncountableDuty]) -> None:
        """Remember which duties of a case cannot be counted, in place of those known before."""
        if self.uncountable.get(subject_id, {}) == duties:
            return
        self.relisted.add(subject_id)
        if duties:
            self.uncountable[subject_id] = duties
        else:
            del self.uncountable[subject_id]

    def _fold(self, fact: Fact) -> None:
        if fact.meta.aggregate == "conference":
            self._fold_conference(fact.originator_id)
        else:
            self._fold_petition(fact.originator_id)

    def _fold_conference(self, conference_id: UUID) -> None:
        case = fold_conference(conference_id, self._facts[conference_id])
        self.conferences[conference_id] = case
        self.set_dialogue(conference_id, dialogue_of(case))

    def _fold_petition(self, petition_id: UUID) -> None:
        self._unlink(self.petitions.get(petition_id))
        case = fold_petition(petition_id, self._facts[petition_id])
        self.petitions[petition_id] = case
        self._link(case)

    def _link(self, case: PetitionCase | None) -> None:
        if case is None:
            return
        for conference_id in case.conferences:
            self._petitions_of.setdefault(conference_id, set()).add(case.petition_id)
        if case.survivor is not None:
            self._merged_into.setdefault(case.survivor, set()).add(case.petition_id)

    def _unlink(self, case: PetitionCase | None) -> None:
        if case is None:
            return
        for conference_id in case.conferences:
            self._petitions_of.get(conference_id, set()).discard(case.petition_id)
        if case.survivor is not None:
            self._merged_into.get(case.survivor, set()).discard(case.petition_id)

    def _find_jurisdictions(self) -> None:
        for code in self.regulation.bound():
            subject_id = jurisdiction_id(code)
            if subject_id not in self.jurisdictions:
                self.jurisdictions[subject_id] = code
