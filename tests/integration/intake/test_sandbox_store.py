"""A store that was begun as a sandbox serves as nothing else, and no other store becomes one."""

from pathlib import Path
from typing import Any

import pytest

from services.intake.settings import SANDBOX_SOURCE
from shared.settings import WrongSettings
from tests.support.intake import served

BEGUN = "2026-01-05T08:00:00+07:00"
SANDBOX: dict[str, Any] = {"source": SANDBOX_SOURCE, "sandbox": True, "clock_start": BEGUN}


async def test_sandbox__is_served_again_as_one_and_never_otherwise(database: str, tmp_path: Path) -> None:
    for _ in range(2):
        async with served(database, tmp_path, **SANDBOX) as intake:
            assert (await intake.get("/v1/clock")).json()["movable"]
            assert (await intake.get("/sandbox")).status_code == 404  # its desk is no part of intake
    for production in ({"source": SANDBOX_SOURCE}, SANDBOX | {"sandbox": False}, {"source": "lai-chau"}):
        with pytest.raises(WrongSettings, match="begun as a sandbox"):
            async with served(database, tmp_path, **production):
                pass


@pytest.mark.parametrize("clock", [{}, {"clock_start": BEGUN}])
async def test_other_store__never_becomes_a_sandbox(database: str, tmp_path: Path, clock: dict[str, Any]) -> None:
    async with served(database, tmp_path, source="lai-chau", **clock):
        pass
    with pytest.raises(WrongSettings, match="not begun as a sandbox"):
        async with served(database, tmp_path, **SANDBOX):
            pass


async def test_production_store_of_that_name__goes_on_and_is_no_sandbox(database: str, tmp_path: Path) -> None:
    for _ in range(2):
        async with served(database, tmp_path, source=SANDBOX_SOURCE):
            pass
    with pytest.raises(WrongSettings, match="not begun as a sandbox"):
        async with served(database, tmp_path, **SANDBOX):
            pass


async def test_marks_of_a_sandbox__begin_no_other_store(database: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="INTAKE_SANDBOX"):
        async with served(database, tmp_path, **SANDBOX | {"sandbox": False}):
            pass
    async with served(database, tmp_path, source="lai-chau"):  # nothing was settled by it
        pass


@pytest.mark.parametrize(
    "wrong",
    [{"host": "0.0.0.0"}, {"public_url": "https://thu.example.vn"}, {"source": "local"}, {"clock_start": None}],
)
async def test_sandbox__begins_only_with_all_of_its_marks(database: str, tmp_path: Path, wrong: dict[str, Any]) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text('{"tokens": [{"name": "a", "sha256": "' + "0" * 64 + '", "role": "office"}]}')
    with pytest.raises(WrongSettings, match="listens on loopback"):
        async with served(database, tmp_path, **(SANDBOX | {"tokens_file": str(tokens)} | wrong)):
            pass
