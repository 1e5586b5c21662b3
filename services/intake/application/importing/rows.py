"""Records of a file as rows with a meaning, which rows belong to one case, and which of a table are none."""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from services.intake.application.command_body import MAX_SHORT
from services.intake.application.importing.case_events import RegisterAct, act_of, names_in
from services.intake.application.importing.headings import CASE, COMMAND, Columns, FileMapping, folded
from services.intake.application.importing.refusals import RowRefused, UnknownColumns
from services.intake.application.importing.values import as_text, register_row
from services.intake.domain.permissions import REGULATION
from shared.identifiers import normalised

Cells = Sequence[tuple[str, Any]]

ORDINAL = "ordinal"
MOST_FILLED = 3  # cells of a line that is no petition: a number, words, a count
#: A table of petitions has lines between them that are none: headings of its parts, numbered I or A, and totals.
_OF_A_PART = re.compile(r"(?:[IVXLC]{1,8}|[A-Z])[.)]?")
_OF_A_ROW = re.compile(r"\d{1,9}[.)]?")
_TOTAL = re.compile(
    r"(?:tổng cộng|tổng số|cộng)(?: (?:\d+|kiến|nghị|đơn|ý|phản|ánh|vụ|việc|hồ|sơ|lượt|người|câu|hỏi))*"
)


class ClosedSpan(msgspec.Struct, frozen=True):
    """Where a record stands in the file: its first line, from 1, and its bytes."""

    line: int
    start: int
    end: int


class Table(Protocol):
    """A file of records."""

    @property
    def of_text(self) -> bool:
        """Whether every value is a cell of text."""
        ...

    @property
    def numbers_at(self) -> int:
        """The line that numbers the columns of a table, once its records were read; 0 where there is none."""
        ...

    @property
    def headings(self) -> Sequence[str]:
        """The headings of its head, if it has one."""
        ...

    def records(self) -> Iterator[tuple[ClosedSpan, Cells | RowRefused]]:
        """Every record in order; blank ones are left out. Raises FileRefused."""
        ...

    def cells(self, span: ClosedSpan) -> Cells:
        """One record again. Raises RowRefused."""
        ...


class Row(msgspec.Struct, frozen=True):
    """A record that can be understood: a line of a register, or an act."""

    index: int
    case: str
    content: bytes
    register: dict[str, str] | None
    act: RegisterAct | None = None
    #: The fields of the register that stand in the row itself; the others are the mapping's defaults.
    columns: frozenset[str] = frozenset()


class Index:
    """The rows of a file by number, and the numbers that belong together; `first` those with conferences."""

    def __init__(self) -> None:
        self._lines, self._starts, self._ends = array("Q"), array("Q"), array("Q")
        self.regulation: list[int] = []
        self.first: list[tuple[int, ...]] = []
        self.groups: list[tuple[int, ...]] = []
        #: The lines of what stands in a table and is no petition: headings of parts, totals, numbers of empty rows.
        self.passed_over: list[int] = []

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, span: ClosedSpan) -> int:
        """A record's number."""
        self._lines.append(span.line)
        self._starts.append(span.start)
        self._ends.append(span.end)
        return len(self._lines) - 1

    def span(self, index: int) -> ClosedSpan:
        """Where a record stands."""
        return ClosedSpan(self._lines[index], self._starts[index], self._ends[index])


