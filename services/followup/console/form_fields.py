"""The fields of each of the office's forms, and how what was filled in becomes the body of intake's command."""

from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from services.followup.domain.deadlines.case_rows import UNASSIGNED, CaseRow
from services.followup.domain.wording.names import Bilingual

Kind = Literal[
    "text", "area", "date", "choice", "lines", "place", "agency", "debtor", "event", "deadline", "reports", "file"
]


OFFICE_OR_CHAIR = frozenset({"office", "chair"})
ENDED = ("answered", "withdrawn", "redirected", "merged", "closed", "refused")


class Field(NamedTuple):
    """One input of a form. `choices` are its values with their words."""

    name: str
    words: Bilingual
    kind: Kind = "text"
    required: bool = True
    choices: tuple[tuple[str, Bilingual], ...] = ()


class ActForm(NamedTuple):
    """One command as a form: the last word of its path at intake, its name, its fields.

    `roles` are those that intake lets give it; `when` says whether it is done to a petition that is open, that has
    ended, or to any.
    """

    path: str
    words: Bilingual
    fields: tuple[Field, ...]
    roles: frozenset[str] = OFFICE_OR_CHAIR
    when: Literal["open", "ended", "any"] = "open"


_EFFECTIVE = Field(
    "effective_on", Bilingual("Ngày thực hiện (để trống: hôm nay)", "Date of the act (empty: today)"), "date", False
)
_AGENCY = Field("agency", Bilingual("Cơ quan", "Agency"), "agency")
_URGENCY = (
    ("normal", Bilingual("Bình thường", "normal")),
    ("urgent", Bilingual("Cấp thiết", "urgent")),
    ("very_urgent", Bilingual("Rất cấp thiết", "very urgent")),
)
_RESULTS = (
    ("resolved", Bilingual("Đã giải quyết xong", "resolved")),
    ("in_progress", Bilingual("Đang giải quyết", "in progress")),
    ("not_resolved", Bilingual("Không giải quyết được", "not resolved")),
)
_CHANNELS = (
    ("letter", Bilingual("Văn bản", "letter")),
    ("e-mail", Bilingual("Thư điện tử", "e-mail")),
    ("telephone", Bilingual("Điện thoại", "telephone")),
    ("system", Bilingual("Qua hệ thống", "system")),
)
_KINDS = (("petition", Bilingual("Kiến nghị", "petition")), ("reflection", Bilingual("Phản ánh", "reflection")))
_REPORTS = Field(
    "reports",
    Bilingual(
        "Đã báo cáo cấp ủy, chính quyền, người chủ trì cùng ngày",
        "Reported to party committee, government and chair the same day",
    ),
    "reports",
    False,
)


def _notice(name: str, vi: str, en: str) -> tuple[Field, Field]:
    """The document by which somebody was told; a lead agency gives it, the office may."""
    return (
        Field(f"{name}.number", Bilingual(f"Số văn bản {vi}", f"Number of the notice {en}"), required=False),
        Field(
            f"{name}.digest",
            Bilingual(f"Tệp văn bản {vi}, hoặc mã băm SHA-256 của tệp", f"The notice {en}, or its SHA-256"),
            "file",
            False,
        ),
    )


_REASON = Field("reason", Bilingual("Lý do", "Reason"), "area")

