"""What a source's clock is by its row. An instant out of all bounds, kept by an earlier release, is taken for none.

A source that states such an instant is refused today; one that is stored must not make the reads of every source fail.
"""

from datetime import date
from typing import Any

from shared.identifiers import FIRST_YEAR, LAST_YEAR, local_day


def _bounded(column: str) -> str:
    return (
        f"CASE WHEN {column} >= timestamptz '{FIRST_YEAR}-01-01Z' AND {column} < timestamptz '{LAST_YEAR + 1}-01-01Z' "
        f"THEN {column} END"
    )


INSTANT, HORIZON, COMPLETE_TO = map(_bounded, ("instant", "horizon", "complete_to"))
#: `complete_to` and the time since it was read; NULL for a source that has not been read yet.
NOW = f"greatest({COMPLETE_TO} + (clock_timestamp() - complete_read_at), {HORIZON}, {INSTANT})"

_NOW = f"SELECT source, {NOW} AS now FROM sources"


async def days_of(connection: Any) -> dict[str, date]:
    """Return the day of each source that has been read."""
    return {row["source"]: local_day(row["now"]) for row in await connection.fetch(_NOW) if row["now"] is not None}
