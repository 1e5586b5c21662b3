"""Linters of OpenAPI find nothing wrong with the two documents."""

import json
from pathlib import Path

import pytest

from tests.support.interop import run_node_tool

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SERVICES = ("intake", "followup")


@pytest.mark.parametrize("service", SERVICES)
def test_redocly__finds_nothing_by_its_recommended_rules(service: str) -> None:
    document = str(CONTRACTS / f"openapi-{service}.json")
    done = run_node_tool("redocly", "lint", document, "--extends", "recommended", "--format", "json")
    assert json.loads(done.stdout)["problems"] == []


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
