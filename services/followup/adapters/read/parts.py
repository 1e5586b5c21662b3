"""Which cases an agency sees: those that it leads, owes or owed something on, or was asked to prepare an answer for.

One condition says so for every list and every page, so that what is listed opens and what opens is listed.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec

from services.followup.adapters.read.index_scans import Values, within
from services.followup.application.access import Scope
from services.followup.domain.deadlines.case_rows import CaseRow

#: What was annulled says nothing.
_STANDS = """NOT EXISTS (
    SELECT 1 FROM facts a WHERE a.originator_id = f.originator_id AND a.topic = 'RecordAnnulled'
    AND position(f.event_id::text IN encode(a.state, 'escape')) > 0
)"""
_ASKED = f"""
SELECT f.originator_id FROM facts f
WHERE f.topic = 'PetitionForwarded' AND followup_asked(f.state) = ANY({{agencies}}) AND {_STANDS}
"""
#: The three duties named are the lead's alone.
_BESIDE = f"""
SELECT d.subject_id FROM deadlines d
WHERE d.debtor = ANY({{agencies}}) AND d.duty NOT IN ('reply', 'reply_report', 'result_report')
UNION ALL {_ASKED}
"""
#: With a conference there is a deadline, which is listed as such.
_WAITING = f"""
SELECT row FROM cases WHERE subject_id = ANY(ARRAY({_ASKED})) AND state IN ('no_clock', 'raised') AND {{within}}
AND NOT EXISTS (
    SELECT 1 FROM deadlines d WHERE d.subject_id = cases.subject_id AND d.duty = 'prepared_answer'
    AND d.debtor = ANY({{agencies}})
)
AND NOT EXISTS (
    SELECT 1 FROM facts f WHERE f.originator_id = cases.subject_id AND f.topic = 'AnswerPrepared'
    AND followup_asked(f.state) = ANY({{agencies}}) AND {_STANDS}
)
ORDER BY received_on, subject_id LIMIT {{limit}}
"""
#: A conference with a petition that one of the agencies leads, or owes or owed something on.
_HAS_PETITION = """EXISTS (
    SELECT 1 FROM links l JOIN cases p ON p.subject_id = l.petition_id
    WHERE l.other_id = cases.subject_id AND NOT l.merged AND p.searched ->> 3 = cases.subject_id::text
    AND (p.agency = ANY({agencies})
        OR EXISTS (SELECT 1 FROM deadlines d WHERE d.subject_id = p.subject_id AND d.debtor = ANY({agencies})))
)"""
_ROWS = "SELECT row FROM cases WHERE subject_id = ANY({ids}) AND {where}"

_row = msgspec.json.Decoder(CaseRow)


def beside(agencies: str) -> str:
    """The ids, as an array, of the cases that agencies see without leading them."""
    return f"ARRAY({_BESIDE.format(agencies=agencies)})"


def beside_conferences(agencies: str) -> str:
    """The condition that agencies see a conference: it has a petition or a duty of theirs, open or not."""
    return f"(subject_id = ANY({beside(agencies)}) OR {_HAS_PETITION.format(agencies=agencies)})"


def has_part(agencies: str) -> str:
    """The condition that one of some agencies sees a petition."""
    return f"(agency = ANY({agencies}) OR subject_id = ANY({beside(agencies)}))"


async def visible(connection: Any, scope: Scope | None, subject_ids: Collection[UUID]) -> dict[UUID, CaseRow]:
    """Return those of some cases that are within a scope."""
    if scope is None:
        return {}
    value = Values()
    ids = value(list(subject_ids), "uuid[]")
    where = "true"
    if scope.agency:
        mine = value(list(scope.agencies), "text[]")
        where = f"({has_part(mine)} OR subject = 'conference' AND {beside_conferences(mine)})"
    rows = [
        _row.decode(each["row"]) for each in await connection.fetch(_ROWS.format(ids=ids, where=where), *value.given)
    ]
    return {row.subject_id: row for row in rows if scope.holds(row.jurisdiction)}


async def asked(connection: Any, scope: Scope, limit: int) -> list[CaseRow]:
    """Return the petitions whose answer an agency still has to prepare before a day is set, the oldest first."""
    value = Values()
    query = _WAITING.format(
        agencies=value(list(scope.agencies), "text[]"), within=within(scope.places, value), limit=value(limit, "int")
    )
    return [_row.decode(each["row"]) for each in await connection.fetch(query, *value.given)]
