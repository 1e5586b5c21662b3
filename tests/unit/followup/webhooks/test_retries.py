"""The pauses after failures, by hand."""

from services.followup.domain.webhooks.retries import pause_after


def test_pause__doubles_up_to_an_hour() -> None:
    assert [pause_after(n) for n in (1, 2, 3, 10, 11, 1000)] == [5, 10, 20, 2560, 3600, 3600]


def test_sink__may_ask_for_more_and_not_for_less_or_for_days() -> None:
    assert [pause_after(2, asked) for asked in (0, 60, 86_400)] == [10, 60, 3600]
