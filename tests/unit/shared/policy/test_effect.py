"""What an adoption changes: who owes what he did not, and which document wins; each case by itself."""

from datetime import date
from typing import Any

import msgspec
import pytest

from shared.policy import Adopted, AdoptionRegister, Policy, Rule, policy_of, shipped_policy
from shared.policy.effect import policy_effects
from shared.policy.schema import Document
from tests.support.history import day

LEVELS = {"H35": "province", "H35.1": "commune", "H35.2": "commune", "H96": "province"}
COMMUNES = ("H35.1", "H35.2")
ON = day("2026-03-01")
REPLY = Rule(duty="reply", form="deadline", length=10, counted_from="conference_end")
RECEPTION = next(rule for rule in shipped_policy("citizen-reception").rules if rule.duty == "reception_day")


def policy(name: str, *rules: Rule, **more: Any) -> Policy:
    document = Document(number=name, issued_on=date(2026, 1, 5))
    words: dict[str, Any] = {"valid_from": day("2026-02-01"), "precedence": "decision", **more}
    return Policy(policy_id=name, document=document, rules=rules, **words)


def effects(
    trial: tuple[str, Policy], *earlier: tuple[str, Policy], on: date = ON, **more: Any
) -> list[tuple[Any, ...]]:
    register = AdoptionRegister(levels=LEVELS, adopted=tuple(Adopted(*each) for each in earlier), **more)
    found = policy_effects(Adopted(*trial), register, on)
    return [(each.kind, each.duty, each.jurisdictions, each.other, each.because) for each in found]


OWN = policy("own", REPLY)
NEAR = policy("near", REPLY)
LAW = policy("law", REPLY, precedence="law")

CASES: dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]] = {
    "a count alone: nobody owes more": (effects(("H35", OWN)), []),
    "a plan makes its adopter owe the dialogue of the default": (
        effects(("H35", policy("plan", REPLY, precedence="plan"))),
        [("owed", "annual_dialogue", ("H35",), "", "")],
    ),
    "with levels it does not": (effects(("H35", policy("plan", REPLY, precedence="plan", levels=("commune",)))), []),
    "a second plan makes it owe nothing more": (
        effects(("H35", policy("plan", precedence="plan")), ("H35", policy("first", precedence="plan"))),
        [],
    ),
    "a periodic duty with levels is owed by each of them": (
        effects(("H35", policy("law", RECEPTION, precedence="law", levels=("commune",)))),
        [("owed", "reception_day", COMMUNES, "", "")],
    ),
    "a periodic duty without levels by the adopter": (
        effects(("H35.1", policy("law", RECEPTION))),
        [("owed", "reception_day", ("H35.1",), "", "")],
    ),
    "who has ended owes nothing": (
        effects(("H35", policy("law", RECEPTION, levels=("commune",))), closed_on={"H35.2": day("2026-02-20")}),
        [("owed", "reception_day", ("H35.1",), "", "")],
    ),
    "a duty on which the default is silent": (
        effects(
            ("H96", policy("own", Rule(duty="result_notice", form="deadline", length=3, counted_from="settlement")))
        ),
        [("owed", "result_notice", ("H96",), "", "")],
    ),
    "a duty that the default leaves undated": (
        effects(("H96", policy("own", Rule(duty="convene", form="deadline", length=9, counted_from="request")))),
        [("dated", "convene", ("H96",), "", "")],
    ),
    "a decision loses to a law": (
        effects(("H35", OWN), ("VN", policy("law", REPLY, precedence="law", levels=("commune",)))),
        [("loses", "reply", COMMUNES, "law", "precedence")],
    ),
    "a law wins over a decision": (
        effects(("VN", LAW), ("H35.1", OWN)),
        [("wins", "reply", ("H35.1",), "own", "precedence")],
    ),
    "nearer wins": (effects(("H35.1", NEAR), ("H35", OWN)), [("wins", "reply", ("H35.1",), "own", "nearer")]),
    "farther loses": (effects(("H35", OWN), ("H35.1", NEAR)), [("loses", "reply", ("H35.1",), "near", "nearer")]),
    "valid later wins": (
        effects(("H96", policy("young", REPLY, valid_from=day("2026-02-15"))), ("H96", OWN)),
        [("wins", "reply", ("H96",), "own", "valid_from")],
    ),
    "recorded later wins": (effects(("H96", NEAR), ("H96", OWN)), [("wins", "reply", ("H96",), "own", "recorded")]),
    "a new version is no other document": (
        effects(("H96", msgspec.structs.replace(OWN, warn_days=())), ("H96", OWN)),
        [],
    ),
    "adopted again it says the same": (
        effects(("H35.1", NEAR), ("H35", OWN), ("H35.1", NEAR)),
        [("wins", "reply", ("H35.1",), "own", "nearer")],
    ),
    "adopted again it says again who owes": (
        effects(("H35", policy("plan", precedence="plan")), ("H35", policy("plan", precedence="plan"))),
        [("owed", "annual_dialogue", ("H35",), "", "")],
    ),
    "an undated duty is owed by no day": (
        effects(("H96", policy("own", Rule(duty="result_notice", form="undated")))),
        [],
    ),
    "each of the levels named, and no other below": (
        effects(("VN", policy("law", RECEPTION, levels=("province",)))),
        [("owed", "reception_day", ("H35", "H96"), "", "")],
    ),
    "what it replaces does not bind": (effects(("H96", policy("new", REPLY, replaces=("own",))), ("H96", OWN)), []),
    "on its first day, if that is later": (
        effects(("H96", policy("new", REPLY, valid_from=day("2026-06-01"))), ("H96", OWN), on=ON),
        [("wins", "reply", ("H96",), "own", "valid_from")],
    ),
    "what has ended by then": (effects(("H96", policy("old", REPLY, valid_until=day("2026-02-10"))), ("H96", OWN)), []),
}


@pytest.mark.parametrize("name", CASES)
def test_effect__of_an_adoption(name: str) -> None:
    told, expected = CASES[name]
    assert told == expected


def test_plan_under_the_rules_for_communes__loses_and_says_so_in_both_languages() -> None:
    plan = msgspec.to_builtins(shipped_policy("plan-570")) | {"policy_id": "own-plan"}
    national = Adopted("VN", shipped_policy("communes-2025"))
    register = AdoptionRegister(levels=LEVELS, adopted=(national,))
    found = policy_effects(Adopted("H35.1", policy_of(plan)), register, ON)
    lost = {each.duty for each in found if each.kind == "loses"}
    assert lost == {rule.duty for rule in national.policy.rules} & {rule["duty"] for rule in plan["rules"]} != set()
    told = next(each.told for each in found if each.duty == "annual_dialogue")
    assert told.vi == (
        "Đối thoại định kỳ trong năm: communes-2025 được áp dụng thay cho own-plan tại 1 đơn vị cấp xã (H35.1), "
        "vì hiệu lực pháp lý cao hơn"
    )
    assert told.en == (
        "Periodic dialogue of the year: communes-2025 wins over own-plan for 1 of level commune (H35.1): "
        "its precedence is higher"
    )