RECEIVE = ActForm(
    "",
    Bilingual("Tiếp nhận kiến nghị", "Receive a petition"),
    (
        Field("jurisdiction", Bilingual("Mã địa bàn", "Jurisdiction code"), "place"),
        Field("kind", Bilingual("Loại", "Kind"), "choice", True, _KINDS),
        Field("channel", Bilingual("Hình thức tiếp nhận", "Channel"), required=False),
        Field("name", Bilingual("Họ tên, tổ chức", "Name of the citizen or organisation"), required=False),
        Field("address", Bilingual("Địa chỉ", "Address"), required=False),
        Field("phone", Bilingual("Điện thoại", "Telephone"), required=False),
        Field("text", Bilingual("Nội dung kiến nghị", "What is asked"), "area"),
    ),
    roles=frozenset({"system", "office", "chair"}),
)
#: The acts on a petition in the order of the process.
ACTS = (
    ActForm(
        "classification",
        Bilingual("Phân loại", "Classify"),
        (
            Field("subject", Bilingual("Trích yếu (không nêu tên người)", "Neutral title, names nobody")),
            Field("field", Bilingual("Lĩnh vực", "Field")),
            Field("urgency", Bilingual("Mức độ cấp thiết", "Urgency"), "choice", True, _URGENCY),
        ),
    ),
    ActForm("forwarding", Bilingual("Chuyển chuẩn bị trả lời", "Forward for a prepared answer"), (_AGENCY,)),
    ActForm(
        "assignment",
        Bilingual("Phân công giải quyết", "Assign"),
        (
            _AGENCY,
            Field(
                "due_on",
                Bilingual(
                    "Hạn do người chủ trì ấn định, rút ngắn thời hạn trả lời (không đặt ra thời hạn khi chưa có)",
                    "Chair's own date: shortens the time for the reply, and sets none where none runs",
                ),
                "date",
                False,
            ),
        ),
    ),
    ActForm("reassignment", Bilingual("Chuyển cơ quan giải quyết", "Reassign"), (_AGENCY, _REASON)),
    ActForm(
        "complexity",
        Bilingual("Xác định phức tạp", "Mark complex"),
        (
            Field("decided_by", Bilingual("Người quyết định", "Decided by")),
            Field("criteria", Bilingual("Căn cứ, mỗi dòng một căn cứ", "Criteria, one a line"), "lines"),
        ),
    ),
    ActForm(
        "extension",
        Bilingual("Gia hạn", "Extend"),
        (
            Field("petitioner_told_on", Bilingual("Ngày báo người kiến nghị", "Petitioner told on"), "date", False),
            *_notice("petitioner_notice", "báo người kiến nghị", "to the petitioner"),
            Field("committee_told_on", Bilingual("Ngày báo cáo UBND", "Committee told on"), "date", False),
            *_notice("committee_notice", "báo cáo UBND", "to the committee"),
            Field("expected_on", Bilingual("Ngày dự kiến trả lời", "Expected on"), "date"),
            Field("ground", Bilingual("Căn cứ", "Ground"), "area"),
        ),
        roles=frozenset({"agency", "office", "chair"}),
    ),
    ActForm(
        "reply",
        Bilingual("Trả lời bằng văn bản", "Written reply"),
        (
            Field("number", Bilingual("Số văn bản", "Document number")),
            Field("signatory", Bilingual("Người ký", "Signatory")),
            Field("digest", Bilingual("Tệp văn bản, hoặc mã băm SHA-256 của tệp", "The file, or its SHA-256"), "file"),
            _REPORTS,
            Field("text", Bilingual("Nội dung", "Text"), "area", False),
        ),
        roles=frozenset({"agency", "office", "chair"}),
    ),
    ActForm(
        "reply-report",
        Bilingual("Báo cáo việc đã trả lời", "Report the reply"),
        (Field("reply_number", Bilingual("Số văn bản trả lời", "Number of the reply")), _REPORTS),
        roles=frozenset({"agency", "office"}),
        when="any",
    ),
    ActForm(
        "result-report",
        Bilingual("Báo cáo kết quả", "Report the result"),
        (
            _AGENCY,
            Field("result", Bilingual("Kết quả", "Result"), "choice", True, _RESULTS),
            Field("summary", Bilingual("Tóm tắt", "Summary"), "area", False),
        ),
        roles=frozenset({"agency", "office"}),
    ),
    ActForm(
        "reminders",
        Bilingual("Đôn đốc", "Remind"),
        (
            Field("deadline_id", Bilingual("Thời hạn", "Deadline"), "deadline"),
            Field("to", Bilingual("Gửi", "To"), "debtor"),
            Field("channel", Bilingual("Hình thức", "By"), "choice", True, _CHANNELS),
            Field("text", Bilingual("Nội dung", "Text"), "area", False),
        ),
        when="any",
    ),
    ActForm(
        "withdrawal",
        Bilingual("Rút kiến nghị", "Withdraw"),
        (_REASON,),
        roles=frozenset({"system", "office", "chair"}),
    ),
    ActForm(
        "closure", Bilingual("Kết thúc", "Close"), (Field("ground", Bilingual("Căn cứ", "Ground"), "area", False),)
    ),
    ActForm(
        "reopening",
        Bilingual("Mở lại", "Reopen"),
        (_REASON,),
        when="ended",
    ),
    ActForm(
        "annulments",
        Bilingual("Hủy bản ghi sai", "Annul a wrong record"),
        (Field("event_id", Bilingual("Bản ghi", "Record"), "event"), _REASON),
        when="any",
    ),
)
BY_PATH = {act.path: act for act in ACTS}
RECIPIENTS = ("party_committee", "government", "chair")


def fields_of(act: ActForm) -> tuple[Field, ...]:
    """The fields of a form. Every command may be dated."""
    return (*act.fields, _EFFECTIVE)


def file_inputs(act: ActForm) -> frozenset[str]:
    """The names of the inputs that take a file, of which the field gets the hash."""
    return frozenset(f"{field.name}_file" for field in act.fields if field.kind == "file")


def acts_for(row: CaseRow, roles: frozenset[str], owed: Collection[str]) -> tuple[ActForm, ...]:
    """The forms for a case, by the roles of who looks at it, how far it has come and the duties that are `owed`."""
    if row.subject != "petition":
        return ()
    now = "ended" if row.state in ENDED else "open"
    taken = {"reassignment"} if row.agency == UNASSIGNED else {"assignment"}
    if row.state == "merged":
        taken.add("reopening")
    if "reply" not in owed:
        taken.add("extension")
    if not owed:
        taken.add("reminders")
    return tuple(act for act in ACTS if act.when in (now, "any") and act.roles & roles and act.path not in taken)


def empty_field(act: ActForm, filled: Mapping[str, str]) -> str:
    """The first field that must be filled in and is not."""
    return next((f.name for f in act.fields if f.required and not filled.get(f.name, "").strip()), "")


def body_of_act(act: ActForm, filled: Mapping[str, str]) -> dict[str, Any]:
    """The body of intake's command without the fields that were left empty."""
    body: dict[str, Any] = {}
    for field in fields_of(act):
        text = filled.get(field.name, "").strip()
        if not text:
            continue
        if field.kind == "lines":
            body[field.name] = [line.strip() for line in text.splitlines() if line.strip()]
        elif field.kind == "reports":
            body[field.name] = [{"recipient": who, "on": filled["today"]} for who in RECIPIENTS]
        elif "." in field.name:
            whole, _, part = field.name.partition(".")
            body.setdefault(whole, {})[part] = text
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


def field_of_form(act: ActForm, field: str | None) -> str:
    """The field of a form that a refusal names, or "" for none of them. `reports[0].on` is in `reports`.

    Of a whole that the form asks in parts (`petitioner_notice`) it is the first.
    """
    names = [each.name for each in fields_of(act)]
    whole = (field or "").partition(".")[0].partition("[")[0]
    found = (name for name in names if name == field or (whole and name.partition(".")[0] == whole))
    return next((name for name in names if name == field), "") or next(found, "")
