"""A whole number as people type it; what is none, or longer than any of ours, is none."""

import pytest

from services.followup.console.typed_numbers import MAX_DIGITS, typed_number


@pytest.mark.parametrize("text", ["", "-1", "1.5", " 1", "x", "²", "٣", "9" * (MAX_DIGITS + 1), "9" * 5000])
def test_number__that_is_none_is_none(text: str) -> None:
    assert typed_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * MAX_DIGITS, 10**MAX_DIGITS - 1)])
def test_number__is_what_was_typed(text: str, number: int) -> None:
    assert typed_number(text) == number
