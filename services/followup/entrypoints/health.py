"""Tells of each work of followup why it does not go on: a source is refused, stopped or silent, a sweep takes long."""

from collections.abc import Callable, Mapping

from services.followup.adapters.read.models import Progress
from services.followup.adapters.read.queries import Queries
from shared.http.health import Works
from shared.postgres.transient_errors import TRANSIENT_ERRORS

SILENT_AFTER = 60.0  # seconds since anything was heard of a source
SWEEP_AT_MOST = 1800.0  # seconds until a calendar has reached every case

#: By address, of each source that is followed: its name, empty while it is not known, and why this process leaves it.
Followed = Callable[[], Mapping[str, tuple[str, str]]]


def works_of(queries: Queries, followed: Followed) -> Works:
    """The check for `health_routes`: each source by its name, or by its address as long as it has not told its name."""

    async def look() -> dict[str, str]:
        try:
            progress = {found.source: found for found in await queries.progress()}
        except TRANSIENT_ERRORS as error:
            return {"store": type(error).__name__}
        works = {"store": ""}
        for address, (source, why) in followed().items():
            known = progress.get(source)
            hindered = _why(known) if known is not None else ""
            works[source or address] = hindered or why or ("" if known is not None else "not read yet")
        return works

    return look


def _why(source: Progress) -> str:
    if source.state == "stopped":
        return "stopped: a person must look at it"
    if source.silent_for is None:
        return "not heard yet"
    if source.silent_for > SILENT_AFTER:
        return f"silent for {source.silent_for:.0f} s"
    if source.sweeping_for > SWEEP_AT_MOST:
        return f"a calendar or a document has not reached every case for {source.sweeping_for:.0f} s"
    return ""
