"""`GET /metrics` shows a snapshot that is refreshed in the background, so that a scrape waits for nobody.

A metric is a `Family`: a line in a service's table that names a field of its snapshot. docs/reference/metrics.md is
written from these tables.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from shared.http.auth import READERS, MayRead, caller_of
from shared.http.permissions import for_roles

REFRESH_EVERY = 2.0  # seconds at least
SHARE = 10  # a refresh takes at most a tenth of the time
LONGEST = 30.0  # seconds at most: a refresh that a lock held up says nothing about the next one

#: The help text of what both services count alike.
REFUSED_CALLS = "Calls refused by this process for want of proof who calls: no token, an unknown one, a foreign page"
SYSTEMS_KEYS_READ = (
    "When this process last read the keys of the provider of systems; 0 before it did, missing where there is none"
)
FORBIDDEN_CALLS = "Calls of known callers that this process refused: not for the role, not at the place, too often"
STANDBY_REQUIRED = "1 where the database waits for a standby at each commit, as synchronous_standby_names says"
STANDBY_CONFIRMED = "When the required standby last acknowledged a commit of this process; missing where there is none"

log = structlog.get_logger("metrics")
T = TypeVar("T")


class Family(NamedTuple):
    """A metric: its name without `_total`, its labels, its help text, and the field of the snapshot that it shows.

    With labels the field maps their values to a number; without, it is the number, or None for no sample.
    """

    name: str
    labels: tuple[str, ...]
    text: str
    field: str
    counts: bool = False

    @property
    def exposed_name(self) -> str:
        """The name under which Prometheus stores it."""
        return f"{self.name}_total" if self.counts else self.name


class SnapshotCollector(Collector, Generic[T]):
    """Shows the last snapshot; label sets that vanished are simply not there."""

    def __init__(self, families: Sequence[Family], snapshot: T) -> None:
        self.families = families
        self.snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """The families with the figures of the snapshot."""
        for family in self.families:
            kind = CounterMetricFamily if family.counts else GaugeMetricFamily
            metric = kind(family.name, family.text, labels=family.labels)
            found = getattr(self.snapshot, family.field)
            samples = found if family.labels else {} if found is None else {(): found}
            for labels, value in sorted(samples.items()):
                metric.add_metric(labels, value)
            yield metric


def metrics_route(collector: Collector, may_read: MayRead) -> HTTPRouteHandler:
    """`GET /metrics`. `may_read` refuses callers who may not see the figures of all; of the nation it asks no store."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    @get("/metrics", include_in_schema=False, opt=for_roles(READERS, "everything"))
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        if (looked := may_read(caller_of(request))) is not None:
            await looked
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics


async def keep_fresh(collector: SnapshotCollector[T], take: Callable[[], Awaitable[T]]) -> None:
    """Refresh the snapshot for ever; while the store is away the last one stands, and its timestamp shows its age.

    The longer a refresh takes, the less often it is done: counting may not keep the store from its work.
    """
    while True:
        started = time.monotonic()
        try:
            collector.snapshot = await take()
        except Exception as error:  # whatever it is, the next round tries again
            log.warning("snapshot_failed", kind=type(error).__name__)
        await asyncio.sleep(pause(time.monotonic() - started))


def pause(took: float) -> float:
    """The seconds to wait after a refresh that took `took` seconds."""
    return min(max(REFRESH_EVERY, SHARE * took), LONGEST)
