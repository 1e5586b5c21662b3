"""`/sandbox`: moves the days, brings a petition before a conference, answers it, and puts the seed back.

It listens on loopback beside the pair, in the process that started it. Each call but the page needs a token of the
sandbox, so that no page of a browser moves its days. Acts come one at a time.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from services.intake.application.json_body import cleaned
from services.intake.entrypoints.bodies import whole_body
from services.intake.entrypoints.refusals import REFUSAL_HANDLERS
from services.sandbox.acts import RefusedByPair, SandboxActs
from services.sandbox.page import SandboxPage
from shared.http import html
from shared.http.auth import Callers
from shared.http.bodies import check_type
from shared.http.methods import with_head_and_options
from shared.http.parameters import PARAMETER_HANDLERS
from shared.http.problems import EXCEPTION_HANDLERS, language_of, problem, problem_response
from shared.http.server import server
from shared.identifiers import local_day
from shared.invalid_body import decoded

HOST = "127.0.0.1"
RESET_WITHIN = 60.0  # seconds
STOP_WITHIN = 10.0  # seconds
NEXT_DEADLINE = "next-deadline"
_REPLY = "Nội dung trả lời thử nghiệm của cơ quan có thẩm quyền."
T = TypeVar("T")
HttpRequest = Request[Any, Any, Any]


class NamedPetition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A petition by its id, or by the reference under which it was pushed."""

    petition_id: UUID | None = None
    source: str = ""
    external_id: str = ""

    @property
    def is_meant(self) -> bool:
        """Whether it is about one, be it named in part only."""
        return self.petition_id is not None or bool(self.source or self.external_id)

    @property
    def is_named(self) -> bool:
        """Whether it names one."""
        return self.petition_id is not None or bool(self.source and self.external_id)


class SandboxMove(NamedPetition, frozen=True, kw_only=True):
    """Where to: an instant or `next-deadline`, of one petition if it names one; or a duration ahead."""

    to: str = ""
    by: str = ""


class SandboxReply(NamedPetition, frozen=True, kw_only=True):
    """What the agency answers."""

    text: str = _REPLY
    number: str = "01/TL-KTHT"


class SandboxRefusal(NamedPetition, frozen=True, kw_only=True):
    """Why the office takes no case up."""

    ground: str = "Nội dung không thuộc thẩm quyền của đơn vị."


class SandboxRedirection(NamedPetition, frozen=True, kw_only=True):
    """Where the office sends the citizen."""

    body: str = "Thanh tra huyện, theo Luật Khiếu nại"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of what needs none."""


class DeadlineNow(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline as followup shows it after the act."""

    deadline_id: UUID
    subject_id: UUID
    duty: str
    due_on: date | None
    status: str


