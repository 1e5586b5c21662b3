"""Filling a database to a size by single statements: the rows that a history leaves, without living through it."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from shared.events import Event, Metadata, encode_state
from shared.events.deadline import Explanation

SOURCE = "bench"
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)  # the earliest due dates of a filled projection
SET_ON = datetime(2026, 2, 2, 1, tzinfo=UTC)
EVENTS_EACH = 6  # of a petition in a filled store
TIMEOUT = 600  # seconds for one statement

_PLACE = "00000000-0000-7000-8000-000000000000"
_DAY = "2026-01-01"
#: Time-ordered, as the services draw them; the same as `numbered_id`.
_ID = "('019c' || lpad(to_hex({n}), 8, '0') || '70008000' || lpad(to_hex({n}), 12, '0'))::uuid"
_EVENTS = f"""
INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id, event_id, recorded_at)
SELECT {_ID.format(n="first")}, 1 + n - first, $1, convert_to(replace($2, $3, id::text), 'UTF8'), n, id,
    timestamptz '2020-01-01 00:00Z' + n * interval '1 second'
FROM (
    SELECT n, n - (n - 1) % $4 AS first, {_ID.format(n="n")} AS id FROM generate_series(1, $5::integer) AS n
) AS made
"""
# Each deadline is a copy of one template with its own ids and day.
_DEADLINES = f"""
INSERT INTO followed.deadlines (deadline_id, source, subject, subject_id, duty, debtor, jurisdiction, due_on,
    due_soon_on, breached, outcome, next_fire_at, raised)
SELECT id, $1, 'petition', id, 'reply', district || '.' || (n % $11), district, due, 'infinity', false, '',
    (due + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh',
    convert_to(replace(replace($2, $3, id::text), $4, due::text), 'UTF8')
FROM (
    SELECT n, {_ID.format(n="n")} AS id, 'H35.' || (10 + n % $10::integer) AS district,
        CASE WHEN n <= $6 THEN $8::date WHEN n <= $6 + $7 THEN $9::date ELSE $9::date + 1 + n % 200 END AS due
    FROM generate_series(1, $5::integer) AS n
) AS made
"""
_CASES = """
INSERT INTO followed.cases (subject_id, source, subject, jurisdiction, agency, state, unresolved, overdue, due_on,
    received_on, row, searched, found, title_order)
SELECT subject_id, source, $6, jurisdiction, debtor, state, is_open, false,
    CASE WHEN is_open THEN due_on ELSE 'infinity' END, '2026-01-05', row, searched, followup_found(searched),
    followup_order(searched ->> 0)
FROM (
    SELECT *, followup_searched(followup_row(row)) AS searched FROM (
        SELECT *, state = ANY ($4) AS is_open, convert_to(
            replace(replace($1, $2, subject_id::text), '000001', lpad(number::text, 6, '0')), 'UTF8'
        ) AS row
        FROM (
            SELECT *, ($3::text[])[1 + number % cardinality($3)] AS state FROM (
                SELECT *, (row_number() OVER (ORDER BY deadline_id))::integer AS number FROM followed.deadlines
                ORDER BY deadline_id LIMIT $5
            ) AS numbered
        ) AS stated OFFSET 0
    ) AS made OFFSET 0
) AS taken_apart
"""
_CURSOR = """
UPDATE followed.sources SET epoch = 'e1', position = 1, event_id = $2, instant = $3, horizon = $3, complete_to = $3,
    head = 1
WHERE source = $1
"""


def numbered_id(number: int) -> UUID:
    """The id of a filled row: those of higher numbers come later."""
    return UUID(f"019c{number:08x}70008000{number:012x}")


async def fill_store(connection: Any, count: int, event: Event) -> None:
    """Store copies of an event at the positions 1 to `count`, a petition for each `EVENTS_EACH` of them."""
    place = UUID(_PLACE)
    meta = Metadata(
        event_id=place, aggregate="petition", jurisdiction="H35.10", actor="bench", correlation_id=place
    )  # fmt: skip
    state = encode_state(event, meta).decode()
    await connection.execute(_EVENTS, event.TOPIC, state, _PLACE, EVENTS_EACH, count, timeout=TIMEOUT)
    await _settle(connection, "stored_events")


async def fill_projection(
    pool: Any, deadlines: int, cases: int, *, first: int = 0, second: int = 0, districts: int = 1, agencies: int = 40,
    states: tuple[str, ...] = ("assigned",),
) -> None:  # fmt: skip
    """Fill open deadlines, given numbers of them due on FIRST and on SECOND and the rest later, and their cases.

    Spread in turn over districts, over the agencies of each, and over the states.
    """
    raised, row = (msgspec.json.encode(template).decode() for template in (_raised(), _row()))
    await pool.execute("SELECT begin_source($1)", SOURCE)
    await pool.execute(
        _DEADLINES, SOURCE, raised, _PLACE, _DAY, deadlines, first, second, FIRST, SECOND, districts, agencies,
        timeout=TIMEOUT,
    )  # fmt: skip
    await pool.execute(_CASES, row, _PLACE, list(states), list(OPEN_STATES), cases, "petition", timeout=TIMEOUT)
    await pool.execute(_CURSOR, SOURCE, UUID(_PLACE), SET_ON)
    await _settle(pool, "followed.deadlines", "followed.cases")


async def _settle(connection: Any, *tables: str) -> None:
    """Do now what the server would do about new rows by itself, in the midst of the measuring."""
    for table in tables:
        await connection.execute(f"VACUUM ANALYZE {table}", timeout=TIMEOUT)
    await connection.execute("CHECKPOINT", timeout=TIMEOUT)


def _raised() -> DeadlineState:
    place = UUID(_PLACE)
    return DeadlineState(
        deadline_id=place, source=SOURCE, subject="petition", subject_id=place, duty="reply", starting_event=place,
        debtor="H35.10.3", jurisdiction="H35.10", clock_cause=place, clock_stamp=SET_ON,
        due_on=date.fromisoformat(_DAY), version=1,
        explanation=Explanation(
            rule="reply", policy_id="plan-570", document="570/KH-UBND", section="II.4.3",
            counted_from=date(2026, 2, 2), days=15, calendar_versions=(f"2026:{_PLACE}",), due_on=date(2026, 3, 3),
        ),
    )  # fmt: skip


def _row() -> CaseRow:
    return CaseRow(
        subject="petition", subject_id=UUID(_PLACE), jurisdiction="H35.10", state="assigned", unresolved=True,
        agency="H35.10.3", title="Sửa chữa đường liên bản Nà Đa số 000001", field="giao thông",
        received_on=date(2026, 1, 5), receipt_code="KN-2026-000001", due_on=date(2026, 3, 3), source="portal",
        last_position=6,
    )  # fmt: skip
