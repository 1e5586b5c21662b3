"""Deadline events: derived by followup from the facts, event-sourced and published too."""

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
    counted: bool
    reason: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why a due date is that day: rule, document, calendar versions, start day, exceptional days.

    `days` are in `unit`; `period` names the year, month, ... of a duty that is owed again and again.
    """

    rule: str
    policy_id: str
    document: str
    section: str = ""
    counted_from: date | None = None
    days: int | None = None
    calendar_versions: tuple[str, ...] = ()
    exceptions: tuple[SkippedDay, ...] = ()
    due_on: date | None = None
    notes: tuple[str, ...] = ()
    unit: Unit = "working_days"
    first_day: FirstDay = "excluded"
    period: str = ""


class InWords(msgspec.Struct, frozen=True, kw_only=True):
    """A text in both languages, a line each paragraph."""

    vi: str
    en: str


class DeadlineEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What every deadline event carries; `at` is its event-time instant, `debtor` who owed it then."""

    AGGREGATE: ClassVar[str] = "deadline"
    deadline_id: Public[UUID]
    source: Public[str]
    duty: Public[str]
    subject: Public[Subject]
    subject_id: Public[UUID]
    debtor: Public[str]
    cause_id: Public[UUID]
    at: Public[datetime]
    part: Public[str] = ""
    due_on: Public[date | None] = None
    breached_at: Public[str] = ""
    note: Public[str] = ""


class DeadlineSet(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A clock started."""

    TOPIC: ClassVar[str] = "DeadlineSet"
    explanation: Public[Explanation]
    provisional: Public[bool] = False


class DeadlineMoved(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The due date changed from `moved_from`, or stands still (no `due_on`); `reason` is what moved it."""

    TOPIC: ClassVar[str] = "DeadlineMoved"
    moved_from: Public[date | None]
    explanation: Public[Explanation]
    provisional: Public[bool] = False
    reason: Public[str] = ""


class DeadlineDueSoon(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A warning stage was reached; `stage_on` is its day."""

    TOPIC: ClassVar[str] = "DeadlineDueSoon"
    stage_on: Public[date]


class DeadlineBreached(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The deadline passed without its duty done; `reason` is what had moved its date, if anything had; `text` the
    explanation as paragraphs of a letter."""

    TOPIC: ClassVar[str] = "DeadlineBreached"
    explanation: Public[Explanation]
    reason: Public[str] = ""
    text: Public[InWords | None] = None


class DeadlineMet(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The duty was done in time, on `done_on`."""

    TOPIC: ClassVar[str] = "DeadlineMet"
    done_on: Public[date]


class DeadlineMetLate(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The duty was done after its due date; the breach stays on record."""

    TOPIC: ClassVar[str] = "DeadlineMetLate"
    done_on: Public[date]


class DeadlineBreachRetracted(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The breach was none: `reason` is `backdated_record`, `extension`, `calendar`, `annulment`, ..."""

    TOPIC: ClassVar[str] = "DeadlineBreachRetracted"
    reason: Public[str]


class DeadlineWaived(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The duty is owed no more; `breach_stands` when it had been breached before."""

    TOPIC: ClassVar[str] = "DeadlineWaived"
    reason: Public[str]
    breach_stands: Public[bool] = False


class DeadlineReinstated(DeadlineEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The ground of an outcome was annulled or overtaken: the duty is owed again."""

    TOPIC: ClassVar[str] = "DeadlineReinstated"
    reason: Public[str]
