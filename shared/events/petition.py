"""Events of a petition: received, classified, raised, assigned, answered (plan II.4)."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.events.definition import (
    DatedEvent,
    Digest,
    Internal,
    Public,
    SealedAll,
    SealedEach,
    SealedOwn,
)
from shared.policy.schema import Recipient, Trait

PetitionKind = Literal["petition", "reflection"]
Urgency = Literal["normal", "urgent", "very_urgent"]
ToldBy = Literal["sms", "email", "post", "app"]
#: Whom a reply is reported to where a policy names nobody (plan II.4.3).
RECIPIENTS: tuple[Recipient, ...] = ("party_committee", "government", "chair")


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a petitioner is. Personal data; only ever sealed."""

    name: Annotated[str, Meta(description="The full name of the person, or the name of the organisation.")]
    address: Annotated[str, Meta(description="The address for letters.")] = ""
    phone: Annotated[str, Meta(description="The telephone number.")] = ""
    document: Annotated[str, Meta(description="The number of an identity document, or of the organisation's.")] = ""
    email: Annotated[str, Meta(description="The e-mail address.")] = ""


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where exactly a matter is. It may be somebody's house; only ever sealed."""

    address: Annotated[str, Meta(description="The place in words.")] = ""
    latitude: Annotated[float | None, Meta(description="Degrees north (WGS 84), always with `longitude`.")] = None
    longitude: Annotated[float | None, Meta(description="Degrees east (WGS 84), always with `latitude`.")] = None


class Consent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By which ways the petitioner agreed to be told, and on which day."""

    told_by: Annotated[tuple[ToldBy, ...], Meta(description="The ways to which the petitioner agreed.")]
    on: Annotated[date, Meta(description="The day on which the petitioner agreed.")]


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file known by its SHA-256 (hex)."""

    digest: Digest
    media_type: Annotated[str, Meta(description="The media type, such as `application/pdf`.")] = ""
    size: Annotated[int, Meta(description="The size in bytes.")] = 0


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One recipient told of a reply, on a day."""

    recipient: Recipient
    on: date


class NoticeDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document by which somebody was told: its number, and its SHA-256 (hex)."""

    number: str
    digest: Digest


