"""The settings, and the files of secrets that they name: there, whole, for whom the service runs as and nobody else."""

import json
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import Key, KeySet
from pydantic_settings import BaseSettings

from services.doctor.findings import Finding, note, right, wrong
from services.doctor.system import ServiceUser, is_open
from services.followup.configured import system_settings as followup_systems
from services.followup.settings import FollowupSettings
from services.intake.configured import system_settings as intake_systems
from services.intake.settings import IntakeSettings
from shared.http.provider import SMALLEST_RSA, keys_in, verifying
from shared.http.system_tokens import SystemSettings
from shared.http.tokens import InvalidTokens, load_tokens
from shared.sealing import KEY_BYTES
from shared.sentences import Sentence
from shared.settings import WrongSettings, settings_from_environment

KEYS_OF_URLS = ("sslkey", "keyfile", "password_file")  # files of secrets that the URL of a server names

S = TypeVar("S", bound=BaseSettings)


def settings_of(kind: type[S], name: str) -> tuple[S | None, Finding]:
    """The settings of a service, and whether they are right."""
    try:
        return settings_from_environment(kind), right(f"{name}: đủ và đúng", f"{name}: whole and right")
    except WrongSettings as error:
        return None, wrong(
            f"{name}: {error}", f"{name}: {error}", "sửa biến môi trường hoặc tệp này", "mend this variable or file"
        )


def of_intake(settings: IntakeSettings, account: ServiceUser) -> Sequence[Finding]:
    """The key and the tokens of intake, which runs as `account`."""
    found = [
        *_key("INTAKE_MASTER_KEY_FILE", settings.master_key_file, account, needed=True),
        *_tokens("INTAKE_TOKENS_FILE", settings.tokens_file, settings.tokens, account),
        *_provider_of_systems("INTAKE", lambda: intake_systems(settings)),
    ]
    urls = {"INTAKE_DATABASE_URL": settings.database_url, "INTAKE_AMQP_URL": settings.amqp_url}
    return [*found, *_of_urls(urls, account)]


def of_followup(settings: FollowupSettings, account: ServiceUser) -> Sequence[Finding]:
    """The keys and the tokens of followup, which runs as `account`."""
    found = [
        *_key("FOLLOWUP_SESSION_KEY_FILE", settings.session_key_file, account, needed=bool(settings.issuer)),
        *_key("FOLLOWUP_WEBHOOK_KEY_FILE", settings.webhook_key_file, account, needed=False),
        *_tokens("FOLLOWUP_TOKENS_FILE", settings.tokens_file, settings.tokens, account),
        *_provider_of_systems("FOLLOWUP", lambda: followup_systems(settings)),
    ]
    for variable, path in (
        ("FOLLOWUP_SOURCE_TOKEN_FILE", settings.source_token_file),
        ("FOLLOWUP_CLIENT_SECRET_FILE", settings.client_secret_file),
        *(("FOLLOWUP_SOURCES", file) for file in settings.broker_files.values()),
    ):
        if path:
            found += _file(variable, path, account) or [right(f"{variable}: đọc được", f"{variable}: can be read")]
    urls = {"FOLLOWUP_DATABASE_URL": settings.database_url, "FOLLOWUP_AMQP_URL": settings.amqp_url}
    return [*found, *_of_urls(urls, account)]


def of_folder(name: str, account: ServiceUser) -> Sequence[Finding]:
    """The files of DOITHOAI_SECRETS_DIR and of the folders in it, and the keys of TLS in a folder `tls` beside it.

    Where a unit says as whom a service runs, systemd reads them as root, and hands each to whom it is for.
    """
    folder = Path(name)
    if not folder.is_dir():
        return []  # the settings have said it
    files, folders = dict[Path, Path](), [folder]
    # A mounted secret has each file twice, the second time by a link.
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            files.setdefault(path.resolve(), path)
        elif path.is_dir() and not path.is_symlink():
            folders.append(path)
    keys = sorted((folder.absolute().parent / "tls").glob("*.key"))
    bad = [_opened("", path, _close(path, handed=account.is_known)) for path in files.values() if is_open(path)]
    bad += [_opened("", path, _close(path, handed=True)) for path in keys if is_open(path)]
    bad += [finding for path in folders for finding in _folder(path)]
    return bad or [
        right("DOITHOAI_SECRETS_DIR: người khác không đọc được", "DOITHOAI_SECRETS_DIR: nobody else can read it")
    ]


