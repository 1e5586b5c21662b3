"""The tokens file: who may call, each with the hashes of their tokens. The tokens themselves are kept nowhere."""

import asyncio
import codecs
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import structlog

from shared.identifiers import NATION, normalised
from shared.sentences import Sentence

Role = Literal["system", "office", "agency", "chair", "auditor", "operations", "admin"]
ROLES: frozenset[str] = frozenset({"system", "office", "agency", "chair", "auditor", "operations", "admin"})
#: What people call the roles, in the order in which pages name them.
ROLE_TITLES: Mapping[Role, Sentence] = {
    "office": Sentence("Văn phòng", "office"),
    "chair": Sentence("Người chủ trì", "chair"),
    "agency": Sentence("Cơ quan giải quyết", "agency"),
    "auditor": Sentence("Thanh tra, giám sát", "auditor"),
    "operations": Sentence("Quản trị hệ thống", "operations"),
    "admin": Sentence("Quản trị người dùng", "administrator of people"),
    "system": Sentence("Hệ thống kết nối", "connected system"),
}
#: What a token may do beyond the acts of its role: a system reads the answers to what came from it.
Right = Literal["read-answers"]
RIGHTS: tuple[Right, ...] = ("read-answers",)
#: What a caller of each role may do, of what lies at its place.
ROLE_RIGHTS: Mapping[Role, Sentence] = {
    "office": Sentence(
        "tiếp nhận, phân loại, xử lý và đọc nội dung mọi kiến nghị, hội nghị",
        "acts on every case and reads its content",
    ),
    "chair": Sentence(
        "đọc nội dung, kết luận hội nghị, cho gia hạn, ủy quyền", "reads content, concludes, extends, delegates"
    ),
    "agency": Sentence("xử lý và đọc những việc được giao cho mình", "acts on and reads what was given to it"),
    "auditor": Sentence(
        "đọc hồ sơ, thời hạn, báo cáo, không đọc nội dung niêm phong",
        "reads cases, deadlines, reports, no sealed content",
    ),
    "operations": Sentence("vận hành: số liệu, nguồn, lệnh bị từ chối", "runs it: figures, sources, refused commands"),
    "admin": Sentence("giao vị trí công tác cho người dùng", "grants posts to people"),
    "system": Sentence(
        "đẩy, sửa, rút kiến nghị của mình và theo dõi chúng",
        "pushes, corrects, withdraws and follows its own petitions",
    ),
}
#: The names of callers that no file may give, and how those of people begin.
RESERVED = frozenset({"local", "bootstrap"})
PERSON = "person:"

LOOK_EVERY = 1.0  # seconds between two looks at the tokens file
MAX_SECRETS = 2  # of one caller: the old one until its holder has the new one

log = structlog.get_logger("auth")

_PREFIX = "dt_"
_ENTROPY = 32  # bytes
_SHA256 = re.compile("[0-9a-f]{64}")


class InvalidTokens(ValueError):
    """Tokens that cannot be used. The message says why and what to do; `said` says it in both languages."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.said = Sentence(vi, en)


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One caller. `sha256` is the hash of its token, or of both while one replaces the other.

    `amqp_user` is its user at the broker. `sources` are the names in which it may push, `*` any; left out: its own.
    `may` are its rights beyond its role's acts; left out: all of them.
    """

    name: str
    sha256: str | tuple[str, ...]
    role: Role
    jurisdiction: str = NATION
    agency: str = ""
    amqp_user: str = ""
    sources: tuple[str, ...] = ()
    may: tuple[Right, ...] = RIGHTS

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of the tokens that are valid."""
        return (self.sha256,) if isinstance(self.sha256, str) else self.sha256


class TokensFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokens file: `{"tokens": [...]}`."""

    tokens: tuple[TokenEntry, ...] = ()


def is_own_name(name: str) -> bool:
    """Whether a name is one by which the product calls somebody itself: `local`, `bootstrap`, a person."""
    return name in RESERVED or name.startswith(PERSON)


def hash_token(token: str) -> str:
    """The hash that is kept of a token. One round of SHA-256 is enough for 32 random bytes."""
    return hashlib.sha256(token.encode()).hexdigest()


def mint_token(
    name: str,
    role: Role,
    jurisdiction: str = NATION,
    agency: str = "",
    amqp_user: str = "",
    sources: tuple[str, ...] = (),
    may: tuple[Right, ...] = RIGHTS,
) -> tuple[str, TokenEntry]:
    """A new token and its entry for the tokens file. The token itself is kept nowhere."""
    token = _PREFIX + secrets.token_urlsafe(_ENTROPY)
    entry = TokenEntry(
        name=name,
        sha256=hash_token(token),
        role=role,
        jurisdiction=jurisdiction,
        agency=agency,
        amqp_user=amqp_user,
        sources=sources,
        may=may,
    )
    return token, entry


def rotated(entry: TokenEntry) -> tuple[str, TokenEntry]:
    """Another token for a caller, and its entry, in which the newest of the old ones is valid too."""
    token = _PREFIX + secrets.token_urlsafe(_ENTROPY)
    return token, msgspec.structs.replace(entry, sha256=(entry.hashes[-1], hash_token(token)))


