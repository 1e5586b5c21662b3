"""What a person on call receives, through a real Prometheus and a real Alertmanager, of what the services tell."""

import re
import time
from collections.abc import Iterator

import pytest

from tests.support.prometheus import AlertReceiver, Exporter, Watch, serving, until

FACTOR = 150  # fifteen minutes are six seconds
KNOWN = "count(last_over_time(source_kind_agency:followup_deadline_alerts_total:max[1h] offset 6s)) >= %d"


class SettablePair:
    """A pair that tells what the test sets, and those who watch it."""

    def __init__(self, intake: Exporter, followup: Exporter, sink: AlertReceiver, watch: Watch) -> None:
        self.intake, self.followup, self.sink, self.watch = intake, followup, sink, watch


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SettablePair]:
    intake, followup, sink = Exporter(), Exporter(), AlertReceiver()
    with serving(intake) as a, serving(followup) as b, serving(sink) as c:
        watch = Watch(tmp_path_factory.mktemp("watch"), {"intake": a, "followup": b}, c, FACTOR)
        try:
            yield SettablePair(intake, followup, sink, watch)
        finally:
            watch.stop()


@pytest.fixture
def scene(stage: SettablePair) -> SettablePair:
    """A pair that is well, and nothing received yet."""
    stage.intake.values = {"intake_snapshot_timestamp_seconds": time.time}
    stage.followup.values = {
        "followup_snapshot_timestamp_seconds": time.time,
        "followup_scheduler_last_run_timestamp_seconds": time.time,
        'followup_source_complete_timestamp_seconds{source="local"}': time.time,
        'followup_source_away{source="local"}': 0.0,
    }
    fine = {"DoithoaiWatchdog"}
    until(lambda: {a["labels"]["alertname"] for a in stage.watch.prometheus.firing()} == fine, "nothing fires")
    stage.sink.notifications.clear()
    return stage


@pytest.mark.slow
def test_mass_breach_after_an_outage__is_one_notification_with_a_count(scene: SettablePair) -> None:
    followup, prometheus = scene.followup, scene.watch.prometheus
    breaches = {
        f'followup_deadline_alerts_total{{source="local",kind="reply",agency="H35.10.{number}"}}': number
        for number in range(1, 31)
    }
    followup.values |= dict.fromkeys(list(breaches)[::2], 0.0)
    until(lambda: prometheus.query(KNOWN % 15), "the counts from before are known")
    running = followup.values
    followup.values = {}
    until(lambda: not prometheus.query("followup_scheduler_last_run_timestamp_seconds"), "the outage")
    # What was due meanwhile is raised before anybody can scrape; half of the agencies had no breach ever before.
    followup.values = running | breaches
    until(lambda: scene.sink.told("DoithoaiDeadlineBreached"), "the notification")
    until(lambda: not [a for a in prometheus.firing() if a["labels"]["alertname"] == "DoithoaiDeadlineBreached"], "end")

    told = [n for n in scene.sink.notifications if n["commonLabels"]["alertname"] == "DoithoaiDeadlineBreached"]
    (one,) = [n for n in told if n["status"] == "firing"]
    assert one["path"] == "/office"
    assert one["commonAnnotations"]["summary"].startswith(f"{sum(breaches.values())} thời hạn vừa quá hạn ở 30 cơ quan")
    counts = [int(re.search(r": (\d+) thời hạn", a["annotations"]["description"])[1]) for a in one["alerts"]]
    assert sorted(counts) == list(range(1, 31))


def test_backfilled_breaches__alert_nobody(scene: SettablePair) -> None:
    followup, prometheus = scene.followup, scene.watch.prometheus
    label = '{source="local",kind="invitation",agency="office"}'
    followup.values |= {f"followup_deadline_breaches_total{label}": 0.0, f"followup_deadline_alerts_total{label}": 0.0}
    until(lambda: prometheus.query(f"followup_deadline_breaches_total{label}"), "the counts from before are known")
    followup.values[f"followup_deadline_breaches_total{label}"] = 500.0
    followup.values['followup_parked_events{source="local"}'] = 1.0  # evaluated later than the breaches would be
    until(lambda: scene.sink.told("DoithoaiEventsParked"), "another alert")
    until(lambda: prometheus.query("sum(followup_deadline_breaches_total) == 500"), "the breaches on record")
    assert scene.sink.told("DoithoaiDeadlineBreached") == []


def test_service_that_does_not_answer__is_told_alone(scene: SettablePair) -> None:
    followup, sink, alertmanager = scene.followup, scene.sink, scene.watch.alertmanager
    until(lambda: sink.told("DoithoaiWatchdog"), "the watchdog")
    up = followup.values
    followup.values = {"{": 0.0}  # nothing that Prometheus can read
    down = until(lambda: sink.told("DoithoaiTargetDown"), "the service is down")
    assert {(alert["labels"]["service"], alert["labels"]["severity"]) for alert in down} == {("followup", "page")}
    for name in ("DoithoaiSchedulerStopped", "DoithoaiSourceSilent", "DoithoaiSnapshotStale"):
        until(lambda name=name: alertmanager.is_inhibited(name), f"{name} is held back")
        assert sink.told(name) == []
    followup.values = up
    until(lambda: sink.told("DoithoaiTargetDown", "resolved"), "the service is back")
