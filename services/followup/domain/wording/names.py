"""The names that people read: duties, bodies, states, events, grounds; Vietnamese and English side by side. Pure."""

from collections.abc import Mapping
from itertools import chain, combinations
from typing import ClassVar

import msgspec

from shared.events.field_titles import CHOICE_TITLES
from shared.events.titles import EVENT_TITLES
from shared.policy.duties import DUTY_KINDS, TRAIT_TITLES


class Bilingual(msgspec.Struct, frozen=True):
    """One thing said in both languages."""

    # Clients of the OpenAPI document know it by this name.
    __qualname__ = "Words"
    __schema_name__: ClassVar[str] = "Words"

    vi: str
    en: str


def _duty_table() -> dict[str, Bilingual]:
    """Every duty, and each with the traits that may have a limit of their own (`reply_complex`)."""
    found = {}
    for name, kind in DUTY_KINDS.items():
        found[name] = Bilingual(kind.title.vi, kind.title.en)
        several = [combinations(sorted(TRAIT_TITLES), n) for n in (1, 2)] if "variants" in kind.words else []
        for traits in chain.from_iterable(several):
            vi, en = (", ".join(getattr(TRAIT_TITLES[trait], lang) for trait in traits) for lang in ("vi", "en"))
            found["_".join((name, *traits))] = Bilingual(f"{kind.title.vi} ({vi})", f"{kind.title.en} ({en})")
    return found


_DUTIES = _duty_table()
_BODIES = {
    "office": Bilingual("Văn phòng HĐND-UBND", "the office"),
    "chair": Bilingual("Người chủ trì", "the chair"),
    "unassigned": Bilingual("Chưa phân công", "not assigned"),
}
_STATES: dict[str, dict[str, Bilingual]] = {
    "petition": {
        "no_clock": Bilingual("Chưa có thời hạn", "no clock yet"),
        "raised": Bilingual("Chờ phân công", "to be assigned"),
        "assigned": Bilingual("Đang giải quyết", "assigned"),
        "escalated": Bilingual("Đã trình cấp trên", "escalated"),
        "replied": Bilingual("Đã trả lời, chờ kết quả", "replied, result awaited"),
        "resolved": Bilingual("Đã giải quyết", "resolved"),
        "answered": Bilingual("Đã trả lời tại hội nghị", "answered at the conference"),
        "withdrawn": Bilingual("Đã rút", "withdrawn"),
        "redirected": Bilingual("Đã hướng dẫn sang thủ tục khác", "redirected"),
        "merged": Bilingual("Đã gộp", "merged"),
        "closed": Bilingual("Đã kết thúc", "closed"),
        "refused": Bilingual("Từ chối thụ lý", "not taken up"),
    },
    "conference": {
        "proposed": Bilingual("Được đề xuất", "proposed"),
        "planned": Bilingual("Đã lên kế hoạch", "planned"),
        "open": Bilingual("Đang diễn ra", "open"),
        "held": Bilingual("Đã tổ chức", "held"),
        "cancelled": Bilingual("Đã hủy", "cancelled"),
    },
    "jurisdiction": {
        "bound": Bilingual("Phải tổ chức đối thoại", "bound to hold dialogues"),
        "closed": Bilingual("Đã kết thúc hoạt động", "abolished"),
    },
}
_SUBJECTS = {
    "petition": Bilingual("Kiến nghị", "Petition"),
    "conference": Bilingual("Hội nghị", "Conference"),
    "jurisdiction": Bilingual("Địa bàn", "Jurisdiction"),
}
_PROPOSALS = {
    None: Bilingual("Được đề xuất, chờ quyết định", "proposed, to be decided"),
    True: Bilingual("Đã chấp thuận, chờ lên kế hoạch", "accepted, to be planned"),
    False: Bilingual("Không được chấp thuận", "declined"),
}
_DECISIONS = {
    "classify": Bilingual("Chờ phân loại", "to be classified"),
    "schedule": Bilingual("Chờ đưa vào hội nghị", "to be put on a conference"),
    "assign": Bilingual("Chờ phân công", "to be assigned"),
    "decide": Bilingual("Chờ quyết định đề xuất đối thoại", "proposed dialogue, to be decided"),
    "plan": Bilingual("Đã chấp thuận đối thoại, chờ lên kế hoạch", "dialogue accepted, to be planned"),
}
_STATUSES = {
    "on_track": Bilingual("Trong hạn", "on track"),
    "due_soon": Bilingual("Sắp đến hạn", "due soon"),
    "breached": Bilingual("Quá hạn", "overdue"),
    "met": Bilingual("Đúng hạn", "met"),
    "met_late": Bilingual("Hoàn thành trễ hạn", "met late"),
    "waived": Bilingual("Không còn phải thực hiện", "waived"),
}
_GROUNDS = {
    "answered_at_conference": Bilingual("đã trả lời tại hội nghị", "answered at the conference"),
    "merged": Bilingual("đã gộp vào kiến nghị khác", "merged into another petition"),
    "withdrawn": Bilingual("đã rút kiến nghị", "withdrawn"),
    "redirected": Bilingual("đã hướng dẫn sang thủ tục khác", "redirected"),
    "closed": Bilingual("đã kết thúc", "closed"),
    "cancelled": Bilingual("hội nghị bị hủy", "the conference was cancelled"),
    "rescheduled": Bilingual("hội nghị được dời ngày", "the conference was rescheduled"),
    "refused": Bilingual("đã từ chối thụ lý", "the matter was not taken up"),
    "declined": Bilingual("đề nghị không được chấp thuận", "the request was declined"),
    "posted_anew": Bilingual("đã niêm yết lại", "posted anew"),
    "waived_by_decision": Bilingual("được miễn theo quyết định", "waived by a decision"),
    "jurisdiction_closed": Bilingual("địa bàn kết thúc hoạt động", "the jurisdiction was abolished"),
    "start_annulled": Bilingual("bản ghi làm phát sinh thời hạn đã bị hủy", "the record that started it was annulled"),
    "no_longer_owed": Bilingual(
        "theo dữ liệu hiện có thì không còn phải thực hiện", "by what is known now it is not owed"
    ),
}
_REASONS = {
    "backdated_record": Bilingual("văn bản đề ngày còn trong hạn, vào sổ muộn", "done in time, recorded late"),
    "extension": Bilingual("đã được gia hạn khi còn trong hạn", "extended in time"),
    "complex": Bilingual("được xác định là vụ việc phức tạp khi còn trong hạn", "found to be complex in time"),
    "calendar": Bilingual("lịch làm việc được công bố lại", "the calendar was published anew"),
    "policy": Bilingual("quy định về thời hạn thay đổi", "the rules changed"),
    "annulment": Bilingual("bản ghi sai đã bị hủy", "a wrong record was annulled"),
    "rescheduled": Bilingual("hội nghị được dời ngày", "the conference was rescheduled"),
    "corrected": Bilingual("nội dung tiếp nhận được đính chính", "what was received was corrected"),
    "suspended": Bilingual("thời hạn được tạm đình chỉ khi còn trong hạn", "the clock was suspended in time"),
}
_CHANNELS = {
    "media": Bilingual("trên phương tiện thông tin đại chúng", "in the media"),
    "portal": Bilingual("trên cổng thông tin điện tử", "on the portal"),
}
_URGENCIES = {value: Bilingual(title.vi, title.en) for value, title in CHOICE_TITLES["urgency"].items()}
_NAMED_PARTS = ("preparation_task", "annual_dialogue", "commune_plan")  # a task, a year, a commune
_EVENTS = {topic: Bilingual(title.vi, title.en) for topic, title in EVENT_TITLES.items()}


