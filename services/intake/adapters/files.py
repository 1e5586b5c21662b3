"""Files of records: CSV and JSON Lines, read twice and in any order; and the file of the rows that were turned back."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

import msgspec

from services.intake.application.importing.headings import REASONS, FileMapping, decoded_mapping
from services.intake.application.importing.refusals import FileRefused, RowRefused
from services.intake.application.importing.rows import Cells, ClosedSpan, Table

LONGEST_CELL = 400_000  # characters
RAW = "_raw"  # in a rejects file of JSON Lines: a line that is no JSON, as a text to be mended
DELIMITERS = ",;\t"


class ImportFile(Table, Protocol):
    """A file of records, and how its rejected ones are written."""

    def write_rejected(self, output: TextIO, rejected: Sequence[tuple[ClosedSpan, str, str]]) -> None: ...


def opened(path: Path, encoding: str = "utf-8") -> ImportFile:
    """The file by its suffix: .csv, .tsv, .jsonl, .ndjson. Raises FileRefused."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        raise FileRefused(f"{path.name}: give a file named .csv, .tsv, .jsonl or .ndjson")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read ({error.strerror})") from None
    try:
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
            content = content.decode(encoding).encode()
    except (LookupError, UnicodeError) as error:
        raise FileRefused(f"{path.name}: --encoding: {error}") from None
    content = content.removeprefix(b"\xef\xbb\xbf")
    return CsvTable(content) if kind in (".csv", ".tsv") else JsonLines(content)


def read_mapping(path: Path | None) -> FileMapping:
    """A mapping file, YAML or JSON. Raises FileRefused."""
    if path is None:
        return FileMapping()
    try:
        content = path.read_bytes()
        decoded = msgspec.json.decode(content) if path.suffix.lower() == ".json" else msgspec.yaml.decode(content)
    except OSError as error:
        raise FileRefused(f"--mapping: {path} cannot be read ({error.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileRefused(f"--mapping: {path}: {error}") from None
    return decoded_mapping(decoded if decoded is not None else {})


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
    """Comma-separated values, or semicolons or tabs; the first row that is not empty is the head."""

    of_text = True

    def __init__(self, content: bytes) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self._content = content
        self._delimiter = _delimiter(content)
        lines = _Lines(content)
        self.headings: tuple[str, ...] = ()
        for cells in self._reader(lines):
            self.headings = tuple(cell.strip() for cell in cells)
            if any(self.headings):
                break
        self._begin, self._line = lines.position, lines.line
        if not any(self.headings):
            raise FileRefused("the file is empty: its first row holds the headings")

    def records(self) -> Iterator[tuple[ClosedSpan, Cells | RowRefused]]:
        lines = _Lines(self._content, self._begin, self._line)
        start, line = lines.position, lines.line + 1
        try:
            for number, cells in enumerate(self._reader(lines)):
                span = ClosedSpan(line, start, lines.position)
                start, line = lines.position, lines.line + 1
                if any(cells) and not (number == 0 and self._numbers_columns(cells)):
                    yield span, self._headed(cells)
        except csv.Error as error:
            raise FileRefused(f"line {line}: {error}; is a quotation mark left open?") from None

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
            return RowRefused("", f"{len(cells)} cells under {len(self.headings)} headings: quote what holds a comma")
        return list(zip(self.headings, cells, strict=False))

    def _numbers_columns(self, cells: list[str]) -> bool:
        """The row of printed forms that numbers the columns: (1), (2), (3)."""
        shown = [cell.strip(" ()") for cell in cells]
        return len(shown) > 1 and shown == [str(n) for n in range(1, len(shown) + 1)]


def _delimiter(content: bytes) -> str:
    head = content.lstrip().partition(b"\n")[0].decode(errors="replace")
    return max(DELIMITERS, key=head.count)


class JsonLines:
    """One JSON object a line."""

    of_text = False
    headings: tuple[str, ...] = ()

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._decoder = msgspec.json.Decoder(dict[str, Any])

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
        except (msgspec.DecodeError, UnicodeError) as error:
            raise RowRefused("", f"no JSON object: {error}") from None
        return list(found.items())
