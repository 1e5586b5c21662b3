"""Files of records: CSV and JSON Lines, read twice and in any order; and the file of the rows that were turned back."""

import codecs
import contextlib
import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

import msgspec

from services.intake.application.importing.headings import REASONS, Columns, FileMapping, decoded_mapping
from services.intake.application.importing.refusals import FileRefused, RowRefused
from services.intake.application.importing.rows import Cells, ClosedSpan, Table
from shared.policy import UncountablePolicy
from shared.policy.reading import parse

LARGEST_FILE = 1 << 30  # bytes: it is read whole
LARGEST_MAPPING = 1 << 20  # bytes
LONGEST_CELL = 400_000  # characters
RAW = "_raw"  # in a rejects file of JSON Lines: a line that is no JSON, as a text to be mended
DELIMITERS = ",;\t"
LOOKED_AT = 40  # records at the top of a table, of which one is its head
LEAST_KNOWN = 2  # headings that make a row the head though lines stand above it

#: What other programs write, by its first bytes.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a spreadsheet (.xlsx or .ods)"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a text document (.rtf)"),
)
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype|html|head|meta|body|table|style|\?xml)\b", re.IGNORECASE)
# Letters of TCVN3 and VNI fonts inside words, as UTF-8: Vietnamese in Unicode has no such letter.
_OF_OLD_FONTS = (
    rb"(?:\xc2[\xa2-\xac\xae-\xaf\xb1-\xbf]"
    rb"|\xc3[\x84-\x87\x8b\x8e\x8f\x91\x96-\x98\x9b\x9c\x9e\x9f\xa4-\xa7\xab\xae\xaf\xb1\xb6-\xb8\xbb\xbc\xbe\xbf])"
)
# A line break, or a letter that only Unicode has: the words around it are not of one text in an old font.
_BETWEEN = re.compile(rb"[\n\xc4-\xef]")
_OLD_FONT = re.compile(rb"[A-Za-z]" + _OF_OLD_FONTS + rb"+[A-Za-z]")


_KNOWN = Columns(FileMapping())


class ImportFile(Table, Protocol):
    """A file of records, and how its rejected ones are written."""

    @property
    def titles(self) -> Sequence[int]:
        """The lines above the head of a table: titles."""
        ...

    def line_in_old_font(self) -> int:
        """The first line with two words or more in a font from before Unicode (TCVN3, VNI); 0 where there is none."""
        ...

    def write_rejected(self, output: TextIO, rejected: Sequence[tuple[ClosedSpan, str, str]]) -> None:
        """Write rejected records: where each stands, its column, the reason."""
        ...


def opened(
    path: Path,
    encoding: str = "utf-8",
    delimiter: str = "",
    knows: Callable[[str], bool] = _KNOWN.knows,
) -> ImportFile:
    """The file by its suffix: .csv, .tsv, .jsonl, .ndjson. Raises FileRefused.

    The delimiter of a table, where none is given, is the one under which `knows` finds the most headings.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        raise FileRefused(
            f"{path.name}: give a file named .csv, .tsv, .jsonl or .ndjson; save a spreadsheet as CSV UTF-8"
        )
    content = _content(path, LARGEST_FILE, f"{path.name}:")
    _refuse_other_formats(path, content)
    try:
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
            content = content.decode(encoding).encode()
    except (LookupError, UnicodeError) as error:
        raise FileRefused(f"{path.name}: --encoding: {error}") from None
    content = content.removeprefix(codecs.BOM_UTF8)
    if kind in (".jsonl", ".ndjson"):
        if delimiter:
            raise FileRefused(f"--delimiter: {path.name} has none; leave it out")
        return JsonLines(content)
    return CsvTable(_with_line_feeds(content), delimiter, knows)


def _content(path: Path, most: int, whose: str) -> bytes:
    try:
        if (size := path.stat().st_size) > most:
            raise FileRefused(f"{whose} {size} bytes; at most {most}: divide it")
        return path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{whose} cannot be read ({error.strerror}); name a file that can be") from None


def _refuse_other_formats(path: Path, content: bytes) -> None:
    found = next((name for first, name in _OTHER_FORMATS if content.startswith(first)), "")
    if not found and _WEB_PAGE.match(content.removeprefix(codecs.BOM_UTF8)[:1000]):
        found = "a web page (HTML or XML)"
    if found:
        raise FileRefused(f"{path.name} is {found}, whatever its name says: open it and save it as CSV UTF-8")


def _with_line_feeds(content: bytes) -> bytes:
    """The same with a line feed for each carriage return that stands alone: so Excel for Mac ends its lines."""
    if content.count(b"\r") == content.count(b"\r\n"):
        return content
    return re.sub(rb"\r(?!\n)", b"\n", content)


def _line_in_old_font(content: bytes) -> int:
    before = 0
    for found in _OLD_FONT.finditer(content):
        if before and not _BETWEEN.search(content, before, found.start()):
            return content.count(b"\n", 0, before) + 1
        before = found.end()
    return 0


def read_mapping(path: Path | None) -> FileMapping:
    """A mapping file, YAML or JSON. Raises FileRefused."""
    if path is None:
        return FileMapping()
    content = _content(path, LARGEST_MAPPING, f"--mapping: {path}:").removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
        decoded = _json(text) if path.suffix.lower() == ".json" else parse(text)[0]
    except UncountablePolicy as invalid:
        problem = invalid.problems[0]
        raise FileRefused(f"--mapping: {path}:{problem.line or 1}: {problem}") from None
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"--mapping: {path}: {error}") from None
    return decoded_mapping(decoded if decoded is not None else {})


def _json(text: str) -> Any:
    """JSON in which no name is written twice. Raises ValueError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{twice!r} is written twice: keep one")
        return found

    return json.loads(text, object_pairs_hook=once)


