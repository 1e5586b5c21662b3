"""Two machines as the page of the installation has them: a standby by its name, and a receiver of the log beside it."""

import re
from pathlib import Path

import pytest

from services.intake.configured import MIGRATIONS
from shared.postgres import durable, group_commit
from tests.support.backups import log_received
from tests.support.intake import COMMUNE, served
from tests.support.replicated import STANDBY, replicated
from tests.support.waiting import until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "install-on-debian.md"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_standby__is_named_by_the_page_as_debian_calls_it() -> None:
    required = set(re.findall(r"SET synchronous_standby_names = '(.*)'", PAGE.read_text("utf-8")))
    assert required == {STANDBY}


async def test_standby_cut_off_while_the_log_is_received__nothing_is_accepted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(group_commit, "ANSWER_WITHIN", 0.7)
    monkeypatch.setattr(durable, "ANSWER_WITHIN", 0.5)
    with replicated() as servers, log_received(servers.primary, tmp_path / "wal"):
        dsn = await servers.primary.fresh(*MIGRATIONS)
        servers.require()
        async with served(dsn, tmp_path, seed_calendars=False) as intake:
            place = {"code": COMMUNE, "name": "Thị trấn", "level": "commune", "valid_from": "2004-01-01"}
            await intake.done("/v1/jurisdictions", place)
            assert servers.waited_for() == {"15/main"}
            servers.standby.kill()
            await until(lambda: not servers.waited_for())
            body = {"jurisdiction": COMMUNE, "text": "Đường."}
            assert (await intake.post("/v1/petitions", body, Idempotency_Key="a")).status_code == 503
            servers.primary.require("")
