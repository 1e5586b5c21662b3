"""What the sandbox says of itself: where it is, what it holds, what to try; in JSON and HTML. No token is on it."""

import shlex
from pathlib import Path

import msgspec

from services.intake.settings import SANDBOX_SOURCE
from services.sandbox.callers import CALLERS, PORTAL, token_file
from shared.sentences import Sentence


class SandboxToken(msgspec.Struct, frozen=True, kw_only=True):
    """Where a token is, and whose it is."""

    name: str
    role: str
    jurisdiction: str
    file: str
    vi: str
    en: str


class SandboxStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to try, and the command for it."""

    vi: str
    en: str
    command: str


class SandboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    intake: str
    followup: str
    sandbox: str
    broker: str
    source: str
    environment: str
    tokens: list[SandboxToken]
    holds: list[dict[str, str]]
    next_steps: list[SandboxStep]


HOLDS = (
    Sentence(
        "H35.10 Huyện Tam Đường: thời hạn trả lời tính từ hội nghị đối thoại (quy định mặc định); H35.10.31 là "
        "Thị trấn Tam Đường.",
        "H35.10, district Tam Đường: replies are counted from a dialogue conference (the default rules); H35.10.31 is "
        "its town Thị trấn Tam Đường.",
    ),
    Sentence(
        "H35.11 Huyện Nậm Thử: thời hạn trả lời 15 ngày làm việc từ ngày tiếp nhận (12/QĐ-UBND); H35.11.31 là "
        "Xã Nậm Thử.",
        "H35.11, district Nậm Thử: replies within 15 working days of receipt (12/QĐ-UBND); H35.11.31 is its commune "
        "Xã Nậm Thử.",
    ),
    Sentence(
        "MAU-001 đã được trả lời đúng hạn, MAU-002 quá hạn, MAU-003 vừa tiếp nhận; cả ba của nguồn cong-thu-nghiem.",
        "MAU-001 was answered in time, MAU-002 is overdue, MAU-003 has just come; all three of the source "
        "cong-thu-nghiem.",
    ),
)
#: To be pasted into a shell in which `sandbox.env` was read.
STEPS = (
    (
        Sentence("Gửi một kiến nghị", "Push a petition"),
        """curl -sS "$INTAKE/v1/petitions" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' """
        """-d '{"jurisdiction": "H35.10.31", "external_id": "TN-0001", "text": "Rác ở chợ."}'""",
    ),
    (
        Sentence("Đưa ra hội nghị, giao cơ quan trả lời", "Bring it before a conference, so that its reply is owed"),
        """curl -sS "$SANDBOX/sandbox/conference" -H "Authorization: Bearer $TOKEN" """
        """-H 'Content-Type: application/json' -d '{"source": "cong-thu-nghiem", "external_id": "TN-0001"}'""",
    ),
    (
        Sentence("Cho đồng hồ chạy đến khi quá hạn", "Let the clock run until that is overdue"),
        """curl -sS "$SANDBOX/sandbox/clock" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' """
        """-d '{"to": "next-deadline", "source": "cong-thu-nghiem", "external_id": "TN-0001"}'""",
    ),
)


def page_of(data: Path, intake: str, followup: str, sandbox: str, broker: str) -> SandboxPage:
    """The page of a sandbox. `broker` is its URL without a password."""
    return SandboxPage(
        intake=intake,
        followup=followup,
        sandbox=sandbox,
        broker=broker,
        source=SANDBOX_SOURCE,
        environment=str(environment_file(data)),
        tokens=[
            SandboxToken(
                name=each.name,
                role=each.role,
                jurisdiction=each.jurisdiction,
                file=str(token_file(data, each)),
                vi=each.title.vi,
                en=each.title.en,
            )
            for each in CALLERS
        ],
        holds=[said._asdict() for said in HOLDS],
        next_steps=[SandboxStep(vi=said.vi, en=said.en, command=command) for said, command in STEPS],
    )


def environment_file(data: Path) -> Path:
    """The file of a sandbox's folder that a shell reads."""
    return data / "sandbox.env"


def environment_of(page: SandboxPage, tokens: dict[str, str], broker_url: str) -> str:
    """What a shell reads to have everything at hand."""
    values = {"INTAKE": page.intake, "FOLLOWUP": page.followup, "SANDBOX": page.sandbox, "SOURCE": PORTAL.name}
    values |= {"BROKER": broker_url, "BROKER_KEY": SANDBOX_SOURCE} if broker_url else {}
    values |= {each.variable: tokens[each.name] for each in CALLERS}
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
