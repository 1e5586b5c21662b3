"""The bundle for machines without a network: built twice alike, installed where nothing can be fetched, and it runs."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL = ROOT / "deploy" / "systemd" / "install.sh"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


# --- fast: the installer refuses politely ---


def refusal(folder: Path, **tools: str) -> tuple[int, str]:
    """Run the installer with some programs replaced by scripts of one line."""
    places = folder / "bin"
    places.mkdir()
    for name, line in tools.items():
        (places / name).write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        (places / name).chmod(0o755)
    (folder / "VERSION").write_text("0.0.0\n")
    shutil.copy(INSTALL, folder)
    environment = os.environ | {"PATH": f"{places}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", str(folder / "install.sh")], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_install__asks_for_root_in_both_languages(tmp_path: Path) -> None:
    code, said = refusal(tmp_path, id="echo 1000")
    assert code == 1 and "Cần quyền root" in said and "needs root" in said


def test_install__names_the_machine_that_it_is_for(tmp_path: Path) -> None:
    code, said = refusal(tmp_path, id="echo 0", uname="echo riscv64")
    assert code == 1 and "riscv64" in said and "Debian 12" in said


@pytest.mark.skipif(not Path("/usr/bin/python3.11").exists(), reason="not Debian 12")
def test_install__refuses_what_was_changed(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  VERSION\n")
    code, said = refusal(tmp_path, id="echo 0")
    assert code == 1 and "damaged" in said


# --- slow: built and installed ---


BUNDLE = ROOT / "dist" / f"doithoai-{VERSION}-bundle.tar.gz"
AT = os.environ | {"SOURCE_DATE_EPOCH": "1764460800"}


@pytest.fixture(scope="module")
def bundle() -> Path:
    done = subprocess.run(["make", "-C", str(ROOT), "bundle"], env=AT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return BUNDLE


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_bundle__is_the_same_from_the_same_tree(bundle: Path) -> None:
    before = hashlib.sha256(bundle.read_bytes()).hexdigest()
    subprocess.run([sys.executable, str(ROOT / "deploy" / "bundle.py")], env=AT, check=True)
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() == before


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_bundle__names_all_that_is_inside(bundle: Path) -> None:
    with tarfile.open(bundle) as archive:
        read = {entry.name.partition("/")[2]: archive.extractfile(entry).read() for entry in archive if entry.isfile()}  # type: ignore[union-attr]
        assert {(entry.uid, entry.gid) for entry in archive} == {(0, 0)}
    sums = dict(reversed(line.split("  ")) for line in read.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in read.items()}
    wheels = {name for name in read if name.startswith("wheels/")}
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", read["requirements.txt"].decode()))
    assert {sums[name] for name in wheels if not name.startswith("wheels/pip-")} == hashes
    bill = json.loads(read["sbom.cdx.json"])
    assert bill["bomFormat"] == "CycloneDX"
    listed = {each["hashes"][0]["content"] for each in bill["components"]}
    ours = {sums[name] for name in wheels if name.startswith("wheels/doithoai-")}
    assert listed | ours == hashes


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This machine's files under a folder that takes what is written: a Debian 12 on which nothing of ours is."""
    release = platform.freedesktop_os_release()
    if os.geteuid() != 0 or (release.get("ID"), release.get("VERSION_ID")) != ("debian", "12"):
        pytest.skip("installing is tried on Debian 12 as root")
    folder = tmp_path_factory.mktemp("debian")
    layers = folder / "layers"
    layers.mkdir()
    mounts = [["-t", "tmpfs", "-o", "size=2g", "tmpfs", str(layers)]]
    for name in ("upper", "work"):
        mounts.append([str(layers / name)])
    subprocess.run(["mount", *mounts[0]], check=True)
    (layers / "upper").mkdir()
    (layers / "work").mkdir()
    root = folder / "root"
    root.mkdir()
    options = f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work"
    done = subprocess.run(
        ["mount", "-t", "overlay", "-o", options, "overlay", str(root)], capture_output=True, check=False
    )
    try:
        if done.returncode:
            pytest.skip("an overlay cannot be mounted here")
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
        yield root
    finally:
        for path in (root / "proc", root, layers):
            subprocess.run(["umount", "--lazy", str(path)], check=False, capture_output=True)


def inside(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command there, without any network."""
    words = [
        "unshare",
        "--net",
        "chroot",
        str(root),
        "env",
        "-i",
        "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        *command,
    ]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_install__without_a_network_twice_keeping_what_was_set(bundle: Path, debian: Path) -> None:
    place = debian / "srv" / "bundle"
    place.mkdir(parents=True)
    with tarfile.open(bundle) as archive:
        archive.extractall(place, filter="data")
    script = f"/srv/bundle/doithoai-{VERSION}/install.sh"
    done = inside(debian, "sh", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "setup.sh SOURCE HOST" in done.stdout
    asked = inside(debian, "doithoai", "--version")
    assert (asked.returncode, asked.stdout.strip()) == (0, f"doithoai {VERSION}"), asked.stderr
    counted = inside(debian, "doithoai", "deadline", "reply", "--from", "2019-08-23", "--json")
    assert json.loads(counted.stdout)["due_on"] == "2019-09-16", counted.stderr
    assert "doithoai-intake" in (debian / "etc" / "passwd").read_text()
    configuration = debian / "etc" / "doithoai" / "doithoai.conf"
    configuration.write_text("INTAKE_SOURCE=lai-chau\n")
    (debian / "opt" / "doithoai" / VERSION / ".complete").unlink()  # as after a run that was cut off
    again = inside(debian, "sh", script)
    assert again.returncode == 0, again.stdout + again.stderr
    assert configuration.read_text() == "INTAKE_SOURCE=lai-chau\n"
    assert inside(debian, "doithoai", "--version").returncode == 0
