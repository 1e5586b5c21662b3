"""Every deed as a command: its path, who may, and a body made from the event's own fields."""

import msgspec

from shared.events import DATED_EVENTS, DatedEvent


class CommandRoute(msgspec.Struct, frozen=True):
    """Where a deed comes in. `decided` are the fields that the service fills, `in_path` those from the address."""

    topic: str
    aggregate: str
    path: str
    creates: bool
    roles: frozenset[str]
    summary: str = ""
    decided: tuple[str, ...] = ()
    in_path: tuple[str, ...] = ()

    @property
    def event_type(self) -> type[DatedEvent]:
        """The event that the command records."""
        return DATED_EVENTS[self.topic]

    @property
    def has_versions(self) -> bool:
        """Whether a command may name the version that it rests on: of a case, or of a document that is followed."""
        return not self.creates or self.aggregate in ("calendar", "policy")

    @property
    def operation(self) -> str:
        """The last word of the path, for names."""
        return self.path.rsplit("/", 1)[1]


OFFICE = frozenset({"office", "chair"})
SYSTEM = frozenset({"system", "office", "chair"})
CHAIR = frozenset({"chair", "office"})
AGENCY = frozenset({"agency", "office"})
REGULATOR = frozenset({"office", "chair", "operations"})

_PETITION_DEEDS: tuple[tuple[str, str, frozenset[str], tuple[str, ...]], ...] = (
    ("classification", "PetitionClassified", OFFICE, ()),
    ("acceptance", "AcceptanceNoticeSent", OFFICE, ()),
    ("refusal", "RefusalNoticeSent", OFFICE, ()),
    ("forwarding", "PetitionForwarded", OFFICE, ()),
    ("prepared-answer", "AnswerPrepared", AGENCY, ()),
    ("schedule", "PetitionScheduled", OFFICE, ()),
    ("raising", "PetitionRaised", OFFICE, ()),
    ("oral-answer", "PetitionAnsweredAtConference", OFFICE, ()),
    ("assignment", "PetitionAssigned", CHAIR, ("notice_id",)),
    ("reassignment", "PetitionReassigned", CHAIR, ()),
    ("complexity", "PetitionMarkedComplex", CHAIR, ()),
    ("extension", "ExtensionGranted", CHAIR, ()),
    ("suspension", "ClockSuspended", CHAIR, ()),
    ("resumption", "ClockResumed", CHAIR, ()),
    ("escalation-proposal", "EscalationProposed", AGENCY, ()),
    ("escalation", "PetitionEscalated", CHAIR, ()),
    ("higher-answer", "HigherAuthorityAnswered", OFFICE, ()),
    ("reply", "WrittenReplyIssued", AGENCY | CHAIR, ()),
    ("reply-report", "ReplyReported", AGENCY, ()),
    ("result-report", "AgencyResultReported", AGENCY, ()),
    ("forwarder-report", "ForwarderInformed", AGENCY, ()),
    ("closure", "PetitionClosed", OFFICE, ()),
    ("reopening", "PetitionReopened", OFFICE, ()),
    ("withdrawal", "PetitionWithdrawn", SYSTEM, ()),
    ("merger", "PetitionMerged", OFFICE, ("petitioner_ids",)),
    ("redirection", "PetitionRedirected", OFFICE, ()),
    ("reminders", "ReminderSent", OFFICE, ()),
    ("annulments", "RecordAnnulled", OFFICE, ("annulled_topic",)),
)

