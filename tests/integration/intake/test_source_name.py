"""A store has a name of its own from its first event on; only a developer's gets one unasked."""

from pathlib import Path

import pytest

from shared.http.tokens import mint_token
from shared.settings import WrongSettings
from tests.support.intake import Intake, served, tokens_file
from tests.support.postgres import TestServer


async def test_store_without_a_name__starts_on_a_developers_machine_alone(database: str, tmp_path: Path) -> None:
    tokens = str(tokens_file(tmp_path, mint_token("office", "office")[1]))
    with pytest.raises(WrongSettings, match="INTAKE_SOURCE: name the source"):
        async with served(database, tmp_path, source="", tokens_file=tokens):
            pass
    async with served(database, tmp_path, source="") as intake:
        assert await name_of(intake) == "local"
    with pytest.raises(WrongSettings, match="this store is called local: set INTAKE_SOURCE=local to go on"):
        async with served(database, tmp_path, source="", tokens_file=tokens):
            pass
    async with served(database, tmp_path, source="local", tokens_file=tokens) as intake:
        assert await name_of(intake) == "local"


async def test_store_of_another_name__is_refused_and_both_are_named(database: str, tmp_path: Path) -> None:
    async with served(database, tmp_path, source="lai-chau") as intake:
        assert await name_of(intake) == "lai-chau"
    with pytest.raises(WrongSettings, match=r"INTAKE_SOURCE: .*is called lai-chau .*and not dien-bien: set"):
        async with served(database, tmp_path, source="dien-bien"):
            pass
    async with served(database, tmp_path, source="") as intake:
        assert await name_of(intake) == "lai-chau"


async def name_of(intake: Intake) -> str:
    return str((await intake.get("/v1/events", limit="1")).json()["source"])


async def test_list_of_hosts__on_which_no_store_is_begun_while_one_is_away(
    pg_server: TestServer, tmp_path: Path
) -> None:
    empty = await pg_server.fresh("shared.postgres", "services.intake")
    listed = f"{empty},/nowhere"
    with pytest.raises(WrongSettings, match="no store is begun before each host of the list answers: /nowhere"):
        async with served(listed, tmp_path):
            pass
    async with served(empty, tmp_path) as intake:
        await intake.places()
    async with served(listed, tmp_path) as intake:
        assert await intake.is_ready(), "a store that was begun is served"
