"""The page of the hall: what each speaker of a conference says and what became of it, written down while it is held.

A line is one act at intake. Without a script the page is plain forms; with it lines wait in the browser while there is
no network, and are sent in their order, each under its key. Both send the same form to the same address.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, OpenedEvent, Refusal
from services.followup.adapters.read.models import Case, CaseFile
from services.followup.adapters.read.queries import Queries
from services.followup.console.actors import ActorNames
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.agenda import AgendaItem, Agendas, by_petition, conference_end
from services.followup.console.choices import FormChoices
from services.followup.console.command_forms import FormError
from services.followup.console.conference_view import ConferencePage, view_of
from services.followup.console.content import Content, content_of
from services.followup.console.form_body import read_form
from services.followup.console.hall_lines import HallLine, line_of
from services.followup.console.intake_door import LOOK_EVERY, WAIT_FOR_READER, Address, IntakeDoor, check_key
from services.followup.console.language import Language, is_only_language_asked, language_of
from services.followup.console.named_codes import NamedCodes
from services.followup.console.pages import Pages, names_of
from services.followup.console.recorded import recorded_now
from services.followup.console.roles import KEEPING, READING_CONTENT, has_any
from services.followup.console.targets import title_of
from services.followup.domain.deadlines.case_rows import UNASSIGNED
from services.followup.domain.wording.names import Bilingual, state_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.json_views import EventView, event_view
from services.followup.entrypoints.query_parameters import HttpRequest, of_one_source, or_404
from services.followup.entrypoints.signed_in import form_token_of
from shared.command_definitions import ChoiceDefinition, translated
from shared.events.field_titles import CHOICE_TITLES
from shared.http.auth import AuthenticatedCaller, caller_of, token_of
from shared.http.permissions import for_roles
from shared.http.problems import PROBLEM_JSON, TYPE_PREFIX
from shared.identifiers import is_within
from shared.sentences import Sentence

AT_ONCE = 8  # petitions that are opened
MAX_SAID = 60  # characters of what an address says was recorded
#: Speakers from the turn on whose lines offer every petition. The script fills in the others when they are opened:
#: all petitions for all speakers would be a page of 10 MB for three hundred of them.
NEAR = 20

_KINDS = [ChoiceDefinition(value, translated(said)) for value, said in CHOICE_TITLES["PetitionReceived.kind"].items()]
_NOT_RECORDED = Sentence("Chưa ghi nhận", "Not recorded")
_ANSWERED = Sentence("Trả lời", "Answer")
_GIVEN_TO = Sentence("Giao giải quyết", "Assigned to")
_NOT_YOURS = Sentence(
    "Các dòng này do người khác nhập trong trình duyệt này; người đó đăng nhập lại thì chúng được gửi tiếp.",
    "Somebody else typed these lines in this browser; they are sent once that person is signed in again.",
)


class HallSpeaker(NamedTuple):
    """A speaker of the list. `called_by` is empty until the call is recorded."""

    number: str
    petition_id: str = ""
    title: str = ""
    state: str = ""
    called_by: str = ""
    name: str = ""
    matter: str = ""
    words: str = ""
    asked: str = ""  # the words of the petition
    prepared: tuple[tuple[str, str], ...] = ()  # by which agency, and what it would answer
    answer: str = ""
    agency: str = ""
    latest: date | None = None


class SpeakerNow(msgspec.Struct, frozen=True):
    """A speaker as the script of the page is told of them: nothing that is sealed."""

    number: str
    petition: str
    title: str
    state: str
    called: bool


class PetitionNow(msgspec.Struct, frozen=True):
    """A petition of the agenda as the script is told of it."""

    id: str
    title: str
    said: str


class SpeakerTold(msgspec.Struct, frozen=True):
    """A speaker by name, and what of the call goes into the minutes; empty before the call."""

    number: str
    name: str
    minutes: str


class HallNow(msgspec.Struct, frozen=True):
    """How far the conference has come: its version at intake, its day, its speakers in order."""

    version: int
    today: str
    person: str
    form_token: str
    minutes: bool
    speakers: list[SpeakerNow]
    petitions: list[PetitionNow]


class LineRecorded(msgspec.Struct, frozen=True):
    """A line was recorded. `anew`: others had recorded since it was typed, and it was decided on what they left."""

    version: int
    anew: bool
    petition: str


class Theirs(msgspec.Struct, frozen=True):
    """What somebody else recorded of the same speaker; `person` is what people call them."""

    person: str
    words: str


class LineProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a line was not recorded (RFC 9457); `field` is its input."""

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    theirs: Theirs | None = None


