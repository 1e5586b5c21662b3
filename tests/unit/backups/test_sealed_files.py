"""Files are copied once each, whole and right, or told as damaged or missing."""

import hashlib
from pathlib import Path

from services.backups.sealed_files import mirror, names_in


def put(folder: Path, content: bytes, name: str = "") -> str:
    name = name or hashlib.sha256(content).hexdigest()
    (folder / name[:2]).mkdir(parents=True, exist_ok=True)
    (folder / name[:2] / name).write_bytes(content)
    return name


def test_files__are_copied_once_and_damaged_ones_not_at_all(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    good, bad = put(source, b"one"), put(source, b"two", "ab" * 32)
    arriving = hashlib.sha256(b"three").hexdigest()
    (source / "incoming").mkdir()
    (source / "incoming" / arriving).write_bytes(b"three")
    (source / "incoming" / "half.part").write_bytes(b"fo")
    names = names_in(source)
    assert names == sorted([good, bad, arriving])
    first = mirror(source, target, [*names, "cd" * 32])
    assert (sorted(first.names), first.copied, first.damaged, first.missing) == (
        sorted([good, arriving]), 2, (bad,), ("cd" * 32,),
    )  # fmt: skip
    assert (target / good[:2] / good).read_bytes() == b"one"
    assert sorted(path.name for path in target.rglob("*") if path.is_file()) == sorted([good, arriving])
    assert mirror(source, target, [good, arriving]).copied == 0
