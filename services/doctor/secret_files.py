"""The settings, and the files of secrets that they name: there, whole, and readable by nobody else."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic_settings import BaseSettings

from services.doctor.findings import Finding, note, right, wrong
from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings
from shared.http.tokens import InvalidTokens, load_tokens
from shared.sealing import KEY_BYTES
from shared.settings import WrongSettings, settings_from_environment

OTHERS = stat.S_IRWXO  # whoever else has an account on the machine

S = TypeVar("S", bound=BaseSettings)


def settings_of(kind: type[S], name: str) -> tuple[S | None, Finding]:
    """The settings of a service, and whether they are right."""
    try:
        return settings_from_environment(kind), right(f"{name}: đủ và đúng", f"{name}: whole and right")
    except WrongSettings as error:
        return None, wrong(
            f"{name}: {error}", f"{name}: {error}", "sửa biến môi trường hoặc tệp này", "mend this variable or file"
        )


def of_intake(settings: IntakeSettings) -> Sequence[Finding]:
    """The key and the tokens of intake."""
    found = _tokens("INTAKE_TOKENS_FILE", settings.tokens_file, settings.tokens)
    return [*_key("INTAKE_MASTER_KEY_FILE", settings.master_key_file, needed=True), *found]


def of_followup(settings: FollowupSettings) -> Sequence[Finding]:
    """The keys and the tokens of followup."""
    found = [
        *_key("FOLLOWUP_SESSION_KEY_FILE", settings.session_key_file, needed=bool(settings.issuer)),
        *_tokens("FOLLOWUP_TOKENS_FILE", settings.tokens_file, settings.tokens),
    ]
    for variable, path in (
        ("FOLLOWUP_SOURCE_TOKEN_FILE", settings.source_token_file),
        ("FOLLOWUP_CLIENT_SECRET_FILE", settings.client_secret_file),
    ):
        if path:
            found += _file(variable, path) or [right(f"{variable}: đọc được", f"{variable}: can be read")]
    return found


def of_folder(name: str) -> Sequence[Finding]:
    """The files of DOITHOAI_SECRETS_DIR."""
    folder = Path(name)
    if not folder.is_dir():
        return []  # the settings have said it
    bad = [finding for path in sorted(folder.iterdir()) if path.is_file() for finding in _file(path.name, str(path))]
    return bad or [right("DOITHOAI_SECRETS_DIR: chỉ chủ đọc được", "DOITHOAI_SECRETS_DIR: for its owner alone")]


def _key(variable: str, path: str, *, needed: bool) -> list[Finding]:
    if not path:
        if not needed:
            return []
        return [
            wrong(
                f"{variable}: chưa đặt",
                f"{variable}: is not set",
                f"tạo một lần: head -c {KEY_BYTES} /dev/urandom > tệp, và cất một bản ở nơi khác",
                f"once: head -c {KEY_BYTES} /dev/urandom > FILE, and keep a copy elsewhere",
            )
        ]
    if bad := _file(variable, path):
        return bad
    if (size := Path(path).stat().st_size) != KEY_BYTES:
        return [
            wrong(
                f"{variable}: có {size} byte thay vì {KEY_BYTES}",
                f"{variable}: has {size} bytes, not {KEY_BYTES}",
                "tìm lại khóa đã cất riêng; không tạo khóa mới khi đã có dữ liệu",
                "find the key that was kept; never make a new one where there are data",
            )
        ]
    return [right(f"{variable}: {size} byte", f"{variable}: {size} bytes")]


def _tokens(variable: str, path: str, text: str) -> list[Finding]:
    if path and (bad := _file(variable, path)):
        return bad
    if not (path or text):
        return [
            note(
                f"{variable}: chưa đặt, chỉ phục vụ trên chính máy này",
                f"{variable}: is not set: calls come from this machine alone",
                "doithoai token TÊN --file tokens.json",
                "doithoai token NAME --file tokens.json",
            )
        ]
    try:
        entries = load_tokens(path, text)
    except InvalidTokens as error:
        return [wrong(f"{variable}: {error.said.vi}", f"{variable}: {error.said.en}", "sửa tệp này", "mend this file")]
    if not entries:
        return [wrong(f"{variable}: trống", f"{variable}: names nobody", "doithoai token TÊN", "doithoai token NAME")]
    return [right(f"{variable}: {len(entries)} bên gọi", f"{variable}: {len(entries)} callers")]


def _file(variable: str, path: str) -> list[Finding]:
    """What is wrong with a file of a secret; nothing where it is right."""
    try:
        mode = os.stat(path).st_mode
        with open(path, "rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        return [
            wrong(
                f"{variable}: không đọc được {path} ({error.strerror})",
                f"{variable}: {path} cannot be read ({error.strerror})",
                "sửa đường dẫn, hoặc giao tệp cho người chạy dịch vụ",
                "mend the path, or give the file to whom the service runs as",
            )
        ]
    if is_empty:
        said = f"{variable}: {path}"
        return [wrong(f"{said} trống", f"{said} is empty", "ghi lại tệp này", "write this file again")]
    if mode & OTHERS:
        shown = f"{stat.S_IMODE(mode):04o}"
        return [
            wrong(
                f"{variable}: ai trên máy cũng đọc được {path} ({shown})",
                f"{variable}: everybody on this machine may use {path} ({shown})",
                f"chmod 600 {path}",
                f"chmod 600 {path}",
            )
        ]
    return []
