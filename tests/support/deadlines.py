"""Single deadlines for tests of the emission, the timers and the due dates: no engine, no case, one starting fact."""

from datetime import date, datetime
from typing import Any

import msgspec

from services.followup.domain.deadlines.causes import Cause
from services.followup.domain.deadlines.emission import emit
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.duties.due_dates import ExpectedDeadline, expected_deadline, explain
from services.followup.domain.duties.duty import Done, Duty, Waived, WaiverGround
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.events import Event, Metadata
from shared.events.petition import PetitionAssigned
from shared.identifiers import derived_id
from shared.policy import DEFAULT_POLICY, Rule, RuleInForce
from tests.support.history import DISTRICT, History, at, day

#: The calendars that come with the product, and no adopted policy.
REGULATION = RegulationLog(History().facts)
CASE = derived_id("case")


def fact(event: Event, recorded_at: datetime, number: int = 1, aggregate: str = "petition") -> Fact:
    """An event as the domain sees it; `number` is its position and gives it its id."""
    event_id = derived_id("event", number)
    meta = Metadata(
        event_id=event_id, aggregate=aggregate, jurisdiction=DISTRICT, actor="test", correlation_id=event_id
    )
    return Fact(number, event_id, CASE, event.TOPIC, recorded_at, event, meta)


def some_fact(on: str, number: int = 1) -> Fact:
    """A fact of a day, recorded at nine in the morning; what it says does not matter."""
    return fact(PetitionAssigned(effective_on=day(on), agency="H35.10.3"), at(f"{on} 09:00"), number)


#: The duty arose on Friday 23 August 2019.
START = some_fact("2019-08-23")
#: A rule under which what is counted from a day is due on that very day.
ON_THE_DAY = Rule(duty="reply", form="deadline", length=0, counted_from="conference_end")


def duty(counted_from: str = "2019-08-23", rule: Rule = ON_THE_DAY, **more: Any) -> Duty:
    """A reply owed by the office, under a rule of a document like the plan."""
    policy = msgspec.structs.replace(DEFAULT_POLICY, rules=(rule,))
    words: dict[str, Any] = {
        "source": "test",
        "subject": "petition",
        "subject_id": CASE,
        "duty": rule.duty,
        "start": START,
        "debtor": "office",
        "jurisdiction": DISTRICT,
        "rule_in_force": RuleInForce(policy, rule),
        "counted_from": day(counted_from),
    }
    return Duty(**(words | more))


def done(on: str) -> Done:
    """The duty was done on a day."""
    return Done(day(on), some_fact(on, 2))


def waived(on: str, reason: str = "withdrawn") -> Waived:
    """The duty is owed no more since a day."""
    return Waived(day(on), some_fact(on, 2), WaiverGround(reason))


def expected(due: str | None, end: Done | Waived | None = None, **changes: Any) -> ExpectedDeadline:
    """A deadline that is to stand on this day; None is a duty without a date."""
    undated = Rule(duty="reply", form="undated")
    settled = expected_deadline(duty(due or "2019-08-23", undated if due is None else ON_THE_DAY, end=end), REGULATION)
    assert settled.due_on == (None if due is None else day(due))
    return msgspec.structs.replace(settled, **changes)


def cause(moment: str, reason: str = "backdated_record", number: int = 9, **more: Any) -> Cause:
    """What is recorded at a local moment."""
    return Cause(derived_id("cause", number), at(moment), reason, **more)


def set_on(moment: str, due: str | None, **changes: Any) -> DeadlineState:
    """A deadline that was set at a local moment, then changed so."""
    _, raised = emit(None, expected(due), cause(moment, number=0), lambda each: explain(each, REGULATION.calendar))
    assert raised is not None
    return msgspec.structs.replace(raised, **changes)


def breached(moment: str, due: str) -> DeadlineState:
    """The same, after its breach was raised."""
    raised = set_on(moment, due)
    return msgspec.structs.replace(raised, breached=True, stage=len(raised.stages), version=raised.version + 1)


def days(*texts: str) -> tuple[date, ...]:
    """These days."""
    return tuple(day(text) for text in texts)
