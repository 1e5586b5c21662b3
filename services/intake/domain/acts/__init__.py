"""The acts: all that intake knows of one kind of command stands in one struct, in the file of its group.

`act` says what such a struct holds and in which order a command is judged. A new act is a struct in one of these files;
the tables here and the routes are made from them.

petition/     what is done to a petition
conference/   what is done to a conference
regulation    bodies, policies, calendars, plans
people        posts and delegations
any_stream    reminders, annulments, erasures
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, TypeVar

from services.intake.domain.acts import any_stream, people, regulation
from services.intake.domain.acts.act import (
    Act,
    AnyAct,
    AnyConferenceAct,
    AnyPetitionAct,
    ConferenceAct,
    CreatingAct,
    PetitionAct,
    RegulationAct,
)
from services.intake.domain.acts.conference import conclude, hold, plan_and_reschedule, prepare, propose
from services.intake.domain.acts.petition import (
    assign,
    classify_and_forward,
    close_and_reopen,
    correct,
    escalate,
    extend_and_suspend,
    merge_redirect_withdraw,
    receive,
    reply_and_report,
    schedule_and_raise,
)
from services.intake.domain.conference import Conference
from services.intake.domain.petition import Petition
from shared.events import DATED_EVENTS, DatedEvent

A = TypeVar("A", bound=AnyAct)


def _by_event(*groups: Iterable[A]) -> dict[type[DatedEvent], A]:
    found: dict[type[DatedEvent], A] = {}
    for act in chain.from_iterable(groups):
        if act.event in found:
            raise TypeError(f"two acts record {act.event.__name__}: delete one in services/intake/domain/acts")
        found[act.event] = act
    return found


#: The acts by the event that they record: those that begin a petition, and those on one that exists, in the order of
#: the process. The same of conferences.
PETITION_CREATING: dict[type[DatedEvent], CreatingAct[Petition, Any]] = _by_event((receive.RECEIPT,))
PETITION_ACTS: dict[type[DatedEvent], AnyPetitionAct] = _by_event(
    correct.PETITION_ACTS,
    classify_and_forward.PETITION_ACTS,
    schedule_and_raise.PETITION_ACTS,
    assign.PETITION_ACTS,
    extend_and_suspend.PETITION_ACTS,
    escalate.PETITION_ACTS,
    reply_and_report.PETITION_ACTS,
    close_and_reopen.PETITION_ACTS,
    merge_redirect_withdraw.PETITION_ACTS,
    any_stream.PETITION_ACTS,
)
CONFERENCE_CREATING: dict[type[DatedEvent], CreatingAct[Conference, Any]] = _by_event(
    propose.CREATING_ACTS, plan_and_reschedule.CREATING_ACTS
)
CONFERENCE_ACTS: dict[type[DatedEvent], AnyConferenceAct] = _by_event(
    propose.CONFERENCE_ACTS,
    plan_and_reschedule.CONFERENCE_ACTS,
    prepare.CONFERENCE_ACTS,
    hold.CONFERENCE_ACTS,
    conclude.CONFERENCE_ACTS,
    any_stream.CONFERENCE_ACTS,
)
REGULATION_ACTS: dict[type[DatedEvent], RegulationAct[Any]] = _by_event(regulation.REGULATION_ACTS, people.PEOPLE_ACTS)
TABLES = (REGULATION_ACTS, CONFERENCE_CREATING, PETITION_CREATING, CONFERENCE_ACTS, PETITION_ACTS)

_FORGOTTEN = [topic for topic, event in DATED_EVENTS.items() if not any(event in table for table in TABLES)]
if _FORGOTTEN:
    raise TypeError(f"no act records {', '.join(_FORGOTTEN)}: add one in services/intake/domain/acts")

#: The topics of events whose decision expects the policies and calendars to stand unchanged.
RESTING_ON_RULES = frozenset(act.event.TOPIC for table in TABLES for act in table.values() if act.rests_on_rules)
_ON: dict[type[Petition | Conference | None], dict[type[DatedEvent], AnyAct]] = {
    Petition: {**PETITION_ACTS},
    Conference: {**CONFERENCE_ACTS},
    type(None): _by_event(PETITION_CREATING.values(), CONFERENCE_CREATING.values(), REGULATION_ACTS.values()),
}


def act_on(event: type[DatedEvent], target: Petition | Conference | None) -> AnyAct | None:
    """The act that records an event on a petition or conference, or as the first of one; None where there is none."""
    return _ON[type(target)].get(event)


__all__ = [
    "CONFERENCE_ACTS",
    "CONFERENCE_CREATING",
    "PETITION_ACTS",
    "PETITION_CREATING",
    "REGULATION_ACTS",
    "RESTING_ON_RULES",
    "TABLES",
    "Act",
    "AnyAct",
    "ConferenceAct",
    "CreatingAct",
    "PetitionAct",
    "RegulationAct",
    "act_on",
]
