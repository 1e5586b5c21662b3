"""The dashboard: what is committed is what its code makes, and its queries rest on what exists."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import yaml

from tests.support.prometheus import RULES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "grafana"


def panels() -> list[dict[str, Any]]:
    board = json.loads((FOLDER / "doithoai.json").read_text("utf-8"))
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_dashboard__is_what_its_code_makes() -> None:
    made = runpy.run_path(str(FOLDER / "dashboard.py"))["render"]()
    assert (FOLDER / "doithoai.json").read_text("utf-8") == made, "run deploy/grafana/dashboard.py"


def test_panels__are_titled_in_both_languages() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(titles) > 20
    for title in titles:
        vietnamese, english = title.split(" · ")
        assert not vietnamese.isascii()
        assert english.isascii()


def test_queries__rest_on_metrics_of_the_code_and_on_rules() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "services").rglob("*.py"))
    groups = yaml.safe_load((RULES / "recording.rules.yml").read_text("utf-8"))["groups"]
    recorded = {rule["record"] for group in groups for rule in group["rules"]}
    for panel in panels():
        (target,) = panel["targets"]
        rules = re.findall(r"[a-z_]+:[a-z_]+:[a-z0-9]+", target["expr"])
        assert set(rules) <= recorded
        for name in re.findall(
            r"\b(?:intake|followup)_[a-z_]+", re.sub(r"[a-z_]+:[a-z_]+:[a-z0-9]+", "", target["expr"])
        ):
            assert f'"{name}"' in code or f'"{name.removesuffix("_total")}"' in code, name
