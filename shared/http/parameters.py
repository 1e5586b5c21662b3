"""What a route takes in its address: an unknown parameter, or one given twice, is refused and told what there is."""

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args, get_origin

from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg
from litestar.typing import FieldDefinition

from shared.http.problems import ProblemError, language_of, problem, problem_of_http, problem_response


class Parameter(NamedTuple):
    """One parameter of an address: its name there, whether it may be repeated, its type."""

    name: str
    several: bool
    field: FieldDefinition


@functools.lru_cache(maxsize=1024)
def parameters_of(handler: BaseRouteHandler) -> Mapping[str, Parameter]:
    """The query parameters of a route, by the names that its function gives them."""
    found = {}
    for name, field in handler.parsed_fn_signature.parameters.items():
        given = field.kwarg_definition
        if isinstance(given, ParameterKwarg) and given.param_type is ParamType.QUERY:
            kinds = (field, *field.inner_types) if field.is_optional else (field,)
            several = any(kind.is_non_string_collection for kind in kinds)
            found[name] = Parameter(given.name or name, several, field)
    return found


def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Refuse what of a query the route does not know, takes once only, or would take for another instant: in silence
    it would answer another question. Raises ProblemError 400."""
    known = {parameter.name: parameter for parameter in parameters_of(request.scope["route_handler"]).values()}
    given = set[str]()
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise _unknown(name, known)
        if datetime in _kinds(known[name]) and ":" not in value:  # the framework takes a number for seconds since 1970
            raise no_instant(name)
        if name in given and not known[name].several:
            raise problem(400, "invalid-request", "twice", field=name, parameter=name)
        given.add(name)


def _unknown(name: str, known: Iterable[str]) -> ProblemError:
    # Not repeated in the detail: a query may hold what a citizen wrote.
    names = sorted(known)
    # A field is the name of a parameter, so only what could be one is named there.
    field = name if name.isascii() and name.replace("_", "").isalnum() and len(name) <= 40 else None
    if not names:
        return problem(400, "invalid-request", "none", field=field)
    return problem(400, "invalid-request", "unknown", field=field, members={"allowed": names}, known=names)


def _on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    return problem_response(_invalid_of(request, error) or problem_of_http(error), language_of(request))


def _invalid_of(request: Request[Any, Any, Any], error: ValidationException) -> ProblemError | None:
    """What is wrong with a parameter, and what it may be; None where the error is about something else."""
    known = parameters_of(request.scope["route_handler"])
    for item in error.extra if isinstance(error.extra, list) else ():
        if isinstance(item, dict) and item.get("key") in known:
            return _invalid(known[item["key"]])
    missing = [p.name for p in known.values() if p.field.is_required and p.name not in request.query_params]
    if missing and error.extra is None:
        return problem(400, "invalid-request", "missing", field=missing[0], parameter=missing[0])
    return None


def no_instant(name: str) -> ProblemError:
    """A parameter should be an instant, and is none."""
    return problem(400, "invalid-request", "instant", field=name, parameter=name)


def _invalid(parameter: Parameter) -> ProblemError:
    name, given = parameter.name, parameter.field.kwarg_definition
    assert isinstance(given, ParameterKwarg)
    if allowed := _values(parameter.field.annotation):
        return problem(
            400,
            "invalid-request",
            "values",
            field=name,
            members={"allowed": allowed},
            parameter=name,
            allowed=[value for value in allowed if value],
        )
    kinds = _kinds(parameter)
    if given.ge is not None and given.le is not None:
        return problem(400, "invalid-request", "range", field=name, parameter=name, least=given.ge, most=given.le)
    if str in kinds and given.max_length is not None:
        return problem(400, "invalid-request", "length", field=name, parameter=name, most=given.max_length)
    if str in kinds and given.min_length:
        return problem(400, "invalid-request", "missing", field=name, parameter=name)
    if datetime in kinds:
        return no_instant(name)
    kind = next((kind.__name__.lower() for kind in kinds if isinstance(kind, type) and kind is not type(None)), "")
    return problem(400, "invalid-request", "kind", field=name, parameter=name, kind=kind)


def _kinds(parameter: Parameter) -> set[Any]:
    """The type of a parameter, and those of which it may be any."""
    return {parameter.field.annotation, *get_args(parameter.field.annotation)}


def _values(annotation: Any) -> list[str]:
    """The values of a type that has only some of them."""
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    parts = [_values(part) for part in get_args(annotation) if part is not type(None)]
    return [value for part in parts for value in part] if all(parts) else []


#: For `Litestar(exception_handlers=...)`, beside those of the problems.
PARAMETER_HANDLERS: dict[int | type[Exception], Any] = {ValidationException: _on_validation}
