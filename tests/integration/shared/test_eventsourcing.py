"""What `eventsourcing` ships: its recorder cases hold for our store, its stock reader and a mapper read it.

The cases that only print how fast something is are left out.
"""

import json
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from shared.events import DATED_EVENTS
from shared.events.regulation import DialoguePlanAdopted
from shared.identifiers import derived_id
from shared.postgres.mapper import EventMapper, Occurred
from tests.support.intake import served
from tests.support.recorder import StoreRecorder, stock_reader

AUDITOR = "stock_auditor"


class OnOurStore:
    """A database of its own for each case."""

    OFFSET, TELLS_IDS = 0, True

    @pytest.fixture(autouse=True)
    def _on_a_fresh_database(self, database: str) -> None:
        self.dsn = database

    def create_recorder(self) -> StoreRecorder:
        recorder = StoreRecorder(self.dsn, self.OFFSET, tells_ids=self.TELLS_IDS)
        self.addCleanup(recorder.close)  # type: ignore[attr-defined]
        return recorder


class TestAggregateRecorder(OnOurStore, AggregateRecorderTestCase):
    INITIAL_VERSION, OFFSET, TELLS_IDS = 0, 1, False
    test_performance = None


class TestApplicationRecorder(OnOurStore, ApplicationRecorderTestCase[StoreRecorder]):
    test_performance = test_concurrent_throughput = test_concurrent_no_conflicts = None

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestApplicationRecorderUnderConcurrency(OnOurStore, ApplicationRecorderTestCase[StoreRecorder]):
    OFFSET = 1
    test_performance = test_concurrent_throughput = test_insert_select = None


class TestNonInterleavingNotificationIDs(OnOurStore, NonInterleavingNotificationIDsBaseCase):
    OFFSET = 1


del AggregateRecorderTestCase, ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase


async def test_stock_reader_with_our_mapper__reads_everything_with_a_reading_role(
    database: str, tmp_path: Path
) -> None:
    """The auditors' exit door: the library's own recorder, SELECT granted and nothing else."""
    async with served(database, tmp_path) as intake:
        await intake.places()
        petition = (await intake.petition())["id"]
        written = await intake.rows("SELECT * FROM stored_events ORDER BY notification_id")
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(f"DROP ROLE IF EXISTS {AUDITOR}")
        owner.execute(f"CREATE ROLE {AUDITOR} LOGIN")
        owner.execute("SELECT grant_auditing(%s)", [AUDITOR])
    reader, mapper = stock_reader(database, AUDITOR), EventMapper()
    try:
        found = reader.select_notifications(start=1, limit=1000)
        assert [(n.id, n.originator_id, n.state) for n in found] == [
            (row["notification_id"], row["originator_id"], row["state"]) for row in written
        ]
        occurred = [mapper.to_domain_event(n) for n in found]
        assert [o.event.TOPIC for o in occurred] == [row["topic"] for row in written]
        assert [o.meta.event_id for o in occurred] == [row["event_id"] for row in written]
        (received,) = reader.select_events(UUID(petition))
        assert mapper.to_stored_event(mapper.to_domain_event(received)) == received
    finally:
        reader.datastore.close()
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(f"DROP OWNED BY {AUDITOR}; DROP ROLE {AUDITOR}")


def test_mapper__upcasts_and_refuses_what_it_does_not_know() -> None:
    plan = derived_id("plan", 1)
    meta = {
        "event_id": str(plan),
        "aggregate": "plan",
        "jurisdiction": "H35.10",
        "actor": "x",
        "correlation_id": str(plan),
    }
    data = {
        "effective_on": "2019-06-24",
        "jurisdiction": "H35.10",
        "number": "570/KH-UBND",
        "year": 2019,
        "parent": "1017",
    }
    state = json.dumps({"v": 1, "data": data, "meta": meta}).encode()
    occurred = EventMapper().to_domain_event(StoredEvent(plan, 1, "DialoguePlanAdopted", state))
    assert isinstance(occurred, Occurred) and occurred.event == DialoguePlanAdopted(
        effective_on=date(2019, 6, 24), jurisdiction="H35.10", number="570/KH-UBND", year=2019, parent_plan="1017"
    )
    for topic in ("Nonsense", next(iter(DATED_EVENTS))):
        with pytest.raises(MapperDeserialisationError):
            EventMapper().to_domain_event(StoredEvent(plan, 1, topic, b"{}"))
