"""Shows what became of the twenty petitions according to followup, and where to look further."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from services.story.narrator import Narrator
from services.story.petitions import MATTERS
from services.story.places import SHORT
from shared.identifiers import LOCAL_ZONE

WIDTH = 118  # columns

#: States of a case and of a deadline as people read them.
STATES = {
    "no_clock": "chưa có thời hạn",
    "raised": "đã nêu",
    "assigned": "đang giải quyết",
    "escalated": "đã trình cấp trên",
    "replied": "đã trả lời",
    "resolved": "đã giải quyết",
    "answered": "trả lời tại hội nghị",
    "answered_at_conference": "trả lời tại hội nghị",
    "withdrawn": "đã rút",
    "redirected": "chuyển thủ tục khác",
    "merged": "đã nhập",
    "closed": "đã kết thúc",
}


def show(t: Narrator, intake_url: str, followup_url: str) -> None:
    """Print the table of the petitions with state and due date, then the addresses."""
    rows = [(matter, t.pair.case(t.ids[matter.key]), t.pair.deadlines_of(t.ids[matter.key])) for matter in MATTERS]
    table = Table(title="Hai mươi kiến nghị · the twenty petitions", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("Số", "Trích yếu", "Cơ quan", "Tình trạng", "Hạn trả lời", "Kết quả"):
        table.add_column(heading, no_wrap=heading != "Trích yếu", overflow="fold")
    for matter, case, deadlines in rows:
        reply = last_reply(deadlines)
        table.add_row(
            matter.key,
            matter.subject,
            body_name(case, matter.agency),
            STATES.get(str(case.get("state")), str(case.get("state"))),
            day(reply.get("due_on")),
            outcome(reply),
        )
    console = Console(width=WIDTH, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(table)
    t.say("\n" + capture.get())
    t.say(f"Tiếp nhận · intake:    {intake_url}/v1/events   {intake_url}/schema/openapi.json")
    t.say(f"Theo dõi · followup:   {followup_url}/   {followup_url}/v1/cases   {followup_url}/metrics")
    now = t.pair.now().astimezone(LOCAL_ZONE)
    t.say(f"Đồng hồ chạy tiếp từ {now:%H:%M ngày %d/%m/%Y}  · the clock runs on from there")


def last_reply(deadlines: list[dict[str, Any]]) -> Mapping[str, Any]:
    """The reply deadline that counts now, which is the open one or else the latest."""
    replies = [row for row in deadlines if row.get("duty") == "reply"]
    still_open = [row for row in replies if not row.get("outcome")]
    return (still_open or replies or [{}])[-1]


def body_name(case: Mapping[str, Any], otherwise: str) -> str:
    """Who has the case now."""
    agency = str(case.get("agency") or "")
    return SHORT.get(agency) or SHORT[otherwise]


def outcome(reply: Mapping[str, Any]) -> str:
    """A deadline's outcome in words."""
    match reply.get("outcome"), bool(reply.get("breached")):
        case "met", _:
            return f"đúng hạn {day(reply.get('done_on'))}"
        case "met_late", _:
            return f"trễ hạn {day(reply.get('done_on'))}"
        case "waived", _:
            return "không phải trả lời"
        case _, True:
            return "QUÁ HẠN"
        case _:
            return "sắp đến hạn" if reply.get("status") == "due_soon" else ("trong hạn" if reply else "—")


def day(value: object) -> str:
    """A date of the year as people write it."""
    if not value:
        return "—"
    _, month, number = str(value)[:10].split("-")
    return f"{number}/{month}"
