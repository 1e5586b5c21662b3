"""Prometheus metrics of intake: a snapshot refreshed in the background, read by a custom collector."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

REFRESH_EVERY = 2.0  # seconds

log = structlog.get_logger("metrics")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics tell, as of one moment."""

    recorded: dict[str, int] = {}
    pending: int = 0
    oldest_pending: float = 0.0
    unroutable: int = 0
    is_leader: bool = False
    taken_at: float = 0.0


class IntakeCollector(Collector):
    """Hands out the last snapshot; label sets that vanished are simply not there."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()

    def collect(self) -> Iterable[Metric]:
        """The families of the snapshot."""
        shot = self.snapshot
        recorded = CounterMetricFamily("intake_events_recorded", "Events in the store, by topic", labels=["type"])
        for topic, count in sorted(shot.recorded.items()):
            recorded.add_metric([topic], count)
        yield recorded
        yield GaugeMetricFamily("intake_outbox_pending_events", "Events not yet confirmed by the broker", shot.pending)
        yield GaugeMetricFamily(
            "intake_outbox_oldest_pending_timestamp_seconds",
            "Recording instant of the oldest event not yet confirmed; 0 when there is none",
            shot.oldest_pending,
        )
        unroutable = CounterMetricFamily("intake_outbox_unroutable", "Events that the broker returned")
        unroutable.add_metric([], shot.unroutable)
        yield unroutable
        yield GaugeMetricFamily("intake_outbox_leader", "Whether this process relays", int(shot.is_leader))
        yield GaugeMetricFamily(
            "intake_snapshot_timestamp_seconds", "When these figures were read from the store", shot.taken_at
        )


def metrics_route(collector: IntakeCollector) -> HTTPRouteHandler:
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


async def keep_fresh(collector: IntakeCollector, take: Callable[[], Awaitable[Snapshot]]) -> None:
    """Refresh the snapshot for ever; while the store is away the last one stands and its own timestamp tells."""
    while True:
        try:
            collector.snapshot = await take()
        except Exception as error:  # whatever it is, the next round tries again
            log.warning("snapshot_failed", kind=type(error).__name__)
        await asyncio.sleep(REFRESH_EVERY)
