"""The office's acts as forms: which fields each has, and from what was filled in to the body of intake's command."""

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from services.followup.domain.wording.names import Words

Kind = Literal[
    "text", "area", "date", "choice", "lines", "place", "agency", "debtor", "event", "deadline", "reports", "file"
]


class Field(NamedTuple):
    """One input of a form. `choices` are its values with their words."""

    name: str
    words: Words
    kind: Kind = "text"
    required: bool = True
    choices: tuple[tuple[str, Words], ...] = ()


class Act(NamedTuple):
    """One act: the last word of its address at intake, its name, its fields."""

    path: str
    words: Words
    fields: tuple[Field, ...]


_EFFECTIVE = Field(
    "effective_on", Words("Ngày thực hiện (để trống: hôm nay)", "Date of the act (empty: today)"), "date", False
)
_AGENCY = Field("agency", Words("Cơ quan", "Agency"), "agency")
_URGENCY = (
    ("normal", Words("Bình thường", "normal")),
    ("urgent", Words("Cấp thiết", "urgent")),
    ("very_urgent", Words("Rất cấp thiết", "very urgent")),
)
_RESULTS = (
    ("resolved", Words("Đã giải quyết xong", "resolved")),
    ("in_progress", Words("Đang giải quyết", "in progress")),
    ("not_resolved", Words("Không giải quyết được", "not resolved")),
)
_CHANNELS = (
    ("letter", Words("Văn bản", "letter")),
    ("e-mail", Words("Thư điện tử", "e-mail")),
    ("telephone", Words("Điện thoại", "telephone")),
    ("system", Words("Qua hệ thống", "system")),
)
_KINDS = (("petition", Words("Kiến nghị", "petition")), ("reflection", Words("Phản ánh", "reflection")))
_REPORTS = Field(
    "reports",
    Words(
        "Đã báo cáo cấp ủy, chính quyền, người chủ trì cùng ngày",
        "Reported to party committee, government and chair the same day",
    ),
    "reports",
    False,
)
_REASON = Field("reason", Words("Lý do", "Reason"), "area")

