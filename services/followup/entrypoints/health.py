"""Finds what hinders followup: its store is away, a source is refused, or every one is stopped or silent."""

from collections.abc import Callable, Mapping

from services.followup.adapters.read.queries import Queries
from shared.http.health import Hindrances
from shared.postgres.transient_errors import TRANSIENT_ERRORS

SILENT_AFTER = 60.0  # seconds since anything was heard of a source


def hindrances(queries: Queries, refused: Callable[[], Mapping[str, str]]) -> Hindrances:
    """The check for `health_routes`: nothing as long as one source makes progress and none is refused.

    `refused` gives the addresses that are not followed, each with the reason.
    """

    async def look() -> dict[str, str]:
        if is_refused := refused():
            return dict(is_refused)
        try:
            progress = await queries.progress()
        except TRANSIENT_ERRORS as error:
            return {"store": type(error).__name__}
        if not progress:
            return {"sources": "none was read yet"}
        held = {p.source: why for p in progress if (why := _why(p.state, p.silent_for))}
        return held if len(held) == len(progress) else {}

    return look


def _why(state: str, silent_for: float | None) -> str:
    if state == "stopped":
        return "stopped: a person must look at it"
    if silent_for is None:
        return "not heard yet"
    return f"silent for {silent_for:.0f} s" if silent_for > SILENT_AFTER else ""
