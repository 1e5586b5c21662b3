"""Renders the templates under headers that let a page do nothing but be read."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from services.followup.adapters.read.models import Deadline, StoredEvent
from services.followup.adapters.read.queries import Queries
from services.followup.domain.wording.day_counts import days_between
from services.followup.domain.wording.explanation import DayLine, counted_days, letter, short_line
from services.followup.domain.wording.names import (
    Bilingual,
    body_words,
    duty_words,
    event_words,
    ground_words,
    part_words,
    reason_words,
    state_words,
    status_words,
    subject_words,
)
from services.followup.domain.wording.uncountable import uncountable_words
from services.followup.entrypoints.json_views import event_view
from shared.calendar import Calendar
from shared.events.any_stream import RecordAnnulled
from shared.identifiers import LOCAL_ZONE, local_day

BODIES = ("office", "chair", "unassigned")
#: Fields of events that a person looks for; those that name a case become links.
DETAILS = {
    "subject": Bilingual("Trích yếu", "subject"),
    "agency": Bilingual("Cơ quan", "agency"),
    "authority": Bilingual("Cấp trên", "authority"),
    "number": Bilingual("Số văn bản", "document"),
    "reply_number": Bilingual("Văn bản trả lời", "reply"),
    "due_on": Bilingual("Ngày ấn định", "date set"),
    "expected_on": Bilingual("Dự kiến trả lời", "expected"),
    "petitioner_told_on": Bilingual("Báo người kiến nghị", "petitioner told"),
    "petitioner_notice": Bilingual("Văn bản báo người kiến nghị", "notice to the petitioner"),
    "committee_told_on": Bilingual("Báo cáo Ủy ban nhân dân", "committee told"),
    "committee_notice": Bilingual("Văn bản báo cáo Ủy ban nhân dân", "notice to the committee"),
    "first_day": Bilingual("Ngày đầu", "first day"),
    "last_day": Bilingual("Ngày cuối", "last day"),
    "for_date": Bilingual("Cho ngày", "for the date"),
    "place": Bilingual("Địa điểm", "place"),
    "conference_id": Bilingual("Hội nghị", "conference"),
    "into": Bilingual("Gộp vào", "merged into"),
    "to": Bilingual("Gửi", "to"),
}


#: What is sealed of an event, by its fields; an id of a petitioner stays as it is.
CONTENT = {
    "text": Bilingual("Nội dung", "text"),
    "identities": Bilingual("Người kiến nghị", "petitioners"),
    "name": Bilingual("Họ tên", "name"),
    "names": Bilingual("Họ tên", "names"),
    "address": Bilingual("Địa chỉ", "address"),
    "phone": Bilingual("Điện thoại", "telephone"),
    "document": Bilingual("Giấy tờ", "document"),
    "reason": Bilingual("Lý do", "reason"),
    "ground": Bilingual("Căn cứ", "ground"),
    "summary": Bilingual("Tóm tắt", "summary"),
    "answer": Bilingual("Trả lời", "answer"),
    "words": Bilingual("Ý kiến", "words"),
    "matter": Bilingual("Việc", "matter"),
    "minutes": Bilingual("Biên bản", "minutes"),
    "invited": Bilingual("Người được mời", "invited"),
    "chair_reason": Bilingual("Lý do của người chủ trì", "the chair's reason"),
}


class Cell(NamedTuple):
    """A day in a week of a count."""

    date: date
    line: DayLine | None
    is_due: bool


class Pages:
    """Renders the templates under headers that let a page do nothing but be read."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("services.followup.console"),
            autoescape=True,
            auto_reload=False,  # a process serves what it was started with
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = self._templates.get_template("style.css").render()
        self._templates.filters.update(day=_day, moment=_moment, uncapitalised=_uncapitalised)
        self._templates.globals.update(
            duty=duty_words,
            part=part_words,
            state=state_words,
            status=status_words,
            ground=ground_words,
            why=reason_words,
            subject=subject_words,
            uncountable=lambda each: uncountable_words(each.document, each.reason),
            short=short_line,
            letter=letter,
            weeks=weeks,
            details=DETAILS,
            content_field=lambda name: CONTENT.get(name) or Bilingual(name, ""),
            event_name=event_words,
            bodies={code: body_words(code) for code in BODIES},
            style=style,
        )
        known = hashlib.sha256(style.encode()).digest()
        self._headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{base64.b64encode(known).decode()}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            # With no-referrer a browser sends `Origin: null` with our own forms, and the check of origins refuses them.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }

    def show(self, template: str, **values: Any) -> Response[str]:
        """A page as an answer."""
        html = self._templates.get_template(template).render(**values)
        return Response(html, media_type="text/html", headers=self._headers)


def weeks(deadline: Deadline) -> list[list[Cell]]:
    """The days of a count as weeks from Monday to Sunday, empty if no days are counted."""
    explanation = deadline.raised.explanation
    lines = counted_days(explanation) if explanation else []
    if len(lines) < 2:
        return []
    by_day = {line.date: line for line in lines}
    first, last = min(by_day), max(by_day)
    monday = first - timedelta(days=first.weekday())
    return [
        [
            Cell(day, by_day.get(day), day == deadline.raised.due_on)
            for day in (monday + timedelta(days=7 * week + n) for n in range(7))
        ]
        for week in range((last - monday).days // 7 + 1)
    ]


async def lateness(queries: Queries) -> Callable[[Deadline], Bilingual | None]:
    """What says of a deadline how late it is, or was met, in the unit of its limit; None where it is not late."""
    days = {source.source: local_day(source.now) for source in await queries.sources() if source.now is not None}
    known = await queries.calendars()

    def late(deadline: Deadline) -> Bilingual | None:
        raised = deadline.raised
        until = days.get(raised.source) if raised.is_open else raised.done_on
        if raised.due_on is None or until is None or until <= raised.due_on or raised.outcome == "waived":
            return None
        return days_between(raised.explanation, raised.due_on, until, known.get(raised.source, Calendar())).words

    return late


def annulled_ids(events: Iterable[StoredEvent]) -> frozenset[UUID]:
    """The records that an annulment has taken back; one that was taken back itself takes nothing back."""
    gone: set[UUID] = set()
    for event in reversed(list(events)):
        if event.topic == RecordAnnulled.TOPIC and event.event_id not in gone:
            data = event_view(event).data
            gone |= {UUID(str(data["event_id"]))} if "event_id" in data else set()
    return frozenset(gone)


async def names_of(queries: Queries, codes: Iterable[str]) -> dict[str, Bilingual]:
    """The names of bodies by code. One that is not registered is called by its code."""
    wanted = sorted(codes)
    registered = await queries.agency_names(wanted)
    return {code: Bilingual(registered[code], code) if code in registered else body_words(code) for code in wanted}


def _day(day: date | str | None) -> str:
    if not day:
        return "—"
    try:
        return f"{date.fromisoformat(day) if isinstance(day, str) else day:%d/%m/%Y}"
    except ValueError:  # an event that could not be read is shown all the same
        return str(day)


def _uncapitalised(text: str) -> str:
    """A name within a sentence: `Quý III năm 2019` as `quý III năm 2019`."""
    return text[:1].lower() + text[1:]


def _moment(instant: datetime | None) -> str:
    return f"{instant.astimezone(LOCAL_ZONE):%H:%M, %d/%m/%Y}" if instant else "—"