class BasePetitionEvent(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An act on one petition."""

    AGGREGATE: ClassVar[str] = "petition"


class PetitionReceived(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A matter raised by citizens or an organisation; `petitioner_ids` are opaque, minted unless given."""

    TOPIC: ClassVar[str] = "PetitionReceived"
    jurisdiction: Annotated[Public[str], Meta(description="The code of the place that the matter is about.")]
    receipt_code: Internal[str] = ""
    kind: Annotated[Public[PetitionKind], Meta(description="`petition` is a kiến nghị, `reflection` a phản ánh.")] = (
        "petition"
    )
    channel: Annotated[Internal[str], Meta(description="How it came in, in the sender's own word.")] = ""
    village: Annotated[Internal[str], Meta(description="The village (thôn, bản, tổ dân phố) that it is about.")] = ""
    petitioner_ids: Annotated[
        Internal[tuple[str, ...]],
        Meta(
            description="Ids of those who petition, which the sender chooses: opaque, without a slash, never a name or "
            "a number of a document, since they are not sealed. The same person keeps the same id."
        ),
    ] = ()
    identities: Annotated[
        SealedEach[dict[str, Identity]],
        Meta(
            description="Who the petitioners are: a map from an id in `petitioner_ids` to the person. Under any other "
            "label a person is given a new id."
        ),
    ] = {}
    text: Annotated[SealedAll[str], Meta(description="What they say, in their own words.")] = ""
    attachments: Annotated[
        Internal[tuple[Attachment, ...]],
        Meta(description="The files that came with it: uploaded to intake before, or left with the sender."),
    ] = ()
    submitted_at: Annotated[
        Internal[Annotated[datetime, Meta(tz=True)] | None],
        Meta(
            description="The instant at which it was sent to the portal, with its offset. Deadlines rest on "
            "`effective_on`, the day of the receipt."
        ),
    ] = None
    place: Annotated[
        SealedAll[Place | None],
        Meta(description="Where exactly the matter is: in words, as a point of Viet Nam, or both."),
    ] = None
    area: Annotated[
        Public[str],
        Meta(
            description="About where the matter is, for everybody to see: the code of a commune, or a point rounded to "
            "0.01 degree, latitude first (`21.38,103.02`)."
        ),
    ] = ""
    category: Annotated[Internal[str], Meta(description="The category that the portal gave it, in its own word.")] = ""
    consent: Annotated[Internal[Consent | None], Meta(description="The consent to be told.")] = None
    language: Annotated[
        Internal[str], Meta(description="The language of the text, as BCP 47 names it: `vi`, `blt`, `hmn-Latn`.")
    ] = ""
    attributes: Annotated[
        Internal[dict[str, str | int | bool]],
        Meta(
            description="What the province adds, under names that the setting INTAKE_ATTRIBUTES declares "
            "(`lai-chau.ho-ngheo`). They are not sealed: nothing that tells who somebody is."
        ),
    ] = {}


class PetitionCorrected(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """What was received says something else in the fields that `corrected` names; the others stand.

    Petitioners may come to it and never leave it. Its place and its receipt code stay as they are.
    """

    TOPIC: ClassVar[str] = "PetitionCorrected"
    corrected: Annotated[
        Internal[tuple[str, ...]],
        Meta(
            description="The names of the fields that say something else now. One that is named and left out is empty "
            "from now on; one that is given is named in any case."
        ),
    ] = ()
    received_on: Annotated[Public[date | None], Meta(description="The day on which it was received after all.")] = None
    kind: Annotated[Public[PetitionKind], Meta(description="`petition` is a kiến nghị, `reflection` a phản ánh.")] = (
        "petition"
    )
    channel: Annotated[Internal[str], Meta(description="How it came in, in the sender's own word.")] = ""
    village: Annotated[Internal[str], Meta(description="The village (thôn, bản, tổ dân phố) that it is about.")] = ""
    petitioner_ids: Annotated[
        Internal[tuple[str, ...]],
        Meta(description="The ids of those who petition; whoever was among them before stays."),
    ] = ()
    identities: Annotated[
        SealedEach[dict[str, Identity]],
        Meta(description="Who those petitioners are of whom something else is known now."),
    ] = {}
    text: Annotated[SealedAll[str], Meta(description="What they say, in their own words.")] = ""
    attachments: Annotated[
        Internal[tuple[Attachment, ...]],
        Meta(description="All the files that belong to it now."),
    ] = ()
    submitted_at: Annotated[
        Internal[Annotated[datetime, Meta(tz=True)] | None],
        Meta(
            description="The instant at which it was sent to the portal, with its offset. Deadlines rest on "
            "`received_on`, the day of the receipt."
        ),
    ] = None
    place: Annotated[
        SealedAll[Place | None],
        Meta(description="Where exactly the matter is: in words, as a point of Viet Nam, or both."),
    ] = None
    area: Annotated[
        Public[str],
        Meta(
            description="About where the matter is, for everybody to see: the code of a commune, or a point rounded to "
            "0.01 degree, latitude first (`21.38,103.02`)."
        ),
    ] = ""
    category: Annotated[Internal[str], Meta(description="The category that the portal gave it, in its own word.")] = ""
    consent: Annotated[Internal[Consent | None], Meta(description="The consent to be told.")] = None
    language: Annotated[
        Internal[str], Meta(description="The language of the text, as BCP 47 names it: `vi`, `blt`, `hmn-Latn`.")
    ] = ""
    attributes: Annotated[
        Internal[dict[str, str | int | bool]],
        Meta(
            description="What the province adds, under names that the setting INTAKE_ATTRIBUTES declares "
            "(`lai-chau.ho-ngheo`). They are not sealed: nothing that tells who somebody is."
        ),
    ] = {}


class PetitionClassified(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An official wrote the neutral title and the classification (plan II.4.1)."""

    TOPIC: ClassVar[str] = "PetitionClassified"
    subject: Public[str]
    field: Public[str]
    urgency: Public[Urgency] = "normal"


class AcceptanceNoticeSent(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The petitioner was told that the matter is taken up (thông báo thụ lý)."""

    TOPIC: ClassVar[str] = "AcceptanceNoticeSent"
    number: Public[str]
    digest: Internal[Digest] = ""


class RefusalNoticeSent(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The petitioner was told that the matter is not taken up, and why: the case ends."""

    TOPIC: ClassVar[str] = "RefusalNoticeSent"
    number: Public[str]
    digest: Internal[Digest] = ""
    ground: SealedAll[str] = ""


class PetitionForwarded(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An agency shall prepare the answer for the conference (plan II.4.1)."""

    TOPIC: ClassVar[str] = "PetitionForwarded"
    agency: Public[str]


class AnswerPrepared(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The forwarded agency delivered its prepared answer."""

    TOPIC: ClassVar[str] = "AnswerPrepared"
    agency: Public[str]
    digest: Internal[Digest] = ""
    text: SealedAll[str] = ""


class PetitionScheduled(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The petition is on the agenda of a conference."""

    TOPIC: ClassVar[str] = "PetitionScheduled"
    conference_id: Public[UUID]


class PetitionRaised(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The petition was raised at a conference."""

    TOPIC: ClassVar[str] = "PetitionRaised"
    conference_id: Public[UUID]


class PetitionAnsweredAtConference(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair (`by` = "chair") or an agency answered at the conference: the case ends."""

    TOPIC: ClassVar[str] = "PetitionAnsweredAtConference"
    conference_id: Public[UUID]
    by: Public[str] = "chair"
    answer: SealedAll[str] = ""


class PetitionAssigned(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A lead agency owes the reply; the chair may set an earlier date."""

    TOPIC: ClassVar[str] = "PetitionAssigned"
    agency: Public[str]
    assisting: Public[tuple[str, ...]] = ()
    due_on: Public[date | None] = None
    notice_id: Internal[UUID | None] = None


class PetitionReassigned(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Another agency owes the reply; the date stays unless the chair sets an earlier one."""

    TOPIC: ClassVar[str] = "PetitionReassigned"
    agency: Public[str]
    assisting: Public[tuple[str, ...]] = ()
    due_on: Public[date | None] = None
    reason: SealedOwn[str] = ""
    notice_id: Internal[UUID | None] = None


class PetitionMarkedComplex(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The case has another reply limit, usually the complex one; by whom and by which criteria (plan II.4.3)."""

    TOPIC: ClassVar[str] = "PetitionMarkedComplex"
    decided_by: Internal[str]
    criteria: Internal[tuple[str, ...]]
    variant: Public[Trait] = "complex"


class ExtensionGranted(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """More time, valid only where those were told in time whom the policy names (the plan: both, II.4.3).

    The days are those of the notices; a lead agency that grants it gives their documents too. Version 1 had both days.
    """

    TOPIC: ClassVar[str] = "ExtensionGranted"
    VERSION: ClassVar[int] = 2
    expected_on: Public[date]
    petitioner_told_on: Public[date | None] = None
    committee_told_on: Public[date | None] = None
    petitioner_notice: Public[NoticeDocument | None] = None
    committee_notice: Public[NoticeDocument | None] = None
    ground: SealedOwn[str] = ""


class ClockSuspended(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The reply clock stands still from this day on, by a decision of which the petitioner was told."""

    TOPIC: ClassVar[str] = "ClockSuspended"
    number: Public[str]
    petitioner_told_on: Public[date | None] = None
    committee_told_on: Public[date | None] = None
    ground: SealedOwn[str] = ""


class ClockResumed(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The reply clock runs again from this day on; the time between does not count."""

    TOPIC: ClassVar[str] = "ClockResumed"
    number: Public[str]


class EscalationProposed(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The agency advises to submit the matter to the higher authority (plan II.4.3)."""

    TOPIC: ClassVar[str] = "EscalationProposed"
    agency: Public[str]
    reason: SealedOwn[str] = ""


class PetitionEscalated(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair submitted the matter to the higher authority; the reply clock runs on."""

    TOPIC: ClassVar[str] = "PetitionEscalated"
    authority: Public[str]
    number: Public[str] = ""


class HigherAuthorityAnswered(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The higher authority's answer was obtained and passed on."""

    TOPIC: ClassVar[str] = "HigherAuthorityAnswered"
    authority: Public[str]
    number: Public[str] = ""
    digest: Internal[Digest] = ""


class WrittenReplyIssued(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A written reply to the petitioners it names (all, when it names none); may carry its report."""

    TOPIC: ClassVar[str] = "WrittenReplyIssued"
    number: Public[str]
    signatory: Public[str]
    digest: Public[Digest]
    answers: Internal[tuple[str, ...]] = ()
    reports: Public[tuple[Report, ...]] = ()
    text: SealedAll[str] = ""


class ReplyReported(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Party committee, same-level government, chair were told of a reply (plan II.4.3)."""

    TOPIC: ClassVar[str] = "ReplyReported"
    reply_number: Public[str]
    reports: Public[tuple[Report, ...]]


class AgencyResultReported(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The agency reported the result: replied is not resolved (plan III.1)."""

    TOPIC: ClassVar[str] = "AgencyResultReported"
    agency: Public[str]
    result: Public[Literal["resolved", "in_progress", "not_resolved"]]
    summary: SealedOwn[str] = ""


class ForwarderInformed(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The body to which the petition had been forwarded told the body that forwarded it of the settlement."""

    TOPIC: ClassVar[str] = "ForwarderInformed"
    agency: Public[str]
    number: Public[str] = ""


class PetitionClosed(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The case is closed: with its reply given, or on a stated ground."""

    TOPIC: ClassVar[str] = "PetitionClosed"
    ground: SealedOwn[str] = ""


class PetitionReopened(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An ended case is open again: a new clock that refers to the old."""

    TOPIC: ClassVar[str] = "PetitionReopened"
    reason: SealedOwn[str] = ""


class PetitionWithdrawn(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The petitioner took the petition back."""

    TOPIC: ClassVar[str] = "PetitionWithdrawn"
    reason: Annotated[SealedAll[str], Meta(description="Why, as the petitioner gives it.")] = ""


class PetitionMerged(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The petition goes on in another, the survivor; `petitioner_ids` are those it brings along."""

    TOPIC: ClassVar[str] = "PetitionMerged"
    into: Public[UUID]
    petitioner_ids: Internal[tuple[str, ...]] = ()


class PetitionRedirected(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A complaint, a denunciation or another's matter: it belongs to another procedure."""

    TOPIC: ClassVar[str] = "PetitionRedirected"
    procedure: Public[Literal["complaint", "denunciation", "other"]]
    body: Public[str]


class PersonalDataErased(BasePetitionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Every key of one petitioner was destroyed: what was sealed under them can never be read again."""

    TOPIC: ClassVar[str] = "PersonalDataErased"
    petitioner_id: Internal[str]
    ground: Internal[str] = ""


#: Every event of a petition. A fold or a rule that forgets one of them fails in the type checker.
PetitionEvent = (
    PetitionReceived
    | PetitionCorrected
    | PetitionClassified
    | AcceptanceNoticeSent
    | RefusalNoticeSent
    | PetitionForwarded
    | AnswerPrepared
    | PetitionScheduled
    | PetitionRaised
    | PetitionAnsweredAtConference
    | PetitionAssigned
    | PetitionReassigned
    | PetitionMarkedComplex
    | ExtensionGranted
    | ClockSuspended
    | ClockResumed
    | EscalationProposed
    | PetitionEscalated
    | HigherAuthorityAnswered
    | WrittenReplyIssued
    | ReplyReported
    | AgencyResultReported
    | ForwarderInformed
    | PetitionClosed
    | PetitionReopened
    | PetitionWithdrawn
    | PetitionMerged
    | PetitionRedirected
    | PersonalDataErased
)
