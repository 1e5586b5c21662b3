"""Posts and delegations: what the register takes, what it refuses, and who holds what on which day."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.domain import Caller, Regulation, errors, may
from services.intake.domain.acts import REGULATION_ACTS
from services.intake.domain.people import person_id
from shared.events import DATED_EVENTS, DatedEvent
from shared.identifiers import NATION
from tests.unit.intake.plan import CLOSED, COMMUNE, DISTRICT, EDUCATION, NOTICE, Register

DAY = timedelta(days=1)
FIRST, LAST = date(2019, 5, 1), date(2019, 12, 31)
POST: dict[str, Any] = {
    "subject": "7f3a-21", "name": "Lò Thị Mai", "position": "Phó Chủ tịch", "roles": ("office",),
    "jurisdiction": DISTRICT, "valid_from": FIRST, "valid_until": LAST,
}  # fmt: skip


def event(topic: str, on: date = NOTICE, **fields: Any) -> DatedEvent:
    return DATED_EVENTS[topic](effective_on=on, **fields)


def granted(register: Register, **fields: Any) -> UUID:
    register.rule(event("PostGranted", **POST | fields))
    return register.rules[-1].event_id


def checked(regulation: Regulation, topic: str, **fields: Any) -> str:
    told = event(topic, **fields)
    return str(REGULATION_ACTS[type(told)].check(told, regulation))


def days(first: date = FIRST, last: date = LAST) -> dict[str, Any]:
    return {"valid_from": first, "valid_until": last, "number": "5/QĐ-UBND"}


@pytest.mark.parametrize(
    ("refusal", "field", "fields"),
    [
        ("InvalidValue", "subject", {"subject": " "}),
        ("InvalidValue", "name", {"name": ""}),
        ("InvalidValue", "valid_until", {"valid_until": FIRST - DAY}),
        ("UnknownJurisdiction", "jurisdiction", {"jurisdiction": "H99"}),
        ("JurisdictionClosedThen", "jurisdiction", {"valid_from": date(1999, 1, 1)}),
        ("RoleNotOfPlace", "roles", {"jurisdiction": NATION, "roles": ("chair",)}),
        ("RoleNotOfPlace", "roles", {"jurisdiction": NATION, "roles": ("auditor", "office")}),
        ("RoleNotOfPlace", "agency", {"roles": ("agency",)}),
        ("RoleNotOfPlace", "agency", {"roles": ("agency",), "agency": EDUCATION, "jurisdiction": COMMUNE}),
        ("RoleNotOfPlace", "roles", {"roles": ("agency", "office"), "agency": EDUCATION}),
        ("RoleNotOfPlace", "roles", {"roles": ("office",), "agency": EDUCATION}),
        ("AgencyClosedThen", "agency", {"roles": ("agency",), "agency": CLOSED}),
        ("UnknownAgency", "agency", {"roles": ("agency",), "agency": "H35.99"}),
    ],
)
def test_post__is_refused(refusal: str, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(errors.Refused) as refused:
        checked(Register().regulation, "PostGranted", **POST | fields)
    assert (type(refused.value).__name__, refused.value.field) == (refusal, field), str(refused.value)


@pytest.mark.parametrize("fields", [{}, {"valid_until": None}, {"roles": ("agency",), "agency": EDUCATION}])
def test_post__is_taken(fields: dict[str, Any]) -> None:
    assert checked(Register().regulation, "PostGranted", **POST | fields) == DISTRICT


def test_post__of_the_nation_may_operate_and_audit() -> None:
    post = POST | {"jurisdiction": NATION, "roles": ("admin", "auditor", "operations")}
    assert checked(Register().regulation, "PostGranted", **post) == NATION


@pytest.mark.parametrize(
    ("fields", "is_taken"),
    [
        ({}, False),
        ({"roles": ("office", "auditor")}, False),
        ({"valid_from": LAST, "valid_until": None}, False),
        ({"valid_from": LAST + DAY, "valid_until": None}, True),
        ({"valid_from": FIRST - 9 * DAY, "valid_until": FIRST - DAY}, True),
        ({"valid_from": FIRST - 9 * DAY, "valid_until": None}, False),
        ({"roles": ("auditor",)}, True),
        ({"jurisdiction": COMMUNE}, True),
        ({"subject": "another"}, True),
    ],
)
def test_post__is_held_once_at_a_time(fields: dict[str, Any], is_taken: bool) -> None:
    register = Register()
    granted(register)
    if is_taken:
        checked(register.regulation, "PostGranted", **POST | fields)
        return
    with pytest.raises(errors.PostAlreadyHeld):
        checked(register.regulation, "PostGranted", **POST | fields)


def test_post__stands_from_its_first_day_to_its_last() -> None:
    register = Register()
    post = granted(register)
    people = register.regulation.people
    held = [day for day in (FIRST - DAY, FIRST, LAST, LAST + DAY) if people.standing_posts("7f3a-21", day)]
    assert held == [FIRST, LAST]
    register.rule(event("PostEnded", on=date(2019, 8, 1), post=post))
    people = register.regulation.people
    assert [bool(people.standing_posts("7f3a-21", date(2019, *day))) for day in ((7, 31), (8, 1))] == [True, False]
    with pytest.raises(errors.PostOver):
        checked(register.regulation, "PostEnded", post=post)
    # It can be given again from the day on that it ended.
    checked(register.regulation, "PostGranted", **POST | {"valid_from": date(2019, 8, 1)})


def test_post__that_was_recorded_wrongly_was_never_held() -> None:
    register = Register()
    post = granted(register)
    register.rule(event("DelegationGranted", post=post, **days()))
    register.rule(event("PostAnnulled", post=post))
    people = register.regulation.people
    assert not any(people.standing_posts("7f3a-21", day) for day in (FIRST, NOTICE, LAST))
    # It can be recorded rightly on the same days, and nothing more is done to the wrong record.
    checked(register.regulation, "PostGranted", **POST)
    for topic, refusal in (("PostEnded", errors.PostOver), ("PostAnnulled", errors.PostOver)):
        with pytest.raises(refusal):
            checked(register.regulation, topic, post=post)
    with pytest.raises(errors.NoDeputy):
        checked(register.regulation, "DelegationGranted", post=post, **days())


def test_post__that_has_ended_can_still_be_annulled() -> None:
    register = Register()
    post = granted(register)
    register.rule(event("PostEnded", post=post))
    assert checked(register.regulation, "PostAnnulled", post=post) == DISTRICT


@pytest.mark.parametrize(
    ("places", "of_administrator", "is_allowed"),
    [
        ((DISTRICT, COMMUNE), DISTRICT, True),
        ((COMMUNE,), COMMUNE, True),
        ((DISTRICT, COMMUNE), COMMUNE, False),
        ((COMMUNE, NATION), DISTRICT, False),
    ],
)
def test_name__is_erased_by_who_sees_to_every_post(
    places: tuple[str, ...], of_administrator: str, is_allowed: bool
) -> None:
    register = Register()
    for place in places:
        granted(register, jurisdiction=place, roles=("auditor",))
    told = event("PersonNameErased", person=person_id("7f3a-21"))
    caller = Caller("a", frozenset({"admin"}), of_administrator)
    if is_allowed:
        may(caller, told, None, register.regulation)
        return
    with pytest.raises(errors.NotAllowed):
        may(caller, told, None, register.regulation)


def test_name__of_nobody_on_record() -> None:
    with pytest.raises(errors.UnknownPost):
        checked(Register().regulation, "PersonNameErased", person=person_id("nobody"))


@pytest.mark.parametrize("topic", ["PostEnded", "PostAnnulled", "DelegationGranted"])
def test_post__that_nobody_granted(topic: str) -> None:
    with pytest.raises(errors.UnknownPost):
        checked(Register().regulation, topic, post=UUID(int=1), **(days() if topic == "DelegationGranted" else {}))


@pytest.mark.parametrize(
    ("refusal", "post", "span"),
    [
        ("InvalidValue", {}, days(LAST, FIRST)),
        ("InvalidValue", {}, days() | {"number": " "}),
        ("NoDeputy", {}, days(FIRST - DAY)),
        ("NoDeputy", {}, days(last=LAST + DAY)),
        ("NoDeputy", {"roles": ("chair",)}, days()),
        ("NoDeputy", {"roles": ("agency",), "agency": EDUCATION}, days()),
    ],
)
def test_delegation__is_refused(refusal: str, post: dict[str, Any], span: dict[str, Any]) -> None:
    register = Register()
    deputy = granted(register, **post)
    with pytest.raises(errors.Refused) as refused:
        checked(register.regulation, "DelegationGranted", post=deputy, **span)
    assert type(refused.value).__name__ == refusal, str(refused.value)


def test_delegation__stands_on_its_days_and_once_at_a_time() -> None:
    register = Register()
    post = granted(register)
    register.rule(event("DelegationGranted", post=post, **days(date(2019, 8, 5), date(2019, 8, 9))))
    delegation = register.rules[-1].event_id
    people = register.regulation.people
    stands = [day for day in range(4, 11) if people.standing_delegation(post, date(2019, 8, day))]
    assert stands == [5, 6, 7, 8, 9]
    for first, last in ((9, 12), (1, 5), (6, 7), (1, 20)):
        with pytest.raises(errors.PostAlreadyHeld):
            span = days(date(2019, 8, first), date(2019, 8, last))
            checked(register.regulation, "DelegationGranted", post=post, **span)
    checked(register.regulation, "DelegationGranted", post=post, **days(date(2019, 8, 10), date(2019, 8, 12)))
    register.rule(event("DelegationEnded", on=date(2019, 8, 7), delegation=delegation))
    people = register.regulation.people
    assert [day for day in range(4, 11) if people.standing_delegation(post, date(2019, 8, day))] == [5, 6]
    with pytest.raises(errors.PostOver):
        checked(register.regulation, "DelegationEnded", delegation=delegation)
    with pytest.raises(errors.UnknownPost):
        checked(register.regulation, "DelegationEnded", delegation=post)


def test_delegation__is_not_passed_on_and_is_named_where_it_is_needed() -> None:
    register = Register()
    deputy_post = granted(register)
    told = event("DelegationGranted", post=deputy_post, **days())
    deputy = Caller(
        "person:d", frozenset({"office", "chair"}), DISTRICT, delegation=UUID(int=9), delegated=frozenset({"chair"})
    )
    with pytest.raises(errors.DelegationNotPassedOn):
        may(deputy, told, None, register.regulation)
    may(Caller("chair", frozenset({"chair"}), DISTRICT), told, None, register.regulation)
    needed = [deputy.delegation_for(frozenset(roles)) for roles in ({"chair"}, {"office", "chair"}, {"office"})]
    assert needed == [UUID(int=9), None, None]


@pytest.mark.parametrize(
    ("role", "place", "is_allowed"),
    [("admin", DISTRICT, True), ("admin", "H35", True), ("admin", COMMUNE, False), ("office", DISTRICT, False)],
)
def test_administrator__acts_within_the_own_subtree(role: str, place: str, is_allowed: bool) -> None:
    register = Register()
    post = granted(register)
    caller = Caller("a", frozenset({role}), place)
    for told in (event("PostGranted", **POST), event("PostEnded", post=post)):
        if is_allowed:
            may(caller, told, None, register.regulation)
            continue
        with pytest.raises(errors.NotAllowed):
            may(caller, told, None, register.regulation)


ADMINISTERS = {"roles": ("admin",), "position": "Quản trị", "valid_until": None}


@pytest.mark.parametrize("topic", ["PostEnded", "PostAnnulled"])
def test_administrators__end_their_own_post_only_while_another_administers_the_place(topic: str) -> None:
    register = Register()
    own = granted(register, subject="me", **ADMINISTERS)
    granted(register, subject="clerk")
    granted(register, subject="below", **ADMINISTERS | {"jurisdiction": COMMUNE})
    granted(register, subject="later", **ADMINISTERS | {"valid_from": NOTICE + DAY})
    ending = event(topic, post=own)
    me = Caller("person:me", frozenset({"admin"}), DISTRICT, subject="me", post=own)
    with pytest.raises(errors.LastAdministrator) as refused:
        may(me, ending, None, register.regulation)
    assert refused.value.field == "post"
    may(Caller("server", frozenset({"admin"}), DISTRICT), ending, None, register.regulation)
    may(me, event(topic, on=NOTICE + DAY, post=own), None, register.regulation)
    granted(register, subject="above", **ADMINISTERS | {"jurisdiction": "H35"})
    may(me, ending, None, register.regulation)