_CONFERENCE_DEEDS: tuple[tuple[str, str, frozenset[str], tuple[str, ...]], ...] = (
    ("decision", "ConferenceProposalDecided", CHAIR, ()),
    ("answer", "RequestAnswered", CHAIR, ()),
    ("plan", "ConferencePlanned", CHAIR, ()),
    ("rescheduling", "ConferenceRescheduled", CHAIR, ()),
    ("cancellation", "ConferenceCancelled", CHAIR, ()),
    ("tasks", "PreparationTaskAssigned", OFFICE, ()),
    ("task-completions", "PreparationTaskDone", AGENCY, ()),
    ("preparation-report", "PreparationReported", OFFICE, ()),
    ("notices", "PublicNoticePublished", AGENCY, ()),
    ("invitations", "InvitationsSent", OFFICE, ()),
    ("opening", "ConferenceOpened", CHAIR, ()),
    ("attendance", "AttendanceRecorded", OFFICE, ()),
    ("secretary", "SecretaryAppointed", CHAIR, ()),
    ("speakers", "SpeakerRegistered", OFFICE, ()),
    ("calls", "SpeakerCalled", CHAIR, ()),
    ("minutes", "MinutesAdopted", OFFICE, ()),
    ("closing", "ConferenceClosed", CHAIR, ()),
    ("review", "InternalReviewHeld", CHAIR, ()),
    ("complexity", "ComplexityDetermined", CHAIR, ()),
    ("conclusion", "ConclusionNoticeIssued", CHAIR, ()),
    ("publications", "PublicationStarted", OFFICE, ()),
    ("publication-ends", "PublicationEnded", OFFICE, ()),
    ("reminders", "ReminderSent", OFFICE, ()),
    ("annulments", "RecordAnnulled", OFFICE, ("annulled_topic",)),
)


def _event(aggregate: str, path: str, topic: str, roles: frozenset[str], decided: tuple[str, ...]) -> CommandRoute:
    return CommandRoute(topic, aggregate, path, False, roles, _summary(topic), decided)


def _summary(topic: str) -> str:
    return (DATED_EVENTS[topic].__doc__ or "").strip().split("\n")[0]


#: Every deed over HTTP, one line each; the OpenAPI document and the command queue come from the same table.
ROUTES: tuple[CommandRoute, ...] = (
    CommandRoute("JurisdictionRegistered", "jurisdiction", "/v1/jurisdictions", True, REGULATOR),
    CommandRoute(
        "JurisdictionClosed", "jurisdiction", "/v1/jurisdictions/{id}/closure", False, REGULATOR, in_path=("code",)
    ),
    CommandRoute(
        "ReceptionDayHeld", "jurisdiction", "/v1/jurisdictions/{id}/reception-days", False, OFFICE, in_path=("code",)
    ),
    CommandRoute(
        "FrequencyDutyWaived", "jurisdiction", "/v1/jurisdictions/{id}/waivers", False, CHAIR, in_path=("code",)
    ),
    CommandRoute("AgencyRegistered", "agency", "/v1/agencies", True, REGULATOR),
    CommandRoute("AgencyClosed", "agency", "/v1/agencies/{id}/closure", False, REGULATOR, in_path=("code",)),
    CommandRoute("PolicyAdopted", "policy", "/v1/policies", True, REGULATOR),
    CommandRoute("CalendarPublished", "calendar", "/v1/calendars", True, REGULATOR),
    CommandRoute("DialoguePlanAdopted", "plan", "/v1/plans", True, REGULATOR),
    CommandRoute("ConferenceProposed", "conference", "/v1/proposals", True, AGENCY | CHAIR),
    CommandRoute("DialogueRequested", "conference", "/v1/dialogue-requests", True, OFFICE),
    CommandRoute("ConferencePlanned", "conference", "/v1/conferences", True, CHAIR),
    CommandRoute("PetitionReceived", "petition", "/v1/petitions", True, SYSTEM, decided=("receipt_code",)),
    *(_event("conference", f"/v1/conferences/{{id}}/{p}", t, r, d) for p, t, r, d in _CONFERENCE_DEEDS),
    *(_event("petition", f"/v1/petitions/{{id}}/{p}", t, r, d) for p, t, r, d in _PETITION_DEEDS),
)
ERASURE = CommandRoute(
    "PersonalDataErased", "petitioner", "/v1/petitioners/{id}/erasure", False, OFFICE, in_path=("petitioner_id",)
)


def route_of_command(topic: str, *, has_target: bool, aggregate: str = "") -> CommandRoute | None:
    """The route of a command that names its topic: `ConferencePlanned` creates unless it names a conference."""
    if topic == ERASURE.topic:
        return ERASURE
    found = [r for r in ROUTES if r.topic == topic and (not aggregate or r.aggregate == aggregate)]
    fitting = [r for r in found if r.creates != has_target] or found
    return fitting[0] if fitting else None
