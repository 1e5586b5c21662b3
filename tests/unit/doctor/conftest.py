"""A folder for tests of who may read what."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.doctor import system


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests speak of a machine with several accounts, in whatever they run themselves."""
    monkeypatch.setattr(system, "in_container", lambda: False)


@pytest.fixture
def reached() -> Iterator[Path]:
    """A folder that whoever has an account on the machine may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="doithoai-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
