"""The recipe *One number for one province* of docs/howto/write-rules.md is true, its warnings too."""

import re
from datetime import date
from pathlib import Path

import pytest

from services.followup.domain.duties.jurisdiction import jurisdiction_id
from services.followup.domain.regulation import RegulationLog
from shared.identifiers import NATION
from shared.policy import Policy, read_policy
from tests.support.history import History

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "howto" / "write-rules.md").read_text("utf-8")
PROVINCE, COMMUNES = "H35", ("H35.1", "H35.2")
ANNUAL = "  - {duty: annual_dialogue, form: frequency, frequency: {times: 1, per: year}}\n"


def recipe(**replaced: str) -> str:
    """The document of the page, with words replaced."""
    ((text),) = re.findall(r"## One number for one province\n.*?```yaml\n(.*?)```", PAGE, re.DOTALL)
    for word, line in replaced.items():
        assert f"\n{word}: " in text
        text = re.sub(rf"(?m)^{word}: .*\n", line, text)
    return text


def adopted(policy: Policy, *before: tuple[str, str]) -> History:
    """A province with two communes on 1 March 2026, the policy adopted in January."""
    history = History()
    history.register(PROVINCE, "province")
    for commune in COMMUNES:
        history.register(commune, "commune", parent=PROVINCE)
    for shipped, jurisdiction in before:
        history.adopt(shipped, "2026-01-05 08:00", jurisdiction)
    history.adopt(policy, "2026-01-10 08:00", PROVINCE)
    history.until("2026-03-01 00:00")
    return history


def owed(history: History) -> set[tuple[str, str]]:
    """Which body itself owes which duty."""
    return {
        (code, deadline.duty)
        for code in (PROVINCE, *COMMUNES)
        for deadline in history.engine.raised_of(jurisdiction_id(code))
    }


def reply_length(history: History, code: str) -> int:
    found = RegulationLog(history.facts).rule_in_force(code, "reply", date(2026, 3, 1))
    assert found is not None
    return found.rule.length


def test_recipe__changes_the_communes_number_and_makes_nobody_owe_more() -> None:
    history = adopted(read_policy(recipe()))
    assert [reply_length(history, code) for code in (PROVINCE, *COMMUNES)] == [15, 10, 10]
    assert owed(history) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (recipe(precedence="", levels=""), {(PROVINCE, "annual_dialogue")}),
        (recipe(levels=""), set()),
        (recipe() + ANNUAL, {(commune, "annual_dialogue") for commune in COMMUNES}),
    ],
    ids=["a plan", "a decision for all", "a frequency for communes"],
)
def test_variation__makes_others_owe(text: str, expected: set[tuple[str, str]]) -> None:
    assert owed(adopted(read_policy(text))) == expected


def test_law__wins_over_the_decision_of_a_province() -> None:
    law = ("communes-2025", NATION)
    history = adopted(read_policy(recipe() + "  - {duty: public_notice, form: minimum_notice, length: 3}\n"), law)
    found = RegulationLog(history.facts).rule_in_force(COMMUNES[0], "public_notice", date(2026, 3, 1))
    assert found is not None and found.policy.policy_id == "communes-2025"
    assert reply_length(history, COMMUNES[0]) == 10  # the law says nothing of replies