def _of_urls(urls: Mapping[str, str], account: ServiceUser) -> list[Finding]:
    named = [(variable, parse_qs(urlsplit(url).query)) for variable, url in urls.items()]
    paths = [(variable, path) for variable, query in named for key in KEYS_OF_URLS for path in query.get(key, ())]
    return [finding for variable, path in paths for finding in _file(variable, path, account)]


def _folder(path: Path) -> list[Finding]:
    """What is wrong with a folder of secrets itself. One that a cluster mounts is sticky, and not to be written to."""
    mode = path.stat().st_mode
    if mode & stat.S_ISVTX or not is_open(path):
        return []
    shown = f"{stat.S_IMODE(mode):04o}"
    said = f"ai trên máy cũng vào được thư mục {path} ({shown})", f"everybody may enter the folder {path} ({shown})"
    do = f"chmod o-rwx {path}"
    return [wrong(*said, do, do) if mode & stat.S_IWOTH else note(*said, do, do)]


def _key(variable: str, path: str, account: ServiceUser, *, needed: bool) -> list[Finding]:
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
    if bad := _file(variable, path, account):
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


def _tokens(variable: str, path: str, text: str, account: ServiceUser) -> list[Finding]:
    if path and (bad := _file(variable, path, account)):
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


def _provider_of_systems(prefix: str, read: Callable[[], SystemSettings]) -> list[Finding]:
    """The settings of the provider whose tokens systems bring; nothing where there is none."""
    try:
        settings = read()
    except WrongSettings as error:
        return [wrong(str(error), str(error), "sửa thiết lập này", "mend this setting")]
    if not settings.issuer:
        return []
    found = list[Finding]()
    if settings.keys_at and "://" not in settings.keys_at:
        variable = f"{prefix}_JWT_JWKS"
        try:
            published = json.loads(Path(settings.keys_at).read_bytes())
            keys = keys_in(published)
        except (OSError, ValueError, TypeError, KeyError) as error:
            return [
                wrong(
                    f"{variable}: không đọc được khóa trong {settings.keys_at} ({type(error).__name__})",
                    f"{variable}: no keys can be read in {settings.keys_at} ({type(error).__name__})",
                    "ghi lại tệp JWKS của nhà cung cấp",
                    "write the JWKS of the provider there anew",
                )
            ]
        found += _published_keys(f"{variable}: {settings.keys_at}", published["keys"], keys)
    if settings.may_administer:
        found.append(
            note(
                f"{prefix}_JWT_ADMIN: mã của nhà cung cấp được quản trị người dùng",
                f"{prefix}_JWT_ADMIN: tokens of the provider may administer people",
                "bỏ thiết lập này nếu không cần",
                "take the setting out where nobody needs it",
            )
        )
    return found or [
        right(f"{prefix}_JWT_ISSUER: {settings.issuer}", f"{prefix}_JWT_ISSUER: {settings.issuer}"),
    ]


def _published_keys(said: str, published: Sequence[object], keys: Sequence[Key]) -> list[Finding]:
    """What is right or wrong with the keys that a provider publishes, as they stand there and as they are read."""
    found, trusted = list[Finding](), verifying(KeySet(list(keys))).keys
    if any(key.is_private for key in keys):
        found.append(
            wrong(
                f"{said} có khóa bí mật: ai đọc được tệp này thì ký được mã",
                f"{said} has private keys: whoever reads this file can sign tokens",
                "chỉ để khóa công khai ở đây, và thay các khóa ấy tại nhà cung cấp",
                "leave the public keys alone there, and replace those keys at the provider",
            )
        )
    if len(published) > 1 and not all(isinstance(key, dict) and key.get("kid") for key in published):
        found.append(
            wrong(
                f"{said} có khóa thiếu kid bên cạnh khóa khác: không mã nào dùng được khóa ấy",
                f"{said} has a key without a kid beside others: no token can be verified by it",
                "ghi kid cho từng khóa, như nhà cung cấp công bố",
                "give each key its kid, as the provider publishes it",
            )
        )
    if dropped := len(published) - len(trusted):
        found.append(
            (wrong if not trusted else note)(
                f"{said}: {dropped} khóa không được tin (không hiểu được, không phải cặp khóa ký, hoặc RSA "
                f"dưới {SMALLEST_RSA} bit)",
                f"{said}: {dropped} keys are not trusted (not understood, no pair that signs, or RSA of less than "
                f"{SMALLEST_RSA} bits)",
                "lấy JWKS của nhà cung cấp, với khóa đủ dài",
                "take the JWKS of the provider, with keys that are long enough",
            )
        )
    return found or [right(f"{said}: {len(keys)} khóa", f"{said}: {len(keys)} keys")]


