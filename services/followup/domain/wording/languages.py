"""The names of the languages in which people write, by the tags of BCP 47."""

from services.followup.domain.wording.names import Bilingual

#: By the first part of a tag: the languages of the country's peoples, and those of visitors.
_LANGUAGES = {
    "vi": Bilingual("tiếng Việt", "Vietnamese"),
    "bdq": Bilingual("tiếng Ba Na", "Bahnar"),
    "blt": Bilingual("tiếng Thái (Thái Đen)", "Tai Dam"),
    "bru": Bilingual("tiếng Bru - Vân Kiều", "Bru"),
    "cjm": Bilingual("tiếng Chăm", "Cham"),
    "en": Bilingual("tiếng Anh", "English"),
    "fr": Bilingual("tiếng Pháp", "French"),
    "hmn": Bilingual("tiếng Mông", "Hmong"),
    "hni": Bilingual("tiếng Hà Nhì", "Hani"),
    "hre": Bilingual("tiếng Hrê", "Hre"),
    "ium": Bilingual("tiếng Dao", "Iu Mien"),
    "ja": Bilingual("tiếng Nhật", "Japanese"),
    "jra": Bilingual("tiếng Gia Rai", "Jarai"),
    "km": Bilingual("tiếng Khmer", "Khmer"),
    "ko": Bilingual("tiếng Hàn", "Korean"),
    "kpm": Bilingual("tiếng Cơ Ho", "Koho"),
    "lhu": Bilingual("tiếng La Hủ", "Lahu"),
    "lo": Bilingual("tiếng Lào", "Lao"),
    "mtq": Bilingual("tiếng Mường", "Muong"),
    "mww": Bilingual("tiếng Mông Trắng", "White Hmong"),
    "nut": Bilingual("tiếng Nùng", "Nung"),
    "rad": Bilingual("tiếng Ê Đê", "Rade"),
    "sed": Bilingual("tiếng Xơ Đăng", "Sedang"),
    "sti": Bilingual("tiếng Xtiêng", "Stieng"),
    "twh": Bilingual("tiếng Thái (Thái Trắng)", "Tai Don"),
    "tyz": Bilingual("tiếng Tày", "Tay"),
    "zh": Bilingual("tiếng Trung", "Chinese"),
}


def language_words(tag: str) -> Bilingual:
    """The language of a tag, which follows in brackets where it says more than the language; unknown, the tag alone."""
    language, _, more = tag.partition("-")
    if (found := _LANGUAGES.get(language.lower())) is None:
        return Bilingual(tag, tag)
    return Bilingual(f"{found.vi} ({tag})", f"{found.en} ({tag})") if more else found
