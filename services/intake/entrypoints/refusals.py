"""Refusals as problems: which status each has. The domain knows codes, only this module knows HTTP."""

from typing import Any

import msgspec
from litestar import Request, Response

from services.intake.application import errors
from services.intake.application.json_body import NulCharacter
from services.intake.application.ports import UnopenedSeal
from services.intake.domain import NotAllowed, Refused
from services.intake.domain.errors import NotInCatalogue, UnknownPost
from shared.event_store.errors import NotConfirmed, Overloaded, StoreUnavailable
from shared.http.bodies import invalid_body, malformed_json
from shared.http.problems import ProblemError, language_of, problem, problem_response
from shared.invalid_body import MalformedJson
from shared.postgres.transient_errors import TRANSIENT_ERRORS

#: Something of the command itself is wrong, whatever the state of the case.
UNPROCESSABLE: frozenset[str] = frozenset(
    {
        "unknown-agency",
        "agency-closed-then",
        "unknown-jurisdiction",
        "jurisdiction-closed-then",
        "calendar-year-missing",
        "invalid-calendar",
        "invalid-policy",
        "invalid-value",
        "not-in-catalogue",
        "invalid-code",
        "future-deed",
        "later-than-due",
        "role-not-of-place",
        "idempotency-key-reused",
    }
)
RETRY_AFTER = "1"  # seconds


def problem_of(error: Exception) -> ProblemError:
    """The problem that a refusal is answered with. Raises the error itself where it is no refusal."""
    match error:
        case errors.StaleVersion():
            etag = {"ETag": f'"{error.current}"'}
            return ProblemError(412, error.code, error.text, field=error.field, headers=etag, version=error.current)
        case errors.ReferenceDiffers() | errors.SourceVersionReused():
            return ProblemError(409, error.code, error.text, field=error.field, fields=error.fields)
        case NotInCatalogue():
            return ProblemError(_status(error), error.code, error.text, field=error.field, allowed=error.allowed)
        case Refused():
            return ProblemError(_status(error), error.code, error.text, field=error.field)
        case NulCharacter():
            return problem(422, "nul-character", "body")
        case msgspec.ValidationError():
            return invalid_body(error)
        case MalformedJson():
            return malformed_json(error)
        case UnopenedSeal():
            return problem(500, "sealed-content-unreadable")
        case NotConfirmed():
            return problem(503, "store-unavailable", "not-confirmed", headers={"Retry-After": RETRY_AFTER})
        case Overloaded():
            return problem(503, "overloaded", headers={"Retry-After": RETRY_AFTER})
        case _ if isinstance(error, (StoreUnavailable, *TRANSIENT_ERRORS)):
            return problem(503, "store-unavailable", headers={"Retry-After": RETRY_AFTER})
        case _:
            raise error


def _status(refusal: Refused) -> int:
    match refusal:
        case NotAllowed():
            return 403
        case errors.NotFound() | errors.WrongAddress() | UnknownPost():
            return 404
        case _:
            return 422 if refusal.code in UNPROCESSABLE else 409


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return problem_response(problem_of(error), language_of(request))


_REFUSALS: tuple[type[Exception], ...] = (
    Refused,
    NulCharacter,
    MalformedJson,
    msgspec.ValidationError,
    UnopenedSeal,
    Overloaded,
    StoreUnavailable,
    *TRANSIENT_ERRORS,
)
#: For `Litestar(exception_handlers=...)`, beside the shared ones.
REFUSAL_HANDLERS: dict[int | type[Exception], Any] = dict.fromkeys(_REFUSALS, _answer)
