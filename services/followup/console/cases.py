"""The pages of cases: the lists of petitions, conferences and places, and one case with every day of its counts."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, OpenedEvent, Refusal, away
from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.models import Case, CaseFile, Deadline, RaisedEvent
from services.followup.adapters.read.queries import Queries
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.conference_view import PHASES, conference_view
from services.followup.console.forms import Address, definitions_by_command, possible_path
from services.followup.console.pages import Pages, annulled_ids, choice_words, field_title, lateness, names_of
from services.followup.domain.deadlines.case_rows import OPEN_STATES, CaseState
from services.followup.domain.wording.names import Bilingual, duty_words, event_words, ground_words, reason_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.json_views import EventView, event_view
from services.followup.entrypoints.query_parameters import (
    Body,
    Cursor,
    HttpRequest,
    InState,
    body_of,
    next_link,
    or_400,
    or_404,
)
from shared.command_definitions import CommandDefinition
from shared.events.any_stream import RecordAnnulled
from shared.events.deadline import DeadlineWaived
from shared.events.titles import EVENT_TITLES
from shared.http.auth import caller_of, token_of
from shared.sentences import Sentence

ON_A_PAGE = 25
IN_THE_FORM = 500  # agencies
MAX_SOUGHT = 200  # characters of what is looked for
#: The fields of events that name another case.
NAMES_A_CASE = ("conference_id", "into")
#: What a page does not repeat of an event: its day stands above, and ids are for machines.
NOT_TOLD = frozenset(
    {"annulled_topic", "deadline_id", "effective_on", "event_id", "notice_id", "petition_ids", "petitioner_ids"}
)
#: Those whom intake may show what is sealed.
CONTENT_ROLES = frozenset({"office", "chair", "agency"})
ENDED = ("answered", "withdrawn", "redirected", "merged", "closed", "refused")
#: The acts that usually come next, by how far a case has come; the first of them is the one to go on with.
NEXT: dict[CaseState, tuple[str, ...]] = {
    CaseState.NO_CLOCK: ("PetitionClassified", "PetitionForwarded", "PetitionScheduled", "PetitionRaised"),
    CaseState.RAISED: ("PetitionAssigned", "PetitionAnsweredAtConference", "PetitionClassified"),
    CaseState.ASSIGNED: ("WrittenReplyIssued", "ExtensionGranted", "AgencyResultReported", "ReminderSent"),
    CaseState.ESCALATED: ("HigherAuthorityAnswered", "WrittenReplyIssued", "ReminderSent"),
    CaseState.REPLIED: ("ReplyReported", "AgencyResultReported", "PetitionClosed"),
    CaseState.RESOLVED: ("PetitionClosed", "ReplyReported"),
    CaseState.PROPOSED: ("ConferenceProposalDecided", "RequestAnswered", "ConferencePlanned"),
    CaseState.PLANNED: (
        "PublicNoticePublished", "InvitationsSent", "PreparationTaskAssigned", "PreparationTaskDone",
        "PreparationReported", "ConferenceOpened",
    ),
    CaseState.OPEN: ("SpeakerRegistered", "SpeakerCalled", "AttendanceRecorded", "MinutesAdopted", "ConferenceClosed"),
    CaseState.HELD: ("ConclusionNoticeIssued", "InternalReviewHeld", "PublicationStarted", "PublicationEnded"),
    CaseState.BOUND: ("PetitionReceived", "ConferencePlanned", "DialoguePlanAdopted", "ReceptionDayHeld"),
}  # fmt: skip


class Acts(NamedTuple):
    """What the caller can do on a case: what comes next, all else, and what the state forbids, with why."""

    first: list[CommandDefinition]
    others: list[CommandDefinition]
    refused: list[tuple[CommandDefinition, Sentence]]


class Text(NamedTuple):
    """What was written with one event: each part a text, or the lines about a person."""

    title: Bilingual
    on: str
    parts: list[tuple[Bilingual, str | list[tuple[Bilingual, str]]]]


class Content(NamedTuple):
    """What a case says, or why it is not shown."""

    texts: list[Text]
    refusal: Refusal | None = None
    opened: dict[str, dict[str, Any]] = {}

    def of(self, event_id: UUID) -> dict[str, Any]:
        """What was written with one event."""
        return self.opened.get(str(event_id), {})


class Entry(NamedTuple):
    """One line of what happened: a fact, or an event of the deadline of a duty, `at` its instant.

    `annulled`: what took it back."""

    event: EventView
    at: datetime
    duty: Bilingual | None
    annulled: EventView | None
    details: list[tuple[Bilingual, Any, str]]


class Recorded(NamedTuple):
    """What was just recorded, for the notice above the case."""

    topic: str
    on: date | None


def case_pages(pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> list[HTTPRouteHandler]:
    """The routes of the lists, of the search and of one case."""
    shown = _Cases(pages, queries, intake, address)

    @get("/cases", include_in_schema=False)
    async def petitions(
        request: HttpRequest,
        agency: Body = "",
        case_state: InState = "",
        overdue: FromQuery[bool] = False,
        cursor: Cursor = "",
    ) -> Response[str]:
        wanted = CaseFilter(
            subject="petition",
            agency=body_of(agency),
            state=case_state,
            overdue=overdue,
            # Without a word on the state the petitions are those that are not done with.
            unresolved=not case_state,
        )
        return await shown.list(request, wanted, cursor)

    @get("/conferences", include_in_schema=False)
    async def conferences(request: HttpRequest, case_state: InState = "", cursor: Cursor = "") -> Response[str]:
        return await shown.list(request, CaseFilter(subject="conference", state=case_state), cursor)

    @get("/jurisdictions", include_in_schema=False)
    async def jurisdictions(request: HttpRequest, cursor: Cursor = "") -> Response[str]:
        return await shown.list(request, CaseFilter(subject="jurisdiction"), cursor)

    @get("/search", include_in_schema=False)
    async def search(
        request: HttpRequest, q: Annotated[str, QueryParameter(max_length=MAX_SOUGHT)] = ""
    ) -> Response[Any]:
        sought = "".join(letter for letter in q.upper() if letter.isalnum())
        found = await queries.by_receipt(scope_of(request), sought) if sought else None
        if found is not None:
            return Redirect(f"/cases/{found}", status_code=SEE_OTHER)
        return await pages.show(request, "search.html", sought=q)

    @get("/cases/{subject_id:uuid}", include_in_schema=False)
    async def one_case(
        request: HttpRequest,
        subject_id: FromPath[UUID],
        recorded: Annotated[str, QueryParameter(max_length=60)] = "",
        on: FromQuery[date | None] = None,
    ) -> Response[str]:
        file = or_404(await queries.case(scope_of(request), subject_id), "case")
        return await shown.one(request, file, Recorded(recorded, on) if recorded in EVENT_TITLES else None)

    return [petitions, conferences, jurisdictions, search, one_case]


class _Cases:
    def __init__(self, pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> None:
        self._pages, self._queries, self._intake, self._address = pages, queries, intake, address

    async def list(self, request: HttpRequest, wanted: CaseFilter, cursor: str) -> Response[str]:
        """A page of a list."""
        queries, scope = self._queries, scope_of(request)
        page = await or_400(queries.cases(scope, wanted, ON_A_PAGE, cursor))
        owed = await queries.open_deadlines([case.row.subject_id for case in page.items])
        codes = {case.row.agency for case in page.items} | {d.raised.debtor for ds in owed.values() for d in ds}
        return await self._pages.show(
            request,
            "cases.html",
            rows=[(case, owed.get(case.row.subject_id, [])) for case in page.items],
            agencies=(await queries.agencies(scope, "", IN_THE_FORM)).items,
            places=await queries.places(scope),
            open_states=OPEN_STATES,
            ended_states=(CaseState.RESOLVED, *ENDED),
            late=await lateness(queries),
            wanted=wanted,
            names=await names_of(queries, codes),
            next=next_link(request, page.next) if page.next else "",
            first=next_link(request, "") if cursor else "",
        )

    async def one(self, request: HttpRequest, file: CaseFile, recorded: Recorded | None) -> Response[str]:
        """The page of one case."""
        queries, row = self._queries, file.case.row
        events = [event_view(event) for event in file.events]
        raised = await queries.raised_events([deadline.raised.deadline_id for deadline in file.deadlines])
        acts, content = await asyncio.gather(self._acts(request, file), self._content(request, file))
        names = await names_of(queries, _bodies(file.case, file.deadlines, events))
        visible = await queries.visible(scope_of(request), _others(file.case, events))
        linked = {str(i) for i in visible}
        more, template = await self._of_subject(request, file, events)
        names |= await names_of(queries, {case.row.agency for case in more.get("petitions", ())})
        return await self._pages.show(
            request,
            template,
            **more,
            can={act.command for act in [*acts.first, *acts.others]} if acts else set(),
            recorded=recorded,
            file=file,
            case=file.case,
            row=row,
            deadlines=sorted(file.deadlines, key=_open_first),
            timeline=_timeline(file, events, raised, names, linked),
            waits=any(event.waits for event in events),
            places=await queries.places(scope_of(request)),
            acts=acts,
            content=content,
            linked=linked,
            late=await lateness(queries),
            names=names,
        )

    async def _of_subject(
        self, request: HttpRequest, file: CaseFile, events: Sequence[EventView]
    ) -> tuple[dict[str, Any], str]:
        """What the page of a conference or a place shows beside what every case has, and its template."""
        queries, scope, row = self._queries, scope_of(request), file.case.row
        match row.subject:
            case "conference":
                petitions = await queries.at_conference(scope, row.subject_id)
                states = Counter(case.row.state for case in petitions)
                return {
                    "view": conference_view(events, annulled_ids(file.events), file.deadlines, row.state),
                    "phases": PHASES,
                    "petitions": petitions,
                    "titles": {case.row.subject_id: case.row.title for case in petitions},
                    "progress": [(state, states[state]) for state in CaseState if states[state]],
                }, "conference.html"
            case "jurisdiction":
                wanted = CaseFilter(subject="jurisdiction", jurisdiction=row.jurisdiction)
                below = (await queries.cases(scope, wanted, IN_THE_FORM)).items
                return {
                    "communes": [case for case in below if case.row.subject_id != row.subject_id]
                }, "jurisdiction.html"
            case _:
                return {}, "case.html"

    async def _acts(self, request: HttpRequest, file: CaseFile) -> Acts | None:
        """What can be done on a case now; None where intake does not say so."""
        url, token = self._address(file.case.source), token_of(request)
        if url is None:
            return None
        try:
            definitions, answers = await asyncio.gather(
                self._intake.definitions(url, token), self._intake.possible(url, possible_path(file), token)
            )
        except Refusal as refusal:
            return Acts([], [], []) if refusal.status == 403 else None
        by_command = definitions_by_command(definitions.values(), file)
        possible = [by_command[each.command] for each in answers if each.possible and each.command in by_command]
        refused = [
            (by_command[each.command], each.refusal.detail)
            for each in answers
            if each.refusal is not None and each.refusal.status != 403 and each.command in by_command
        ]
        order = NEXT.get(file.case.row.state, ())
        first = sorted((act for act in possible if act.command in order), key=lambda act: order.index(act.command))
        return Acts(first, [act for act in possible if act not in first], refused)

    async def _content(self, request: HttpRequest, file: CaseFile) -> Content | None:
        """What citizens wrote and what was answered, for those to whom intake opens it; it records each reading."""
        row = file.case.row
        if row.subject == "jurisdiction" or caller_of(request).roles.isdisjoint(CONTENT_ROLES):
            return None
        try:
            if (url := self._address(file.case.source)) is None:
                raise away("unread-source", source=file.case.source)
            opened = await self._intake.content(url, f"/v1/{row.subject}s/{row.subject_id}", token_of(request))
        except Refusal as refusal:
            return Content([], refusal)
        days = {str(event.event_id): event_view(event).data.get("effective_on", "") for event in file.events}
        texts = [_text(event, days) for event in opened if event.content]
        return Content(texts, opened={event.event_id: event.content for event in opened})


def _text(event: OpenedEvent, days: dict[str, Any]) -> Text:
    parts: list[tuple[Bilingual, str | list[tuple[Bilingual, str]]]] = []
    for name, value in event.content.items():
        words = field_title(name, event.topic)
        match value:
            case dict():
                people = value.values() if all(isinstance(each, dict) for each in value.values()) else [value]
                for person in people:
                    parts.append((words, [(field_title(k, "Identity"), str(v)) for k, v in person.items() if v]))
            case list():
                parts.append((words, "\n".join(map(str, value))))
            case _:
                parts.append((words, str(value)))
    return Text(event_words(event.topic), str(days.get(event.event_id, "")), [part for part in parts if part[1]])


def _timeline(
    file: CaseFile,
    events: Sequence[EventView],
    raised: Sequence[RaisedEvent],
    names: dict[str, Bilingual],
    linked: set[str],
) -> list[Entry]:
    """What happened in the order in which it was recorded; what was annulled says by what."""
    duties = {d.raised.deadline_id: duty_words(d.raised.duty) for d in file.deadlines}
    gone = annulled_ids(file.events)
    by_annulled = {
        str(event.data.get("event_id")): event
        for event in events
        if event.topic == RecordAnnulled.TOPIC and event.event_id not in gone
    }
    facts = [
        Entry(
            event,
            event.recorded_at,
            None,
            by_annulled.get(str(event.event_id)) if event.event_id in gone else None,
            list(_details(event, names, linked)),
        )
        for event in events
    ]
    of_deadlines = [
        Entry(
            event, datetime.fromisoformat(event.data["at"]), duties.get(each.deadline_id), None, list(_told_of(event))
        )
        for each in raised
        for event in [event_view(each.event)]
    ]
    return sorted([*facts, *of_deadlines], key=lambda entry: entry.at)


def _instant(event: EventView) -> datetime:
    """When a deadline's event was raised, in event time."""
    return datetime.fromisoformat(str(event.data["at"]))


