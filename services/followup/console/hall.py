"""The page of the hall: what each speaker of a conference says and what became of it, written down while it is held.

A line is one act at intake. Without a script the page is plain forms; with it lines wait in the browser while there is
no network, and are sent in their order, each under its key. Both send the same form to the same address.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.adapters.read.models import Case, CaseFile
from services.followup.adapters.read.queries import Queries
from services.followup.console.actors import actor_names
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.choices import FormChoices
from services.followup.console.command_forms import FormError
from services.followup.console.conference_view import ConferencePage, conference_view
from services.followup.console.content import Content, content_of
from services.followup.console.form_body import read_form
from services.followup.console.hall_lines import HallLine, line_of, next_speaker_number
from services.followup.console.intake_door import LOOK_EVERY, WAIT_FOR_READER, Address, IntakeDoor, check_key
from services.followup.console.language import is_only_language_asked, language_of
from services.followup.console.pages import Pages, annulled_ids, names_of
from services.followup.console.recorded import recorded_now
from services.followup.console.roles import KEEPING, has_any
from services.followup.console.targets import title_of
from services.followup.domain.wording.names import state_words
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.json_views import EventView, event_view
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from services.followup.entrypoints.signed_in import form_token_of
from shared.command_definitions import ChoiceDefinition, translated
from shared.events.field_titles import CHOICE_TITLES
from shared.http.auth import AuthenticatedCaller, caller_of, need_role, token_of
from shared.http.problems import PROBLEM_JSON, TYPE_PREFIX
from shared.identifiers import is_within
from shared.sentences import Sentence

MAX_SAID = 60  # characters of what an address says was recorded
#: Speakers from the turn on whose lines offer every petition. The script fills in the others when they are opened:
#: all petitions for all speakers would be a page of 10 MB for three hundred of them.
NEAR = 20

_KINDS = [ChoiceDefinition(value, translated(said)) for value, said in CHOICE_TITLES["PetitionReceived.kind"].items()]
_NOT_RECORDED = Sentence("Chưa ghi nhận", "Not recorded")
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


class SpeakerNow(msgspec.Struct, frozen=True):
    """A speaker as the script of the page is told of them: nothing that is sealed."""

    number: str
    petition: str
    title: str
    state: str
    called: bool


class HallNow(msgspec.Struct, frozen=True):
    """How far the conference has come: its version at intake, its day, its speakers in order."""

    version: int
    today: str
    person: str
    form_token: str
    minutes: bool
    speakers: list[SpeakerNow]


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
    def id(self) -> str:
        """The conference's id."""
        return str(self.file.case.row.subject_id)

    @property
    def version(self) -> int:
        """The version of the conference at intake: each of its events is one."""
        return len(self.file.events)


def hall_pages(pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> list[HTTPRouteHandler]:
    """The routes of the hall: the page, what it sends, and how the conference stands."""
    halls = _Halls(pages, queries, intake, address)

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

    @post("/cases/{subject_id:uuid}/hall", include_in_schema=False, status_code=200)
    async def hall_line(request: HttpRequest, subject_id: FromPath[UUID]) -> Response[Any]:
        return await halls.record(request, await halls.of(request, subject_id))

    return [hall, hall_now, hall_line]


class _Halls:
    def __init__(self, pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> None:
        self._pages, self._queries, self._intake, self._address = pages, queries, intake, address
        self._door, self._choices = IntakeDoor(queries, address), FormChoices(queries)

    async def of(self, request: HttpRequest, subject_id: UUID) -> Hall:
        """The hall of a conference that the caller may see. Raises ProblemError 404."""
        file = await self._queries.case(scope_of(request), subject_id)
        file = or_404(file if file is not None and file.case.row.subject == "conference" else None, "case")
        events = [event_view(event) for event in file.events]
        view = conference_view(events, annulled_ids(file.events), file.deadlines, file.case.row.state)
        petitions = await self._queries.at_conference(scope_of(request), subject_id)
        return Hall(file, view, petitions, events)

    async def now(self, request: HttpRequest, hall: Hall) -> HallNow:
        """How the conference stands, without what is sealed: nothing is opened, however often this is asked."""
        language = language_of(request)
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
        )

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
        choices = await self._choices.of(scope, hall.file) | await self._choices.catalogues(row.jurisdiction, today)
        speakers = _speakers(hall, await content_of(self._intake, self._address, request, hall.file))
        may_keep = has_any(caller_of(request), KEEPING)
        return await self._pages.show_with_script(
            request,
            "hall.html",
            "hall.js" if may_keep else "",
            status=status,
            row=row,
            view=hall.view,
            title=title_of(row),
            version=hall.version,
            today=today,
            speakers=speakers,
            turn=next((each.number for each in speakers if not each.called_by), ""),
            next_number=_next_number(speakers),
            petitions=hall.petitions,
            offered=offered_petitions(speakers, hall.petitions),
            names=await names_of(self._queries, {case.row.agency for case in hall.petitions}),
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
        need_role(caller_of(request), *KEEPING)
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
        theirs = None
        if refusal.code == "speaker-already-called":
            theirs = await self._theirs(request, hall, filled.get("speaker", ""))
        problem = LineProblem(
            TYPE_PREFIX + (refusal.code or "invalid-value"),
            getattr(_NOT_RECORDED, language),
            status,
            getattr(error.said, language),
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
                names = await actor_names(self._intake, self._address, request, source, [who])
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


def _next_number(speakers: Sequence[HallSpeaker]) -> int:
    return max(len(speakers) + 1, next_speaker_number(each.number for each in speakers))


def _check_person(caller: AuthenticatedCaller, filled: Mapping[str, str]) -> None:
    """Nobody sends what another has typed in the same browser. Raises Refusal."""
    if filled.get("person", caller.name) != caller.name:
        raise Refusal(_NOT_YOURS, "person", 409, "another-person")


def _is_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _said(error: FormError) -> Sentence:
    return Sentence(error.said.vi, error.said.en)
