"""What two policies say differently, word by word. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from shared.policy.schema import Policy, Rule


class Change(msgspec.Struct, frozen=True):
    """One word that differs: where it stands, and its value before and after; None where it is not said."""

    path: str
    before: Any
    after: Any


def changes(before: Policy, after: Policy) -> list[Change]:
    """Every difference, metadata first, then rule by rule in the order of the younger document."""
    heads = [{k: v for k, v in msgspec.to_builtins(policy).items() if k != "rules"} for policy in (before, after)]
    found = list(_compare("", heads[0], heads[1]))
    duties = dict.fromkeys(rule.duty for rule in (*after.rules, *before.rules))
    for duty in duties:
        found += _compare(duty, _plain(before.stated_rule(duty)), _plain(after.stated_rule(duty)))
    return found


def _plain(rule: Rule | None) -> Any:
    return None if rule is None else {k: v for k, v in msgspec.to_builtins(rule).items() if k != "duty"}


def _compare(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from _compare(f"{path}.{name}" if path else name, before.get(name), after.get(name))
        return
    yield Change(path, before, after)
