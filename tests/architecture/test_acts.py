"""What a rule needs so that it is asked: each failure says where it is forgotten."""

import ast
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from services.intake.domain.acts.act import Act, ConferenceAct, CreatingAct, PetitionAct, RegulationAct
from shared.events import EVENTS

ROOT = Path(__file__).parents[2]
Trees: TypeAlias = Mapping[str, ast.Module]
SOURCES = [str(path.relative_to(ROOT)) for top in ("services", "shared") for path in sorted((ROOT / top).rglob("*.py"))]
RULES = "services/intake/domain/"
_CAMEL = r"(?:[A-Z][a-z]+){2,}"
#: What a typing mistake leaves of a topic: most of its letters.
_LIKE_A_TOPIC = 0.85


def _used(tree: ast.AST) -> set[str]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.fixture(scope="module")
def used(trees: Trees) -> set[str]:
    """Every name that is asked for."""
    return set().union(*map(_used, trees.values()))


@pytest.fixture(scope="module")
def named(trees: Trees) -> set[str]:
    """Every name that is there."""
    return {
        name
        for tree in trees.values()
        for node in ast.walk(tree)
        if (name := getattr(node, "name", None) or (node.id if isinstance(node, ast.Name) else None))
    }


@pytest.mark.parametrize("kind", [PetitionAct, ConferenceAct, CreatingAct, RegulationAct])
def test_act__says_by_itself_what_it_is_judged_by_and_what_it_changes(kind: type[Act]) -> None:  # type: ignore[type-arg]
    said = {field.name for field in msgspec.structs.fields(kind) if field.required}
    rules = {
        PetitionAct: {"possible", "check", "fold"},
        ConferenceAct: {"possible", "check", "fold"},
        CreatingAct: {"begin", "check_in_context"},
        RegulationAct: {"check", "fold"},
    }
    assert rules[kind] <= said, "give it no default: an act that forgot its rule would allow everything"


@pytest.mark.parametrize("path", [each for each in SOURCES if each.startswith(RULES)])
def test_rule__is_asked_by_somebody(path: str, trees: Trees, used: set[str]) -> None:
    written = [node.name for node in trees[path].body if isinstance(node, ast.FunctionDef)]
    assert [name for name in written if name not in used] == [], "name it in the act that it judges, or delete it"


def _quoted(tree: ast.AST) -> list[str]:
    """The words in camel case that stand alone in quotes, or in quotes within a query."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    alone = [text for text in texts if re.fullmatch(_CAMEL, text)]
    return alone + [word for text in texts for word in re.findall(f"'({_CAMEL})'", text)]


@pytest.mark.parametrize("path", SOURCES)
def test_topic_in_quotes__is_of_an_event(path: str, trees: Trees, named: set[str]) -> None:
    first_words = {re.match(r"[A-Z][a-z]+", topic)[0] for topic in EVENTS}  # type: ignore[index]
    for word in _quoted(trees[path]):
        if word in EVENTS or word in named or word.startswith(("Petitions", "Conferences")):  # operations of the API
            continue
        like = difflib.get_close_matches(word, EVENTS, 1, _LIKE_A_TOPIC)
        is_topic = like or re.match(r"[A-Z][a-z]+", word)[0] in first_words  # type: ignore[index]
        assert not is_topic, f"{word} is the topic of no event; {' or '.join(like) or 'see shared/events'} was meant"
