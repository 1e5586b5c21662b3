"""A real intake for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.intake import Intake, served


@pytest.fixture
async def intake(placed: str, tmp_path: Path) -> AsyncIterator[Intake]:
    """An intake with a few jurisdictions and agencies; callers without a token are `local`."""
    async with served(placed, tmp_path) as running:
        yield running
