"""shared/http/problem_statuses.json: with which status a service answers which problem, read from the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

from services.intake.application import errors as command_errors
from services.intake.domain import errors
from services.intake.domain.refusal_words import REFUSAL_WORDS
from services.intake.entrypoints.refusals import problem_of
from shared.http.problems import HTTP_CODES
from shared.sentences import ProblemText, Sentence

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "followup")
#: Answered by a proxy in front, in the same words.
OF_PROXIES = {"no-answer": {502, 503, 504}}
#: What a page asks of a source on the way.
_OTHER = {"unauthenticated": ("unauthenticated", 401), "away": ("intake-away", 503)}
#: In these rooms neither service answers over HTTP by itself.
_ROOMS = {"services/intake": ("intake",), "services/followup": ("followup",), "shared": SERVICES}


def statuses() -> dict[str, dict[str, list[int]]]:
    """The statuses of each problem, by service."""
    found: dict[str, dict[str, set[int]]] = {service: {} for service in SERVICES}
    for service, code, status in _answered():
        found[service].setdefault(code, set()).add(status)
    for module in (errors, command_errors):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, errors.Refused) and kind.code in REFUSAL_WORDS:
                found["intake"].setdefault(kind.code, set()).add(problem_of(_bare(kind)).status)
    return {service: {code: sorted(found[service][code]) for code in sorted(found[service])} for service in SERVICES}


def _bare(kind: type[errors.Refused]) -> errors.Refused:
    """A refusal of a kind, with nothing to say: its words are not looked at."""
    made = type(
        kind.__name__,
        (kind,),
        {
            "code": kind.code,
            "text": ProblemText(Sentence("", ""), Sentence("", "")),
            "current": 0,
            "fields": (),
            "allowed": (),
        },
    )
    refusal: errors.Refused = made.__new__(made)
    refusal.field, refusal.sentence, refusal.values = None, "", {}
    return refusal


def _answered() -> Iterator[tuple[str, str, int]]:
    for room, services in _ROOMS.items():
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                for code, status in _problem(node):
                    yield from ((service, code, status) for service in services)
    for service in SERVICES:
        yield from ((service, code, status) for status, code in HTTP_CODES.items())
        yield service, "internal-error", 500
        yield from ((service, code, status) for code, known in OF_PROXIES.items() for status in known)


def _problem(node: ast.AST) -> Iterator[tuple[str, int]]:
    match node:
        case ast.Call(func=ast.Name(id="problem"), args=[ast.Constant(int(status)), ast.Constant(str(code)), *_]):
            yield code, status
        case ast.Call(func=ast.Name(id=name)) if name in _OTHER:
            yield _OTHER[name]
        case _:
            pass
