"""The catalogue that comes with the product, as an example to adopt. The one door to its file."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


@cache
def shipped_fields() -> dict[str, Any]:
    """The fields of petitions, as the body of the command that adopts them; only the place is missing."""
    found: dict[str, Any] = msgspec.json.decode(
        files("shared.cases").joinpath("documents", "petition-fields.json").read_bytes()
    )
    return found
