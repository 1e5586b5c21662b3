"""A clock while it runs: traits, extensions, the chair's dates, suspensions, applied in the order of their days. Pure.

Both services use it: intake refuses by it what comes too late, followup raises deadlines by it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum

import msgspec

from shared.calendar import Calendar
from shared.policy.counting import (
    NO_TRAITS,
    Suspension,
    Traits,
    count,
    length_of,
    moved,
    rolled,
    unrolled,
    variant_of,
)
from shared.policy.notes import Note, NoteKind
from shared.policy.schema import Extension, Length, Notified, Rule, Trait


class StepKind(StrEnum):
    """What can happen to a running clock."""

    #: The case was found to have a trait, which may have another limit.
    TRAIT = "trait"
    #: More time was granted.
    EXTENSION = "extension"
    #: The chair set an earlier date.
    CAP = "cap"
    #: A petition merged into this one brought its date along.
    INHERITED = "inherited"
    #: The clock stands still from this day on.
    SUSPENDED = "suspended"
    #: The clock runs again from this day on.
    RESUMED = "resumed"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a running clock on a day."""

    kind: StepKind
    #: The day on which it took effect.
    on: date
    #: The new date, of an extension, a cap or an inherited date; None for any other.
    day: date | None = None
    #: The trait that was found; of no meaning for any other kind.
    trait: Trait = "complex"
    #: Who was told of an extension or a suspension, and when.
    told: Mapping[Notified, date] = {}


class RunningClock(msgspec.Struct, frozen=True, kw_only=True):
    """Where the steps have left a clock."""

    #: The last day in time; None while it is suspended, and where there is none.
    due_on: date | None
    #: What the case was found to be, as far as it was found in time.
    traits: Traits = NO_TRAITS
    #: The times for which it stood still.
    suspensions: tuple[Suspension, ...] = ()
    #: The day from which it stands still; None while it runs.
    suspended_since: date | None = None
    #: A day on which the duty is only expected: of an extension without effect.
    expected_on: date | None = None
    #: What is to be said of the steps, in their order.
    notes: tuple[Note, ...] = ()


def clock_after(
    rule: Rule, start: date | None, steps: Iterable[Step], calendar: Calendar, traits: Traits = NO_TRAITS
) -> RunningClock:
    """The clock of a rule from `start` after these steps, which come in the order in which they took effect.

    Without a start there is no clock of its own, only dates that others bring along. Raises CalendarMissing.
    """
    clock = _Clock(rule, start, calendar, traits)
    for step in steps:
        clock.apply(step)
    return clock.result()


