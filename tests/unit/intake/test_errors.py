"""Every refusal of the domain is provoked by a test that names it, has a code of its own, and words for it."""

import inspect
from datetime import date
from pathlib import Path
from uuid import UUID

from services.intake.application import errors as command_errors
from services.intake.domain import errors
from services.intake.domain.refusal_words import REFUSAL_WORDS
from services.intake.entrypoints.refusals import UNPROCESSABLE, problem_of

TESTS = "".join(path.read_text("utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
CLASSES = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.Refused)]
#: Those that stand for a kind of refusal and are never raised themselves.
KINDS = {c for c in CLASSES if c.__subclasses__()} - {errors.CaseEnded}
RAISED = [c for c in CLASSES if c not in KINDS]
A = UUID(int=1)


def test_every_refusal__is_provoked_by_a_test() -> None:
    unprovoked = [c.__name__ for c in RAISED if TESTS.count(c.__name__) < 1]
    assert unprovoked == [], "provoke each of these in a row of tests/unit/intake/test_moves.py"


def test_codes__are_unique_and_known() -> None:
    codes = [c.code for c in RAISED]
    assert len(set(codes)) == len(codes)
    assert {*codes, command_errors.KeyReused.code} >= UNPROCESSABLE


def test_words__are_there_for_every_code() -> None:
    more = [c for c in vars(command_errors).values() if inspect.isclass(c) and issubclass(c, errors.Refused)]
    raised = [*RAISED, *(c for c in more if not c.__subclasses__())]
    missing = {c.code for c in raised} - REFUSAL_WORDS.keys()
    assert missing == set(), "add their words to services/intake/domain/refusal_words.py"


def test_refusal__says_field_and_sentence_in_both_languages() -> None:
    refused = errors.LaterThanDue("due_on", day=date(2019, 9, 17), due=date(2019, 9, 16))
    assert str(refused) == (
        "due_on: 2019-09-17 is later than the reply's due date 2019-09-16; name that day or an earlier one, or mark "
        "the case complex first"
    )
    assert refused.text.detail.vi == (
        "Ngày 17/09/2019 muộn hơn hạn trả lời: chậm nhất 16/09/2019; hãy chọn ngày 16/09/2019 hoặc sớm hơn, hoặc xác "
        "định vụ việc phức tạp trước."
    )
    assert refused.text.title == ("Muộn hơn hạn trả lời", "Later than the reply's due date")


def test_values__that_are_words_of_the_contract_are_translated() -> None:
    ended = errors.CaseEnded(ended="withdrawn", ended_on=date(2019, 9, 2))
    assert ended.text.detail.vi == "Vụ việc đã kết thúc ngày 02/09/2019 (đã rút); hãy mở lại vụ việc trước."
    roles = errors.RoleMayNot(None, "needs", roles=["chair", "office"])
    assert roles.text.detail.vi.endswith("cần một trong các vai trò: người chủ trì, văn phòng.")


def test_status__follows_the_kind_of_refusal() -> None:
    found = {
        errors.AgencyMayNot(None, "station"): 403,
        errors.AlreadyRaised("conference_id"): 409,
        errors.InvalidValue("subject", "empty"): 422,
        command_errors.KeyReused(): 422,
        command_errors.NotFound(None, "petition"): 404,
        command_errors.WrongAddress(None, "no-id", aggregate="petition"): 404,
        command_errors.StaleVersion(3): 412,
        command_errors.Contended(): 409,
        errors.UnknownPetition("into", petition_id=A): 409,
    }
    assert {error: problem_of(error).status for error in found} == found


def test_problem__carries_the_field() -> None:
    assert problem_of(errors.InvalidValue("subject", "empty")).field == "subject"
    assert problem_of(errors.AlreadyEscalated()).field is None
