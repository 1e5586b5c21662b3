"""What the store's figures say of an outbox that nobody empties."""

from shared.rabbit.relay import WAITS_AFTER, waiting

NOW = 1_000_000.0


def test_waiting__tells_of_what_should_have_left() -> None:
    assert waiting(69, NOW - 25, NOW) == "69 events wait to leave, the first for 25 s"


def test_waiting__is_silent_of_what_has_just_come_or_where_nothing_waits() -> None:
    assert waiting(69, NOW - WAITS_AFTER, NOW) == ""
    assert waiting(0, 0.0, NOW) == ""