def write_rejects(path: Path, source: ImportFile, rejected: Sequence[tuple[ClosedSpan, str, str]]) -> None:
    """Every rejected row with its line, column and reason, readable by its owner alone; never half a file."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as output:
        source.write_rejected(output, rejected)
    os.replace(part, path)


class _Lines:
    """The lines of a text in bytes; remembers how far it is."""

    def __init__(self, content: bytes, position: int = 0, line: int = 0) -> None:
        self._content, self.position, self.line = content, position, line

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.position >= len(self._content):
            raise StopIteration
        end = self._content.find(b"\n", self.position) + 1 or len(self._content)
        piece = self._content[self.position : end]
        self.position = end
        self.line += 1
        try:
            return piece.decode()
        except UnicodeDecodeError:
            raise FileRefused(f"line {self.line} is not UTF-8: give --encoding, such as utf-16 or cp1258") from None


class CsvTable:
    """Comma-separated values, or semicolons or tabs. Its head is the first row that is not empty.

    Lines above it that hold no heading are titles.
    """

    of_text = True

    def __init__(
        self, content: bytes, delimiter: str = "", knows: Callable[[str], bool] = lambda heading: False
    ) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._content = content
        said, begin = _said(content)
        tops = [_Top(content, begin, each, knows) for each in delimiter or said or DELIMITERS]
        top = max(tops, key=lambda each: each.worth)
        self._delimiter = top.delimiter
        lines = _Lines(content, begin, 1 if begin else 0)
        self.headings: tuple[str, ...] = ()
        self.titles: list[int] = []
        self.numbers_at = 0
        line = lines.line + 1
        try:
            for number, cells in enumerate(self._reader(lines)):
                self.headings = tuple(cell.strip() for cell in cells)
                if number >= top.head and any(self.headings):
                    break
                if any(self.headings):
                    self.titles.append(line)
                line = lines.line + 1
        except csv.Error as error:
            raise _broken(line, error) from None
        self._begin, self._line = lines.position, lines.line
        if not any(self.headings):
            raise FileRefused("the file is empty: its first row holds the headings")

    def line_in_old_font(self) -> int:
        return _line_in_old_font(self._content)

    def records(self) -> Iterator[tuple[ClosedSpan, Cells | RowRefused]]:
        lines = _Lines(self._content, self._begin, self._line)
        start, line = lines.position, lines.line + 1
        try:
            for number, cells in enumerate(self._reader(lines)):
                span = ClosedSpan(line, start, lines.position)
                start, line = lines.position, lines.line + 1
                if number == 0 and self._numbers_columns(cells):
                    self.numbers_at = span.line
                elif any(cells):
                    yield span, self._headed(cells)
        except csv.Error as error:
            raise _broken(line, error) from None

    def cells(self, span: ClosedSpan) -> Cells:
        found = self._headed(self._again(span))
        if isinstance(found, RowRefused):
            raise found
        return found

    def write_rejected(self, output: TextIO, rejected: Sequence[tuple[ClosedSpan, str, str]]) -> None:
        kept = [n for n, heading in enumerate(self.headings) if heading not in REASONS]
        writer = csv.writer(output, delimiter=self._delimiter)
        writer.writerow([*REASONS, *(self.headings[n] for n in kept)])
        for span, column, reason in rejected:
            cells = self._again(span)
            extra = cells[len(self.headings) :]
            writer.writerow([span.line, column, reason, *(cells[n] if n < len(cells) else "" for n in kept), *extra])

    def _again(self, span: ClosedSpan) -> list[str]:
        # One record, whatever lines it has: it was read before, so it is whole.
        return next(self._reader((self._content[span.start : span.end].decode(),)))

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _headed(self, cells: list[str]) -> Cells | RowRefused:
        if len(cells) > len(self.headings) and any(cells[len(self.headings) :]):
            return RowRefused(
                "",
                f"có {len(cells)} ô dưới {len(self.headings)} cột; ô nào chứa {self._delimiter!r} thì đặt trong dấu "
                "ngoặc kép",
                f"{len(cells)} cells under {len(self.headings)} headings: quote what holds {self._delimiter!r}",
            )
        return list(zip(self.headings, cells, strict=False))

    def _numbers_columns(self, cells: list[str]) -> bool:
        """The row of printed forms that numbers the columns: (1), (2), (3)."""
        shown = [cell.strip(" ()") for cell in cells]
        return len(shown) > 1 and shown == [str(n) for n in range(1, len(shown) + 1)]


def _broken(line: int, error: csv.Error) -> FileRefused:
    return FileRefused(f"line {line}: {error}; is a quotation mark left open, or is there text behind one?")


def _said(content: bytes) -> tuple[str, int]:
    """The delimiter that a first line `sep=;` says, as Excel writes it, and where that line ends."""
    found = re.match(rb'"?sep=(.)"?\r?\n', content, re.IGNORECASE)
    return (found[1].decode(errors="replace"), found.end()) if found else ("", 0)


class _Top:
    """The top of a table as one delimiter divides it: which record is the head, and how much speaks for that."""

    def __init__(self, content: bytes, begin: int, delimiter: str, knows: Callable[[str], bool]) -> None:
        self.delimiter = delimiter
        records = _first_records(content, begin, delimiter)
        known = [sum(knows(cell) for cell in cells) for cells in records]
        filled = [n for n, cells in enumerate(records) if any(cell.strip() for cell in cells)]
        #: The number of the head among the records.
        self.head = filled[0] if filled else 0
        # Titles may stand above the head, where none of them holds a heading.
        first = next((n for n, count in enumerate(known) if count), self.head)
        if known and known[first] >= LEAST_KNOWN:
            self.head = first
        width = len(records[self.head]) if records else 0
        alike = sum(1 < len(cells) == width for cells in records)
        #: How many headings are known, then how many records are as wide as the head, then how wide.
        self.worth = (known[self.head] if known else 0, alike, width)


def _first_records(content: bytes, begin: int, delimiter: str) -> list[list[str]]:
    found: list[list[str]] = []
    # Leniently: what is wrong with a record is said when it is read.
    with contextlib.suppress(csv.Error, FileRefused):
        for cells in csv.reader(_Lines(content, begin), delimiter=delimiter):
            found.append(cells)
            if len(found) == LOOKED_AT:
                break
    return found


class JsonLines:
    """One JSON object a line."""

    of_text = False
    headings: tuple[str, ...] = ()
    titles: tuple[int, ...] = ()
    numbers_at = 0

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._decoder = msgspec.json.Decoder(dict[str, Any])

    def line_in_old_font(self) -> int:
        return _line_in_old_font(self._content)

    def records(self) -> Iterator[tuple[ClosedSpan, Cells | RowRefused]]:
        lines = _Lines(self._content)
        start = 0
        for text in lines:
            span = ClosedSpan(lines.line, start, lines.position)
            start = lines.position
            if text.strip():
                try:
                    yield span, self._decoded(text)
                except RowRefused as refused:
                    yield span, refused

    def cells(self, span: ClosedSpan) -> Cells:
        return self._decoded(self._content[span.start : span.end])

    def write_rejected(self, output: TextIO, rejected: Sequence[tuple[ClosedSpan, str, str]]) -> None:
        for span, column, reason in rejected:
            told = dict(zip(REASONS, (span.line, column, reason), strict=True))
            try:
                record = {k: v for k, v in self._decoded(self._content[span.start : span.end]) if k not in REASONS}
            except RowRefused:
                record = {RAW: self._content[span.start : span.end].decode().strip()}
            output.write(json.dumps(told | record, ensure_ascii=False) + "\n")

    def _decoded(self, line: str | bytes) -> Cells:
        try:
            found = self._decoder.decode(line)
            if isinstance(raw := found.get(RAW), str):
                found = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise RowRefused("", f"không phải là đối tượng JSON ({error})", f"no JSON object: {error}") from None
        return list(found.items())
