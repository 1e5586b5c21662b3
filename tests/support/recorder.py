"""Our store as a recorder of `eventsourcing`: appends by our group commit, reads by its own stock recorder."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent, Subscription
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from shared.event_store.append import Append, NewEvent
from shared.event_store.errors import VersionConflict
from shared.identifiers import ordered_id
from shared.postgres.durable import DurableHead
from shared.postgres.group_commit import GroupCommit
from shared.postgres.pool import create_pool

T = TypeVar("T")


def stock_reader(dsn: str, user: str = "") -> PostgresApplicationRecorder:
    """The library's own recorder on our table; nothing of ours in it."""
    with psycopg.connect(dsn) as connection:
        info = connection.info
        datastore = PostgresDatastore(
            dbname=info.dbname, host=info.host, port=str(info.port), user=user or info.user, password="", pool_size=5
        )
    return PostgresApplicationRecorder(datastore, events_table_name="stored_events")


class StoreRecorder(ApplicationRecorder):
    """Blocking calls into the production writer, which runs on a loop of its own.

    Our streams begin at version 1; `offset` is added for cases that begin theirs at 0.
    """

    def __init__(self, dsn: str, offset: int = 0, *, tells_ids: bool = True) -> None:
        self._offset, self._tells_ids = offset, tells_ids
        self.reader = stock_reader(dsn)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._pool, self._writer = self._run(self._open(dsn))

    def close(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.reader.datastore.close()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        if not stored_events:
            return [] if self._tells_ids else None
        first = stored_events[0]
        try:
            append = Append(
                events=tuple(self._new(e) for e in stored_events),
                expected={first.originator_id: first.originator_version + self._offset - 1},  # type: ignore[dict-item]
            )
            done = self._run(self._writer.append(append))
        except (VersionConflict, ValueError) as error:
            raise IntegrityError(str(error)) from error
        return list(range(done.first_position, done.last_position + 1)) if self._tells_ids else None

    def select_events(
        self,
        originator_id: Any,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        low, high = (None if v is None else v + self._offset for v in (gt, lte))
        found = self.reader.select_events(originator_id, gt=low, lte=high, desc=desc, limit=limit)
        return [StoredEvent(e.originator_id, e.originator_version - self._offset, e.topic, e.state) for e in found]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        return self.reader.select_notifications(start, limit, stop, topics, inclusive_of_start=inclusive_of_start)

    def max_notification_id(self) -> int | None:
        return self.reader.max_notification_id()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return self.reader.subscribe(gt=gt, topics=topics)

    def _new(self, event: StoredEvent) -> NewEvent:
        return NewEvent(
            originator_id=event.originator_id,  # type: ignore[arg-type]
            version=event.originator_version + self._offset,
            topic=event.topic,
            state=event.state,
            event_id=ordered_id(datetime.now(UTC), os.urandom(10)),
        )

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self, dsn: str) -> tuple[Any, GroupCommit]:
        pool = await create_pool(dsn, application="recorder")
        writer = GroupCommit(pool, DurableHead())
        await writer.start()
        return pool, writer

    async def _close(self) -> None:
        await self._writer.close()
        await self._pool.close()
