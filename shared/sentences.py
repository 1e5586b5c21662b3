"""Sentences for people, in Vietnamese and in English, with places for values. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

#: What values of a place-holder are called in Vietnamese, by the place-holder's name. English takes the value itself.
Names = Mapping[str, Mapping[str, str]]


class Sentence(NamedTuple):
    """One thing said in both languages; `{name}` is a place for a value."""

    vi: str
    en: str

    @property
    def both(self) -> str:
        """One thing in both languages on one line, as terminals, tables and files show it."""
        return f"{self.vi} / {self.en}"

    def filled(self, values: Mapping[str, object], names: Names) -> "Sentence":
        """The sentence with its values, of which a sentence is put in in its language.

        Raises KeyError for a place without one.
        """
        vietnamese = {name: _vietnamese(value, names.get(name, {})) for name, value in values.items()}
        english = {name: _english(value) for name, value in values.items()}
        return Sentence(self.vi.format_map(vietnamese), self.en.format_map(english))


class ProblemWords(NamedTuple):
    """The words of one problem code: its title, and each of its sentences by a key; the only one has the key ""."""

    title: Sentence
    sentences: Mapping[str, Sentence]


class ProblemText(NamedTuple):
    """What a problem says to people."""

    title: Sentence
    detail: Sentence


def problem_text(words: ProblemWords, sentence: str, values: Mapping[str, object], names: Names) -> ProblemText:
    """The title and one filled sentence. Raises KeyError for an unknown key, or for a place without a value."""
    return ProblemText(words.title, words.sentences[sentence].filled(values, names))


def _vietnamese(value: object, names: Mapping[str, str]) -> str:
    match value:
        case Sentence():
            return value.vi
        case date():
            return f"{value:%d/%m/%Y}"
        case list() | tuple():
            return ", ".join(_vietnamese(part, names) for part in value)
        case _:
            return names.get(str(value), str(value))


def _english(value: object) -> str:
    match value:
        case Sentence():
            return value.en
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
