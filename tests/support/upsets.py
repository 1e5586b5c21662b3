"""Events of the regulation that are recorded in the midst of a history, and what the history then comes to."""

from datetime import date, timedelta
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from shared.calendar import DayOff
from shared.events.any_stream import RecordAnnulled
from shared.events.regulation import AgencyClosed, CalendarPublished, PolicyAdopted
from shared.identifiers import derived_id
from shared.policy import read_policy
from tests.support.history import DISTRICT, History, seed_years
from tests.support.history_strategies import AGENCIES, UNTIL

INSTANT = timedelta(microseconds=1)
KINDS = ("calendar", "calendar", "calendar", "warning", "shorter", "backdated", "closed")

#: After how many events what is recorded, and a number that says when or whose it is.
Upset = tuple[int, str, int]


@st.composite
def upsets(draw: st.DrawFn) -> list[Upset]:
    """Some such events, in the order in which they are recorded."""
    one = st.tuples(st.integers(10, 90), st.sampled_from(KINDS), st.integers(0, 60))
    return sorted(draw(st.lists(one, min_size=1, max_size=4)))


def upset(history: History, changes: list[Upset], until: str = UNTIL) -> History:
    """The same history with further events of the regulation in between, each stamped right after the one before it."""
    made, rest = History(history.source, calendars=[]), list(changes)
    off, ids = set[date](), dict[UUID, UUID]()
    for fact in history.facts:
        while rest and rest[0][0] <= len(made.facts):
            _, kind, number = rest.pop(0)
            _record(made, kind, number, off)
        event = fact.event
        if isinstance(event, RecordAnnulled):  # the id of a record comes from its place
            event = msgspec.structs.replace(event, event_id=ids[event.event_id])
        ids[fact.event_id] = made.record(
            fact.originator_id, event, fact.recorded_at, fact.meta.aggregate, fact.meta.jurisdiction
        ).event_id
    made.until(until)
    return made


def _record(history: History, kind: str, number: int, off: set[date]) -> None:
    moment = history.facts[-1].recorded_at + INSTANT
    today = moment.date()
    if kind == "calendar":
        off.add(date(2019, 8, 26) + timedelta(days=2 * number))
        year = next(y for y in seed_years() if y.year == 2019)
        days = (*year.holidays, *(DayOff(date=d, name="Nghỉ đột xuất") for d in sorted(off) if d.year == 2019))
        published = CalendarPublished(effective_on=today, year=2019, holidays=days, makeup_days=year.makeup_days)
        history.record(derived_id("calendar", 2019), published, moment, "calendar")
    elif kind == "closed":
        closed = AgencyClosed(
            effective_on=today - timedelta(days=number), code=AGENCIES[number % 3], successor="H35.10.9"
        )
        history.record(derived_id("agency", closed.code), closed, moment, "agency")
    else:
        begins = today - timedelta(days=number) if kind == "backdated" else today + timedelta(days=1 + number)
        words = "warn_days: [3]\n" if kind == "warning" else ""
        length = 15 if kind == "warning" else 10
        policy = read_policy(
            f"policy_id: {kind}{number}\ndocument: {{number: 2/QĐ, issued_on: {begins}}}\nvalid_from: {begins}\n"
            f"running_clocks: move\n{words}rules:\n  - {{duty: reply, form: deadline, length: {length}}}\n"
        )
        adopted = PolicyAdopted(effective_on=today, jurisdiction=DISTRICT, policy=policy)
        history.record(derived_id("policy", DISTRICT), adopted, moment, "policy", DISTRICT)
