"""The story of plan 570: every step is a command that intake's own table accepts, told in order and once."""

import unicodedata
from uuid import UUID

import pytest

from services.story import outcome
from services.story.client import StoryRefused
from services.story.petitions import BY_KEY, MATTERS
from services.story.play import tell
from shared.events import SEALED
from shared.identifiers import agency_code, derived_id
from tests.support.story import FakeIntake, told


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


def test_story__is_accepted_step_by_step(intake: FakeIntake) -> None:
    teller, lines = told(intake)
    assert tell(teller)
    assert len(intake.of("PetitionReceived")) == 20
    assert len(intake.of("PetitionRaised")) == 17
    assert len(intake.of("ConferenceClosed")) == 1
    assert "07/10" in lines[-1]


def test_story__every_petition_has_a_fate_of_its_own(intake: FakeIntake) -> None:
    tell(told(intake)[0])
    fates: dict[UUID, list[str]] = {}
    for _, originator, event in intake.events:
        if event.AGGREGATE == "petition":
            fates.setdefault(originator, []).append(event.TOPIC)
    assert len(fates) == 20
    topics = {topic for fate in fates.values() for topic in fate}
    assert topics >= {
        "PetitionWithdrawn", "PetitionMerged", "PetitionRedirected", "PetitionReassigned", "PetitionReopened",
        "PetitionMarkedComplex", "ExtensionGranted", "PetitionEscalated", "PetitionAnsweredAtConference",
    }  # fmt: skip


def test_story__told_twice_adds_nothing(intake: FakeIntake) -> None:
    tell(told(intake)[0])
    before = len(intake.events)
    teller, lines = told(intake)
    assert tell(teller)
    assert len(intake.events) == before
    assert "going on" in lines[0]


def test_story__goes_on_after_an_interruption(intake: FakeIntake) -> None:
    whole = FakeIntake()
    tell(told(whole)[0])
    teller, _ = told(intake)
    teller.say = interrupted_at("Bế mạc")
    with pytest.raises(KeyboardInterrupt):
        tell(teller)
    assert 0 < len(intake.events) < len(whole.events)
    tell(told(intake)[0])
    assert [event for _, _, event in intake.events] == [event for _, _, event in whole.events]


def interrupted_at(word: str):
    def say(line: str) -> None:
        if word in line:
            raise KeyboardInterrupt

    return say


def test_story__without_a_movable_clock_tells_nothing(intake: FakeIntake) -> None:
    intake.movable = False
    teller, lines = told(intake)
    assert not tell(teller)
    assert not intake.events
    assert "cannot be moved" in lines[0]


def test_story__a_refusal_names_the_step_and_the_reason(intake: FakeIntake) -> None:
    teller, _ = told(intake)
    with pytest.raises(StoryRefused, match="calls: 422 No words: a speaker said nothing"):
        teller.act("calls", f"/v1/conferences/{derived_id('c')}/calls", speaker="01")


def test_texts__are_nfc_and_titles_name_nobody() -> None:
    for matter in MATTERS:
        for text in (matter.text, matter.subject, matter.village, *matter.people):
            assert unicodedata.is_normalized("NFC", text)
        assert not any(person in matter.subject for person in matter.people)
        assert agency_code(matter.agency) == matter.agency
    assert len({matter.subject for matter in MATTERS}) == len(BY_KEY) == 20


def test_personal_data__stands_in_sealed_fields_only(intake: FakeIntake) -> None:
    tell(told(intake)[0])
    names = [person for matter in MATTERS for person in matter.people]
    for _, _, event in intake.events:
        open_fields = {n: getattr(event, n) for n in event.__struct_fields__ if n not in SEALED[event.TOPIC]}
        assert not [name for name in names if name in str(open_fields)], event.TOPIC


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"outcome": "met", "done_on": "2019-09-16"}, "đúng hạn 16/09"),
        ({"outcome": "met_late", "done_on": "2019-09-20", "breached": True}, "trễ hạn 20/09"),
        ({"outcome": "", "breached": True}, "QUÁ HẠN"),
        ({"outcome": "", "status": "due_soon"}, "sắp đến hạn"),
        ({"outcome": "", "due_on": "2019-10-15"}, "trong hạn"),
        ({"outcome": "waived"}, "không phải trả lời"),
        ({}, "—"),
    ],
)
def test_outcome__in_words(reply: dict[str, object], words: str) -> None:
    assert outcome.outcome(reply) == words
