"""A policy from its text: YAML with the line of each problem, or JSON values. Pure."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import yaml

from shared.policy.checking import problems_of
from shared.policy.problem import KEEP_ONE, PolicyProblem, UncountablePolicy, one_of, policy_problem
from shared.policy.schema import DocumentPart, Policy, Rule
from shared.sentences import Sentence

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
    (
        "regex '^([0-9]",
        Sentence(
            "hãy viết theo dạng MM-DD, hoặc YYYY-MM-DD cho riêng một năm",
            "write it as MM-DD, or YYYY-MM-DD for one year",
        ),
    ),
    ("regex", Sentence("hãy viết theo dạng MM-DD", "write it as MM-DD")),
    ("date", Sentence("hãy viết theo dạng YYYY-MM-DD", "write it as YYYY-MM-DD")),
    (">= 0", Sentence("hãy ghi từ 0 trở lên", "write 0 or more")),
    (">= 1", Sentence("hãy ghi từ 1 trở lên", "write 1 or more")),
    ("<=", Sentence("hãy ghi số nhỏ hơn", "write a smaller number")),
    (
        "`int",
        Sentence(
            "hãy ghi số nguyên, không có dấu ngoặc kép và không có số 0 ở đầu",
            "write a whole number without quotation marks and without a 0 in front",
        ),
    ),
    ("`bool", Sentence("hãy ghi true hoặc false", "write true or false")),
    ("`array", Sentence("hãy ghi thành danh sách: [a, b]", "write a list: [a, b]")),
    (
        "`object",
        Sentence("hãy ghi các từ khóa kèm giá trị: {word: value}", "write words with their values: {word: value}"),
    ),
    ("`str", Sentence("hãy đặt trong dấu ngoặc kép", "put it in quotation marks")),
)
_SEE_REFERENCE = Sentence("hãy xem tài liệu tra cứu về quy định", "see the reference of policies")
#: What msgspec says of a value, in Vietnamese; its types and values stay.
_IN_VIETNAMESE = (
    (r"^Object contains unknown field (`.*?`)", r"không có trường \1"),
    (r"^Object missing required field (`.*?`)", r"thiếu trường \1"),
    (r"^Invalid enum value (.*)", r"không có giá trị \1"),
    (r"^Invalid RFC3339 encoded date", "không phải là ngày hợp lệ theo RFC3339"),
    (r"^JSON is malformed: (.*)", r"không phải là JSON hợp lệ (“\1”)"),
    (r"^Integer value out of range", "số nguyên vượt quá giới hạn"),
    (r"^Expected (`.*?`), got (`.*?`)", r"phải là \1, không phải \2"),
    (r"^Expected (`.*?`) of length (.*)", r"phải là \1 có độ dài \2"),
    (r"^Expected (`.*?`) matching regex (.*)", r"phải là \1 theo mẫu \2"),
    (r"^Expected (.*)", r"phải là \1"),
)

Lines = dict[str, int]


def read_policy(text: str) -> Policy:
    """The policy of a YAML text (JSON is YAML). Raises UncountablePolicy, whose problems name their lines."""
    data, lines = parse(text)
    try:
        return policy_of(data)
    except UncountablePolicy as invalid:
        placed = (msgspec.structs.replace(p, line=line_of(p.path, lines)) for p in invalid.problems)
        raise UncountablePolicy(tuple(sorted(placed, key=lambda p: p.line))) from None


def policy_of(data: Any) -> Policy:
    """The policy of plain values. Raises UncountablePolicy."""
    if not isinstance(data, dict):
        raise UncountablePolicy(
            (
                policy_problem(
                    _ROOT,
                    Sentence("không phải là quy định về thời hạn", "is no policy"),
                    Sentence(
                        "hãy bắt đầu bằng policy_id:, document:, valid_from:, rules:",
                        "begin with policy_id:, document:, valid_from:, rules:",
                    ),
                ),
            )
        )
    rules = data.get("rules", [])
    if _is_list(rules) and len(rules) > MAX_RULES:
        raise UncountablePolicy(
            (
                policy_problem(
                    "rules",
                    Sentence(f"có {len(rules)} quy tắc", f"has {len(rules)} rules"),
                    Sentence(
                        f"hãy giữ một quy tắc cho mỗi việc, nhiều nhất {MAX_RULES}",
                        f"keep one rule a duty, at most {MAX_RULES}",
                    ),
                ),
            )
        )
    problems: list[PolicyProblem] = []
    head = _converted({k: v for k, v in data.items() if k != "rules"}, Policy, "", problems)
    read = [_converted(each, Rule, f"rules[{i}]", problems) for i, each in enumerate(rules)] if _is_list(rules) else []
    if not _is_list(rules):
        problems.append(
            policy_problem(
                "rules",
                Sentence("không phải là danh sách", "is no list"),
                Sentence(
                    "hãy ghi mỗi quy tắc một mục, bắt đầu bằng '- duty:'", "write one rule an item, each with '- duty:'"
                ),
            )
        )
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
        return policy_problem(path, _unknown_word(named["name"]), one_of(_fields(owner)))
    if message.startswith("Object missing required field") and named:
        name = named["name"]
        return policy_problem(
            _joined(at, inner),
            Sentence(f"thiếu {name}", f"{name} is missing"),
            Sentence(f"hãy thêm {name}:", f"add {name}:"),
        )
    if message.startswith("Invalid enum value") and named:
        return policy_problem(_joined(at, inner), _unknown_word(named["value"]), one_of(_literals(owner)))
    expected = message.partition(", got ")[0]
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in expected), _SEE_REFERENCE)
    said = Sentence(value_in_vietnamese(message), message[0].lower() + message[1:])
    return policy_problem(_joined(at, inner), said, remedy)


def _unknown_word(word: str) -> Sentence:
    return Sentence(f"không có từ khóa {word!r}", f"unknown word {word!r}")


def value_in_vietnamese(error: str) -> str:
    """What msgspec says of a value, and at which path, in Vietnamese."""
    message, _, path = error.partition(" - at ")
    found = (re.sub(pattern, said, message) for pattern, said in _IN_VIETNAMESE if re.match(pattern, message))
    return next(found, f"giá trị không đọc được (“{message}”)") + (f" (tại {path})" if path else "")


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
        raise self._refused(
            Sentence("dẫn chiếu phần khác bằng '*'", "refers to another part by '*'"),
            Sentence("hãy viết đầy đủ phần đó", "write the part out"),
        )

    def _check_depth(self, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise self._refused(
                Sentence(f"lồng nhau quá {MAX_DEPTH} cấp", f"nests deeper than {MAX_DEPTH}"),
                Sentence("hãy bớt dấu ngoặc và mức thụt đầu dòng", "write it with fewer brackets and indentations"),
            )

    def _refused(self, message: Sentence, remedy: Sentence) -> UncountablePolicy:
        return UncountablePolicy((policy_problem(_ROOT, message, remedy, self.get_mark().line + 1),))


_Loader.yaml_implicit_resolvers = {}
_BOOL, _INT = re.compile(r"^(?:true|false)$"), re.compile(r"^-?(?:0|[1-9][0-9]*)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])


def parse(text: str) -> tuple[Any, Lines]:
    """Plain values, and the line on which each path begins. Raises UncountablePolicy where it is no such text."""
    if len(text) > MAX_TEXT:
        raise UncountablePolicy(
            (
                policy_problem(
                    _ROOT,
                    Sentence(f"dài quá {MAX_TEXT} ký tự", f"is longer than {MAX_TEXT} characters"),
                    Sentence("hãy giữ các quy tắc, bỏ phần còn lại", "keep the rules, drop the rest"),
                ),
            )
        )
    lines: Lines = {}
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = error.problem or error
        # The reader of YAML speaks English alone; with the line, its words are quoted.
        message = Sentence(f"không phải là YAML hợp lệ (“{why}”)", f"is no YAML: {why}")
        remedy = Sentence("hãy kiểm tra mức thụt đầu dòng và dấu hai chấm", "mind indentation and colons")
        raise UncountablePolicy((policy_problem(_ROOT, message, remedy, line),)) from None
    except (yaml.YAMLError, RecursionError) as error:
        kind = type(error).__name__
        message = Sentence(f"không phải là YAML hợp lệ ({kind})", f"is no YAML: {kind}")
        remedy = Sentence("hãy lưu thành văn bản UTF-8", "save it as UTF-8 text")
        raise UncountablePolicy((policy_problem(_ROOT, message, remedy),)) from None
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
                raise UncountablePolicy(
                    (
                        _at(
                            node,
                            path,
                            Sentence("số có quá nhiều chữ số", "is too long a number"),
                            Sentence("hãy ghi ít chữ số hơn", "write fewer digits"),
                        ),
                    )
                )
            return int(node.value)
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:str":
            return node.value
        case _:
            message = Sentence(f"có thẻ {node.tag}", f"has the tag {node.tag}")
            raise UncountablePolicy((_at(node, path, message, Sentence("hãy bỏ thẻ", "leave tags out")),))


def _mapping(node: Any, path: str, lines: Lines) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            message = Sentence("dùng danh sách hoặc nhóm từ khóa làm tên", "has a list or words as a name")
            remedy = Sentence("hãy ghi một từ khóa trước dấu hai chấm", "write a word before the colon")
            raise UncountablePolicy((_at(key, path, message, remedy),))
        name = str(key.value)
        here = f"{path}.{name}" if path else name
        if name in found:
            message = Sentence(f"{name!r} được ghi hai lần", f"{name!r} is written twice")
            raise UncountablePolicy((_at(key, here, message, KEEP_ONE),))
        found[name] = _value(value, here, lines)
        lines[here] = key.start_mark.line + 1
    return found


def _at(node: Any, path: str, message: Sentence, remedy: Sentence) -> PolicyProblem:
    return policy_problem(path or _ROOT, message, remedy, node.start_mark.line + 1)


def line_of(path: str, lines: Lines) -> int:
    """The line of a path; of what is missing, that of the nearest part that is there."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["))] if ("." in path or "[" in path) else ""
    return lines.get(_ROOT, 1)
