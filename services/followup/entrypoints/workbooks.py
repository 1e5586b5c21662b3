"""Workbooks for spreadsheets: written row by row, and a text that looks like a formula or an address stays a text."""

import io
from typing import Any


def workbook(content: io.BytesIO) -> Any:
    """An empty workbook, which goes into `content` when its block ends."""
    # Slow to load, and few processes ever write one.
    from xlsxwriter import Workbook  # type: ignore[import-untyped]

    return Workbook(content, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
