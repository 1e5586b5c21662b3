"""Acting through a source's own API under the token of whoever acts; nothing is decided here."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx
import msgspec

from shared.calendar import CalendarYear
from shared.command_definitions import CommandDefinition
from shared.http.problems import TYPE_PREFIX
from shared.policy import PolicyProblem
from shared.policy.effect import PolicyEffect
from shared.policy.probe import MissingYear
from shared.problem_words import DOOR_NAMES, DOOR_WORDS
from shared.sentences import Sentence, problem_text
from shared.trace import ORIGIN

MOST_PEOPLE = 1000  # a page
LONGEST_NAME = 200  # characters of a file's name
UPLOAD_TIMEOUT = 60.0  # seconds for a whole file
TIMEOUT = 10.0  # seconds for a whole answer: a person waits for it

T = TypeVar("T")


class Refusal(Exception):
    """An act was not taken: why, in both languages, the field that is to blame, if one is, and the status of HTTP.

    `code` is that of the problem; empty where no problem was told.
    """

    def __init__(self, detail: Sentence, field: str | None = None, status: int = 422, code: str = "") -> None:
        super().__init__(detail.en)
        self.detail, self.field, self.status, self.code = detail, field, status, code


def away(sentence: str = "", **values: object) -> Refusal:
    """The refusal of an act that did not get to its source."""
    text = problem_text(DOOR_WORDS["intake-away"], sentence, values, DOOR_NAMES)
    return Refusal(text.detail, status=503, code="intake-away")


async def name_origin(request: httpx.Request) -> None:
    """Let what a page asks of a source be the same request and trace there: a hook of httpx."""
    origin = ORIGIN.get()
    if origin.request_id:
        request.headers["X-Request-Id"] = origin.request_id
    if origin.traceparent:
        request.headers["traceparent"] = origin.traceparent


class _Translation(msgspec.Struct, frozen=True):
    detail: str


class _Translations(msgspec.Struct, frozen=True):
    vi: _Translation
    en: _Translation


class _Problem(msgspec.Struct, frozen=True):
    """What is read of a problem; an intake of the release before sends no translations."""

    type: str
    detail: str = ""
    status: int = 422
    field: str | None = None
    translations: _Translations | None = None


class RecordedCommand(msgspec.Struct, frozen=True):
    """Where an act was recorded."""

    id: str
    position: int
    receipt_code: str = ""


class RecordedPart(msgspec.Struct, frozen=True):
    """Where a part of a composite act was recorded, and the version that its case has by it."""

    command: str
    id: str
    version: int
    position: int
    receipt_code: str = ""


class RecordedAct(msgspec.Struct, frozen=True):
    """Where the parts of a composite act were recorded."""

    parts: list[RecordedPart]

    @property
    def position(self) -> int:
        """The last of them."""
        return max(part.position for part in self.parts)


class StoredFileAnswer(msgspec.Struct, frozen=True):
    """A file that intake keeps."""

    digest: str
    media_type: str
    size: int


class OpenedEvent(msgspec.Struct, frozen=True):
    """What still opens of one event's sealed fields."""

    topic: str
    content: dict[str, Any] = {}
    event_id: str = ""


class _Content(msgspec.Struct, frozen=True):
    events: list[OpenedEvent]


class DelegationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A delegation of the chair's acts to who holds a post."""

    id: UUID
    valid_from: date
    valid_until: date
    ended_on: date | None = None
    stands: bool


class PostAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A post of a person."""

    id: UUID
    position: str
    roles: list[str]
    jurisdiction: str
    valid_from: date
    agency: str = ""
    valid_until: date | None = None
    ended_on: date | None = None
    annulled: bool = False
    stands: bool
    may_deputise: bool = False
    delegations: list[DelegationAnswer] = []


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A person with the posts that the caller sees; the name is empty once it was erased."""

    id: UUID
    subject: str
    name: str
    posts: list[PostAnswer]


class _People(msgspec.Struct, frozen=True):
    items: list[PersonAnswer]


class RefusedCommandAnswer(msgspec.Struct, frozen=True):
    """A refused command of the queue, without what it said."""

    refused_at: datetime
    caller: str
    command: str
    reason_code: str
    is_erased: bool = False


class _RefusedCommands(msgspec.Struct, frozen=True):
    items: list[RefusedCommandAnswer]


class ConflictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a push would change of a petition that the office has in hand."""

    conflict_id: UUID
    petition_id: UUID
    source: str
    external_id: str
    fields: list[str]
    state: str
    pushed_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None


class _Conflicts(msgspec.Struct, frozen=True):
    items: list[ConflictAnswer]


class ChangedField(msgspec.Struct, frozen=True):
    """A field with what stands and what it would become."""

    field: str
    ours: Any = None
    theirs: Any = None


class ComparedConflict(msgspec.Struct, frozen=True):
    """A conflict with its fields."""

    conflict: ConflictAnswer
    fields: list[ChangedField]


class PossibleCommandAnswer(msgspec.Struct, frozen=True):
    """Whether a caller can give a command now, at its address; where not, why not."""

    command: str
    path: str
    possible: bool
    problem: _Problem | None = None

    @property
    def refusal(self) -> Refusal | None:
        """What refuses it."""
        return _refusal_of(self.problem, self.problem.status) if self.problem else None


class _PossibleCommands(msgspec.Struct, frozen=True):
    items: list[PossibleCommandAnswer]


class CheckedPolicyAnswer(msgspec.Struct, frozen=True):
    """What intake finds wrong with a policy, and what its adoption would bring."""

    valid: bool
    problems: tuple[PolicyProblem, ...] = ()
    provisional: tuple[MissingYear, ...] = ()
    effects: tuple[PolicyEffect, ...] = ()


class _Definitions(msgspec.Struct, frozen=True):
    items: list[CommandDefinition]


class IntakeClient:
    """Posts commands to the sources, asks which are possible, and reads what they have sealed, each at its address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._definitions: dict[str, tuple[str, dict[str, CommandDefinition]]] = {}

    # --- asking ------------------------------------------------------------------------------------------------------

    async def definitions(self, url: str, token: str) -> dict[str, CommandDefinition]:
        """The definition of each command by its path; asked again, and rarely sent again. Raises Refusal."""
        tag, known = self._definitions.get(url, ("", {}))
        headers = {"If-None-Match": tag} if tag else {}
        answer = await self._answer("GET", f"{url}/v1/commands", token, headers, or_else=httpx.codes.NOT_MODIFIED)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return known
        found = {each.path: each for each in _decoded(answer, _Definitions).items}
        self._definitions[url] = (answer.headers.get("ETag", ""), found)
        return found

    async def possible(self, url: str, path: str, token: str) -> list[PossibleCommandAnswer]:
        """Which commands the caller can give on a petition, a conference or at a place. Raises Refusal."""
        return _decoded(await self._answer("GET", f"{url}{path}/commands", token), _PossibleCommands).items

    async def refused_commands(self, url: str, limit: int, token: str) -> list[RefusedCommandAnswer]:
        """The newest refused commands of the queue that the caller may see. Raises Refusal."""
        answer = await self._answer("GET", f"{url}/v1/refused-commands?limit={limit}", token)
        return _decoded(answer, _RefusedCommands).items

    async def conflicts(
        self, url: str, limit: int, token: str, within: float | None = None, petition_id: UUID | None = None
    ) -> list[ConflictAnswer]:
        """The pushes that wait for the office, the oldest first; of one petition, or of all. Raises Refusal."""
        asked = f"state=open&limit={limit}" + (f"&petition_id={petition_id}" if petition_id else "")
        answer = await self._answer("GET", f"{url}/v1/conflicts?{asked}", token, within=within)
        return _decoded(answer, _Conflicts).items

    async def conflict(self, url: str, conflict_id: UUID, token: str) -> ComparedConflict:
        """One of them with what it would change; intake records that it was read. Raises Refusal."""
        answer = await self._answer("GET", f"{url}/v1/conflicts/{conflict_id}", token, sentence="not-opened")
        return _decoded(answer, ComparedConflict, "not-opened")

    async def people(self, url: str, token: str) -> list[PersonAnswer]:
        """Everybody who has or had a post within what the caller sees to. Raises Refusal."""
        found, path = list[PersonAnswer](), f"/v1/people?limit={MOST_PEOPLE}"
        while path:
            answer = await self._answer("GET", f"{url}{path}", token)
            found += _decoded(answer, _People).items
            path = answer.links.get("next", {}).get("url", "")
        return found

    async def proposed_calendar(self, url: str, year: int, token: str) -> CalendarYear:
        """A year as it is computed from what is known of its holidays. Raises Refusal."""
        return _decoded(await self._answer("GET", f"{url}/v1/calendars/{year}/proposal", token), CalendarYear)

    async def check_policy(self, url: str, text: str, jurisdiction: str, token: str) -> CheckedPolicyAnswer:
        """What is wrong with a policy in YAML, and what would change if a jurisdiction adopted it. Raises Refusal."""
        address = f"{url}/v1/policies/check?{urlencode({'jurisdiction': jurisdiction})}"
        headers = {"Content-Type": "application/yaml"}
        return _decoded(await self._answer("POST", address, token, headers, text.encode()), CheckedPolicyAnswer)

    async def content(self, url: str, path: str, token: str) -> list[OpenedEvent]:
        """What still opens of a case, event by event; intake records that it was read. Raises Refusal."""
        answer = await self._answer(
            "GET", f"{url}{path}/content", token, sentence_slow="slow-to-open", sentence="not-opened"
        )
        return _decoded(answer, _Content, "not-opened").events

    # --- recording ---------------------------------------------------------------------------------------------------

    async def act(
        self, url: str, path: str, body: dict[str, Any], key: str, token: str, version: int | None = None
    ) -> RecordedCommand:
        """Record one command. Sent again with the same key it is recorded once. Raises Refusal.

        With a version it is refused where something else was recorded since.
        """
        expected = {} if version is None else {"If-Match": f'"{version}"'}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key} | expected
        answer = await self._answer("POST", f"{url}{path}", token, headers, msgspec.json.encode(body))
        return _decoded(answer, RecordedCommand)

    async def decide_conflict(self, url: str, conflict_id: UUID, decision: str, token: str) -> None:
        """Accept or refuse what a push would change. Sent again it is the same decision. Raises Refusal."""
        await self._answer("POST", f"{url}/v1/conflicts/{conflict_id}/{decision}", token)

    async def composite(self, url: str, name: str, parts: Sequence[Any], key: str, token: str) -> RecordedAct:
        """Record a composite act, whole or not at all. Sent again with the same key it is recorded once.

        Raises Refusal, whose field names the part: `parts[1].subject`.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        content = msgspec.json.encode({"parts": parts})
        return _decoded(await self._answer("POST", f"{url}/v1/acts/{name}", token, headers, content), RecordedAct)

    # --- files -------------------------------------------------------------------------------------------------------

    async def upload(self, url: str, content: AsyncIterator[bytes], called: str, token: str) -> StoredFileAnswer | None:
        """Store a file as it comes; None where the source keeps none, as releases up to 0.3 do. Raises Refusal."""
        named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(called[:LONGEST_NAME], safe='')}"}
        answer = await self._answer(
            "POST",
            f"{url}/v1/files",
            token,
            {"Content-Type": "application/octet-stream"} | (named if called else {}),
            content,
            within=UPLOAD_TIMEOUT,
            or_else=httpx.codes.NOT_FOUND,
        )
        return None if answer.status_code == httpx.codes.NOT_FOUND else _decoded(answer, StoredFileAnswer)

    async def download(self, url: str, path: str, token: str) -> httpx.Response:
        """A file that a case names, its body still to be read and then closed. Raises Refusal."""
        request = self._client.build_request("GET", f"{url}{path}", headers=_authorization(token), timeout=TIMEOUT)
        try:
            answer = await self._client.send(request, stream=True)
            if not answer.is_success:
                await answer.aread()
        except httpx.HTTPError as error:
            raise away("not-opened", kind=type(error).__name__) from error
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    async def _answer(
        self,
        method: str,
        address: str,
        token: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        *,
        within: float | None = None,
        or_else: int = 0,
        sentence_slow: str = "slow",
        sentence: str = "",
    ) -> httpx.Response:
        """An answer that went well, or has the status `or_else`; whole within some seconds, connecting included.

        Raises Refusal.
        """
        seconds = TIMEOUT if within is None else within
        sent = {**(headers or {}), **_authorization(token)}
        try:
            async with asyncio.timeout(seconds):
                answer = await self._client.request(method, address, content=content, headers=sent, timeout=None)
        except TimeoutError as error:
            raise away(sentence_slow, seconds=round(seconds)) from error
        except httpx.HTTPError as error:
            raise away(sentence, kind=type(error).__name__) from error
        if answer.is_success or answer.status_code == or_else:
            return answer
        raise _refusal(answer)


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _decoded(answer: httpx.Response, kind: type[T], sentence: str = "") -> T:
    """What an intake answers; anything else is not from one. Raises Refusal."""
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise away(sentence, kind=type(error).__name__) from error


def _refusal(answer: httpx.Response) -> Refusal:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return away("status", status=answer.status_code)
    return _refusal_of(problem, answer.status_code)


def _refusal_of(problem: _Problem, status: int) -> Refusal:
    said = problem.translations
    detail = Sentence(said.vi.detail, said.en.detail) if said else Sentence(problem.detail, problem.detail)
    return Refusal(detail, problem.field, status, problem.type.removeprefix(TYPE_PREFIX))
