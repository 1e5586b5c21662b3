"""The SQL of listings: index scans, one for each leading value, merged and cut at the end of the page.

A scan reads an index range in the order of the listing and stops after the rows of a page, however long the history is.
What a filter leaves open in the middle of an index (the states of a case, the codes of a subtree) is scanned value by
value.
"""

from collections.abc import Sequence
from typing import Any

from services.followup.application.access import Scope
from shared.identifiers import NATION

AFTER_DOT = "/"  # follows "." by code point: the subtree of H35 is all from `H35` on, before `H35/`
LAST = "~"  # after every code

_SCAN = """
SELECT s.* FROM {over} CROSS JOIN LATERAL (
    SELECT {order}, source FROM {table} WHERE {where} ORDER BY {order} LIMIT {limit}
) s
"""
_PAGE = """
WITH page AS (SELECT * FROM ({scans}) AS scans ORDER BY {order} LIMIT {limit})
SELECT {fields} FROM page JOIN {table} t USING ({key}, source) ORDER BY {own_order}
"""
#: Each value of a column once: a loose index scan, which goes from one value straight to the next.
_DISTINCT = """
WITH RECURSIVE found (value) AS (
    (SELECT {column} FROM {table} WHERE {where} ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM {table} WHERE {where} AND {column} > f.value ORDER BY {column} LIMIT 1)
    FROM found f WHERE f.value IS NOT NULL
) SELECT value FROM found WHERE value IS NOT NULL
"""


class Values:
    """The values of a statement under construction; each gets its number."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def __call__(self, value: Any, kind: str = "text") -> str:
        """Add a value of a type and return its placeholder."""
        self.given.append(value)
        return f"${len(self.given)}::{kind}"


def within(scope: Scope, value: Values, of: str = "") -> str:
    """Return the condition that a row's jurisdiction is within a scope; `of` is what the row is called in the query."""
    column, source = (f"{of}.{name}" if of else name for name in ("jurisdiction", "source"))

    def in_subtree(place: str) -> str:
        first, end = ("", LAST) if place == NATION else (place, place + AFTER_DOT)
        return f"{column} >= {value(first)} AND {column} < {value(end)}"

    only = f" AND {source} = ANY({value(list(scope.sources), 'text[]')})" if scope.sources else ""
    each = [f"({in_subtree(scope.jurisdiction)}{only})"]
    each += [f"({in_subtree(place)} AND {source} = {value(other)})" for other, place in scope.inherited]
    return f"({' OR '.join(each)})"


def own_body(scope: Scope, value: Values, body: str, of: str) -> list[str]:
    """Return the condition that a body is the scope's agency, or one from which it took over in the row's source.

    `body` is how it is read from the row that the query calls `of`. It is beside the condition that looks such bodies
    up by their codes; none where nothing was taken over.
    """
    if not scope.predecessors:
        return []
    each = [f"{body} = {value(scope.agency)}"]
    each += [f"({of}.source = {value(source)} AND {body} = {value(code)})" for source, code in scope.predecessors]
    return [f"({' OR '.join(each)})"]


def index_scan(table: str, order: Sequence[str], over: dict[str, str], where: Sequence[str], limit: str) -> str:
    """Return index scans in an order, one for each combination of the leading values in `over` (column to array)."""
    leading = [f"{table}.{column} = {column}_of.v" for column in over]
    return _SCAN.format(
        table=table,
        order=", ".join(order),
        over=" CROSS JOIN ".join(f"unnest({array}) AS {column}_of (v)" for column, array in over.items()),
        where=" AND ".join([*leading, *where]),
        limit=limit,
    )


def page(table: str, order: Sequence[str], fields: str, of: Sequence[str], limit: str) -> str:
    """Return the statement of a page: the first rows of some scans together, with fields of their rows.

    The last column of `order` is the key.
    """
    return _PAGE.format(
        table=table,
        order=", ".join(order),
        own_order=", ".join(f"t.{column}" for column in order[:-1]) + f", {order[-1]}",
        key=order[-1],
        fields=fields,
        scans=" UNION ALL ".join(f"({each})" for each in of),
        limit=limit,
    )


async def distinct(connection: Any, table: str, column: str, where: str, values: Sequence[Any]) -> list[Any]:
    """Return the values that a column has under a condition, without reading every row."""
    rows = await connection.fetch(_DISTINCT.format(table=table, column=column, where=where), *values)
    return [row["value"] for row in rows]
