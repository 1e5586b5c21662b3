"""The daily mail to a body: what is overdue, what is due within a week, which breaches were retracted. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from services.followup.domain.deadlines.case_rows import CaseRow
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.wording.day_counts import days_between
from services.followup.domain.wording.explanation import short_line
from services.followup.domain.wording.names import duty_words, part_words, reason_words
from services.followup.domain.wording.notes import plain_day
from shared.calendar import Calendar
from shared.events.deadline import DeadlineBreachRetracted
from shared.identifiers import NATION, derived_id

DAYS = 7  # looked ahead, the day itself among them
LATE_DAYS = 7  # a digest that was missed is sent later, but none older than this
_DAY = timedelta(days=1)


class Recipient(msgspec.Struct, frozen=True):
    """A body that gets digests. `key` names it in the file of recipients: a code, or `office`, `chair`, each of which
    may be narrowed to a subtree as `office@H35.10`."""

    key: str
    addresses: tuple[str, ...]

    @property
    def debtor(self) -> str:
        """The body whose deadlines the digest lists."""
        return self.key.partition("@")[0]

    @property
    def jurisdiction(self) -> str:
        """The subtree to which these deadlines belong."""
        return self.key.partition("@")[2] or NATION


class DigestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One deadline in a digest; `days` are those overdue, or left until its last day, by the calendar, and `span` the
    same in words, in the unit of the limit. `why` is of a retraction."""

    about: str
    duty: str
    due_on: date | None
    days: int
    counted: str
    why: str = ""
    span: str = ""


class MailDigest(msgspec.Struct, frozen=True, kw_only=True):
    """The digest of a body and a day. The lists may be cut short; the totals are not."""

    source: str
    recipient: str
    name: str
    day: date
    today: date
    read_to: datetime | None
    overdue: Sequence[DigestLine]
    due: Sequence[DigestLine]
    retracted: Sequence[DigestLine]
    overdue_total: int
    due_total: int
    #: The next year, where nobody has published its calendar and the body is one that can see to it.
    unpublished_year: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the digest lists nothing; a missing calendar is mailed for itself on the first of a month."""
        asked = self.unpublished_year is not None and self.day.day == 1
        return not (self.overdue or self.due or self.retracted or asked)

    @property
    def until(self) -> date:
        """The last due date that is listed ahead."""
        return self.day + (DAYS - 1) * _DAY

    @property
    def yesterday(self) -> date:
        """The day whose retractions are listed."""
        return self.day - _DAY


def message_id(source: str, recipient: str, day: date, domain: str) -> str:
    """The Message-ID of a digest. It is the same whenever the digest is sent, so that readers see it once."""
    return f"<digest.{derived_id('digest', source, recipient, day.isoformat()).hex}@{domain}>"


def days_to_send(last: date | None, newest: date, today: date) -> list[date]:
    """The days whose digests are to be sent. `newest` is the last day whose hour has come, `last` the last day done.

    A new body begins with today's. Digests more than LATE_DAYS old are not sent any more.
    """
    if last is None:
        return [newest] if newest == today else []
    first = max(last + _DAY, newest - (LATE_DAYS - 1) * _DAY)
    return [first + n * _DAY for n in range((newest - first).days + 1)]


def line_of(raised: DeadlineState, row: CaseRow | None, day: date, calendar: Calendar) -> DigestLine:
    """The line of a deadline as it stands on a day."""
    words, which = duty_words(raised.duty), part_words(raised.duty, raised.part)
    return DigestLine(
        about=_about(row),
        duty=f"{words.vi} ({which.vi})" if which else words.vi,
        due_on=raised.due_on,
        days=abs((day - raised.due_on).days) if raised.due_on else 0,
        counted=short_line(raised.explanation).vi if raised.explanation else "",
        span=_span(raised, day, calendar),
    )


def _span(raised: DeadlineState, day: date, calendar: Calendar) -> str:
    due = raised.due_on
    return days_between(raised.explanation, min(due, day), max(due, day), calendar).words.vi if due else ""


def retracted_line(
    event: DeadlineBreachRetracted, raised: DeadlineState, row: CaseRow | None, day: date, calendar: Calendar
) -> DigestLine:
    """The line of a retracted breach, with the reason."""
    return msgspec.structs.replace(line_of(raised, row, day, calendar), why=reason_words(event.reason).vi)


def split(
    pairs: Iterable[tuple[DeadlineState, CaseRow | None]], day: date, calendar: Calendar
) -> tuple[list[DigestLine], list[DigestLine]]:
    """The lines split into what is overdue on a day and what is not."""
    overdue: list[DigestLine] = []
    due: list[DigestLine] = []
    for raised, row in pairs:
        passed = raised.due_on is not None and raised.due_on < day
        (overdue if passed else due).append(line_of(raised, row, day, calendar))
    return overdue, due


def _about(row: CaseRow | None) -> str:
    if row is None:
        return "Vụ việc chưa có trong danh sách"
    if row.subject == "petition":
        code = f" (mã tiếp nhận {row.receipt_code})" if row.receipt_code else ""
        return f"Kiến nghị “{row.title}”{code}" if row.title else f"Kiến nghị chưa phân loại{code}"
    if row.subject == "conference":
        held = f" ngày {plain_day(row.received_on, 'vi')}" if row.received_on else ""
        return f"Hội nghị tiếp xúc, đối thoại{held}" + (f" tại {row.title}" if row.title else "")
    return row.title
