"""Events of a deadline: followup derives them from the facts, records them and publishes them."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from shared.events.definition import Event, Public
from shared.policy.schema import FirstDay, Unit

Subject = Literal["petition", "conference", "jurisdiction"]


class SkippedDay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A day that the count left out, or a make-up day that it took in, and why."""

    date: date
    #: True for a make-up day.
    counted: bool
    #: The code of the holiday or of the kind of day.
    reason: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why a due date is that day: rule, document, calendar versions, start day, exceptional days.

    `days` are in `unit`; `period` names the year, month, ... of a duty that is owed again and again.
    """

    #: The duty, with the traits of its own limit behind it: `reply_complex`.
    rule: str
    #: The policy that holds the rule.
    policy_id: str
    #: The number of the document.
    document: str
    #: Where in the document the rule stands; "" where it does not say.
    section: str = ""
    #: The day from which the days are counted; None for an undated duty.
    counted_from: date | None = None
    #: How many of `unit` are counted; None where the rule names the last day itself, or no number.
    days: int | None = None
    #: The version of each year's calendar in the count, as `year:record`.
    calendar_versions: tuple[str, ...] = ()
    #: The days of the count that were not plain working days.
    exceptions: tuple[SkippedDay, ...] = ()
    #: The last day on which the duty can be done in time; None while it is undated or its clock stands still.
    due_on: date | None = None
    #: What is to be said besides the count, each as a code with its values: `extended:2019-10-15`.
    notes: tuple[str, ...] = ()
    #: What `days` are.
    unit: Unit = "working_days"
    #: Whether the first day counts.
    first_day: FirstDay = "excluded"
    #: The year, month, … of a duty that is owed again and again; "" for any other.
    period: str = ""
    #: False where nobody adopted the document and the product's own default counts; events up to 0.2.0 do not say so.
    adopted: bool = True


class InWords(msgspec.Struct, frozen=True, kw_only=True):
    """A text in both languages, a line each paragraph."""

    vi: str
    en: str


class BaseDeadlineEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What every deadline event carries."""

    AGGREGATE: ClassVar[str] = "deadline"
    #: The stream of the deadline: the same over all its events.
    deadline_id: Public[UUID]
    #: The source whose facts made it.
    source: Public[str]
    #: The name of its rule: `reply`, `invitation`, …
    duty: Public[str]
    #: What kind of case owes the duty.
    subject: Public[Subject]
    #: The stream of that case.
    subject_id: Public[UUID]
    #: The code of the body that owed the duty at that instant.
    debtor: Public[str]
    #: The id of the event that caused this one; for what time alone brings, the one that last set the clock.
    cause_id: Public[UUID]
    #: The instant of event time at which it was raised, which may be before it was recorded.
    at: Public[datetime]
    #: Which of several alike the duty is: a channel, an agency, a period; "" where there is one only.
    part: Public[str] = ""
    #: The last day on which the duty can be done in time; None while it is undated or its clock stands still.
    due_on: Public[date | None] = None
    #: The local midnight after the due date, with its offset; "" without a due date.
    breached_at: Public[str] = ""


class DeadlineSet(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A clock started."""

    TOPIC: ClassVar[str] = "DeadlineSet"
    explanation: Public[Explanation]
    provisional: Public[bool] = False


class DeadlineMoved(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The due date changed from `moved_from`, or stands still (no `due_on`); `reason` is what moved it."""

    TOPIC: ClassVar[str] = "DeadlineMoved"
    moved_from: Public[date | None]
    explanation: Public[Explanation]
    provisional: Public[bool] = False
    reason: Public[str] = ""


class DeadlineDueSoon(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A warning stage was reached; `stage_on` is its day."""

    TOPIC: ClassVar[str] = "DeadlineDueSoon"
    stage_on: Public[date]


class DeadlineBreached(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The deadline passed without its duty done; `reason` is what had moved its date, if anything had; `text` the
    explanation as paragraphs of a letter."""

    TOPIC: ClassVar[str] = "DeadlineBreached"
    explanation: Public[Explanation]
    reason: Public[str] = ""
    text: Public[InWords | None] = None


class DeadlineMet(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The duty was done in time, on `done_on`."""

    TOPIC: ClassVar[str] = "DeadlineMet"
    done_on: Public[date]


class DeadlineMetLate(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The duty was done after its due date; the breach stays on record."""

    TOPIC: ClassVar[str] = "DeadlineMetLate"
    done_on: Public[date]


class DeadlineBreachRetracted(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The breach was none: `reason` is `backdated_record`, `extension`, `calendar`, `annulment`, ..."""

    TOPIC: ClassVar[str] = "DeadlineBreachRetracted"
    reason: Public[str]


class DeadlineWaived(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The duty is owed no more; `breach_stands` when it had been breached before."""

    TOPIC: ClassVar[str] = "DeadlineWaived"
    reason: Public[str]
    breach_stands: Public[bool] = False


class DeadlineReinstated(BaseDeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The ground of an outcome was annulled or overtaken: the duty is owed again."""

    TOPIC: ClassVar[str] = "DeadlineReinstated"
    reason: Public[str]


#: Every event of a deadline. A fold that forgets one of them fails in the type checker.
DeadlineEvent = (
    DeadlineSet
    | DeadlineMoved
    | DeadlineDueSoon
    | DeadlineBreached
    | DeadlineMet
    | DeadlineMetLate
    | DeadlineBreachRetracted
    | DeadlineWaived
    | DeadlineReinstated
)
