"""A conference as its standing facts make it, and what several acts ask of it."""

import functools
from collections.abc import Mapping
from datetime import date

import msgspec

from services.intake.domain import errors
from services.intake.domain.facts import AnyFact
from shared.cases.facts import by_effect, standing
from shared.events import DatedEvent
from shared.events.conference import ConclusionNoticeIssued, ConferenceCancelled, ConferenceClosed
from shared.policy.schema import Trait


class Task(msgspec.Struct, frozen=True):
    """A part of the preparation and the body that it was given to."""

    name: str
    agency: str
    done: bool = False


class ConferenceEnd(msgspec.Struct, frozen=True):
    """A conference as far as the replies to what was raised there depend on it."""

    audience: str
    cancelled: AnyFact | None
    closed: AnyFact | None
    concluded: AnyFact | None


class Conference(msgspec.Struct, frozen=True, dict=True):
    """The state on which the next command is judged."""

    jurisdiction: str
    begun_on: date
    proposed: bool = False
    requested: bool = False
    accepted: bool | None = None
    kind: str = ""
    audience: str = ""
    planned_on: date | None = None
    first_days: tuple[date, ...] = ()
    last_day: date | None = None
    #: The day of the rescheduling that set the days as they stand.
    rescheduled_on: date | None = None
    office: str = ""
    station: str = ""
    tasks: tuple[Task, ...] = ()
    opened_on: date | None = None
    cancelled: bool = False
    closed_on: date | None = None
    secretary: bool = False
    registered: tuple[str, ...] = ()
    speaking_for: Mapping[str, tuple[str, ...]] = {}
    called: tuple[str, ...] = ()
    minutes: bool = False
    reviewed: bool = False
    concluded: bool = False
    concluded_on: date | None = None
    traits: tuple[Trait, ...] = ()
    public: tuple[tuple[str, str], ...] = ()

    @property
    def facts(self) -> tuple[AnyFact, ...]:
        """The facts behind the state, annulled ones too; outside the fields, so that views do not repeat them."""
        found: tuple[AnyFact, ...] = self.__dict__.get("facts_behind", ())
        return found

    @functools.cached_property
    def end(self) -> "ConferenceEnd":
        """The facts on which the clocks of replies depend."""
        facts = by_effect(standing(self.facts))

        def first(kind: type[DatedEvent]) -> AnyFact | None:
            return next((fact for fact in facts if isinstance(fact.event, kind)), None)

        return ConferenceEnd(
            self.audience, first(ConferenceCancelled), first(ConferenceClosed), first(ConclusionNoticeIssued)
        )

    def with_fact(self, fact: AnyFact) -> "Conference":
        """The same state with one more fact behind it, on which clocks may depend."""
        copy = msgspec.structs.replace(self)
        copy.__dict__["facts_behind"] = (*self.facts, fact)
        return copy

    @property
    def first_day(self) -> date | None:
        """The first day as planned now."""
        return self.first_days[-1] if self.first_days else None

    def task(self, name: str) -> Task | None:
        """The task of that name."""
        return next((task for task in self.tasks if task.name == name), None)


def require_not_cancelled(conference: Conference, field: str | None = None) -> None:
    """Nothing is done to a conference that was cancelled. Raises ConferenceIsCancelled."""
    if conference.cancelled:
        raise errors.ConferenceIsCancelled(field)


def require_planned(conference: Conference, field: str | None = None) -> None:
    """The conference has its days. Raises ConferenceIsCancelled, NeverPlanned."""
    require_not_cancelled(conference, field)
    if conference.planned_on is None:
        raise errors.NeverPlanned(field)


def require_not_opened(conference: Conference, field: str | None = None) -> None:
    """The conference has its days and has not begun.

    Raises ConferenceIsCancelled, NeverPlanned, ConferenceAlreadyOpened.
    """
    require_planned(conference, field)
    if conference.opened_on is not None:
        raise errors.ConferenceAlreadyOpened(field, opened_on=conference.opened_on)


def require_opened(conference: Conference, field: str | None = None) -> None:
    """The conference has begun. Raises ConferenceIsCancelled, ConferenceNeverOpened."""
    require_not_cancelled(conference, field)
    if conference.opened_on is None:
        raise errors.ConferenceNeverOpened(field)


def require_closed(conference: Conference, field: str | None = None) -> None:
    """The conference is over. Raises ConferenceIsCancelled, ConferenceNotClosed."""
    require_not_cancelled(conference, field)
    if conference.closed_on is None:
        raise errors.ConferenceNotClosed(field)


def require_held_on(conference: Conference, day: date) -> None:
    """A day on which the conference was held; a record made later must be dated within it.

    Raises OutsideTheConference, ConferenceAlreadyClosed.
    """
    if conference.opened_on is not None and day < conference.opened_on:
        raise errors.OutsideTheConference("effective_on", opened_on=conference.opened_on)
    require_not_after_closing(conference, day)


def require_not_after_closing(conference: Conference, day: date) -> None:
    """A day on which it was not over yet. Raises ConferenceAlreadyClosed."""
    if conference.closed_on is not None and day > conference.closed_on:
        raise errors.ConferenceAlreadyClosed("effective_on", "late", closed_on=conference.closed_on)


def require_after_closing(conference: Conference, day: date) -> None:
    """A day on or after the end of the conference. Raises DatedBeforeConference."""
    if conference.closed_on is not None and day < conference.closed_on:
        raise errors.DatedBeforeConference("effective_on", "closed", day=conference.closed_on)
