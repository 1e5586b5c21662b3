"""Cursors of a feed: they come back as they were given, to the store and the question that they were given for."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.feed_cursor import LONGEST, FeedFilter, ForeignCursor, beginning, moved, read, written

KEY, OTHER_KEY = b"k" * 32, b"l" * 32
ASKED = FeedFilter(("DeadlineBreached",), "H35.10", mine=True)
AT = moved(beginning("lai-chau", ASKED), 2**53, UUID(int=7), datetime(2026, 11, 30, 1, 2, 3, 4, UTC))


@pytest.mark.parametrize("cursor", [AT, beginning("lai-chau", ASKED)])
def test_cursor__comes_back_as_it_was(cursor: object) -> None:
    assert cursor == AT or cursor == beginning("lai-chau", ASKED)
    word = written(cursor, KEY)  # type: ignore[arg-type]
    assert len(word) <= LONGEST and word.replace("-", "").replace("_", "").isalnum()
    assert read(word, "lai-chau", ASKED, KEY) == cursor


def test_cursor__is_for_the_same_kinds_in_any_order() -> None:
    kinds = FeedFilter(("DeadlineMet", "DeadlineSet"))
    word = written(beginning("lai-chau", kinds), KEY)
    assert read(word, "lai-chau", FeedFilter(("DeadlineSet", "DeadlineMet")), KEY).position == 0


@pytest.mark.parametrize(
    ("source", "asked", "key"),
    [
        ("son-la", ASKED, KEY),
        ("lai-chau", FeedFilter(("DeadlineBreached",), "H35.10"), KEY),
        ("lai-chau", FeedFilter(("DeadlineBreached",), "H35", mine=True), KEY),
        ("lai-chau", FeedFilter((), "H35.10", mine=True), KEY),
        ("lai-chau", ASKED, OTHER_KEY),
    ],
)
def test_cursor__of_another_store_or_question_is_refused(source: str, asked: FeedFilter, key: bytes) -> None:
    with pytest.raises(ForeignCursor):
        read(written(AT, KEY), source, asked, key)


@pytest.mark.parametrize("word", ["", "x", "=" * 8, "ă" * 40, "A" * (LONGEST + 1), "A" * 80, written(AT, KEY)[:-2]])
def test_cursor__that_is_none_is_refused(word: str) -> None:
    with pytest.raises(ForeignCursor):
        read(word, "lai-chau", ASKED, KEY)


def test_cursor__of_which_one_character_was_changed_is_refused() -> None:
    word = written(AT, KEY)
    for place in range(len(word) - 1):  # the last one may carry bits that nothing stands for
        changed = word[:place] + ("A" if word[place] != "A" else "B") + word[place + 1 :]
        with pytest.raises(ForeignCursor):
            read(changed, "lai-chau", ASKED, KEY)