class Rows:
    """Reads the rows of one table under one mapping. Raises UnknownColumns, with those of every row."""

    def __init__(self, table: Table, columns: Columns, mapping: FileMapping) -> None:
        self.table, self.columns, self._mapping = table, columns, mapping
        fields = [columns.field(heading) for heading in table.headings]
        self._has_head = bool(fields)
        self._without_acts = self._has_head and COMMAND not in fields
        self._case_at = fields.index(CASE) if CASE in fields else None
        self._ordinal_at = fields.index(ORDINAL) if ORDINAL in fields else None
        self._unknown: dict[str, None] = {}
        self.index = self._indexed()
        if self._unknown:
            raise UnknownColumns(*self._unknown)

    def row(self, index: int) -> Row:
        """One row. Raises RowRefused."""
        cells = self.table.cells(self.index.span(index))
        if (given := self._as_act(cells)) is not None:
            act = act_of(self._named(given), from_text=self.table.of_text)
            content = msgspec.json.encode([act.topic, act.case, act.fields], order="sorted")
            return Row(index, _name(act.case), content, None, act)
        row, columns = register_row(cells, self.columns, self._mapping)
        row.pop("ordinal", None)
        return Row(index, _name(row.get(CASE, "")), msgspec.json.encode(row, order="sorted"), row, columns=columns)

    def _named(self, given: dict[str, Any]) -> dict[str, Any]:
        """In a table the case of an act may stand under any heading that means so."""
        if not self.table.of_text:
            return given
        return {(CASE if self.columns.field(name) == CASE else name): value for name, value in given.items()}

    def _indexed(self) -> Index:
        index, cases = Index(), _Cases()
        # Whether I, II, III number the parts of a table or its rows is known once 1, 2, 3 were met, or never.
        parts: list[tuple[ClosedSpan, Cells]] = []
        numbered, case_at = not self._has_head, self._case_at
        for span, cells in self.table.records():
            if self._has_head and not isinstance(cells, RowRefused):
                numbered = numbered or _OF_A_ROW.fullmatch(self._ordinal(cells)) is not None
                if case_at is None or case_at >= len(cells) or not cells[case_at][1]:
                    kind = self._no_petition(cells)
                    if kind == "part":
                        parts.append((span, cells))
                    elif kind == "other":
                        index.passed_over.append(span.line)
                    if kind:
                        continue
            self._add(index, cases, span, cells)
        if numbered:
            index.passed_over.extend(span.line for span, _ in parts)
            index.passed_over.sort()
        else:
            for span, cells in parts:
                self._add(index, cases, span, cells)
        index.first, index.groups = cases.groups()
        return index

    def _add(self, index: Index, cases: "_Cases", span: ClosedSpan, cells: Cells | RowRefused) -> None:
        number = index.add(span)
        if isinstance(cells, RowRefused):
            cases.alone(number)
        elif (given := self._as_act(cells)) is not None:
            self._index_act(index, cases, number, given)
        else:
            try:
                cases.join(number, self._case(cells))
            except RowRefused:
                cases.alone(number)

    def _ordinal(self, cells: Cells) -> str:
        place = self._ordinal_at
        return "" if place is None or place >= len(cells) else normalised(cells[place][1])

    def _no_petition(self, cells: Cells) -> str:
        """What a line without a case is that is no petition: the heading of a `part`, or an `other` one; else empty."""
        filled = [cell for cell in cells if cell[1]]
        if len(filled) > MOST_FILLED or self._as_act(cells) is not None:
            return ""
        ordinal = self._ordinal(cells)
        said = [text for heading, text in filled if self.columns.field(heading) not in ("", ORDINAL)]
        if not said:
            return "other" if ordinal else ""
        if _OF_A_ROW.fullmatch(ordinal):
            return ""
        if any(len(text) <= MAX_SHORT and _TOTAL.fullmatch(folded(text)) for text in (ordinal, said[0])):
            return "other"
        return "part" if len(said) == 1 and _OF_A_PART.fullmatch(ordinal) else ""

    def _index_act(self, index: Index, cases: "_Cases", number: int, given: dict[str, Any]) -> None:
        try:
            act = act_of(self._named(given), from_text=self.table.of_text)
        except RowRefused:
            cases.alone(number)
            return
        aggregate = act.route.aggregate
        if aggregate in REGULATION:
            index.regulation.append(number)
            return
        cases.join(number, act.case, first=aggregate == "conference")
        for other in names_in({name: value for name, value in act.fields.items() if name != "conference_id"}):
            cases.link(act.case, other)

    def _as_act(self, cells: Cells) -> dict[str, Any] | None:
        """The cells of a row that names its event; None for a row of a register."""
        if self._without_acts:
            return None
        return next((dict(cells) for heading, value in cells if heading == COMMAND and value), None)

    def _case(self, cells: Cells) -> str:
        if not self._has_head:
            # Every heading is looked at, so that an unknown one stops the import before anything is recorded.
            if unknown := self.columns.unknown_among(heading for heading, _ in cells):
                self._unknown.update(dict.fromkeys(unknown))
                return ""
            found = [value for heading, value in cells if self.columns.field(heading) == CASE]
        else:
            found = [] if self._case_at is None or self._case_at >= len(cells) else [cells[self._case_at][1]]
        return as_text(found[0], CASE) if found else ""


class _Cases:
    """Which rows are of one case, and which cases cannot be told one without the other."""

    def __init__(self) -> None:
        # Names are kept by their hash: two that met would only share a transaction.
        self._rows: dict[int, list[int] | int] = {}
        self._alone: list[int] = []
        self._links: list[tuple[int, int]] = []
        self._first: set[int] = set()

    def alone(self, number: int) -> None:
        self._alone.append(number)

    def join(self, number: int, case: str, *, first: bool = False) -> None:
        if not case:
            self.alone(number)
            return
        node = hash(case)
        if first:
            self._first.add(node)
        match self._rows.get(node):
            case None:
                self._rows[node] = number
            case int() as only:
                self._rows[node] = [only, number]
            case list() as several:
                several.append(number)

    def link(self, case: str, other: str) -> None:
        self._links.append((hash(case), hash(other)))

    def groups(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Those with conferences, because petitions are decided against them; then the others; as in the file."""
        merged = self._merged()
        first: list[tuple[int, ...]] = []
        others: list[tuple[int, ...]] = [(number,) for number in self._alone]
        for node, rows in self._rows.items():
            if node not in merged:
                found = first if node in self._first else others
                found.append((rows,) if isinstance(rows, int) else tuple(rows))
        for nodes in {id(nodes): nodes for nodes in merged.values()}.values():
            found = others if nodes.isdisjoint(self._first) else first
            found.append(tuple(sorted(number for node in nodes for number in self._numbers(node))))
        return sorted(first), sorted(others)

    def _numbers(self, node: int) -> Iterable[int]:
        rows = self._rows[node]
        return (rows,) if isinstance(rows, int) else rows

    def _merged(self) -> dict[int, set[int]]:
        """For each linked case the set of cases that go with it."""
        sets: dict[int, set[int]] = {}
        for one, other in self._links:
            if one not in self._rows or other not in self._rows or one == other:
                continue
            first, second = sets.setdefault(one, {one}), sets.setdefault(other, {other})
            if first is not second:
                if len(first) < len(second):
                    first, second = second, first
                first |= second
                for node in second:
                    sets[node] = first
        return sets


def _name(case: str) -> str:
    if len(case) > MAX_SHORT:
        raise RowRefused(
            CASE, f"dài {len(case)} ký tự; tối đa là {MAX_SHORT}", f"{len(case)} characters; at most {MAX_SHORT}"
        )
    return case


def is_id(text: str) -> UUID | None:
    """The id that a text is; None for a name."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
