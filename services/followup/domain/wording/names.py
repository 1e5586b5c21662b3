"""The names that people read: duties, bodies, states, events, grounds; Vietnamese and English side by side. Pure."""

from collections.abc import Mapping
from itertools import chain, combinations

import msgspec

from shared.policy.duties import DUTY_KINDS, TRAIT_TITLES


class Words(msgspec.Struct, frozen=True):
    """One thing said in both languages."""

    vi: str
    en: str


def _duty_table() -> dict[str, Words]:
    """Every duty, and each with the traits that may have a limit of their own (`reply_complex`)."""
    found = {}
    for name, kind in DUTY_KINDS.items():
        found[name] = Words(kind.title.vi, kind.title.en)
        several = [combinations(sorted(TRAIT_TITLES), n) for n in (1, 2)] if "variants" in kind.words else []
        for traits in chain.from_iterable(several):
            vi, en = (", ".join(getattr(TRAIT_TITLES[trait], lang) for trait in traits) for lang in ("vi", "en"))
            found["_".join((name, *traits))] = Words(f"{kind.title.vi} ({vi})", f"{kind.title.en} ({en})")
    return found


_DUTIES = _duty_table()
_BODIES = {
    "office": Words("Văn phòng HĐND-UBND", "the office"),
    "chair": Words("Người chủ trì", "the chair"),
    "unassigned": Words("Chưa phân công", "not assigned"),
}
_STATES: dict[str, dict[str, Words]] = {
    "petition": {
        "no_clock": Words("Chưa có thời hạn", "no clock yet"),
        "raised": Words("Đã nêu tại hội nghị", "raised"),
        "assigned": Words("Đang giải quyết", "assigned"),
        "escalated": Words("Đã trình cấp trên", "escalated"),
        "replied": Words("Đã trả lời, chờ kết quả", "replied, result awaited"),
        "resolved": Words("Đã giải quyết", "resolved"),
        "answered": Words("Đã trả lời tại hội nghị", "answered at the conference"),
        "withdrawn": Words("Đã rút", "withdrawn"),
        "redirected": Words("Đã hướng dẫn sang thủ tục khác", "redirected"),
        "merged": Words("Đã nhập chung", "merged"),
        "closed": Words("Đã kết thúc", "closed"),
        "refused": Words("Từ chối thụ lý", "not taken up"),
    },
    "conference": {
        "proposed": Words("Được đề xuất", "proposed"),
        "planned": Words("Đã lên kế hoạch", "planned"),
        "open": Words("Đang diễn ra", "open"),
        "held": Words("Đã tổ chức", "held"),
        "cancelled": Words("Đã hủy", "cancelled"),
    },
    "jurisdiction": {
        "bound": Words("Phải tổ chức đối thoại", "bound to hold dialogues"),
        "closed": Words("Đã kết thúc hoạt động", "abolished"),
    },
}
_SUBJECTS = {
    "petition": Words("Kiến nghị", "Petition"),
    "conference": Words("Hội nghị", "Conference"),
    "jurisdiction": Words("Địa bàn", "Jurisdiction"),
}
_STATUSES = {
    "on_track": Words("Trong hạn", "on track"),
    "due_soon": Words("Sắp đến hạn", "due soon"),
    "breached": Words("Quá hạn", "overdue"),
    "met": Words("Đúng hạn", "met"),
    "met_late": Words("Hoàn thành trễ hạn", "met late"),
    "waived": Words("Không còn phải thực hiện", "waived"),
}
_GROUNDS = {
    "answered_at_conference": Words("đã trả lời tại hội nghị", "answered at the conference"),
    "merged": Words("đã nhập vào kiến nghị khác", "merged into another petition"),
    "withdrawn": Words("đã rút kiến nghị", "withdrawn"),
    "redirected": Words("đã hướng dẫn sang thủ tục khác", "redirected"),
    "closed": Words("đã kết thúc", "closed"),
    "cancelled": Words("hội nghị bị hủy", "the conference was cancelled"),
    "rescheduled": Words("hội nghị được dời ngày", "the conference was rescheduled"),
    "refused": Words("đã từ chối thụ lý", "the matter was not taken up"),
    "declined": Words("đề nghị không được chấp thuận", "the request was declined"),
    "posted_anew": Words("đã niêm yết lại", "posted anew"),
    "waived_by_decision": Words("được miễn theo quyết định", "waived by a decision"),
    "jurisdiction_closed": Words("địa bàn kết thúc hoạt động", "the jurisdiction was abolished"),
    "start_annulled": Words("bản ghi làm phát sinh thời hạn đã bị hủy", "the record that started it was annulled"),
}
_CHANNELS = {
    "media": Words("trên phương tiện thông tin đại chúng", "in the media"),
    "portal": Words("trên cổng thông tin điện tử", "on the portal"),
}
_NAMED_PARTS = ("preparation_task", "annual_dialogue", "commune_plan")  # a task, a year, a commune
_EVENTS = {
    "JurisdictionRegistered": Words("Đăng ký địa bàn", "Jurisdiction registered"),
    "JurisdictionClosed": Words("Địa bàn kết thúc hoạt động", "Jurisdiction closed"),
    "ReceptionDayHeld": Words("Tiếp công dân", "Reception day held"),
    "FrequencyDutyWaived": Words("Miễn việc định kỳ", "Periodic duty waived"),
    "AgencyRegistered": Words("Đăng ký cơ quan", "Agency registered"),
    "AgencyClosed": Words("Cơ quan kết thúc hoạt động", "Agency closed"),
    "PolicyAdopted": Words("Ban hành quy định về thời hạn", "Policy adopted"),
    "CalendarProposed": Words("Đề xuất lịch làm việc", "Calendar proposed"),
    "CalendarPublished": Words("Công bố lịch làm việc", "Calendar published"),
    "DialoguePlanAdopted": Words("Ban hành kế hoạch đối thoại", "Dialogue plan adopted"),
    "ConferenceProposed": Words("Đề xuất tổ chức đối thoại", "Conference proposed"),
    "ConferenceProposalDecided": Words("Quyết định về đề xuất đối thoại", "Proposal decided"),
    "DialogueRequested": Words("Yêu cầu đối thoại", "Dialogue requested"),
    "RequestAnswered": Words("Trả lời yêu cầu đối thoại", "Request answered"),
    "ConferencePlanned": Words("Lên kế hoạch hội nghị", "Conference planned"),
    "ConferenceRescheduled": Words("Dời ngày hội nghị", "Conference rescheduled"),
    "ConferenceCancelled": Words("Hủy hội nghị", "Conference cancelled"),
    "PreparationTaskAssigned": Words("Giao nhiệm vụ chuẩn bị", "Preparation task assigned"),
    "PreparationTaskDone": Words("Hoàn thành nhiệm vụ chuẩn bị", "Preparation task done"),
    "PreparationReported": Words("Báo cáo công tác chuẩn bị", "Preparation reported"),
    "PublicNoticePublished": Words("Thông báo công khai", "Public notice published"),
    "InvitationsSent": Words("Gửi giấy mời", "Invitations sent"),
    "ConferenceOpened": Words("Khai mạc hội nghị", "Conference opened"),
    "AttendanceRecorded": Words("Ghi nhận thành phần tham dự", "Attendance recorded"),
    "SecretaryAppointed": Words("Cử thư ký", "Secretary appointed"),
    "SpeakerRegistered": Words("Đăng ký phát biểu", "Speaker registered"),
    "SpeakerCalled": Words("Mời phát biểu", "Speaker called"),
    "MinutesAdopted": Words("Thông qua biên bản", "Minutes adopted"),
    "ConferenceClosed": Words("Kết thúc hội nghị", "Conference closed"),
    "InternalReviewHeld": Words("Đánh giá, rút kinh nghiệm nội bộ", "Internal review held"),
    "ComplexityDetermined": Words("Xác định mức độ phức tạp", "Complexity determined"),
    "PublicationStarted": Words("Bắt đầu công khai, niêm yết", "Publication started"),
    "PublicationEnded": Words("Kết thúc công khai, niêm yết", "Publication ended"),
    "ConclusionNoticeIssued": Words("Thông báo kết luận", "Conclusion notice issued"),
    "PetitionReceived": Words("Tiếp nhận kiến nghị", "Petition received"),
    "PetitionClassified": Words("Phân loại kiến nghị", "Petition classified"),
    "AcceptanceNoticeSent": Words("Thông báo thụ lý", "Notice of acceptance sent"),
    "RefusalNoticeSent": Words("Thông báo không thụ lý", "Notice of refusal sent"),
    "PetitionForwarded": Words("Chuyển cơ quan chuẩn bị trả lời", "Petition forwarded"),
    "AnswerPrepared": Words("Cơ quan gửi nội dung trả lời", "Answer prepared"),
    "PetitionScheduled": Words("Đưa vào chương trình hội nghị", "Petition scheduled"),
    "PetitionRaised": Words("Nêu tại hội nghị", "Petition raised"),
    "PetitionAnsweredAtConference": Words("Trả lời tại hội nghị", "Answered at the conference"),
    "PetitionAssigned": Words("Phân công giải quyết", "Petition assigned"),
    "PetitionReassigned": Words("Phân công lại", "Petition reassigned"),
    "PetitionMarkedComplex": Words("Xác định là vụ việc phức tạp", "Marked complex"),
    "ClockSuspended": Words("Tạm đình chỉ thời hạn", "Clock suspended"),
    "ClockResumed": Words("Tiếp tục tính thời hạn", "Clock resumed"),
    "ExtensionGranted": Words("Gia hạn", "Extension granted"),
    "EscalationProposed": Words("Đề nghị trình cấp trên", "Escalation proposed"),
    "PetitionEscalated": Words("Trình cấp trên", "Petition escalated"),
    "HigherAuthorityAnswered": Words("Cấp trên trả lời", "Higher authority answered"),
    "WrittenReplyIssued": Words("Ban hành văn bản trả lời", "Written reply issued"),
    "ReplyReported": Words("Báo cáo việc đã trả lời", "Reply reported"),
    "AgencyResultReported": Words("Báo cáo kết quả giải quyết", "Result reported"),
    "ForwarderInformed": Words("Báo lại cơ quan chuyển đơn", "Forwarding body informed"),
    "PetitionClosed": Words("Kết thúc vụ việc", "Petition closed"),
    "PetitionReopened": Words("Mở lại vụ việc", "Petition reopened"),
    "PetitionWithdrawn": Words("Rút kiến nghị", "Petition withdrawn"),
    "PetitionMerged": Words("Nhập kiến nghị", "Petition merged"),
    "PetitionRedirected": Words("Hướng dẫn sang thủ tục khác", "Petition redirected"),
    "PersonalDataErased": Words("Xóa dữ liệu cá nhân", "Personal data erased"),
    "ReminderSent": Words("Đôn đốc", "Reminder sent"),
    "RecordAnnulled": Words("Hủy bản ghi sai", "Record annulled"),
    "DeadlineSet": Words("Ấn định thời hạn", "Deadline set"),
    "DeadlineMoved": Words("Thay đổi thời hạn", "Deadline moved"),
    "DeadlineDueSoon": Words("Sắp đến hạn", "Due soon"),
    "DeadlineBreached": Words("Quá hạn", "Deadline breached"),
    "DeadlineMet": Words("Hoàn thành đúng hạn", "Deadline met"),
    "DeadlineMetLate": Words("Hoàn thành trễ hạn", "Deadline met late"),
    "DeadlineBreachRetracted": Words("Rút lại việc quá hạn", "Breach retracted"),
    "DeadlineWaived": Words("Không còn phải thực hiện", "Deadline waived"),
    "DeadlineReinstated": Words("Phải thực hiện trở lại", "Deadline reinstated"),
}