class Hall(NamedTuple):
    """A conference as its hall sees it."""

    file: CaseFile
    view: ConferencePage
    petitions: list[Case]
    events: list[EventView]

    @property
    def source(self) -> str:
        """The source that has it."""
        return self.file.case.source

    @property
    def id(self) -> str:
        """The conference's id."""
        return str(self.file.case.row.subject_id)

    @property
    def version(self) -> int:
        """The version of the conference at intake: each of its events is one."""
        return len(self.file.events)


def hall_pages(
    pages: Pages, queries: Queries, agendas: Agendas, intake: IntakeClient, address: Address
) -> list[HTTPRouteHandler]:
    """The routes of the hall: the page, what it sends, and how the conference stands."""
    halls = _Halls(pages, queries, agendas, intake, address)

    @get("/cases/{subject_id:uuid}/hall", include_in_schema=False)
    async def hall(
        request: HttpRequest,
        subject_id: FromPath[UUID],
        recorded: Annotated[str, QueryParameter(max_length=MAX_SAID)] = "",
    ) -> Response[str]:
        return await halls.page(request, await halls.of(request, subject_id), recorded=recorded)

    @get("/cases/{subject_id:uuid}/hall/now", include_in_schema=False)
    async def hall_now(request: HttpRequest, subject_id: FromPath[UUID]) -> HallNow:
        return await halls.now(request, await halls.of(request, subject_id))

    @get("/cases/{subject_id:uuid}/hall/told", include_in_schema=False, opt=for_roles(KEEPING))
    async def hall_told(request: HttpRequest, subject_id: FromPath[UUID]) -> list[SpeakerTold]:
        hall = await halls.of(request, subject_id)
        return await halls.told(request, hall)

    @post("/cases/{subject_id:uuid}/hall", include_in_schema=False, status_code=200, opt=for_roles(KEEPING))
    async def hall_line(request: HttpRequest, subject_id: FromPath[UUID]) -> Response[Any]:
        return await halls.record(request, await halls.of(request, subject_id))

    return [hall, hall_now, hall_told, hall_line]


