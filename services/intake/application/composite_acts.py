"""What officials do at once and record at once: which commands each such act may hold.

The state that a part leaves is folded from the facts of cases, so an act holds commands on petitions and conferences
alone; no annulment either, which names an event that has its id only once it is recorded.
"""

import msgspec

from shared.events import DatedEvent
from shared.events.any_stream import ReminderSent
from shared.events.conference import (
    ConclusionNoticeIssued,
    ConferenceClosed,
    InvitationsSent,
    PublicationStarted,
    PublicNoticePublished,
    SpeakerCalled,
    SpeakerRegistered,
)
from shared.events.petition import (
    AgencyResultReported,
    ExtensionGranted,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionForwarded,
    PetitionRaised,
    PetitionReceived,
    PetitionScheduled,
    ReplyReported,
    WrittenReplyIssued,
)
from shared.sentences import Sentence

MAX_PARTS = 500


class CompositeAct(msgspec.Struct, frozen=True):
    """A composite act: its name in addresses, what people call it, the events that its parts may ask for."""

    name: str
    title: Sentence
    events: tuple[type[DatedEvent], ...]

    @property
    def path(self) -> str:
        """Where it comes in."""
        return f"/v1/acts/{self.name}"

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that a part may give."""
        return tuple(event.TOPIC for event in self.events)


_ACTS = (
    CompositeAct(
        "record-slip",
        Sentence("Ghi phiếu đăng ký tại hội trường", "Record a slip at the door of the hall"),
        (PetitionReceived, PetitionClassified, PetitionScheduled, SpeakerRegistered),
    ),
    CompositeAct(
        "receive-and-classify",
        Sentence("Tiếp nhận và phân loại kiến nghị", "Receive and classify petitions"),
        (PetitionReceived, PetitionClassified),
    ),
    CompositeAct(
        "forward-for-preparation",
        Sentence("Chuyển các cơ quan chuẩn bị trả lời", "Forward petitions to agencies that prepare the answers"),
        (PetitionForwarded,),
    ),
    CompositeAct(
        "notify-and-invite",
        Sentence("Thông báo công khai và gửi giấy mời", "Publish the notice and send the invitations"),
        (PublicNoticePublished, InvitationsSent),
    ),
    CompositeAct(
        "conduct",
        Sentence("Điều hành hội nghị đối thoại", "Conduct the dialogue"),
        (SpeakerCalled, PetitionRaised, PetitionAnsweredAtConference, PetitionAssigned),
    ),
    CompositeAct(
        "conclude",
        Sentence("Bế mạc và thông báo kết luận", "Close the conference and issue its conclusions"),
        (ConferenceClosed, ConclusionNoticeIssued, PublicationStarted),
    ),
    CompositeAct(
        "reply-and-report",
        Sentence("Trả lời bằng văn bản và báo cáo", "Reply in writing and report"),
        (WrittenReplyIssued, ReplyReported, AgencyResultReported),
    ),
    CompositeAct("extend", Sentence("Gia hạn trả lời", "Extend replies"), (ExtensionGranted,)),
    CompositeAct("remind", Sentence("Đôn đốc", "Send reminders"), (ReminderSent,)),
)
#: The composite acts by their names.
COMPOSITE_ACTS: dict[str, CompositeAct] = {act.name: act for act in _ACTS}
