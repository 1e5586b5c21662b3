"""The digest of a state: the same cases and deadlines give the same digest on every machine. Pure."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from shared.identifiers import local_iso

DIGEST_VERSION = 1  # of the row layout below: a change of it is a new version


class StatePoint(msgspec.Struct, frozen=True):
    """Where one source stood: the digest is taken at these points."""

    source: str
    epoch: str
    position: int
    instant: datetime


def digest(points: Iterable[StatePoint], cases: Iterable[CaseRow], deadlines: Iterable[DeadlineState]) -> str:
    """SHA-256 over the points and the rows, sorted by code point; integers and strings only."""
    return digest_of_lines(points, [*(case_line(c) for c in cases), *(deadline_line(d) for d in deadlines)])


def digest_of_lines(points: Iterable[StatePoint], rows: list[str]) -> str:
    """The digest over rows that were already written as lines, in any order; sorts them in place."""
    rows.sort()
    taken = hashlib.sha256(f"doithoai-digest {DIGEST_VERSION}".encode())
    for line in (*sorted(_line("source", p.source, p.epoch, p.position, p.instant) for p in points), *rows):
        taken.update(b"\n" + line.encode())
    return taken.hexdigest()


def deadline_line(raised: DeadlineState) -> str:
    """A deadline as its line of the digest."""
    return _line("deadline", *_fields(raised, DEADLINE_FIELDS))


def engine_digest(engine: DeadlineEngine, point: StatePoint) -> str:
    """The digest of one source that is wholly in memory."""
    subjects = engine.subjects()
    cases = [row for s in subjects if (row := engine.case_row(s)) is not None]
    return digest([point], cases, [d for s in subjects for d in engine.raised_of(s)])


# Frozen: named one by one, so that a new field of a row does not change old digests by itself.
CASE_FIELDS = (
    "subject", "subject_id", "jurisdiction", "state", "unresolved", "agency", "title", "field", "urgency",
    "conference_id", "received_on", "receipt_code", "due_on", "breached_at", "merged_into", "source", "external_id",
    "last_position",
)  # fmt: skip
DEADLINE_FIELDS = (
    "deadline_id", "source", "subject", "subject_id", "duty", "part", "starting_event", "debtor", "jurisdiction",
    "clock_cause", "clock_stamp", "due_on", "breached_at", "stage", "breached", "outcome", "done_on", "ground",
    "provisional", "expected_on", "backfilled", "version",
)  # fmt: skip


def case_line(row: CaseRow) -> str:
    """A case as its line of the digest."""
    spans = [part for s in row.spans for part in (s.agency, s.since, s.until, s.working_days)]
    return _line("case", *_fields(row, CASE_FIELDS), *spans)


def _fields(row: Any, names: tuple[str, ...]) -> list[Any]:
    return [getattr(row, name) for name in names]


def _line(*values: object) -> str:
    return msgspec.json.encode([_plain(v) for v in values]).decode()


def _plain(value: object) -> int | str:
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, datetime):
        return local_iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        return ""
    if isinstance(value, str | UUID):
        return str(value)
    raise TypeError(f"a digest holds no {type(value).__name__}")