class _Halls:
    def __init__(
        self, pages: Pages, queries: Queries, agendas: Agendas, intake: IntakeClient, address: Address
    ) -> None:
        self._pages, self._queries, self._agendas = pages, queries, agendas
        self._intake, self._address = intake, address
        self._door, self._choices = IntakeDoor(queries, address), FormChoices(queries)
        self._actors = ActorNames(intake, address)

    async def of(self, request: HttpRequest, subject_id: UUID) -> Hall:
        """The hall of a conference that the caller may see. Raises ProblemError 404."""
        file = await of_one_source(self._queries.case(scope_of(request), subject_id))
        file = or_404(file if file is not None and file.case.row.subject == "conference" else None, "case")
        petitions = await self._queries.at_conference(scope_of(request), subject_id)
        return Hall(file, view_of(file), petitions, [event_view(event) for event in file.events])

    async def now(self, request: HttpRequest, hall: Hall) -> HallNow:
        """How the conference stands, without what is sealed: nothing is opened, however often this is asked."""
        language = language_of(request)
        names = await names_of(self._queries, hall.source, {case.row.agency for case in hall.petitions})
        return HallNow(
            version=hall.version,
            today=(await self._door.today(hall.file.case.source)).isoformat(),
            person=caller_of(request).name,
            form_token=form_token_of(request),
            minutes=hall.view.minutes is not None,
            speakers=[
                SpeakerNow(
                    each.number,
                    each.petition_id,
                    each.title,
                    str(getattr(state_words("petition", each.state), language)) if each.state else "",
                    bool(each.called_by),
                )
                for each in _speakers(hall, None)
            ],
            petitions=[
                PetitionNow(
                    str(case.row.subject_id),
                    case.row.title,
                    " · ".join(
                        str(getattr(words, language))
                        for words in (names[case.row.agency], state_words("petition", case.row.state))
                    ),
                )
                for case in hall.petitions
            ],
        )

    async def told(self, request: HttpRequest, hall: Hall) -> list[SpeakerTold]:
        """The speakers by name, with what goes into the minutes; intake records that it was read."""
        speakers = await self._opened(request, hall, [])
        names = await names_of(self._queries, hall.source, {each.agency for each in speakers})
        language = language_of(request)
        return [SpeakerTold(each.number, each.name, minutes_of(each, names, language)) for each in speakers]

    async def _opened(self, request: HttpRequest, hall: Hall, items: Sequence[AgendaItem]) -> list[HallSpeaker]:
        """The speakers with what is opened of the conference and of their petitions, for whom intake opens it."""
        speakers = _speakers(hall, await content_of(self._intake, self._address, request, hall.file))
        if not has_any(caller_of(request), READING_CONTENT):
            return speakers
        wanted = {each.petition_id for each in speakers if each.petition_id}
        url, token, few = self._door.url(hall.file.case.source), token_of(request), asyncio.Semaphore(AT_ONCE)

        async def opened(petition: str) -> tuple[str, list[OpenedEvent]]:
            async with few:
                try:
                    return petition, await self._intake.content(url, f"/v1/petitions/{petition}", token)
                except Refusal:  # not this caller's to read, or erased
                    return petition, []

        contents = dict(await asyncio.gather(*map(opened, sorted(wanted))))
        agenda = by_petition(items)
        return [_with_content(each, contents, agenda) for each in speakers]

    async def page(
        self,
        request: HttpRequest,
        hall: Hall,
        *,
        recorded: str = "",
        filled: Mapping[str, str] | None = None,
        errors: Sequence[FormError] = (),
        status: int = 200,
    ) -> Response[str]:
        """The page, with what was filled in and what is wrong with it."""
        row, scope = hall.file.case.row, scope_of(request)
        today = await self._door.today(hall.file.case.source)
        choices = await self._choices.of(scope, hall.source, hall.file)
        choices |= await self._choices.catalogues(hall.source, row.jurisdiction, today)
        view, conference = hall.view, hall.file.case.row.subject_id
        end = conference_end(view.first_day, view.last_day, view.closed_on, today)
        items = await self._agendas.of(conference, hall.petitions, end)
        speakers = await self._opened(request, hall, items)
        names = await names_of(self._queries, hall.source, {code for item in items for code in item.agencies})
        may_keep = has_any(caller_of(request), KEEPING)
        return await self._pages.show_with_script(
            request,
            "hall.html",
            "hall.js" if may_keep else "",
            status=status,
            source=hall.source,
            row=row,
            view=hall.view,
            title=title_of(row),
            version=hall.version,
            today=today,
            speakers=speakers,
            turn=next((each.number for each in speakers if not each.called_by), ""),
            next_number=view.next_number,
            agenda=by_petition(items),
            latest=await self._agendas.latest(hall.file.case.source, row.jurisdiction, end),
            minutes_so_far="\n\n".join(
                text for each in speakers if (text := minutes_of(each, names, language_of(request)))
            ),
            petitions=hall.petitions,
            offered=offered_petitions(speakers, hall.petitions),
            names=names,
            agencies_to_choose=choices["agency"],
            places_to_choose=[each for each in choices["place"] if is_within(each.value, row.jurisdiction)],
            kinds_to_choose=_KINDS,
            fields_to_choose=choices.get("catalogue.field", ()),
            person=caller_of(request).name,
            may_keep=may_keep,
            recorded=recorded_now(recorded, None),
            filled=filled or {},
            kept_form=_form_of(speakers, filled or {}),
            errors=errors,
            new_key=lambda: secrets.token_urlsafe(16),
        )

    async def record(self, request: HttpRequest, hall: Hall) -> Response[Any]:
        """Send a line to intake; the script is answered, a browser without it led back to the page."""
        filled = await read_form(request)
        check_key(filled.get("key", ""))
        if is_only_language_asked(request):
            return await self.page(request, hall, filled=filled)
        source = hall.file.case.source
        line, errors = line_of(hall.id, filled, await self._door.today(source))
        if errors:
            return await self._wrong(request, hall, filled, errors[0], Refusal(_said(errors[0])))
        try:
            _check_person(caller_of(request), filled)
            sent = await self._send(self._door.url(source), hall.id, line, filled.get("key", ""), token_of(request))
        except Refusal as refusal:
            error = FormError(refusal.field or "", translated(refusal.detail))
            return await self._wrong(request, hall, filled, error, refusal)
        await self._door.until_read(source, sent.position)
        if _is_script(request):
            return Response(LineRecorded(sent.version, sent.anew, sent.petition))
        query = urlencode({"recorded": line.parts[0].command if len(line.parts) == 1 else line.parts[-1].command})
        return Redirect(f"/cases/{hall.id}/hall?{query}#turn", status_code=SEE_OTHER)

    async def _send(self, url: str, conference: str, line: HallLine, key: str, token: str) -> "_Sent":
        """Record a line as it rests on what the page showed, or else anew on what others left.

        Sent again, a line goes the same way and so gets its first answer. Raises Refusal, with the input to blame.
        """
        anew = False
        while True:
            try:
                if not line.act:
                    (part,) = line.parts
                    alone = await self._intake.act(url, f"/v1/conferences/{conference}/minutes", part.body, key, token)
                    return _Sent(alone.position)
                parts = [part.sent(anew=anew) for part in line.parts]
                done = await self._intake.composite(url, line.act, parts, key, token)
            except Refusal as refusal:
                fewer = line.without_raising
                if refusal.code == "stale-version" and not anew:
                    anew = True
                elif refusal.code in ("already-raised", "speaker-already-called") and fewer is not None:
                    # Called already may be by this very line, of which only the shorter form was taken.
                    line, key = fewer, f"{key}-raised"
                else:
                    refusal.field = line.input_of(refusal.field)
                    raise
            else:
                version = max(part.version for part in done.parts if part.id == conference)
                petition = next((part.id for part in done.parts if part.id != conference), "")
                return _Sent(done.position, version, anew, petition)

    async def _wrong(
        self, request: HttpRequest, hall: Hall, filled: Mapping[str, str], error: FormError, refusal: Refusal
    ) -> Response[Any]:
        """Why a line was not recorded: told to the script, or shown on the page beside its input."""
        status = 503 if refusal.status >= 500 else refusal.status if refusal.status == 409 else 422
        if not _is_script(request):
            return await self.page(request, hall, filled=filled, errors=[error], status=status)
        language = language_of(request)
        said = (await NamedCodes.of(self._queries, hall.source, [error.said])).said(error.said)
        theirs = None
        if refusal.code == "speaker-already-called":
            theirs = await self._theirs(request, hall, filled.get("speaker", ""))
        problem = LineProblem(
            TYPE_PREFIX + (refusal.code or "invalid-value"),
            getattr(_NOT_RECORDED, language),
            status,
            getattr(said, language),
            error.at,
            theirs,
        )
        return Response(problem, status_code=status, media_type=PROBLEM_JSON)

    async def _theirs(self, request: HttpRequest, hall: Hall, number: str) -> Theirs | None:
        """What somebody else recorded of a speaker, once followup has read it."""
        for _ in range(int(WAIT_FOR_READER / LOOK_EVERY)):
            found = next((each for each in _speakers(hall, None) if each.number == number), None)
            if found is not None and found.called_by:
                content = await content_of(self._intake, self._address, request, hall.file)
                told = next(each for each in _speakers(hall, content) if each.number == number)
                source, who = hall.file.case.source, told.called_by
                names = await self._actors.of(request, source, [who])
                return Theirs(getattr(names[who], language_of(request)), told.words)
            await asyncio.sleep(LOOK_EVERY)
            hall = await self.of(request, hall.file.case.row.subject_id)
        return None


