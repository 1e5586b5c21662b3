"""The narrator of the story, who keeps the day, the ids that intake gave, and the listener."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from services.story.client import PairClient, Say, StoryAnswer, file_digest
from shared.identifiers import LOCAL_ZONE

BEGIN = datetime(2019, 6, 24, 8, 0, tzinfo=LOCAL_ZONE)
_WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật")


class Narrator:
    """Plays the chapters, one command after the other."""

    def __init__(self, pair: PairClient, say: Say) -> None:
        self.pair = pair
        self.say = say
        self.ids: dict[str, UUID] = {}
        self.today = BEGIN.date()

    def day(self, month: int, day: int, title: str, gloss: str, *, hour: int = 8, catch_up: bool = False) -> None:
        """Move to a day of 2019 and announce it; `catch_up` waits until followup has fired what was due before."""
        instant = datetime(2019, month, day, hour, tzinfo=LOCAL_ZONE)
        self.today = instant.date()
        self.pair.move_clock(instant)
        if catch_up and not self.pair.wait(datetime.combine(self.today, time(), LOCAL_ZONE)):
            self.say("  (bên theo dõi chưa bắt kịp · followup is still behind)")
        self.say(f"\n{_WEEKDAYS[instant.weekday()]} {instant:%d/%m/%Y} — {title}  · {gloss}")

    def tell(self, text: str, gloss: str = "") -> None:
        """Say one line of the story."""
        self.say(f"  {text}" + (f"  · {gloss}" if gloss else ""))

    def act(self, step: str, path: str, *, on: date | None = None, **body: Any) -> StoryAnswer:
        """Send one command, dated today unless `on` says otherwise."""
        return self.pair.act(step, path, on or self.today, **body)

    def petition(self, key: str, act: str, /, *, on: date | None = None, **body: Any) -> StoryAnswer:
        """Send one command about a petition of the story."""
        return self.act(f"{act}:{key}", f"/v1/petitions/{self.ids[key]}/{act}", on=on, **body)

    def conference(self, act: str, /, step: str = "", **body: Any) -> StoryAnswer:
        """Send one command about the conference of the story."""
        return self.act(f"conference:{act}:{step}", f"/v1/conferences/{self.ids['conference']}/{act}", **body)

    def reply(self, key: str, number: str, signatory: str, *, on: date | None = None, reported: bool = True) -> None:
        """Send a written reply, and its report to the three recipients on the same day unless `reported` is false."""
        day = on or self.today
        recipients = ("party_committee", "government", "chair") if reported else ()
        self.petition(
            key,
            "reply",
            on=day,
            number=number,
            signatory=signatory,
            digest=file_digest(f"reply {key} {number}"),
            reports=[{"recipient": recipient, "on": day.isoformat()} for recipient in recipients],
        )
