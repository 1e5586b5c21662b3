"""Which deeds a conference allows in its state. Only its own stream is looked at."""

from services.intake.domain import errors
from services.intake.domain.conference import Conference
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled, ReminderSent
from shared.events.conference import (
    AttendanceRecorded,
    ComplexityDetermined,
    ConclusionNoticeIssued,
    ConferenceCancelled,
    ConferenceClosed,
    ConferenceOpened,
    ConferencePlanned,
    ConferenceProposalDecided,
    ConferenceRescheduled,
    InternalReviewHeld,
    InvitationsSent,
    MinutesAdopted,
    PreparationReported,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicationEnded,
    PublicationStarted,
    PublicNoticePublished,
    RequestAnswered,
    SecretaryAppointed,
    SpeakerCalled,
    SpeakerRegistered,
)


def check_conference(conference: Conference, event: DatedEvent, *, recorded: bool = False) -> None:
    """Refuse a deed that the conference's state does not allow. Raises ConferenceRefused.

    `recorded` is for a deed judged again after an annulment: its sealed texts are not at hand and were judged before.
    """
    if isinstance(event, RecordAnnulled | ReminderSent):
        return
    if event.effective_on < conference.begun_on:
        raise errors.DatedBeforeConference(f"effective_on: the conference's first act is of {conference.begun_on}")
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("the conference was cancelled; plan another one")
    match event:
        case ConferenceProposalDecided() | RequestAnswered():
            _check_decision(conference, event)
        case ConferencePlanned():
            _check_planning(conference)
        case ConferenceRescheduled() | ConferenceCancelled() | ConferenceOpened():
            _check_before(conference, event)
        case (
            PreparationTaskAssigned()
            | PreparationTaskDone()
            | PreparationReported()
            | PublicNoticePublished()
            | InvitationsSent()
        ):
            _check_preparation(conference, event)
        case AttendanceRecorded() | SecretaryAppointed() | SpeakerRegistered() | SpeakerCalled() | MinutesAdopted():
            check_at_conference(conference, event)
            _check_programme(conference, event, recorded)
        case ConferenceClosed():
            _check_closing(conference, event)
        case InternalReviewHeld() | ConclusionNoticeIssued() | ComplexityDetermined():
            _check_afterwards(conference, event)
        case PublicationStarted() | PublicationEnded():
            _check_publication(conference, event)
        case _:
            pass


def check_at_conference(conference: Conference, event: DatedEvent) -> None:
    """Refuse what can only happen while the conference is held; a record made later must be dated within it."""
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("the conference was cancelled; plan another one")
    if conference.opened_on is None:
        raise errors.ConferenceNeverOpened("record the opening first")
    if event.effective_on < conference.opened_on:
        raise errors.OutsideTheConference(f"effective_on: the conference opened on {conference.opened_on}")
    if conference.closed_on is not None and event.effective_on > conference.closed_on:
        raise errors.ConferenceAlreadyClosed(f"effective_on: the conference closed on {conference.closed_on}")


def _check_decision(conference: Conference, event: ConferenceProposalDecided | RequestAnswered) -> None:
    if isinstance(event, RequestAnswered) and not conference.requested:
        raise errors.NeverRequested("nobody asked for this dialogue by law; decide on the proposal instead")
    if isinstance(event, ConferenceProposalDecided) and not conference.proposed:
        raise errors.NeverProposed("the conference was planned without a proposal")
    if conference.accepted is not None:
        raise errors.ProposalAlreadyDecided("the proposal was decided on; annul that record first")


def _check_planning(conference: Conference) -> None:
    if conference.planned_on is not None:
        raise errors.AlreadyPlanned("the conference has its days; reschedule it")
    if (conference.proposed and conference.accepted is not True) or conference.accepted is False:
        raise errors.ProposalNotAccepted("the chair has to accept the proposal first")


def _check_planned(conference: Conference) -> None:
    if conference.planned_on is None:
        raise errors.NeverPlanned("plan the conference first")


def _check_before(conference: Conference, event: DatedEvent) -> None:
    _check_planned(conference)
    if conference.opened_on is not None:
        raise errors.ConferenceAlreadyOpened(f"the conference opened on {conference.opened_on}")
    if isinstance(event, ConferenceOpened) and event.effective_on != conference.first_day:
        raise errors.OpeningOnAnotherDay(
            f"effective_on: the conference is planned for {conference.first_day}; reschedule it first"
        )