def _told_of(event: EventView) -> Iterable[tuple[Bilingual, Any, str]]:
    """What the page says of a deadline's event: its day, and why it moved, was none, or is owed no more."""
    for name, words in (("due_on", Bilingual("Hạn", "due")), ("done_on", Bilingual("Hoàn thành", "done on"))):
        if day := event.data.get(name):
            yield words, f"{date.fromisoformat(str(day)):%d/%m/%Y}", ""
    if reason := event.data.get("reason"):
        words_of = ground_words if event.topic == DeadlineWaived.TOPIC else reason_words
        yield Bilingual("Lý do", "reason"), words_of(str(reason)), ""


def _details(event: EventView, names: dict[str, Bilingual], linked: set[str]) -> Iterable[tuple[Bilingual, Any, str]]:
    for name, value in event.data.items():
        if name in NOT_TOLD or not value or (isinstance(value, (dict, list)) and name not in ("agencies", "assisting")):
            continue
        words = field_title(name, event.topic)
        if name in NAMES_A_CASE:
            if str(value) in linked:
                yield words, "", f"/cases/{value}"
        elif isinstance(value, list):
            yield words, ", ".join(names[str(v)].vi if str(v) in names else str(v) for v in value), ""
        elif isinstance(value, bool):
            yield words, Bilingual("có", "yes") if value else Bilingual("không", "no"), ""
        elif (found := choice_words(event.topic, name, str(value))) is not None:
            yield words, found, ""
        elif str(value) in names:
            yield words, names[str(value)], ""
        else:
            with contextlib.suppress(ValueError):
                value = f"{date.fromisoformat(str(value)):%d/%m/%Y}"
            yield words, str(value), ""


def _open_first(deadline: Deadline) -> tuple[bool, date]:
    return not deadline.raised.is_open, deadline.raised.due_on or date.max


def _others(case: Case, events: Sequence[EventView]) -> set[UUID]:
    """The cases that the page of a case names."""
    found = {each for each in (case.row.conference_id, case.row.merged_into) if each}
    for named in (event.data.get(field) for event in events for field in NAMES_A_CASE):
        with contextlib.suppress(ValueError):  # an event that waits may hold anything
            found.add(UUID(str(named)))
    return found


def _bodies(case: Case, deadlines: Iterable[Deadline], events: Sequence[EventView]) -> set[str]:
    named = {
        str(event.data[field])
        for event in events
        for field in ("agency", "to", "by", "office", "station")
        if isinstance(event.data.get(field), str)
    }
    return {case.row.agency, *(span.agency for span in case.row.spans), *(d.raised.debtor for d in deadlines), *named}
