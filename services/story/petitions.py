"""The twenty petitions of the story. Names and addresses are invented; the subjects are what such conferences hear."""

from datetime import date
from typing import NamedTuple

from services.story import places


class StoryPetition(NamedTuple):
    """One petition as it comes in, and what the office makes of it. `gloss` says in English what becomes of it."""

    key: str
    received_on: date
    commune: str
    people: tuple[str, ...]
    village: str
    subject: str
    field: str
    urgency: str
    agency: str
    text: str
    gloss: str
    kind: str = "petition"
    channel: str = "tại trụ sở"
    external_id: str = ""

    @property
    def petitioner_ids(self) -> tuple[str, ...]:
        """Opaque ids of those who raise it."""
        return tuple(f"td-2019-{self.key}-{number}" for number in range(1, len(self.people) + 1))


_J, _A = 7, 8  # July, August


def _on(month: int, day: int) -> date:
    return date(2019, month, day)


MATTERS = (
    StoryPetition(
        "01", _on(_J, 1), "Xã Bình Lư", ("Lò Văn Pâng",), "bản Thèn Thầu",
        "Sửa chữa đường liên bản bị sạt lở", "giao thông", "urgent", places.INFRASTRUCTURE,
        "Đường từ bản Thèn Thầu ra trung tâm xã sạt ta-luy từ mùa mưa năm ngoái, xe máy không qua được, "
        "học sinh phải đi bộ vòng ba cây số. Đề nghị huyện cho sửa trước mùa mưa này.",
        "answered in time, resolved, closed",
    ),
    StoryPetition(
        "02", _on(_J, 1), "Xã Bản Bo", ("Tẩn Thị Mẩy",), "bản Hợp Nhất",
        "Giá thu mua chè búp tươi không ổn định", "nông nghiệp", "normal", places.AGRICULTURE,
        "Giá chè búp tươi lên xuống thất thường, có tuần nhà máy không nhận chè. Bà con đề nghị huyện làm việc với "
        "doanh nghiệp để có hợp đồng bao tiêu và giá sàn.",
        "answered by the chair at the conference",
    ),
    StoryPetition(
        "03", _on(_J, 2), "Thị trấn Tam Đường", ("Hoàng Thị Thu",), "tổ dân phố số 2",
        "Thu gom rác thải khu vực chợ trung tâm", "môi trường", "normal", places.ENVIRONMENT,
        "Rác ở chợ trung tâm ba ngày mới thu gom một lần, mùi hôi ảnh hưởng đến các hộ xung quanh và lớp mầm non.",
        "pushed by the provincial portal (twice: recorded once), answered by the agency at the conference",
        kind="reflection", channel="cổng thông tin", external_id="LC-2019-00412",
    ),
    StoryPetition(
        "04", _on(_J, 2), "Xã Sơn Bình", ("Nguyễn Văn Hải", "Trần Thị Lý"), "bản 46",
        "Chậm cấp giấy chứng nhận quyền sử dụng đất", "đất đai", "urgent", places.ENVIRONMENT,
        "Chúng tôi nộp hồ sơ từ tháng 3 năm 2017, đã nộp đủ nghĩa vụ tài chính nhưng đến nay chưa được cấp giấy chứng "
        "nhận. Hồ sơ liên quan đến đất nông trường cũ bàn giao về địa phương.",
        "a complex case: due soon on the last day of the story",
    ),
    StoryPetition(
        "05", _on(_J, 3), "Xã Khun Há", ("Giàng A Chu",), "bản Lao Chải 1",
        "Điểm trường thiếu phòng học", "giáo dục", "urgent", places.EDUCATION,
        "Điểm trường bản Lao Chải 1 có bốn lớp nhưng chỉ có hai phòng, các cháu phải học ghép. Đề nghị bố trí "
        "thêm phòng học trước năm học mới.",
        "answered on the very last day, in time",
    ),
    StoryPetition(
        "06", _on(_J, 3), "Xã Hồ Thầu", ("Chẻo A Páo",), "bản Phô",
        "Thiếu nước sinh hoạt vào mùa khô", "hạ tầng", "very_urgent", places.INFRASTRUCTURE,
        "Công trình cấp nước của bản hỏng đường ống chính, từ tháng 11 đến tháng 4 cả bản không có nước sinh hoạt.",
        "extended, with notice to the citizen and report to the committee in time",
        channel="cổng thông tin", external_id="LC-2019-00418",
    ),
    StoryPetition(
        "07", _on(_J, 4), "Xã Tả Lèng", ("Vàng Thị Dở",), "bản Phìn Ngan",
        "Trạm y tế xã thiếu thuốc thông thường", "y tế", "urgent", places.HEALTH,
        "Bà con đi khám bảo hiểm ở trạm nhiều lần không có thuốc hạ sốt, thuốc huyết áp, phải ra thị trấn mua.",
        "reply dated in time but recorded after the breach: the breach is retracted",
    ),
    StoryPetition(
        "08", _on(_J, 4), "Xã Giang Ma", ("Sùng A Lử",), "bản Sin Chải",
        "Ô nhiễm nguồn nước từ cơ sở chế biến miến dong", "môi trường", "urgent", places.ENVIRONMENT,
        "Nước thải của cơ sở chế biến miến dong chảy thẳng ra suối, trâu bò không uống được, lúa bị vàng lá.",
        "answered four days late",
        kind="reflection",
    ),
    StoryPetition(
        "09", _on(_J, 5), "Xã Nà Tăm", ("Lù Văn Chỉnh",), "bản Nà Kiêng",
        "Chậm chi trả bồi thường khi mở rộng đường", "đất đai", "urgent", places.ENVIRONMENT,
        "Gia đình tôi bàn giao 320 mét vuông đất ruộng để mở rộng đường từ tháng 10 năm 2018, đến nay chưa nhận được "
        "tiền bồi thường theo phương án đã công khai.",
        "overdue: no reply to this day, the agency is reminded",
    ),
    StoryPetition(
        "10", _on(_J, 5), "Xã Bản Giang", ("Lò Thị Phương",), "bản Cốc Pa",
        "Kéo điện lưới quốc gia về bản", "điện", "normal", places.INFRASTRUCTURE,
        "Bản Cốc Pa còn 38 hộ chưa có điện lưới, chỉ dùng máy thủy điện nhỏ ngoài suối. Đề nghị cấp trên đầu tư.",
        "beyond the district's competence: escalated to the province",
    ),
    StoryPetition(
        "11", _on(_J, 8), "Xã Thèn Sin", ("Lùng Văn Sơn",), "bản Thèn Sin 1",
        "Cầu treo bản Thèn Sin xuống cấp", "giao thông", "very_urgent", places.INFRASTRUCTURE,
        "Cầu treo qua suối đã đứt hai dây treo, ván mặt cầu mục, rất nguy hiểm cho học sinh và xe máy.",
        "takes the next petition in; one reply to both petitioners",
    ),
    StoryPetition(
        "12", _on(_J, 9), "Xã Thèn Sin", ("Lùng Thị Nải",), "bản Thèn Sin 2",
        "Nguy cơ mất an toàn cầu treo bản Thèn Sin", "giao thông", "urgent", places.INFRASTRUCTURE,
        "Hôm mùng 5 có người ngã xe trên cầu treo vì ván mục. Đề nghị cấm xe và sửa cầu ngay.",
        "merged into the one before",
        kind="reflection",
    ),
    StoryPetition(
        "13", _on(_J, 9), "Xã Nùng Nàng", ("Giàng Thị Sua",), "bản Sáy San",
        "Hỗ trợ giống ngô vụ thu đông", "nông nghiệp", "normal", places.AGRICULTURE,
        "Đề nghị huyện hỗ trợ giống ngô lai cho các hộ bị mưa đá làm hỏng ngô hồi tháng 4.",
        "withdrawn by the petitioner",
    ),
    StoryPetition(
        "14", _on(_J, 10), "Xã Bản Hon", ("Lò Văn Ín",), "bản Bãi Trâu",
        "Đơn không đồng ý với quyết định thu hồi đất", "đất đai", "normal", places.INSPECTORATE,
        "Tôi không đồng ý với quyết định thu hồi đất của gia đình tôi, đề nghị xem xét lại quyết định này.",
        "a complaint (khiếu nại): redirected to its own procedure",
    ),
    StoryPetition(
        "15", _on(_J, 11), "Xã Sùng Phài", ("Tẩn A Sếnh",), "bản Trung Chải",
        "Chậm cấp thẻ bảo hiểm y tế cho hộ nghèo", "an sinh", "urgent", places.HEALTH,
        "Mười hai hộ nghèo của bản chưa được cấp thẻ bảo hiểm y tế năm 2019, đi khám phải tự trả tiền.",
        "reassigned to the body whose matter it is; the date stays",
    ),
    StoryPetition(
        "16", _on(_J, 12), "Xã Bình Lư", ("Hợp tác xã Nông nghiệp Bình Lư",), "bản Km 2",
        "Tình trạng trộm cắp trâu bò", "an ninh trật tự", "urgent", places.POLICE,
        "Từ đầu năm có bảy con trâu của xã viên bị mất trộm khi thả rông. Đề nghị công an tăng cường tuần tra.",
        "an organisation's; answered by the police at the conference",
    ),
    StoryPetition(
        "17", _on(_J, 15), "Xã Bản Bo", ("Nguyễn Thị Hoa",), "bản Cò Nọt Mông",
        "Cụm loa truyền thanh không hoạt động", "thông tin", "normal", places.STATION,
        "Cụm loa của bản hỏng từ Tết, bà con không nghe được thông báo của xã, của huyện.",
        "the chair set an earlier date, and it was kept",
        channel="cổng thông tin", external_id="LC-2019-00433",
    ),
    StoryPetition(
        "18", _on(_J, 16), "Xã Khun Há", ("Sùng Thị Chở",), "bản Ngài Thầu Cao",
        "Chậm chi trả hỗ trợ ăn trưa cho trẻ mẫu giáo", "giáo dục", "normal", places.EDUCATION,
        "Tiền ăn trưa của các cháu học kỳ hai năm học 2018-2019 đến nay phụ huynh chưa được nhận.",
        "replied; the result is still owed",
    ),
    StoryPetition(
        "19", _on(_J, 17), "Xã Giang Ma", ("Chang A Dơ",), "bản Giang Ma",
        "Nạo vét kênh mương thủy lợi", "nông nghiệp", "normal", places.AGRICULTURE,
        "Mương dẫn nước dài 1,2 km bị bồi lấp, hai mươi hộ không có nước cấy vụ mùa.",
        "replied and closed, then reopened: a new clock",
    ),
    StoryPetition(
        "20", _on(9, 10), "Xã Tả Lèng", ("Giàng A Sà",), "bản Tả Lèng",
        "Hỗ trợ làm nhà cho hộ có nhà bị lốc xoáy", "an sinh", "normal", places.WELFARE,
        "Nhà tôi bị lốc xoáy tốc mái ngày 02 tháng 9, đề nghị huyện xem xét hỗ trợ theo quy định.",
        "came after the conference: no clock runs under the plan",
    ),
)  # fmt: skip

BY_KEY = {matter.key: matter for matter in MATTERS}
