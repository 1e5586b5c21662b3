"""Where the story happens: Tam Đường district of Lai Châu as it was in 2019, and the bodies that answer there."""

from datetime import date
from typing import NamedTuple

NATION = "VN"
PROVINCE = "H35"
DISTRICT = "H35.10"

OFFICE = "H35.10.1"
INSPECTORATE = "H35.10.2"
ENVIRONMENT = "H35.10.3"
EDUCATION = "H35.10.4"
HEALTH = "H35.10.5"
INFRASTRUCTURE = "H35.10.6"
POLICE = "H35.10.7"
STATION = "H35.10.8"
AGRICULTURE = "H35.10.9"
WELFARE = "H35.10.10"
FRONT = "H35.10.11"
PROVINCIAL_INDUSTRY = "H35.1"

#: Lai Châu was split from Điện Biên, and its bodies formed, on this day.
SINCE = date(2004, 1, 1)


class StoryPlace(NamedTuple):
    """An authority whose chair holds dialogues."""

    code: str
    name: str
    level: str
    parent: str


class StoryBody(NamedTuple):
    """A body that can owe an answer; `short` is how people call it."""

    code: str
    name: str
    short: str
    jurisdiction: str


_COMMUNES = (
    "Thị trấn Tam Đường",
    "Xã Bản Bo",
    "Xã Bản Giang",
    "Xã Bản Hon",
    "Xã Bình Lư",
    "Xã Giang Ma",
    "Xã Hồ Thầu",
    "Xã Khun Há",
    "Xã Nà Tăm",
    "Xã Nùng Nàng",
    "Xã Sơn Bình",
    "Xã Sùng Phài",
    "Xã Tả Lèng",
    "Xã Thèn Sin",
)

PLACES = (
    StoryPlace(NATION, "Việt Nam", "nation", ""),
    StoryPlace(PROVINCE, "Tỉnh Lai Châu", "province", NATION),
    StoryPlace(DISTRICT, "Huyện Tam Đường", "district", PROVINCE),
    *(StoryPlace(f"{DISTRICT}.{number}", name, "commune", DISTRICT) for number, name in enumerate(_COMMUNES, 31)),
)

BODIES = (
    StoryBody(OFFICE, "Văn phòng HĐND-UBND huyện Tam Đường", "Văn phòng HĐND-UBND", DISTRICT),
    StoryBody(INSPECTORATE, "Thanh tra huyện Tam Đường", "Thanh tra huyện", DISTRICT),
    StoryBody(ENVIRONMENT, "Phòng Tài nguyên và Môi trường huyện Tam Đường", "Phòng TN-MT", DISTRICT),
    StoryBody(EDUCATION, "Phòng Giáo dục và Đào tạo huyện Tam Đường", "Phòng GD-ĐT", DISTRICT),
    StoryBody(HEALTH, "Phòng Y tế huyện Tam Đường", "Phòng Y tế", DISTRICT),
    StoryBody(INFRASTRUCTURE, "Phòng Kinh tế và Hạ tầng huyện Tam Đường", "Phòng KT-HT", DISTRICT),
    StoryBody(POLICE, "Công an huyện Tam Đường", "Công an huyện", DISTRICT),
    StoryBody(STATION, "Đài Truyền thanh - Truyền hình huyện Tam Đường", "Đài TT-TH", DISTRICT),
    StoryBody(AGRICULTURE, "Phòng Nông nghiệp và Phát triển nông thôn huyện Tam Đường", "Phòng NN-PTNT", DISTRICT),
    StoryBody(WELFARE, "Phòng Lao động - Thương binh và Xã hội huyện Tam Đường", "Phòng LĐ-TBXH", DISTRICT),
    StoryBody(FRONT, "Ủy ban Mặt trận Tổ quốc Việt Nam huyện Tam Đường", "UB MTTQ huyện", DISTRICT),
    StoryBody(PROVINCIAL_INDUSTRY, "Sở Công Thương tỉnh Lai Châu", "Sở Công Thương", PROVINCE),
)

SHORT = {body.code: body.short for body in BODIES} | {"office": "Văn phòng HĐND-UBND", "chair": "Chủ trì"}


def commune(name: str) -> str:
    """The code of a commune by its name."""
    return next(place.code for place in PLACES if place.name == name)
