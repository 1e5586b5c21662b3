"""Which of several alike a duty is, as pages say it."""

from typing import Any

from services.followup.console.pages import _part
from services.followup.domain.wording.names import Bilingual

CONTEXT: Any = {"places": {"H35.10.43": "Xã Nà Tăm", "H35.10.1": "Thị trấn Tam Đường"}}


def test_commune__is_called_by_its_name_once() -> None:
    # The duty says "của xã" already.
    assert _part(CONTEXT, "commune_plan", "H35.10.43") == Bilingual("Nà Tăm", "Nà Tăm")
    assert _part(CONTEXT, "commune_plan", "H35.10.1") == Bilingual("Thị trấn Tam Đường", "Thị trấn Tam Đường")


def test_other_parts__stay_as_they_are() -> None:
    assert _part(CONTEXT, "commune_plan", "H35.10.99") == Bilingual("H35.10.99", "H35.10.99")
    assert _part(CONTEXT, "reply", "") is None
