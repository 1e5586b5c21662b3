"""Why a row, or the whole file, is not imported."""

from services.intake.domain import Refused

MOST_SHOWN = 80  # characters of a cell in a message
LONGEST_REASON = 1_500  # characters: a reason may quote what it refuses


class RowRefused(Exception):
    """A row that is not imported; `column` is a field of the register or of the event, empty where none is to blame."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, _shortened(reason, LONGEST_REASON)


def column_of(field: str | None) -> str:
    """The column that holds a field of a command: its first part, empty where no field is to blame."""
    return (field or "").partition(".")[0].partition("[")[0]


def reason_of(refused: Refused) -> str:
    """Why the rules refuse a row, in both languages."""
    detail = refused.text.detail
    return f"{detail.vi} / {detail.en}"


def shown(text: str) -> str:
    """A text in quotation marks, as a message shows it: its beginning alone where it is long."""
    return repr(_shortened(text, MOST_SHOWN))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


class FileRefused(Exception):
    """A file or mapping that cannot be imported at all; nothing was recorded. The message names the remedy."""


class UnknownColumn(FileRefused):
    """A column that means nothing here."""

    def __init__(self, heading: str) -> None:
        super().__init__(
            f"the column {shown(heading)} is not known: give its meaning in a mapping file (--mapping), "
            f"or leave it out with --ignore {shown(heading)}"
        )
