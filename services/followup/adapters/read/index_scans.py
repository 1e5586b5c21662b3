"""The SQL of listings: walks along an index, one for each leading value, merged and cut at the page's end.

A walk is an index range in the order of the listing that stops after a page's rows, however long the history. What a
filter leaves open in the middle of an index (the states of a case, the codes of a subtree) is walked value by value.
"""

from collections.abc import Sequence
from typing import Any

from shared.identifiers import NATION

AFTER_DOT = "/"  # follows "." by code point: the subtree of H35 is all from `H35` on, before `H35/`
LAST = "~"  # after every code

_WALK = """
SELECT w.* FROM {over} CROSS JOIN LATERAL (
    SELECT {order} FROM {table} WHERE {where} ORDER BY {order} LIMIT {limit}
) w
"""
_PAGE = """
WITH page AS (SELECT * FROM ({walks}) AS walks ORDER BY {order} LIMIT {limit})
SELECT {fields} FROM page JOIN {table} t USING ({key}) ORDER BY {own_order}
"""
#: Each value of a column once, by hopping along an index from one to the next.
_DISTINCT = """
WITH RECURSIVE found (value) AS (
    (SELECT {column} FROM {table} WHERE {where} ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM {table} WHERE {where} AND {column} > f.value ORDER BY {column} LIMIT 1)
    FROM found f WHERE f.value IS NOT NULL
) SELECT value FROM found WHERE value IS NOT NULL
"""


class Values:
    """The parameters of a statement under construction: each gets its number."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def __call__(self, value: Any, kind: str = "text") -> str:
        """The placeholder of a value of a type."""
        self.given.append(value)
        return f"${len(self.given)}::{kind}"


def within(jurisdiction: str, value: Values) -> str:
    """The condition that a row's jurisdiction lies in the subtree."""
    first, end = ("", LAST) if jurisdiction == NATION else (jurisdiction, jurisdiction + AFTER_DOT)
    return f"(jurisdiction >= {value(first)} AND jurisdiction < {value(end)})"


def walk(table: str, order: Sequence[str], over: dict[str, str], where: Sequence[str], limit: str) -> str:
    """Walks along an index in an order, one for each combination of the leading values in `over` (column to array)."""
    leading = [f"{table}.{column} = {column}_of.v" for column in over]
    return _WALK.format(
        table=table,
        order=", ".join(order),
        over=" CROSS JOIN ".join(f"unnest({array}) AS {column}_of (v)" for column, array in over.items()),
        where=" AND ".join([*leading, *where]),
        limit=limit,
    )


def page(table: str, order: Sequence[str], fields: str, of: Sequence[str], limit: str) -> str:
    """The first rows of some walks together, with the fields of their rows; the last of `order` is the key."""
    return _PAGE.format(
        table=table,
        order=", ".join(order),
        own_order=", ".join(f"t.{column}" for column in order[:-1]) + f", {order[-1]}",
        key=order[-1],
        fields=fields,
        walks=" UNION ALL ".join(f"({each})" for each in of),
        limit=limit,
    )


async def distinct(connection: Any, table: str, column: str, where: str, values: Sequence[Any]) -> list[Any]:
    """The values that a column takes under a condition, without reading every row."""
    rows = await connection.fetch(_DISTINCT.format(table=table, column=column, where=where), *values)
    return [row["value"] for row in rows]
