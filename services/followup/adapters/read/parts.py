"""Which cases an agency sees: those that it leads, owes or owed something on, or was asked to prepare an answer for.

One condition says so for every list and every page, so that what is listed opens and what opens is listed.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.followup.adapters.read.index_scans import Values, own_body, within
from services.followup.application.access import Scope
from services.followup.domain.deadlines.case_rows import CaseRow

#: What was annulled says nothing.
_STANDS = """NOT EXISTS (
    SELECT 1 FROM facts a WHERE a.source = f.source AND a.originator_id = f.originator_id AND a.topic = 'RecordAnnulled'
    AND position(f.event_id::text IN encode(a.state, 'escape')) > 0
)"""
_ASKED = f"""
SELECT {{column}} FROM facts f
WHERE f.topic = 'PetitionForwarded' AND followup_asked(f.state) = ANY({{agencies}}) AND {_STANDS} AND {{is_asked}}
"""
#: The three duties named are the lead's alone.
_BESIDE = f"""
SELECT {{owed}} FROM deadlines d
WHERE d.debtor = ANY({{agencies}}) AND d.duty NOT IN ('reply', 'reply_report', 'result_report') AND {{is_owed}}
UNION ALL {_ASKED}
"""
#: With a conference there is a deadline, which is listed as such.
_WAITING = """
SELECT row FROM cases WHERE {asked} AND state IN ('no_clock', 'raised') AND {within}
AND NOT EXISTS (
    SELECT 1 FROM deadlines d WHERE d.source = cases.source AND d.subject_id = cases.subject_id
    AND d.duty = 'prepared_answer' AND d.debtor = ANY({agencies})
)
AND NOT EXISTS (
    SELECT 1 FROM facts f WHERE f.source = cases.source AND f.originator_id = cases.subject_id
    AND f.topic = 'AnswerPrepared' AND followup_asked(f.state) = ANY({agencies}) AND {stands}
)
ORDER BY received_on, subject_id LIMIT {limit}
"""
#: A conference with a petition that one of the agencies leads, or owes or owed something on.
_HAS_PETITION = """EXISTS (
    SELECT 1 FROM links l JOIN cases p ON p.source = l.source AND p.subject_id = l.petition_id
    WHERE l.source = cases.source AND l.other_id = cases.subject_id AND NOT l.merged
    AND p.searched ->> 3 = cases.subject_id::text AND ((p.agency = ANY({agencies}) AND {is_led}) OR EXISTS (
        SELECT 1 FROM deadlines d WHERE d.source = p.source AND d.subject_id = p.subject_id
        AND d.debtor = ANY({agencies}) AND {is_owed}
    ))
)"""
_ROWS = "SELECT source, row FROM cases WHERE subject_id = ANY({ids}) AND {where}"

_row = msgspec.json.Decoder(CaseRow)


def beside(scope: Scope, value: Values) -> str:
    """The condition that a case is one that the scope's agency sees without leading it."""
    return _among(_BESIDE, scope, value)


def beside_conferences(scope: Scope, value: Values) -> str:
    """The condition that agencies see a conference: it has a petition or a duty of theirs, open or not."""
    has_petition = _HAS_PETITION.format(
        agencies=value(list(scope.agencies), "text[]"),
        is_led=_all(own_body(scope, value, "p.agency", "p")),
        is_owed=_all(own_body(scope, value, "d.debtor", "d")),
    )
    return f"({beside(scope, value)} OR {has_petition})"


def has_part(scope: Scope, value: Values) -> str:
    """The condition that the scope's agency sees a petition."""
    return f"({leads(scope, value)} OR {beside(scope, value)})"


def leads(scope: Scope, value: Values) -> str:
    """The condition that the scope's agency leads a case."""
    mine = value(list(scope.agencies), "text[]")
    return f"({_all([f'agency = ANY({mine})', *own_body(scope, value, 'cases.agency', 'cases')])})"


def _among(query: str, scope: Scope, value: Values) -> str:
    """The condition that a case is among those of a query: an index finds it by its id, and its source is compared."""
    given = {
        "agencies": value(list(scope.agencies), "text[]"),
        "is_asked": _all(own_body(scope, value, "followup_asked(f.state)", "f")),
    }
    if "{is_owed}" in query:
        given["is_owed"] = _all(own_body(scope, value, "d.debtor", "d"))
    ids = query.format(owed="d.subject_id", column="f.originator_id", **given)
    pairs = query.format(owed="d.source, d.subject_id", column="f.source, f.originator_id", **given)
    return f"(subject_id = ANY(ARRAY({ids})) AND (source, subject_id) IN ({pairs}))"


def _all(where: Sequence[str]) -> str:
    return " AND ".join(where) or "true"


async def visible(
    connection: Any, scope: Scope | None, subject_ids: Collection[UUID]
) -> dict[tuple[str, UUID], CaseRow]:
    """Return those of some cases that are within a scope, by their sources and ids."""
    if scope is None:
        return {}
    value = Values()
    ids = value(list(subject_ids), "uuid[]")
    where = "true"
    if scope.agency:
        where = f"({has_part(scope, value)} OR subject = 'conference' AND {beside_conferences(scope, value)})"
    found: dict[tuple[str, UUID], CaseRow] = {}
    for each in await connection.fetch(_ROWS.format(ids=ids, where=where), *value.given):
        row = _row.decode(each["row"])
        if scope.holds(row.jurisdiction, each["source"]):
            found[each["source"], row.subject_id] = row
    return found


async def asked(connection: Any, scope: Scope, limit: int) -> list[CaseRow]:
    """Return the petitions whose answer an agency still has to prepare before a day is set, the oldest first."""
    value = Values()
    query = _WAITING.format(
        agencies=value(list(scope.agencies), "text[]"),
        asked=_among(_ASKED, scope, value),
        stands=_STANDS,
        within=within(scope, value),
        limit=value(limit, "int"),
    )
    return [_row.decode(each["row"]) for each in await connection.fetch(query, *value.given)]
