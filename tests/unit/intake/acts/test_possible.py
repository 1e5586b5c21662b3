"""What *possible* refuses is refused with every body, in every state that commands can make."""

import types
from datetime import UTC, date, datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain import Caller, Conference, Petition, Refused, decide, errors, fold_regulation, may, possible
from services.intake.domain.acts import CONFERENCE_ACTS, CONFERENCE_CREATING, PETITION_ACTS, PETITION_CREATING
from shared.events import DatedEvent
from shared.events.conference import ConferencePlanned, PublicNoticePublished
from shared.events.petition import (
    ClockSuspended,
    ExtensionGranted,
    PetitionAssigned,
    PetitionClosed,
    PetitionReceived,
    PetitionWithdrawn,
    WrittenReplyIssued,
)
from shared.events.regulation import JurisdictionClosed
from tests.unit.intake.plan import COMMUNE, DISTRICT, EDUCATION, HEALTH, HELD, NOTICE, OTHER, TODAY, A, B, C, Register
from tests.unit.intake.test_any_history import DAYS, DEEDS

OFFICE = Caller("o", frozenset({"office"}), DISTRICT)
CALLERS = [
    OFFICE,
    Caller("other", frozenset({"chair"}), OTHER),
    Caller("portal", frozenset({"system"}), "VN"),
    Caller("gd", frozenset({"agency"}), DISTRICT, EDUCATION),
    Caller("nobody", frozenset({"agency"}), DISTRICT),
    Caller("auditor", frozenset({"auditor"}), "VN"),
]
WORDS = ("", "x", "1", "t", "s", "p1", EDUCATION, HEALTH, DISTRICT, COMMUNE)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field of an event, so that ids and codes often are those of the cases at hand."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return st.one_of(*map(values, parts))
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        return st.lists(values(parts[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.just({})
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return bodies(hint)
    return {
        str: st.sampled_from(WORDS),
        UUID: st.sampled_from((A, B, C)),
        date: st.sampled_from((*DAYS, TODAY)),
        datetime: st.sampled_from([datetime(2019, 8, 1, 8, tzinfo=UTC)]),
        float: st.sampled_from((0.0, 22.1, 103.5)),
        bool: st.booleans(),
        int: st.integers(0, 3),
        type(None): st.none(),
    }[hint]


def bodies(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})


def after(asked: list[tuple[int, date]], ended: list[date]) -> Register:
    """Whatever came of some commands; the petitions' commune, then its successor, may have ended on a day."""
    register = Register()
    for code, successor, day in zip((COMMUNE, OTHER), (OTHER, "H35"), sorted(ended), strict=False):
        register._rule(JurisdictionClosed(effective_on=day, code=code, successor=successor))
    register.regulation = fold_regulation(register.rules)
    register.receive(A, B)
    for index, on in asked:
        target, topic, given_fields = DEEDS[index]
        try:
            register.do(target, topic, on, **given_fields)
        except Refused:
            continue
    return register


COMMANDS: list[tuple[UUID | None, type[DatedEvent]]] = [
    *((None, event) for event in (*PETITION_CREATING, *CONFERENCE_CREATING)),
    *((A, event) for event in PETITION_ACTS),
    *((C, event) for event in CONFERENCE_ACTS),
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(DEEDS) - 1), st.sampled_from(DAYS)), max_size=25),
    st.lists(st.sampled_from(DAYS[1:]), max_size=2),
    st.sampled_from(CALLERS),
    st.sampled_from(COMMANDS),
    st.data(),
)
def test_what_is_not_possible__is_refused_with_every_body(
    asked: list[tuple[int, date]],
    ended: list[date],
    caller: Caller,
    command: tuple[UUID | None, type[DatedEvent]],
    data: st.DataObject,
) -> None:
    register = after(asked, ended)
    target, event = command
    state: Petition | Conference | None = None
    if target is not None and (state := register.petition(target) or register.conference(target)) is None:
        return
    try:
        possible(event, state, register.context(), caller)
    except Refused:
        body = data.draw(bodies(event))
        with pytest.raises(Refused):
            may(caller, body, state, register.regulation)
            decide(body, state, register.context(), target or B)


def refusal(register: Register, event: type[DatedEvent], target: UUID | None = A, caller: Caller = OFFICE) -> str:
    """The code by which a command is not possible; empty where it is."""
    state = (register.petition(target) or register.conference(target)) if target else None
    try:
        possible(event, state, register.context(), caller)
    except Refused as refused:
        return refused.code
    return ""


class TestWithoutABody:
    def test_open_case__can_be_closed_and_an_ended_one_cannot(self) -> None:
        register = Register().receive()
        assert refusal(register, PetitionClosed) == ""
        register.do(A, "PetitionWithdrawn", NOTICE)
        assert refusal(register, PetitionClosed) == errors.CaseEnded.code
        assert refusal(register, WrittenReplyIssued) == errors.AnsweringWithdrawnPetition.code

    def test_case_that_an_agency_has__is_not_assigned_again(self) -> None:
        assert refusal(Register().closed(), PetitionAssigned) == ""
        assert refusal(Register().assigned(), PetitionAssigned) == errors.AlreadyAssigned.code

    def test_clock__is_extended_only_while_one_runs(self) -> None:
        assert refusal(Register().receive(), ExtensionGranted) == errors.NothingToExtend.code
        assert refusal(Register().assigned(), ExtensionGranted) == ""

    def test_clock__is_suspended_only_where_the_policy_provides_it(self) -> None:
        assert refusal(Register().receive(), ClockSuspended) == errors.NothingToSuspend.code
        assert refusal(Register().assigned(), ClockSuspended) == errors.SuspensionNotProvided.code

    def test_conference__is_planned_once(self) -> None:
        assert refusal(Register(), ConferencePlanned, None) == ""
        assert refusal(Register().planned(), ConferencePlanned, C) == errors.AlreadyPlanned.code

    def test_caller__needs_a_role_and_the_place(self) -> None:
        register = Register().assigned()
        assert refusal(register, PetitionWithdrawn, caller=CALLERS[1]) == errors.JurisdictionMayNot.code
        assert refusal(register, PetitionWithdrawn, caller=CALLERS[5]) == errors.RoleMayNot.code
        assert refusal(register, WrittenReplyIssued, caller=CALLERS[4]) == errors.AgencyMayNot.code
        assert refusal(register, PublicNoticePublished, C, CALLERS[3]) == ""
        assert refusal(register, PetitionReceived, None, CALLERS[2]) == ""

    def test_case_of_an_ended_jurisdiction__is_its_successors(self) -> None:
        register = Register().receive()
        register._rule(JurisdictionClosed(effective_on=HELD, code=COMMUNE, successor=OTHER))
        register.regulation = fold_regulation(register.rules)
        assert refusal(register, PetitionWithdrawn, caller=CALLERS[1]) == ""

    def test_event__that_is_not_of_the_case_is_a_fault(self) -> None:
        register = Register().receive()
        with pytest.raises(TypeError, match="PetitionReceived is not done to Petition"):
            possible(PetitionReceived, register.petition(A), register.context(), OFFICE)