class _Clock:
    """The state between two steps; `due` is the date that stands, or that stood when the clock was suspended."""

    def __init__(self, rule: Rule, start: date | None, calendar: Calendar, traits: Traits) -> None:
        self._rule, self._start, self._calendar, self._traits = rule, start, calendar, traits
        self._suspensions: tuple[Suspension, ...] = ()
        self._since: date | None = None
        self._earlier: date | None = None  # the earliest date that people set
        self._given: date | None = None  # where the time that was given ends, before it rolls
        self._extensions = 0
        self._expected: date | None = None
        self._notes: list[Note] = []
        self._limit = self._due = self._counted()

    def result(self) -> RunningClock:
        return RunningClock(
            due_on=self._due if self._since is None and self._due != date.max else None,
            traits=self._traits,
            suspensions=self._suspensions,
            suspended_since=self._since,
            expected_on=self._expected,
            notes=tuple(self._notes),
        )

    def apply(self, step: Step) -> None:
        match step.kind:
            case StepKind.TRAIT:
                self._apply_trait(step)
            case StepKind.EXTENSION:
                self._extend(step)
            case StepKind.CAP | StepKind.INHERITED:
                self._cap(step)
            case StepKind.SUSPENDED:
                self._suspend(step)
            case StepKind.RESUMED:
                self._resume(step)

    def _in_time(self, day: date) -> bool:
        # A clock that stands still passes no date.
        return self._since is not None or day <= self._due

    def _counted(self) -> date:
        """The rule's own end; without a start, or for an undated duty, there is none that anything could move."""
        if self._start is None:
            return date.max
        counted = count(self._rule, self._start, self._calendar, self._traits, self._suspensions)
        return counted.due_on if counted else date.max

    def _rolled(self, end: date) -> date:
        return rolled(self._rule, end, self._calendar, self._suspensions)

    def _standing(self) -> date:
        """The later of the rule's own end and that of the time that was given, or an earlier date that was set."""
        last = self._limit if self._given is None else max(self._limit, self._rolled(self._given))
        return last if self._earlier is None else min(last, self._earlier)

    def _apply_trait(self, step: Step) -> None:
        if self._start is None or not self._in_time(step.on):
            self._notes.append(Note(NoteKind.TRAIT_TOO_LATE, step.on, step.trait))
            return
        before = variant_of(self._rule, self._traits)
        self._traits |= {step.trait}
        if variant_of(self._rule, self._traits) == before:
            self._notes.append(Note(NoteKind.NO_VARIANT, trait=step.trait))
            return
        self._limit = self._counted()
        variant = variant_of(self._rule, self._traits)
        if self._given is not None and variant is not None and variant.in_total is not None:
            # A cap in total is lifted by no extension, also by one that was granted before the trait was found.
            self._given = min(self._given, self._from_start(variant.in_total))
        self._due = self._standing()

    def _extend(self, step: Step) -> None:
        granted, extension = step.day, self._rule.extension
        assert granted is not None
        if extension is None:
            self._expected = granted
            self._notes.append(Note(NoteKind.EXTENSION_NOT_PROVIDED, granted))
        elif any(who not in step.told or not self._in_time(step.told[who]) for who in extension.told):
            self._expected = granted
            self._notes.append(Note(NoteKind.EXTENSION_TOO_LATE, granted))
        elif extension.times is not None and self._extensions >= extension.times:
            self._expected = granted
            self._notes.append(Note(NoteKind.EXTENSIONS_USED_UP, granted))
        else:
            self._extensions += 1
            end = min([granted, *self._most(extension)])
            due_on = self._rolled(end)
            self._given = end if self._given is None else max(self._given, end)
            if self._earlier is not None:
                # More time takes the place of an earlier date that was set before.
                self._earlier = max(self._earlier, due_on)
            self._due = self._standing()
            self._expected = None
            self._notes.append(Note(NoteKind.EXTENDED, due_on))
            if due_on < granted:
                self._notes.append(Note(NoteKind.EXTENSION_CAPPED, granted))

    def _most(self, extension: Extension) -> list[date]:
        """How far one more extension may go, before it rolls."""
        most = []
        if extension.each is not None:
            end = self._due if extension.counted_from == "rolled" else self._unrolled_end()
            excluded = msgspec.structs.replace(self._rule, first_day="excluded")
            most.append(unrolled(excluded, end, extension.each, self._calendar).due_on)
        variant = variant_of(self._rule, self._traits)
        totals = [extension.in_total, variant.in_total if variant else None]
        if self._start is not None:
            most += [self._from_start(total) for total in totals if total is not None]
        return most

    def _from_start(self, length: Length) -> date:
        assert self._start is not None
        return unrolled(self._rule, self._start, length, self._calendar, self._suspensions).due_on

    def _unrolled_end(self) -> date:
        """The end that stands as it fell; a date that people set is as it is."""
        if self._start is not None and self._due == self._limit:
            return self._from_start(length_of(self._rule, self._traits))
        if self._given is not None and self._due == self._rolled(self._given):
            return self._given
        return self._due

    def _cap(self, step: Step) -> None:
        assert step.day is not None
        self._earlier = step.day if self._earlier is None else min(self._earlier, step.day)
        if step.day < self._due:
            self._due = step.day
            kind = NoteKind.CHAIR_DATE if step.kind == StepKind.CAP else NoteKind.MERGED_EARLIEST
            self._notes.append(Note(kind, step.day))

    def _suspend(self, step: Step) -> None:
        if self._since is not None:
            return
        told = self._rule.pause.told if self._rule.pause else ()
        if self._rule.pause is None or self._start is None:
            self._notes.append(Note(NoteKind.SUSPENSION_NOT_PROVIDED, step.on))
        elif not self._in_time(step.on) or any(
            who not in step.told or not self._in_time(step.told[who]) for who in told
        ):
            self._notes.append(Note(NoteKind.SUSPENSION_TOO_LATE, step.on))
        else:
            self._since = step.on
            self._notes.append(Note(NoteKind.SUSPENDED, step.on))

    def _resume(self, step: Step) -> None:
        if self._since is None:
            return
        suspension = Suspension(self._since, max(step.on, self._since))
        self._since = None
        self._suspensions = (*self._suspensions, suspension)
        self._notes.append(Note(NoteKind.RESUMED, step.on))

        def later(day: date | None) -> date | None:
            return None if day is None else moved(day, suspension, self._rule.unit, self._calendar)

        # What people set moves by the time left out; the rule's own end is counted again. Every end rolls as always.
        self._earlier, self._given = later(self._earlier), later(self._given)
        self._limit = self._counted()
        self._due = self._standing()
