"""The rules: checked and run by Prometheus's own tools; what each alert must carry; who is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.prometheus import RULES, run

HERE = Path(__file__).parent / "rules"
SEVERITIES = {"page", "ticket", "info", "none"}


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / "alerts.rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expectations() -> list[tuple[str, bool]]:
    """Alert name, and whether a unit test expects it to be there (or not)."""
    found = []
    for file in HERE.glob("*.test.yml"):
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]:
            found += [(case["alertname"], bool(case["exp_alerts"])) for case in test.get("alert_rule_test", ())]
            for case in test.get("promql_expr_test", ()):
                if name := re.search(r'alertname="(\w+)"', case["expr"]):
                    found.append((name[1], bool(case["exp_samples"])))
    return found


@pytest.mark.interop
@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.yml")), ids=lambda file: file.name)
def test_rules__do_what_their_unit_tests_say(file: Path) -> None:
    run("promtool", "test", "rules", file)


def test_rules__are_tested_firing_and_silent() -> None:
    tested = set(expectations())
    names = {rule["alert"] for rule in alerts()}
    assert {(name, True) for name in names} <= tested
    assert {(name, False) for name in names - {"DoithoaiWatchdog"}} <= tested


def test_configurations__are_accepted_by_the_tools() -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.rules.yml")))
    run("promtool", "check", "config", "--syntax-only", RULES / "prometheus.yml")
    run("amtool", "check-config", RULES / "alertmanager.yml")


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alert__has_what_a_reader_needs(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"Doithoai(?:[A-Z][a-z]+)+", rule["alert"])
    assert rule["labels"]["severity"] in SEVERITIES
    # A value in a label would make a new alert of every change.
    assert "$value" not in str(rule["labels"])
    assert "absent(" not in rule["expr"] or "for" in rule
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    vietnamese, english = told["summary"].split(" · ")
    assert not vietnamese.isascii()
    assert english.isascii()
    sentences = [sentence for sentence in told["description"].split(". ") if len(sentence.split()) > 3]
    assert {sentence.isascii() for sentence in sentences} == {True, False}, "one in each language"
    assert told["runbook_url"].endswith(f"/docs/runbooks/{rule['alert']}.md")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=DoithoaiWatchdog severity=none", "watchdog"),
        ("alertname=DoithoaiDeadlineBreached severity=ticket agency=H35.10.4", "office"),
        ("alertname=DoithoaiDeadlinesDueSoon severity=info", "office"),
        ("alertname=DoithoaiSourceSilent severity=page", "operations"),
        ("alertname=DoithoaiEventsParked severity=ticket", "operations"),
    ],
)
def test_route__of_an_alert(labels: str, receiver: str) -> None:
    config = f"--config.file={RULES / 'alertmanager.yml'}"
    assert run("amtool", "config", "routes", "test", config, *labels.split()).strip() == receiver
