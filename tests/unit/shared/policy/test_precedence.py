"""Which document's rule is in force: each answer by itself, from adoptions alone."""

from datetime import date
from typing import Any

import msgspec
import pytest

from shared.policy import Adopted, AdoptionRegister, InForce, Policy, Rule, RuleInForce, rule_that_applies
from shared.policy.schema import Document
from tests.support.history import day

COMMUNE, DISTRICT, PROVINCE = "H35.10.31", "H35.10", "H35"
ON = day("2019-08-23")


def policy(name: str, length: int = 10, valid_from: str = "2019-01-01", **more: Any) -> Policy:
    rule = Rule(duty="reply", form="deadline", length=length)
    document = Document(number=name, issued_on=date(2019, 1, 1))
    words: dict[str, Any] = {"rules": (rule,), **more}
    return Policy(policy_id=name, document=document, valid_from=day(valid_from), **words)


def in_force(*adopted: tuple[str, Policy], **more: Any) -> InForce:
    return InForce(AdoptionRegister(adopted=tuple(Adopted(code, each) for code, each in adopted), **more))


def chosen(rules: InForce, on: date = ON, audience: str = "", jurisdiction: str = DISTRICT) -> str | None:
    found = rules.rule_in_force(jurisdiction, "reply", on, audience)
    return found.policy.policy_id if found else None


DEFAULT = "plan-570"

