"""Which document's rule is in force: for a duty, a jurisdiction, an audience and a day. Pure.

Of the documents that state the duty the first by this order wins: made for that audience before made for all; higher
precedence; adopted nearer to the jurisdiction; valid from a later day; recorded later. Where none states it, the
built-in default does; and where that is silent too, nobody owes the duty.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import get_args

import msgspec

from shared.identifiers import is_within, lineage
from shared.policy.schema import Policy, Precedence, Rule
from shared.policy.shipped import DEFAULT_POLICY

_RANK: dict[str, int] = {word: rank for rank, word in enumerate(get_args(Precedence))}


class Adopted(msgspec.Struct, frozen=True):
    """A policy that a jurisdiction adopted."""

    jurisdiction: str
    policy: Policy

    def binds(self, jurisdiction: str, level: str) -> bool:
        """Whether it makes a jurisdiction owe something itself: its adopter, or all of the levels that it names."""
        if not self.policy.levels:
            return jurisdiction == self.jurisdiction
        return level in self.policy.levels and is_within(jurisdiction, self.jurisdiction)

    def stands_on_default(self) -> bool:
        """Whether it takes from the default what it leaves out, as a plan does; a law says what it says."""
        return self.policy.precedence == "plan" and not self.policy.levels and not self.policy.audience


class RuleInForce(msgspec.Struct, frozen=True):
    """A rule in force, and the document that it is of.

    `adopted` is false of the built-in default where nobody made its document his own: it counts, and is no law.
    """

    policy: Policy
    rule: Rule
    adopted: bool = True


def rule_that_applies(
    first: RuleInForce,
    later: Iterable[RuleInForce],
    due_under: Callable[[RuleInForce], date | None],
    ended_on: date | None = None,
) -> RuleInForce:
    """The rule that holds for a clock which began under `first`: later documents move it if it runs on their first day.

    A clock that was ended, or had passed its due date, before that day stays; so does one of another form.
    """
    holds = first
    for rule_in_force in later:
        first_day, due_on = rule_in_force.policy.valid_from, due_under(holds)
        if (ended_on is not None and ended_on < first_day) or (due_on is not None and due_on < first_day):
            continue
        if rule_in_force.rule.form == first.rule.form or "undated" in (rule_in_force.rule.form, first.rule.form):
            holds = rule_in_force
    return holds


class AdoptionRegister(msgspec.Struct, frozen=True, kw_only=True):
    """What a choice rests on: the adoptions in the order recorded, the level of each jurisdiction, who has ended.

    `default_since` are the jurisdictions whose own plan is the document of the built-in default, and since when.
    """

    adopted: tuple[Adopted, ...] = ()
    levels: Mapping[str, str] = {}
    closed_on: Mapping[str, date] = {}
    default_since: Mapping[str, date] = {}


class Contender(msgspec.Struct, frozen=True):
    """A document in force that states a duty. `weight` is what decides: that of the winner is the greatest.

    Its parts: made for the audience, precedence, nearness of the adopter, first day of validity, order recorded.
    """

    weight: tuple[bool, int, int, date, int]
    policy: Policy


class InForce:
    """The rules in force, remembered for each question that was asked."""

    def __init__(self, register: AdoptionRegister) -> None:
        self._register = register
        self._by_code: dict[str, list[tuple[int, Policy]]] = {}
        for order, adopted in enumerate(register.adopted):
            self._by_code.setdefault(adopted.jurisdiction, []).append((order, adopted.policy))
        self._rules_in_force: dict[tuple[str, str, date, str], RuleInForce | None] = {}
        self._later: dict[tuple[str, str, date, str], tuple[RuleInForce, ...]] = {}

    def rule_in_force(self, jurisdiction: str, duty: str, day: date, audience: str = "") -> RuleInForce | None:
        """The rule in force for a duty on a day; None where nobody owes it."""
        key = (jurisdiction, duty, day, audience)
        if key not in self._rules_in_force:
            self._rules_in_force[key] = self._find(jurisdiction, duty, day, audience)
        return self._rules_in_force[key]

    def superseding(self, jurisdiction: str, duty: str, since: date, audience: str = "") -> tuple[RuleInForce, ...]:
        """The rules of later documents that move clocks which started on `since`, earliest first."""
        key = (jurisdiction, duty, since, audience)
        if key not in self._later:
            starts = {
                policy.valid_from
                for _, _, policy in self._in_reach(jurisdiction)
                if policy.running_clocks == "move" and policy.valid_from > since
            }
            found = [self.rule_in_force(jurisdiction, duty, day, audience) for day in sorted(starts)]
            self._later[key] = tuple(
                r for r in found if r and r.policy.running_clocks == "move" and r.policy.valid_from > since
            )
        return self._later[key]

    def audiences(self, jurisdiction: str, duty: str, day: date) -> list[str]:
        """The audiences for which a document in force states the duty, in code-point order."""
        valid = self._valid(jurisdiction, day)
        return sorted({policy.audience for _, _, policy in valid if policy.stated_rule(duty) is not None})

    def contenders(self, jurisdiction: str, duty: str, day: date, audience: str = "") -> list[Contender]:
        """The adopted documents in force that state the duty there; the first one wins."""
        found = [
            Contender(
                (policy.audience == audience, _RANK[policy.precedence], -distance, policy.valid_from, order), policy
            )
            for distance, order, policy in self._valid(jurisdiction, day)
            if policy.audience in ("", audience) and policy.stated_rule(duty) is not None
        ]
        return sorted(found, key=lambda contender: contender.weight, reverse=True)

    def _find(self, jurisdiction: str, duty: str, day: date, audience: str) -> RuleInForce | None:
        if found := self.contenders(jurisdiction, duty, day, audience):
            policy = found[0].policy
            if (stated := policy.stated_rule(duty)) is not None:
                return RuleInForce(policy, stated)
        rule = DEFAULT_POLICY.stated_rule(duty)
        return RuleInForce(DEFAULT_POLICY, rule, self._default_adopted(jurisdiction, day)) if rule is not None else None

    def _default_adopted(self, jurisdiction: str, day: date) -> bool:
        """Whether the plan of the jurisdiction, or of one above it, is the document of the built-in default."""
        return any(
            (since := self._register.default_since.get(code)) is not None
            and since <= day
            and ((closed := self._register.closed_on.get(code)) is None or day < closed or code == jurisdiction)
            for code in lineage(jurisdiction)
        )

    def _valid(self, jurisdiction: str, day: date) -> list[tuple[int, int, Policy]]:
        """The documents in force there on a day, each in its youngest version."""
        begun = [entry for entry in self._in_reach(jurisdiction) if entry[2].valid_from <= day]
        replaced = {gone for _, _, policy in begun for gone in policy.replaces}
        youngest: dict[tuple[int, str], tuple[int, int, Policy]] = {}
        for distance, order, policy in sorted(begun, key=lambda entry: (entry[2].valid_from, entry[1])):
            youngest[distance, policy.policy_id] = (distance, order, policy)
        return [
            entry
            for entry in youngest.values()
            if entry[2].policy_id not in replaced and (entry[2].valid_until is None or day <= entry[2].valid_until)
            if self._still_speaks(jurisdiction, entry, day)
        ]

    def _in_reach(self, jurisdiction: str) -> list[tuple[int, int, Policy]]:
        """What the jurisdiction or one above it adopted and what binds its level: distance, order, document."""
        level = self._register.levels.get(jurisdiction, "")
        chain = [*lineage(jurisdiction), *self._inherited_from(jurisdiction)]
        return [
            (distance, order, policy)
            for distance, code in enumerate(chain)
            for order, policy in self._by_code.get(code, ())
            if not policy.levels or level in policy.levels
        ]

    def _inherited_from(self, jurisdiction: str) -> list[str]:
        """The ended jurisdictions whose documents name this one, or one above it, as their heir."""
        chain = lineage(jurisdiction)
        return [
            code
            for code in self._by_code
            if code in self._register.closed_on
            and code not in chain
            and any(policy.heirs.get(code) in chain for _, policy in self._by_code[code])
        ]

    def _still_speaks(self, jurisdiction: str, entry: tuple[int, int, Policy], day: date) -> bool:
        """A body that is no more binds nobody but itself, save where its document names an heir."""
        code = self._register.adopted[entry[1]].jurisdiction
        closed = self._register.closed_on.get(code)
        if closed is None or day < closed or code == jurisdiction:
            return True
        return entry[2].heirs.get(code) in lineage(jurisdiction)
