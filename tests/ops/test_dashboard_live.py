"""Every panel's query, against a real Prometheus over a real pair that has played the story."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.dev.rabbitmq import PrivateBroker
from services.story import play
from tests.ops.test_dashboard import panels
from tests.support.pair import pair as made_pair
from tests.support.postgres import TestServer
from tests.support.prometheus import Prometheus, Watch, shortened, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FACTOR = 60  # fifteen minutes are fifteen seconds
BEGIN = "2019-06-24T08:00:00+07:00"


@pytest.fixture(scope="module")
def prometheus(
    pg_server: TestServer, rabbit_server: PrivateBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that has watched the story."""
    folder = tmp_path_factory.mktemp("story")
    with made_pair(pg_server, folder, rabbit_server.add_vhost("dashboard")) as pair:
        intake = pair.intake(CLOCK_START=BEGIN).start()
        followup = pair.followup(intake).start()
        watch = Watch(folder, {"intake": intake.url, "followup": followup.url}, "http://127.0.0.1:9", FACTOR)
        try:
            play(intake.url, followup.url, lambda line: None)
            until(
                lambda: watch.prometheus.query("count(source_kind_agency:followup_deadline_alerts:new15m)"),
                "breaches are known",
            )
            yield watch.prometheus
        finally:
            watch.stop()


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"].split(" · ")[1])
def test_panel__shows_something(panel: dict[str, Any], prometheus: Prometheus) -> None:
    (target,) = panel["targets"]
    query = shortened(target["expr"].replace("$agency", ".*").replace("$__rate_interval", "5m"), FACTOR)
    until(lambda: prometheus.query(query), query)
