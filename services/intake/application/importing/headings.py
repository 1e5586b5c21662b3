"""What the columns of a register mean: the headings that offices use, and a mapping file for those that they do not."""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.intake.application.importing.refusals import FileRefused, UnknownColumns
from shared.identifiers import normalised
from shared.sentences import Sentence

#: The fields of a register row, with the headings met in files and those of form 03/TCD (Decree 154/2026).
FIELDS: Mapping[str, tuple[str, ...]] = {
    "case": ("mã đơn", "mã hồ sơ", "mã vụ việc", "mã kiến nghị", "mã số", "external_id"),
    "ordinal": ("stt", "tt", "số tt", "số thứ tự"),
    "jurisdiction": ("địa bàn", "xã", "xã phường", "xã phường thị trấn"),
    "received_on": (
        "ngày tiếp",
        "ngày nhận",
        "ngày tiếp nhận",
        "ngày tiếp nhận đơn",
        "ngày tháng",
        "ngày tháng năm",
    ),
    "kind": ("loại đơn", "loại đơn kn tc kn pa", "loại", "phân loại đơn"),
    "channel": ("kênh tiếp nhận", "nguồn", "hình thức tiếp nhận"),
    "name": (
        "họ tên",
        "họ và tên",
        "người kiến nghị",
        "chủ đơn",
        "họ tên người kiến nghị",
        "công dân",
        "họ tên công dân",
        "họ và tên công dân",
        "tên công dân",
    ),
    "name_address": ("họ tên địa chỉ", "họ và tên địa chỉ", "họ tên địa chỉ công dân", "họ và tên địa chỉ công dân"),
    "address": ("địa chỉ", "thôn bản", "thôn", "bản", "nơi ở"),
    "phone": ("điện thoại", "số điện thoại", "sđt"),
    "document": ("cccd cmnd hộ chiếu", "cccd", "cmnd", "số cccd", "số cmnd", "hộ chiếu"),
    "email": ("email", "e mail", "thư điện tử", "địa chỉ thư điện tử", "hộp thư điện tử"),
    "submitted_at": ("thời điểm gửi", "thời gian gửi", "gửi lúc"),
    "place": ("địa điểm phản ánh", "nơi xảy ra", "nơi xảy ra sự việc", "địa điểm xảy ra", "vị trí phản ánh"),
    "area": ("khu vực",),
    "category": ("chuyên mục", "phân loại của cổng", "danh mục của cổng"),
    "language": ("ngôn ngữ",),
    "text": (
        "nội dung đơn",
        "nội dung",
        "nội dung kiến nghị",
        "nội dung phản ánh",
        "nội dung phản ánh kiến nghị",
        "nội dung kiến nghị phản ánh",
        "nội dung vụ việc",
        "nội dung ý kiến kiến nghị",
        "ý kiến kiến nghị",
    ),
    "note": (
        "ghi chú",
        "số người cùng nội dung",
        "cơ quan đã giải quyết",
        "thuộc thẩm quyền",
        "thẩm quyền",
        "theo dõi kết quả giải quyết",
    ),
    "subject": ("trích yếu", "tiêu đề", "tóm tắt"),
    "field": ("lĩnh vực",),
    "urgency": ("mức độ cấp thiết", "mức độ"),
    "classified_on": ("ngày phân loại",),
    "conference": ("hội nghị", "hội nghị đối thoại"),
    "scheduled_on": ("ngày đưa vào chương trình",),
    "raised_on": ("ngày nêu", "ngày phát biểu"),
    "answered_on": ("ngày trả lời tại hội nghị",),
    "answered_by": ("người trả lời tại hội nghị",),
    "answer": ("trả lời tại hội nghị", "nội dung trả lời tại hội nghị"),
    "agency": (
        "cơ quan chủ trì",
        "đơn vị chủ trì",
        "cơ quan đơn vị chủ trì",
        "cơ quan thụ lý",
        "đơn vị thụ lý",
        "cơ quan đơn vị thụ lý",
        "cơ quan giải quyết",
        "đơn vị giải quyết",
        "cơ quan đơn vị giải quyết",
        "cơ quan xử lý",
        "đơn vị xử lý",
        "cơ quan đơn vị xử lý",
        "cơ quan được giao",
        "đơn vị được giao",
        "cơ quan đơn vị được giao",
        "đơn vị cơ quan được giao",
    ),
    "assisting": ("cơ quan phối hợp", "đơn vị phối hợp", "cơ quan đơn vị phối hợp"),
    "assigned_on": ("ngày giao", "ngày phân công", "ngày chuyển"),
    "due_on": ("thời hạn", "hạn giải quyết", "hạn trả lời", "thời hạn giải quyết", "thời hạn trả lời"),
    "complex_on": ("ngày xác định phức tạp",),
    "complex_by": ("người xác định phức tạp",),
    "complex_criteria": ("tiêu chí phức tạp", "lý do phức tạp"),
    "extended_to": ("gia hạn đến", "gia hạn đến ngày"),
    "extension_told_on": ("ngày thông báo gia hạn cho công dân", "ngày thông báo gia hạn"),
    "extension_reported_on": ("ngày báo cáo gia hạn",),
    "extension_ground": ("lý do gia hạn",),
    "escalated_to": ("trình cấp trên", "cơ quan cấp trên"),
    "escalated_on": ("ngày trình cấp trên",),
    "escalation_number": ("số văn bản trình",),
    "reply": (
        "số văn bản ngày",
        "số ngày văn bản",
        "số văn bản ngày tháng",
        "văn bản trả lời",
        "số ngày văn bản trả lời",
        "số văn bản trả lời ngày",
    ),
    "reply_number": ("số văn bản trả lời", "số văn bản", "số công văn trả lời", "số ký hiệu văn bản trả lời"),
    "reply_on": ("ngày văn bản", "ngày trả lời", "ngày văn bản trả lời", "ngày công văn trả lời"),
    "reply_signatory": ("người ký",),
    "reply_digest": ("mã băm văn bản",),
    "reply_text": ("nội dung trả lời", "kết quả nội dung trả lời", "kết quả", "kết quả giải quyết", "kết quả xử lý"),
    "reported_on": ("ngày báo cáo kết quả trả lời",),
    "result": ("tình trạng", "hiện trạng", "trạng thái"),
    "result_on": ("ngày giải quyết xong", "ngày hoàn thành"),
    "closed_on": ("ngày kết thúc", "ngày đóng hồ sơ"),
    "closing_ground": ("lý do kết thúc",),
    "withdrawn_on": ("ngày rút đơn",),
    "redirected_to": ("hướng dẫn công dân đến cơ quan có thẩm quyền", "cơ quan hướng dẫn đến", "chuyển đến"),
    "redirected_on": ("ngày hướng dẫn", "ngày chuyển đơn"),
}
#: Several columns may carry these; their cells are put together.
JOINED = frozenset({"note", "text", "address"})
#: A rejects file brings these; they say why a row was turned back and are not read.
REASONS = ("_line", "_column", "_reason")
COMMAND, CASE = "command", "case"


class FileMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A mapping file: heading to field, words that the office uses, values for fields that have no column."""

    columns: dict[str, str] = {}
    ignore: tuple[str, ...] = ()
    values: dict[str, dict[str, str]] = {}
    defaults: dict[str, str] = {}

    def __post_init__(self) -> None:
        for field in (*self.columns.values(), *self.values, *self.defaults):
            if field not in FIELDS:
                raise ValueError(f"{field!r} is no field; the fields are {', '.join(FIELDS)}")
        for words in (self.columns, *self.values.values()):
            _once(words)

    @functools.cached_property
    def words(self) -> dict[str, dict[str, str]]:
        """What the words of the office mean, by field and folded word."""
        return {field: {folded(word): value for word, value in words.items()} for field, words in self.values.items()}


def _once(words: Mapping[str, str]) -> None:
    """Two spellings of one word may not mean two things."""
    meant: dict[str, str] = {}
    for word, value in words.items():
        if meant.setdefault(folded(word), value) != value:
            raise ValueError(f"{word!r} is written twice, with two meanings: keep one")


# "hoả" and "hỏa", "uỷ" and "ủy": both places of the tone are right, and each typing program has its own.
_TONES = dict(
    zip(
        ("oà", "oá", "oả", "oã", "oạ", "oè", "oé", "oẻ", "oẽ", "oẹ", "uỳ", "uý", "uỷ", "uỹ", "uỵ"),
        ("òa", "óa", "ỏa", "õa", "ọa", "òe", "óe", "ỏe", "õe", "ọe", "ùy", "úy", "ủy", "ũy", "ụy"),
        strict=True,
    )
)
_TONED = re.compile(rf"(?:{'|'.join(_TONES)})(?!\w)")


@functools.lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A heading, name or word as it is compared: small letters, words only, one place for each tone.

    The Icelandic letter that looks like Đ stands for it: old conversions left it behind.
    """
    plain = normalised(text).casefold().replace("ð", "đ")
    return " ".join(re.findall(r"\w+", _TONED.sub(lambda found: _TONES[found[0]], plain)))


