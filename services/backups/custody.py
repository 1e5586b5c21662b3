"""The keys: never in a backup. It tells them only, so that a restore knows the right ones; a copy goes elsewhere."""

import os
from collections.abc import Mapping
from pathlib import Path

from services.backups.catalog import Catalog, written
from services.backups.errors import WrongTarget
from services.intake.adapters.file_folder import sync_folder
from shared.sealing import key_fingerprint, key_in
from shared.settings import value_of

MASTER = "master.key"
#: What is kept apart from the backups, by the setting that names each.
KEPT = {
    MASTER: "INTAKE_MASTER_KEY_FILE",
    "sessions.key": "FOLLOWUP_SESSION_KEY_FILE",
    "webhooks.key": "FOLLOWUP_WEBHOOK_KEY_FILE",
    "intake-tokens.json": "INTAKE_TOKENS_FILE",
    "followup-tokens.json": "FOLLOWUP_TOKENS_FILE",
    "source.token": "FOLLOWUP_SOURCE_TOKEN_FILE",
}
KEYS = (MASTER, "sessions.key", "webhooks.key")


def read(name: str) -> bytes | None:
    """What a setting names; None where it is not set. Raises WrongTarget."""
    variable = KEPT[name]
    if not (path := value_of(variable)):
        return None
    try:
        return key_in(path) if name in KEYS else Path(path).read_bytes()
    except ValueError as error:
        raise WrongTarget(f"{variable}: {path}", "không phải là tệp khóa", str(error)) from None
    except OSError as error:
        raise WrongTarget(
            f"{variable}: {path}", f"không đọc được ({error.strerror})", f"cannot be read ({error.strerror})"
        ) from None


def fingerprints() -> dict[str, str]:
    """What tells each key that is set. Raises WrongTarget."""
    return {name: key_fingerprint(key) for name in KEYS if (key := read(name)) is not None}


def is_other(told: Mapping[str, str]) -> bool:
    """Whether the master key that is set is not the one that is told of. Raises WrongTarget."""
    key = read(MASTER)
    return key is not None and told.get(MASTER, key_fingerprint(key)) != key_fingerprint(key)


def check_apart(keys: Path, backups: Path | None) -> None:
    """Refuse a place for the keys where whoever has the backups has them too. Raises WrongTarget."""
    if backups is None:
        backups = next((place for place in (keys, *keys.resolve().parents) if Catalog(place).whole()), None)
    if backups is None:
        return
    one, other = keys.resolve(), backups.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise WrongTarget(
            f"--keys-to: {keys}",
            "khóa không được nằm cùng dữ liệu; hãy nêu một nơi khác, tốt nhất là thiết bị tháo rời cất riêng",
            "keys never lie beside the data; name another place, at best a medium that is locked away",
        )


def copy_to(folder: Path) -> list[str]:
    """Copy what is set into a folder for its owner alone; the names. Raises WrongTarget, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    names = []
    for name in KEPT:
        if (content := read(name)) is not None:
            part = folder / f".{name}"
            written(part, content)
            os.replace(part, folder / name)
            names.append(name)
    sync_folder(folder)
    return names
