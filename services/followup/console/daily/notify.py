"""*Thông báo và giấy mời*: the notice in its channels, and the invitations (plan II.4.1)."""

from collections.abc import Iterable
from typing import Any

from services.followup.console.command_forms import FormField
from services.followup.console.daily.task import DailyTask, Part, Situation, plain, without_empty
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.json_views import event_view
from shared.command_definitions import Translated

#: One text goes into every channel, and one to everybody who is invited.
_NOTICE, _INVITATION = (
    Translated("Tệp thông báo", "File of the notice"),
    Translated("Tệp giấy mời", "File of the invitation"),
)
_INVITED = ("organisations", "citizens", "invited")


def _fields(situation: Situation) -> Iterable[FormField]:
    yield situation.field("PublicNoticePublished.for_date")
    rows = (situation.field("PublicNoticePublished.channel"), situation.field("PublicNoticePublished.evidence"))
    yield plain("notices", "Thông báo đã đăng, phát", "Notices published", kind="group", is_list=True, fields=rows)
    yield situation.field("PublicNoticePublished.digest", name="notice", title=_NOTICE)
    for name in _INVITED:
        yield situation.field(f"InvitationsSent.{name}")
    yield situation.field("InvitationsSent.digest", name="invitation", title=_INVITATION)
    yield situation.field("InvitationsSent.effective_on")


def _given(situation: Situation) -> dict[str, str]:
    days = [event_view(event).data.get("first_day") for event in situation.file.events]
    first = next((str(day) for day in reversed(days) if day), "")
    return {"for_date": "/".join(reversed(first.split("-")))} if first else {}


def _parts(situation: Situation, filled: dict[str, Any]) -> list[Part]:
    same = without_empty({name: filled.get(name) for name in ("for_date", "effective_on")})
    conference = situation.target.named
    notice = without_empty({"digest": filled.get("notice")})
    notices = [
        Part(
            "PublicNoticePublished",
            row | same | notice,
            conference,
            {name: f"notices.{number}.{name}" for name in row} | {"digest": "notice"},
        )
        for number, row in enumerate(filled.get("notices", ()))
    ]
    invited = without_empty({name: filled.get(name) for name in _INVITED} | {"digest": filled.get("invitation")})
    return [
        *notices,
        *([Part("InvitationsSent", invited | same, conference, {"digest": "invitation"})] if invited else []),
    ]


NOTIFY = DailyTask(
    name="notify",
    act="notify-and-invite",
    title=Bilingual("Thông báo và giấy mời", "Notices and invitations"),
    subject="conference",
    offered=lambda possible: {"PublicNoticePublished", "InvitationsSent"} <= possible,
    states=frozenset({CaseState.PLANNED}),
    fields=_fields,
    given=_given,
    parts=_parts,
    covers=frozenset({"PublicNoticePublished", "InvitationsSent"}),
)
