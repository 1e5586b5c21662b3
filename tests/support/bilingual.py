"""What must hold of a text in two languages: both are there, and say the same values."""

import re

from shared.policy import PolicyProblem

#: Numbers and dates, quoted words, words of the format, examples in brackets.
_VALUES = re.compile(r"\d[\d-]*\d|\d|'[^']*'|`[^`]*`|\b[a-z]+(?:_[a-z]+)+\b|\{[^}]*\}|\[[^]]*\]")


def check_bilingual(vi: str, en: str) -> None:
    """Both languages say something, each its own, with the same values."""
    assert vi.strip() and en.strip() and vi != en, (vi, en)
    assert not vi.isascii(), f"no Vietnamese: {vi}"
    missing = [value for value in _VALUES.findall(en) if value not in vi]
    assert not missing, f"{vi!r} does not say {missing}"


def check_problem(problem: PolicyProblem) -> None:
    """A problem says in both languages what is wrong and what to do; the fields beside them are the English ones."""
    vi, en = problem.translations.vi, problem.translations.en
    assert (problem.message, problem.remedy) == (en.message, en.remedy)
    check_bilingual(vi.message, en.message)
    check_bilingual(vi.remedy, en.remedy)
