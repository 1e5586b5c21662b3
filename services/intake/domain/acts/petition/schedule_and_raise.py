"""A petition comes before a conference: on its agenda, raised there, answered there (plan II.4.2)."""

from uuid import UUID

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, PetitionAct
from services.intake.domain.conference import (
    Conference,
    require_held_on,
    require_opened,
    require_planned,
)
from services.intake.domain.context import DecisionContext
from services.intake.domain.petition import Petition, ended, require_answerable, require_open
from shared.events.petition import PetitionAnsweredAtConference, PetitionRaised, PetitionScheduled
from shared.identifiers import is_within

#: Who answers at the conference where no agency does.
CHAIR = "chair"


def _conference(petition: Petition, conference_id: UUID, context: DecisionContext) -> Conference:
    """The conference, of the petition's jurisdiction or of one above it."""
    conference = context.conference(conference_id)
    if not is_within(petition.jurisdiction, conference.jurisdiction):
        raise errors.ConferenceElsewhere(
            "conference_id", conference_place=conference.jurisdiction, petition_place=petition.jurisdiction
        )
    return conference


def _possible_schedule(petition: Petition, context: DecisionContext) -> None:
    for conference_id in petition.scheduled:
        conference = context.conferences.get(conference_id)
        if conference is not None and not conference.cancelled and conference.closed_on is None:
            raise errors.AlreadyScheduled("conference_id", "elsewhere", conference_id=conference_id)


def _check_schedule(petition: Petition, event: PetitionScheduled) -> None:
    if event.conference_id in petition.scheduled:
        raise errors.AlreadyScheduled("conference_id")


def _check_agenda(petition: Petition, event: PetitionScheduled, context: DecisionContext) -> None:
    conference = _conference(petition, event.conference_id, context)
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("conference_id", "schedule")
    require_planned(conference, "conference_id")
    if conference.closed_on is not None and event.effective_on > conference.closed_on:
        raise errors.ConferenceAlreadyClosed("conference_id", "schedule", closed_on=conference.closed_on)


def _check_raising(petition: Petition, event: PetitionRaised) -> None:
    if event.conference_id in petition.raised:
        raise errors.AlreadyRaised("conference_id")


def _check_raised_at(petition: Petition, event: PetitionRaised, context: DecisionContext) -> None:
    _check_held(_conference(petition, event.conference_id, context), event)


def _check_answer(petition: Petition, event: PetitionAnsweredAtConference) -> None:
    if event.conference_id not in petition.raised:
        raise errors.NeverRaised("conference_id")


def _check_answered_at(petition: Petition, event: PetitionAnsweredAtConference, context: DecisionContext) -> None:
    _check_held(context.conference(event.conference_id), event)
    if event.by != CHAIR:
        context.regulation.agency_on(event.by, event.effective_on, "by")


def _check_held(conference: Conference, event: PetitionRaised | PetitionAnsweredAtConference) -> None:
    require_opened(conference, "conference_id")
    require_held_on(conference, event.effective_on)


RAISING = PetitionAct(
    event=PetitionRaised,
    path="raising",
    roles=OFFICE_OR_CHAIR,
    names=lambda event: (event.conference_id,),
    possible=require_open,
    check=_check_raising,
    check_in_context=_check_raised_at,
    fold=lambda petition, event: replace(petition, raised=(*petition.raised, event.conference_id)),
)
PETITION_ACTS = (
    PetitionAct(
        event=PetitionScheduled,
        path="schedule",
        roles=OFFICE_OR_CHAIR,
        names=lambda event: (event.conference_id,),
        possible=require_open,
        possible_in_context=_possible_schedule,
        check=_check_schedule,
        check_in_context=_check_agenda,
        fold=lambda petition, event: replace(petition, scheduled=(*petition.scheduled, event.conference_id)),
    ),
    RAISING,
    PetitionAct(
        event=PetitionAnsweredAtConference,
        path="oral-answer",
        roles=OFFICE_OR_CHAIR,
        names=lambda event: (event.conference_id,),
        possible=require_answerable,
        check=_check_answer,
        check_in_context=_check_answered_at,
        fold=ended,
    ),
)
