"""The documents that come with the product, read once as the constants that they are. The one door to their files."""

from functools import cache
from importlib.resources import files

from shared.policy.reading import read_policy
from shared.policy.schema import Policy

DOCUMENTS = ("plan-570", "communes-2025", "youth-dialogue", "citizen-reception")


@cache
def shipped_text(name: str) -> str:
    """The text of a shipped document. Raises FileNotFoundError for a name that is not among DOCUMENTS."""
    return files("shared.policy").joinpath("documents", f"{name}.yaml").read_text("utf-8")


@cache
def shipped_policy(name: str) -> Policy:
    """A shipped document. Raises FileNotFoundError."""
    return read_policy(shipped_text(name))


#: Plan 570/KH-UBND of Tam Đường district: what holds where nothing else was adopted.
DEFAULT_POLICY = shipped_policy("plan-570")
