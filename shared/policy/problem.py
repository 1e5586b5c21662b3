"""What is wrong in a policy, as data: the place, what is wrong there and the remedy, in both languages. Pure."""

from collections.abc import Iterable

import msgspec

from shared.sentences import Sentence

# What is said at several places.
EMPTY = Sentence("đang để trống", "is empty")
LEAVE_OUT = Sentence("hãy bỏ đi", "leave it out")
KEEP_ONE = Sentence("hãy chỉ giữ một", "keep one")
USE_WARN_DAYS = Sentence("hãy dùng warn_days", "use warn_days")


class PolicyProblemTranslation(msgspec.Struct, frozen=True):
    """What is wrong and the remedy, in one language."""

    message: str
    remedy: str


class PolicyProblemTranslations(msgspec.Struct, frozen=True):
    """What is wrong and the remedy, in each language."""

    vi: PolicyProblemTranslation
    en: PolicyProblemTranslation


class PolicyProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong: where (`path` in the document, `line` where there are lines), what, and the remedy.

    `message` and `remedy` are English; `translations` say both in each language.
    """

    path: str
    message: str
    remedy: str
    line: int = 0
    translations: PolicyProblemTranslations

    def __str__(self) -> str:
        return f"{self.path}: {self.message}; {self.remedy}"

    @property
    def said(self) -> Sentence:
        """What is wrong and the remedy in one sentence, without the place."""
        vi, en = self.translations.vi, self.translations.en
        return Sentence(f"{vi.message}; {vi.remedy}", f"{en.message}; {en.remedy}")


def policy_problem(path: str, message: Sentence, remedy: Sentence, line: int = 0) -> PolicyProblem:
    """The problem that these two sentences tell."""
    translations = PolicyProblemTranslations(
        PolicyProblemTranslation(message.vi, remedy.vi), PolicyProblemTranslation(message.en, remedy.en)
    )
    return PolicyProblem(path=path, message=message.en, remedy=remedy.en, line=line, translations=translations)


class UncountablePolicy(ValueError):
    """A policy with which nothing is counted."""

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def listed_twice(what: str) -> Sentence:
    """What is wrong where a thing stands twice."""
    return Sentence(f"{what} được nêu hai lần", f"{what} is listed twice")


def one_of(words: Iterable[str]) -> Sentence:
    """The remedy that names what may be used."""
    listed = ", ".join(words)
    return Sentence(f"hãy dùng một trong: {listed}", f"use one of {listed}")
