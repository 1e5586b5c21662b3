"""Every deed as a command: its path, who may, and a body made from the event's own fields."""

import functools
import operator
from datetime import date
from types import UnionType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from shared.events import DEEDS, Deed

MAX_SHORT = 200  # characters: references and names are indexed
Short = Annotated[str, msgspec.Meta(max_length=MAX_SHORT)]


class Extras(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What every command may carry beside its deed's own fields."""

    effective_on: date | None = None
    on_behalf_of: Short = ""
    source: Short = ""
    external_id: Short = ""
    correlation_id: UUID | None = None


class DeedRoute(msgspec.Struct, frozen=True):
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
    def event_type(self) -> type[Deed]:
        """The event that the command records."""
        return DEEDS[self.topic]

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


def _deed(aggregate: str, path: str, topic: str, roles: frozenset[str], decided: tuple[str, ...]) -> DeedRoute:
    return DeedRoute(topic, aggregate, path, False, roles, _summary(topic), decided)


def _summary(topic: str) -> str:
    return (DEEDS[topic].__doc__ or "").strip().split("\n")[0]


#: Every deed over HTTP, one line each; the OpenAPI document and the command queue come from the same table.
ROUTES: tuple[DeedRoute, ...] = (
    DeedRoute("JurisdictionRegistered", "jurisdiction", "/v1/jurisdictions", True, REGULATOR),
    DeedRoute(
        "JurisdictionClosed", "jurisdiction", "/v1/jurisdictions/{id}/closure", False, REGULATOR, in_path=("code",)
    ),
    DeedRoute(
        "ReceptionDayHeld", "jurisdiction", "/v1/jurisdictions/{id}/reception-days", False, OFFICE, in_path=("code",)
    ),
    DeedRoute("FrequencyDutyWaived", "jurisdiction", "/v1/jurisdictions/{id}/waivers", False, CHAIR, in_path=("code",)),
    DeedRoute("AgencyRegistered", "agency", "/v1/agencies", True, REGULATOR),
    DeedRoute("AgencyClosed", "agency", "/v1/agencies/{id}/closure", False, REGULATOR, in_path=("code",)),
    DeedRoute("PolicyAdopted", "policy", "/v1/policies", True, REGULATOR),
    DeedRoute("CalendarPublished", "calendar", "/v1/calendars", True, REGULATOR),
    DeedRoute("DialoguePlanAdopted", "plan", "/v1/plans", True, REGULATOR),
    DeedRoute("ConferenceProposed", "conference", "/v1/proposals", True, AGENCY | CHAIR),
    DeedRoute("DialogueRequested", "conference", "/v1/dialogue-requests", True, OFFICE),
    DeedRoute("ConferencePlanned", "conference", "/v1/conferences", True, CHAIR),
    DeedRoute("PetitionReceived", "petition", "/v1/petitions", True, SYSTEM, decided=("receipt_code",)),
    *(_deed("conference", f"/v1/conferences/{{id}}/{p}", t, r, d) for p, t, r, d in _CONFERENCE_DEEDS),
    *(_deed("petition", f"/v1/petitions/{{id}}/{p}", t, r, d) for p, t, r, d in _PETITION_DEEDS),
)
ERASURE = DeedRoute(
    "PersonalDataErased", "petitioner", "/v1/petitioners/{id}/erasure", False, OFFICE, in_path=("petitioner_id",)
)

#: The type of a body: its deed's fields and the extras, nothing else.
Body = type[Extras]


def body_type(route: DeedRoute) -> Body:
    """The struct of a command's body, made from its event: same names, types, visibility marks, defaults."""
    return _body_type(route.topic, frozenset({"effective_on", *route.decided, *route.in_path}))


@functools.cache
def _body_type(topic: str, left_out: frozenset[str]) -> Body:
    # One type for the routes that share a deed: they share its name in the OpenAPI document too.
    kind = DEEDS[topic]
    hints = get_type_hints(kind, include_extras=True)
    fields = [_redefined(f, strict(hints[f.name])) for f in msgspec.structs.fields(kind) if f.name not in left_out]
    made = msgspec.defstruct(
        f"{topic}Command",
        fields,
        bases=(Extras,),
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
    )
    return made  # type: ignore[return-value]


def strict(hint: Any) -> Any:
    """A type whose structs, however deep, refuse unknown fields: stored events are read leniently, commands are not."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _strict_struct(hint)
    parts = get_args(hint)
    if get_origin(hint) is Annotated:
        return Annotated[(strict(parts[0]), *hint.__metadata__)]
    changed = tuple(strict(part) for part in parts)
    if changed == parts:
        return hint
    return functools.reduce(operator.or_, changed) if isinstance(hint, UnionType) else get_origin(hint)[changed]


@functools.cache
def _strict_struct(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind, include_extras=True)
    told = [(field, strict(hints[field.name])) for field in msgspec.structs.fields(kind)]
    fields = [_redefined(field, hint) for field, hint in told if hint is not hints[field.name]]
    # The same name: it stands for the same thing in the OpenAPI document.
    namespace = {"__doc__": kind.__doc__}
    return msgspec.defstruct(
        kind.__name__, fields, bases=(kind,), namespace=namespace, forbid_unknown_fields=True, frozen=True, kw_only=True
    )


def _redefined(field: msgspec.structs.FieldInfo, hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    """The same field with another type."""
    if field.default is not msgspec.NODEFAULT:
        return (field.name, hint, field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return (field.name, hint, msgspec.field(default_factory=field.default_factory))
    return (field.name, hint)


class BodyCodec:
    """Bytes to a body of one route, strictly: no string stands for a number, no unknown field passes."""

    EMPTY: ClassVar[bytes] = b"{}"

    def __init__(self, route: DeedRoute) -> None:
        self.route = route
        self.type = body_type(route)
        self._decoder: msgspec.json.Decoder[Extras] = msgspec.json.Decoder(self.type)
        self._names = tuple(f for f in self.type.__struct_fields__ if f not in Extras.__struct_fields__)
        self._event_type = route.event_type

    def decode(self, body: bytes) -> Extras:
        """The body. Raises msgspec.ValidationError (a wrong field), msgspec.DecodeError (not JSON at all)."""
        return self._decoder.decode(body or self.EMPTY)

    def deed(self, body: Extras, effective_on: date, **given: Any) -> Deed:
        """The deed that a body asks for; `given` are the fields from the address."""
        values = {name: getattr(body, name) for name in self._names}
        return self._event_type(effective_on=effective_on, **values, **given)


CODECS: dict[str, BodyCodec] = {route.path: BodyCodec(route) for route in (*ROUTES, ERASURE)}


def route_of_command(topic: str, *, has_target: bool, aggregate: str = "") -> DeedRoute | None:
    """The route of a command that names its topic: `ConferencePlanned` creates unless it names a conference."""
    if topic == ERASURE.topic:
        return ERASURE
    found = [r for r in ROUTES if r.topic == topic and (not aggregate or r.aggregate == aggregate)]
    fitting = [r for r in found if r.creates != has_target] or found
    return fitting[0] if fitting else None
