"""Renders the templates, one language a page, under headers that let a page do nothing but be read."""

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Response
from markupsafe import Markup

from services.followup.adapters.read.models import Deadline, Source, StoredEvent
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Coded, by_code_alone
from services.followup.console.language import Language, is_only_language_asked, keep_language, language_of
from services.followup.console.named_codes import NamedCodes
from services.followup.console.place_tree import place_tree
from services.followup.console.roles import ADMINISTERING, SEEING_PEOPLE, has_any
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.wording.day_counts import days_between
from services.followup.domain.wording.explanation import DayLine, counted_days, letter, short_line
from services.followup.domain.wording.languages import language_words
from services.followup.domain.wording.names import (
    Bilingual,
    body_words,
    decision_words,
    duty_words,
    event_words,
    ground_words,
    part_words,
    proposal_words,
    reason_words,
    state_words,
    status_words,
    subject_words,
)
from services.followup.domain.wording.notes import day_words, plain_day
from services.followup.domain.wording.uncountable import uncountable_words
from services.followup.entrypoints.access import reads_all
from services.followup.entrypoints.json_views import count_view, event_view
from services.followup.entrypoints.query_parameters import HttpRequest
from services.followup.entrypoints.signed_in import FORM_TOKEN, form_token_of, signed_in_of
from shared.calendar import Calendar
from shared.events.any_stream import RecordAnnulled
from shared.events.field_titles import CHOICE_TITLES, FIELD_TITLES
from shared.http.auth import READERS, caller_of, cookie_of
from shared.http.tokens import ROLE_TITLES
from shared.identifiers import LOCAL_ZONE, local_day
from shared.sentences import Sentence

BODIES = ("office", "chair", "unassigned")
WEEKDAYS = (
    Bilingual("Thứ Hai", "Monday"),
    Bilingual("Thứ Ba", "Tuesday"),
    Bilingual("Thứ Tư", "Wednesday"),
    Bilingual("Thứ Năm", "Thursday"),
    Bilingual("Thứ Sáu", "Friday"),
    Bilingual("Thứ Bảy", "Saturday"),
    Bilingual("Chủ nhật", "Sunday"),
)
SHORT_WEEKDAYS = (
    Bilingual("Hai", "Mon"),
    Bilingual("Ba", "Tue"),
    Bilingual("Tư", "Wed"),
    Bilingual("Năm", "Thu"),
    Bilingual("Sáu", "Fri"),
    Bilingual("Bảy", "Sat"),
    Bilingual("CN", "Sun"),
)


#: An address of our own in a page. What people typed is escaped: none of its quotes looks like this.
_OWN_ADDRESS = re.compile(r'(?<=\s)(href|action|formaction|src)="/(?!/)')


class Cell(NamedTuple):
    """A day in a week of a count."""

    date: date
    line: DayLine | None
    is_due: bool


class Person(NamedTuple):
    """Who looks at a page: a name, the post that is acted in, what they are, and the place they act for."""

    name: str
    post: str
    roles: tuple[Sentence, ...]
    place: str
    signed_in: bool


class Shell(NamedTuple):
    """What stands around every page. `here` is its address, for the link to the other language, `path` the same alone.

    A page that answers a form (`answers_form`) is left open by that link: asked for again it would be empty.
    """

    person: Person | None
    sources: tuple[Source, ...] = ()
    here: str = "/"
    path: str = "/"
    may_administer: bool = False
    may_see_figures: bool = False
    may_see_people: bool = False
    answers_form: bool = False
    #: Whether there is more for the caller than people: every other section is about cases.
    may_see_cases: bool = False


