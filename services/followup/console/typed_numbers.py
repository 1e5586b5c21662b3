"""A whole number as people type it, or as a form of ours carries it. Pure."""

MAX_DIGITS = 18  # the interpreter refuses to read thousands


def typed_number(text: str) -> int | None:
    """The number; None where it is none, or longer than any of ours."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= MAX_DIGITS else None
