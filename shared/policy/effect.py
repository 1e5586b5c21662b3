"""What the adoption of a policy would change: who owes what he did not, and which document wins. Pure."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Literal

import msgspec

from shared.policy.duties import DUTY_KINDS
from shared.policy.precedence import Adopted, AdoptionRegister, InForce
from shared.policy.schema import Policy, Text

Kind = Literal["owed", "dated", "wins", "loses"]
Reason = Literal["", "audience", "precedence", "nearer", "valid_from", "recorded"]

#: What decides between two documents, in the order of the parts of a contender's weight.
_REASONS: Mapping[Reason, Text] = {
    "audience": Text(vi="văn bản dành riêng cho đối tượng này", en="it is made for that audience"),
    "precedence": Text(vi="hiệu lực pháp lý cao hơn", en="its precedence is higher"),
    "nearer": Text(vi="do cấp gần hơn áp dụng", en="its adopter is nearer"),
    "valid_from": Text(vi="có hiệu lực từ ngày muộn hơn", en="it is valid from a later day"),
    "recorded": Text(vi="được ghi nhận sau", en="it was recorded later"),
}
_LEVELS = {"": "", "nation": "trung ương", "province": "cấp tỉnh", "district": "cấp huyện", "commune": "cấp xã"}
_NAMED = 10  # jurisdictions told by their codes in a sentence; all are in the list


class PolicyEffect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, and whom it reaches. `owed`: they did not owe the duty; `dated`: it had no due date.

    `wins` and `loses`: the document and `other` both state the duty there; `because` is what decides.
    """

    kind: Kind
    duty: str
    jurisdictions: tuple[str, ...]
    told: Text
    audience: str = ""
    other: str = ""
    because: Reason = ""


def policy_effects(
    trial: Adopted, register: AdoptionRegister, day: date, planned: Collection[str] = ()
) -> tuple[PolicyEffect, ...]:
    """What the adoption changes on a day, or on the first day of its validity if that is later.

    The jurisdictions are those of `register.levels`; `planned` are those with a dialogue plan of their own. One that is
    adopted already is told again as if it were not, so that a retry reads like the first try.
    """
    register = msgspec.structs.replace(register, adopted=tuple(each for each in register.adopted if each != trial))
    day = max(day, trial.policy.valid_from)
    with_trial = msgspec.structs.replace(register, adopted=(*register.adopted, trial))
    before, after = InForce(register), InForce(with_trial)
    found: dict[tuple[Kind, str, str, str, Reason], list[str]] = {}
    for code, level in sorted(register.levels.items()):
        closed = register.closed_on.get(code)
        if closed is not None and closed <= day:
            continue
        for duty in _duties(trial.policy):
            audience = trial.policy.audience
            if DUTY_KINDS[duty].forms == ("frequency",):
                if _owes(code, level, duty, audience, after, with_trial, day, planned) and not _owes(
                    code, level, duty, audience, before, register, day, planned
                ):
                    found.setdefault(("owed", duty, audience, "", ""), []).append(code)
            elif begins := _newly(code, duty, audience, before, after, trial.policy, day):
                found.setdefault((begins, duty, audience, "", ""), []).append(code)
            for asked in (audience,) if audience else ("", *(a for a in after.audiences(code, duty, day) if a)):
                for kind, other, because in _contest(code, duty, asked, after, trial.policy, day):
                    found.setdefault((kind, duty, asked, other, because), []).append(code)
    return tuple(_effect(*key, trial.policy, codes, register.levels) for key, codes in found.items())


def _duties(policy: Policy) -> list[str]:
    """The duties that the document states, and the one that a plan takes from the default."""
    return list(dict.fromkeys((*(rule.duty for rule in policy.rules), "annual_dialogue")))


