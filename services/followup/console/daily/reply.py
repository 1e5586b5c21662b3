"""*Trả lời và báo cáo*: a written reply, reported on the same day, with the result (plan II.4.3)."""

from collections.abc import Iterable
from typing import Any

from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.deadlines.case_rows import UNASSIGNED, CaseState
from services.followup.domain.wording.names import Bilingual

#: To whom a reply is reported on the day on which it is issued.
RECIPIENTS = ("party_committee", "government", "chair")


def _fields(situation: Situation) -> Iterable[FormField]:
    for name in ("number", "signatory", "digest", "text"):
        yield situation.field(f"WrittenReplyIssued.{name}")
    yield plain(
        "reported",
        "Đã báo cáo cấp ủy, chính quyền, người chủ trì cùng ngày",
        "Reported to party committee, government and chair on the same day",
        kind="yes_no",
    )
    if "AgencyResultReported" in situation.possible and _lead(situation):
        yield situation.field("AgencyResultReported.result", is_required=False)
        yield situation.field("AgencyResultReported.summary")
    yield situation.field("WrittenReplyIssued.effective_on")


def _lead(situation: Situation) -> str:
    """The agency that reports a result: whoever fills it in, else the one in charge; "" where there is none yet."""
    row = situation.file.case.row
    return situation.agency or (row.agency if row.agency != UNASSIGNED else "")


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    petition = situation.target.named
    day = filled.get("effective_on") or situation.today.isoformat()
    body = {name: filled.get(name) for name in ("number", "signatory", "digest", "text", "effective_on")}
    reports = [{"recipient": recipient, "on": day} for recipient in RECIPIENTS] if filled.get("reported") else None
    parts = [Part("WrittenReplyIssued", without_empty(body | {"reports": reports}), petition, {"reports": "reported"})]
    if filled.get("result"):
        said = {name: filled.get(name) for name in ("result", "summary", "effective_on")} | {"agency": _lead(situation)}
        parts.append(Part("AgencyResultReported", without_empty(said), petition, {"agency": "result"}))
    return parts


REPLY = DailyTask(
    name="reply",
    act="reply-and-report",
    title=Bilingual("Trả lời và báo cáo", "Reply and report"),
    subject="petition",
    offered=lambda possible: {"WrittenReplyIssued"} <= possible,
    states=frozenset({CaseState.RAISED, CaseState.ASSIGNED, CaseState.ESCALATED}),
    fields=_fields,
    parts=_parts,
)
