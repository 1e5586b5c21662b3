"""Which deeds a conference allows in its state. Only its own stream is looked at."""

from services.intake.domain import errors
from services.intake.domain.conference import Conference
from shared.events import Deed
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


def check_conference(conference: Conference, deed: Deed, *, recorded: bool = False) -> None:
    """Refuse a deed that the conference's state does not allow. Raises ConferenceRefused.

    `recorded` is for a deed judged again after an annulment: its sealed texts are not at hand and were judged before.
    """
    if isinstance(deed, RecordAnnulled | ReminderSent):
        return
    if deed.effective_on < conference.begun_on:
        raise errors.DatedBeforeConference(f"effective_on: the conference's first act is of {conference.begun_on}")
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("the conference was cancelled; plan another one")
    match deed:
        case ConferenceProposalDecided() | RequestAnswered():
            _check_decision(conference, deed)
        case ConferencePlanned():
            _check_planning(conference)
        case ConferenceRescheduled() | ConferenceCancelled() | ConferenceOpened():
            _check_before(conference, deed)
        case (
            PreparationTaskAssigned()
            | PreparationTaskDone()
            | PreparationReported()
            | PublicNoticePublished()
            | InvitationsSent()
        ):
            _check_preparation(conference, deed)
        case AttendanceRecorded() | SecretaryAppointed() | SpeakerRegistered() | SpeakerCalled() | MinutesAdopted():
            check_at_conference(conference, deed)
            _check_programme(conference, deed, recorded)
        case ConferenceClosed():
            _check_closing(conference, deed)
        case InternalReviewHeld() | ConclusionNoticeIssued() | ComplexityDetermined():
            _check_afterwards(conference, deed)
        case PublicationStarted() | PublicationEnded():
            _check_publication(conference, deed)
        case _:
            pass


def check_at_conference(conference: Conference, deed: Deed) -> None:
    """Refuse what can only happen while the conference is held; a record made later must be dated within it."""
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("the conference was cancelled; plan another one")
    if conference.opened_on is None:
        raise errors.ConferenceNeverOpened("record the opening first")
    if deed.effective_on < conference.opened_on:
        raise errors.OutsideTheConference(f"effective_on: the conference opened on {conference.opened_on}")
    if conference.closed_on is not None and deed.effective_on > conference.closed_on:
        raise errors.ConferenceAlreadyClosed(f"effective_on: the conference closed on {conference.closed_on}")


def _check_decision(conference: Conference, deed: ConferenceProposalDecided | RequestAnswered) -> None:
    if isinstance(deed, RequestAnswered) and not conference.requested:
        raise errors.NeverRequested("nobody asked for this dialogue by law; decide on the proposal instead")
    if isinstance(deed, ConferenceProposalDecided) and not conference.proposed:
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


def _check_before(conference: Conference, deed: Deed) -> None:
    _check_planned(conference)
    if conference.opened_on is not None:
        raise errors.ConferenceAlreadyOpened(f"the conference opened on {conference.opened_on}")
    if isinstance(deed, ConferenceOpened) and deed.effective_on != conference.first_day:
        raise errors.OpeningOnAnotherDay(
            f"effective_on: the conference is planned for {conference.first_day}; reschedule it first"
        )


def _check_preparation(conference: Conference, deed: Deed) -> None:
    _check_planned(conference)
    late = conference.opened_on is not None and deed.effective_on > conference.opened_on
    match deed:
        case PreparationTaskAssigned() | PublicNoticePublished() | InvitationsSent() if late:
            raise errors.ConferenceAlreadyOpened(f"effective_on: the conference opened on {conference.opened_on}")
        case PreparationTaskAssigned() if conference.task(deed.task) is not None:
            raise errors.TaskAlreadyAssigned(f"task: {deed.task!r} was given out; name another one")
        case PreparationTaskDone():
            task = conference.task(deed.task)
            if task is None:
                raise errors.UnknownTask(f"task: there is no task {deed.task!r}; assign it first")
            if task.done:
                raise errors.TaskAlreadyDone(f"task: {deed.task!r} was done before")
        case PublicNoticePublished() | InvitationsSent() if deed.for_date not in conference.first_days:
            raise errors.NamesAnotherDate(f"for_date: the conference is planned for {conference.first_day}")
        case _:
            pass


def _check_programme(conference: Conference, deed: Deed, recorded: bool) -> None:
    match deed:
        case SpeakerRegistered() if deed.speaker in conference.registered:
            raise errors.SpeakerAlreadyRegistered(f"speaker: {deed.speaker!r} is on the list")
        case SpeakerCalled():
            _check_call(conference, deed, recorded)
        case MinutesAdopted() if conference.minutes:
            raise errors.MinutesAlreadyAdopted("the minutes were adopted; annul that record first")
        case MinutesAdopted() if not conference.secretary:
            raise errors.SecretaryMissing("appoint a secretary first")
        case _:
            pass


def _check_call(conference: Conference, deed: SpeakerCalled, recorded: bool) -> None:
    if deed.speaker not in conference.registered:
        raise errors.UnknownSpeaker(f"speaker: register {deed.speaker!r} first")
    if deed.speaker in conference.called:
        raise errors.SpeakerAlreadyCalled(f"speaker: {deed.speaker!r} had the floor")
    turn = next(speaker for speaker in conference.registered if speaker not in conference.called)
    if deed.speaker != turn and not deed.chair_reason.strip() and not recorded:
        raise errors.SpeakerOutOfOrder(f"speaker: it is the turn of {turn!r}; else give chair_reason")


def _check_closing(conference: Conference, deed: ConferenceClosed) -> None:
    if conference.opened_on is None:
        raise errors.ConferenceNeverOpened("a conference that was never opened cannot be closed; record the opening")
    if conference.closed_on is not None:
        raise errors.ConferenceAlreadyClosed(f"the conference closed on {conference.closed_on}")
    if deed.effective_on < conference.opened_on:
        raise errors.DatedBeforeConference(f"effective_on: the conference opened on {conference.opened_on}")


def _check_afterwards(conference: Conference, deed: Deed) -> None:
    if conference.closed_on is None:
        raise errors.ConferenceNotClosed("record the closing of the conference first")
    if deed.effective_on < conference.closed_on:
        raise errors.DatedBeforeConference(f"effective_on: the conference closed on {conference.closed_on}")
    if isinstance(deed, InternalReviewHeld) and conference.reviewed:
        raise errors.ReviewAlreadyHeld("the review was held; annul that record first")
    if isinstance(deed, ConclusionNoticeIssued) and conference.concluded:
        raise errors.ConclusionAlreadyIssued("the notice was issued; reassign, or annul that record first")
    if isinstance(deed, ComplexityDetermined) and deed.variant in conference.traits:
        raise errors.AlreadyDetermined(f"variant: the conference was decided to be {deed.variant} before")


def _check_publication(conference: Conference, deed: PublicationStarted | PublicationEnded) -> None:
    _check_planned(conference)
    if deed.what == "result" and isinstance(deed, PublicationStarted):
        if conference.closed_on is None:
            raise errors.ConferenceNotClosed("record the closing of the conference first")
        if deed.effective_on < conference.closed_on:
            raise errors.DatedBeforeConference(f"effective_on: the conference closed on {conference.closed_on}")
    there = (deed.what, deed.channel) in conference.public
    if isinstance(deed, PublicationStarted) and there:
        raise errors.AlreadyPublished(f"channel: the {deed.what} is public by {deed.channel}; record its end first")
    if isinstance(deed, PublicationEnded) and not there:
        raise errors.NeverPublished(f"channel: the {deed.what} is not public by {deed.channel}")