def _owes(
    code: str,
    level: str,
    duty: str,
    audience: str,
    rules: InForce,
    register: AdoptionRegister,
    day: date,
    planned: Collection[str],
) -> bool:
    """Whether a jurisdiction owes a periodic duty: some document makes it, and one in force says how often."""
    found = rules.rule_in_force(code, duty, day, audience)
    if found is None or found.rule.frequency is None or found.policy.audience != audience:
        return False
    by_default = duty == "annual_dialogue" and not audience
    if by_default and code in planned:
        return True
    return any(
        adopted.binds(code, level)
        and (
            (adopted.policy.stated_rule(duty) is not None and adopted.policy.audience == audience)
            or (by_default and adopted.stands_on_default())
        )
        for adopted in register.adopted
    )


def _newly(
    code: str, duty: str, audience: str, before: InForce, after: InForce, policy: Policy, day: date
) -> Literal["owed", "dated"] | None:
    """Whether a duty on cases begins there with the document, or only gets its due date from it."""
    now = after.rule_in_force(code, duty, day, audience)
    if now is None or now.policy is not policy or now.rule.form == "undated":
        return None
    earlier = before.rule_in_force(code, duty, day, audience)
    if earlier is None:
        return "owed"
    return "dated" if earlier.rule.form == "undated" else None


def _contest(
    code: str, duty: str, audience: str, rules: InForce, policy: Policy, day: date
) -> Iterator[tuple[Literal["wins", "loses"], str, Reason]]:
    """The document and the one next to it, where both state the duty: before it the winner, else the first loser."""
    ranked = rules.contenders(code, duty, day, audience)
    own = next((each for each in ranked if each.policy is policy), None)
    if own is None or len(ranked) == 1:
        return
    won = ranked[0] is own
    other = ranked[1] if won else ranked[0]
    differs = next(n for n, (one, two) in enumerate(zip(own.weight, other.weight, strict=True)) if one != two)
    yield ("wins" if won else "loses"), other.policy.policy_id, tuple(_REASONS)[differs]


def _effect(
    kind: Kind,
    duty: str,
    audience: str,
    other: str,
    because: Reason,
    policy: Policy,
    codes: list[str],
    levels: Mapping[str, str],
) -> PolicyEffect:
    name, who = DUTY_KINDS[duty].title, _who(codes, levels)
    part = f" ({audience})" if audience else ""
    match kind:
        case "owed":
            told = Text(
                vi=f"{name.vi}{part}: {who.vi} nay phải thực hiện, trước đây thì không",
                en=f"{name.en}{part}: owed from now on by {who.en}, not owed before",
            )
        case "dated":
            told = Text(
                vi=f"{name.vi}{part}: {who.vi} nay có thời hạn, trước đây thì không",
                en=f"{name.en}{part}: has a due date from now on for {who.en}, had none before",
            )
        case _:
            winner, loser = (policy.policy_id, other) if kind == "wins" else (other, policy.policy_id)
            why = _REASONS[because]
            told = Text(
                vi=f"{name.vi}{part}: {winner} được áp dụng thay cho {loser} tại {who.vi}, vì {why.vi}",
                en=f"{name.en}{part}: {winner} wins over {loser} for {who.en}: {why.en}",
            )
    return PolicyEffect(
        kind=kind, duty=duty, jurisdictions=tuple(codes), told=told, audience=audience, other=other, because=because
    )


def _who(codes: list[str], levels: Mapping[str, str]) -> Text:
    """`3 commune (H35.1, H35.2, H35.3)`: how many of each level, and which."""
    vi, en = [], []
    for level in dict.fromkeys(levels[code] for code in codes):
        of_level = [code for code in codes if levels[code] == level]
        listed = ", ".join(of_level[:_NAMED]) + (", …" if len(of_level) > _NAMED else "")
        vi.append(f"{len(of_level)} đơn vị {_LEVELS[level]} ({listed})".replace("  ", " "))
        en.append(f"{len(of_level)} of level {level} ({listed})")
    return Text(vi=" và ".join(vi), en=" and ".join(en))