class SandboxState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it. `deadlines` are those of the petition, or the one to which the clock was moved."""

    now: datetime
    today: date
    petition_id: UUID | None = None
    conference_id: UUID | None = None
    deadlines: list[DeadlineNow] = []


def sandbox_app(desk: "SandboxDesk", callers: Callers, page: SandboxPage) -> Litestar:
    """The routes of a desk; all but the page need a caller."""
    return Litestar(
        route_handlers=with_head_and_options(desk.routes(page)),
        before_request=callers.hook(open_paths=frozenset({"/sandbox"})),
        exception_handlers={**EXCEPTION_HANDLERS, **PARAMETER_HANDLERS, **REFUSAL_HANDLERS, **_HANDLERS},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


@contextlib.contextmanager
def serving(app: Litestar, port: int) -> Iterator[None]:
    """Serve on loopback, in a thread of its own, until the block ends."""
    made = server(app, HOST, port)
    thread = threading.Thread(target=lambda: asyncio.run(made.serve()), name="sandbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        made.should_exit = True
        thread.join(STOP_WITHIN)


class SandboxDesk:
    """Does what is asked of the sandbox; `turn` does in the caller's thread what only that may do."""

    def __init__(self, acts: SandboxActs) -> None:
        self._acts = acts
        self._wanted = threading.Event()
        self._done = threading.Event()

    def turn(self, seconds: float, reset: Callable[[], None]) -> None:
        """Wait for so long, and put the seed back where that is asked for meanwhile."""
        if self._wanted.wait(seconds):
            self._wanted.clear()
            reset()
            self._done.set()

    def routes(self, page: SandboxPage) -> list[HTTPRouteHandler]:
        """Each act as a route."""

        @get("/sandbox", sync_to_thread=False)
        def show(request: HttpRequest) -> Response[Any]:
            if html.prefers_html(request):
                return html.page("sandbox.html", "services.sandbox", here=page)
            return Response(msgspec.json.encode(page), media_type=MediaType.JSON)

        @post("/sandbox/clock", status_code=200)
        async def clock(request: HttpRequest) -> SandboxState:
            return await self._one(request, SandboxMove, self._move)

        @post("/sandbox/conference", status_code=200)
        async def conference(request: HttpRequest) -> SandboxState:
            def hold(body: NamedPetition) -> SandboxState:
                petition = self._petition(body)
                return self._told(petition, self._acts.conference(petition))

            return await self._one(request, NamedPetition, hold)

        @post("/sandbox/reply", status_code=200)
        async def reply(request: HttpRequest) -> SandboxState:
            def answer(body: SandboxReply) -> SandboxState:
                petition = self._petition(body)
                self._acts.reply(petition, body.text, body.number)
                return self._told(petition)

            return await self._one(request, SandboxReply, answer)

        @post("/sandbox/refusal", status_code=200)
        async def refusal(request: HttpRequest) -> SandboxState:
            def refuse(body: SandboxRefusal) -> SandboxState:
                petition = self._petition(body)
                self._acts.by_office(petition, "refusal", {"number": "01/TB-KTL", "ground": body.ground})
                return self._told(petition)

            return await self._one(request, SandboxRefusal, refuse)

        @post("/sandbox/redirection", status_code=200)
        async def redirection(request: HttpRequest) -> SandboxState:
            def redirect(body: SandboxRedirection) -> SandboxState:
                petition = self._petition(body)
                self._acts.by_office(petition, "redirection", {"procedure": "complaint", "body": body.body})
                return self._told(petition)

            return await self._one(request, SandboxRedirection, redirect)

        @post("/sandbox/reset", status_code=200)
        async def reset(request: HttpRequest) -> SandboxState:
            return await self._one(request, Nothing, self._reset)

        return [show, clock, conference, reply, refusal, redirection, reset]

    async def _one(self, request: HttpRequest, kind: type[T], act: Callable[[T], SandboxState]) -> SandboxState:
        headers = dict(request.scope["headers"])
        body = await whole_body(request, headers)
        check_type(headers, body)
        asked = decoded(msgspec.json.Decoder(kind), cleaned(body) or b"{}")

        def alone() -> SandboxState:
            with self._acts.lock:
                return act(asked)

        return await asyncio.to_thread(alone)

    def _move(self, body: SandboxMove) -> SandboxState:
        if bool(body.to) == bool(body.by):
            raise problem(422, "invalid-value", "clock-one", field="to")
        petition = self._petition(body) if body.is_meant else None
        if body.to == NEXT_DEADLINE:
            instant, deadline = self._acts.next_breach(petition)
            self._acts.move_to(instant)
            found = self._acts.deadlines(UUID(deadline["subject_id"]))
            return self._state(petition, [each for each in found if each["deadline_id"] == deadline["deadline_id"]])
        self._acts.move_to(self._ahead(body.by) if body.by else _instant(body.to))
        return self._told(petition) if petition else self._state(None, [])

    def _ahead(self, text: str) -> datetime:
        try:
            duration = msgspec.convert(text, timedelta)
            if duration < timedelta():
                raise OverflowError
            return self._acts.now() + duration
        except (msgspec.ValidationError, OverflowError):
            raise problem(422, "invalid-value", "clock-duration", field="by", text=text[:100]) from None

    def _petition(self, body: NamedPetition) -> UUID:
        if not body.is_named:
            raise problem(422, "invalid-value", "petition", field="petition_id")
        return self._acts.petition_of(body.petition_id, body.source, body.external_id)

    def _reset(self, _: Nothing) -> SandboxState:
        self._done.clear()
        self._wanted.set()
        if not self._done.wait(RESET_WITHIN):
            raise problem(503, "not-ready", missing="the seed is not back yet", headers={"Retry-After": "5"})
        return self._state(None, [])

    def _told(self, petition: UUID, conference: UUID | None = None) -> SandboxState:
        return self._state(petition, self._acts.deadlines(petition), conference)

    def _state(
        self, petition: UUID | None, deadlines: list[dict[str, Any]], conference: UUID | None = None
    ) -> SandboxState:
        now = self._acts.now()
        return SandboxState(
            now=now,
            today=local_day(now),
            petition_id=petition,
            conference_id=conference,
            deadlines=msgspec.convert(deadlines, list[DeadlineNow]),
        )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found
    except ValueError:
        pass
    raise problem(422, "invalid-value", "clock-instant", field="to", text=text[:100])


def _away(request: HttpRequest, error: httpx.HTTPError) -> Response[bytes]:
    """A service that does not answer, as while it starts again."""
    missing = f"intake, followup ({type(error).__name__})"
    found = problem(503, "not-ready", missing=missing, headers={"Retry-After": "5"})
    return problem_response(found, language_of(request))


def _pass_on(_: HttpRequest, refusal: RefusedByPair) -> Response[bytes]:
    """What intake or followup refused, as it came."""
    answer = refusal.response
    return Response(answer.content, status_code=answer.status_code, media_type=answer.headers.get("content-type", ""))


_HANDLERS: dict[int | type[Exception], Any] = {RefusedByPair: _pass_on, httpx.HTTPError: _away}
