"""Calls of SQL functions by the names of their parameters, so that no argument is told apart by its position alone."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any


def named_call(function: str, arguments: Mapping[str, object], first: int = 1) -> str:
    """The text of a call, `function(a => $1, b => $2)`; its values are numbered from `first` in the mapping's order.

    The same names in the same order give the same text, so a connection prepares the statement once.
    """
    return _text(function, tuple(arguments), first)


@cache
def _text(function: str, names: tuple[str, ...], first: int) -> str:
    return f"{function}({', '.join(f'{name} => ${n}' for n, name in enumerate(names, first))})"


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Rows as arrays: for each field the values of all rows, under the name of its parameter.

    Raises ValueError when a row has more or fewer fields than there are names.
    """
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
