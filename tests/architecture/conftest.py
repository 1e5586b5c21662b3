"""The code of the product as trees: for as long as one module asks for them, since the collector walks over them."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def trees() -> Mapping[str, ast.Module]:
    """The modules of the services and of what they share, by their paths."""
    paths = sorted(path for top in ("services", "shared") for path in (ROOT / top).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in paths}
