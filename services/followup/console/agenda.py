"""The agenda of a conference: who prepares the answer to each petition, who has it, and until when it may be set.

No day that the chair sets is later than the one that the rule gives; a page says which that is before it is typed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, get_args
from uuid import UUID

import msgspec

from services.followup.adapters.read.models import Case, Deadline, StoredEvent
from services.followup.adapters.read.queries import Queries
from services.followup.adapters.read.regulation_logs import RegulationLogs
from services.followup.console.pages import annulled_ids
from services.followup.domain.regulation import RegulationLog
from services.followup.entrypoints.json_views import EventView, event_view
from shared.calendar import CalendarMissing
from shared.policy import NO_TRAITS, ImpossibleDay, Traits, anchor_of, count, counted_from
from shared.policy.schema import Trait


class Preparation(NamedTuple):
    """An agency that was asked to prepare an answer; `answered_on` is empty until it has."""

    agency: str
    answered_on: str
    event_id: UUID | None


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True):
    """A petition of a conference. Days are as recorded, empty where there is none."""

    case: Case
    is_raised: bool
    preparations: tuple[Preparation, ...] = ()
    due_on: str = ""  # the chair's own day
    latest: date | None = None  # no day of the chair's is later; None where no rule says so

    @property
    def id(self) -> UUID:
        """The petition's id."""
        return self.case.row.subject_id

    @property
    def agencies(self) -> frozenset[str]:
        """The agencies that a page names of it."""
        return frozenset({self.case.row.agency, *(each.agency for each in self.preparations)})


class Agendas:
    """Reads agendas, of petitions that the caller may see."""

    def __init__(self, queries: Queries, logs: RegulationLogs) -> None:
        self._queries, self._logs = queries, logs

    async def of(self, conference: UUID, petitions: Sequence[Case], end: date | None) -> list[AgendaItem]:
        """The petitions of a conference that ends on a day; None where it has none yet."""
        ids = [case.row.subject_id for case in petitions]
        facts, owed = await self._queries.facts_of(ids), await self._queries.open_deadlines(ids)
        logs = await self._logs.by_source() if end is not None and petitions else {}
        return [
            _item(conference, case, facts.get(id_, []), owed.get((case.source, id_), []), logs.get(case.source), end)
            for id_, case in zip(ids, petitions, strict=True)
        ]

    async def latest(self, source: str, jurisdiction: str, end: date | None) -> date | None:
        """The day on which the reply is due to what is raised at a conference that ends on a day."""
        log = (await self._logs.by_source()).get(source) if end is not None else None
        return latest_reply(log, jurisdiction, end) if log is not None and end is not None else None


def _item(
    conference: UUID,
    case: Case,
    stored: Sequence[StoredEvent],
    owed: Iterable[Deadline],
    log: RegulationLog | None,
    end: date | None,
) -> AgendaItem:
    gone = annulled_ids(stored)
    events = [event_view(each) for each in stored if each.event_id not in gone]
    running = next((each.raised.due_on for each in owed if each.raised.duty == "reply"), None)
    said = {e.data.get("variant", "complex") for e in events if e.topic == "PetitionMarkedComplex"}
    traits = frozenset(each for each in get_args(Trait) if each in said)
    latest = running
    if latest is None and log is not None and end is not None:
        latest = latest_reply(log, case.row.jurisdiction, end, traits)
    own = [str(e.data["due_on"]) for e in events if e.topic in _ASSIGNED and e.data.get("due_on")]
    return AgendaItem(
        case=case,
        is_raised=any(e.topic == "PetitionRaised" and e.data.get("conference_id") == str(conference) for e in events),
        preparations=tuple(_preparations(events)),
        due_on=min(own, default=""),
        latest=latest,
    )


_ASSIGNED = ("PetitionAssigned", "PetitionReassigned")


def _preparations(events: Sequence[EventView]) -> Iterable[Preparation]:
    answers = {str(e.data.get("agency", "")): e for e in events if e.topic == "AnswerPrepared"}
    asked = [str(e.data.get("agency", "")) for e in events if e.topic == "PetitionForwarded"]
    for agency in dict.fromkeys([*asked, *answers]):
        answer = answers.get(agency)
        answered_on = str(answer.data.get("effective_on", "")) if answer else ""
        yield Preparation(agency, answered_on, answer.event_id if answer else None)


def latest_reply(log: RegulationLog, jurisdiction: str, end: date, traits: Traits = NO_TRAITS) -> date | None:
    """The day on which the reply is due to what was raised at a conference that ends on a day; None where none is."""
    found = log.rule_in_force(jurisdiction, "reply", end)
    if found is None or anchor_of(found.rule) != "conference_end":
        return None
    try:
        counted = count(found.rule, counted_from(found.rule, end), log.calendar, traits)
    except (CalendarMissing, ImpossibleDay):
        return None
    return counted.due_on if counted else None


def conference_end(first: str, last: str, closed: str, today: date) -> date | None:
    """The day on which a conference ended, or will as it is planned; None before there is a plan."""
    if closed:
        return _day(closed)
    planned = _day(last) or _day(first)
    return max(planned, today) if planned else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:  # an event that waits may hold anything
        return None


def by_petition(items: Iterable[AgendaItem]) -> Mapping[UUID, AgendaItem]:
    """The items by their petitions."""
    return {item.id: item for item in items}
