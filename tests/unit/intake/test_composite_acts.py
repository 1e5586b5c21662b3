"""Composite acts: what parts say of one another, and that an act comes to what its parts come to by themselves."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.application.command import Command
from services.intake.application.command_body import CODECS
from services.intake.application.commands import ROUTES, route_of_command
from services.intake.application.composite.act_decider import ActDecider, DecidedAct
from services.intake.application.composite.given_act import GivenAct, PartInput, parts_of
from services.intake.application.composite_acts import COMPOSITE_ACTS, CompositeAct
from services.intake.application.deciding import CommandDecider, Decided, body_id
from services.intake.application.errors import NotFound, WrongAddress
from services.intake.application.ports import EventPlace, StoredKey
from services.intake.application.regulation_cache import RegulationSnapshot
from services.intake.domain import AnyFact, Caller, Fact, Refused
from shared.identifiers import derived_id
from shared.invalid_body import InvalidBody, wrong_field
from shared.sentences import Sentence
from tests.unit.intake.plan import COMMUNE, EDUCATION, HEALTH, HELD, TODAY, A, B, C, Register

ALL = CompositeAct(
    "everything",
    Sentence("mọi việc", "everything"),
    tuple(dict.fromkeys(event for act in COMPOSITE_ACTS.values() for event in act.events)),
)
OFFICE = Caller("van-phong", frozenset({"office", "chair"}), "VN")
PORTAL = Caller("cong", frozenset({"system"}), "VN")
VERSIONS = {body_id("agency", EDUCATION): 1, body_id("jurisdiction", COMMUNE): 1, derived_id("policy", "H35"): 0}


class ActStore:
    """Cases in memory, as the application reads them; what it records it records at once."""

    def __init__(self, register: Register) -> None:
        self.register, self.cases = register, {i: list(facts) for i, facts in register.facts.items()}
        self.actors = dict.fromkeys(self.cases, "van-phong")

    def snapshot(self) -> RegulationSnapshot:
        return RegulationSnapshot(self.register.regulation, VERSIONS, TODAY)

    async def facts(self, originators: Iterable[UUID]) -> Mapping[UUID, Sequence[AnyFact]]:
        return {i: list(self.cases.get(i, ())) for i in originators}

    async def place(self, originator_id: UUID, version: int) -> EventPlace:
        actor = self.actors[originator_id]
        return EventPlace(originator_id, version, 1, datetime.now(UTC), "", "", "", actor, "")

    async def petitions_at(self, conference_id: UUID) -> Sequence[UUID]:
        return [
            i
            for i, facts in self.cases.items()
            if facts[0].event.AGGREGATE == "petition"
            and any(getattr(fact.event, "conference_id", None) == conference_id for fact in facts)
        ]

    async def merged_into(self, petition_ids: Iterable[UUID]) -> Sequence[UUID]:
        wanted = set(petition_ids)
        return [i for i, facts in self.cases.items() if any(getattr(f.event, "into", None) in wanted for f in facts)]

    async def keys_owned_by(self, owner_id: str) -> Sequence[StoredKey]:
        return ()

    def record(self, decided: Decided, actor: str) -> None:
        for fact in decided.facts:
            facts = self.cases.setdefault(fact.originator_id, [])
            self.actors.setdefault(fact.originator_id, actor)
            self.register.position += 1
            position = self.register.position
            event_id = derived_id("event", position)
            facts.append(Fact(fact.event, event_id, len(facts) + 1, position, datetime(2019, 12, 2, tzinfo=UTC)))


def ids() -> Callable[[], UUID]:
    """Ids in a fixed order."""
    drawn = iter(range(1, 10_000))
    return lambda: derived_id("drawn", next(drawn))


def given_act(parts: Sequence[dict[str, Any]], caller: Caller = OFFICE, act: CompositeAct = ALL) -> GivenAct:
    read = msgspec.json.decode(json.dumps(parts), type=tuple[PartInput, ...])
    return GivenAct(definition=act, parts=parts_of(act, read), caller=caller)


async def decided(store: ActStore, parts: Sequence[dict[str, Any]], caller: Caller) -> DecidedAct:
    decider = ActDecider(store, store, ids())  # type: ignore[arg-type]
    return await decider.decide(given_act(parts, caller))


async def one_by_one(store: ActStore, parts: Sequence[dict[str, Any]], caller: Caller) -> list[Decided]:
    """The parts as single commands, each recorded before the next. Raises Refused, with the number of the part."""
    decider = CommandDecider(store, store, ids())  # type: ignore[arg-type]
    done: list[Decided] = []
    for number, part in enumerate(parts):
        sent = json.dumps([part.get("target", ""), part["body"]])
        for earlier in range(len(done)):
            sent = sent.replace(f'"#{earlier}"', f'"{done[earlier].facts[0].originator_id}"')
        target, body = json.loads(sent)
        route = route_of_command(part["command"], has_target=bool(target), aggregate=part.get("aggregate", ""))
        assert route is not None
        codec, version = CODECS[route.path], part.get("if_match")
        command = Command(
            codec=codec,
            body=codec.decode(json.dumps(body).encode()),
            caller=caller,
            target=target,
            if_match=(version,) if version is not None and route.has_versions else None,
        )
        try:
            done.append(await decider.decide(command))
        except Refused as refused:
            refused.args = (number,)
            raise
        store.record(done[-1], caller.name)
    return done


def stage() -> ActStore:
    """Two petitions, one of them raised at a conference that is open."""
    register = Register().raised().receive(B)
    register.do(C, "SpeakerRegistered", HELD, speaker="s0", petition_id=A)
    return ActStore(register)


ON = HELD.isoformat()
FILE = {"number": "1/TB", "signatory": "Chủ tịch", "digest": "0" * 64}


def _body(command: str, case: str, conference: str, word: str) -> dict[str, Any]:
    match command:
        case "PetitionReceived":
            return {"jurisdiction": COMMUNE if word != "s2" else "H99", "text": "Nước.", "petitioner_ids": [word]}
        case "PetitionClassified":
            return {"subject": "" if word == "s2" else "Đường", "field": "transport"}
        case "PetitionScheduled" | "PetitionRaised":
            return {"conference_id": conference}
        case "PetitionAnsweredAtConference":
            return {"conference_id": conference, "by": "chair"}
        case "SpeakerRegistered":
            return {"speaker": word, "petition_id": case, "matter": "Đường"}
        case "SpeakerCalled":
            return {"speaker": word, "words": "Thưa các đồng chí."}
        case "PetitionForwarded" | "PetitionAssigned":
            return {"agency": EDUCATION if word != "s1" else HEALTH}
        case "ConclusionNoticeIssued":
            return FILE | {"assignments": [{"petition_id": case, "agency": EDUCATION}]}
        case "WrittenReplyIssued":
            return FILE | {"number": word}
        case "PublicationStarted":
            return {"what": "result", "channel": "portal", "evidence": "https://tamduong.example"}
        case "InvitationsSent":
            return {"for_date": ON}
        case _:
            return {}


PLAYED = (
    *("PetitionReceived", "PetitionClassified", "PetitionScheduled", "SpeakerRegistered", "PetitionForwarded"),
    *("SpeakerCalled", "PetitionRaised", "PetitionAnsweredAtConference", "PetitionAssigned", "ConferenceClosed"),
    *("ConclusionNoticeIssued", "PublicationStarted", "WrittenReplyIssued", "InvitationsSent"),
)
ON_CONFERENCE = {event.TOPIC for event in ALL.events if event.AGGREGATE == "conference"}


@st.composite
def acts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Parts that name cases there are, and the cases of earlier parts."""
    parts: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        command = draw(st.sampled_from(PLAYED))
        earlier = [f"#{n}" for n in range(number)]
        case = draw(st.sampled_from([str(A), str(B), *earlier, *earlier]))
        conference = draw(st.sampled_from([str(C), str(C), str(C), *earlier]))
        body = _body(command, case, conference, draw(st.sampled_from(["s0", "s1", "s2"])))
        if draw(st.integers(0, 3)):
            body["effective_on"] = ON
        part: dict[str, Any] = {"command": command, "body": body}
        if command != "PetitionReceived":
            part["target"] = conference if command in ON_CONFERENCE else case
        if not draw(st.integers(0, 4)):
            part["if_match"] = draw(st.integers(1, 5))
        parts.append(part)
    return parts


