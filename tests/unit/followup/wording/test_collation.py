"""Words in the order of a Vietnamese dictionary."""

import random
import unicodedata

from services.followup.domain.wording.collation import vietnamese_order

WORDS = [
    "1. Việc khác", "an ninh", "ăn uống", "ấn phẩm", "ba", "bà", "bả", "bã", "bá", "bạ", "bác", "cấp nước", "dân cư",
    "Đất đai", "điện", "đường", "em", "ê kíp", "giao thông", "o", "ô nhiễm", "ơn", "tư", "y tế",
]  # fmt: skip


def test_words__come_letter_by_letter_then_by_tone() -> None:
    shuffled = random.Random(1).sample(WORDS, len(WORDS))
    assert sorted(shuffled, key=vietnamese_order) == WORDS
    # By code points "Đất đai" would come last but one.
    assert sorted(WORDS) != WORDS


def test_order__does_not_hang_on_the_form_of_the_text() -> None:
    decomposed = [unicodedata.normalize("NFD", word) for word in WORDS]
    assert [vietnamese_order(a)[:2] for a in decomposed] == [vietnamese_order(b)[:2] for b in WORDS]
