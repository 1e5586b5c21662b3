"""What the deployment files name exists: metrics in alerts, settings in the composition, files in mounts."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.backups.custody import KEPT
from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

#: What each container sees; the container `secrets` alone sees all of it, and no other mounts any of the rest.
SEEN = {
    "postgres": {"postgres.password"},
    "databases": {
        "postgres.password", "intake.password", "intake_owner.password", "followup.password", "followup_owner.password",
    },
    "rabbitmq": {"rabbitmq.definitions.json"},
    "migrate": {"intake_database_url", "followup_database_url"},
    "intake": {"master.key", "tokens.json", "intake_database_url", "intake_amqp_url"},
    "followup": {
        "auditor.token", "tokens.json", "sessions.key", "webhooks.key", "followup_database_url", "followup_amqp_url",
    },
    "prometheus": {"operations.token"},
    "callers": {
        "office.token", "operations.token", "auditor.token", "system.token", "admin.token",
        "rabbitmq-monitoring.password", "rabbitmq-portal.password",
    },
    "alertmanager": set(),
}  # fmt: skip


@pytest.mark.parametrize(("service", "settings"), [("intake", IntakeSettings), ("followup", FollowupSettings)])
def test_compose__sets_only_settings_that_exist(service: str, settings: type) -> None:
    prefix = f"{service.upper()}_"
    given = set(COMPOSE["services"][service]["environment"]) - {"DOITHOAI_SECRETS_DIR"}
    names = {name.removeprefix(prefix).lower() for name in given}
    assert names <= set(settings.model_fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", ["docker-compose.yml", "deploy/systemd", "deploy/kubernetes"])
def test_deployment__names_every_key_and_token_of_the_services(place: str) -> None:
    files = (
        [ROOT / place] if (ROOT / place).is_file() else [path for path in (ROOT / place).rglob("*") if path.is_file()]
    )
    text = "\n".join(path.read_text("utf-8") for path in files)
    assert [variable for variable in KEPT.values() if not re.search(rf"\b{variable}\b", text)] == []


def test_compose__mounts_files_that_exist() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
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


def handed(folder: Path) -> dict[str, Path]:
    """Run the script that makes the secrets; each container's folder of them by its volume."""
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["secrets"]["volumes"] if not volume.startswith("./"))
    places = {volume: folder / path.strip("/") for volume, path in mounts.items()}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    script, rights = ROOT / "deploy" / "make-secrets.sh", ROOT / "deploy" / "rabbitmq"
    command = ["/bin/sh", str(script), str(folder / "secrets"), str(folder / "handed"), str(rights)]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return places


def test_compose__each_container_sees_its_own_secrets(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    # Version 0.2.0 kept everything in this one volume: nothing that it sealed or let in may be lost.
    (tmp_path / "secrets" / "master.key").write_bytes(b"k" * 32)
    (tmp_path / "secrets" / "postgres.password").write_text("of the cluster that exists")
    places = handed(tmp_path)
    assert (places["secrets-intake"] / "master.key").read_bytes() == b"k" * 32
    assert (places["secrets-postgres"] / "postgres.password").read_text() == "of the cluster that exists"
    first = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    handed(tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == first, "what is there stays"
    seen = {
        name: {file.name for volume in service.get("volumes", ()) if (place := places.get(volume.split(":")[0]))
               for file in place.iterdir()}
        for name, service in SERVICES.items() if name != "secrets"
    }  # fmt: skip
    assert seen == SEEN
    assert (places["secrets"] / "tokens.json").stat().st_mode & 0o077 == 0
    owner = (places["secrets-migrate"] / "intake_database_url").read_text()
    service = (places["secrets-intake"] / "intake_database_url").read_text()
    assert owner.startswith("postgresql://intake_owner:") and service.startswith("postgresql://intake:")


@pytest.mark.parametrize("name", SERVICES)
def test_compose__each_container_is_held(name: str) -> None:
    service = SERVICES[name]
    image = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    user = service.get("user") or re.findall(r"^USER (\S+)$", image, re.MULTILINE)[-1] * ("build" in service)
    assert user and user not in ("0", "root")
    assert service["cap_drop"] == ["ALL"] and not service.get("cap_add") and not service.get("privileged")
    assert service["read_only"] is True and "/tmp" in service["tmpfs"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] and service["cpus"] and service["pids_limit"]
    mounted = [volume.split(":") for volume in service.get("volumes", ())]
    assert [m for m in mounted if m[0].startswith(("./", "secrets")) and name != "secrets" and m[2:] != ["ro"]] == []