def checked(entries: tuple[TokenEntry, ...]) -> tuple[TokenEntry, ...]:
    """The entries with their names as every door writes them. Raises InvalidTokens."""
    named = tuple(
        msgspec.structs.replace(
            entry,
            name=normalised(entry.name),
            amqp_user=normalised(entry.amqp_user),
            sources=tuple(map(normalised, entry.sources)),
        )
        for entry in entries
    )
    for entry in named:
        if entry.role == "agency" and not entry.agency:
            raise InvalidTokens(
                f"{entry.name}: vai trò agency cần mã định danh của cơ quan",
                f"{entry.name}: the role agency needs the agency's code",
            )
        if is_own_name(entry.name):
            raise InvalidTokens(
                f"{entry.name}: tên này là của phần mềm; hãy đặt tên khác",
                f"{entry.name}: this name is the product's own; take another one",
            )
        if not entry.name or "" in entry.sources:
            raise InvalidTokens(
                f"{entry.name!r}: tên bên gọi và tên nguồn không được để trống; hãy đặt tên",
                f"{entry.name!r}: names of callers and sources are not empty; give one",
            )
        if not 1 <= len(entry.hashes) <= MAX_SECRETS or not all(map(_SHA256.fullmatch, entry.hashes)):
            raise InvalidTokens(
                f"{entry.name}: sha256 là mã băm của một mã truy cập, hoặc danh sách {MAX_SECRETS} mã băm",
                f"{entry.name}: sha256 is the hash of a token, or of {MAX_SECRETS} in a list",
            )
    for what, each in (
        ("sha256", (sha256 for entry in named for sha256 in entry.hashes)),
        ("name", (entry.name for entry in named)),
        ("amqp_user", (entry.amqp_user for entry in named if entry.amqp_user)),
    ):
        twice = sorted(value for value, count in Counter(each).items() if count > 1)
        if twice:
            raise InvalidTokens(
                f"hai mục có cùng {what}, {twice[0]}: hãy cho mỗi bên gọi một mục riêng",
                f"two entries have the same {what}, {twice[0]}: give each caller one entry of its own",
            )
    users = {entry.amqp_user for entry in named if entry.amqp_user}
    for user in sorted(users):
        # The queues of a user are those whose names begin with its own and a dot.
        if within := next((other for other in sorted(users) if other.startswith(f"{user}.")), ""):
            raise InvalidTokens(
                f"hàng đợi của {within} cũng sẽ là của {user}: hãy đặt amqp_user không có dấu chấm",
                f"the queues of {within} would be those of {user} too: name amqp_user without a dot",
            )
    return named


def load_tokens(path: str = "", text: str = "") -> tuple[TokenEntry, ...]:
    """The entries of a tokens file, or of the same JSON given as text. Raises InvalidTokens."""
    try:
        content = Path(path).read_bytes() if path else text.encode()
        content = content.removeprefix(codecs.BOM_UTF8)  # editors of Windows begin a file with this mark
        return msgspec.json.decode(content, type=TokensFile).tokens if content.strip() else ()
    except OSError as error:
        why = error.strerror
        raise InvalidTokens(
            f"không đọc được tệp mã truy cập {path} ({why}); hãy nêu một tệp đọc được",
            f"the tokens cannot be read: {path} ({why}); name a file that can be read",
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        which = path or "JSON"
        raise InvalidTokens(
            f"không đọc được mã truy cập trong {which}: {error}; hãy sửa thành dạng mà `doithoai token NAME` in ra",
            f"the tokens cannot be read: {which}: {error}; mend it to the form that `doithoai token NAME` prints",
        ) from error


def change_tokens(file: Path, change: Callable[[tuple[TokenEntry, ...]], tuple[TokenEntry, ...]]) -> None:
    """Write what a change makes of a tokens file, in one step. Raises InvalidTokens.

    It is its owner's alone (0600), but for a group that it was given to (0640): services may run as several users.
    Two that change it at the same time do so in turn.
    """
    file = file.resolve()
    with _locked(file.parent):
        entries = change(load_tokens(str(file)) if file.exists() else ())
        content = json.dumps({"tokens": msgspec.to_builtins(checked(entries))}, ensure_ascii=False, indent=2) + "\n"
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600 from the beginning
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as written:
                written.write(content)
                written.flush()
                os.fsync(written.fileno())
            if file.exists():
                before = file.stat()
                with contextlib.suppress(PermissionError):  # the service that reads it may be another user than root
                    os.chown(name, before.st_uid, before.st_gid)
                    if not before.st_mode & stat.S_IRWXO:
                        os.chmod(name, 0o600 | (before.st_mode & stat.S_IRGRP))
            os.replace(name, file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


class TokenFile:
    """One token in a file, which may be replaced at any time."""

    def __init__(self, path: str) -> None:
        """Read the token; an empty path is no token. Raises OSError."""
        self._path = path
        self._token = Path(path).read_text("utf-8").strip() if path else ""
        self._known = _stamp(path) if path else None

    def __call__(self) -> str:
        """The token as the file has it now; the last one while the file is away or empty."""
        if self._path and (found := _stamp(self._path)) != self._known:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._token = Path(self._path).read_text("utf-8").strip() or self._token
                self._known = found
        return self._token


class Replaceable(Protocol):
    """What takes over a changed tokens file."""

    def replace(self, entries: tuple[TokenEntry, ...]) -> None:
        """Replace the known callers. Raises InvalidTokens, in which case the old ones stay."""
        ...


async def follow_tokens(callers: Replaceable, path: str) -> None:
    """Apply each change of a tokens file, for ever. One that cannot be used changes nothing and is logged."""
    # The first look reads it once more: it may have changed since the process read it at its start.
    known: tuple[int, int, int] | None = None
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if (found := _stamp(path)) == known:
            continue
        known = found
        try:
            callers.replace(load_tokens(path))
            log.info("tokens_read")
        except InvalidTokens as error:
            log.error("tokens_not_replaced", why=str(error))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
