"""Prometheus metrics of intake: the families of a snapshot."""

from collections.abc import Iterable

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class IntakeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
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
        self.snapshot = IntakeSnapshot()

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
