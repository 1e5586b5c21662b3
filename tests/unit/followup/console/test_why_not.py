"""Why a daily task is not offered: the role before all else, else what intake says of the command that is missing."""

import msgspec
import pytest

from services.followup.adapters.intake_client import PossibleCommandAnswer, Refusal
from services.followup.console.daily.routes import _why_not
from services.followup.console.daily.tasks import TASKS
from shared.sentences import Sentence

ROLE = Refusal(Sentence("Vai trò của bạn không được.", "not your role"), status=403)
STATE = Refusal(Sentence("Hội nghị chưa khai mạc.", "not open yet"), status=409)


def refused(command: str, refusal: Refusal) -> PossibleCommandAnswer:
    told = {"type": "refused", "detail": refusal.detail.en, "status": refusal.status}
    answer = {"command": command, "path": "", "possible": False, "problem": told}
    return msgspec.convert(answer, PossibleCommandAnswer)


@pytest.mark.parametrize("refusal", [ROLE, STATE], ids=["role", "state"])
def test_task__is_refused_as_its_command_is(refusal: Refusal) -> None:
    answers = [refused("PetitionClosed", STATE), refused("PetitionReceived", refusal)]
    found = _why_not(TASKS["receive"], frozenset(), answers)
    assert (found.status, found.detail.en) == (refusal.status, refusal.detail.en)


def test_task__of_unknown_commands_is_not_possible_now() -> None:
    assert _why_not(TASKS["receive"], frozenset(), []).status == 409
