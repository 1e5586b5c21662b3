"""Words and names in the order of a Vietnamese dictionary."""

import random
import unicodedata
from typing import NamedTuple

from services.followup.console.place_tree import place_tree
from services.followup.domain.wording.collation import by_name, vietnamese_order

WORDS = [
    "1. Việc khác", "an ninh", "ăn uống", "ấn phẩm", "ba", "bà", "bả", "bã", "bá", "bạ", "bác", "cấp nước", "dân cư",
    "Đất đai", "điện", "đường", "em", "ê kíp", "giao thông", "o", "ô nhiễm", "ơn", "tư", "y tế",
]  # fmt: skip
#: Thirty people, agencies and places: by letters (a, ă, â; d, đ), then by tones, each word before the next.
NAMES = [
    "Bản Bo", "Bản Giang", "Ban Tiếp công dân", "Bản Tiếp nhận", "Bình Lư", "Chang A Dế", "Chảo Lở Mẩy",
    "Dào San", "Dương Thị Hoa", "Đào Thị Lan", "Đặng Văn Sơn", "Điêu Chính Khang", "Giàng A Chu", "Hồ Thầu", "Khun Há",
    "Lê Văn Anh", "Lò Thị Ân", "Lò Thị Mai", "Lù Thị Hoa", "Nà Tăm", "Nùng Nàng", "Phàn Văn Sếnh", "Phòng Nội vụ",
    "Phòng Y tế", "Sơn Bình", "Sùng A Páo", "Tả Lèng", "Thèn Sin", "Ủy ban nhân dân", "Vàng A Sình",
]  # fmt: skip


class Thing(NamedTuple):
    name: str


def test_words__come_letter_by_letter_then_by_tone() -> None:
    shuffled = random.Random(1).sample(WORDS, len(WORDS))
    assert sorted(shuffled, key=vietnamese_order) == WORDS
    # By code points "Đất đai" would come last but one.
    assert sorted(WORDS) != WORDS


def test_names__of_people_agencies_and_places_come_in_the_order_of_a_dictionary() -> None:
    shuffled = [Thing(name) for name in random.Random(2).sample(NAMES, len(NAMES))]
    assert [thing.name for thing in by_name(shuffled)] == NAMES


def test_places__come_level_by_level_each_in_the_order_of_names() -> None:
    places = {
        "H35": "Tỉnh Lai Châu", "H35.10": "Huyện Tam Đường", "H35.2": "Huyện Sìn Hồ", "H35.10.9": "Xã Bản Bo",
        "H35.10.31": "Xã Đào San", "H35.10.4": "Xã Dào San", "H12": "Tỉnh Điện Biên", "H35.10.1": "Thị trấn Tam Đường",
    }  # fmt: skip
    assert [(places[code], depth) for code, depth in place_tree(places)] == [
        ("Tỉnh Điện Biên", 0), ("Tỉnh Lai Châu", 0), ("Huyện Sìn Hồ", 1), ("Huyện Tam Đường", 1),
        ("Thị trấn Tam Đường", 2), ("Xã Bản Bo", 2), ("Xã Dào San", 2), ("Xã Đào San", 2),
    ]  # fmt: skip


def test_order__does_not_hang_on_the_form_of_the_text() -> None:
    decomposed = [unicodedata.normalize("NFD", word) for word in WORDS]
    assert [vietnamese_order(a)[:2] for a in decomposed] == [vietnamese_order(b)[:2] for b in WORDS]
