"""People: an administrator grants and ends posts within the own subtree, the chair delegates to a deputy for some days.

Posts are part of the register, which is one state for all of them: who may what is judged by it as places are.
"""

import re
from datetime import date

from services.intake.domain import errors
from services.intake.domain.acts.act import RegulationAct
from services.intake.domain.people import HeldPost
from services.intake.domain.regulation import Regulation
from shared.events.person import (
    DelegationEnded,
    DelegationGranted,
    PersonNameErased,
    PostAnnulled,
    PostEnded,
    PostGranted,
)
from shared.identifiers import NATION

ADMIN = frozenset({"admin"})
CHAIR = frozenset({"chair"})
CHAIR_OR_ADMIN = CHAIR | ADMIN
#: What a post of the whole nation can allow where no authority of the nation is on record: it has no chair, no office.
ROLES_WITHOUT_AUTHORITY = frozenset({"auditor", "operations", "admin"})
#: What a provider calls a person (OpenID Connect Core, 2), but no address: it stands in events in the clear, for ever.
_IDENTIFIER = re.compile(r"[!-?A-~]{1,255}")


def _check_post(event: PostGranted, regulation: Regulation) -> str:
    for name in ("subject", "name"):
        if not getattr(event, name).strip():
            raise errors.InvalidValue(name, "empty")
    if not _IDENTIFIER.fullmatch(event.subject):
        raise errors.InvalidValue("subject", "identifier")
    _check_span(event.valid_from, event.valid_until)
    _check_roles(event, regulation)
    for held in regulation.people.posts_of(event.subject):
        same = (held.jurisdiction, held.agency) == (event.jurisdiction, event.agency)
        if same and held.roles & set(event.roles) and held.overlaps(event.valid_from, event.valid_until):
            raise errors.PostAlreadyHeld("valid_from", position=held.position, since=held.valid_from)
    return event.jurisdiction


def _check_roles(event: PostGranted, regulation: Regulation) -> None:
    """No post allows more than its place has: the roles of its authority, and an agency's in its own name alone."""
    roles = set(event.roles)
    if event.jurisdiction != NATION or NATION in regulation.jurisdictions:
        regulation.jurisdiction_on(event.jurisdiction, event.valid_from)
    elif beyond := sorted(roles - ROLES_WITHOUT_AUTHORITY):
        raise errors.RoleNotOfPlace("roles", roles=beyond, place=event.jurisdiction)
    if not event.agency:
        if "agency" in roles:
            raise errors.RoleNotOfPlace("agency", "no-agency")
        return
    agency = regulation.agency_on(event.agency, event.valid_from)
    if agency.jurisdiction != event.jurisdiction:
        raise errors.RoleNotOfPlace("agency", "other-seat", agency=event.agency, seat=agency.jurisdiction)
    if roles != {"agency"}:
        raise errors.RoleNotOfPlace("roles", "agency-alone", agency=event.agency)


def _check_end_of_post(event: PostEnded, regulation: Regulation) -> str:
    post = _recorded_rightly(event, regulation)
    if post.ended_on is not None:
        raise errors.PostOver("post", ended_on=post.ended_on)
    return post.jurisdiction


def _recorded_rightly(event: PostEnded | PostAnnulled, regulation: Regulation) -> HeldPost:
    post = regulation.people.post_of(event)
    if post.is_annulled:
        raise errors.PostOver("post", "annulled")
    return post


def _check_delegation(event: DelegationGranted, regulation: Regulation) -> str:
    post = regulation.people.post_of(event)
    _check_span(event.valid_from, event.valid_until)
    if not event.number.strip():
        raise errors.InvalidValue("number", "empty")
    if not post.may_deputise:
        if post.agency:
            raise errors.NoDeputy("post", "agency", position=post.position)
        raise errors.NoDeputy("post", "chair", position=post.position)
    if not _holds(post, event.valid_from, event.valid_until):
        raise errors.NoDeputy("valid_until", "beyond-post", position=post.position)
    for other in regulation.people.delegations_of(post.post_id):
        if any(other.stands(day) for day in (event.valid_from, event.valid_until)) or (
            event.valid_from <= other.valid_from <= event.valid_until and other.stands(other.valid_from)
        ):
            raise errors.PostAlreadyHeld("valid_from", "delegation", since=other.valid_from)
    return post.jurisdiction


def _check_end_of_delegation(event: DelegationEnded, regulation: Regulation) -> str:
    delegation = regulation.people.delegation(event.delegation)
    if delegation.ended_on is not None:
        raise errors.PostOver("delegation", ended_on=delegation.ended_on)
    return regulation.people.post_of(event).jurisdiction


def _check_span(first: date, last: date | None) -> None:
    if last is not None and last < first:
        raise errors.InvalidValue("valid_until", "until-before-from", last=last, first=first)


def _holds(post: HeldPost, first: date, last: date) -> bool:
    """Whether a post is held on every day of a span."""
    return post.stands(first) and post.stands(last)


PEOPLE_ACTS = (
    RegulationAct(
        event=PostGranted,
        is_final=False,
        path="/v1/people",
        roles=ADMIN,
        creates=True,
        not_empty=("roles",),
        check=_check_post,
        fold=lambda regulation, fact: regulation.people.fold(fact),
    ),
    RegulationAct(
        event=PostEnded,
        path="/v1/posts/{id}/ending",
        roles=ADMIN,
        creates=False,
        in_path=("post",),
        check=_check_end_of_post,
        fold=lambda regulation, fact: regulation.people.fold(fact),
    ),
    RegulationAct(
        event=PostAnnulled,
        path="/v1/posts/{id}/annulment",
        roles=ADMIN,
        creates=False,
        in_path=("post",),
        check=lambda event, regulation: _recorded_rightly(event, regulation).jurisdiction,
        fold=lambda regulation, fact: regulation.people.fold(fact),
    ),
    RegulationAct(
        event=DelegationGranted,
        is_final=False,
        path="/v1/posts/{id}/delegations",
        roles=CHAIR,
        creates=False,
        in_path=("post",),
        check=_check_delegation,
        fold=lambda regulation, fact: regulation.people.fold(fact),
    ),
    RegulationAct(
        event=DelegationEnded,
        path="/v1/delegations/{id}/ending",
        roles=CHAIR_OR_ADMIN,
        creates=False,
        in_path=("delegation",),
        check=_check_end_of_delegation,
        fold=lambda regulation, fact: regulation.people.fold(fact),
    ),
    RegulationAct(
        event=PersonNameErased,
        path="/v1/people/{id}/erasure",
        roles=ADMIN,
        creates=False,
        in_path=("person",),
        check=lambda event, regulation: regulation.people.place_of(event),
        fold=lambda regulation, fact: regulation.people.fold(fact),
    ),
)