RECEIVE = Act(
    "",
    Words("Tiếp nhận kiến nghị", "Receive a petition"),
    (
        Field("jurisdiction", Words("Mã địa bàn", "Jurisdiction code"), "place"),
        Field("kind", Words("Loại", "Kind"), "choice", True, _KINDS),
        Field("channel", Words("Hình thức tiếp nhận", "Channel"), required=False),
        Field("name", Words("Họ tên, tổ chức", "Name of the citizen or organisation"), required=False),
        Field("address", Words("Địa chỉ", "Address"), required=False),
        Field("phone", Words("Điện thoại", "Telephone"), required=False),
        Field("text", Words("Nội dung kiến nghị", "What is asked"), "area"),
    ),
)
#: The acts on a petition in the order of the process.
ACTS = (
    Act(
        "classification",
        Words("Phân loại", "Classify"),
        (
            Field("subject", Words("Trích yếu (không nêu tên người)", "Neutral title, names nobody")),
            Field("field", Words("Lĩnh vực", "Field")),
            Field("urgency", Words("Mức độ cấp thiết", "Urgency"), "choice", True, _URGENCY),
        ),
    ),
    Act("forwarding", Words("Chuyển chuẩn bị trả lời", "Forward for a prepared answer"), (_AGENCY,)),
    Act(
        "assignment",
        Words("Phân công giải quyết", "Assign"),
        (_AGENCY, Field("due_on", Words("Hạn chủ trì ấn định", "Chair's own earlier date"), "date", False)),
    ),
    Act("reassignment", Words("Chuyển cơ quan giải quyết", "Reassign"), (_AGENCY, _REASON)),
    Act(
        "complexity",
        Words("Xác định phức tạp", "Mark complex"),
        (
            Field("decided_by", Words("Người quyết định", "Decided by")),
            Field("criteria", Words("Căn cứ, mỗi dòng một căn cứ", "Criteria, one a line"), "lines"),
        ),
    ),
    Act(
        "extension",
        Words("Gia hạn", "Extend"),
        (
            Field("petitioner_told_on", Words("Ngày báo người kiến nghị", "Petitioner told on"), "date", False),
            Field("committee_told_on", Words("Ngày báo cáo UBND", "Committee told on"), "date", False),
            Field("expected_on", Words("Ngày dự kiến trả lời", "Expected on"), "date"),
            Field("ground", Words("Căn cứ", "Ground"), "area"),
        ),
    ),
    Act(
        "reply",
        Words("Trả lời bằng văn bản", "Written reply"),
        (
            Field("number", Words("Số văn bản", "Document number")),
            Field("signatory", Words("Người ký", "Signatory")),
            Field("digest", Words("Tệp văn bản, hoặc mã băm SHA-256 của tệp", "The file, or its SHA-256"), "file"),
            _REPORTS,
            Field("text", Words("Nội dung", "Text"), "area", False),
        ),
    ),
    Act(
        "reply-report",
        Words("Báo cáo việc đã trả lời", "Report the reply"),
        (Field("reply_number", Words("Số văn bản trả lời", "Number of the reply")), _REPORTS),
    ),
    Act(
        "result-report",
        Words("Báo cáo kết quả", "Report the result"),
        (
            _AGENCY,
            Field("result", Words("Kết quả", "Result"), "choice", True, _RESULTS),
            Field("summary", Words("Tóm tắt", "Summary"), "area", False),
        ),
    ),
    Act(
        "reminders",
        Words("Đôn đốc", "Remind"),
        (
            Field("deadline_id", Words("Thời hạn", "Deadline"), "deadline"),
            Field("to", Words("Gửi", "To"), "debtor"),
            Field("channel", Words("Hình thức", "By"), "choice", True, _CHANNELS),
            Field("text", Words("Nội dung", "Text"), "area", False),
        ),
    ),
    Act("withdrawal", Words("Rút kiến nghị", "Withdraw"), (_REASON,)),
    Act("closure", Words("Kết thúc", "Close"), (Field("ground", Words("Căn cứ", "Ground"), "area", False),)),
    Act("reopening", Words("Mở lại", "Reopen"), (_REASON,)),
    Act(
        "annulments",
        Words("Hủy bản ghi sai", "Annul a wrong record"),
        (Field("event_id", Words("Bản ghi", "Record"), "event"), _REASON),
    ),
)
BY_PATH = {act.path: act for act in ACTS}
RECIPIENTS = ("party_committee", "government", "chair")

_NAMED = re.compile(r"([a-z_]+)(?:\[\d+\])?(?:\.\w+)?: ")
_AT = re.compile(r"at `\$\.([a-z_]+)")
_MISSING = re.compile(r"required field `([a-z_]+)`")


def fields_of(act: Act) -> tuple[Field, ...]:
    """The fields of an act's form; each act may be dated."""
    return (*act.fields, _EFFECTIVE)


def empty_field(act: Act, filled: Mapping[str, str]) -> str:
    """The first field that must be filled in and is not."""
    return next((f.name for f in act.fields if f.required and not filled.get(f.name, "").strip()), "")


def body_of_act(act: Act, filled: Mapping[str, str]) -> dict[str, Any]:
    """The body of intake's command; what was left empty is left out."""
    body: dict[str, Any] = {}
    for field in fields_of(act):
        text = filled.get(field.name, "").strip()
        if not text:
            continue
        if field.kind == "lines":
            body[field.name] = [line.strip() for line in text.splitlines() if line.strip()]
        elif field.kind == "reports":
            body[field.name] = [{"recipient": who, "on": filled["today"]} for who in RECIPIENTS]
        else:
            body[field.name] = text
    return _with_identity(body) if act is RECEIVE else _with_report_dates(body)


def _with_identity(body: dict[str, Any]) -> dict[str, Any]:
    identity = {name: body.pop(name) for name in ("name", "address", "phone") if name in body}
    return body | ({"identities": {"1": identity}} if identity else {})


def _with_report_dates(body: dict[str, Any]) -> dict[str, Any]:
    for report in body.get("reports", ()):
        report["on"] = body.get("effective_on", report["on"])
    return body


def field_of(detail: str) -> str:
    """The field that a refusal names; empty when it is the act as a whole."""
    found = _MISSING.search(detail) or _AT.search(detail) or _NAMED.match(detail)
    return found[1] if found else ""
