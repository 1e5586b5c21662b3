"""What the deployment files name exists: metrics in alerts, settings in the composition, files in mounts."""

import re
from pathlib import Path

import pytest
import yaml

from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


@pytest.mark.parametrize(("service", "settings"), [("intake", IntakeSettings), ("followup", FollowupSettings)])
def test_compose__sets_only_settings_that_exist(service: str, settings: type) -> None:
    prefix = f"{service.upper()}_"
    names = {name.removeprefix(prefix).lower() for name in COMPOSE["services"][service]["environment"]}
    assert names <= set(settings.model_fields)  # type: ignore[attr-defined]


def test_compose__mounts_files_that_exist() -> None:
    mounts = [volume for service in COMPOSE["services"].values() for volume in service.get("volumes", ())]
    sources = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert sources
    assert [source for source in sources if not (ROOT / source).is_file()] == []


def test_alerts__watch_metrics_of_the_code() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus-rules.yml").read_text("utf-8"))
    expressions = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    code = "".join(path.read_text("utf-8") for path in (ROOT / "services").rglob("*.py"))
    for name in set(re.findall(r"\b(?:intake|followup)_[a-z_]+", expressions)):
        assert name in code or name.removesuffix("_total") in code, name
