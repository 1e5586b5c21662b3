"""Acting through a source's own API under the token of whoever acts; nothing is decided here."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import httpx
import msgspec

from shared.problem_words import DOOR_NAMES, DOOR_WORDS
from shared.sentences import Sentence, problem_text

TIMEOUT = 10.0  # seconds for a whole answer: a person waits for it

T = TypeVar("T")


class Refusal(Exception):
    """An act was not taken: why, in both languages, the field that is to blame, if one is, and the status of HTTP."""

    def __init__(self, detail: Sentence, field: str | None = None, status: int = 422) -> None:
        super().__init__(detail.en)
        self.detail, self.field, self.status = detail, field, status


def away(sentence: str = "", **values: object) -> Refusal:
    """The refusal of an act that did not get to its source."""
    return Refusal(problem_text(DOOR_WORDS["intake-away"], sentence, values, DOOR_NAMES).detail, status=503)


class _Translation(msgspec.Struct, frozen=True):
    detail: str


class _Translations(msgspec.Struct, frozen=True):
    vi: _Translation
    en: _Translation


class _Problem(msgspec.Struct, frozen=True):
    """What is read of a problem; an intake of the release before sends no translations."""

    type: str
    detail: str = ""
    field: str | None = None
    translations: _Translations | None = None


class RecordedCommand(msgspec.Struct, frozen=True):
    """Where an act was recorded."""

    id: str
    position: int
    receipt_code: str = ""


class OpenedEvent(msgspec.Struct, frozen=True):
    """What still opens of one event's sealed fields."""

    topic: str
    content: dict[str, Any] = {}


class _Content(msgspec.Struct, frozen=True):
    events: list[OpenedEvent]


class IntakeClient:
    """Posts commands to the sources, and reads what they have sealed, each at its own address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def act(self, url: str, path: str, body: dict[str, Any], key: str, token: str) -> RecordedCommand:
        """Record one act. Sent again with the same key it is recorded once. Raises Refusal."""
        headers = {"Idempotency-Key": key} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            answer = await _in_time(self._client.post(f"{url}{path}", json=body, headers=headers, timeout=None))
        except TimeoutError as error:
            raise away("slow", seconds=round(TIMEOUT)) from error
        except httpx.HTTPError as error:
            raise away(kind=type(error).__name__) from error
        if answer.is_success:
            return _decoded(answer, RecordedCommand)
        raise _refusal(answer)

    async def content(self, url: str, path: str, token: str) -> list[OpenedEvent]:
        """What still opens of a case, event by event; intake records that it was read. Raises Refusal."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await _in_time(self._client.get(f"{url}{path}/content", headers=headers, timeout=None))
        except TimeoutError as error:
            raise away("slow-to-open", seconds=round(TIMEOUT)) from error
        except httpx.HTTPError as error:
            raise away("not-opened", kind=type(error).__name__) from error
        if answer.is_success:
            return _decoded(answer, _Content, "not-opened").events
        raise _refusal(answer)


async def _in_time(answer: Awaitable[httpx.Response]) -> httpx.Response:
    """An answer that comes within the time for it, connecting included. Raises TimeoutError."""
    async with asyncio.timeout(TIMEOUT):
        return await answer


def _decoded(answer: httpx.Response, kind: type[T], sentence: str = "") -> T:
    """What an intake answers; anything else is not from one. Raises Refusal."""
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise away(sentence, kind=type(error).__name__) from error


def _refusal(answer: httpx.Response) -> Refusal:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return away("status", status=answer.status_code)
    said = problem.translations
    detail = Sentence(said.vi.detail, said.en.detail) if said else Sentence(problem.detail, problem.detail)
    return Refusal(detail, problem.field, answer.status_code)
