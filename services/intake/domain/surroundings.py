"""Rules of petitions and conferences that look beyond their own stream: other aggregates, bodies, calendars."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.intake.domain import errors
from services.intake.domain.clock_rules import check_complexity, check_extension, check_suspension, check_trait
from services.intake.domain.conference import Conference
from services.intake.domain.conference_rules import check_at_conference
from services.intake.domain.context import DecisionContext, counted, counted_under
from services.intake.domain.petition import Petition
from services.intake.domain.reply_clock import reply_due
from shared.events import DatedEvent
from shared.events.conference import (
    AttendanceRecorded,
    ComplexityDetermined,
    ConclusionNoticeIssued,
    ConferenceClosed,
    ConferencePlanned,
    ConferenceProposed,
    ConferenceRescheduled,
    DialogueRequested,
    PreparationTaskAssigned,
    PublicationEnded,
    PublicationStarted,
    SpeakerCalled,
    SpeakerRegistered,
)
from shared.events.petition import (
    AcceptanceNoticeSent,
    AgencyResultReported,
    AnswerPrepared,
    ClockSuspended,
    EscalationProposed,
    ExtensionGranted,
    ForwarderInformed,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionRaised,
    PetitionReassigned,
    PetitionReceived,
    PetitionReopened,
    PetitionScheduled,
    ReplyReported,
    Report,
    WrittenReplyIssued,
)
from shared.identifiers import is_within
from shared.policy import anchor_of

CHAIR = "chair"
#: What must precede the conference.
BACKWARD = ("invitation", "public_notice", "preparation_report", "prepared_answer", "preparation_task")
#: What its end sets.
AFTERWARDS = ("internal_review", "conclusion_notice", "result_publication", "result_report")


def check_receipt(event: PetitionReceived, context: DecisionContext) -> None:
    """A petition comes in where a jurisdiction exists; under a policy that counts from receipt its clocks start."""
    context.regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    _counts(("acceptance_notice",), event.jurisdiction, event.effective_on, context)
    if _reply_anchor(event.jurisdiction, event.effective_on, context) == "receipt":
        _counts(("reply",), event.jurisdiction, event.effective_on, context)


def _reply_anchor(jurisdiction: str, received_on: date, context: DecisionContext) -> str | None:
    rule_in_force = context.regulation.rule_in_force(jurisdiction, "reply", received_on)
    return anchor_of(rule_in_force.rule) if rule_in_force else None


def _counts(
    duties: Iterable[str], jurisdiction: str, start: date, context: DecisionContext, audience: str = ""
) -> None:
    """The clocks that an act starts find their calendars. Raises CalendarYearMissing."""
    for duty in duties:
        counted(context, jurisdiction, duty, start, audience)


def check_petition_context(petition: Petition, event: DatedEvent, context: DecisionContext, petition_id: UUID) -> None:
    """Refuse what the surroundings of a petition do not allow."""
    match event:
        case PetitionForwarded() | AnswerPrepared() | EscalationProposed():
            context.regulation.agency_on(event.agency, event.effective_on)
        case AgencyResultReported() | ForwarderInformed():
            context.regulation.agency_on(event.agency, event.effective_on)
            duties = ("result_notice", "forwarder_report")
            _counts(duties, petition.jurisdiction, event.effective_on, context)
        case AcceptanceNoticeSent():
            if _reply_anchor(petition.jurisdiction, petition.received_on, context) == "acceptance":
                _counts(("reply",), petition.jurisdiction, event.effective_on, context)
        case PetitionMarkedComplex():
            check_trait(petition_id, petition, event, context)
        case ClockSuspended():
            check_suspension(petition_id, petition, event, context)
        case PetitionScheduled():
            _check_schedule(petition, event, context)
        case PetitionRaised():
            conference = _conference_of(petition, event.conference_id, context)
            check_at_conference(conference, event)
        case PetitionAnsweredAtConference():
            check_at_conference(context.conference(event.conference_id), event)
            if event.by != CHAIR:
                context.regulation.agency_on(event.by, event.effective_on, "by")
        case PetitionAssigned() | PetitionReassigned():
            check_assignment(petition_id, petition, event, context)
        case ExtensionGranted():
            check_extension(petition_id, petition, event, context)
        case WrittenReplyIssued() | ReplyReported():
            _check_reports(event.reports, context)
            if isinstance(event, WrittenReplyIssued):
                _counts(("reply_report",), petition.jurisdiction, event.effective_on, context)
        case PetitionReopened():
            _counts(("reply",), petition.jurisdiction, event.effective_on, context)
        case PetitionMerged():
            _check_merger(event, context, petition_id)
        case _:
            pass


def check_assignment(
    petition_id: UUID,
    petition: Petition,
    event: PetitionAssigned | PetitionReassigned,
    context: DecisionContext,
    field: str = "",
) -> None:
    """The bodies exist on that day; the chair's own date is no later than the reply's."""
    context.regulation.agency_on(event.agency, event.effective_on, f"{field}agency")
    for code in event.assisting:
        context.regulation.agency_on(code, event.effective_on, f"{field}assisting")
    _counts(("result_report",), petition.jurisdiction, event.effective_on, context)
    if event.due_on is None:
        return
    context.regulation.require_calendar(event.due_on, f"{field}due_on")
    due = reply_due(petition_id, petition, context)
    if due is not None and event.due_on > due:
        raise errors.LaterThanDue(f"{field}due_on: {event.due_on} is later than the reply's due date {due}")
    if event.due_on < event.effective_on:
        raise errors.InvalidValue(f"{field}due_on: {event.due_on} is before the assignment on {event.effective_on}")


def check_proposal(event: ConferenceProposed | DialogueRequested, context: DecisionContext) -> None:
    """A proposal or request names an existing jurisdiction."""
    context.regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    if isinstance(event, ConferenceProposed):
        for petition_id in event.petition_ids:
            context.petition(petition_id, "petition_ids")
    audience = event.audience if isinstance(event, DialogueRequested) else ""
    _counts(("proposal_decision", "convene"), event.jurisdiction, event.effective_on, context, audience)


def check_conference_context(conference: Conference | None, event: DatedEvent, context: DecisionContext) -> None:
    """Refuse what the surroundings of a conference do not allow."""
    match event:
        case ConferencePlanned():
            _check_plan(conference, event, context)
        case ConferenceRescheduled() if conference is not None:
            _check_days(event.first_day, event.last_day, event.effective_on)
            act_on = conference.planned_on or event.effective_on
            _backward_counts(conference.jurisdiction, event.first_day, act_on, context, conference.audience)
        case PreparationTaskAssigned():
            context.regulation.agency_on(event.agency, event.effective_on)
        case AttendanceRecorded():
            for code in event.agencies:
                context.regulation.agency_on(code, event.effective_on, "agencies")
        case SpeakerRegistered():
            _check_speaker(event, context)
        case SpeakerCalled() if conference is not None:
            _check_words(conference, event)
        case ConferenceClosed() if conference is not None:
            _counts(("reply", *AFTERWARDS), conference.jurisdiction, event.effective_on, context, conference.audience)
        case ConclusionNoticeIssued() | PublicationStarted() | PublicationEnded() if conference is not None:
            duties = ("result_publication", "posting", "conclusion_notice")
            _counts(duties, conference.jurisdiction, event.effective_on, context, conference.audience)
        case ComplexityDetermined() if conference is not None:
            check_complexity(conference, event, context)
        case _:
            pass


def check_lines(event: ConclusionNoticeIssued) -> None:
    """A notice assigns each petition once."""
    named = [line.petition_id for line in event.assignments]
    for petition_id in named:
        if named.count(petition_id) > 1:
            raise errors.InvalidValue(f"assignments: the petition {petition_id} is listed twice")


def _check_plan(conference: Conference | None, event: ConferencePlanned, context: DecisionContext) -> None:
    if conference is not None and conference.jurisdiction != event.jurisdiction:
        raise errors.InvalidValue(f"jurisdiction: the conference was proposed for {conference.jurisdiction}")
    context.regulation.jurisdiction_on(event.jurisdiction, event.effective_on)
    for field, code in (("office", event.office), ("station", event.station)):
        if code:
            context.regulation.agency_on(code, event.effective_on, field)
    _check_days(event.first_day, event.last_day, event.effective_on)
    if conference is not None and conference.requested and event.audience != conference.audience:
        raise errors.InvalidValue(f"audience: the dialogue was asked for by {conference.audience!r}")
    _backward_counts(event.jurisdiction, event.first_day, event.effective_on, context, event.audience)


def _check_days(first_day: date, last_day: date, act_on: date) -> None:
    if last_day < first_day:
        raise errors.InvalidValue(f"last_day: {last_day} is before first_day {first_day}")
    if first_day < act_on:
        raise errors.PlannedAfterItsDay(f"first_day: {first_day} is before the day of the act, {act_on}")


def _backward_counts(jurisdiction: str, first_day: date, act_on: date, context: DecisionContext, audience: str) -> None:
    context.regulation.require_calendar(first_day, "first_day")
    for duty in BACKWARD:
        counted_under(context, jurisdiction, duty, first_day, act_on, audience)


def _conference_of(petition: Petition, conference_id: UUID, context: DecisionContext) -> Conference:
    conference = context.conference(conference_id)
    if not is_within(petition.jurisdiction, conference.jurisdiction):
        raise errors.ConferenceElsewhere(
            f"conference_id: the conference is of {conference.jurisdiction}, the petition of {petition.jurisdiction}"
        )
    return conference


def _check_schedule(petition: Petition, event: PetitionScheduled, context: DecisionContext) -> None:
    conference = _conference_of(petition, event.conference_id, context)
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("conference_id: the conference was cancelled")
    if conference.planned_on is None:
        raise errors.NeverPlanned("conference_id: plan the conference first")
    if conference.closed_on is not None and event.effective_on > conference.closed_on:
        raise errors.ConferenceAlreadyClosed(f"conference_id: the conference closed on {conference.closed_on}")
    for other_id in petition.scheduled:
        other = context.conferences.get(other_id)
        if other is not None and not other.cancelled and other.closed_on is None:
            raise errors.AlreadyScheduled(f"conference_id: the petition is on the agenda of {other_id}")


def _check_speaker(event: SpeakerRegistered, context: DecisionContext) -> None:
    """What a speaker says is sealed under keys of petitioners, and those are erased by way of their petition."""
    if event.petition_id is None:
        if event.petitioner_ids:
            raise errors.InvalidValue("petition_id: name the petition of these petitioners")
        return
    petition = context.petition(event.petition_id, "petition_id")
    if strangers := set(event.petitioner_ids) - set(petition.petitioner_ids):
        raise errors.InvalidValue(f"petitioner_ids: {len(strangers)} of them are no petitioners of that petition")


def _check_words(conference: Conference, event: SpeakerCalled) -> None:
    if set(event.petitioner_ids) - set(conference.speaking_for.get(event.speaker, ())):
        raise errors.InvalidValue("petitioner_ids: the speaker was registered for other petitioners; leave them out")


def _check_reports(reports: Iterable[Report], context: DecisionContext) -> None:
    for report in reports:
        if report.on > context.today:
            raise errors.FutureDeed(f"reports: {report.on} is after today, {context.today}")


def _check_merger(event: PetitionMerged, context: DecisionContext, petition_id: UUID) -> None:
    if event.into == petition_id:
        raise errors.MergingWithItself("into: name another petition")
    survivor = context.petition(event.into, "into")
    places = (survivor.jurisdiction, context.petitions[petition_id].jurisdiction)
    if not is_within(*places) and not is_within(*reversed(places)):
        raise errors.MergingElsewhere(f"into: the survivor is of {places[0]}, the petition of {places[1]}")
    if survivor.ended:
        raise errors.MergingIntoEndedPetition(f"into: the survivor ended ({survivor.ended}); reopen it first")
