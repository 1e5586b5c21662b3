"""A dialogue conference from the first petition to the reply by pages alone, without script, as plan II.4 orders it."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support.forms import Visitor, said
from tests.support.office import AGENCIES, BEGIN, DISTRICT
from tests.support.pair import Service, until
from tests.support.pair import pair as made_pair
from tests.support.postgres import TestServer

PLACE = f"/jurisdictions/{DISTRICT}"
HELD, HELD_AT = "23/08/2019", "2019-08-23T01:00:00Z"
PDF, INVITATION = b"%PDF-1.4 test", b"%PDF-1.4 invitation"


@pytest.fixture(scope="module")
def running(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    folder = tmp_path_factory.mktemp("day")
    with made_pair(pg_server, folder, "") as pair:
        intake = pair.intake(CLOCK_START=BEGIN, AMQP_URL="", FILES=str(folder / "files")).start()
        followup = pair.followup(intake, AMQP_URL="").start()
        until(lambda: followup.get("/v1/sources")["items"])
        first = Visitor(followup.url)
        nation = first.open("/jurisdictions/VN/acts/JurisdictionRegistered").text
        assert (
            'name="code" autocomplete="off" value="VN"' in nation
            and 'name="parent" autocomplete="off" value=""' in nation
        )
        first.do(
            "/jurisdictions/VN/acts/JurisdictionRegistered", code="H99", name="Tỉnh Mới", level="province",
            valid_from="1/1/2004",
        )  # fmt: skip
        first.client.close()
        pair.office(intake).places()
        until(lambda: followup.get("/v1/agencies")["items"])
        yield intake, followup


@pytest.fixture
def office(running: tuple[Service, Service]) -> Iterator[Visitor]:
    visitor = Visitor(running[1].url)
    yield visitor
    visitor.client.close()


def moved(intake: Service, to: str) -> None:
    """Let the store's time pass."""
    assert httpx.post(f"{intake.url}/v1/clock", json={"to": to}, timeout=30).status_code == 200


@pytest.mark.slow
def test_first_place_of_all__is_registered_on_a_page(office: Visitor) -> None:
    page = office.open("/jurisdictions").text
    assert ">Tỉnh Mới</a>" in page
    assert 'href="/jurisdictions/VN/acts/JurisdictionRegistered">Đăng ký địa bàn</a>' in page


