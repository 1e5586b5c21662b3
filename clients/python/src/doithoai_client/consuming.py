"""Takes in each event exactly once: what it does and how far it is are one transaction."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from doithoai_client.events import FeedEvent
from doithoai_client.problems import HistoryChanged

Transaction = TypeVar("Transaction")

_TABLES = """
CREATE TABLE IF NOT EXISTS doithoai_cursors (feed TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS doithoai_events (event_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
"""


class PositionStore(Protocol[Transaction]):
    """Where a consumer keeps how far it is: your own database, in one transaction with what an event made you do."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin one, which excludes other writers. Commit at the end of the block, roll back where it raises."""
        ...

    def cursor(self, transaction: Transaction, feed: str) -> str:
        """The cursor that was kept last; "" where there is none."""
        ...

    def keep(self, transaction: Transaction, feed: str, cursor: str) -> None:
        """Keep the cursor of a feed in place of the one before."""
        ...

    def is_new(self, transaction: Transaction, event_id: str) -> bool:
        """Whether this id was never seen; from now on it was. Ids stay: a restored store sends some events again."""
        ...


class SqliteStore:
    """A store in a file of SQLite. Write your own tables by the connection that a transaction gives."""

    def __init__(self, path: Path | str) -> None:
        # Transactions begin and end where this class says so, in no other place.
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction; no other process writes meanwhile."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # some failures of a commit have ended it
                self.connection.execute("ROLLBACK")
            raise

    def cursor(self, transaction: sqlite3.Connection, feed: str) -> str:
        """The cursor that was kept last; "" where there is none."""
        found = transaction.execute("SELECT cursor FROM doithoai_cursors WHERE feed = ?", (feed,)).fetchone()
        return str(found[0]) if found else ""

    def keep(self, transaction: sqlite3.Connection, feed: str, cursor: str) -> None:
        """Keep the cursor of a feed in place of the one before."""
        transaction.execute("INSERT OR REPLACE INTO doithoai_cursors VALUES (?, ?)", (feed, cursor))

    def is_new(self, transaction: sqlite3.Connection, event_id: str) -> bool:
        """Whether this id was never seen; from now on it was."""
        return transaction.execute("INSERT OR IGNORE INTO doithoai_events VALUES (?)", (event_id,)).rowcount == 1


def once(store: PositionStore[Transaction], event: FeedEvent, handle: Callable[[FeedEvent, Transaction], None]) -> bool:
    """Take in an event of a webhook or of the broker, unless it was taken in before, by whichever way.

    Acknowledge it after this returns. Answers whether it was new.
    """
    with store.transaction() as transaction:
        is_new = store.is_new(transaction, event.id)
        if is_new:
            handle(event, transaction)
    return is_new


def resume(store: PositionStore[Transaction], changed: HistoryChanged) -> None:
    """Go on in the history that there is now, once a person or a rule has said that this is right."""
    with store.transaction() as transaction:
        store.keep(transaction, changed.feed, changed.cursor)