class Pages:
    """Renders the templates under headers that let a page do nothing but be read."""

    def __init__(self, queries: Queries, prefix: str = "") -> None:
        self._queries, self._prefix = queries, prefix
        self._templates = _templates()
        style = str(self._templates.globals["style"])
        self._policy = (
            f"default-src 'none'; style-src {_hashed(style)}; "
            "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        self._headers = {
            "Content-Security-Policy": self._policy,
            "Cache-Control": "no-store",
            # With no-referrer a browser sends `Origin: null` with our own forms, and the check of origins refuses them.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }

    async def show(self, request: HttpRequest, template: str, *, status: int = 200, **values: Any) -> Response[str]:
        """A page as an answer, with who looks at it, where they are, and how far the data reaches."""
        caller = caller_of(request)
        sources = await self._queries.sources()
        values = await self._by_name(values)
        person = Person(
            caller.called or caller.name,
            post.position if (found := signed_in_of(request)) and (post := found.post) else "",
            tuple(title for role, title in ROLE_TITLES.items() if role in caller.roles),
            await self._queries.place_name(caller.jurisdiction),
            bool(caller.subject) or cookie_of(request) is not None,
        )
        may_administer = has_any(caller, ADMINISTERING)
        may_see_figures = may_administer and await reads_all(self._queries, caller)
        may_see_cases = not caller.roles.isdisjoint({"agency", *READERS})
        shell = Shell(
            person,
            tuple(sources),
            _here(request),
            quote(request.scope["path"]),
            may_administer,
            may_see_figures,
            has_any(caller, SEEING_PEOPLE),
            _answers_form(request),
            may_see_cases,
        )
        return self._rendered(request, template, status, shell=shell, **values)

    async def _by_name(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of a page, what intake refuses in them with names for the codes of places and agencies."""
        errors, detail, acts = values.get("errors") or (), values.get("detail"), values.get("acts")
        refused = acts.refused if acts else []
        told = [*(each.said for each in errors), *([detail] if detail else []), *(why for _, why in refused)]
        if not told:
            return values
        about = values.get("target"), getattr(values.get("at"), "target", values.get("at"))
        source = values.get("source") or next((of for each in about if (of := getattr(each, "source", ""))), "")
        named = (await NamedCodes.of(self._queries, source, told)).said
        changed: dict[str, Any] = {}
        if errors:
            changed["errors"] = [_with_said(each, named(each.said)) for each in errors]
        if detail:
            changed["detail"] = named(detail)
        if acts:
            changed["acts"] = acts._replace(refused=[(act, named(why)) for act, why in refused])
        return values | changed

    async def show_with_script(
        self, request: HttpRequest, template: str, script: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        """A page with a script of ours, if one is named: this text alone runs, and talks to us alone."""
        if not script:
            return await self.show(request, template, status=status, script="", **values)
        source = self._templates.get_template(script).render()
        shown = await self.show(request, template, status=status, script=source, **values)
        allowed = f"; script-src {_hashed(source)}; connect-src 'self'"
        shown.headers["Content-Security-Policy"] = self._policy + allowed
        return shown

    def bare(self, request: HttpRequest, template: str, *, status: int = 200, **values: Any) -> Response[str]:
        """A page that needs neither a caller nor the store: the sign-in, and what went wrong."""
        shell = Shell(None, here=_here(request), path=quote(request.scope["path"]), answers_form=_answers_form(request))
        return self._rendered(request, template, status, shell=shell, **values)

    def _rendered(self, request: HttpRequest, template: str, status: int, **values: Any) -> Response[str]:
        language = language_of(request)
        html = self._templates.get_template(template).render(
            lang=language, own_form=partial(_own_form, form_token_of(request)), **values
        )
        if self._prefix:
            html = _OWN_ADDRESS.sub(rf'\1="{self._prefix}/', html)
        answer = Response(html, media_type="text/html", headers=self._headers, status_code=status)
        if is_only_language_asked(request):
            keep_language(request, answer, language)
        return answer


@functools.cache
def _templates() -> Environment:
    """The templates, which a process reads and compiles once, whoever shows them."""
    made = Environment(
        loader=PackageLoader("services.followup.console"),
        autoescape=True,
        auto_reload=False,  # a process serves what it was started with
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = made.get_template("style.css").render()
    made.filters.update(
        day=_day,
        long_day=_long_day,
        moment=_moment,
        capitalised=_capitalised,
        counted=lambda bounded: count_view(bounded).words,
        uncapitalised=_uncapitalised,
        in_language=_in_language,
        say=_say,
    )
    made.globals.update(
        t=_told,
        duty=duty_words,
        decision=decision_words,
        proposed=proposal_words,
        part=_part,
        case_page=_case_page,
        state=state_words,
        status=status_words,
        ground=ground_words,
        why=reason_words,
        subject=subject_words,
        uncountable=lambda each: uncountable_words(each.document, each.reason),
        short=short_line,
        letter=letter,
        weeks=weeks,
        weekdays=SHORT_WEEKDAYS,
        field_title=field_title,
        choice=lambda topic, name, value: choice_words(topic, name, value) or Bilingual(value, value),
        event_name=event_words,
        bodies={code: body_words(code) for code in BODIES},
        style=style,
        place_tree=place_tree,
    )
    return made


def _with_said(error: Any, said: Any) -> Any:
    """An error of a form, or of a rule, with other words."""
    changed = getattr(error, "_replace", None)  # of a named tuple
    return changed(said=said) if changed else msgspec.structs.replace(error, said=said)


def _hashed(text: str) -> str:
    """What allows this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def field_title(name: str, topic: str = "") -> Bilingual:
    """What a field of an event is called; one without words by its own name."""
    found = FIELD_TITLES.get(f"{topic}.{name}") or FIELD_TITLES.get(name)
    return Bilingual(found.vi, found.en) if found else Bilingual(name, name)


def choice_words(topic: str, name: str, value: str) -> Bilingual | None:
    """What a value of a choice, or a language, is called; None where the field is neither."""
    if name == "language":
        return language_words(value)
    table = CHOICE_TITLES.get(f"{topic}.{name}") or CHOICE_TITLES.get(name) or {}
    found = table.get(value)
    return Bilingual(found.vi, found.en) if found else None


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


async def today_of(queries: Queries) -> date | None:
    """The day by which a page judges: of several sources the earliest, which all have reached; None before any."""
    return min((local_day(source.now) for source in await queries.sources() if source.now is not None), default=None)


async def lateness(queries: Queries) -> Callable[[DeadlineState], Bilingual | None]:
    """What says of a deadline how late it is, or was met, in the unit of its limit; None where it is not late."""
    days = {source.source: local_day(source.now) for source in await queries.sources() if source.now is not None}
    known = await queries.calendars()

    def late(raised: DeadlineState) -> Bilingual | None:
        until = days.get(raised.source) if raised.is_open else raised.done_on
        if raised.due_on is None or until is None or until <= raised.due_on or raised.outcome == "waived":
            return None
        return days_between(raised.explanation, raised.due_on, until, known.get(raised.source, Calendar())).words

    return late


def annulled_ids(events: Iterable[StoredEvent]) -> frozenset[UUID]:
    """The records that were taken back. An annulment that cannot be read, since it waits, takes nothing back here."""
    told = (event_view(event).data.get("event_id") for event in events if event.topic == RecordAnnulled.TOPIC)
    return frozenset(UUID(str(event_id)) for event_id in told if event_id is not None)


async def names_of(queries: Queries, source: str, codes: Iterable[str]) -> dict[str, Bilingual]:
    """The names of a source's bodies by code. One that is not registered is called by its code."""
    found = await names_by_source(queries, ((source, code) for code in codes))
    return {code: words for (_, code), words in found.items()}


async def names_by_source(queries: Queries, codes: Iterable[Coded]) -> dict[Coded, Bilingual]:
    """The names of bodies by source and code, for a page that shows several sources."""
    wanted = sorted(set(codes))
    registered = await queries.agency_names(wanted)
    return {each: Bilingual(*[registered[each]] * 2) if each in registered else body_words(each[1]) for each in wanted}


async def names_in_any(queries: Queries, codes: Iterable[str]) -> dict[str, Bilingual]:
    """The names of bodies by code alone: what two sources call differently has both names."""
    wanted = list(codes)
    every = [(source.source, code) for source in await queries.sources() for code in wanted]
    names = by_code_alone(await queries.agency_names(every))
    return {code: Bilingual(*[names[code]] * 2) if code in names else body_words(code) for code in wanted}


def _here(request: HttpRequest) -> str:
    """The page's own address, for the link to the other language; a form that was sent leads back to itself."""
    query = request.scope["query_string"].decode("latin-1")
    path = quote(request.scope["path"])
    return quote(path + (f"?{query}" if query else ""), safe="")


def _answers_form(request: HttpRequest) -> bool:
    return request.method == "POST"


def _own_form(form_token: str) -> Markup:
    """The input by which a form shows that it is ours; nothing where nobody signed in at a provider."""
    return (
        Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN, form_token) if form_token else Markup()
    )


def _case_page(source: str, subject: str, subject_id: UUID) -> str:
    """The address of a case's page; that of a place names its source, since others may have it too."""
    return f"/cases/{subject_id}" + (f"?source={quote(source, safe='')}" if subject == "jurisdiction" else "")


@pass_context
def _in_language(context: Context, words: Any) -> Any:
    """The part of something said in each language that is in the language of the page."""
    return words[context["lang"]] if isinstance(words, Mapping) else getattr(words, context["lang"])


@pass_context
def _say(context: Context, words: Any) -> str:
    """Words in the language of the page."""
    return str(_in_language(context, words))


@pass_context
def _told(context: Context, vi: str, en: str) -> str:
    """One of two sentences, by the language of the page."""
    return vi if context["lang"] == Language.VIETNAMESE else en


@pass_context
def _part(context: Context, duty: str, part: str) -> Bilingual | None:
    """Which of several alike a duty is; a commune by its name, without the word that the duty says already."""
    places = context.get("places")
    if isinstance(places, Mapping) and part in places:
        name = str(places[part]).removeprefix("Xã ")
        return Bilingual(name, name)
    return part_words(duty, part)


@pass_context
def _day(context: Context, day: date | str | None) -> str:
    if not day:
        return "—"
    try:
        return _say(context, day_words(date.fromisoformat(day) if isinstance(day, str) else day))
    except ValueError:  # an event that could not be read is shown all the same
        return str(day)


@pass_context
def _long_day(context: Context, day: date | None) -> str:
    """A day with its weekday: `Thứ Sáu, ngày 13/11/2026`."""
    if day is None:
        return "—"
    weekday = WEEKDAYS[day.weekday()]
    if context["lang"] == Language.VIETNAMESE:
        return f"{weekday.vi}, ngày {day:%d/%m/%Y}"
    return f"{weekday.en} {plain_day(day, 'en')}"


def _uncapitalised(text: str) -> str:
    """A name within a sentence: `Quý III năm 2019` as `quý III năm 2019`."""
    return text[:1].lower() + text[1:]


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


@pass_context
def _moment(context: Context, instant: datetime | None) -> str:
    if instant is None:
        return "—"
    local = instant.astimezone(LOCAL_ZONE)
    return f"{local:%H:%M}, {_say(context, day_words(local.date()))}"