def petitions_of(office: Visitor, conference: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="(/cases/[0-9a-f-]+)">', office.open(conference).text)


def test_conference__is_prepared_held_concluded_and_answered_by_forms(
    office: Visitor, running: tuple[Service, Service]
) -> None:
    received = office.do(
        f"{PLACE}/do/receive", name="Lò Văn Pâng", text="Đường vào bản sạt lở", subject="Sửa đường bản Hon",
        field="giao thông", urgency="urgent",
    )  # fmt: skip
    assert re.search(r'<p class="code">[0-9A-Z]{10}</p>', received.text)
    assert "Lò Văn Pâng" in received.text and "Phân loại kiến nghị" in received.text
    conference = office.do(
        f"{PLACE}/acts/ConferencePlanned", kind="periodic", first_day=HELD, last_day="23.8.19", place="Hội trường UBND"
    ).url.path
    for number in (1, 2):
        slip = office.do(
            f"{conference}/do/slip", name=f"Công dân {number}", text=f"Nội dung {number}", subject=f"Việc {number}",
            field="đất đai",
        )  # fmt: skip
        assert re.search(r'<p class="code">[0-9A-Z]{10}</p>', slip.text)
        assert f'href="{conference}/do/slip">Nhập phiếu tiếp theo</a>' in slip.text
    petitions = petitions_of(office, conference)
    assert len(petitions) == 2
    assert "<strong>2</strong> chưa chuyển cơ quan chuẩn bị trả lời" in office.open(conference).text
    chosen = {f"petitions.{each.rpartition('/')[2]}": "yes" for each in petitions}
    office.do(f"{conference}/do/forward", **chosen, **{f"agencies.{code}": "yes" for code in AGENCIES[:2]})
    for petition in petitions:
        assert office.open(petition).text.count("Chuyển cơ quan chuẩn bị trả lời</h3>") == 2
    forwarding = office.open(f"{conference}/do/forward").text
    assert forwarding.count("đã chuyển: ") == 4 and "gợi ý" not in forwarding
    notified = office.do(
        f"{conference}/do/notify", {"notice": PDF, "invitation": INVITATION}, citizens="30",
        organisations="Mặt trận\nĐoàn Thanh niên",
        **{"notices.0.channel": "portal", "notices.0.evidence": "tin 12", "notices.1.channel": "media",
           "notices.1.evidence": "bản tin tối"},
    )  # fmt: skip
    named = set(re.findall(rf'href="({conference}/files/[0-9a-f]{{64}})"', notified.text))
    assert sorted(office.open(path).content for path in named) == sorted((PDF, INVITATION))

    # Slips register their speakers before the opening, numbered in turn.
    moved(running[0], HELD_AT)
    office.do(f"{conference}/acts/ConferenceOpened")
    hall = office.open(f"{conference}/hall").text
    assert re.findall(r'data-show="number">(\d)<', hall) == ["1", "2"] and "Công dân 2" in hall
    assert "Nội dung 1" in hall and "chậm nhất 16/09/2019" in hall
    office.do(f"{conference}/do/slip", name="Bà Lý", text="Trạm y tế thiếu thuốc", subject="Thuốc", field="y tế")
    by_hand = office.form(f"{conference}/acts/SpeakerRegistered")
    assert by_hand.values["speaker"] == "4"
    office.do(f"{conference}/acts/SpeakerCalled?speaker=1", words="Đề nghị cấp thuốc")
    called, uncalled, last = petitions_of(office, conference)
    office.do(f"{called}/acts/PetitionRaised", conference_id=conference.rpartition("/")[2])
    assert "Chậm nhất 16/09/2019" in office.open(f"{called}/acts/PetitionAssigned").text
    refused = office.send(f"{called}/acts/PetitionAssigned", agency=AGENCIES[0], due_on="17/9/2019")
    assert refused.status_code == 422 and "chậm nhất 16/09/2019" in said(refused)
    office.do(f"{called}/acts/PetitionAssigned", agency=AGENCIES[0], due_on="10/9/2019")
    assert "không làm thời hạn trả lời bắt đầu" in office.open(f"{uncalled}/acts/PetitionAssigned").text
    office.do(f"{conference}/acts/SecretaryAppointed", name="Nguyễn Thư")

    asked = office.send(f"{conference}/acts/ConferenceClosed")
    assert "Chưa thông qua biên bản." in said(asked)
    assert "2 kiến nghị trong chương trình chưa được gọi" in said(asked)
    office.do(f"{conference}/acts/MinutesAdopted", {"digest": PDF}, minutes="Biên bản hội nghị")
    office.do(f"{conference}/acts/ConferenceClosed", confirmed="yes")

    table = office.form(f"{conference}/do/conclude").values
    line = {each: f"line-{each.rpartition('/')[2]}" for each in (called, uncalled, last)}
    assert table[f"{line[called]}.agency"] == AGENCIES[0] and table[f"{line[called]}.due_on"] == "10/09/2019"
    shown = office.open(f"{conference}/do/conclude").text
    assert shown.count("Chưa được gọi") == 2 and shown.count("hậm nhất 10/09/2019") == 1
    notice = {"number": "12/TB-UBND", "signatory": "Chủ tịch"} | {
        f"{line[each]}.agency": AGENCIES[1] for each in (uncalled, last)
    }
    left_out = office.send(f"{conference}/do/conclude", {"digest": PDF}, number="12/TB-UBND", signatory="Chủ tịch")
    assert left_out.status_code == 422 and f'href="#f-{line[uncalled]}"' in left_out.text
    late = office.send(f"{conference}/do/conclude", {"digest": PDF}, **notice | {f"{line[last]}.due_on": "1/10/2019"})
    assert late.status_code == 422 and f'href="#f-{line[last]}.due_on"' in late.text and "Thuốc" in said(late)
    concluded = office.do(f"{conference}/do/conclude", {"digest": PDF}, **notice)
    assert "12/TB-UBND" in concluded.text
    again = office.client.get(f"{conference}/do/conclude")
    assert again.status_code == 409 and "đã được ban hành" in again.text
    assert "16/09/2019" in office.open(uncalled).text
    petitions = [called, uncalled]
    refused = office.send(f"{petitions[1]}/do/extend", expected_on="30/9/2019")
    assert refused.status_code == 422
    wrong = set(re.findall(r'href="#f-([a-z_]+)"', refused.text))
    assert {"ground", "petitioner_told_on", "committee_told_on"} <= wrong, "what is missing is said at once"
    extended = office.do(
        f"{petitions[1]}/do/extend", {"petitioner_notice.digest": PDF, "committee_notice.digest": PDF},
        expected_on="30/9/2019", ground="Chờ khảo sát", petitioner_told_on="hôm nay", committee_told_on="hôm nay",
        **{"petitioner_notice.number": "45/TB", "committee_notice.number": "46/TB"},
    )  # fmt: skip
    assert "30/09/2019" in extended.text
    replied = office.do(
        f"{petitions[0]}/do/reply", {"digest": PDF}, number="5/UBND", signatory="Chủ tịch", reported="yes",
        result="resolved", summary="Đã sửa",
    )  # fmt: skip
    assert "Báo cáo kết quả giải quyết</h3>" in replied.text and "Đúng hạn" in replied.text


def test_proposal__is_decided_by_who_reads_what_it_is_about(office: Visitor) -> None:
    received = office.do(f"{PLACE}/do/receive", text="Cầu gãy", subject="Cầu bản Hon", field="giao thông")
    petition = received.url.path.rpartition("/")[2]
    at = re.findall(r'href="(/jurisdictions/[^"]+/acts/ConferenceProposed)"', office.open("/conferences").text)[0]
    asked = office.do(at, proposer=AGENCIES[0], reason="Dân nhiều bản đề nghị", **{f"petition_ids.{petition}": "yes"})
    assert "Được đề xuất, chờ quyết định" in asked.text
    conference = asked.url.path
    for page in (asked.text, office.open(f"{conference}/acts/ConferenceProposalDecided").text):
        assert "Dân nhiều bản đề nghị" in page and "Cầu bản Hon" in page and "Người, cơ quan đề xuất</dt>" in page
    assert "Chờ quyết định đề xuất đối thoại" in office.open("/").text
    declined = office.do(f"{conference}/acts/ConferenceProposalDecided", accepted="no", reason="Đã có lịch")
    assert "Không được chấp thuận" in declined.text
    assert "Không được chấp thuận" in office.open("/conferences").text
    assert "Chờ quyết định đề xuất đối thoại" not in office.open("/").text


def test_task__with_a_part_that_is_refused_records_nothing(office: Visitor, running: tuple[Service, Service]) -> None:
    head = running[0].get("/v1/events", limit=1)["head"]
    page = office.send(
        f"{PLACE}/do/receive", text="Nội dung", subject="Trích yếu", field="y tế", effective_on="1/1/2099"
    )
    assert page.status_code == 422 and "sau ngày hôm nay" in said(page)
    assert 'href="#f-effective_on"' in page.text and "<title>Lỗi: " in page.text and "Trích yếu" in page.text
    assert running[0].get("/v1/events", limit=1)["head"] == head


def test_file_of_a_petition__is_kept_by_intake_and_given_out_of_its_case(office: Visitor) -> None:
    what = {"text": "Có đơn kèm theo", "subject": "Việc có đơn", "field": "y tế"}
    page = office.do(f"{PLACE}/do/receive", {"attachment": PDF}, **what)
    given = office.open(re.findall(r'href="(/cases/[^"]+/files/[0-9a-f]{64})"', page.text)[0])
    assert given.content == PDF and given.headers["content-type"] == "application/pdf"
    assert given.headers["content-disposition"].startswith("attachment")
    refused = office.send(f"{PLACE}/do/receive", {"attachment": b"MZ no document at all"}, **what)
    assert refused.text.count('href="#f-attachment"') == 1
    assert refused.status_code == 422 and 'href="#f-attachment"' in refused.text and "Việc có đơn" in refused.text


def test_doors__lead_each_role_to_something_to_try(running: tuple[Service, Service]) -> None:
    with httpx.Client(base_url=running[1].url, follow_redirects=True, headers={"Accept": "text/html"}) as stranger:
        asked = stranger.get("/")
        doors = re.findall(r'href="(/doors/[a-z]+)"', asked.text)
        assert asked.url.path == "/doors" and len(doors) == 7
        for door in doors:
            stranger.cookies.clear()
            shown = stranger.get(door)
            assert shown.status_code == 200 and shown.url.path != "/doors", f"{door}: {said(shown)}"


def test_post__is_granted_on_a_page_and_seen_there(office: Visitor) -> None:
    office.do(
        f"{PLACE}/acts/PostGranted", subject="sub-1", name="Nguyễn Văn Bình", position="Chuyên viên",
        valid_from="1/7/2019", **{"roles.office": "yes"},
    )  # fmt: skip
    people = office.open("/people").text
    assert "Nguyễn Văn Bình" in people and "Chuyên viên" in people
    ending = re.findall(r'href="(/people/[^"]+/PostEnded)"', people)[0]
    assert office.send(ending, reason="Nghỉ hưu", effective_on="hôm nay").url.path == "/people"
    assert "không còn" in office.open("/people").text
    annulment = re.findall(r'href="(/people/[^"]+/PostAnnulled)"', people)[0]
    assert office.send(annulment, reason="Nhầm người", effective_on="hôm nay").url.path == "/people"
    people = office.open("/people").text
    assert "ghi nhận nhầm" in people and "/PostAnnulled" not in people
    erasure = re.findall(r'href="(/people/[^"]+/PersonNameErased)"', people)[0]
    assert "Xác nhận" in office.send(erasure, effective_on="hôm nay").text
    assert office.send(erasure, effective_on="hôm nay", confirmed="yes").url.path == "/people"
    people = office.open("/people").text
    assert "(không còn tên)" in people and "Nguyễn Văn Bình" not in people


def test_operators__see_what_waits(office: Visitor) -> None:
    page = office.open("/administration").text
    assert "Nguồn dữ liệu" in page and "đang đọc" in page and "Không có sự kiện nào chờ" in page


def test_late_cases_of_an_agency__are_reminded_at_once(office: Visitor, running: tuple[Service, Service]) -> None:
    moved(running[0], "2019-10-20T01:00:00Z")
    until(lambda: f"/remind/{AGENCIES[1]}" in office.open("/").text)
    office.do(f"/remind/{AGENCIES[1]}")
    late = office.open(f"/cases?overdue=true&agency={AGENCIES[1]}").text
    assert "Đôn đốc</h3>" in office.open(re.findall(r'href="(/cases/[0-9a-f-]+)"', late)[0]).text
