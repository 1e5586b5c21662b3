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
    given = set(COMPOSE["services"][service]["environment"]) - {"DOITHOAI_SECRETS_DIR"}
    names = {name.removeprefix(prefix).lower() for name in given}
    assert names <= set(settings.model_fields)  # type: ignore[attr-defined]


def test_compose__mounts_files_that_exist() -> None:
    mounts = [volume for service in COMPOSE["services"].values() for volume in service.get("volumes", ())]
    sources = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert sources
    assert [source for source in sources if not (ROOT / source).is_file()] == []


@pytest.mark.parametrize("file", ["recording.rules.yml", "alerts.rules.yml"])
def test_rules__rest_on_metrics_of_the_code(file: str) -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / file).read_text("utf-8"))
    expressions = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    code = "".join(path.read_text("utf-8") for path in (ROOT / "services").rglob("*.py"))
    recorded = re.compile(r"\b[a-z_]+:[a-z_]+:[a-z0-9]+")  # level:metric:operation, the product of another rule
    for name in set(re.findall(r"\b(?:intake|followup)_[a-z_]+", recorded.sub("", expressions))):
        assert f'"{name}"' in code or f'"{name.removesuffix("_total")}"' in code, name


def test_rules__rest_on_rules_that_are_recorded() -> None:
    folder = ROOT / "deploy" / "prometheus"
    recorded, used = set(), set()
    for file in ("recording.rules.yml", "alerts.rules.yml"):
        text = (folder / file).read_text("utf-8")
        recorded |= {rule.get("record") for group in yaml.safe_load(text)["groups"] for rule in group["rules"]}
        used |= set(re.findall(r"\b[a-z_]+:[a-z_]+:[a-z0-9]+", text))
    assert used <= recorded


def test_compose__prometheus_has_every_rule_file_and_the_alertmanager() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    mounted = {volume.split(":")[1] for volume in COMPOSE["services"]["prometheus"]["volumes"]}
    assert {f"/etc/prometheus/{file}" for file in prometheus["rule_files"]} <= mounted
    (alertmanagers,) = prometheus["alerting"]["alertmanagers"][0]["static_configs"]
    scraped = [one["static_configs"][0]["targets"][0] for one in prometheus["scrape_configs"]]
    assert {target.split(":")[0] for target in [*alertmanagers["targets"], *scraped]} <= set(COMPOSE["services"])
