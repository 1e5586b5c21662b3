"""The tokens of a sandbox: one caller of each kind, each with its token in a file of its own that its owner reads."""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from services.story.places import DISTRICT, PROVINCE
from shared.http.auth import Callers
from shared.http.tokens import InvalidTokens, Role, change_tokens, load_tokens, mint_token
from shared.identifiers import NATION
from shared.sentences import Sentence

#: The user of the portal at the broker, with the rights of that name in `deploy/rabbitmq/definitions.json`.
BROKER_USER = "portal"
AGENCY = f"{DISTRICT}.6"


class SandboxCaller(NamedTuple):
    """One caller of the sandbox; `variable` is what `sandbox.env` calls its token."""

    name: str
    variable: str
    role: Role
    jurisdiction: str
    title: Sentence
    agency: str = ""
    amqp_user: str = ""


PORTAL = SandboxCaller(
    "cong-thu-nghiem", "TOKEN", "system", PROVINCE, Sentence("hệ thống của bạn", "your system"), amqp_user=BROKER_USER
)
OFFICE = SandboxCaller("van-phong", "OFFICE_TOKEN", "office", PROVINCE, Sentence("văn phòng", "an office"))
CHAIR = SandboxCaller("chu-tich", "CHAIR_TOKEN", "chair", DISTRICT, Sentence("người chủ trì", "a chair"))
BODY = SandboxCaller(
    "phong-ktht", "AGENCY_TOKEN", "agency", DISTRICT, Sentence("cơ quan giải quyết", "an agency"), agency=AGENCY
)
OPERATOR = SandboxCaller(
    "van-hanh", "OPERATIONS_TOKEN", "operations", NATION, Sentence("quản trị hệ thống", "operations")
)
AUDITOR = SandboxCaller("thanh-tra", "AUDITOR_TOKEN", "auditor", NATION, Sentence("thanh tra", "an auditor"))
#: As whom followup reads intake's feed.
READER = SandboxCaller(
    "followup", "FOLLOWUP_TOKEN", "auditor", NATION, Sentence("dịch vụ followup", "the service followup")
)
CALLERS = (PORTAL, OFFICE, CHAIR, BODY, OPERATOR, AUDITOR, READER)


def tokens_file(data: Path) -> Path:
    """The tokens file of a sandbox's folder."""
    return data / "tokens.json"


def token_file(data: Path, caller: SandboxCaller) -> Path:
    """The file that holds a caller's token."""
    return data / "tokens" / caller.name


def kept_tokens(data: Path) -> dict[str, str]:
    """The token of each caller by its name; those that are not there yet are made. Raises InvalidTokens, OSError."""
    (data / "tokens").mkdir(mode=0o700, exist_ok=True)
    found = {}
    for caller in CALLERS:
        path = token_file(data, caller)
        if not path.exists():
            _mint(data, caller, path)
        found[caller.name] = path.read_text("utf-8").strip()
    return found


def known_callers(data: Path) -> Callers:
    """Who may ask the sandbox: everybody in its tokens file. Raises InvalidTokens."""
    return Callers(load_tokens(str(tokens_file(data))), local_allowed=False)


def take_over(callers: Callers, data: Path) -> None:
    """Let those call who stand in the tokens file by now, such as a second system that was added to it."""
    with contextlib.suppress(InvalidTokens):  # both services log what is wrong with it
        callers.replace(load_tokens(str(tokens_file(data))))


def _mint(data: Path, caller: SandboxCaller, path: Path) -> None:
    token, entry = mint_token(caller.name, caller.role, caller.jurisdiction, caller.agency, caller.amqp_user)
    # The entry first: a run that ends in between makes another token, and an entry by which nobody calls is replaced.
    change_tokens(tokens_file(data), lambda entries: (*(e for e in entries if e.name != caller.name), entry))
    fresh = path.with_name(f".{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{token}\n")
    fresh.replace(path)
