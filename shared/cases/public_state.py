"""How a petition stands, in the words that systems outside are told: one word, and what Open311 calls it.

Pure, of the petition's own facts alone, so that whoever has its events comes to the same word.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from shared.cases.facts import F, standing
from shared.cases.reply_clock import answered
from shared.cases.rounds import ENDINGS, Ending, ReplyCase, fold_reply_case
from shared.events import Event
from shared.events.petition import (
    ClockResumed,
    ClockSuspended,
    HigherAuthorityAnswered,
    PetitionEscalated,
    PetitionForwarded,
    PetitionScheduled,
)
from shared.sentences import Sentence


class PublicState(enum.StrEnum):
    """How a petition stands."""

    #: It was recorded, and nothing that a later word names has happened.
    RECEIVED = "received"
    #: The petitioner was told that it is taken up.
    ACCEPTED = "accepted"
    #: An agency prepares the answer for a conference.
    FORWARDED = "forwarded"
    #: It is on the agenda of a conference.
    SCHEDULED = "scheduled"
    #: It was raised at a conference.
    RAISED = "raised"
    #: An agency owes the reply.
    ASSIGNED = "assigned"
    #: More time was granted for the reply.
    EXTENDED = "extended"
    #: The higher authority has it, and has not answered.
    ESCALATED = "escalated"
    #: The clock of the reply stands still.
    SUSPENDED = "suspended"
    #: Each of its petitioners has a written reply; the case is still open.
    REPLIED = "replied"
    #: It ended with an answer: in writing, or at a conference.
    RESOLVED = "resolved"
    #: It ended without an answer, on a ground that the office stated.
    CLOSED = "closed"
    #: It was not taken up.
    REFUSED = "refused"
    #: The petitioner took it back.
    WITHDRAWN = "withdrawn"
    #: It goes on in another petition.
    MERGED = "merged"
    #: It belongs to another procedure.
    REDIRECTED = "redirected"
    #: It should not have been recorded.
    ANNULLED = "annulled"


class Open311(NamedTuple):
    """The same as Open311 GeoReport v2 writes it: its two statuses, and what `service_notice` says."""

    status: Literal["open", "closed"]
    service_notice: Sentence


_ENDED: Mapping[Ending, PublicState] = {
    "answered": PublicState.RESOLVED,
    "closed": PublicState.CLOSED,
    "refused": PublicState.REFUSED,
    "withdrawn": PublicState.WITHDRAWN,
    "merged": PublicState.MERGED,
    "redirected": PublicState.REDIRECTED,
}
#: The states of a case that has ended. It may be opened again, but for `merged` and `annulled`.
ENDED = frozenset({*_ENDED.values(), PublicState.ANNULLED})

STATE_NAMES: Mapping[PublicState, Sentence] = {
    PublicState.RECEIVED: Sentence("Đã tiếp nhận", "Received"),
    PublicState.ACCEPTED: Sentence("Đã thụ lý", "Taken up"),
    PublicState.FORWARDED: Sentence("Đã chuyển cơ quan chuẩn bị trả lời", "With an agency that prepares the answer"),
    PublicState.SCHEDULED: Sentence("Đã đưa vào chương trình đối thoại", "On the agenda of a dialogue conference"),
    PublicState.RAISED: Sentence("Đã nêu tại hội nghị đối thoại", "Raised at a dialogue conference"),
    PublicState.ASSIGNED: Sentence("Đã giao cơ quan giải quyết", "With the agency that owes the reply"),
    PublicState.EXTENDED: Sentence("Đã gia hạn trả lời", "The time for the reply was extended"),
    PublicState.ESCALATED: Sentence("Đã trình cấp trên", "Submitted to the higher authority"),
    PublicState.SUSPENDED: Sentence("Tạm dừng tính thời hạn", "The time for the reply stands still"),
    PublicState.REPLIED: Sentence("Đã trả lời bằng văn bản", "Answered in writing"),
    PublicState.RESOLVED: Sentence("Đã giải quyết xong", "Resolved"),
    PublicState.CLOSED: Sentence("Đã kết thúc, không có văn bản trả lời", "Closed without a reply"),
    PublicState.REFUSED: Sentence("Không thụ lý", "Not taken up"),
    PublicState.WITHDRAWN: Sentence("Người dân đã rút", "Withdrawn by the petitioner"),
    PublicState.MERGED: Sentence("Đã gộp vào kiến nghị khác", "Merged into another petition"),
    PublicState.REDIRECTED: Sentence("Đã chuyển sang thủ tục khác", "Redirected to another procedure"),
    PublicState.ANNULLED: Sentence("Bản ghi đã bị hủy bỏ", "The record was annulled"),
}


def open311_of(state: PublicState) -> Open311:
    """What Open311 calls a state: closed once the case has ended, so a reply alone does not close it."""
    return Open311("closed" if state in ENDED else "open", STATE_NAMES[state])


def public_state(facts: Iterable[F]) -> PublicState:
    """The state of a petition after these facts, in the order recorded; `annulled` where no receipt stands.

    Of several words that are true of an open case the latest step is told: see the order of the enum.
    """
    known = standing(facts)
    case = fold_reply_case(known)
    if case is None:
        return PublicState.ANNULLED
    if (end := case.round.end) is not None:
        ended = _ENDED[ENDINGS[type(end.event)]]
        is_answered = ended is PublicState.CLOSED and any(each.replies for each in case.rounds)
        return PublicState.RESOLVED if is_answered else ended
    return _open_state(case, known)


def _open_state(case: ReplyCase[F], known: list[F]) -> PublicState:
    round_ = case.round
    if round_.replies and answered(case, round_, ()) is not None:
        return PublicState.REPLIED
    if isinstance(_last(round_.steps, ClockSuspended, ClockResumed), ClockSuspended):
        return PublicState.SUSPENDED
    begun = round_.reopened.position if round_.reopened is not None else 0
    of_round = [fact for fact in known if fact.position > begun]
    if isinstance(_last(of_round, PetitionEscalated, HigherAuthorityAnswered), PetitionEscalated):
        return PublicState.ESCALATED
    if round_.extensions:
        return PublicState.EXTENDED
    # Who has the case, and where it was raised, stays true when it is opened again.
    if case.assigned:
        return PublicState.ASSIGNED
    if case.raised:
        return PublicState.RAISED
    kinds = {type(fact.event) for fact in known}
    if PetitionScheduled in kinds:
        return PublicState.SCHEDULED
    if PetitionForwarded in kinds:
        return PublicState.FORWARDED
    return PublicState.ACCEPTED if any(each.accepted for each in case.rounds) else PublicState.RECEIVED


def _last(facts: Iterable[F], *kinds: type[Event]) -> Event | None:
    """The last event of some kinds, in the order recorded."""
    found = [fact.event for fact in facts if isinstance(fact.event, kinds)]
    return found[-1] if found else None
