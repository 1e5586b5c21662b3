"""The hosts: network namespaces behind a switch of their own where root is, addresses of the loopback otherwise.

Namespaces have no way out: the machine's own network sees nothing of them. On loopback addresses every part works as
well, but no host can be cut off.
"""

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path
from typing import Protocol

NAMES = ("db1", "db2", "db3", "app1", "app2", "edge")
DATABASES, APPLICATIONS, EDGE = NAMES[:3], NAMES[3:5], NAMES[5]

_CLONE_NEWNET = 0x40000000


class Hosts(Protocol):
    """Six hosts with an address each. `edge` is where the balancer is, and who calls."""

    can_cut: bool

    def make(self) -> None:
        """Bring the hosts up. Safe to repeat."""
        ...

    def remove(self) -> None:
        """Take them away again, with whatever still runs there."""
        ...

    def address(self, name: str) -> str:
        """The address of a host."""
        ...

    def inside(self, name: str) -> list[str]:
        """What a command begins with that runs on a host."""
        ...

    def space(self, name: str) -> str:
        """The file of a host's network namespace; empty where it has none."""
        ...

    def enter(self) -> None:
        """Let this process, and what it starts from now on, call from `edge`."""
        ...

    def cut(self, name: str) -> None:
        """Let every packet from and to a host vanish."""
        ...

    def heal(self, name: str) -> None:
        """Connect it again."""
        ...


def hosts_of(folder: Path) -> Hosts:
    """The hosts of a checkout: two checkouts have hosts of their own, so that both may run at once."""
    tag = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:4]
    return Namespaces(f"dt{tag}") if _can_make_namespaces() else LoopbackAddresses(folder)


def loopback_of(folder: Path, number: int) -> str:
    """An address of the loopback that belongs to a checkout."""
    tag = hashlib.sha256(str(folder.resolve()).encode()).digest()
    return f"127.{64 + tag[0] % 128}.{tag[1]}.{number}"


def _can_make_namespaces() -> bool:
    try:
        tried = ["unshare", "--net", "--mount", "ip", "link", "show", "lo"]
        return os.geteuid() == 0 and subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Namespaces:
    """Each host is a network namespace, connected to the switch, which is one too."""

    can_cut = True

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._switch = f"{prefix}-switch"

    def make(self) -> None:
        """Bring the hosts up."""
        if self._exist():
            return
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "bridge", "up")
        for name in NAMES:
            space = self._space(name)
            _ip("netns", "add", space)
            _ip("-n", self._switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
            self.heal(name)
            _ip("-n", self._switch, "link", "set", name, "up")
            _ip("-n", space, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", space, "link", "set", device, "up")

    def remove(self) -> None:
        """Take them away."""
        for line in _ip("netns", "list").splitlines():
            space = line.split()[0]
            if space.startswith(f"{self._prefix}-"):
                _ip("netns", "delete", space)

    def address(self, name: str) -> str:
        """The address of a host."""
        return f"10.99.0.{NAMES.index(name) + 1}"

    def inside(self, name: str) -> list[str]:
        """Only the network is another one: `ip netns exec` would change the mounts too."""
        return ["nsenter", f"--net={self.space(name)}"]

    def space(self, name: str) -> str:
        """The file of a host's namespace."""
        return f"/run/netns/{self._space(name)}"

    def enter(self) -> None:
        """Call from `edge`; before any thread is started, since a thread enters for itself alone."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(self.space(EDGE)).open() as space:
            if libc.setns(space.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def cut(self, name: str) -> None:
        """Out of the bridge: the link stays up, so that nobody is told."""
        _ip("-n", self._switch, "link", "set", name, "nomaster")

    def heal(self, name: str) -> None:
        """Into the bridge."""
        _ip("-n", self._switch, "link", "set", name, "master", "bridge")

    def _space(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _exist(self) -> bool:
        return Path(self.space(EDGE)).exists()


class LoopbackAddresses:
    """Each host is an address 127.x.y.z of this machine."""

    can_cut = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> None:
        """Every such address is there already."""

    def remove(self) -> None:
        """And stays."""

    def address(self, name: str) -> str:
        """The address of a host."""
        return loopback_of(self._folder, NAMES.index(name) + 1)

    def inside(self, name: str) -> list[str]:
        """Nothing is needed."""
        return []

    def space(self, name: str) -> str:
        """There is none."""
        return ""

    def enter(self) -> None:
        """Everybody is there already."""

    def cut(self, name: str) -> None:
        """Cannot be done."""
        raise NotImplementedError("cutting a host off takes root")

    def heal(self, name: str) -> None:
        """It never was cut."""


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout
