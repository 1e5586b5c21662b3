"""Entity tags (RFC 9110, 8.8.3): what `If-Match` and `If-None-Match` ask of a version."""

import re
from collections.abc import Container

#: A version that `*` stands for: any that there is.
ANY_VERSION = range(1, 2**63)

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[\s,]*{_TAG}(?:\s*,[\s,]*{_TAG})*[\s,]*")
_EACH = re.compile(_TAG)
_VERSION = re.compile(r'(?P<quote>"?)(?P<version>0|[1-9]\d{0,17})(?P=quote)')


class InvalidTags(ValueError):
    """A header that is no list of entity tags."""


def versions_matched(header: str) -> Container[int] | None:
    """The versions that an `If-Match` allows; None where it asks for nothing. A weak tag matches none (strong
    comparison), and neither does one that is no version of ours. Raises InvalidTags."""
    value = header.strip()
    if not value:
        return None
    if (only := _VERSION.fullmatch(value)) is not None:  # without quotes too: older callers send it so
        return (int(only["version"]),)
    if value == "*":
        return ANY_VERSION
    return frozenset(int(found["version"]) for tag in _tags(value) if (found := _VERSION.fullmatch(tag)) is not None)


def is_known(header: str, tag: str) -> bool:
    """Whether an `If-None-Match` names a tag, by weak comparison; a header that cannot be read names none."""
    value = header.strip()
    try:
        return bool(value) and (value == "*" or tag in [each.removeprefix("W/") for each in _tags(value)])
    except InvalidTags:
        return False


def _tags(value: str) -> list[str]:
    if _LIST.fullmatch(value) is None:
        raise InvalidTags
    return _EACH.findall(value)