class _Sent(NamedTuple):
    """Where a line was recorded. `petition` is the case that it is about, beside the conference."""

    position: int
    version: int = 0
    anew: bool = False
    petition: str = ""


def _speakers(hall: Hall, content: Content | None) -> list[HallSpeaker]:
    """The speakers in their order, with what of it is opened."""
    rows = {case.row.subject_id: case.row for case in hall.petitions}
    actors = {event.event_id: event.actor for event in hall.events}
    found = []
    for each in hall.view.speakers:
        said = content.of(each.event_id) if content else {}
        called = content.of(each.called_id) if content and each.called_id else {}
        row = rows.get(each.petition_id) if each.petition_id else None
        found.append(
            HallSpeaker(
                number=each.number,
                petition_id=str(each.petition_id or ""),
                title=row.title if row else "",
                state=row.state if row else "",
                called_by=(actors.get(each.called_id) or "?") if each.called_id else "",
                name=str(said.get("name", "")),
                matter=str(said.get("matter", "")),
                words=str(called.get("words", "")),
                agency=row.agency if row else UNASSIGNED,
            )
        )
    return found


def _form_of(speakers: Sequence[HallSpeaker], filled: Mapping[str, str]) -> str:
    """The form of the page that was filled in; empty before one is."""
    if filled.get("kind") != "conduct":
        return f"{filled['kind']}-form" if filled.get("kind") in ("slip", "minutes") else ""
    found = (n for n, each in enumerate(speakers, 1) if each.number == filled.get("speaker"))
    return next((f"s{n}-form" for n in found), "")


