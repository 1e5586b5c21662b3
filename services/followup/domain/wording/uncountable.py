"""Why a duty has no due date yet, and what makes it countable, from the reason that is listed. Pure."""

import re

from services.followup.domain.wording.names import Bilingual

_NO_CALENDAR = re.compile(r"there is no calendar for the year (\d+)\b")
_NO_DAY = re.compile(r"there is no day (\S+) in the year (\d+)")


def uncountable_words(document: str, reason: str) -> Bilingual:
    """Say why the days of a duty cannot be counted by a document, and who does what about it."""
    if lacks := _NO_CALENDAR.search(reason):
        year = lacks[1]
        return Bilingual(
            f"chưa tính được hạn vì chưa có lịch làm việc năm {year}. Khi cơ quan có thẩm quyền công bố lịch đó, "
            "hạn được tính ngay.",
            f"its due date cannot be counted, since there is no calendar for {year}. It is counted as soon as that "
            "calendar is published.",
        )
    if impossible := _NO_DAY.search(reason):
        month, _, day = impossible[1].partition("-")
        return Bilingual(
            f"chưa tính được hạn vì văn bản {document} nêu ngày {day}/{month}, ngày này không có trong năm "
            f"{impossible[2]}. Cần hủy việc ban hành văn bản đó, rồi ban hành lại với ngày đúng.",
            f"its due date cannot be counted, since {document} names a day ({impossible[1]}) that {impossible[2]} does "
            "not have. Annul its adoption, then adopt it again with a day that exists.",
        )
    return Bilingual(
        f"chưa tính được hạn theo văn bản {document}; hãy báo người vận hành.",
        f"its due date cannot be counted by {document} ({reason}). Tell whoever operates this.",
    )
