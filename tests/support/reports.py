"""The report of a history that is wholly in memory, straight from the machine that folded it."""

from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.regulation import RegulationLog
from services.followup.domain.reports.periods import parse_period
from services.followup.domain.reports.tally import ALL_PETITIONS, Chosen, RaisedEvent, Tally
from shared.events import Metadata
from shared.identifiers import local_day
from tests.support.history import History


def tallied(history: History, period: str, agency: str = "", chosen: Chosen = ALL_PETITIONS) -> Tally:
    """The report of a history that is wholly in memory, as of its horizon."""
    engine = history.engine
    shared = [f for f in history.facts if f.meta.aggregate != "petition"]
    tally = Tally(parse_period(period), agency, listed=100, chosen=chosen)
    assert engine.horizon is not None
    regulation = RegulationLog(f for f in shared if f.meta.aggregate != "conference")
    tally.begin(local_day(engine.horizon), regulation.calendar, shared, regulation.catalogues)
    tally.add_recording(f for f in shared if f.meta.aggregate == "conference")
    for subject in engine.subjects():
        row = engine.case_row(subject)
        if row is not None and row.subject == "petition":
            facts = [f for f in history.facts if f.originator_id == subject]
            tally.add_petition(row, facts, engine.raised_of(subject))
        else:
            tally.add_deadlines(engine.raised_of(subject))
    tally.add_events(RaisedEvent(e.event, _meta(e)) for e in engine.emitted)
    return tally


def _meta(emitted: Emitted) -> Metadata:
    return Metadata(
        event_id=emitted.event_id,
        aggregate="deadline",
        jurisdiction=emitted.jurisdiction,
        actor="followup",
        correlation_id=emitted.event.cause_id,
        backfilled=emitted.backfilled,
    )
