"""The version of a record at its source: a whole number or an instant, in the one form in which two are compared."""

import re
from datetime import UTC, datetime

from shared.identifiers import normalised

MAX_VERSION = 64  # characters
_NUMBER = re.compile(r"[0-9]+")


def kept_version(text: str) -> str | None:
    """The version as it is kept: a number without leading zeros, an instant in UTC to the microsecond.

    None where it is neither.
    """
    given = normalised(text)
    if len(given) <= MAX_VERSION:
        if _NUMBER.fullmatch(given):
            return given.lstrip("0") or "0"
        try:
            instant = datetime.fromisoformat(given)
            if instant.tzinfo is not None:
                return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        except (ValueError, OverflowError):
            pass
    return None


def is_instant(version: str) -> bool:
    """Whether a kept version is an instant. It comes after every number, so that none comes after it."""
    return version.endswith("Z")


def rank(version: str) -> tuple[bool, int, str]:
    """By which kept versions are ordered; none, of what was recorded without one, comes before all.

    The store orders them in the same way where two processes keep one at a time.
    """
    return is_instant(version), len(version), version
