"""Commands by queue: the caller is whom the broker vouched for; every command is answered."""

from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from services.intake.application.command import Command, CommandOutcome
from services.intake.application.command_body import CODECS
from services.intake.application.command_handler import CommandHandler
from services.intake.application.commands import route_of_command
from services.intake.application.composite.act_handler import ActHandler
from services.intake.application.composite.act_result import result_of
from services.intake.application.composite.given_act import GivenAct, Parts, parts_of
from services.intake.application.composite_acts import COMPOSITE_ACTS
from services.intake.application.json_body import cleaned
from services.intake.application.pushing.push import RECEIPT, push_of
from services.intake.application.pushing.push_handler import PushHandler
from services.intake.domain import Caller
from services.intake.entrypoints.callers import domain_caller
from services.intake.entrypoints.limits import MAX_BODY, MAX_KEY
from services.intake.entrypoints.refusals import problem_of
from shared.event_store.errors import Overloaded, StoreUnavailable
from shared.events import DATED_EVENTS
from shared.http.auth import Callers
from shared.http.problems import ProblemError, problem, problem_body
from shared.identifiers import normalised
from shared.invalid_body import decoded
from shared.postgres.transient_errors import TRANSIENT_ERRORS

log = structlog.get_logger("queue")

#: What is called otherwise in a message than over HTTP.
NAMES_BY_QUEUE = {"Idempotency-Key": "message_id", "If-Match": "if_match"}
UNKNOWN = ""  # the command's name when the body could not be read


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a queued command: the event's topic, the target if it has one, the same data as over HTTP.

    With a `source_version` the receipt of a petition is a push: what is new in that version of the record is recorded.
    """

    command: str
    data: msgspec.Raw = msgspec.Raw(b"{}")
    id: str = ""
    aggregate: str = ""
    if_match: int | None = None
    source_version: str = ""


class QueuedAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a queued composite act: its name, and its parts as over HTTP."""

    act: str
    parts: Parts


class _Named(msgspec.Struct, frozen=True):
    """Tells an act from a command."""

    act: str = ""


class Refusals(Protocol):
    """Where refused commands are kept."""

    async def keep(self, caller: str, command: str, code: str, reason: str, body: bytes) -> UUID: ...


class QueueAnswer(msgspec.Struct, frozen=True):
    """What a queued command came to, as bytes for the reply."""

    accepted: bool
    body: bytes


class Passing(Exception):
    """The store cannot take the command now: it stays in the queue."""


_envelope = msgspec.json.Decoder(Envelope)
_act = msgspec.json.Decoder(QueuedAct)
_named = msgspec.json.Decoder(_Named)


class CommandIntake:
    """Decides queued commands; knows nothing of the broker."""

    def __init__(
        self, handler: CommandHandler, acts: ActHandler, pushing: PushHandler, callers: Callers, refusals: Refusals
    ) -> None:
        self._handler, self._acts, self._pushing = handler, acts, pushing
        self._callers = callers
        self._refusals = refusals

    async def take(self, body: bytes, user_id: str | None, message_id: str | None) -> QueueAnswer:
        """Decide one; a refusal is kept before it is answered. Raises Passing."""
        name = UNKNOWN
        try:
            caller = self._callers.of_broker_user(user_id)
            if caller is None:
                raise problem(401, "unauthenticated", "unknown-user", field="user_id")
            key = _key(message_id)
            if len(body) > MAX_BODY:
                raise problem(413, "body-too-large", "bytes", most=MAX_BODY)
            body_text = cleaned(body)
            if name := decoded(_named, body_text).act:
                return await self._act(body_text, domain_caller(caller), key)
            envelope = decoded(_envelope, body_text)
            name = envelope.command
            return await self._command(envelope, domain_caller(caller), key)
        except (StoreUnavailable, Overloaded, *TRANSIENT_ERRORS) as error:
            raise Passing from error
        except Exception as error:
            return await self._refused(_problem(error), name, user_id or "", body)

    async def _command(self, envelope: Envelope, caller: Caller, key: str) -> QueueAnswer:
        route = route_of_command(envelope.command, has_target=bool(envelope.id), aggregate=envelope.aggregate)
        if route is None:
            raise problem(422, "unknown-command", field="command")
        codec, version = CODECS[route.path], envelope.if_match
        if envelope.source_version:
            if codec is not RECEIPT:
                raise problem(422, "invalid-value", "not-pushed", field="source_version", command=RECEIPT.route.topic)
            matched = (version,) if version is not None else None
            push = push_of(codec.decode(bytes(envelope.data)), envelope.source_version, caller, if_match=matched)
            return QueueAnswer(True, msgspec.json.encode(await self._pushing.push(push)))
        done = await self._handler.execute(
            Command(
                codec=codec,
                target=envelope.id,
                body=codec.decode(bytes(envelope.data)),
                caller=caller,
                key=key,
                # What a command creates has no version yet: it is not looked at, as over HTTP.
                if_match=(version,) if route.has_versions and version is not None else None,
            )
        )
        return QueueAnswer(True, _accepted(done))

    async def _act(self, body: bytes, caller: Caller, key: str) -> QueueAnswer:
        queued = decoded(_act, body)
        if (act := COMPOSITE_ACTS.get(queued.act)) is None:
            raise problem(422, "unknown-command", field="act")
        given = GivenAct(definition=act, parts=parts_of(act, queued.parts), caller=caller, key=key)
        return QueueAnswer(True, msgspec.json.encode(result_of(given, await self._acts.execute(given))))

    async def refuse_undecodable(self, body: bytes) -> QueueAnswer:
        """Refuse and keep a message whose properties cannot be read. Raises Passing."""
        return await self._refused(problem(400, "undecodable-message"), UNKNOWN, "", body)

    async def _refused(self, refusal: ProblemError, name: str, user: str, body: bytes) -> QueueAnswer:
        # A name that is neither an event's nor an act's may be anything, so it stays inside the sealed body.
        name = name if name in DATED_EVENTS or name in COMPOSITE_ACTS else UNKNOWN
        try:
            refused_id = await self._refusals.keep(user, name, refusal.code, str(refusal), body)
        except TRANSIENT_ERRORS as away:
            raise Passing from away
        log.info("command_refused", caller=user, command=name, code=refusal.code)
        refusal.members["refused_id"] = refused_id
        return QueueAnswer(False, problem_body(refusal))


def _key(message_id: str | None) -> str:
    key = normalised(message_id or "")
    if not key:
        # The queue delivers at least once: without a key a second delivery would be a second record.
        raise problem(422, "message-id-missing", field="message_id")
    if len(key) > MAX_KEY or not key.isprintable():
        raise problem(422, "invalid-message-id", field="message_id", most=MAX_KEY)
    return key


def _problem(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    try:
        found = problem_of(error)
        named = NAMES_BY_QUEUE.get(found.field or "", found.field)
        return ProblemError(found.status, found.code, found.text, field=named, **found.members)
    except Exception as unforeseen:
        # A command that breaks us is kept like a refused one: dropping it, or trying for ever, would lose it.
        log.error("unforeseen", kind=type(unforeseen).__name__)
        return problem(500, "internal-error", "kept")


def _accepted(done: CommandOutcome) -> bytes:
    answer: dict[str, Any] = {
        "id": done.id,
        "version": done.version,
        "position": done.position,
        "recorded_at": done.recorded_at,
    }
    if done.receipt_code:
        answer["receipt_code"] = done.receipt_code
    return msgspec.json.encode(answer)
