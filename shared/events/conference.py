"""Events of a conference: proposed, planned, prepared, held, concluded (plan II.3, II.4.1-4.3)."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from shared.events.definition import DatedEvent, Digest, Internal, Public, SealedAll, SealedOwn
from shared.policy.schema import Channel, Trait

ConferenceKind = Literal["periodic", "extraordinary"]
#: The kinds of preparation tasks where no catalogue says others.
TASK_KINDS = ("facilities", "broadcasting", "security", "representative", "other")
PublicationSubject = Literal["plan", "result", "other"]


class BaseConferenceEvent(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An act on one conference."""

    AGGREGATE: ClassVar[str] = "conference"


class ConferenceProposed(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A body asked for a conference (plan II.3, III.2, III.4)."""

    TOPIC: ClassVar[str] = "ConferenceProposed"
    jurisdiction: Public[str]
    proposer: Public[str]
    kind: Public[ConferenceKind] = "extraordinary"
    petition_ids: Internal[tuple[UUID, ...]] = ()
    reason: SealedOwn[str] = ""


class ConferenceProposalDecided(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair accepted or declined a proposal."""

    TOPIC: ClassVar[str] = "ConferenceProposalDecided"
    accepted: Public[bool]
    reason: SealedOwn[str] = ""


class DialogueRequested(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Those whom a law entitles to it asked for a dialogue (đề nghị, yêu cầu đối thoại)."""

    TOPIC: ClassVar[str] = "DialogueRequested"
    jurisdiction: Public[str]
    requester: Public[str]
    audience: Public[str] = ""
    reason: SealedOwn[str] = ""


class RequestAnswered(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The requester was told whether the dialogue will be held."""

    TOPIC: ClassVar[str] = "RequestAnswered"
    accepted: Public[bool]
    number: Public[str] = ""
    reason: SealedOwn[str] = ""


class ConferencePlanned(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Days, place and bodies of a conference; the planning act of its backward clocks. `audience`: whom it is for."""

    TOPIC: ClassVar[str] = "ConferencePlanned"
    jurisdiction: Public[str]
    kind: Public[ConferenceKind]
    first_day: Public[date]
    last_day: Public[date]
    place: Public[str]
    office: Public[str] = ""
    station: Public[str] = ""
    programme: Public[str] = ""
    audience: Public[str] = ""


class ConferenceRescheduled(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """New days for a planned conference."""

    TOPIC: ClassVar[str] = "ConferenceRescheduled"
    first_day: Public[date]
    last_day: Public[date]
    place: Public[str] = ""
    reason: SealedOwn[str] = ""


class ConferenceCancelled(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The conference will not be held; its petitions are free again."""

    TOPIC: ClassVar[str] = "ConferenceCancelled"
    reason: SealedOwn[str] = ""


class PreparationTaskAssigned(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A body was charged with a part of the preparation (plan II.4.1, III.1, III.5, III.6)."""

    TOPIC: ClassVar[str] = "PreparationTaskAssigned"
    task: Public[str]
    kind: Public[str]
    agency: Public[str]
    description: Internal[str] = ""


class PreparationTaskDone(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the preparation is done."""

    TOPIC: ClassVar[str] = "PreparationTaskDone"
    task: Public[str]
    evidence: Internal[str] = ""


class PreparationReported(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Petitions reviewed, classified and reported to the chair (plan II.4.1)."""

    TOPIC: ClassVar[str] = "PreparationReported"
    number: Public[str] = ""
    digest: Internal[Digest] = ""


class PublicNoticePublished(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A notice naming the conference date appeared in one channel (plan II.4.1)."""

    TOPIC: ClassVar[str] = "PublicNoticePublished"
    channel: Public[Channel]
    for_date: Public[date]
    evidence: Public[str]
    digest: Internal[Digest] = ""


class InvitationsSent(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Invitations naming the conference date went out (plan II.4.1)."""

    TOPIC: ClassVar[str] = "InvitationsSent"
    for_date: Public[date]
    organisations: Internal[tuple[str, ...]] = ()
    citizens: Internal[int] = 0
    invited: SealedOwn[tuple[str, ...]] = ()
    digest: Internal[Digest] = ""


class ConferenceOpened(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The conference opened on its planned first day."""

    TOPIC: ClassVar[str] = "ConferenceOpened"


class AttendanceRecorded(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Who came."""

    TOPIC: ClassVar[str] = "AttendanceRecorded"
    agencies: Internal[tuple[str, ...]] = ()
    citizens: Internal[int] = 0
    names: SealedOwn[tuple[str, ...]] = ()


class SecretaryAppointed(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A secretary keeps the minutes (plan II.4.2)."""

    TOPIC: ClassVar[str] = "SecretaryAppointed"
    name: SealedOwn[str] = ""


class SpeakerRegistered(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Someone asked to speak; registration gives the order."""

    TOPIC: ClassVar[str] = "SpeakerRegistered"
    speaker: Internal[str]
    petition_id: Internal[UUID | None] = None
    petitioner_ids: Internal[tuple[str, ...]] = ()
    name: SealedAll[str] = ""
    matter: SealedAll[str] = ""


class SpeakerCalled(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair gave a speaker the floor; out of order only with a reason."""

    TOPIC: ClassVar[str] = "SpeakerCalled"
    speaker: Internal[str]
    petitioner_ids: Internal[tuple[str, ...]] = ()
    words: SealedAll[str] = ""
    chair_reason: SealedOwn[str] = ""


class MinutesAdopted(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The secretary had the minutes adopted."""

    TOPIC: ClassVar[str] = "MinutesAdopted"
    digest: Internal[Digest]
    minutes: SealedOwn[str] = ""


class ConferenceClosed(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The conference ended; `effective_on` is its last day, day 0 of the clocks after it."""

    TOPIC: ClassVar[str] = "ConferenceClosed"


class InternalReviewHeld(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair reviewed the conference with the bodies concerned (plan II.4.3)."""

    TOPIC: ClassVar[str] = "InternalReviewHeld"
    digest: Internal[Digest] = ""
    summary: SealedOwn[str] = ""


class ComplexityDetermined(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """What the conference raised has another limit for its conclusions; by whom and by which criteria."""

    TOPIC: ClassVar[str] = "ComplexityDetermined"
    variant: Public[Trait]
    decided_by: Internal[str]
    criteria: Internal[tuple[str, ...]]


class PublicationStarted(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Something is made public through a channel from this day on (công khai, niêm yết)."""

    TOPIC: ClassVar[str] = "PublicationStarted"
    what: Public[PublicationSubject]
    channel: Public[Channel]
    evidence: Public[str]
    place: Public[str] = ""


class PublicationEnded(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """What was made public through a channel is taken down; this day is the last on which it was there."""

    TOPIC: ClassVar[str] = "PublicationEnded"
    what: Public[PublicationSubject]
    channel: Public[Channel]
    evidence: Public[str] = ""


class ConclusionAssignment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a conclusion notice: who answers which petition."""

    petition_id: UUID
    agency: str
    assisting: tuple[str, ...] = ()
    due_on: date | None = None


class ConclusionNoticeIssued(BaseConferenceEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair's written conclusions, which assign the open petitions (plan II.4.3)."""

    TOPIC: ClassVar[str] = "ConclusionNoticeIssued"
    number: Public[str]
    signatory: Public[str]
    digest: Public[Digest]
    assignments: Internal[tuple[ConclusionAssignment, ...]] = ()


#: Every event of a conference. A fold or a rule that forgets one of them fails in the type checker.
ConferenceEvent = (
    ConferenceProposed
    | ConferenceProposalDecided
    | DialogueRequested
    | RequestAnswered
    | ConferencePlanned
    | ConferenceRescheduled
    | ConferenceCancelled
    | PreparationTaskAssigned
    | PreparationTaskDone
    | PreparationReported
    | PublicNoticePublished
    | InvitationsSent
    | ConferenceOpened
    | AttendanceRecorded
    | SecretaryAppointed
    | SpeakerRegistered
    | SpeakerCalled
    | MinutesAdopted
    | ConferenceClosed
    | InternalReviewHeld
    | ComplexityDetermined
    | PublicationStarted
    | PublicationEnded
    | ConclusionNoticeIssued
)
