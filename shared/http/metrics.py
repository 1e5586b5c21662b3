"""`GET /metrics` over a snapshot that is refreshed in the background, so that a scrape waits for nobody."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

REFRESH_EVERY = 2.0  # seconds at least
SHARE = 10  # a refresh takes at most one in so many parts of the time,
LONGEST = 30.0  # seconds, but for this: one that was held up by a lock says nothing of the next

log = structlog.get_logger("metrics")
T = TypeVar("T")


class Holder(Protocol[T]):
    """A collector that hands out the last snapshot."""

    snapshot: T


def metrics_route(collector: Collector) -> HTTPRouteHandler:
    """`GET /metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    @get("/metrics", include_in_schema=False)
    async def metrics() -> Response[bytes]:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics


async def keep_fresh(holder: Holder[T], take: Callable[[], Awaitable[T]]) -> None:
    """Refresh the snapshot for ever; while the store is away the last one stands and its own timestamp tells.

    The more there is to count the more seldom: counting may not keep the store from its work.
    """
    while True:
        started = time.monotonic()
        try:
            holder.snapshot = await take()
        except Exception as error:  # whatever it is, the next round tries again
            log.warning("snapshot_failed", kind=type(error).__name__)
        await asyncio.sleep(pause(time.monotonic() - started))


def pause(took: float) -> float:
    """Seconds to wait after a refresh that took so many."""
    return min(max(REFRESH_EVERY, SHARE * took), LONGEST)
