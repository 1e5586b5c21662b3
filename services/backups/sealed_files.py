"""The sealed files of all backups: each copied once, since its bytes never change and its name is their SHA-256."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from services.intake.adapters.file_folder import sync_folder

_NAME = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20  # bytes


class Mirrored(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the files of a folder."""

    names: tuple[str, ...]  # those that are there, whole
    copied: int
    damaged: tuple[str, ...]  # those whose bytes are not what their names say
    missing: tuple[str, ...] = ()


def names_in(folder: Path) -> list[str]:
    """The names of the sealed files in a folder, those that are only arriving too."""
    found = (path.name for part in folder.iterdir() if part.is_dir() for path in part.iterdir())
    return sorted({name for name in found if _NAME.fullmatch(name)})


def mirror(source: Path, target: Path, names: Iterable[str]) -> Mirrored:
    """Copy what the target lacks, each verified on the way. What goes away meanwhile was erased or put in its place."""
    there, copied, damaged, missing = list[str](), 0, list[str](), list[str]()
    touched = set[Path]()
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in names:
        place = target / name[:2] / name
        if place.exists():
            there.append(name)
            continue
        place.parent.mkdir(exist_ok=True, mode=0o700)
        outcome = _copied(source, place)
        if outcome is None:
            missing.append(name)
        elif outcome:
            copied += 1
            there.append(name)
            touched.add(place.parent)
        else:
            damaged.append(name)
    for folder in (*touched, target):
        sync_folder(folder)
    return Mirrored(names=tuple(there), copied=copied, damaged=tuple(damaged), missing=tuple(missing))


def _copied(source: Path, place: Path) -> bool | None:
    """Whether a file was copied whole; None where there is none."""
    for path in (source / place.name[:2] / place.name, source / "incoming" / place.name):
        try:
            given = path.open("rb")
        except FileNotFoundError:
            continue
        part, digest = place.with_name(f".{place.name}"), hashlib.sha256()
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with given, os.fdopen(descriptor, "wb") as output:
            while block := given.read(_BLOCK):
                digest.update(block)
                output.write(block)
            output.flush()
            os.fsync(output.fileno())
        if digest.hexdigest() != place.name:
            part.unlink()
            return False
        os.replace(part, place)
        return True
    return None
