"""What an event needs beside its definition; each failure says what to add, and where."""

import pytest

from services.followup.domain.wording.names import event_words
from shared.events import EVENTS
from shared.events.petition import PetitionClosed
from shared.events.registry import _by_topic


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_event__has_words_for_people(topic: str) -> None:
    words = event_words(topic)
    # An unknown topic is shown as it is: that is for topics of later releases alone.
    assert topic not in (words.vi, words.en), (
        "name it in Vietnamese and English in _EVENTS of services/followup/domain/wording/names.py"
    )


def test_topic__of_another_event_is_refused() -> None:
    class Copied(PetitionClosed, frozen=True):
        pass

    with pytest.raises(TypeError, match="PetitionClosed and Copied both have the topic 'PetitionClosed'"):
        _by_topic([PetitionClosed, Copied])
