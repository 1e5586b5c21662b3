"""Every refusal and problem that the code raises finds its words, and every word is said somewhere.

A raise names a sentence by its key and gives the values for its places: `InvalidValue("due_on", "year", day=day, ...)`,
`problem(404, "not-found", "reference")`. What is missing here is added to `services/intake/domain/refusal_words.py`,
or, for a code of a door, to `shared/problem_words.py`.
"""

import ast
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from services.intake.application import errors as command_errors
from services.intake.domain import errors
from services.intake.domain.refusal_words import REFUSAL_WORDS
from shared.calendar import CONTRADICTIONS
from shared.http.problems import HTTP_CODES
from shared.problem_words import DOOR_WORDS
from shared.sentences import ProblemWords, Sentence

ROOT = Path(__file__).resolve().parents[2]
CODES: dict[str, list[str]] = {
    name: [kind.code]
    for module in (errors, command_errors)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, errors.Refused)
}
#: A class that is handed in, by the name of the parameter; those that choose their words themselves.
CODES["unknown"] = ["unknown-jurisdiction", "unknown-agency"]
OWN_WORDS = (
    "KeyReused",
    "NotInCatalogue",
    "ReferenceAnnulled",
    "ReferenceDiffers",
    "ReferenceUsed",
    "SourceVersionReused",
    "StaleVersion",
)
NAMED = {"field", "headers", "members"}  # of `problem`, beside the values


class Said(NamedTuple):
    """One place in the code that says something: the code, the key with `*` for what is put in, the values."""

    where: str
    code: str
    key: str
    values: frozenset[str]
    table: str


def places(sentence: Sentence) -> frozenset[str]:
    """The places for values in both languages."""
    found = (name for text in sentence for _, name, _, _ in string.Formatter().parse(text) if name is not None)
    return frozenset(found)


def said_in_the_code(trees: Mapping[str, ast.Module]) -> Iterator[Said]:
    for where, tree in trees.items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="problem")):
                    _, code, *key = node.args
                    yield said(where, node, constant(code), key, "door", NAMED)
                case ast.Call(func=ast.Name(id="away")):
                    yield said(where, node, "intake-away", node.args, "door", set())
                case ast.Call(func=ast.Name(id="unauthenticated")):
                    yield said(where, node, "unauthenticated", node.args, "door", set())
                case ast.Call(func=ast.Name(id="ContradictoryCalendar")):
                    yield said(where, node, "invalid-calendar", node.args[1:], "refusal", set())
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in CODES:
                    if name not in OWN_WORDS and not any(k.arg is None for k in node.keywords):
                        for code in CODES[name]:
                            yield said(where, node, code, node.args[1:], "refusal", set())
                case ast.Raise(exc=ast.Name(id=name) | ast.Attribute(attr=name)) if name in CODES:
                    yield Said(f"{where}:{node.lineno}", CODES[name][0], "", frozenset(), "refusal")
                case ast.ClassDef(name=name) if name in OWN_WORDS:
                    for call in ast.walk(node):
                        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
                            yield said(where, call, CODES[name][0], call.args[1:], "refusal", set())


def said(where: str, call: ast.Call, code: str, key: list[ast.expr], table: str, named: set[str]) -> Said:
    values = frozenset(k.arg for k in call.keywords if k.arg is not None) - named
    return Said(f"{where}:{call.lineno}", code, constant(key[0]) if key else "", values, table)


def constant(node: ast.expr) -> str:
    """A text in the code, with `*` for the parts that are put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(constant(part) for part in node.values)
        case _:
            return "*"


@pytest.fixture(scope="module")
def all_said(trees: Mapping[str, ast.Module]) -> list[Said]:
    """Everything that the code says."""
    return [each for each in said_in_the_code(trees) if each.code != "*"]


def keys(words: ProblemWords, key: str) -> list[str]:
    if "*" not in key:
        return [key]
    before, _, after = key.partition("*")
    return [known for known in words.sentences if known.startswith(before) and known.endswith(after)]


def test_what_is_said__has_its_words_and_fits_them(all_said: list[Said]) -> None:
    assert [wrong for each in all_said for wrong in faults(each)] == []


def faults(each: Said) -> Iterator[str]:
    """What is missing for the words of a place, and where it belongs."""
    table, home = (
        (DOOR_WORDS, "shared/problem_words.py")
        if each.table == "door"
        else (REFUSAL_WORDS, "services/intake/domain/refusal_words.py")
    )
    if each.code not in table:
        yield f"{each.where}: {each.code} has no words in {home}"
        return
    found = keys(table[each.code], each.key)
    if not found or any(key not in table[each.code].sentences for key in found):
        yield f"{each.where}: {each.code} has no sentence {each.key!r} in {home}"
    elif each.key != "*":  # else the caller of this place chooses, and is looked at itself
        for key in found:
            if each.values != places(table[each.code].sentences[key]):
                yield f"{each.where}: {each.code} {key!r} in {home} has places for other values"


def test_every_sentence__is_said_somewhere(all_said: list[Said]) -> None:
    chosen = {
        (each.code, key)
        for each in all_said
        if each.key != "*"
        if (words := REFUSAL_WORDS.get(each.code) or DOOR_WORDS.get(each.code)) is not None
        for key in keys(words, each.key)
    }
    # These go by a status of HTTP; the console takes one out of the table; a body that is no JSON says why by a key.
    chosen |= {(code, "") for code in HTTP_CODES.values()}
    chosen |= {("malformed-json", key) for key in DOOR_WORDS["malformed-json"].sentences}
    chosen.add(("no-answer", ""))  # by the proxies of deploy/, in these words
    # The console says what it waited for: a sending or a page.
    chosen |= {("intake-away", key) for key in ("", "slow", "slow-to-open")}
    # What msgspec says of a body is told by one of these.
    chosen |= {("invalid-body", key) for key in DOOR_WORDS["invalid-body"].sentences}
    tables = {**DOOR_WORDS, **REFUSAL_WORDS}
    unused = [(code, key) for code, words in tables.items() for key in words.sentences if (code, key) not in chosen]
    assert unused == []


@pytest.mark.parametrize("code", [*DOOR_WORDS, *REFUSAL_WORDS])
def test_sentences__are_there_in_both_languages_with_the_same_places(code: str) -> None:
    words = REFUSAL_WORDS.get(code) or DOOR_WORDS[code]
    for sentence in words.sentences.values():
        vi, en = (places(Sentence(text, text)) for text in sentence)
        assert sentence.vi and sentence.en
        # What English says more is a word of the contract that Vietnamese can do without.
        assert vi <= en, sentence


def test_contradictions_of_a_calendar__are_words_of_a_refusal() -> None:
    assert REFUSAL_WORDS["invalid-calendar"].sentences is CONTRADICTIONS
