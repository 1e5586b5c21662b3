"""Which deeds a petition allows in its state. Only its own stream is looked at; surroundings are in `surroundings`."""

from services.intake.domain import errors
from services.intake.domain.petition import Petition
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled, ReminderSent
from shared.events.petition import (
    AcceptanceNoticeSent,
    AgencyResultReported,
    AnswerPrepared,
    ClockResumed,
    ClockSuspended,
    EscalationProposed,
    ForwarderInformed,
    HigherAuthorityAnswered,
    PersonalDataErased,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClosed,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionRaised,
    PetitionReassigned,
    PetitionReopened,
    PetitionScheduled,
    RefusalNoticeSent,
    ReplyReported,
    Report,
    WrittenReplyIssued,
)


def check_petition(petition: Petition, event: DatedEvent, *, recorded: bool = False) -> None:
    """Refuse a deed that the petition's state does not allow. Raises PetitionRefused.

    `recorded` is for a deed judged again after an annulment: its sealed texts are not at hand and were judged before.
    """
    if isinstance(event, RecordAnnulled | PersonalDataErased):
        return
    if event.effective_on < petition.received_on:
        raise errors.DatedBeforeReceipt(
            f"effective_on: {event.effective_on} is before the receipt on {petition.received_on}"
        )
    _check_end(petition, event)
    match event:
        case PetitionForwarded() if event.agency in petition.forwarded:
            raise errors.AlreadyForwarded(f"agency: {event.agency} has the petition already")
        case AnswerPrepared() if event.agency not in petition.forwarded:
            raise errors.NeverForwarded(f"agency: forward the petition to {event.agency} first")
        case PetitionScheduled() if event.conference_id in petition.scheduled:
            raise errors.AlreadyScheduled("conference_id: the petition is on this agenda already")
        case PetitionRaised() if event.conference_id in petition.raised:
            raise errors.AlreadyRaised("conference_id: the petition was raised there before")
        case PetitionAnsweredAtConference() if event.conference_id not in petition.raised:
            raise errors.NeverRaised("conference_id: record first that the petition was raised there")
        case PetitionAssigned():
            _check_assignment(petition, event)
        case PetitionReassigned() if not petition.lead:
            raise errors.NeverAssigned("agency: nobody has the case yet; assign it")
        case PetitionMarkedComplex() if event.variant in petition.traits:
            raise errors.AlreadyComplex(f"variant: the case was decided to be {event.variant} before")
        case AcceptanceNoticeSent() if petition.accepted_on is not None:
            raise errors.AlreadyAccepted(f"the matter was taken up on {petition.accepted_on}")
        case RefusalNoticeSent() if petition.accepted_on is not None:
            raise errors.AlreadyAccepted(f"the matter was taken up on {petition.accepted_on}; close it with a ground")
        case ClockSuspended() if petition.suspended:
            raise errors.AlreadySuspended("the clock stands still already; record first that it runs again")
        case ClockResumed() if not petition.suspended:
            raise errors.NeverSuspended("the clock was not suspended")
        case ForwarderInformed() if event.agency not in petition.bodies:
            raise errors.NeverForwarded(f"agency: the petition was neither forwarded nor assigned to {event.agency}")
        case EscalationProposed() | AgencyResultReported() if event.agency not in (petition.lead, *petition.assisting):
            raise errors.NeverAssigned(f"agency: the case is not assigned to {event.agency}; assign it first")
        case PetitionEscalated() if petition.escalated:
            raise errors.AlreadyEscalated("the higher authority has the matter; record its answer first")
        case HigherAuthorityAnswered() if not petition.escalated:
            raise errors.NeverEscalated("record the escalation first")
        case WrittenReplyIssued():
            _check_reply(petition, event)
        case ReplyReported():
            _check_report(petition, event)
        case PetitionClosed() if not petition.replies and not event.ground.strip() and not recorded:
            raise errors.ClosingWithoutReplyOrGround("ground: there is no reply, so state the ground of the closing")
        case _:
            pass


def _check_end(petition: Petition, event: DatedEvent) -> None:
    if isinstance(event, PetitionReopened):
        _check_reopening(petition, event)
        return
    if not petition.ended:
        return
    if isinstance(event, ReplyReported | ReminderSent) and (petition.ended == "closed" or petition.replies):
        # The report of a reply given is owed however the case ended after it.
        return
    if petition.ended == "withdrawn" and isinstance(event, WrittenReplyIssued | PetitionAnsweredAtConference):
        raise errors.AnsweringWithdrawnPetition("the petition was withdrawn; reopen it or annul the withdrawal first")
    way_out = f"act on {petition.merged_into}" if petition.merged_into else "reopen it"
    raise errors.CaseEnded(f"the case ended ({petition.ended}) on {petition.ended_on}; {way_out}")


def _check_reopening(petition: Petition, event: PetitionReopened) -> None:
    if not petition.ended or petition.ended_on is None:
        raise errors.NeverEnded("the case is open; there is nothing to reopen")
    if petition.ended == "merged":
        raise errors.ReopeningMergedPetition(f"the case goes on in {petition.merged_into}; or annul the merger")
    if event.effective_on < petition.ended_on:
        raise errors.ReopenedBeforeEnd(f"effective_on: the case ended on {petition.ended_on}; name that day or later")


def _check_assignment(petition: Petition, event: PetitionAssigned) -> None:
    if petition.assigned:
        raise errors.AlreadyAssigned(f"agency: {petition.lead} has the case; reassign it")
    if event.notice_id is not None and not petition.raised:
        raise errors.NeverRaised("a conclusion notice assigns what was raised at the conference")


def _check_reply(petition: Petition, event: WrittenReplyIssued) -> None:
    if event.number in {reply.number for reply in petition.replies}:
        raise errors.ReplyNumberUsed(f"number: a reply {event.number} was recorded")
    _check_dates(event, event.reports)


def _check_report(petition: Petition, event: ReplyReported) -> None:
    reply = next((reply for reply in petition.replies if reply.number == event.reply_number), None)
    if reply is None:
        raise errors.UnknownReply(f"reply_number: there is no reply {event.reply_number}; record it first")
    for report in event.reports:
        if report.on < reply.on:
            raise errors.ReportedBeforeReply(f"reports: {report.on} is before the reply on {reply.on}")


def _check_dates(reply: WrittenReplyIssued, reports: tuple[Report, ...]) -> None:
    for report in reports:
        if report.on < reply.effective_on:
            raise errors.ReportedBeforeReply(f"reports: {report.on} is before the reply on {reply.effective_on}")
