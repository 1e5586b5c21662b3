"""A decision is tried again while what it rests on changes under it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.intake.application.errors import Contended
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import Refused
from shared.event_store.errors import DayChanged, FutureDated, KeyErased, VersionConflict

MAX_ATTEMPTS = 8

T = TypeVar("T")


async def settled(regulation_cache: RegulationCache, attempt: Callable[[], Awaitable[T]]) -> T:
    """What an attempt to decide and record comes to once it rests on what is current. Raises Refused and the other
    reasons for which nothing is recorded."""
    refusal: Refused | None = None
    for _ in range(MAX_ATTEMPTS):
        seen = regulation_cache.changes
        try:
            return await attempt()
        except (VersionConflict, KeyErased):
            refusal = Contended()
            await regulation_cache.refresh()
        except (DayChanged, FutureDated) as changed:
            refusal = Contended()
            regulation_cache.learn_day(changed.today)
            await regulation_cache.refresh()
        except Refused as refused:
            refusal = refused
            # What this process knows may have been stale: the refusal stands if nothing has changed, neither now
            # nor by another command while this one was decided.
            await regulation_cache.refresh()
            if regulation_cache.changes == seen:
                break
    assert refusal is not None
    raise refusal
