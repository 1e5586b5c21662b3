"""Why a row, or the whole file, is not imported."""


class RowRefused(Exception):
    """A row that is not imported; `column` is a field of the register or of the deed, empty where none is to blame."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


class FileRefused(Exception):
    """A file or mapping that cannot be imported at all; nothing was recorded. The message names the remedy."""


class UnknownColumn(FileRefused):
    """A column that means nothing here."""

    def __init__(self, heading: str) -> None:
        super().__init__(
            f"the column {heading!r} is not known: give its meaning in a mapping file (--mapping), "
            f"or leave it out with --ignore {heading!r}"
        )
