"""Why a row, or the whole file, is not imported."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from services.intake.domain import Refused
from shared.sentences import Sentence

MOST_NAMED = 30  # columns in a message
MOST_SHOWN = 80  # characters of a cell in a message
LONGEST_REASON = 750  # characters in each language: a reason may quote what it refuses


class RowRefused(Exception):
    """A row that is not imported, and why in both languages.

    `column` is a field of the register or of the event, empty where none is to blame.
    """

    def __init__(self, column: str, vi: str, en: str) -> None:
        self.column = column
        self.reason = Sentence(shortened(vi, LONGEST_REASON), shortened(en, LONGEST_REASON)).both
        super().__init__(self.reason)


class Differing(NamedTuple):
    """A column in which a row says something else than the record; what is recorded, where everybody may read it."""

    column: str
    recorded: str | None


class RowDiffers(Exception):
    """A row that says something else than what was recorded; the columns are fields of the register or of the event.

    `to_do` is what to do where the record is to follow the row, in both languages.
    """

    def __init__(self, columns: Sequence[Differing], to_do: tuple[str, str]) -> None:
        super().__init__(", ".join(each.column for each in columns))
        self.columns, self.to_do = columns, to_do


def column_of(field: str | None) -> str:
    """The column that holds a field of a command: its first part, empty where no field is to blame."""
    return (field or "").partition(".")[0].partition("[")[0]


def reason_of(refused: Refused) -> str:
    """Why the rules refuse a row, in both languages."""
    detail = refused.text.detail
    return detail.both


def shown(text: str) -> str:
    """A text in quotation marks, as a message shows it: its beginning alone where it is long."""
    return repr(shortened(text))


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """A text, or its beginning where it is long."""
    return text if len(text) <= most else text[:most] + "…"


class FileRefused(Exception):
    """A file or mapping that cannot be imported at all; nothing was recorded. The message names the remedy."""


class UnknownColumns(FileRefused):
    """Columns that mean nothing here."""

    def __init__(self, *headings: str) -> None:
        named = [shlex.quote(shortened(" ".join(heading.split()))) for heading in headings[:MOST_NAMED]]
        more = ", …" if len(headings) > MOST_NAMED else ""
        listed, ignored = ", ".join(named) + more, " ".join(f"--ignore {name}" for name in named)
        super().__init__(
            Sentence(
                f"không biết ý nghĩa của cột {listed}; hãy ghi nghĩa trong tệp --mapping, hoặc bỏ qua bằng {ignored}",
                f"not known: the columns {listed}; give their meaning in a mapping file (--mapping), or leave them out "
                f"with {ignored}",
            ).both
        )
        self.headings = headings