def duty_words(rule: str) -> Bilingual:
    """A duty, or the rule under which it is counted (`reply_complex`)."""
    return _found(_DUTIES, rule)


def part_words(duty: str, part: str) -> Bilingual | None:
    """Which of several alike a duty is, where that is something to say to a person."""
    if duty == "public_notice":
        return _found(_CHANNELS, part)
    return Bilingual(part, part) if duty in _NAMED_PARTS and part else None


def body_words(code: str) -> Bilingual:
    """A body that has no code of its own; any other code stays as it is."""
    return _found(_BODIES, code)


def state_words(subject: str, state: str) -> Bilingual:
    """The state of a case."""
    return _found(_STATES.get(subject, {}), state)


def proposal_words(accepted: bool | None) -> Bilingual:
    """How far a dialogue that was asked for has come while nothing is planned."""
    return _PROPOSALS[accepted]


def decision_words(decision: str) -> Bilingual:
    """What a petition waits for, or a dialogue that was asked for."""
    return _found(_DECISIONS, decision)


def subject_words(subject: str) -> Bilingual:
    """What a case is about."""
    return _found(_SUBJECTS, subject)


def status_words(status: str) -> Bilingual:
    """How a deadline stands."""
    return _found(_STATUSES, status)


def ground_words(ground: str) -> Bilingual:
    """Why a duty is owed no more."""
    return _found(_GROUNDS, ground)


def reason_words(reason: str) -> Bilingual:
    """Why a breach was none."""
    return _found(_REASONS, reason)


def urgency_words(urgency: str) -> Bilingual:
    """How pressing a petition is."""
    return _found(_URGENCIES, urgency)


def event_words(topic: str) -> Bilingual:
    """A recorded event."""
    return _found(_EVENTS, topic)


def _found(table: Mapping[str, Bilingual], name: str) -> Bilingual:
    # What a later release or a policy brings is shown by its own name rather than not at all.
    return table.get(name) or Bilingual(name, name)
