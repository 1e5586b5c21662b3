"""Refusals as problems: which status each has. The domain knows codes, only this module knows HTTP."""

from typing import Any

import msgspec
from litestar import Request, Response

from services.intake.application import errors
from services.intake.application.json_body import MalformedJson, NulCharacter
from services.intake.domain import NotAllowed, Refused
from shared.event_store.errors import Overloaded, StoreUnavailable
from shared.http.problems import ProblemError, problem_response
from shared.postgres.transient_errors import TRANSIENT_ERRORS

#: A value of the command itself is wrong, whatever the state of the case.
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
        "invalid-code",
        "future-deed",
        "later-than-due",
    }
)
RETRY_AFTER = "1"  # seconds


def problem_of(error: Exception) -> ProblemError:
    """The problem that a refusal is answered with."""
    match error:
        case NotAllowed():
            return ProblemError(403, error.code, str(error))
        case Refused():
            return ProblemError(422 if error.code in UNPROCESSABLE else 409, error.code, str(error))
        case errors.RoleMayNot():
            return ProblemError(403, error.code, str(error))
        case errors.KeyReused() | errors.WrongValue():
            return ProblemError(422, error.code, str(error))
        case errors.StaleVersion():
            return ProblemError(
                412, error.code, str(error), headers={"ETag": f'"{error.current}"'}, version=error.current
            )
        case errors.NotFound() | errors.WrongAddress():
            return ProblemError(404, error.code, str(error))
        case errors.CommandRefused():
            return ProblemError(409, error.code, str(error))
        case NulCharacter():
            return ProblemError(422, "nul-character", str(error))
        case msgspec.ValidationError():
            return ProblemError(422, "invalid-body", str(error))
        case MalformedJson():
            return ProblemError(400, "malformed-json", str(error))
        case msgspec.DecodeError() | RecursionError():
            return ProblemError(400, "malformed-json", "the body is not JSON")
        case Overloaded():
            detail = "too many commands are waiting: send it again with the same key"
            return ProblemError(503, "overloaded", detail, headers={"Retry-After": RETRY_AFTER})
        case _ if isinstance(error, (StoreUnavailable, *TRANSIENT_ERRORS)):
            detail = "the store cannot be reached: send it again with the same key"
            return ProblemError(503, "store-unavailable", detail, headers={"Retry-After": RETRY_AFTER})
        case _:
            raise error


def _answer(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return problem_response(problem_of(error))


_REFUSALS: tuple[type[Exception], ...] = (
    Refused,
    errors.CommandRefused,
    NulCharacter,
    MalformedJson,
    msgspec.DecodeError,
    msgspec.ValidationError,
    RecursionError,
    Overloaded,
    StoreUnavailable,
    *TRANSIENT_ERRORS,
)
#: For `Litestar(exception_handlers=...)`, beside the shared ones.
REFUSAL_HANDLERS: dict[int | type[Exception], Any] = dict.fromkeys(_REFUSALS, _answer)
