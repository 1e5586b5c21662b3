"""In whose names a system pushes petitions. Pure."""

from collections.abc import Collection

#: Where it stands among a caller's sources, they are all.
ANY_SOURCE = "*"


def is_own_source(source: str, name: str, sources: Collection[str]) -> bool:
    """Whether a caller may push in the name of a source: one of its sources, or, where it has none, its own name."""
    return source in sources or ANY_SOURCE in sources if sources else source == name