def duty_words(rule: str) -> Words:
    """A duty, or the rule under which it is counted (`reply_complex`)."""
    return _found(_DUTIES, rule)


def part_words(duty: str, part: str) -> Words | None:
    """Which of several alike a duty is, where that is something to say to a person."""
    if duty == "public_notice":
        return _found(_CHANNELS, part)
    return Words(part, part) if duty in _NAMED_PARTS and part else None


def body_words(code: str) -> Words:
    """A body that has no code of its own; any other code stays as it is."""
    return _found(_BODIES, code)


def state_words(subject: str, state: str) -> Words:
    """The state of a case."""
    return _found(_STATES.get(subject, {}), state)


def subject_words(subject: str) -> Words:
    """What a case is about."""
    return _found(_SUBJECTS, subject)


def status_words(status: str) -> Words:
    """How a deadline stands."""
    return _found(_STATUSES, status)


def ground_words(ground: str) -> Words:
    """Why a duty is owed no more."""
    return _found(_GROUNDS, ground)


def event_words(topic: str) -> Words:
    """A recorded event."""
    return _found(_EVENTS, topic)


def _found(table: Mapping[str, Words], name: str) -> Words:
    # What a later release or a policy brings is shown by its own name rather than not at all.
    return table.get(name) or Words(name, name)
