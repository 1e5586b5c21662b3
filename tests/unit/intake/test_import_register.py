"""A row of a register as the events of a case, decided by the domain on the plan's own conference."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.intake.application.importing.bodies import Bodies
from services.intake.application.importing.headings import Columns, FileMapping
from services.intake.application.importing.refusals import RowRefused
from services.intake.application.importing.register import NOT_RECORDED, events_of
from services.intake.application.importing.values import as_text, register_row
from services.intake.domain import Conference, Petition, Refused
from services.intake.domain.field_checks import checked
from shared.events import DatedEvent
from tests.unit.intake.plan import COMMUNE, DISTRICT, EDUCATION, HEALTH, HELD, C, Register

PLAIN = FileMapping()
BASIS = {"Ngày tiếp": "01/07/2019", "Nội dung đơn": "Đường sạt lở.", "jurisdiction": COMMUNE}


class PlanContext:
    """What a row may refer to: the bodies of the plan and one conference."""

    def __init__(self, register: Register) -> None:
        self._register, bodies = register, Bodies(register.regulation, DISTRICT)
        self.agency, self.place = bodies.agency, bodies.place

    def conference(self, name: str, field: str) -> tuple[UUID, Conference]:
        found = self._register.conference(C)
        assert found is not None
        return C, found


def row_of(mapping: FileMapping = PLAIN, **cells: Any) -> dict[str, str]:
    return register_row({**BASIS, **cells}.items(), Columns(mapping), mapping)[0]


def events(register: Register, **cells: Any) -> list[DatedEvent]:
    return list(events_of(row_of(**cells), PlanContext(register)))


def topics(found: list[DatedEvent]) -> list[tuple[str, str]]:
    return [(event.TOPIC, event.effective_on.isoformat()) for event in found]


def refused(**cells: Any) -> tuple[str, str]:
    with pytest.raises(RowRefused) as why:
        events(Register().closed(), **cells)
    return why.value.column, why.value.reason


WHOLE = {
    "Họ tên, địa chỉ": "Lò Văn Pâng, bản Thèn Thầu, xã Bình Lư",
    "CCCD/CMND/Hộ chiếu": 12345,
    "Lĩnh vực": "giao thông",
    "Trích yếu": "Sửa đường",
    "Mức độ": "rất cấp thiết",
    "conference": "HN",
    "Cơ quan thụ lý": EDUCATION,
    "Cơ quan phối hợp": f"{HEALTH}; {EDUCATION}",
    "Ngày giao": "30/08/2019",
    "complex_on": "2019-09-02",
    "complex_by": "Chủ tịch",
    "complex_criteria": "nhiều cơ quan; nhiều năm",
    "extended_to": "31/10/2019",
    "extension_told_on": "03/09/2019",
    "extension_reported_on": "04/09/2019",
    "Số văn bản, ngày": "12/UBND-VP, ngày 16/09/2019",
    "reply_text": "Đã sửa xong.",
    "reported_on": "16/09/2019",
    "Tình trạng": "Đã giải quyết xong",
    "Ngày kết thúc": "01/10/2019",
}


def test_row__tells_a_whole_case() -> None:
    register = Register(historic=True).closed()
    found = events(register, **WHOLE)
    assert topics(found) == [
        ("PetitionReceived", "2019-07-01"),
        ("PetitionClassified", "2019-07-01"),
        ("PetitionRaised", "2019-08-23"),
        ("PetitionAssigned", "2019-08-30"),
        ("PetitionMarkedComplex", "2019-09-02"),
        ("ExtensionGranted", "2019-09-04"),
        ("WrittenReplyIssued", "2019-09-16"),
        ("AgencyResultReported", "2019-09-16"),
        ("PetitionClosed", "2019-10-01"),
    ]
    case = UUID(int=7)
    for event in found:
        fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "effective_on"}
        register.do(case, event.TOPIC, event.effective_on, **fields)
    petition = register.petition(case)
    assert petition is not None and (petition.lead, petition.ended, petition.is_complex) == (EDUCATION, "closed", True)


def test_row__keeps_who_and_what_in_sealed_fields_only() -> None:
    received: Any = events(Register().closed(), **WHOLE)[0]
    identity = received.identities["1"]
    assert (identity.name, identity.address) == ("Lò Văn Pâng", "bản Thèn Thầu, xã Bình Lư")
    assert (identity.document, received.text, received.petitioner_ids) == ("12345", "Đường sạt lở.", ())


def test_title__is_never_taken_from_what_the_petitioner_wrote() -> None:
    _, classified = events(Register(), **{"Lĩnh vực": "đất đai"})
    assert classified.subject == "Kiến nghị, phản ánh về đất đai"  # type: ignore[attr-defined]


def test_what_has_no_field__stays_with_the_text_under_its_heading() -> None:
    (received,) = events(Register(), **{"Ghi chú": "nộp tại bản", "Thẩm quyền": "huyện", "Kết quả": "đã trả lời miệng"})
    assert received.text.splitlines() == [  # type: ignore[attr-defined]
        "Đường sạt lở.",
        "Ghi chú: nộp tại bản",
        "Thẩm quyền: huyện",
        "Kết quả: đã trả lời miệng",
    ]


def test_conference_to_come__is_on_the_agenda() -> None:
    found = events(Register().planned(), conference="HN")
    assert topics(found)[1:] == [("PetitionScheduled", "2019-07-22")]


def test_oral_answer__by_the_chair_or_an_agency() -> None:
    by_chair, by_agency = (
        events(Register().closed(), conference="HN", answer="Rồi.", answered_by=by)[-1] for by in ("Chủ trì", HEALTH)
    )
    assert (by_chair.by, by_agency.by, by_chair.effective_on) == ("chair", HEALTH, HELD)  # type: ignore[attr-defined]


def test_assignment_without_a_day__counts_from_the_end_of_the_conference_or_the_receipt() -> None:
    held = events(Register().closed(), conference="HN", agency=EDUCATION)
    outside = events(Register(), agency=EDUCATION)
    assert (held[-1].effective_on, outside[-1].effective_on) == (HELD, date(2019, 7, 1))


def test_agency__by_its_name_on_that_day() -> None:
    named = Register()
    named.regulation.agencies[EDUCATION] = _named(named.regulation.agencies[EDUCATION], "Phòng Giáo dục")
    assert events(named, agency="  phòng  GIÁO dục")[-1].agency == EDUCATION  # type: ignore[attr-defined]
    named.regulation.agencies[HEALTH] = _named(named.regulation.agencies[HEALTH], "Phòng Giáo dục")
    with pytest.raises(RowRefused, match="is the name of"):
        events(named, agency="Phòng Giáo dục")


def _named(body: Any, name: str) -> Any:
    return type(body)(body.code, name, body.jurisdiction, body.valid_from, body.closed_on, body.successor)


@pytest.mark.parametrize(("kind", "procedure"), [("Khiếu nại", "complaint"), ("TC", "denunciation")])
def test_complaints_and_denunciations__go_elsewhere(kind: str, procedure: str) -> None:
    found: Any = events(Register().closed(), kind=kind, agency="Thanh tra tỉnh", conference="HN")
    assert [event.TOPIC for event in found] == ["PetitionReceived", "PetitionRedirected"]
    assert (found[1].procedure, found[1].body) == (procedure, "Thanh tra tỉnh")


def test_known_petition__needs_only_what_is_new() -> None:
    row = {"reply": "12/UBND ngày 16/9/2019"}
    found: Any = list(events_of(row, PlanContext(Register()), Petition(COMMUNE, date(2019, 7, 1))))
    assert [(event.TOPIC, event.number, event.signatory) for event in found] == [
        ("WrittenReplyIssued", "12/UBND", NOT_RECORDED)
    ]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"Ngày tiếp": "31/02/2019"}, "received_on"),
        ({"Ngày tiếp": "2019"}, "received_on"),
        ({"Ngày tiếp": ""}, "received_on"),
        ({"jurisdiction": ""}, "jurisdiction"),
        ({"jurisdiction": "Xã Không Có"}, "jurisdiction"),
        ({"kind": "KN"}, "kind"),
        ({"kind": "thư"}, "kind"),
        ({"kind": "khiếu nại"}, "redirected_to"),
        ({"agency": "Phòng Không Có"}, "agency"),
        ({"Lĩnh vực": "x", "Mức độ": "vừa"}, "urgency"),
        ({"answer": "Rồi."}, "conference"),
        ({"extended_to": "31/10/2019", "extension_told_on": "03/09/2019"}, "extension_reported_on"),
        ({"escalated_to": "UBND tỉnh"}, "escalated_on"),
        ({"result": "chuyển cấp trên"}, "escalated_to"),
        ({"reply": "mười hai"}, "reply"),
        ({"reply_number": "12"}, "reply_on"),
        ({"result": "đã giải quyết"}, "result_on"),
        ({"result": "đã giải quyết", "result_on": "01/10/2019"}, "agency"),
        ({"Nội dung đơn": "a\x00b"}, "text"),
        ({"Nội dung đơn": {"a": 1}}, "text"),
    ],
)
def test_bad_cell__is_refused_with_its_column(cells: dict[str, Any], column: str) -> None:
    assert refused(**cells)[0] == column


@pytest.mark.parametrize(
    "text",
    [
        "23/08/2019",
        "23/8/2019",
        "23.8.2019",
        "23-08-2019",
        "23 / 8 / 2019",
        "２３/０８/２０１９",
        "ngày 23/8/2019",
        "Ngày 23 tháng 8 năm 2019",
        "ngày 23 tháng 8, năm 2019",
        "23/08/2019 08:30",
        "23/08/2019 8:30:00 SA",
        "2019-08-23",
        "2019-8-23",
        "2019-08-23 00:00:00.000",
        "2019-08-23T10:00:00+07:00",
        "2019-08-22T20:00:00Z",
        "\u200e23/08/2019\u200e",
    ],
)
def test_day__as_offices_and_machines_write_it(text: str) -> None:
    (found,) = events(Register(), **{"Ngày tiếp": text})
    assert found.effective_on == date(2019, 8, 23)


@pytest.mark.parametrize(
    "text", ["23/8/19", "08/23/2019", "43700", "30 tháng 2 năm 2019", "9999-12-31T23:00:00Z", "22:00", "1" * 10_000]
)
def test_day__that_may_mean_another_is_refused(text: str) -> None:
    column, reason = refused(**{"Ngày tiếp": text})
    assert column == "received_on" and "dd/mm/yyyy" in reason and len(reason) < 400


@pytest.mark.parametrize(
    "text",
    [
        "12/UBND-VP, ngày 16/09/2019",
        "Số: 12/UBND-VP ngày 16 tháng 9 năm 2019",
        "số 12/UBND-VP; 16.9.2019",
        "12/UBND-VP\n16/9/2019.",
    ],
)
@pytest.mark.parametrize("heading", ["Số văn bản, ngày", "Số văn bản trả lời", "Số văn bản"])
def test_reply__by_number_and_day_in_one_cell(heading: str, text: str) -> None:
    found: Any = events(Register(historic=True).closed(), **{heading: text})[-1]
    assert (found.TOPIC, found.number, found.effective_on) == ("WrittenReplyIssued", "12/UBND-VP", date(2019, 9, 16))


@pytest.mark.parametrize(
    ("number", "day", "kept"),
    [
        ("71/KTHT ngày 16/09/2019", "16/09/2019", "71/KTHT"),
        ("71/KTHT ngày 10/09/2019", "16/09/2019", "71/KTHT ngày 10/09/2019"),
        ("71/KTHT của UBND huyện ngày 16/09/2019 gửi công dân", "16/09/2019", None),
    ],
)
def test_number_with_a_day__beside_a_column_for_the_day(number: str, day: str, kept: str | None) -> None:
    found: Any = events(Register(historic=True).closed(), **{"Số văn bản trả lời": number, "Ngày văn bản": day})[-1]
    assert (found.number, found.effective_on) == (kept or number, date(2019, 9, 16))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("45/UBND ngày 10/09/2019; 50/UBND ngày 16/09/2019", "row of its own"),
        ("45/UBND ngày 10/09/2019\n50/UBND ngày 16/09/2019", "row of its own"),
        ("ngày 10/09/2019", "no number"),
        ("45/UBND ngày 10/09/2019 của UBND huyện", "no number"),
        ("45/UBND ngày 10/09/20199", "no number"),
    ],
)
def test_reply__that_is_not_one_number_with_one_day_is_refused(text: str, told: str) -> None:
    column, reason = refused(reply=text)
    assert column == "reply" and told in reason


@pytest.mark.parametrize(
    "written", ["Uỷ ban Mặt trận", "UỶ BAN MẶT TRẬN", "ủy ban  mặt\u00a0trận", "Ủy ban Mặt trận\u200b"]
)
def test_agency__by_its_name_wherever_the_tone_stands(written: str) -> None:
    named = Register()
    named.regulation.agencies[EDUCATION] = _named(named.regulation.agencies[EDUCATION], "Ủy ban Mặt trận")
    assert events(named, agency=written)[-1].agency == EDUCATION  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "written",
    [
        "Phòng Tài nguyên và Môi trường",
        "phòng tài nguyên và môi trừơng huyện Tam Đường",
        "PHÒNG  TÀI NGUYÊN VÀ MÔI TRƯỜNG",
    ],
)
def test_agency__that_is_nearly_registered_is_offered_with_the_mapping_entry(written: str) -> None:
    named, name = Register(), "Phòng Tài nguyên và Môi trường huyện Tam Đường"
    named.regulation.agencies[EDUCATION] = _named(named.regulation.agencies[EDUCATION], name)
    with pytest.raises(RowRefused) as why:
        events(named, agency=written)
    entry = f'values: {{ agency: {{ "{written}": {EDUCATION} }} }}'
    assert f"{name} ({EDUCATION})" in why.value.reason and why.value.reason.count(entry) == 2
    with pytest.raises(RowRefused, match=r"register it first$"):
        events(named, agency="Trường Mầm non Bản Bo")


def test_agency__written_with_the_letter_that_looks_like_its_own() -> None:
    named = Register()
    named.regulation.agencies[EDUCATION] = _named(named.regulation.agencies[EDUCATION], "Phòng Đất đai")
    assert events(named, agency="Phòng Ðất ðai")[-1].agency == EDUCATION  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["Hoả tốc", "Hỏa tốc", "HOẢ TỐC"])
def test_word__wherever_the_tone_stands(word: str) -> None:
    found: Any = events(Register(), **{"Lĩnh vực": "giao thông", "Mức độ": word})[-1]
    assert found.urgency == "very_urgent"


@pytest.mark.parametrize(
    ("cell", "text"), [(12.0, "12"), (12, "12"), (12.5, "12.5"), (["a", 2.0], "a; 2"), (" a\u00a0b\u200b ", "a b")]
)
def test_cell__as_text(cell: Any, text: str) -> None:
    assert as_text(cell, "case") == text


@pytest.mark.parametrize("cell", [True, float("inf"), float("nan"), {"a": 1}, [["a"]]])
def test_cell__that_is_no_text_is_refused(cell: Any) -> None:
    with pytest.raises(RowRefused):
        as_text(cell, "case")


def test_digest_of_a_register__is_one_or_is_left_out() -> None:
    register, row = Register(historic=True).closed(), {"reply": "12/UBND ngày 16/9/2019"}
    for digest, told in (("D" * 64, "d" * 64), ("", NOT_RECORDED)):
        found: Any = events(register, **row, reply_digest=digest)[-1]
        assert checked(found, register.context()).digest == told
    with pytest.raises(Refused):
        checked(events(register, **row, reply_digest="abc")[-1], register.context())


def test_word_of_the_office__has_the_meaning_that_the_mapping_gives() -> None:
    mapping = FileMapping(values={"kind": {"ĐƠN  thư": "petition"}}, defaults={"agency": EDUCATION})
    row = row_of(mapping, **{"Loại đơn": "đơn thư\u200b"})
    assert (row["kind"], row["agency"]) == ("petition", EDUCATION)
