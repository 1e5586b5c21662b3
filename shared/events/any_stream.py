"""Events that any stream may hold: a reminder, an annulment."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.events.definition import DatedEvent, Public, SealedOwn


class ReminderSent(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """The office urged a debtor (đôn đốc, plan II.4.3); names the deadline it urges."""

    TOPIC: ClassVar[str] = "ReminderSent"
    deadline_id: Public[UUID]
    to: Public[str]
    channel: Public[Literal["letter", "e-mail", "telephone", "system"]] = "letter"
    text: SealedOwn[str] = ""


class RecordAnnulled(DatedEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A wrong record is taken back: the fold skips it; nothing is edited or deleted."""

    TOPIC: ClassVar[str] = "RecordAnnulled"
    event_id: Public[UUID]
    annulled_topic: Public[str] = ""
    reason: SealedOwn[str] = ""


#: Every event that any stream may hold; a stream's own events stand in the file of its aggregate.
AnyStreamEvent = ReminderSent | RecordAnnulled