def offered_petitions(
    speakers: Sequence[HallSpeaker], petitions: Sequence[Case]
) -> Callable[[str, str], Sequence[Case]]:
    """The petitions that the line of a speaker offers, beside the one that is chosen there."""
    near = {"", *[each.number for each in speakers if not each.called_by][:NEAR]}
    by_id = {str(case.row.subject_id): case for case in petitions}

    def offered(number: str, chosen: str) -> Sequence[Case]:
        return petitions if number in near else [by_id[chosen]] if chosen in by_id else []

    return offered


#: The events that hold what a petition says; the last of them that says it holds now.
_ASKED = ("PetitionReceived", "PetitionCorrected")


def _with_content(
    speaker: HallSpeaker, contents: Mapping[str, Sequence[OpenedEvent]], agenda: Mapping[UUID, AgendaItem]
) -> HallSpeaker:
    """A speaker with the words of the petition, what was prepared for it, and what was answered."""
    events = contents.get(speaker.petition_id, ())
    item = agenda.get(UUID(speaker.petition_id)) if speaker.petition_id else None
    texts = {event.event_id: str(event.content.get("text", "")) for event in events}
    answers = [str(e.content.get("answer", "")) for e in events if e.topic == "PetitionAnsweredAtConference"]
    prepared = item.preparations if item else ()
    return speaker._replace(
        asked=next((texts[e.event_id] for e in reversed(events) if e.topic in _ASKED and texts[e.event_id]), ""),
        prepared=tuple((each.agency, texts.get(str(each.event_id), "")) for each in prepared if each.event_id),
        answer=next(iter(answers), ""),
        latest=item.latest if item else None,
    )


def minutes_of(speaker: HallSpeaker, names: Mapping[str, Bilingual], language: Language) -> str:
    """What of a speaker goes into the minutes: who said what, and what became of it. Empty before the call."""
    if not speaker.called_by:
        return ""
    lines = [f"{speaker.number}. {speaker.name or speaker.title}: {speaker.words or speaker.matter}"]
    if speaker.answer:
        lines.append(f"{getattr(_ANSWERED, language)}: {speaker.answer}")
    elif speaker.agency and speaker.agency != UNASSIGNED:
        lines.append(f"{getattr(_GIVEN_TO, language)}: {getattr(names[speaker.agency], language)}")
    return "\n".join(lines)


def _check_person(caller: AuthenticatedCaller, filled: Mapping[str, str]) -> None:
    """Nobody sends what another has typed in the same browser. Raises Refusal."""
    if filled.get("person", caller.name) != caller.name:
        raise Refusal(_NOT_YOURS, "person", 409, "another-person")


def _is_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _said(error: FormError) -> Sentence:
    return Sentence(error.said.vi, error.said.en)
