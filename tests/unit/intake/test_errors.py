"""Every refusal of the domain is provoked by a test that names it, and has a code of its own."""

import inspect
from pathlib import Path

from services.intake.domain import errors
from services.intake.entrypoints.refusals import UNPROCESSABLE, problem_of

TESTS = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
CLASSES = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.Refused)]
#: Those that stand for a kind of refusal and are never raised themselves.
KINDS = {c for c in CLASSES if c.__subclasses__()} - {errors.CaseEnded}


def test_every_refusal__is_provoked_by_a_test() -> None:
    assert [c.__name__ for c in CLASSES if c not in KINDS and TESTS.count(c.__name__) < 1] == []


def test_codes__are_unique_and_known() -> None:
    codes = [c.code for c in CLASSES if c not in KINDS]
    assert len(set(codes)) == len(codes)
    assert set(codes) >= UNPROCESSABLE
    assert {problem_of(c("why")).status for c in CLASSES} == {403, 409, 422}
