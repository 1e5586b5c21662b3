"""The columns of a report's tables as an office numbers them, and the check sums printed under their heads. Pure."""

from collections.abc import Sequence

import msgspec

from services.followup.domain.reports.figures import CASE_SUMS, DEADLINE_SUMS, DUE
from services.followup.domain.wording.names import Bilingual


class Column(msgspec.Struct, frozen=True):
    """A column: the figure that it shows, its heading, and the heading that it shares with its neighbours."""

    figure: str
    words: Bilingual
    over: Bilingual | None = None


_HANDLED = Bilingual("Đã giải quyết", "handled")
_FORWARD = Bilingual("Chuyển kỳ sau", "carried forward")
_OF_TOTAL = Bilingual("Trong tổng số", "of the total")
_DONE = Bilingual("Đã thực hiện", "done")
_WAIVED = Bilingual("Không còn phải thực hiện", "owed no more")
_OPEN = Bilingual("Chưa thực hiện", "not done")
_DAYS = Bilingual("Số ngày làm việc để trả lời", "working days to the reply")
_BREACHES = Bilingual("Số lần ghi nhận quá hạn trong kỳ", "breaches raised in the period")
_RETRACTED = Bilingual("Số lần rút lại quá hạn trong kỳ", "breaches retracted in the period")
_LAG = Bilingual("Số ngày từ khi có hiệu lực đến khi ghi", "days from taking effect to being recorded")

CASE_COLUMNS = (
    Column("total", Bilingual("Tổng số phải giải quyết", "to be handled")),
    Column("carried_over", Bilingual("Kỳ trước chuyển sang", "carried over")),
    Column("received", Bilingual("Tiếp nhận trong kỳ", "received")),
    Column("handled", Bilingual("Tổng số", "total"), _HANDLED),
    Column("replied", Bilingual("Trả lời bằng văn bản", "written reply"), _HANDLED),
    Column("answered", Bilingual("Trả lời tại hội nghị", "answered at the conference"), _HANDLED),
    Column("otherwise", Bilingual("Kết thúc khác", "ended otherwise"), _HANDLED),
    Column("carried_forward", Bilingual("Tổng số", "total"), _FORWARD),
    Column("not_yet_due", Bilingual("Chưa đến hạn trả lời", "reply not yet due"), _FORWARD),
    Column("overdue", Bilingual("Quá hạn trả lời", "reply overdue"), _FORWARD),
    Column("awaiting_result", Bilingual("Đã trả lời, chờ kết quả", "replied, result awaited"), _FORWARD),
    Column("no_clock", Bilingual("Chưa có thời hạn", "no clock"), _FORWARD),
    Column("reopened", Bilingual("Mở lại trong kỳ", "reopened"), _OF_TOTAL),
    Column("complex", Bilingual("Vụ việc phức tạp", "complex"), _OF_TOTAL),
    Column("extended", Bilingual("Được gia hạn", "extended"), _OF_TOTAL),
    Column("escalated", Bilingual("Trình cấp trên", "escalated"), _OF_TOTAL),
)
DEADLINE_COLUMNS = (
    Column("total", Bilingual("Tổng số phải thực hiện", "to be kept")),
    Column("carried_over", Bilingual("Kỳ trước chuyển sang", "carried over")),
    Column("begun", Bilingual("Phát sinh trong kỳ", "begun")),
    Column("met", Bilingual("Đúng hạn", "in time"), _DONE),
    Column("met_late", Bilingual("Trễ hạn", "late"), _DONE),
    Column("done_undated", Bilingual("Việc không định hạn", "undated"), _DONE),
    Column("waived", Bilingual("Khi còn hạn", "in time"), _WAIVED),
    Column("waived_late", Bilingual("Khi đã quá hạn", "when overdue"), _WAIVED),
    Column("on_track", Bilingual("Trong hạn", "on track"), _OPEN),
    Column("due_soon", Bilingual("Sắp đến hạn", "due soon"), _OPEN),
    Column("overdue", Bilingual("Quá hạn", "overdue"), _OPEN),
    Column("on_time_rate", Bilingual("Tỷ lệ đúng hạn (%)", "on time (%)")),
    Column("reply_days_median", Bilingual("Trung vị", "median"), _DAYS),
    Column("reply_days_p90", Bilingual("90% số văn bản không quá", "90 % within"), _DAYS),
    Column("breaches", Bilingual("Phát sinh", "as they came"), _BREACHES),
    Column("backfilled_breaches", Bilingual("Dữ liệu nhập bổ sung", "backfilled data"), _BREACHES),
    Column("retracted_backdated", Bilingual("Do văn bản vào sổ muộn", "by a back-dated record"), _RETRACTED),
    Column("retracted_otherwise", Bilingual("Do lý do khác", "otherwise"), _RETRACTED),
)
RECORDING_COLUMNS = (
    Column("recorded", Bilingual("Số lượt ghi", "recorded")),
    Column("same_day", Bilingual("Ghi trong ngày", "on the same day")),
    Column("lag_median", Bilingual("Trung vị", "median"), _LAG),
    Column("lag_p90", Bilingual("90% không quá", "90 % within"), _LAG),
    Column("lag_longest", Bilingual("Lâu nhất", "longest"), _LAG),
)

Sums = Sequence[tuple[str, Sequence[str]]]


def check_sums(columns: Sequence[Column], sums: Sums) -> str:
    """What must add up, in the numbers of the columns: `1=2+3=4+8; 4=5+6+7`."""
    written: dict[str, list[str]] = {}
    for whole, parts in sums:
        written.setdefault(whole, []).append("+".join(_numbers(columns, parts)))
    return "; ".join("=".join([*_numbers(columns, [whole]), *sides]) for whole, sides in written.items())


def check_rate(columns: Sequence[Column]) -> str:
    """How the on-time rate is made: `12=4/(4+5+8+11)`."""
    rate, met = _numbers(columns, ["on_time_rate", DUE[0]])
    return f"{rate}={met}/({'+'.join(_numbers(columns, DUE))})"


def _numbers(columns: Sequence[Column], figures: Sequence[str]) -> list[str]:
    number = {column.figure: str(place) for place, column in enumerate(columns, 1)}
    return [number[figure] for figure in figures]


CASE_CHECK = check_sums(CASE_COLUMNS, CASE_SUMS)
DEADLINE_CHECK = f"{check_sums(DEADLINE_COLUMNS, DEADLINE_SUMS)}; {check_rate(DEADLINE_COLUMNS)}"
