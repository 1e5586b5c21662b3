"""The duties that the product knows: their names for people, and which words a rule on each may use. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from shared.policy.schema import Anchor, Channel, Form, Per, Recipient, Text, Trait

Subject = Literal["petition", "conference", "jurisdiction"]
#: A word of a rule that only some duties understand.
Word = Literal["variants", "extension", "pause", "channels", "recipients", "frequency"]

NOTICE: tuple[Form, ...] = ("minimum_notice", "undated")
DEADLINE: tuple[Form, ...] = ("deadline", "undated")


class DutyKind(msgspec.Struct, frozen=True, kw_only=True):
    """One duty: on what it is owed, how it may be counted (from the first anchor if the rule names none)."""

    title: Text
    subject: Subject
    forms: tuple[Form, ...] = DEADLINE
    anchors: tuple[Anchor, ...] = ()
    words: tuple[Word, ...] = ()


_BEFORE = DutyKind(title=Text(vi=""), subject="conference", forms=NOTICE, anchors=("conference_start",))


def _before(vi: str, en: str, *words: Word, subject: Subject = "conference") -> DutyKind:
    return msgspec.structs.replace(_BEFORE, title=Text(vi=vi, en=en), words=words, subject=subject)


def _after(vi: str, en: str, anchors: tuple[Anchor, ...], *words: Word, subject: Subject = "conference") -> DutyKind:
    return DutyKind(title=Text(vi=vi, en=en), subject=subject, anchors=anchors, words=words)


def _repeated(vi: str, en: str) -> DutyKind:
    return DutyKind(title=Text(vi=vi, en=en), subject="jurisdiction", forms=("frequency",), words=("frequency",))


DUTY_KINDS: Mapping[str, DutyKind] = MappingProxyType(
    {
        "invitation": _before("Gửi giấy mời", "Invitations"),
        "public_notice": _before("Thông báo công khai", "Public notice", "channels"),
        "preparation_report": _before("Báo cáo công tác chuẩn bị với người chủ trì", "Preparation report to the chair"),
        "prepared_answer": _before("Chuẩn bị nội dung trả lời", "Prepared answer", subject="petition"),
        "preparation_task": _before("Nhiệm vụ chuẩn bị hội nghị", "Preparation task"),
        "internal_review": _after(
            "Đánh giá, rút kinh nghiệm nội bộ", "Internal review", ("conference_end",), "variants"
        ),
        "conclusion_notice": _after(
            "Thông báo kết luận", "Conclusion notice", ("conference_end", "publication_end", "fixed_date"), "variants"
        ),
        "result_publication": _after(
            "Công khai kết quả đối thoại",
            "Results published",
            ("conference_end", "conclusion", "decision", "publication_end"),
            "variants",
            "channels",
        ),
        "posting": DutyKind(
            title=Text(vi="Niêm yết đủ thời gian", en="Kept posted for the whole time"),
            subject="conference",
            forms=("minimum_duration",),
            anchors=("publication_start",),
            words=("channels",),
        ),
        "reply": _after(
            "Trả lời kiến nghị bằng văn bản",
            "Written reply",
            ("conference_end", "receipt", "acceptance", "assignment", "conclusion"),
            "variants",
            "extension",
            "pause",
            subject="petition",
        ),
        "reply_report": _after(
            "Báo cáo việc đã trả lời", "Report of the reply", ("reply",), "recipients", subject="petition"
        ),
        "result_report": _after(
            "Báo cáo kết quả giải quyết",
            "Report of the result",
            ("assignment", "conference_end", "conclusion", "reply", "fixed_date"),
            subject="petition",
        ),
        "higher_answer": _after(
            "Chuyển trả lời của cấp trên", "Answer of the higher authority", ("escalation",), subject="petition"
        ),
        "acceptance_notice": _after(
            "Thông báo thụ lý", "Notice of acceptance or refusal", ("receipt",), "variants", subject="petition"
        ),
        "forwarder_report": _after(
            "Báo lại cơ quan chuyển đơn", "Forwarding body informed", ("settlement",), subject="petition"
        ),
        "result_notice": _after(
            "Thông báo kết quả cho công dân",
            "Petitioner told of the result",
            ("body_notice", "settlement"),
            subject="petition",
        ),
        "annual_dialogue": _repeated("Đối thoại định kỳ trong năm", "Periodic dialogue of the year"),
        "reception_day": _repeated("Ngày tiếp công dân", "Reception day"),
        "proposal_decision": _after(
            "Quyết định về đề xuất đối thoại", "Decision on a proposed conference", ("proposal", "request")
        ),
        "convene": _after(
            "Tổ chức hội nghị đã được chấp thuận", "Holding the accepted conference", ("decision", "request")
        ),
        "commune_plan": _after(
            "Ban hành kế hoạch đối thoại của xã", "Plan of a commune", ("plan", "fixed_date"), subject="jurisdiction"
        ),
    }
)

DUTIES = tuple(DUTY_KINDS)

ANCHOR_TITLES: Mapping[Anchor, Text] = MappingProxyType(
    {
        "conference_start": Text(vi="ngày tổ chức hội nghị", en="the first day of the conference"),
        "conference_end": Text(vi="ngày kết thúc hội nghị", en="the last day of the conference"),
        "receipt": Text(vi="ngày tiếp nhận kiến nghị", en="the receipt of the petition"),
        "acceptance": Text(vi="ngày thụ lý", en="the acceptance"),
        "assignment": Text(vi="ngày phân công", en="the assignment"),
        "conclusion": Text(vi="ngày ra thông báo kết luận", en="the conclusion notice"),
        "reply": Text(vi="ngày trả lời", en="the reply"),
        "settlement": Text(vi="ngày có kết quả giải quyết", en="the settlement"),
        "body_notice": Text(vi="ngày nhận thông báo của cơ quan giải quyết", en="the settling body's notice"),
        "escalation": Text(vi="ngày trình cấp trên", en="the escalation"),
        "proposal": Text(vi="ngày nhận đề nghị", en="the proposal or request"),
        "request": Text(vi="ngày nhận yêu cầu đối thoại", en="the receipt of the request"),
        "decision": Text(vi="ngày quyết định", en="the decision"),
        "publication_start": Text(vi="ngày bắt đầu niêm yết", en="the start of the publication"),
        "publication_end": Text(vi="ngày kết thúc niêm yết", en="the end of the publication"),
        "plan": Text(vi="ngày ban hành kế hoạch", en="the plan's date"),
        "fixed_date": Text(vi="ngày ấn định", en="a fixed date"),
    }
)

TRAIT_TITLES: Mapping[Trait, Text] = MappingProxyType(
    {
        "complex": Text(vi="vụ việc phức tạp", en="complex case"),
        "very_complex": Text(vi="vụ việc đặc biệt phức tạp", en="very complex case"),
        "several_fields": Text(vi="liên quan nhiều lĩnh vực", en="several fields"),
        "remote": Text(vi="vùng sâu, vùng xa", en="remote area"),
        "online": Text(vi="tiếp nhận trực tuyến", en="received online"),
    }
)

CHANNEL_TITLES: Mapping[Channel, Text] = MappingProxyType(
    {
        "media": Text(vi="phương tiện thông tin đại chúng", en="mass media"),
        "portal": Text(vi="cổng, trang thông tin điện tử", en="portal or website"),
        "posting": Text(vi="niêm yết tại trụ sở", en="posted at the office"),
        "venue": Text(vi="niêm yết tại nơi tổ chức", en="posted at the venue"),
        "loudspeaker": Text(vi="loa truyền thanh", en="loudspeaker"),
        "village_heads": Text(vi="gửi trưởng thôn, tổ trưởng tổ dân phố", en="sent to the village heads"),
    }
)

RECIPIENT_TITLES: Mapping[Recipient, Text] = MappingProxyType(
    {
        "party_committee": Text(vi="cấp ủy", en="party committee"),
        "government": Text(vi="chính quyền cùng cấp", en="government of the level"),
        "chair": Text(vi="người chủ trì", en="chair"),
        "superior": Text(vi="cấp trên trực tiếp", en="superior authority"),
        "fatherland_front": Text(vi="Mặt trận Tổ quốc", en="Fatherland Front"),
        "peoples_council": Text(vi="Hội đồng nhân dân", en="People's Council"),
    }
)

PERIOD_TITLES: Mapping[Per, Text] = MappingProxyType(
    {
        "year": Text(vi="năm", en="year"),
        "half_year": Text(vi="nửa năm", en="half-year"),
        "quarter": Text(vi="quý", en="quarter"),
        "month": Text(vi="tháng", en="month"),
        "week": Text(vi="tuần", en="week"),
    }
)
