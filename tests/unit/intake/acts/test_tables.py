"""Every event has its act, every act its own address, and what it says agrees with its event."""

import pytest

from services.intake.application.commands import ERASURE, ROUTES, CommandRoute, _each_once
from services.intake.domain.acts import (
    CONFERENCE_ACTS,
    CONFERENCE_CREATING,
    PETITION_ACTS,
    PETITION_CREATING,
    REGULATION_ACTS,
    TABLES,
    AnyAct,
    _by_event,
    act_on,
)
from services.intake.domain.acts.act import no_agency
from shared.events import DATED_EVENTS
from shared.events.petition import PetitionClosed
from shared.http.auth import ROLES
from tests.unit.intake.plan import A, C, Register

ACTS = [act for table in TABLES for act in table.values()]


@pytest.mark.parametrize("topic", sorted(DATED_EVENTS))
def test_event__has_its_act(topic: str) -> None:
    event = DATED_EVENTS[topic]
    tables = {
        "petition": ({**PETITION_CREATING, **PETITION_ACTS}, "one of the groups of petitions"),
        "conference": ({**CONFERENCE_CREATING, **CONFERENCE_ACTS}, "one of the groups of conferences"),
        "": ({e: act for e, act in PETITION_ACTS.items() if e in CONFERENCE_ACTS}, "any_stream.py, for both"),
    }
    table, place = tables.get(event.AGGREGATE, (REGULATION_ACTS, "regulation.py"))
    assert event in table, f"write its act in services/intake/domain/acts, in {place}"


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.path)
def test_act__names_fields_of_its_event_and_roles_that_exist(act: AnyAct) -> None:
    assert {*act.decided, *act.not_empty} <= set(act.event.__struct_fields__)
    assert act.roles <= ROLES
    assert act.path or not act.roles


def test_agency__that_has_the_role_has_a_rule_by_which_it_is_judged() -> None:
    without = [act.path for act in CONFERENCE_ACTS.values() if "agency" in act.roles and act.check_agency is no_agency]
    assert without == [], "say in the act which agency it is for: check_agency"


def test_act__is_found_by_event_and_target() -> None:
    register = Register().assigned()
    for act in PETITION_ACTS.values():
        assert act_on(act.event, register.petition(A)) is act
    for conference_act in CONFERENCE_ACTS.values():
        assert act_on(conference_act.event, register.conference(C)) is conference_act
    for creating in (*PETITION_CREATING.values(), *CONFERENCE_CREATING.values(), *REGULATION_ACTS.values()):
        assert act_on(creating.event, None) is creating
    assert act_on(PetitionClosed, None) is None


def test_second_act_of_an_event__is_refused() -> None:
    act = PETITION_ACTS[PetitionClosed]
    with pytest.raises(TypeError, match="two acts record PetitionClosed"):
        _by_event((act,), (act,))


def test_second_act_at_an_address__is_refused() -> None:
    one, other = ROUTES[0], CommandRoute(PetitionClosed, "petition", ROUTES[0].path, False, frozenset())
    with pytest.raises(TypeError, match=f"both come in at {one.path}"):
        _each_once((one, other))


def test_routes__are_of_every_act_that_a_caller_gives() -> None:
    assert len(ROUTES) + 1 == len([act for act in ACTS if act.path])
    assert {route.topic for route in (*ROUTES, ERASURE)} == DATED_EVENTS.keys() - {"CalendarProposed"}