def _file(variable: str, path: str, account: ServiceUser) -> list[Finding]:
    """What is wrong with a file of a secret; nothing where it is right."""
    file = Path(path)
    try:
        with file.open("rb") as opened:
            is_empty = not opened.read(1)
    except OSError as error:
        return [
            wrong(
                f"{variable}: không đọc được {path} ({error.strerror})",
                f"{variable}: {path} cannot be read ({error.strerror})",
                "sửa đường dẫn; nếu chỉ doctor không được đọc, chạy nó bằng root hoặc người chạy dịch vụ",
                "mend the path; if doctor alone may not read it, run it as root or as whom the service runs as",
            )
        ]
    if is_empty:
        said = f"{variable}: {path}"
        return [wrong(f"{said} trống", f"{said} is empty", "ghi lại tệp này", "write this file again")]
    return [*_unreadable(variable, file, account), *_open(variable, file, account)]


def _unreadable(variable: str, file: Path, account: ServiceUser) -> list[Finding]:
    """What keeps the service from a file that whoever asks, root, can read."""
    if not account.is_known or account.may_read(file):
        return []
    said = (
        f"{variable}: {account.user}, người chạy dịch vụ, không đọc được {file}",
        f"{variable}: {account.user}, as whom the service runs, cannot read {file}",
    )
    closed = next((folder for folder in reversed(file.absolute().parents) if not account.may_enter(folder)), None)
    if closed is None:
        do = f"chgrp {account.group} {file} && chmod 640 {file}"
        return [wrong(*said, do, do)]
    return [
        wrong(
            *said,
            f"không vào được {closed}: trao tệp bằng LoadCredential= (systemctl edit), hoặc để tệp ở nơi khác",
            f"it may not enter {closed}: hand the file over by LoadCredential= (systemctl edit), or put it elsewhere",
        )
    ]


def _open(variable: str, file: Path, account: ServiceUser) -> list[Finding]:
    """What is wrong where everybody reads a file. What is advised leaves it to whom the service runs as."""
    if not is_open(file):
        return []
    status = file.stat()
    is_owner = status.st_uid == account.uid
    is_member = account.is_member(status.st_gid) and bool(status.st_mode & stat.S_IRGRP)
    is_handed = str(file) in account.handed
    if account.is_known and not (is_owner or is_member or is_handed):
        do = f"chgrp {account.group} {file} && chmod 640 {file}"
        return [_opened(f"{variable}: ", file, Sentence(do, do))]
    return [_opened(f"{variable}: ", file, _close(file, handed=account.is_known))]


def _opened(beginning: str, file: Path, do: Sentence) -> Finding:
    shown = f"{stat.S_IMODE(file.stat().st_mode):04o}"
    return wrong(
        f"{beginning}ai trên máy cũng đọc được {file} ({shown})",
        f"{beginning}everybody on this machine may use {file} ({shown})",
        *do,
    )


def _close(file: Path, *, handed: bool) -> Sentence:
    """How a file is closed to everybody; unless it is handed over, whoever reads it may be one of these."""
    do = f"chmod o-rwx {file}"
    if handed:
        return Sentence(do, do)
    return Sentence(
        f"{do}, sau khi giao tệp cho người chạy dịch vụ (chown, chgrp)",
        f"{do}, once it belongs to whom the service runs as (chown, chgrp)",
    )
