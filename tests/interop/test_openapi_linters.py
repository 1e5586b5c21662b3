"""Linters of OpenAPI find nothing wrong with the two documents."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.interop import run_node_tool

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SERVICES = ("intake", "followup")
#: Redocly takes two addresses for one where a name stands in the other's place. `by-reference` is no id of a petition,
#: and a literal is matched before a name.
TOLD_APART = {
    ("no-ambiguous-paths", "/v1/petitions/by-reference/{source}/{external_id}"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_redocly__finds_nothing_by_its_recommended_rules(service: str) -> None:
    document = str(CONTRACTS / f"openapi-{service}.json")
    done = run_node_tool("redocly", "lint", document, "--extends", "recommended", "--format", "json")
    found = json.loads(done.stdout)["problems"]
    assert [each for each in found if not any(_is(each, *known) for known in TOLD_APART)] == []


def _is(problem: dict[str, Any], rule: str, path: str) -> bool:
    return problem["ruleId"] == rule and path in problem["message"]


@pytest.mark.parametrize("service", SERVICES)
def test_spectral__finds_nothing_by_its_rules(service: str, tmp_path: Path) -> None:
    # There is no address that every installation could name as its contact.
    rules = tmp_path / "rules.yaml"
    rules.write_text('extends: ["spectral:oas"]\nrules: {info-contact: off}\n')
    document = str(CONTRACTS / f"openapi-{service}.json")
    done = run_node_tool("spectral", "lint", "--ruleset", str(rules), "--format", "json", document)
    start = done.stdout.find("[")
    assert start >= 0, done.stdout + done.stderr
    assert json.loads(done.stdout[start : done.stdout.rfind("]") + 1]) == []
