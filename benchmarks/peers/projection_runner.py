"""eventsourcing's ProjectionRunner over the same engine: its recorder, its mapper, its tracking, our rows."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from benchmarks.history import SOURCE
from benchmarks.peers.eventsourcing_stock import Noted, environment
from services.followup.adapters.store.projection import _case, _deadline, new_event
from services.followup.application.applying import record_of
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.facts import Fact
from shared.events import EVENTS, Metadata, Recorded

_CASE = """
INSERT INTO followed.cases (subject_id, subject, jurisdiction, agency, state, unresolved, overdue, due_on,
    received_on, row, source) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'bench')
ON CONFLICT (subject_id, source) DO UPDATE SET agency = excluded.agency, state = excluded.state,
    unresolved = excluded.unresolved, overdue = excluded.overdue, due_on = excluded.due_on, row = excluded.row
"""
_DEADLINE = """
INSERT INTO followed.deadlines (deadline_id, subject, subject_id, duty, debtor, jurisdiction, due_on, due_soon_on,
    breached, outcome, next_fire_at, raised, source) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'bench')
ON CONFLICT (deadline_id, source) DO UPDATE SET debtor = excluded.debtor, due_on = excluded.due_on,
    due_soon_on = excluded.due_soon_on, breached = excluded.breached, outcome = excluded.outcome,
    next_fire_at = excluded.next_fire_at, raised = excluded.raised
"""
_RAISED = """
INSERT INTO public.raised (originator_id, originator_version, topic, state, event_id) VALUES (%s, %s, %s, %s, %s)
"""


class Petitions(Application):  # type: ignore[type-arg]
    """Nothing but a recorder and its mapper."""

    snapshotting_intervals = None


class TrackedRows(PostgresTrackingRecorder):
    """The projection's tables behind a tracking recorder: rows and tracking in one transaction."""

    def write(self, statements: Sequence[tuple[str, Sequence[Any]]], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for statement, values in statements:
                cursor.execute(statement, values)


class Folded(Projection[TrackingRecorder]):
    """Applies each event to the deadline engine."""

    topics = ()

    def __init__(self, view: TrackingRecorder) -> None:
        super().__init__(view)
        self._engine = DeadlineEngine(SOURCE)

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        event = msgspec.convert(domain_event.content["data"], EVENTS[domain_event.content["topic"]])
        meta = msgspec.convert(domain_event.content["meta"], Metadata)
        topic, stamp, originator = domain_event.content["topic"], domain_event.timestamp, domain_event.originator_id
        engine = self._engine
        engine.apply(Fact(tracking.notification_id, meta.event_id, originator, topic, stamp, event, meta))
        statements: list[tuple[str, Sequence[Any]]] = []
        for subject in engine.dirty:
            if (record := record_of(engine, subject)) is not None:
                statements.append((_CASE, _case(record)))
                statements += [(_DEADLINE, _deadline(raised, False)) for raised in record.raised]
        for emitted in engine.emitted:
            made = new_event(emitted)
            statements.append((_RAISED, (made.originator_id, made.version, made.topic, made.state, made.event_id)))
        engine.emitted, engine.dirty = [], set()
        view: Any = self.view
        view.write(statements, tracking)


def run_projection(dsn: str, events: Sequence[Recorded]) -> float:
    """Events a second from the runner's start until the last one is in its rows."""
    env = environment(dsn, 5) | {"PETITIONS_POSTGRES_SCHEMA": "public"}
    with Petitions(env) as recording:
        recording.factory.datastore  # noqa: B018
        with recording.factory.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "CREATE TABLE public.raised (originator_id uuid, originator_version bigint, topic text, "
                "state bytea, event_id uuid, PRIMARY KEY (originator_id, originator_version))"
            )
        stored = [recording.mapper.to_stored_event(_noted(each)) for each in events]
        recording.recorder.insert_events(stored)
    began = time.perf_counter()
    with ProjectionRunner(
        application_class=Petitions, projection_class=Folded, view_class=TrackedRows, env=env
    ) as runner:
        runner.wait(len(events), timeout=300)
        return len(events) / (time.perf_counter() - began)


def _noted(each: Recorded) -> Noted:
    content = msgspec.json.decode(each.state) | {"topic": each.topic}
    return Noted(
        originator_id=each.originator_id, originator_version=each.version, timestamp=each.recorded_at, content=content
    )
