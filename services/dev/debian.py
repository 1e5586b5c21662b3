"""Installs packages of Debian or Ubuntu for development and tests, and starts no service of theirs."""

import fcntl
import os
import subprocess
from pathlib import Path

_APT = Path("/usr/bin/apt-get")
_POLICY = Path("/usr/sbin/policy-rc.d")  # asked before a package starts its service


def can_install() -> bool:
    """Whether packages can be installed: as root, where there is apt-get."""
    return os.geteuid() == 0 and _APT.exists()


def install(*packages: str) -> None:
    """Install packages, one process at a time. Whether it worked the caller sees by looking for what it needs."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _APT.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ours = not _POLICY.exists()
        if ours:
            _POLICY.write_text("#!/bin/sh\nexit 101\n", "utf-8")
            _POLICY.chmod(0o755)
        try:
            for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
                subprocess.run([str(_APT), "-qq", *step], env=environment, capture_output=True, check=False)
        finally:
            if ours:
                _POLICY.unlink(missing_ok=True)