@settings(max_examples=200, deadline=None)
@given(acts(), st.sampled_from([OFFICE, OFFICE, OFFICE, PORTAL]))
def test_act__comes_to_what_its_parts_come_to_one_after_another(parts: list[dict[str, Any]], caller: Caller) -> None:
    store, alone, refused = stage(), stage(), None
    try:
        done = asyncio.run(one_by_one(alone, parts, caller))
    except Refused as refusal:
        refused, done = refusal, []
    before = {i: len(facts) for i, facts in store.cases.items()}
    if refused is not None:
        with pytest.raises(Refused) as found:
            asyncio.run(decided(store, parts, caller))
        number = refused.args[0]
        assert found.value.code == refused.code
        assert found.value.text == refused.text
        if isinstance(refused, (NotFound, WrongAddress)):
            assert found.value.field == f"parts[{number}].target"
        elif refused.field == "If-Match":
            assert found.value.field == f"parts[{number}].if_match"
        else:
            assert found.value.field == f"parts[{number}]" + (f".{refused.field}" if refused.field else "")
        return
    act = asyncio.run(decided(store, parts, caller))
    assert [part.decided.facts for part in act.parts] == [each.facts for each in done]
    for part, each in zip(act.parts, done, strict=True):
        for fact in each.facts:
            assert part.decided.petitioners.get(fact.originator_id) == each.petitioners.get(fact.originator_id)
    assert act.expected.keys() == set().union(*(each.expected for each in done))
    assert act.expected == {i: before.get(i, VERSIONS.get(i, 0)) for i in act.expected}


def test_act__rests_on_one_state_of_the_regulation() -> None:
    store = stage()
    seen: list[RegulationSnapshot] = []

    def snapshot() -> RegulationSnapshot:
        seen.append(ActStore.snapshot(store))
        return seen[-1]

    store.snapshot = snapshot  # type: ignore[method-assign]
    asyncio.run(decided(store, SLIP, OFFICE))
    assert len(seen) == 1


RECEIVED = {
    "command": "PetitionReceived",
    "body": {"jurisdiction": COMMUNE, "text": "#0", "effective_on": ON},
}
SLIP = [
    RECEIVED,
    {"command": "PetitionScheduled", "target": "#0", "body": {"conference_id": str(C), "effective_on": ON}},
    {
        "command": "SpeakerRegistered",
        "target": str(C),
        "body": {"speaker": "#0", "petition_id": "#0", "effective_on": ON},
    },
]


def test_part__stands_where_the_id_of_a_case_stands_and_nowhere_else() -> None:
    parts = [RECEIVED, {**SLIP[2]}]
    done = asyncio.run(decided(stage(), parts, OFFICE))
    petition = done.parts[0].decided.facts[0]
    speaker: Any = done.parts[1].decided.facts[0].event
    assert (petition.event.text, speaker.speaker, speaker.petition_id) == ("#0", "#0", petition.originator_id)  # type: ignore[attr-defined]


def test_part__in_a_line_of_a_body() -> None:
    lines = [{"petition_id": "#0", "agency": EDUCATION}]
    parts = [
        {"command": "PetitionClassified", "target": str(A), "body": {"subject": "Đường", "field": "transport"}},
        {"command": "ConferenceClosed", "target": str(C), "body": {"effective_on": ON}},
        {
            "command": "ConclusionNoticeIssued",
            "target": "#1",
            "body": FILE | {"effective_on": ON, "assignments": lines},
        },
    ]
    done = asyncio.run(decided(stage(), parts, OFFICE))
    assert [fact.originator_id for fact in done.parts[2].decided.facts] == [C, A]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"command": "PetitionClassified", "target": "#1", "body": {}}, "parts[1].target"),
        ({"command": "PetitionClassified", "target": "#9", "body": {}}, "parts[1].target"),
        ({"command": "PetitionScheduled", "target": "#0", "body": {"conference_id": "#1"}}, "parts[1].conference_id"),
        ({"command": "PetitionWithdrawn", "target": "#0", "body": {}}, "parts[1].command"),
        (
            {
                "command": "ConclusionNoticeIssued",
                "target": str(C),
                "body": FILE | {"assignments": [{"agency": EDUCATION, "petition_id": "#7"}]},
            },
            "parts[1].assignments[0].petition_id",
        ),
    ],
)
def test_part__that_names_what_there_is_not(part: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        given_act([RECEIVED, part])
    assert (refused.value.code, refused.value.field) == ("invalid-value", field)
    assert refused.value.text.detail.vi != refused.value.text.detail.en


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"field": "transport"}, "parts[1].subject"),
        ({"subject": 5, "field": "transport"}, "parts[1].subject"),
        ({"subject": "x", "field": "transport", "colour": "red"}, "parts[1].colour"),
        ([], "parts[1]"),
    ],
)
def test_body__that_its_command_does_not_take(body: Any, field: str) -> None:
    with pytest.raises(InvalidBody) as error:
        given_act([RECEIVED, {"command": "PetitionClassified", "target": "#0", "body": body}])
    assert wrong_field(error.value).field == field


def test_body__with_a_choice_says_the_choices() -> None:
    body = {"subject": "x", "field": "transport", "urgency": "very"}
    with pytest.raises(InvalidBody) as error:
        given_act([RECEIVED, {"command": "PetitionClassified", "target": "#0", "body": body}])
    found = wrong_field(error.value)
    assert found.field == "parts[1].urgency" and "urgent" in found.values["allowed"]


@pytest.mark.parametrize("act", COMPOSITE_ACTS.values(), ids=lambda act: act.name)
def test_composite_act__holds_commands_on_cases_alone(act: CompositeAct) -> None:
    for command in act.commands:
        assert {r.aggregate for r in ROUTES if r.topic == command} <= {"petition", "conference"}
    assert act.title.vi and act.title.en and act.path == f"/v1/acts/{act.name}"


def test_target__that_is_a_part_says_what_it_is() -> None:
    reminder = {"command": "ReminderSent", "body": {"deadline_id": str(A), "to": EDUCATION}}
    act = given_act([RECEIVED, reminder | {"target": "#0"}, reminder | {"target": str(C)}])
    assert [part.codec.route.aggregate for part in act.parts] == ["petition", "petition", "conference"]
