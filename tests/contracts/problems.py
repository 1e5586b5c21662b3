"""shared/http/problem_statuses.json: with which status a service answers which problem, read from the code itself."""

import ast
import functools
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from services.intake.application import errors as command_errors
from services.intake.application.command_body import CODECS, BodyCodec
from services.intake.application.composite_acts import CompositeAct
from services.intake.domain import acts, errors
from services.intake.domain.acts import TABLES, AnyAct
from services.intake.domain.refusal_words import REFUSAL_WORDS
from services.intake.entrypoints.refusals import problem_of
from shared.events import EVENTS
from shared.http.problems import HTTP_CODES
from shared.sentences import ProblemText, Sentence
from tests.contracts.call_graph import ONLY, CallGraph, Node
from tests.contracts.openapi import followup_routes, intake_routes

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


# --- which of them an operation may be answered with ------------------------------------------------------------------

#: What an error that is no refusal is answered with, by its class.
_OF_ERRORS = {
    "NulCharacter": ("nul-character", 422),
    "MalformedJson": ("malformed-json", 400),
    "InvalidBody": ("invalid-body", 422),
    "UnopenedSeal": ("sealed-content-unreadable", 500),
}
#: What a body that is read through a function may be found to be by the decoder behind it, which says it by itself.
_OF_READERS = {
    "services.intake.application.json_body:cleaned": (("malformed-json", 400), ("invalid-body", 422)),
}
#: They turn what was raised into an answer: what they name is not theirs.
_ANSWERING = ("services.intake.entrypoints.refusals", "shared.http.problem_registry")
#: Where a decision turns to the acts of its command.
_ASKS_ACTS = "services.intake.domain.acts:act_on"
#: What a way may be gone for alone: kinds of events, and the cases to which something is done.
_CASES = {"petition": {"Petition"}, "conference": {"Conference"}, "": {"Petition", "Conference"}}
_CONDITIONS = {event.__name__ for event in EVENTS.values()} | _CASES[""]
_ERROR = frozenset({"Exception", "BaseException"})
#: Doors that are none of HTTP, and what is answered of a body by those operations alone that read one.
_OTHER_DOORS = ("queue_consumer", "queued_commands", "http.bodies")
_REFUSALS = {
    f"{kind.__module__}:{name}": kind
    for module in (errors, command_errors)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, errors.Refused)
}


def kinds() -> dict[str, dict[str, Any]]:
    """By service: the problems of its door, that every operation may be answered with; and those of each operation."""
    return {
        "intake": _Kinds("intake", intake_routes()).found(),
        "followup": _Kinds("followup", followup_routes()).found(),
    }


