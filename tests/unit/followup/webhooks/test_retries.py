"""The pauses after failures, by hand."""

from datetime import timedelta

from services.followup.domain.webhooks.retries import GIVE_UP_AFTER, GIVE_UP_AT, pause_after


def test_pause__doubles_up_to_an_hour() -> None:
    assert [pause_after(n) for n in (1, 2, 3, 10, 11, 1000)] == [5, 10, 20, 2560, 3600, 3600]


def test_sink__may_ask_for_more_and_not_for_less_or_for_days() -> None:
    assert [pause_after(2, asked) for asked in (0, 60, 86_400)] == [10, 60, 3600]


def test_giving_up__is_after_as_many_failures_as_take_three_days() -> None:
    assert GIVE_UP_AT == 82  # ten pauses of 5,115 s together, and 71 hours
    assert timedelta(seconds=5115, hours=70) < GIVE_UP_AFTER <= timedelta(seconds=5115, hours=71)
