"""Rules of petitions and conferences that look beyond their own stream: other aggregates, bodies, calendars."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.intake.domain import errors
from services.intake.domain.clock_rules import check_complexity, check_extension, check_suspension, check_trait
from services.intake.domain.conference import Conference
from services.intake.domain.conference_rules import check_at_conference
from services.intake.domain.context import World, counted, counted_under
from services.intake.domain.petition import Petition
from services.intake.domain.reply_clock import reply_due
from shared.events import Deed
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


def check_receipt(deed: PetitionReceived, world: World) -> None:
    """A petition comes in where a jurisdiction exists; under a policy that counts from receipt its clocks start."""
    world.regulation.jurisdiction_on(deed.jurisdiction, deed.effective_on)
    _counts(("acceptance_notice",), deed.jurisdiction, deed.effective_on, world)
    if _reply_anchor(deed.jurisdiction, deed.effective_on, world) == "receipt":
        _counts(("reply",), deed.jurisdiction, deed.effective_on, world)


def _reply_anchor(jurisdiction: str, received_on: date, world: World) -> str | None:
    ruling = world.regulation.ruling(jurisdiction, "reply", received_on)
    return anchor_of(ruling.rule) if ruling else None


def _counts(duties: Iterable[str], jurisdiction: str, start: date, world: World, audience: str = "") -> None:
    """The clocks that an act starts find their calendars. Raises CalendarYearMissing."""
    for duty in duties:
        counted(world, jurisdiction, duty, start, audience)


def check_around_petition(petition: Petition, deed: Deed, world: World, petition_id: UUID) -> None:
    """Refuse what the surroundings of a petition do not allow."""
    match deed:
        case PetitionForwarded() | AnswerPrepared() | EscalationProposed():
            world.regulation.agency_on(deed.agency, deed.effective_on)
        case AgencyResultReported() | ForwarderInformed():
            world.regulation.agency_on(deed.agency, deed.effective_on)
            duties = ("result_notice", "forwarder_report")
            _counts(duties, petition.jurisdiction, deed.effective_on, world)
        case AcceptanceNoticeSent():
            if _reply_anchor(petition.jurisdiction, petition.received_on, world) == "acceptance":
                _counts(("reply",), petition.jurisdiction, deed.effective_on, world)
        case PetitionMarkedComplex():
            check_trait(petition, deed, world)
        case ClockSuspended():
            check_suspension(petition, deed, world)
        case PetitionScheduled():
            _check_schedule(petition, deed, world)
        case PetitionRaised():
            conference = _conference_of(petition, deed.conference_id, world)
            check_at_conference(conference, deed)
        case PetitionAnsweredAtConference():
            check_at_conference(world.conference(deed.conference_id), deed)
            if deed.by != CHAIR:
                world.regulation.agency_on(deed.by, deed.effective_on, "by")
        case PetitionAssigned() | PetitionReassigned():
            check_assignment(petition, deed, world)
        case ExtensionGranted():
            check_extension(petition, deed, world)
        case WrittenReplyIssued() | ReplyReported():
            _check_reports(deed.reports, world)
            if isinstance(deed, WrittenReplyIssued):
                _counts(("reply_report",), petition.jurisdiction, deed.effective_on, world)
        case PetitionReopened():
            _counts(("reply",), petition.jurisdiction, deed.effective_on, world)
        case PetitionMerged():
            _check_merger(deed, world, petition_id)
        case _:
            pass


def check_assignment(
    petition: Petition, deed: PetitionAssigned | PetitionReassigned, world: World, field: str = ""
) -> None:
    """The bodies exist on that day; the chair's own date is no later than the reply's."""
    world.regulation.agency_on(deed.agency, deed.effective_on, f"{field}agency")
    for code in deed.assisting:
        world.regulation.agency_on(code, deed.effective_on, f"{field}assisting")
    _counts(("result_report",), petition.jurisdiction, deed.effective_on, world)
    if deed.due_on is None:
        return
    world.regulation.require_calendar(deed.due_on, f"{field}due_on")
    due = reply_due(petition, world)
    if due is not None and deed.due_on > due:
        raise errors.LaterThanDue(f"{field}due_on: {deed.due_on} is later than the reply's due date {due}")
    if deed.due_on < deed.effective_on:
        raise errors.InvalidValue(f"{field}due_on: {deed.due_on} is before the assignment on {deed.effective_on}")


def check_proposal(deed: ConferenceProposed | DialogueRequested, world: World) -> None:
    """A proposal or request names an existing jurisdiction."""
    world.regulation.jurisdiction_on(deed.jurisdiction, deed.effective_on)
    if isinstance(deed, ConferenceProposed):
        for petition_id in deed.petition_ids:
            world.petition(petition_id, "petition_ids")
    audience = deed.audience if isinstance(deed, DialogueRequested) else ""
    _counts(("proposal_decision", "convene"), deed.jurisdiction, deed.effective_on, world, audience)


def check_around_conference(conference: Conference | None, deed: Deed, world: World) -> None:
    """Refuse what the surroundings of a conference do not allow."""
    match deed:
        case ConferencePlanned():
            _check_plan(conference, deed, world)
        case ConferenceRescheduled() if conference is not None:
            _check_days(deed.first_day, deed.last_day, deed.effective_on)
            act_on = conference.planned_on or deed.effective_on
            _backward_counts(conference.jurisdiction, deed.first_day, act_on, world, conference.audience)
        case PreparationTaskAssigned():
            world.regulation.agency_on(deed.agency, deed.effective_on)
        case AttendanceRecorded():
            for code in deed.agencies:
                world.regulation.agency_on(code, deed.effective_on, "agencies")
        case SpeakerRegistered():
            _check_speaker(deed, world)
        case SpeakerCalled() if conference is not None:
            _check_words(conference, deed)
        case ConferenceClosed() if conference is not None:
            _counts(("reply", *AFTERWARDS), conference.jurisdiction, deed.effective_on, world, conference.audience)
        case ConclusionNoticeIssued() | PublicationStarted() | PublicationEnded() if conference is not None:
            duties = ("result_publication", "posting", "conclusion_notice")
            _counts(duties, conference.jurisdiction, deed.effective_on, world, conference.audience)
        case ComplexityDetermined() if conference is not None:
            check_complexity(conference, deed, world)
        case _:
            pass


def check_lines(deed: ConclusionNoticeIssued) -> None:
    """A notice assigns each petition once."""
    named = [line.petition_id for line in deed.assignments]
    for petition_id in named:
        if named.count(petition_id) > 1:
            raise errors.InvalidValue(f"assignments: the petition {petition_id} is listed twice")


def _check_plan(conference: Conference | None, deed: ConferencePlanned, world: World) -> None:
    if conference is not None and conference.jurisdiction != deed.jurisdiction:
        raise errors.InvalidValue(f"jurisdiction: the conference was proposed for {conference.jurisdiction}")
    world.regulation.jurisdiction_on(deed.jurisdiction, deed.effective_on)
    for field, code in (("office", deed.office), ("station", deed.station)):
        if code:
            world.regulation.agency_on(code, deed.effective_on, field)
    _check_days(deed.first_day, deed.last_day, deed.effective_on)
    if conference is not None and conference.requested and deed.audience != conference.audience:
        raise errors.InvalidValue(f"audience: the dialogue was asked for by {conference.audience!r}")
    _backward_counts(deed.jurisdiction, deed.first_day, deed.effective_on, world, deed.audience)


def _check_days(first_day: date, last_day: date, act_on: date) -> None:
    if last_day < first_day:
        raise errors.InvalidValue(f"last_day: {last_day} is before first_day {first_day}")
    if first_day < act_on:
        raise errors.PlannedAfterItsDay(f"first_day: {first_day} is before the day of the act, {act_on}")


def _backward_counts(jurisdiction: str, first_day: date, act_on: date, world: World, audience: str) -> None:
    world.regulation.require_calendar(first_day, "first_day")
    for duty in BACKWARD:
        counted_under(world, jurisdiction, duty, first_day, act_on, audience)


def _conference_of(petition: Petition, conference_id: UUID, world: World) -> Conference:
    conference = world.conference(conference_id)
    if not is_within(petition.jurisdiction, conference.jurisdiction):
        raise errors.ConferenceElsewhere(
            f"conference_id: the conference is of {conference.jurisdiction}, the petition of {petition.jurisdiction}"
        )
    return conference


def _check_schedule(petition: Petition, deed: PetitionScheduled, world: World) -> None:
    conference = _conference_of(petition, deed.conference_id, world)
    if conference.cancelled:
        raise errors.ConferenceIsCancelled("conference_id: the conference was cancelled")
    if conference.planned_on is None:
        raise errors.NeverPlanned("conference_id: plan the conference first")
    if conference.closed_on is not None and deed.effective_on > conference.closed_on:
        raise errors.ConferenceAlreadyClosed(f"conference_id: the conference closed on {conference.closed_on}")
    for other_id in petition.scheduled:
        other = world.conferences.get(other_id)
        if other is not None and not other.cancelled and other.closed_on is None:
            raise errors.AlreadyScheduled(f"conference_id: the petition is on the agenda of {other_id}")


def _check_speaker(deed: SpeakerRegistered, world: World) -> None:
    """What a speaker says is sealed under keys of petitioners, and those are erased by way of their petition."""
    if deed.petition_id is None:
        if deed.petitioner_ids:
            raise errors.InvalidValue("petition_id: name the petition of these petitioners")
        return
    petition = world.petition(deed.petition_id, "petition_id")
    if strangers := set(deed.petitioner_ids) - set(petition.petitioner_ids):
        raise errors.InvalidValue(f"petitioner_ids: {len(strangers)} of them are no petitioners of that petition")


def _check_words(conference: Conference, deed: SpeakerCalled) -> None:
    if set(deed.petitioner_ids) - set(conference.speaking_for.get(deed.speaker, ())):
        raise errors.InvalidValue("petitioner_ids: the speaker was registered for other petitioners; leave them out")


def _check_reports(reports: Iterable[Report], world: World) -> None:
    for report in reports:
        if report.on > world.today:
            raise errors.FutureDeed(f"reports: {report.on} is after today, {world.today}")


def _check_merger(deed: PetitionMerged, world: World, petition_id: UUID) -> None:
    if deed.into == petition_id:
        raise errors.MergingWithItself("into: name another petition")
    survivor = world.petition(deed.into, "into")
    places = (survivor.jurisdiction, world.petitions[petition_id].jurisdiction)
    if not is_within(*places) and not is_within(*reversed(places)):
        raise errors.MergingElsewhere(f"into: the survivor is of {places[0]}, the petition of {places[1]}")
    if survivor.ended:
        raise errors.MergingIntoEndedPetition(f"into: the survivor ended ({survivor.ended}); reopen it first")
