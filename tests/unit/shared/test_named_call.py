"""Calls of SQL functions by name: every value stands under the number of its parameter."""

import pytest

from shared.postgres.named_call import columns, named_call


def test_named_call__numbers_the_values_in_their_order() -> None:
    assert named_call("move", {"p_source": "local", "p_before": 3}) == "move(p_source => $1, p_before => $2)"


def test_named_call__behind_the_values_of_another() -> None:
    assert named_call("write", {"f_position": (), "f_topic": ()}, 11) == "write(f_position => $11, f_topic => $12)"


def test_columns__of_rows() -> None:
    assert columns(("n", "word"), [(1, "one"), (2, "two")]) == {"n": (1, 2), "word": ("one", "two")}


def test_columns__of_no_rows() -> None:
    assert columns(("n", "word"), []) == {"n": (), "word": ()}


@pytest.mark.parametrize("rows", [[(1,)], [(1, "one", True)], [(1, "one"), (2,)]])
def test_columns__of_rows_with_a_field_too_many_or_too_few(rows: list[tuple[object, ...]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        columns(("n", "word"), rows)
