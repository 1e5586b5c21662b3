"""The manifests for Kubernetes: built by kubectl itself, held to the published schemas, and to what they promise.

No cluster is started here. What a schema cannot say, such as who may talk to whom, is asked of the built manifests.
"""

import copy
import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import pytest
import yaml

from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings
from shared.http.server import GRACE

ROOT = Path(__file__).resolve().parents[2]
DEPLOY, OVERLAY = ROOT / "deploy", "kubernetes/overlays/lai-chau"
SCHEMAS = Path(__file__).parent / "schemas"
KUBERNETES = ("1.31", "1.37")  # the oldest and the newest that the manifests are held to
KUBECTL = Path(sys.executable).with_name("kubectl")

Manifest = dict[str, Any]


def build(folder: Path) -> list[Manifest]:
    """The manifests of an overlay, as `kubectl apply -k` sends them."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def with_secrets(folder: Path) -> Path:
    """A copy of what is deployed, with something in each file of secrets; the folder of its overlay."""
    shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("secrets"))
    overlay = folder / OVERLAY
    (overlay / "secrets").mkdir()
    for generated in yaml.safe_load((overlay / "kustomization.yaml").read_text("utf-8"))["secretGenerator"]:
        for file in generated["files"]:
            (overlay / file.rpartition("=")[2]).write_text(f"of {file}")
    return overlay


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Everything that a province is."""
    return build(with_secrets(tmp_path_factory.mktemp("kubernetes") / "deploy"))