class _Kinds:
    """Finds the problems of the operations of a service, from the code that each leads to."""

    def __init__(self, service: str, routes: Iterable[HTTPRouteHandler]) -> None:
        self._routes = list(routes)
        self._graph = CallGraph([f"services/{service}", "shared"])
        self._service = service

    def found(self) -> dict[str, Any]:
        """The problems by operation, and those of the door."""
        reached, operations = set[str](), dict[str, set[tuple[str, int]]]()
        for route in self._routes:
            answers = operations.setdefault(route.operation_id or str(route.handler_name), set())
            for key, caught in self._led_to(route):
                reached.add(key)
                answers |= {answer for answer, classes in self._raised(key) if not classes & caught}
        door = {("internal-error", 500), *((code, status) for status, code in HTTP_CODES.items())}
        for key, node in self._graph.nodes.items():
            if key not in reached and _is_door(node.module):
                door |= {answer for answer, _ in self._raised(key)}
        return {
            "door": _by_code(door),
            "operations": {name: _by_code(answers - door) for name, answers in sorted(operations.items())},
        }

    def _led_to(self, route: HTTPRouteHandler) -> set[tuple[str, frozenset[str]]]:
        """Everything that an operation leads to, with what is caught on the way: the rules of its own acts alone."""
        functions, topics = _bound_to(route.fn)
        roots = {_key(function) for function in functions}
        for key, _ in self._followed(roots, (), ()):
            match self._graph.nodes.get(key):
                case Node(tree=ast.Subscript(value=ast.Name(id="CODECS"), slice=ast.Constant(value=str(path)))):
                    topics.add(CODECS[path].route.topic)
                case _:
                    pass
        events = {EVENTS[topic] for topic in topics}
        rules = (_rules_of(table[event]) for event in events for table in TABLES if event in table)
        holding = {event.__name__ for event in events}.union(*(_CASES.get(event.AGGREGATE, ()) for event in events))
        return self._followed(roots, set().union(*rules), holding)

    def _followed(
        self, roots: Iterable[str], rules: Collection[str], holding: Collection[str]
    ) -> set[tuple[str, frozenset[str]]]:
        """Everything that is led to, each with what is caught on the way; a way on which less is caught says it all."""
        found, waiting = dict[str, list[frozenset[str]]](), [(key, frozenset[str]()) for key in roots]
        while waiting:
            key, caught = waiting.pop()
            ways = found.setdefault(key, [])
            if key.startswith(_ANSWERING) or self._holds_acts(key) or any(way <= caught for way in ways):
                continue
            ways[:] = [way for way in ways if not caught <= way] + [caught]
            if key in self._graph.nodes or key in self._graph.classes:
                for edge in self._graph.edges(key):
                    if holding and any(_is_for_others(each, holding) for each in edge.caught):
                        continue
                    waiting.append((edge.target, caught | {e for e in edge.caught if not e.startswith(ONLY)}))
            if key == _ASKS_ACTS:
                waiting += [(rule, caught) for rule in rules]
        return {(key, way) for key, ways in found.items() for way in ways}

    def _holds_acts(self, key: str) -> bool:
        """Whether a name stands for acts, of which an operation does its own alone."""
        node = self._graph.nodes.get(key)
        return (
            node is not None
            and node.module.startswith(acts.__name__)
            and isinstance(node.tree, ast.expr)
            and not isinstance(node.tree, ast.Lambda)
        )

    @functools.cache  # noqa: B019 - lives as long as the run
    def _raised(self, key: str) -> tuple[tuple[tuple[str, int], frozenset[str]], ...]:
        """The code and status of each problem of a node, with the classes by which it is caught."""
        found = list[tuple[tuple[str, int], frozenset[str]]]()
        if key in _REFUSALS:
            kind = _REFUSALS[key]
            status = problem_of(_bare(kind)).status
            found.append(((kind.code, status), frozenset(each.__name__ for each in kind.__mro__)))
        name = key.rsplit(":", 1)[1]
        if name in _OF_ERRORS and key in self._graph.classes:
            bases = (ast.unparse(base).rpartition(".")[2] for base in self._graph.classes[key].bases)
            found.append((_OF_ERRORS[name], _ERROR | {name, *bases}))
        found += ((answer, _ERROR) for answer in _OF_READERS.get(key, ()))
        if key in self._graph.nodes:
            least = 500 if key.startswith(_ANSWERING) else 400
            for each, caught in self._graph.used(key):
                if not caught & (_ERROR | {"ProblemError"}):
                    answers = (answer for answer in _problem(each) if answer[1] >= least)
                    found += ((answer, _ERROR | {"ProblemError"}) for answer in answers)
        return tuple(dict.fromkeys(found))


def _by_code(answers: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found = dict[str, list[int]]()
    for code, status in sorted(answers):
        found.setdefault(code, []).append(status)
    return found


def _is_door(module: str) -> bool:
    """Whether a module serves every operation: what no operation leads to there comes before or around each."""
    rooms = (".http.", ".entrypoints.")
    return any(room in module for room in rooms) and not any(each in module for each in _OTHER_DOORS)


def _is_for_others(condition: str, holding: Collection[str]) -> bool:
    """Whether a way is gone for kinds of events or cases alone, and for none of these."""
    names = set(condition.removeprefix(ONLY).split("|"))
    return condition.startswith(ONLY) and names <= _CONDITIONS and names.isdisjoint(holding)


def _bound_to(function: Any) -> tuple[set[FunctionType], set[str]]:
    """The functions that a handler is made of, and the topics of the commands that it was made for."""
    functions, topics, waiting = set[FunctionType](), set[str](), [function]
    while waiting:
        match waiting.pop():
            case BodyCodec() as codec:
                topics.add(codec.route.topic)
            case CompositeAct() as act:
                topics |= set(act.commands)
            case FunctionType() as bound if bound not in functions:
                functions.add(bound)
                waiting += [cell.cell_contents for cell in bound.__closure__ or ()]
            case _:
                pass
    return functions, topics


def _rules_of(act: AnyAct) -> set[str]:
    """The functions that judge an act, and the refusals that they were made with."""
    found, waiting = set[str](), [getattr(act, field.name) for field in msgspec.structs.fields(act)]
    while waiting:
        match waiting.pop():
            case functools.partial() as made:
                waiting += [made.func, *made.args, *made.keywords.values()]
            case FunctionType() as rule if _key(rule) not in found:
                found.add(_key(rule))
                waiting += [cell.cell_contents for cell in rule.__closure__ or ()]
            case type() as kind if issubclass(kind, errors.Refused):
                found.add(f"{kind.__module__}:{kind.__name__}")
            case _:
                pass
    return found


def _key(function: FunctionType) -> str:
    line = function.__code__.co_firstlineno
    return f"{function.__module__}:{line if function.__name__ == '<lambda>' else function.__qualname__}"