_KNOWN = {folded(name): field for field, names in FIELDS.items() for name in (field, *names)}


def usual_heading(field: str) -> str:
    """How offices head a field; any other text comes back as it is."""
    return FIELDS[field][0].capitalize() if field in FIELDS else field


class Columns:
    """Headings to fields, for one file."""

    def __init__(
        self, mapping: FileMapping, ignored: Iterable[str] = (), deed_fields: frozenset[str] = frozenset()
    ) -> None:
        self._given = {folded(heading): field for heading, field in mapping.columns.items()}
        self._ignored = {folded(heading) for heading in (*mapping.ignore, *ignored)}
        self._deed_fields = deed_fields
        #: The fields of the headings met so far.
        self.fields: dict[str, str] = {}
        self._headings: dict[str, str] = {}

    def field(self, heading: str) -> str:
        """The field that a heading means; empty for one that is left out. Raises UnknownColumns."""
        found = self.fields.get(heading)
        if found is None:
            found = self.fields[heading] = self._resolved(heading)
            self._headings.setdefault(found, heading)
        return found

    def knows(self, heading: str) -> bool:
        """Whether a text is a heading of which the meaning is known, be it to leave it out; a blank one is not."""
        try:
            self._resolved(heading)
        except UnknownColumns:
            return False
        return bool(folded(heading))

    def unknown_among(self, headings: Iterable[str]) -> list[str]:
        """Those of which the meaning is not known."""
        found: list[str] = []
        for heading in headings:
            try:
                self.field(heading)
            except UnknownColumns:
                found.append(heading)
        return found

    def check(self, headings: Sequence[str]) -> None:
        """Refuse a head with unknown columns, or two for one field. Raises FileRefused."""
        if COMMAND not in headings:
            self._deed_fields = frozenset()
        if unknown := self.unknown_among(headings):
            raise UnknownColumns(*unknown)
        taken: dict[str, str] = {}
        for heading in headings:
            field = self.field(heading)
            if field in taken and field not in JOINED:
                raise FileRefused(
                    Sentence(
                        f"hai cột {taken[field]!r} và {heading!r} cùng một nghĩa ({usual_heading(field)}); hãy bỏ một "
                        "cột bằng --ignore",
                        f"the columns {taken[field]!r} and {heading!r} both mean {field}: leave one out with --ignore",
                    ).both
                )
            if field:
                taken[field] = heading

    def heading(self, field: str) -> str:
        """The heading under which the file has a field; the usual one where it has none."""
        return self._headings.get(field) or usual_heading(field)

    def _resolved(self, heading: str) -> str:
        name = folded(heading)
        if heading in REASONS or name in self._ignored:
            return ""
        if (given := self._given.get(name)) is not None:
            return given
        if heading == COMMAND or heading in self._deed_fields:
            return heading
        if (known := _KNOWN.get(name)) is not None:
            return known
        # "Họ tên/Người kiến nghị/Chủ đơn": several headings for one thing.
        parts = {known for part in heading.split("/") if (known := _KNOWN.get(folded(part)))}
        if len(parts) == 1:
            return parts.pop()
        raise UnknownColumns(heading)


def decoded_mapping(content: Any) -> FileMapping:
    """A mapping from what its file holds. Raises FileRefused."""
    try:
        return msgspec.convert(_texts(content), FileMapping)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FileRefused(f"the mapping: {error}") from None


def _texts(content: Any) -> Any:
    """The same with every text normalised; a number stands for its digits."""
    match content:
        case str():
            return normalised(content)
        case bool():
            return content
        case int():
            return str(content)
        case list():
            return [_texts(each) for each in content]
        case dict():
            return {_texts(name): _texts(each) for name, each in content.items()}
        case _:
            return content
