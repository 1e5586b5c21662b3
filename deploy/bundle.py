"""Builds dist/doithoai-VERSION-bundle.tar.gz, which installs on Debian 12 without a network: `make bundle`.

In it: the wheels of the product and of every locked package for CPython 3.11 on x86_64, each with its hash; pip, which
installs them; units, nginx, rules of Prometheus, documents; the list of what is inside (CycloneDX); checksums. The same
commit gives the same bytes (SOURCE_DATE_EPOCH, else the time of the commit).
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".uv" / "bin" / "uv"
#: The machine that the bundle is for: Debian 12, its Python and its C library.
TARGET = {
    "implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
    "platform_machine": "x86_64", "platform_python_implementation": "CPython", "platform_system": "Linux",
    "python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux",
}  # fmt: skip
#: The newest C library first; Debian 12 has 2.36.
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)] + ["manylinux2014_x86_64", "linux_x86_64"]
#: What of the tree goes along, beside the wheels.
SHARED = ("docs", "deploy/systemd", "deploy/nginx", "deploy/haproxy", "deploy/prometheus", "deploy/grafana",
          "deploy/rabbitmq", "deploy/databases.sh", "deploy/sealed.sh", "contracts", "README.md", "CHANGELOG.md",
          "LICENSE")  # fmt: skip


def build() -> Path:
    """The bundle."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    made_at = _made_at()
    folder = ROOT / "build" / "bundle" / f"doithoai-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    _download(wheels, "--no-dev")
    packages = _wheels_of(wheels)
    _run(UV, "build", "--wheel", "--quiet", "--out-dir", wheels, ROOT, SOURCE_DATE_EPOCH=str(made_at))
    (wheels / ".gitignore").unlink(missing_ok=True)  # uv's
    (ours,) = set(_wheels_of(wheels)) - set(packages)
    _download(wheels, "--only-group", "bundle")
    lines = sorted(
        f"{name}=={number} --hash=sha256:{_sha256(file)}" for file, name, number in map(_named, [*packages, ours])
    )
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "VERSION").write_text(f"{version}\n", "utf-8")
    shutil.copy(ROOT / "deploy" / "systemd" / "install.sh", folder)
    for name in SHARED:
        _copy(ROOT / name, folder / "share" / name)
    (folder / "sbom.cdx.json").write_text(_bill_of_materials(lines, made_at), "utf-8")
    sums = [f"{_sha256(file)}  {file.relative_to(folder)}" for file in _files(folder)]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n", "utf-8")
    bundle = ROOT / "dist" / f"{folder.name}-bundle.tar.gz"
    bundle.parent.mkdir(exist_ok=True)
    _pack(folder, bundle, made_at)
    return bundle


def _made_at() -> int:
    """Seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(given or _run("git", "-C", ROOT, "log", "-1", "--format=%ct"))


def _download(wheels: Path, *which: str) -> None:
    """The wheels that the lock names for the target, each held against its hash there."""
    exported = _run(UV, "export", "--locked", "--quiet", "--no-emit-project", "--no-header", "--no-annotate", *which)
    wanted = [block for block in exported.replace("\\\n", " ").splitlines() if block.strip() and _is_for_target(block)]
    # Which packages the target needs is decided above: pip would ask the machine that builds.
    listed = wheels.parent / "locked.txt"
    listed.write_text("\n".join(re.sub(r";.*?(?=--hash)", " ", block) for block in wanted) + "\n", "utf-8")
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    _run(
        sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11",
        "--abi", "cp311", "--abi", "abi3", "--abi", "none", *platforms, "--dest", wheels, "--requirement", listed,
    )  # fmt: skip
    listed.unlink()


def _is_for_target(requirement: str) -> bool:
    marker = re.search(r";(.*?)(?=--hash)", requirement)
    return marker is None or Marker(marker[1]).evaluate(TARGET)


def _wheels_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.whl"))


def _named(wheel: Path) -> tuple[Path, str, str]:
    name, number, *_ = parse_wheel_filename(wheel.name)
    return wheel, canonicalize_name(name), str(number)


def _bill_of_materials(lines: list[str], made_at: int) -> str:
    """What uv writes of the lock, with the hash of each wheel that is inside, and without the chance of the day."""
    exported = _run(
        UV, "export", "--locked", "--quiet", "--no-dev", "--format", "cyclonedx1.5", "--preview-features", "sbom-export"
    )
    found = json.loads(exported)
    inside = {line.split("==")[0]: line.rpartition(":")[2] for line in lines}
    found["components"] = [each for each in found["components"] if canonicalize_name(each["name"]) in inside]
    for each in found["components"]:
        each["hashes"] = [{"alg": "SHA-256", "content": inside[canonicalize_name(each["name"])]}]
    known = {found["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in found["components"])}
    found["dependencies"] = [
        each | {"dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in known]}
        for each in found["dependencies"] if each["ref"] in known
    ]  # fmt: skip
    found["metadata"]["timestamp"] = datetime.fromtimestamp(made_at, UTC).isoformat()
    found["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(lines)).urn
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _pack(folder: Path, bundle: Path, made_at: int) -> None:
    """One archive, its files in order, owned by root, all of one time."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = made_at
        entry.mode = 0o755 if entry.isdir() or entry.name.endswith(".sh") else 0o644
        return entry

    partial = bundle.with_suffix(".part")
    with (
        partial.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=made_at) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in _files(folder):
            archive.add(path, f"{folder.name}/{path.relative_to(folder)}", filter=plain)
    partial.replace(bundle)


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _run(*command: object, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    made = build()
    sys.stdout.write(f"{made.relative_to(ROOT)}: {made.stat().st_size / 1e6:.0f} MB, SHA-256 {_sha256(made)}\n")
