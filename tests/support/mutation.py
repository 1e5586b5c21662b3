"""Mutants of a document: what a careless or hostile hand makes of a policy, a calendar, a command."""

import copy
import random
from collections.abc import Iterator
from typing import Any

#: Values that stand at an edge of something: numbers, days, texts, shapes.
EDGES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 31, 366, 10_000, 2**31, 2**63, 2**64, 10**30, 1.5, float("1e300"),
    "", " ", "a", "0", "07", "02-29", "02-30", "04-31", "12-31", "00-00", "0000-01-01", "2028-02-29", "9999-12-31",
    "2026-13-01", "9" * 5_000, "é" * 300, "e\u0301", "\u200b", "\ufeff", "\x7f", "=cmd", "../..", "%00", "🦊",
    [], {}, [[]], [None], {"": ""}, {"a": {"a": {"a": {}}}}, "reply", "annual_dialogue", "working_days", "complex",
)  # fmt: skip


def mutants(documents: list[Any], rng: random.Random, count: int) -> Iterator[Any]:
    """Yield `count` documents, each with one to four changes, of which some mix the documents with each other."""
    for _ in range(count):
        mutant = copy.deepcopy(rng.choice(documents))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
            mutant = _changed(mutant, documents, rng)
        yield mutant


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        _places(value[key], found)
    return found


def _changed(document: Any, documents: list[Any], rng: random.Random) -> Any:
    places = _places(document, [])
    if not places:
        return copy.deepcopy(rng.choice(documents))
    container, key = rng.choice(places)
    match rng.randrange(7):
        case 0 | 1:
            container[key] = copy.deepcopy(rng.choice(EDGES))
        case 2:
            del container[key]
        case 3:  # twice
            if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
            else:
                container[f"{key}s"] = copy.deepcopy(container[key])
        case 4:  # what stands elsewhere
            other, there = rng.choice(_places(rng.choice(documents), []))
            container[key] = copy.deepcopy(other[there])
        case 5:  # a number nearby, a text with something in it
            value = container[key]
            if isinstance(value, int) and not isinstance(value, bool):
                container[key] = value + rng.choice((-1, 1, -100, 100))
            elif isinstance(value, str) and value:
                at = rng.randrange(len(value))
                container[key] = value[:at] + rng.choice(("\u0301", "9", "-", "\t", "'", "{", "")) + value[at + 1 :]
        case 6:  # a word of another place
            if isinstance(container, dict):
                other, there = rng.choice(_places(rng.choice(documents), []))
                if isinstance(there, str):
                    container[there] = container.pop(key)
    return document


def damaged(text: bytes, rng: random.Random) -> bytes:
    """The bytes with some of them changed, repeated, cut or nested deeply."""
    at = rng.randrange(len(text) + 1)
    match rng.randrange(6):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + rng.randbytes(rng.randrange(1, 9)) + text[at:]
        case 2:
            return text[:at] + rng.choice((b"[", b"{", b"- ", b"? ", b"&a *a ", b"!!int ")) * 2_000 + text[at:]
        case 3:
            return text[:at] + text[at : at + 50] * 100 + text[at:]
        case 4:
            return text.replace(b"\n", rng.choice((b"\r", b"\n\t", b"\n---\n", b"\x85")), rng.randrange(1, 20))
        case _:
            return text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]
