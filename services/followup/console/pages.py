"""Renders the templates under headers that let a page do nothing but be read."""

import base64
import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from services.followup.adapters.read.models import Deadline
from services.followup.adapters.read.queries import Queries
from services.followup.domain.wording.explanation import DayLine, counted_days, letter, short_line
from services.followup.domain.wording.names import (
    Bilingual,
    body_words,
    duty_words,
    ground_words,
    part_words,
    state_words,
    status_words,
    subject_words,
)
from shared.identifiers import LOCAL_ZONE

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
        self._templates.filters.update(day=_day, moment=_moment)
        self._templates.globals.update(
            duty=duty_words,
            part=part_words,
            state=state_words,
            status=status_words,
            ground=ground_words,
            subject=subject_words,
            short=short_line,
            letter=letter,
            weeks=weeks,
            details=DETAILS,
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
        return Response(html, media_type="text/html; charset=utf-8", headers=self._headers)


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


def _moment(instant: datetime | None) -> str:
    return f"{instant.astimezone(LOCAL_ZONE):%H:%M, %d/%m/%Y}" if instant else "—"
