"""Who holds which post on which day, and to whom the chair has delegated: the fold of the facts of people."""

from datetime import date
from uuid import UUID

import msgspec

from services.intake.domain.errors import UnknownPost
from services.intake.domain.facts import Fact
from shared.events.person import (
    DelegationEnded,
    DelegationGranted,
    PersonEvent,
    PersonNameErased,
    PostAnnulled,
    PostEnded,
    PostEvent,
    PostGranted,
)
from shared.identifiers import derived_id, is_within, lineage

#: What a delegation lets a deputy act as.
DELEGATED = frozenset({"chair"})


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """The chair's leave for a deputy; `ended_on` is the first day without it."""

    delegation_id: UUID
    post_id: UUID
    valid_from: date
    valid_until: date
    ended_on: date | None = None

    def stands(self, day: date) -> bool:
        """Whether the deputy acts in the chair's place on a day."""
        return self.valid_from <= day <= self.valid_until and (self.ended_on is None or day < self.ended_on)


class HeldPost(msgspec.Struct, frozen=True, kw_only=True):
    """One post of one person; `ended_on` is the first day without it. An annulled one was never held."""

    post_id: UUID
    subject: str
    position: str
    roles: frozenset[str]
    jurisdiction: str
    agency: str
    valid_from: date
    valid_until: date | None
    ended_on: date | None = None
    is_annulled: bool = False

    @property
    def person_id(self) -> UUID:
        """The stream of who holds it."""
        return person_id(self.subject)

    @property
    def may_deputise(self) -> bool:
        """Whether the chair may let it act in the chair's place: not a chair's own, nor one of an agency."""
        return not self.agency and not self.roles & DELEGATED

    def stands(self, day: date) -> bool:
        """Whether it is held on a day."""
        return self.overlaps(day, day)

    def overlaps(self, first: date, last: date | None) -> bool:
        """Whether it is held on some day of a span; without a last day the span has no end."""
        if self.is_annulled or (self.ended_on is not None and self.ended_on <= first):
            return False
        return (last is None or self.valid_from <= last) and (self.valid_until is None or first <= self.valid_until)


class People:
    """Every post and delegation, those that have ended too, in the order granted."""

    def __init__(self) -> None:
        self.posts: dict[UUID, HeldPost] = {}
        self.delegations: dict[UUID, Delegation] = {}
        self._of_subject: dict[str, list[UUID]] = {}
        self._of_post: dict[UUID, list[UUID]] = {}

    def fold(self, fact: Fact[PersonEvent]) -> None:
        """Take the next fact in."""
        event = fact.event
        match event:
            case PostGranted():
                self.posts[fact.event_id] = HeldPost(
                    post_id=fact.event_id,
                    subject=event.subject,
                    position=event.position,
                    roles=frozenset(event.roles),
                    jurisdiction=event.jurisdiction,
                    agency=event.agency,
                    valid_from=event.valid_from,
                    valid_until=event.valid_until,
                )
                self._of_subject.setdefault(event.subject, []).append(fact.event_id)
            case PostEnded():
                self.posts[event.post] = msgspec.structs.replace(self.posts[event.post], ended_on=fact.on)
            case PostAnnulled():
                self.posts[event.post] = msgspec.structs.replace(self.posts[event.post], is_annulled=True)
            case DelegationGranted():
                self.delegations[fact.event_id] = Delegation(
                    delegation_id=fact.event_id,
                    post_id=event.post,
                    valid_from=event.valid_from,
                    valid_until=event.valid_until,
                )
                self._of_post.setdefault(event.post, []).append(fact.event_id)
            case DelegationEnded():
                ended = self.delegations[event.delegation]
                self.delegations[event.delegation] = msgspec.structs.replace(ended, ended_on=fact.on)
            case PersonNameErased():
                pass  # the names are sealed, and not among what is known of people

    def post(self, post_id: UUID, field: str = "post") -> HeldPost:
        """A post. Raises UnknownPost."""
        if (found := self.posts.get(post_id)) is None:
            raise UnknownPost(field, post=post_id)
        return found

    def delegation(self, delegation_id: UUID) -> Delegation:
        """A delegation. Raises UnknownPost."""
        if (found := self.delegations.get(delegation_id)) is None:
            raise UnknownPost("delegation", "delegation", delegation=delegation_id)
        return found

    def post_of(self, event: PostEvent) -> HeldPost:
        """The post that an event is about. Raises UnknownPost."""
        if isinstance(event, DelegationEnded):
            return self.post(self.delegation(event.delegation).post_id)
        return self.post(event.post)

    def person_of(self, event: PersonEvent) -> UUID:
        """The stream of an event. Raises UnknownPost."""
        match event:
            case PostGranted():
                return person_id(event.subject)
            case PersonNameErased():
                return event.person
            case _:
                return self.post_of(event).person_id

    def subject_of(self, person: UUID) -> str:
        """The stable identifier of a person. Raises UnknownPost."""
        for subject in self._of_subject:
            if person_id(subject) == person:
                return subject
        raise UnknownPost("person", "person", person=person)

    def place_of(self, event: PostEvent | PersonNameErased) -> str:
        """The place that an event concerns; of a person, the smallest that holds all the posts. Raises UnknownPost."""
        if not isinstance(event, PersonNameErased):
            return self.post_of(event).jurisdiction
        places = {post.jurisdiction for post in self.posts_of(self.subject_of(event.person))}
        return next(code for code in lineage(min(places)) if all(is_within(place, code) for place in places))

    def posts_of(self, subject: str) -> tuple[HeldPost, ...]:
        """Every post that a person ever had."""
        return tuple(self.posts[post_id] for post_id in self._of_subject.get(subject, ()))

    def standing_posts(self, subject: str, day: date) -> tuple[HeldPost, ...]:
        """The posts that a person holds on a day; several are no rarity (kiêm nhiệm)."""
        return tuple(post for post in self.posts_of(subject) if post.stands(day))

    def delegations_of(self, post_id: UUID) -> tuple[Delegation, ...]:
        """Every delegation to who holds a post."""
        return tuple(self.delegations[each] for each in self._of_post.get(post_id, ()))

    def standing_delegation(self, post_id: UUID, day: date) -> Delegation | None:
        """The delegation by which who holds a post acts as the chair on a day; None where there is none."""
        return next((each for each in self.delegations_of(post_id) if each.stands(day)), None)


def person_id(subject: str) -> UUID:
    """The stream of a person, by the stable identifier at the sign-in provider."""
    return derived_id("person", subject)


def key_owner(person: UUID) -> str:
    """Whose the keys are that seal a person's name. No petitioner has such an id: theirs have no slash."""
    return f"person/{person}"
