"""Events of people: their posts, and the chair's delegations to a deputy. A stream holds one person."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from shared.events.definition import DatedEvent, Internal, Public, SealedAll

#: What a post allows. Systems are no people: their role is not among these.
PostRole = Literal["office", "chair", "agency", "auditor", "operations", "admin"]


class PostGranted(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person holds a post from one day to another (bổ nhiệm, phân công công tác); the id of the event is the post's.

    `subject` is the person's stable identifier at the sign-in provider, which names nobody.
    """

    TOPIC: ClassVar[str] = "PostGranted"
    AGGREGATE: ClassVar[str] = "person"
    subject: Internal[str]
    position: Internal[str]
    roles: Public[tuple[PostRole, ...]]
    jurisdiction: Public[str]
    valid_from: Public[date]
    agency: Public[str] = ""
    valid_until: Public[date | None] = None
    number: Internal[str] = ""
    name: SealedAll[str] = ""


class PostEnded(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A post was given up or taken away; `effective_on` is the first day without it."""

    TOPIC: ClassVar[str] = "PostEnded"
    AGGREGATE: ClassVar[str] = "person"
    post: Public[UUID]
    number: Internal[str] = ""
    reason: SealedAll[str] = ""


class PostAnnulled(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A post was recorded wrongly: by that record nobody held it on any day. What was done in it stays recorded."""

    TOPIC: ClassVar[str] = "PostAnnulled"
    AGGREGATE: ClassVar[str] = "person"
    post: Public[UUID]
    reason: SealedAll[str] = ""


class DelegationGranted(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair lets a deputy act in the chair's place for some days (ủy quyền), at the place of the deputy's post."""

    TOPIC: ClassVar[str] = "DelegationGranted"
    AGGREGATE: ClassVar[str] = "person"
    post: Public[UUID]
    valid_from: Public[date]
    valid_until: Public[date]
    number: Internal[str]


class DelegationEnded(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The chair took a delegation back before its last day; `effective_on` is the first day without it."""

    TOPIC: ClassVar[str] = "DelegationEnded"
    AGGREGATE: ClassVar[str] = "person"
    delegation: Public[UUID]
    reason: SealedAll[str] = ""


class PersonNameErased(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Every key of one person was destroyed: the name and the reasons about their posts can never be read again."""

    TOPIC: ClassVar[str] = "PersonNameErased"
    AGGREGATE: ClassVar[str] = "person"
    person: Public[UUID]


#: Events about a post that was granted before, or about a delegation to who holds one.
PostEvent = PostEnded | PostAnnulled | DelegationGranted | DelegationEnded
#: Every event of a person.
PersonEvent = PostGranted | PostEnded | PostAnnulled | DelegationGranted | DelegationEnded | PersonNameErased
