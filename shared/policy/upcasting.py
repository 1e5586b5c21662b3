"""The first form of a policy, as old records have it, in today's words. Pure."""

from typing import Any

_CONDITIONED = ("internal_review", "conclusion_notice", "result_publication", "acceptance_notice", "reply")


def policy_from_v1(data: dict[str, Any]) -> dict[str, Any]:
    """A policy of version 1: rules had a direction, a number of days and one of complex cases."""
    policy = {k: v for k, v in data.items() if k not in ("rules", "due_soon_days")}
    if "due_soon_days" in data:
        policy["warn_days"] = data["due_soon_days"]
    policy["rules"] = [_rule(rule) for rule in data.get("rules", ())]
    return policy


def _rule(old: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"duty": old["duty"], **{k: old[k] for k in ("section", "stated") if k in old}}
    days, unit = old.get("days", 0), old.get("unit", "working_days")
    match old["direction"]:
        case "undated":
            return rule | {"form": "undated"}
        case "year_end":
            return rule | {"form": "frequency", "frequency": {"times": 1, "per": "year"}, "warn_on": ["10-01"]}
        case "same_day":
            return rule | {"form": "deadline", "length": 0}
        case "before":
            # No number meant the last working day before.
            counted = {"length": days, "unit": unit} if days else {"length": 1}
            return rule | {"form": "minimum_notice", **counted}
        case _:
            pass
    rule |= {"form": "deadline", "length": days, "unit": unit}
    if old.get("complex_days") is not None and old["duty"] in _CONDITIONED:
        rule["variants"] = [{"when": ["complex"], "length": old["complex_days"]}]
    if old["duty"] == "reply":
        rule["extension"] = {"told": ["petitioner", "committee"]}
        rule["counted_from"] = "receipt" if old.get("counted_from") == "receipt" else "conference_end"
    return rule