CHOICES: dict[str, tuple[InForce, str]] = {
    "none adopted": (in_force(), DEFAULT),
    "adopted here": (in_force((DISTRICT, policy("own"))), "own"),
    "adopted above": (in_force((PROVINCE, policy("above"))), "above"),
    "adopted for the nation": (in_force(("VN", policy("nation"))), "nation"),
    "adopted below or beside": (in_force((COMMUNE, policy("below")), ("H35.11", policy("beside"))), DEFAULT),
    "nearer before farther": (in_force((DISTRICT, policy("near")), (PROVINCE, policy("far"))), "near"),
    "higher precedence before nearer": (
        in_force((PROVINCE, policy("law", precedence="law")), (DISTRICT, policy("near", precedence="decree"))),
        "law",
    ),
    "later valid before earlier": (
        in_force((DISTRICT, policy("young", valid_from="2019-03-01")), (DISTRICT, policy("old"))),
        "young",
    ),
    "later recorded before earlier": (in_force((DISTRICT, policy("first")), (DISTRICT, policy("second"))), "second"),
    "from its first day": (in_force((DISTRICT, policy("own", valid_from="2019-08-23"))), "own"),
    "not before": (in_force((DISTRICT, policy("own", valid_from="2019-08-24"))), DEFAULT),
    "to its last day": (in_force((DISTRICT, policy("own", valid_until=ON))), "own"),
    "not after": (in_force((DISTRICT, policy("own", valid_until=day("2019-08-22")))), DEFAULT),
    "silent on the duty": (in_force((DISTRICT, policy("silent", rules=())), (PROVINCE, policy("above"))), "above"),
    "replaced by another": (
        in_force((DISTRICT, policy("gone")), (PROVINCE, policy("new", rules=(), replaces=("gone",)))),
        DEFAULT,
    ),
    "to be replaced later": (
        in_force(
            (DISTRICT, policy("gone")),
            (DISTRICT, policy("new", rules=(), replaces=("gone",), valid_from="2019-09-01")),
        ),
        "gone",
    ),
    "adopted again without the rule": (
        in_force((DISTRICT, policy("own")), (DISTRICT, policy("own", valid_from="2019-02-01", rules=()))),
        DEFAULT,
    ),
    "adopted again, recorded first": (
        in_force((DISTRICT, policy("own", valid_from="2019-02-01", rules=())), (DISTRICT, policy("own"))),
        DEFAULT,
    ),
    "the same document adopted at two levels": (
        in_force((DISTRICT, policy("own")), (PROVINCE, policy("own", valid_from="2019-02-01", rules=()))),
        "own",
    ),
    "for another level": (
        in_force((PROVINCE, policy("communes", levels=("commune",))), levels={DISTRICT: "district"}),
        DEFAULT,
    ),
    "for its level": (
        in_force((PROVINCE, policy("districts", levels=("district",))), levels={DISTRICT: "district"}),
        "districts",
    ),
    "for a level, of a body that is not registered": (
        in_force((PROVINCE, policy("communes", levels=("commune",)))),
        DEFAULT,
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_rule_in_force__is_of_the_first_document_that_states_it(case: str) -> None:
    rules, expected = CHOICES[case]
    assert chosen(rules) == expected
    assert chosen(rules) == expected, "asked again"


def test_audience__made_for_it_before_made_for_all() -> None:
    rules = in_force((DISTRICT, policy("youth", audience="youth")), (DISTRICT, policy("all", precedence="law")))
    assert chosen(rules, audience="youth") == "youth"
    assert chosen(rules) == "all"
    assert chosen(rules, audience="women") == "all"
    assert chosen(in_force((DISTRICT, policy("youth", audience="youth"))), audience="women") == DEFAULT


def test_audiences__for_which_a_document_in_force_states_the_duty() -> None:
    rules = in_force(
        (DISTRICT, policy("youth", audience="youth")),
        (DISTRICT, policy("all")),
        (DISTRICT, policy("later", audience="women", valid_from="2019-09-01")),
        (DISTRICT, policy("silent", audience="farmers", rules=())),
    )
    assert rules.audiences(DISTRICT, "reply", ON) == ["", "youth"]
    assert rules.audiences(DISTRICT, "reply", day("2019-09-01")) == ["", "women", "youth"]
    assert rules.audiences("H36", "reply", ON) == []


def test_unknown_to_every_document__nobody_owes_it() -> None:
    assert in_force().rule_in_force(DISTRICT, "acceptance_notice", ON) is None


# --- bodies that are no more ------------------------------------------------------------------------------------------

ENDED = day("2019-07-01")


def closed(*adopted: tuple[str, Policy], code: str = PROVINCE) -> InForce:
    return in_force(*adopted, closed_on={code: ENDED})


def test_ended_body__binds_nobody_but_itself_from_its_first_day_without() -> None:
    rules = closed((PROVINCE, policy("above")))
    assert chosen(rules, day("2019-06-30")) == "above"
    assert chosen(rules, ENDED) == DEFAULT
    assert chosen(rules, ON, jurisdiction=PROVINCE) == "above"


@pytest.mark.parametrize(
    ("heirs", "expected"),
    [({"H36": DISTRICT}, "own"), ({"H36": PROVINCE}, "own"), ({"H36": "H37"}, DEFAULT), ({}, DEFAULT)],
)
def test_ended_body__that_names_an_heir__goes_on_for_it_and_all_below(heirs: dict[str, str], expected: str) -> None:
    rules = closed(("H36", policy("own", heirs=heirs)), code="H36")
    assert chosen(rules) == expected


def test_body_that_has_not_ended__binds_no_heir() -> None:
    assert chosen(in_force(("H36", policy("own", heirs={"H36": DISTRICT})))) == DEFAULT


def test_ended_body_above__that_names_an_heir__goes_on_for_it() -> None:
    assert chosen(closed((PROVINCE, policy("above", heirs={PROVINCE: DISTRICT})))) == "above"


# --- clocks that run --------------------------------------------------------------------------------------------------


def later(valid_from: str, name: str = "", **more: Any) -> Policy:
    return policy(name or f"from {valid_from}", valid_from=valid_from, running_clocks="move", **more)


def superseding(rules: InForce, since: date = ON, audience: str = "") -> list[str]:
    return [each.policy.policy_id for each in rules.superseding(DISTRICT, "reply", since, audience)]


SUPERSEDING: dict[str, tuple[InForce, list[str]]] = {
    "none": (in_force(), []),
    "later": (in_force((DISTRICT, later("2019-08-24"))), ["from 2019-08-24"]),
    "of the same day": (in_force((DISTRICT, later("2019-08-23"))), []),
    "earlier": (in_force((DISTRICT, later("2019-08-22"))), []),
    "keeps running clocks": (in_force((DISTRICT, policy("keeps", valid_from="2019-08-24"))), []),
    "earliest first": (
        in_force((DISTRICT, later("2019-10-01")), (DISTRICT, later("2019-09-01"))),
        ["from 2019-09-01", "from 2019-10-01"],
    ),
    "elsewhere": (in_force(("H36", later("2019-08-24"))), []),
    # on its first day another document is in force
    "not in force on its first day": (
        in_force((PROVINCE, later("2019-09-01")), (DISTRICT, policy("near"))),
        [],
    ),
    "another that does not move is in force on its first day": (
        in_force((DISTRICT, later("2019-09-01")), (DISTRICT, policy("law", valid_from="2019-08-25", precedence="law"))),
        [],
    ),
    # on the first day of the second the earlier, higher one is still in force: it is asked for twice
    "an older one that moves stays in force": (
        in_force((DISTRICT, later("2019-06-01", precedence="law")), (DISTRICT, later("2019-09-01"))),
        [],
    ),
    "silent on the duty": (in_force((DISTRICT, later("2019-09-01", rules=()))), []),
}


@pytest.mark.parametrize("case", SUPERSEDING)
def test_superseding__the_later_documents_that_move_clocks(case: str) -> None:
    rules, expected = SUPERSEDING[case]
    assert superseding(rules) == expected
    assert superseding(rules) == expected, "asked again"


def test_superseding__of_a_duty_that_nobody_owes__none() -> None:
    rules = in_force((DISTRICT, later("2019-09-01")))
    assert rules.superseding(DISTRICT, "acceptance_notice", ON) == ()


def test_superseding__for_an_audience() -> None:
    rules = in_force((DISTRICT, later("2019-09-01", audience="youth")))
    assert superseding(rules) == []
    assert superseding(rules, audience="youth") == ["from 2019-09-01"]


def rule_of(valid_from: str, length: int, form: str = "deadline") -> RuleInForce:
    made = policy(f"{length} from {valid_from}", valid_from=valid_from)
    rule = Rule(duty="reply", form=form, length=length if form == "deadline" else None)  # type: ignore[arg-type]
    return RuleInForce(msgspec.structs.replace(made, rules=(rule,)), rule)


FIRST = rule_of("2019-01-01", 15)


def due(each: RuleInForce) -> date | None:
    """Each rule's length is the day of September on which it is due."""
    return date(2019, 9, each.rule.length) if each.rule.length else None


@pytest.mark.parametrize(
    ("others", "ended_on", "holds"),
    [
        ([], None, 15),
        ([rule_of("2019-09-01", 20)], None, 20),
        # it runs on its last day still
        ([rule_of("2019-09-15", 20)], None, 20),
        ([rule_of("2019-09-16", 20)], None, 15),
        ([rule_of("2019-09-01", 20)], "2019-08-31", 15),
        ([rule_of("2019-09-01", 20)], "2019-09-01", 20),
        # one after another
        ([rule_of("2019-09-01", 10), rule_of("2019-09-11", 20)], None, 10),
        ([rule_of("2019-09-01", 20), rule_of("2019-09-18", 25)], None, 25),
        ([rule_of("2019-09-16", 20), rule_of("2019-09-10", 25)], None, 25),
        # another form stays, save that a number may come or go
        ([rule_of("2019-09-01", 0, "frequency")], None, 15),
        ([rule_of("2019-09-01", 0, "undated")], None, None),
        ([rule_of("2019-09-01", 0, "undated"), rule_of("2019-12-01", 20)], None, 20),
    ],
)
def test_rule_that_applies__moves_with_the_documents_on_whose_first_day_it_runs(
    others: list[RuleInForce], ended_on: str | None, holds: int | None
) -> None:
    found = rule_that_applies(FIRST, others, due, day(ended_on) if ended_on else None)
    assert found.rule.length == holds


def test_rule_that_applies__to_an_undated_duty__may_be_a_number() -> None:
    undated = rule_of("2019-01-01", 0, "undated")
    assert rule_that_applies(undated, [rule_of("2019-09-01", 20)], due).rule.length == 20
