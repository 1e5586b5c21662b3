"""A conference is held: opened, attended, its speakers heard, its minutes adopted, closed (plan II.4.2)."""

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, ConferenceAct, unchanged
from services.intake.domain.acts.conference.plan_and_reschedule import later_in_petitions
from services.intake.domain.conference import (
    Conference,
    require_held_on,
    require_not_after_closing,
    require_not_cancelled,
    require_not_opened,
    require_opened,
    require_planned,
)
from services.intake.domain.context import CLOSING_DUTIES, DecisionContext, require_countable
from services.intake.domain.petition import recorded_ids
from shared.events.conference import (
    AttendanceRecorded,
    BaseConferenceEvent,
    ConferenceClosed,
    ConferenceOpened,
    MinutesAdopted,
    SecretaryAppointed,
    SpeakerCalled,
    SpeakerRegistered,
)

# --- opened and attended ---------------------------------------------------------------------------------------------


def _check_opening(conference: Conference, event: ConferenceOpened) -> None:
    if event.effective_on != conference.first_day:
        raise errors.OpeningOnAnotherDay("effective_on", first_day=conference.first_day)


def _check_held(conference: Conference, event: BaseConferenceEvent) -> None:
    """It can only happen while the conference is held."""
    require_held_on(conference, event.effective_on)


def _check_attending(conference: Conference, event: AttendanceRecorded, context: DecisionContext) -> None:
    for code in event.agencies:
        context.regulation.agency_on(code, event.effective_on, "agencies")


# --- speakers --------------------------------------------------------------------------------------------------------


def _check_speaker(conference: Conference, event: SpeakerRegistered) -> None:
    """Slips are collected before the opening too (plan II.4.2)."""
    require_not_after_closing(conference, event.effective_on)
    if event.speaker in conference.registered:
        raise errors.SpeakerAlreadyRegistered("speaker", speaker=event.speaker)


def _check_petitioners(conference: Conference, event: SpeakerRegistered, context: DecisionContext) -> None:
    """What a speaker says is sealed under keys of petitioners, and those are erased by way of their petition."""
    if event.petition_id is None:
        if event.petitioner_ids:
            raise errors.InvalidValue("petition_id", "petition-missing")
        return
    petition = context.petition(event.petition_id, "petition_id")
    if strangers := set(recorded_ids(event.petitioner_ids, petition.petitioner_ids)) - set(petition.petitioner_ids):
        raise errors.InvalidValue("petitioner_ids", "strangers", count=len(strangers))


def _for_everybody(conference: Conference, event: SpeakerRegistered, context: DecisionContext) -> SpeakerRegistered:
    """Nobody in particular is everybody: otherwise erasing them would leave these words behind."""
    if event.petition_id is None:
        return event
    known = context.petition(event.petition_id, "petition_id").petitioner_ids
    return replace(event, petitioner_ids=recorded_ids(event.petitioner_ids, known) or known)


def _with_speaker(conference: Conference, event: SpeakerRegistered) -> Conference:
    speaking_for = {**conference.speaking_for, event.speaker: event.petitioner_ids}
    return replace(conference, registered=(*conference.registered, event.speaker), speaking_for=speaking_for)


def _check_call(conference: Conference, event: SpeakerCalled) -> None:
    _check_held(conference, event)
    if event.speaker not in conference.registered:
        raise errors.UnknownSpeaker("speaker", speaker=event.speaker)
    if event.speaker in conference.called:
        raise errors.SpeakerAlreadyCalled("speaker", speaker=event.speaker)


def _check_turn(conference: Conference, event: SpeakerCalled, context: DecisionContext) -> None:
    """A rule of commands alone: of a recorded call the chair's reason is sealed."""
    turn = next(speaker for speaker in conference.registered if speaker not in conference.called)
    if event.speaker != turn and not event.chair_reason.strip():
        raise errors.SpeakerOutOfOrder("speaker", turn=turn)
    known = conference.speaking_for.get(event.speaker, ())
    if set(recorded_ids(event.petitioner_ids, known)) - set(known):
        raise errors.InvalidValue("petitioner_ids", "other-petitioners")


def _for_their_petitioners(conference: Conference, event: SpeakerCalled, context: DecisionContext) -> SpeakerCalled:
    known = conference.speaking_for.get(event.speaker, ())
    return replace(event, petitioner_ids=recorded_ids(event.petitioner_ids, known) or known)


# --- minutes and closing ---------------------------------------------------------------------------------------------


def _possible_minutes(conference: Conference) -> None:
    require_opened(conference)
    if conference.minutes:
        raise errors.MinutesAlreadyAdopted
    if not conference.secretary:
        raise errors.SecretaryMissing


def _possible_closing(conference: Conference) -> None:
    require_not_cancelled(conference)
    if conference.opened_on is None:
        raise errors.ConferenceNeverOpened(None, "closing")
    if conference.closed_on is not None:
        raise errors.ConferenceAlreadyClosed(closed_on=conference.closed_on)


def _check_closing(conference: Conference, event: ConferenceClosed) -> None:
    if conference.opened_on is not None and event.effective_on < conference.opened_on:
        raise errors.DatedBeforeConference("effective_on", "opened", day=conference.opened_on)


def _check_clocks(conference: Conference, event: ConferenceClosed, context: DecisionContext) -> None:
    duties = ("reply", *CLOSING_DUTIES)
    require_countable(context, conference.jurisdiction, duties, event.effective_on, conference.audience)


CONFERENCE_ACTS = (
    ConferenceAct(
        event=ConferenceOpened,
        path="opening",
        roles=OFFICE_OR_CHAIR,
        possible=require_not_opened,
        check=_check_opening,
        fold=lambda conference, event: replace(conference, opened_on=event.effective_on),
        resting_on=later_in_petitions,
    ),
    ConferenceAct(
        event=AttendanceRecorded,
        path="attendance",
        roles=OFFICE_OR_CHAIR,
        possible=require_opened,
        check=_check_held,
        check_in_context=_check_attending,
        fold=unchanged,
    ),
    ConferenceAct(
        event=SecretaryAppointed,
        path="secretary",
        roles=OFFICE_OR_CHAIR,
        possible=require_opened,
        check=_check_held,
        fold=lambda conference, event: replace(conference, secretary=True),
    ),
    ConferenceAct(
        event=SpeakerRegistered,
        path="speakers",
        roles=OFFICE_OR_CHAIR,
        names=lambda event: () if event.petition_id is None else (event.petition_id,),
        possible=require_planned,
        check=_check_speaker,
        check_in_context=_check_petitioners,
        fill=_for_everybody,
        fold=_with_speaker,
    ),
    ConferenceAct(
        event=SpeakerCalled,
        path="calls",
        roles=OFFICE_OR_CHAIR,
        possible=require_opened,
        check=_check_call,
        check_in_context=_check_turn,
        fill=_for_their_petitioners,
        fold=lambda conference, event: replace(conference, called=(*conference.called, event.speaker)),
    ),
    ConferenceAct(
        event=MinutesAdopted,
        path="minutes",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_minutes,
        check=_check_held,
        fold=lambda conference, event: replace(conference, minutes=True),
    ),
    ConferenceAct(
        event=ConferenceClosed,
        path="closing",
        roles=OFFICE_OR_CHAIR,
        rests_on_rules=True,
        possible=_possible_closing,
        check=_check_closing,
        check_in_context=_check_clocks,
        fold=lambda conference, event: replace(conference, closed_on=event.effective_on),
        resting_on=later_in_petitions,
    ),
)
