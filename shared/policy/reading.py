"""A policy from its text: YAML with the line of each problem, or JSON values. Pure."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import yaml

from shared.policy.checking import PolicyProblem, UncountablePolicy, problems_of
from shared.policy.schema import DocumentPart, Policy, Rule

MAX_TEXT = 200_000  # characters
MAX_DEPTH = 16  # of lists and words in one another; a policy needs seven
MAX_RULES = 100  # in one document
MAX_PROBLEMS = 100  # told at once
MAX_DIGITS = 18  # of a whole number
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_NAMED = re.compile(r"`(?P<name>[^`]+)`|'(?P<value>[^']+)'")
_ROOT = "$"
#: What helps against a value of the wrong kind, by the first sign in what is expected.
_REMEDIES = (
    ("regex '^([0-9]", "write it as MM-DD, or YYYY-MM-DD for one year"),
    ("regex", "write it as MM-DD"),
    ("date", "write it as YYYY-MM-DD"),
    (">= 0", "write 0 or more"),
    (">= 1", "write 1 or more"),
    ("<=", "write a smaller number"),
    ("`int", "write a whole number without quotation marks and without a 0 in front"),
    ("`bool", "write true or false"),
    ("`array", "write a list: [a, b]"),
    ("`object", "write words with their values: {word: value}"),
    ("`str", "put it in quotation marks"),
)

Lines = dict[str, int]


def read_policy(text: str) -> Policy:
    """The policy of a YAML text (JSON is YAML). Raises InvalidPolicy, whose problems name their lines."""
    data, lines = parse(text)
    try:
        return policy_of(data)
    except UncountablePolicy as invalid:
        placed = (msgspec.structs.replace(p, line=line_of(p.path, lines)) for p in invalid.problems)
        raise UncountablePolicy(tuple(sorted(placed, key=lambda p: p.line))) from None


def policy_of(data: Any) -> Policy:
    """The policy of plain values. Raises InvalidPolicy."""
    if not isinstance(data, dict):
        raise UncountablePolicy(
            (PolicyProblem(_ROOT, "is no policy", "begin with policy_id:, document:, valid_from:, rules:"),)
        )
    rules = data.get("rules", [])
    if _is_list(rules) and len(rules) > MAX_RULES:
        raise UncountablePolicy(
            (PolicyProblem("rules", f"has {len(rules)} rules", f"keep one rule a duty, at most {MAX_RULES}"),)
        )
    problems: list[PolicyProblem] = []
    head = _converted({k: v for k, v in data.items() if k != "rules"}, Policy, "", problems)
    read = [_converted(each, Rule, f"rules[{i}]", problems) for i, each in enumerate(rules)] if _is_list(rules) else []
    if not _is_list(rules):
        problems.append(PolicyProblem("rules", "is no list", "write one rule an item, each with '- duty:'"))
    if problems or head is None:
        raise UncountablePolicy(tuple(problems))
    policy: Policy = msgspec.structs.replace(head, rules=tuple(rule for rule in read if rule is not None))
    if found := tuple(islice(problems_of(policy), MAX_PROBLEMS)):
        raise UncountablePolicy(found)
    return policy


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _converted(data: Any, kind: type[Any], at: str, problems: list[PolicyProblem]) -> Any:
    """The value as its type, or None and a problem in the list."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        problems.append(_problem(str(error), kind, at))
        return None


def _problem(error: str, kind: type[Any], at: str) -> PolicyProblem:
    found = _AT.search(error)
    inner = found["path"].removeprefix(".") if found else ""
    message = error[: found.start()] if found else error
    owner = _type_at(kind, inner)
    named = _NAMED.search(message)
    if message.startswith("Object contains unknown field") and named:
        path = _joined(at, inner, named["name"])
        return PolicyProblem(path, f"unknown word {named['name']!r}", f"use one of {', '.join(_fields(owner))}")
    if message.startswith("Object missing required field") and named:
        return PolicyProblem(_joined(at, inner), f"{named['name']} is missing", f"add {named['name']}:")
    if message.startswith("Invalid enum value") and named:
        return PolicyProblem(
            _joined(at, inner), f"unknown word {named['value']!r}", f"use one of {', '.join(_literals(owner))}"
        )
    expected = message.partition(", got ")[0]
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in expected), "see the reference of policies")
    return PolicyProblem(_joined(at, inner), message[0].lower() + message[1:], remedy)


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part) or _ROOT