def _check_preparation(conference: Conference, event: DatedEvent) -> None:
    _check_planned(conference)
    late = conference.opened_on is not None and event.effective_on > conference.opened_on
    match event:
        case PreparationTaskAssigned() | PublicNoticePublished() | InvitationsSent() if late:
            raise errors.ConferenceAlreadyOpened(f"effective_on: the conference opened on {conference.opened_on}")
        case PreparationTaskAssigned() if conference.task(event.task) is not None:
            raise errors.TaskAlreadyAssigned(f"task: {event.task!r} was given out; name another one")
        case PreparationTaskDone():
            task = conference.task(event.task)
            if task is None:
                raise errors.UnknownTask(f"task: there is no task {event.task!r}; assign it first")
            if task.done:
                raise errors.TaskAlreadyDone(f"task: {event.task!r} was done before")
        case PublicNoticePublished() | InvitationsSent() if event.for_date not in conference.first_days:
            raise errors.NamesAnotherDate(f"for_date: the conference is planned for {conference.first_day}")
        case _:
            pass


def _check_programme(conference: Conference, event: DatedEvent, recorded: bool) -> None:
    match event:
        case SpeakerRegistered() if event.speaker in conference.registered:
            raise errors.SpeakerAlreadyRegistered(f"speaker: {event.speaker!r} is on the list")
        case SpeakerCalled():
            _check_call(conference, event, recorded)
        case MinutesAdopted() if conference.minutes:
            raise errors.MinutesAlreadyAdopted("the minutes were adopted; annul that record first")
        case MinutesAdopted() if not conference.secretary:
            raise errors.SecretaryMissing("appoint a secretary first")
        case _:
            pass


def _check_call(conference: Conference, event: SpeakerCalled, recorded: bool) -> None:
    if event.speaker not in conference.registered:
        raise errors.UnknownSpeaker(f"speaker: register {event.speaker!r} first")
    if event.speaker in conference.called:
        raise errors.SpeakerAlreadyCalled(f"speaker: {event.speaker!r} had the floor")
    turn = next(speaker for speaker in conference.registered if speaker not in conference.called)
    if event.speaker != turn and not event.chair_reason.strip() and not recorded:
        raise errors.SpeakerOutOfOrder(f"speaker: it is the turn of {turn!r}; else give chair_reason")


def _check_closing(conference: Conference, event: ConferenceClosed) -> None:
    if conference.opened_on is None:
        raise errors.ConferenceNeverOpened("a conference that was never opened cannot be closed; record the opening")
    if conference.closed_on is not None:
        raise errors.ConferenceAlreadyClosed(f"the conference closed on {conference.closed_on}")
    if event.effective_on < conference.opened_on:
        raise errors.DatedBeforeConference(f"effective_on: the conference opened on {conference.opened_on}")


def _check_afterwards(conference: Conference, event: DatedEvent) -> None:
    if conference.closed_on is None:
        raise errors.ConferenceNotClosed("record the closing of the conference first")
    if event.effective_on < conference.closed_on:
        raise errors.DatedBeforeConference(f"effective_on: the conference closed on {conference.closed_on}")
    if isinstance(event, InternalReviewHeld) and conference.reviewed:
        raise errors.ReviewAlreadyHeld("the review was held; annul that record first")
    if isinstance(event, ConclusionNoticeIssued) and conference.concluded:
        raise errors.ConclusionAlreadyIssued("the notice was issued; reassign, or annul that record first")
    if isinstance(event, ComplexityDetermined) and event.variant in conference.traits:
        raise errors.AlreadyDetermined(f"variant: the conference was decided to be {event.variant} before")


def _check_publication(conference: Conference, event: PublicationStarted | PublicationEnded) -> None:
    _check_planned(conference)
    if event.what == "result" and isinstance(event, PublicationStarted):
        if conference.closed_on is None:
            raise errors.ConferenceNotClosed("record the closing of the conference first")
        if event.effective_on < conference.closed_on:
            raise errors.DatedBeforeConference(f"effective_on: the conference closed on {conference.closed_on}")
    there = (event.what, event.channel) in conference.public
    if isinstance(event, PublicationStarted) and there:
        raise errors.AlreadyPublished(f"channel: the {event.what} is public by {event.channel}; record its end first")
    if isinstance(event, PublicationEnded) and not there:
        raise errors.NeverPublished(f"channel: the {event.what} is not public by {event.channel}")
