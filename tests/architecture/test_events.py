"""What an event needs beside its definition; each failure says what to add, and where."""

from typing import ClassVar

import pytest

from services.followup.domain.wording.names import event_words
from shared.events import EVENTS
from shared.events.petition import PetitionClosed
from shared.events.registry import _by_topic
from shared.events.titles import EVENT_TITLES


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_event__has_words_for_people(topic: str) -> None:
    words = event_words(topic)
    # An unknown topic is shown as it is: that is for topics of later releases alone.
    assert topic not in (words.vi, words.en), "name it in Vietnamese and English in shared/events/titles.py"


def test_topic__of_another_event_is_refused() -> None:
    class Copied(PetitionClosed, frozen=True):
        pass

    with pytest.raises(TypeError, match="PetitionClosed and Copied both have the topic 'PetitionClosed'"):
        _by_topic([PetitionClosed, Copied])


def test_topic__unlike_its_class_is_refused() -> None:
    class PetitionShelved(PetitionClosed, frozen=True):
        TOPIC: ClassVar[str] = "PetitionSelved"

    with pytest.raises(TypeError, match="PetitionShelved has the topic 'PetitionSelved'"):
        _by_topic([PetitionShelved])


def test_title__is_of_an_event_that_exists() -> None:
    assert EVENT_TITLES.keys() - EVENTS.keys() == set(), "shared/events/titles.py"
