"""The histogram keeps its promise: no percentile is off by more than a hundredth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.load.histogram import Histogram

VALUES = st.lists(st.integers(0, 10**9), min_size=1, max_size=300)


@given(VALUES, st.sampled_from([1, 50, 90, 99, 99.9, 100]))
def test_percentile__is_within_a_hundredth_of_the_exact_one(values: list[int], percent: float) -> None:
    exact = sorted(values)[math.ceil(len(values) * percent / 100 - 1e-9) - 1]
    found = Histogram(values).percentile(percent)
    assert exact <= found <= exact * 1.01 + 1
    assert found <= max(values)


@given(VALUES)
def test_summary__counts_every_value_in_milliseconds(values: list[int]) -> None:
    summary = Histogram(values).summary()
    assert (summary["count"], summary["max"]) == (len(values), max(values) / 1000)
    assert summary["mean"] == pytest.approx(sum(values) / len(values) / 1000, abs=0.001)


def test_nothing__has_no_percentile() -> None:
    assert Histogram().summary() == {
        "count": 0, "mean": 0.0, "p50": 0.0, "p90": 0.0, "p99": 0.0, "p99.9": 0.0, "max": 0.0,
    }  # fmt: skip


def test_below_zero__counts_as_zero() -> None:
    assert Histogram([-5]).percentile(100) == 0