def check(manifest: Manifest) -> None:
    """Hold one manifest to the schema of its kind. Raises ValidationError."""
    group, _, _ = manifest["apiVersion"].rpartition("/")
    if "." in group and not group.endswith(".k8s.io"):
        schema = json.loads((SCHEMAS / f"{group}_{manifest['kind'].lower()}.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(manifest)
    else:
        for version in KUBERNETES:
            kubernetes_validate.validate(manifest, version, strict=True)


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for each in manifests:
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def environment(pod: Manifest) -> dict[str, str]:
    (container,) = pod["containers"]
    return {each["name"]: each["value"] for each in container["env"]}


def test_manifests__are_what_the_schemas_allow(manifests: list[Manifest]) -> None:
    kinds = [each["kind"] for each in manifests]
    assert {"Deployment", "Job", "Cluster", "RabbitmqCluster", "NetworkPolicy", "Ingress"} <= set(kinds)
    for each in manifests:
        check(each)


MUTATIONS: dict[str, tuple[str, str, tuple[Any, ...], Any]] = {
    "a misspelt field of a pod": ("Deployment", "intake", ("spec", "template", "spec", "hostnetwork"), True),
    "replicas as a word": ("Deployment", "followup", ("spec", "replicas"), "two"),
    "a probe without its port": (
        "Deployment", "intake",
        ("spec", "template", "spec", "containers", 0, "livenessProbe", "httpGet"), {"path": "/"},
    ),
    "a policy of an unknown type": ("NetworkPolicy", "intake", ("spec", "ports"), [{"port": 8570}]),
    "a misspelt synchronous": ("Cluster", "intake-db", ("spec", "postgresql", "synchronus"), {"number": 1}),
    "a synchronous without a method": ("Cluster", "intake-db", ("spec", "postgresql", "synchronous"), {"number": 1}),
    "instances as a word": ("Cluster", "followup-db", ("spec", "instances"), "3"),
    "a durability that is none": (
        "Cluster", "intake-db", ("spec", "postgresql", "synchronous", "dataDurability"), "always",
    ),
    "a misspelt listener": ("RabbitmqCluster", "broker", ("spec", "tls", "disableNonTlsListeners"), True),
    "nodes as a word": ("RabbitmqCluster", "broker", ("spec", "replicas"), "three"),
    "a misspelt mount": (
        "RabbitmqCluster", "broker",
        ("spec", "override", "statefulSet", "spec", "template", "spec", "containers", 0, "volumeMount"), [],
    ),
    "a certificate without an issuer": ("Certificate", "broker", ("spec", "issuerRef"), None),
    "a usage that is none": ("Certificate", "broker", ("spec", "usages"), ["serving"]),
}  # fmt: skip


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutation__is_found(manifests: list[Manifest], mutation: str) -> None:
    kind, name, path, value = MUTATIONS[mutation]
    changed = copy.deepcopy(one(manifests, kind, name))
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        check(changed)


def test_pods__have_no_right_that_they_do_not_need(manifests: list[Manifest]) -> None:
    (user,) = re.findall(r"^USER (\d+)$", (DEPLOY / "Containerfile").read_text("utf-8"), re.MULTILINE)
    for name, pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False and pod["serviceAccountName"] == name
        assert one(manifests, "ServiceAccount", name)["automountServiceAccountToken"] is False
        # With them the Service `intake` would set INTAKE_PORT to tcp://...
        assert pod["enableServiceLinks"] is False
        held = pod["securityContext"]
        assert held["runAsNonRoot"] and held["runAsUser"] == held["fsGroup"] == int(user)
        assert held["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]
        assert container["image"].startswith("registry.example.vn/doithoai:")
    namespace = one(manifests, "Namespace", "doithoai-lai-chau")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("service", "settings"), [("intake", IntakeSettings), ("followup", FollowupSettings)])
def test_environment__names_settings_and_files_that_exist(
    manifests: list[Manifest], service: str, settings: type
) -> None:
    pod = dict(pods(manifests))[service]
    given = environment(pod)
    prefix = f"{service.upper()}_"
    names = {name.removeprefix(prefix).lower() for name in given} - {"forwarded_allow_ips"}
    assert names <= set(settings.model_fields)  # type: ignore[attr-defined]
    mounted = files_of(manifests, pod)
    named = set(re.findall(r"/secrets/[\w.-]+", " ".join(given.values())))
    assert named and named <= mounted, "a file that no secret brings"


def test_migration__names_files_that_exist(manifests: list[Manifest]) -> None:
    pod = dict(pods(manifests))["migrate"]
    assert set(re.findall(r"/secrets/[\w.-]+", " ".join(environment(pod).values()))) == files_of(manifests, pod)


def files_of(manifests: list[Manifest], pod: Manifest) -> set[str]:
    """The files of /secrets, each of a secret that is generated here or by an operator, with this key."""
    (volume,) = (each for each in pod["volumes"] if each["name"] == "secrets")
    keys = secrets(manifests)
    found = set()
    for source in volume["projected"]["sources"]:
        secret = source["secret"]
        items = {item["key"]: item["path"] for item in secret.get("items", ())}
        for key, path in (items or {key: key for key in keys[secret["name"]]}).items():
            assert key in keys[secret["name"]], (secret["name"], key)
            found.add(f"/secrets/{path}")
    return found


def secrets(manifests: list[Manifest]) -> dict[str, set[str]]:
    """The keys of each secret: those generated here, and those that the operators make."""
    made = {each["metadata"]["name"]: set(each["data"]) for each in manifests if each["kind"] == "Secret"}
    for each in manifests:
        if each["kind"] == "Cluster":
            made[f"{each['metadata']['name']}-ca"] = {"ca.crt", "ca.key"}
        elif each["kind"] == "Certificate":
            made[each["spec"]["secretName"]] = {"ca.crt", "tls.crt", "tls.key"}
    return made


def test_secrets__are_left_out_by_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    written = f"deploy/{OVERLAY}/secrets/master.key"
    done = subprocess.run(["git", "-C", tmp_path, "check-ignore", "-q", written], check=False)
    assert done.returncode == 0


def test_operators__are_given_secrets_that_exist(manifests: list[Manifest]) -> None:
    known = secrets(manifests)
    for service in ("intake", "followup"):
        spec = one(manifests, "Cluster", f"{service}-db")["spec"]
        wanted = {spec["bootstrap"]["initdb"]["secret"]["name"]: f"{service}_owner"}
        wanted |= {role["passwordSecret"]["name"]: role["name"] for role in spec["managed"]["roles"]}
        for secret, user in wanted.items():
            assert {"username", "password"} <= known[secret]
            found = one(manifests, "Secret", secret)
            assert found["type"] == "kubernetes.io/basic-auth"
            # Without it the operator would not see that the password was changed.
            assert found["metadata"]["labels"]["cnpg.io/reload"] == "true", (secret, user)
    broker = one(manifests, "RabbitmqCluster", "broker")["spec"]
    assert broker["tls"]["secretName"] in known
    asked_as = known[broker["secretBackend"]["externalSecret"]["name"]]
    assert {"username", "password", "default_user.conf"} <= asked_as
    assert broker["override"]["statefulSet"]["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"] in known


def test_databases__lose_nothing_that_was_answered_and_sit_on_three_hosts(manifests: list[Manifest]) -> None:
    for service in ("intake", "followup"):
        spec = one(manifests, "Cluster", f"{service}-db")["spec"]
        assert spec["postgresql"]["synchronous"] == {
            "method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True,
        }  # fmt: skip
        assert spec["instances"] == 3 and spec["affinity"]["podAntiAffinityType"] == "required"
    assert one(manifests, "RabbitmqCluster", "broker")["spec"]["replicas"] == 3


@pytest.mark.parametrize("service", ["intake", "followup"])
def test_upgrade__leaves_the_service_up_and_drains_it(manifests: list[Manifest], service: str) -> None:
    spec = one(manifests, "Deployment", service)["spec"]
    assert spec["replicas"] >= 2 and spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    budget = one(manifests, "PodDisruptionBudget", service)["spec"]
    assert budget["minAvailable"] == 1 and budget["selector"] == spec["selector"]
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname" and spread["labelSelector"] == spec["selector"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= pause + GRACE + 15
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_monitoring__scrapes_both_services_by_the_rules_that_are_there(manifests: list[Manifest]) -> None:
    made = runpy.run_path(str(DEPLOY / "kubernetes" / "monitoring.py"))
    for monitor in made["monitors"]():
        check(monitor)
        name, (endpoint,) = monitor["metadata"]["name"], monitor["spec"]["endpoints"]
        service = one(manifests, "Service", name)
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        credentials = endpoint["authorization"]["credentials"]
        assert credentials["key"] in secrets(manifests)[credentials["name"]]
    found = made["rules"]()
    check(found)
    assert sum("alert" in rule for group in found["spec"]["groups"] for rule in group["rules"]) > 20


# --- who may talk to whom ------------------------------------------------------------------------------------------

#: Pods by their labels, those that operators make included.
PODS = {
    "intake": {"app.kubernetes.io/name": "intake"},
    "followup": {"app.kubernetes.io/name": "followup"},
    "migrate": {"app.kubernetes.io/name": "migrate"},
    "intake-db-rw": {"cnpg.io/cluster": "intake-db"},
    "followup-db-rw": {"cnpg.io/cluster": "followup-db"},
    "broker": {"app.kubernetes.io/name": "broker"},
}


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", ())
    )


def allows(manifests: list[Manifest], direction: str, pod: str, peer: str, port: int) -> bool:
    side = {"ingress": "from", "egress": "to"}[direction]
    for policy in (each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"):
        if not selects(policy["podSelector"], PODS[pod]):
            continue
        for rule in policy.get(direction, ()):
            ports = [(each["port"], each.get("endPort", each["port"])) for each in rule["ports"]]
            peers = [each for each in rule.get(side, ()) if each.keys() == {"podSelector"}]
            if any(low <= port <= high for low, high in ports) and any(
                selects(each["podSelector"], PODS[peer]) for each in peers
            ):
                return True
    return False


def reaches(manifests: list[Manifest], pod: str, peer: str, port: int) -> bool:
    return allows(manifests, "egress", pod, peer, port) and allows(manifests, "ingress", peer, pod, port)


def needed(manifests: list[Manifest]) -> set[tuple[str, str, int]]:
    """Who has whose address in the environment."""
    found = set()
    for name, pod in pods(manifests):
        for value in environment(pod).values():
            at = urlsplit(value)
            if "://" in value and at.hostname in PODS:
                found.add((name, at.hostname, at.port or 0))
    return found


def test_network__lets_those_talk_who_have_each_others_address_and_nobody_else(manifests: list[Manifest]) -> None:
    wanted = needed(manifests)
    assert {("intake", "broker", 5671), ("followup", "intake", 8570), ("migrate", "intake-db-rw", 5432)} <= wanted
    for pod, peer, port in wanted:
        assert reaches(manifests, pod, peer, port), (pod, peer, port)
    ports = {port for _, _, port in wanted} | {8571}
    between = {
        (pod, peer, port) for pod in ("intake", "followup", "migrate") for peer in PODS for port in ports
        if pod != peer and reaches(manifests, pod, peer, port)
    }  # fmt: skip
    assert between == wanted
    nobody = one(manifests, "NetworkPolicy", "nobody")["spec"]
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def goes_out(manifests: list[Manifest], pod: str, address: str, port: int) -> bool:
    """Whether a pod may call an address that is no pod's."""
    at = ip_address(address)
    return any(
        {"port": port} in rule["ports"]
        and at in ip_network(block["cidr"])
        and not any(at in ip_network(inner) for inner in block["except"])
        for policy in (each["spec"] for each in manifests if each["kind"] == "NetworkPolicy")
        if selects(policy["podSelector"], PODS[pod])
        for rule in policy.get("egress", ())
        for block in (peer["ipBlock"] for peer in rule.get("to", ()) if "ipBlock" in peer)
    )


def test_network__lets_followup_reach_public_sinks_alone(manifests: list[Manifest]) -> None:
    assert "FOLLOWUP_WEBHOOK_KEY_FILE" in environment(dict(pods(manifests))["followup"])
    for public in ("203.0.114.7", "2001:4860:4860::8888"):
        assert goes_out(manifests, "followup", public, 443), public
        assert not goes_out(manifests, "followup", public, 5432), public
        assert not goes_out(manifests, "intake", public, 443), public
    for inside in ("10.96.0.1", "169.254.169.254", "172.20.0.9", "192.168.1.1", "fd00:ec2::254", "fe80::1"):
        assert not goes_out(manifests, "followup", inside, 443), inside


def test_ingress__ends_tls_for_each_door(manifests: list[Manifest]) -> None:
    spec = one(manifests, "Ingress", "doors")["spec"]
    doors = {rule["host"]: rule["http"]["paths"][0]["backend"]["service"] for rule in spec["rules"]}
    assert spec["tls"][0]["hosts"] == list(doors)
    for backend in doors.values():
        service = one(manifests, "Service", backend["name"])["spec"]
        (port,) = service["ports"]
        assert port["name"] == backend["port"]["name"]
        (container,) = dict(pods(manifests))[backend["name"]]["containers"]
        assert {each["name"]: each["containerPort"] for each in container["ports"]} == {
            port["targetPort"]: port["port"]
        }
