"""Runs what a manifest says as a process, the way a kubelet would: command, environment, files, probes, signals.

Three things are others than on a cluster: addresses and ports, the folders under which volumes are mounted, and that
servers listen on loopback. As root the process has the user of the manifest, no capability and a read-only root.
"""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from services.dev.rabbitmq import free_ports

ROOT = Path(__file__).resolve().parents[2]
HELD = (
    "mount --bind /tmp /tmp && mount -o remount,ro,bind / && exec setpriv --reuid={user} --regid={user} --clear-groups "
    '--no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"'
)

Manifest = dict[str, Any]
#: The keys of a secret.
Secrets = dict[str, dict[str, bytes]]


def secrets_of(manifests: list[Manifest]) -> Secrets:
    """What the generated secrets hold."""
    return {
        each["metadata"]["name"]: {key: base64.b64decode(value) for key, value in each["data"].items()}
        for each in manifests if each["kind"] == "Secret"
    }  # fmt: skip


class Pod:
    """One pod of one container. `addresses` are what stands in the manifest, each with what is here instead."""

    def __init__(self, spec: Manifest, secrets: Secrets, addresses: dict[str, str], folder: Path) -> None:
        self.spec, (self.container,) = spec, spec["containers"]
        self.folder, self.secrets = folder, secrets
        self.grace = spec.get("terminationGracePeriodSeconds", 30)
        self.process: subprocess.Popen[bytes] | None = None
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        folder.mkdir()
        folder.chmod(0o755)
        places = {mount["mountPath"]: self._mounted(mount["name"]) for mount in self.container["volumeMounts"]}
        places.pop("/tmp")
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}
        for each in self.container.get("env", ()):
            self.environment[each["name"]] = self._here(each["value"], addresses, places)
        service = self.container["name"].upper()
        if "ports" in self.container:
            self.environment |= {f"{service}_PORT": str(self.port), f"{service}_HOST": "127.0.0.1"}

    def put(self, secrets: Secrets) -> None:
        """Give it changed secrets, in one step for each file, as a kubelet does."""
        self.secrets = secrets
        for volume in self.spec["volumes"]:
            if "projected" in volume:
                self._project(volume, self.folder / volume["name"])

    def start(self) -> "Pod":
        """Start it; what it says goes to its log."""
        entrypoint = re.findall(
            r'^ENTRYPOINT \["doithoai"\]$', (ROOT / "deploy/Containerfile").read_text(), re.MULTILINE
        )
        assert len(entrypoint) == 1
        command = [sys.executable, "-m", "services.cli", *self.container["args"]]
        if os.geteuid() == 0:
            user = self.spec["securityContext"]["runAsUser"]
            shell = HELD.format(user=user)
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", shell, "sh", *command]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self

    def finished(self, within: float) -> int:
        """The exit code of one that ends by itself."""
        assert self.process is not None
        return self.process.wait(within)

    def probe(self, name: str) -> bool:
        """Ask one of its three probes once."""
        asked = self.container[f"{name}Probe"]
        port = next(each["name"] for each in self.container["ports"])
        assert asked["httpGet"]["port"] == port
        try:
            url = self.url + asked["httpGet"]["path"]
            return httpx.get(url, timeout=asked.get("timeoutSeconds", 1), verify=False).is_success
        except httpx.HTTPError:
            return False

    def started(self) -> "Pod":
        """Wait as the startup probe does; then it must be alive, and soon ready."""
        asked = self.container["startupProbe"]
        for _ in range(asked["failureThreshold"]):
            assert self.process is not None and self.process.poll() is None, self.said()
            if self.probe("startup"):
                break
            time.sleep(asked["periodSeconds"])
        until = time.monotonic() + 30
        while not self.probe("readiness"):
            assert time.monotonic() < until, self.said()
            time.sleep(0.1)
        assert self.probe("liveness")
        return self

    def terminate(self) -> int:
        """SIGTERM; its exit code, within what is left of its grace after the pause before."""
        assert self.process is not None
        pause = self.container["lifecycle"]["preStop"]["sleep"]["seconds"]
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(self.grace - pause)

    def kill(self) -> None:
        """End it, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-3000:]

    def _mounted(self, name: str) -> Path:
        (volume,) = (each for each in self.spec["volumes"] if each["name"] == name)
        place = self.folder / name
        place.mkdir(exist_ok=True)
        if "projected" in volume:
            self._project(volume, place)
        elif os.geteuid() == 0:
            shutil.chown(place, self.spec["securityContext"]["runAsUser"])
        return place

    def _project(self, volume: Manifest, place: Path) -> None:
        for source in volume["projected"]["sources"]:
            found = self.secrets[source["secret"]["name"]]
            items = source["secret"].get("items") or [{"key": key, "path": key} for key in found]
            for item in items:
                fresh = place / f".{item['path']}"
                fresh.write_bytes(found[item["key"]])
                fresh.chmod(volume["projected"]["defaultMode"])
                if os.geteuid() == 0:
                    shutil.chown(fresh, 0, self.spec["securityContext"]["fsGroup"])
                fresh.replace(place / item["path"])

    @staticmethod
    def _here(value: str, addresses: dict[str, str], places: dict[str, Path]) -> str:
        for there, here in addresses.items():
            value = value.replace(there, here)
        for mounted, place in places.items():
            value = re.sub(rf"(?<![\w/]){mounted}(?=/|$)", str(place), value)
        return value
