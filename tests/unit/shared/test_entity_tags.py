"""What `If-Match` and `If-None-Match` ask of a version (RFC 9110, 13.1)."""

import pytest

from shared.http.entity_tags import InvalidTags, is_known, versions_matched


@pytest.mark.parametrize(
    ("header", "matched"),
    [
        ('"2"', True),
        ("2", True),
        ("*", True),
        ('"1", "2"', True),
        ('"2","3"', True),
        ('W/"1", "2"', True),
        ('"1"', False),
        ('W/"2"', False),
        ('"02"', False),
        ('"abc"', False),
        ('"1", "3"', False),
        ('"99999999999999999999999"', False),
    ],
)
def test_if_match__by_strong_comparison(header: str, matched: bool) -> None:
    allowed = versions_matched(header)
    assert allowed is not None
    assert (2 in allowed) is matched


def test_if_match__asks_nothing_when_empty_and_for_something_with_a_star() -> None:
    assert versions_matched("") is None
    anything = versions_matched("*")
    assert anything is not None
    assert 0 not in anything


@pytest.mark.parametrize("header", ["abc", '"1', '1"', '"1" "2"', "1, 2", "W/1", "-1", "1.0"])
def test_if_match__that_is_no_list_of_tags_is_invalid(header: str) -> None:
    with pytest.raises(InvalidTags):
        versions_matched(header)


@pytest.mark.parametrize(
    ("header", "known"),
    [('"2"', True), ('W/"2"', True), ("*", True), ('"1", "2"', True), ('"1"', False), ("", False), ("2", False)],
)
def test_if_none_match__by_weak_comparison(header: str, known: bool) -> None:
    assert is_known(header, '"2"') is known
