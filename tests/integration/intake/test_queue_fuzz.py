"""The long run of mutated messages for the command queue."""

from pathlib import Path

import pytest

from shared.http.auth import mint_token
from tests.support.intake import served, tokens_file
from tests.support.queue_fuzz import fuzzed
from tests.support.rabbit import UrlOf, forget_store

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("seed", range(5))
async def test_fuzzed_messages__stop_nothing_and_lose_no_good_command(
    database: str, tmp_path: Path, broker_url_of: UrlOf, seed: int
) -> None:
    tokens = str(tokens_file(tmp_path, mint_token("cong-tinh", "system", "H35", amqp_user="portal")[1]))
    async with served(database, tmp_path) as first:
        await first.places()
    await forget_store(broker_url_of("intake"))
    async with served(database, tmp_path, amqp_url=broker_url_of("intake"), tokens_file=tokens) as intake:
        await fuzzed(intake, broker_url_of("portal"), "portal", rounds=400, seed=seed)