def _type_at(kind: Any, path: str) -> Any:
    """The type that a path of a document has: `variants[...].length`."""
    for name in [part.split("[")[0] for part in path.split(".") if part]:
        kind = next(iter(_structs(kind)), None)
        hints = get_type_hints(kind) if kind is not None else {}
        if name not in hints:
            return None
        kind = hints[name]
    return kind


def _structs(kind: Any) -> Iterator[type[DocumentPart]]:
    if isinstance(kind, type) and issubclass(kind, DocumentPart):
        yield kind
    for part in get_args(kind):
        yield from _structs(part)


def _fields(kind: Any) -> tuple[str, ...]:
    return next((struct.__struct_fields__ for struct in _structs(kind)), ())


def _literals(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [value for part in get_args(kind) for value in _literals(part)]


# --- lines ---------------------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML that knows text, whole numbers, true and false, and nothing else: no `on` is true, no date is guessed.

    What nests too deep, and what refers to another part, ends the scan where it stands: PyYAML looks at every open
    bracket for each sign that it reads.
    """

    def fetch_flow_collection_start(self, token: Any) -> None:
        self._check_depth(len(self.indents) + self.flow_level)
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        self._check_depth(len(self.indents))
        added: bool = super().add_indent(column)
        return added

    def fetch_alias(self) -> None:
        raise self._refused("refers to another part by '*'", "write the part out")

    def _check_depth(self, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise self._refused(f"nests deeper than {MAX_DEPTH}", "write it with fewer brackets and indentations")

    def _refused(self, message: str, remedy: str) -> UncountablePolicy:
        return UncountablePolicy((PolicyProblem(_ROOT, message, remedy, self.get_mark().line + 1),))


_Loader.yaml_implicit_resolvers = {}
_BOOL, _INT = re.compile(r"^(?:true|false)$"), re.compile(r"^-?(?:0|[1-9][0-9]*)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])


def parse(text: str) -> tuple[Any, Lines]:
    """Plain values, and the line on which each path begins. Raises InvalidPolicy where it is no such text at all."""
    if len(text) > MAX_TEXT:
        raise UncountablePolicy(
            (PolicyProblem(_ROOT, f"is longer than {MAX_TEXT} characters", "keep the rules, drop the rest"),)
        )
    lines: Lines = {}
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"is no YAML: {error.problem or error}"
        raise UncountablePolicy((PolicyProblem(_ROOT, message, "mind indentation and colons", line),)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UncountablePolicy(
            (PolicyProblem(_ROOT, f"is no YAML: {type(error).__name__}", "save it as UTF-8 text"),)
        ) from None
    return (_value(node, "", lines) if node is not None else None), lines


def _value(node: Any, path: str, lines: Lines) -> Any:
    lines[path or _ROOT] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, f"{path}[{i}]", lines) for i, each in enumerate(node.value)]
    match node.tag:
        case "tag:yaml.org,2002:bool" if _BOOL.match(node.value):
            return node.value == "true"
        case "tag:yaml.org,2002:int" if _INT.match(node.value):
            if len(node.value) > MAX_DIGITS:
                raise UncountablePolicy((_at(node, path, "is too long a number", "write fewer digits"),))
            return int(node.value)
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:str":
            return node.value
        case _:
            raise UncountablePolicy((_at(node, path, f"has the tag {node.tag}", "leave tags out"),))


def _mapping(node: Any, path: str, lines: Lines) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise UncountablePolicy((_at(key, path, "has a list or words as a name", "write a word before the colon"),))
        name = str(key.value)
        here = f"{path}.{name}" if path else name
        if name in found:
            raise UncountablePolicy((_at(key, here, f"{name!r} is written twice", "keep one"),))
        found[name] = _value(value, here, lines)
        lines[here] = key.start_mark.line + 1
    return found


def _at(node: Any, path: str, message: str, remedy: str) -> PolicyProblem:
    return PolicyProblem(path or _ROOT, message, remedy, node.start_mark.line + 1)


def line_of(path: str, lines: Lines) -> int:
    """The line of a path; of what is missing, that of the nearest part that is there."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["))] if ("." in path or "[" in path) else ""
    return lines.get(_ROOT, 1)
