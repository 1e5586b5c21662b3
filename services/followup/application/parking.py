"""Folding one petition again from its first fact: what an undisturbed run would have raised on it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from services.followup.application.ports import CaseRecord
from services.followup.domain.emission import Emitted, Raised
from services.followup.domain.facts import fact_of
from services.followup.domain.machine import Machine
from shared.events import Recorded


class Refolded(msgspec.Struct):
    """A petition and its kin after all their facts; or why they still cannot be folded."""

    raised: list[Raised] = []
    cases: list[CaseRecord] = []
    emitted: list[Emitted] = []
    failure: str = ""


def refold(
    source: str, shared: Iterable[Recorded], petitions: Mapping[UUID, Iterable[Recorded]], horizon: datetime | None
) -> Refolded:
    """Fold petitions among every shared fact, in the order recorded, with the timers in between.

    Petitions touch each other by mergers alone, so a group with all its kin gives what folding everything gives.
    """
    machine = Machine(source)
    facts = sorted((*shared, *(f for group in petitions.values() for f in group)), key=lambda f: f.position)
    for recorded in facts:
        try:
            machine.apply(fact_of(recorded))
        except Exception as error:
            return Refolded(failure=f"position {recorded.position}: {type(error).__name__}: {error}")
    if horizon is not None:
        machine.advance(horizon)
    return Refolded(
        raised=[r for p in petitions for r in machine.raised_of(p)],
        cases=[
            CaseRecord(row, tuple(machine.raised_of(p))) for p in petitions if (row := machine.case_row(p)) is not None
        ],
        emitted=sorted(
            (e for e in machine.emitted if e.event.subject_id in petitions), key=lambda e: (e.event.at, e.version)
        ),
    )
