"""How often a caller may call: what it has is its own, fills evenly, and is bounded in memory."""

import pytest

from shared.http.rate_limits import MAX_CALLERS, OTHERS, WINDOW, RateLimits, TooOften


class Times:
    """Limits at a time that a test says."""

    def __init__(self, per_second: int) -> None:
        self.now = 1000.0
        self.limits = RateLimits(per_second, lambda: self.now)

    def taken(self, who: str, times: int) -> int:
        """How many of so many requests are let through."""
        done = 0
        for _ in range(times):
            try:
                self.limits.take(who)
            except TooOften:
                continue
            done += 1
        return done


def test_caller__has_ten_seconds_worth_at_once_and_then_one_after_another() -> None:
    times = Times(5)
    assert times.taken("portal", 60) == 5 * WINDOW
    times.now += 1
    assert times.taken("portal", 60) == 5
    times.now += 3600
    assert times.taken("portal", 60) == 5 * WINDOW


def test_caller__takes_nothing_of_another() -> None:
    times = Times(1)
    assert times.taken("loop", 100) == WINDOW
    assert times.taken("portal", 5) == 5


def test_refusal__says_when_to_come_again() -> None:
    times = Times(1)
    times.taken("portal", WINDOW)
    with pytest.raises(TooOften) as refused:
        times.limits.take("portal")
    assert refused.value.wait == 1 and refused.value.left.requests == 0
    times.now += refused.value.wait
    assert times.limits.take("portal").requests == 0


def test_headers__say_the_rule_and_what_is_left() -> None:
    times = Times(2)
    left = times.limits.take("portal")
    assert dict(times.limits.headers(left)) == {
        b"ratelimit-policy": b'"caller";q=20;w=10',
        b"ratelimit": b'"caller";r=19;t=1',
    }
    assert times.limits.left("portal") == left and times.limits.left("nobody").requests == 20


def test_flood_of_names__shares_a_bucket_and_forgets_those_that_are_full() -> None:
    times = Times(1)
    for number in range(MAX_CALLERS + 50):
        times.limits.take(f"made-up-{number}") if number < MAX_CALLERS else times.taken(f"made-up-{number}", 1)
    assert len(times.limits._full_at) <= MAX_CALLERS + 1 and OTHERS in times.limits._full_at
    times.now += WINDOW
    times.limits.take("portal")
    assert "portal" in times.limits._full_at and len(times.limits._full_at) == 1
