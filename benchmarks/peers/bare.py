"""The ceilings on PostgreSQL: the same rows into the same tables without a decision, a check or an answer."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.event_store.append import Append

#: Made in a migrated database of its own: the tables, indexes and triggers are those of the product.
FUNCTION = """
CREATE FUNCTION bare_append(
    e_originator uuid[], e_version bigint[], e_topic text[], e_state bytea[], e_position bigint[], e_event_id uuid[],
    e_sealed bytea[], k_caller text[], k_key text[], k_fingerprint bytea[], s_key_id uuid[], s_owner text[],
    s_wrapped bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stored_events
        (originator_id, originator_version, topic, state, notification_id, event_id, recorded_at, sealed)
        SELECT o, v, t, s, p, i, clock_timestamp(), x
        FROM unnest(e_originator, e_version, e_topic, e_state, e_position, e_event_id, e_sealed)
            AS e (o, v, t, s, p, i, x);
    INSERT INTO idempotency_keys (caller, key, fingerprint, originator_id, originator_version, notification_id)
        SELECT * FROM unnest(k_caller, k_key, k_fingerprint, e_originator, e_version, e_position);
    INSERT INTO sealing_keys (key_id, owner_id, originator_id, wrapped)
        SELECT * FROM unnest(s_key_id, s_owner, e_originator, s_wrapped);
END $$
"""
CALL = "SELECT bare_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
TABLES = {
    "stored_events": (
        "originator_id", "originator_version", "topic", "state", "notification_id", "event_id", "recorded_at", "sealed",
    ),
    "idempotency_keys": ("caller", "key", "fingerprint", "originator_id", "originator_version", "notification_id"),
    "sealing_keys": ("key_id", "owner_id", "originator_id", "wrapped"),
}  # fmt: skip


async def batched_call(connection: Any, appends: Sequence[Append], batch: int, after: int) -> float:
    """Rows a second by one call with arrays for each batch, one commit each; the arrays are made beforehand."""
    calls = []
    for start in range(0, len(appends), batch):
        some = appends[start : start + batch]
        events, keys = [a.events[0] for a in some], [a.new_keys[0] for a in some]
        positions = list(range(after + start + 1, after + start + len(some) + 1))
        calls.append(
            (
                [e.originator_id for e in events], [e.version for e in events], [e.topic for e in events],
                [e.state for e in events], positions, [e.event_id for e in events], [e.sealed for e in events],
                [a.caller for a in some], [a.key for a in some], [a.fingerprint for a in some],
                [k.key_id for k in keys], [k.owner_id for k in keys], [k.wrapped for k in keys],
            )
        )  # fmt: skip
    began = time.perf_counter()
    for arguments in calls:
        await connection.execute(CALL, *arguments)
    return len(appends) / (time.perf_counter() - began)


async def copied(connection: Any, appends: Sequence[Append], after: int) -> float:
    """Events a second by one COPY into each of the three tables, one commit."""
    now = datetime.now(UTC)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
    for position, append in enumerate(appends, after + 1):
        (event,), (key,) = append.events, append.new_keys
        rows["stored_events"].append(
            (event.originator_id, event.version, event.topic, event.state, position, event.event_id, now, event.sealed)
        )
        rows["idempotency_keys"].append(
            (append.caller, append.key, append.fingerprint, event.originator_id, event.version, position)
        )
        rows["sealing_keys"].append((key.key_id, key.owner_id, key.originator_id, key.wrapped))
    began = time.perf_counter()
    async with connection.transaction():
        for table, columns in TABLES.items():
            await connection.copy_records_to_table(table, records=rows[table], columns=columns)
    return len(appends) / (time.perf_counter() - began)
