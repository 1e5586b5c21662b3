"""The client library against a real intake: pushes, references with a slash, the feed exactly once, a day compared."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from doithoai_client import AsyncClient, CallRefused, DayRecord, FeedEvent, FeedQuestion, SqliteStore
from shared.http.tokens import mint_token
from tests.support.intake import COMMUNE, PROVINCE, Intake, placed, served, tokens_file

__all__ = ["placed"]

SOURCE = "cong-tinh"
BODY = {"jurisdiction": COMMUNE, "text": "Rác ở chợ ba ngày mới thu gom."}


async def came(calls: AsyncClient, path: Path) -> list[tuple[str, str]]:
    """What is new in the feed since the last time."""
    found: list[tuple[str, str]] = []

    async def handle(event: FeedEvent, _: sqlite3.Connection) -> None:
        found.append((event.type, event.external_id))

    with SqliteStore(path) as store:
        await calls.consume(store, handle, FeedQuestion(mine=True), limit=2)
    return found


async def test_library__pushes_follows_and_compares(placed: str, tmp_path: Path) -> None:
    token, entry = mint_token("portal", "system", PROVINCE, sources=(SOURCE,))
    async with (
        served(placed, tmp_path, tokens_file=str(tokens_file(tmp_path, entry))) as intake,
        AsyncClient(SOURCE, token, str(intake.client.base_url)) as calls,
    ):
        assert (await calls.put("TN-1", "1", BODY)).result == "created"
        assert (await calls.put("7/2026", "1", BODY)).result == "created"
        assert (await calls.put("7/2026", "2", BODY | {"channel": "điện thoại"})).result == "changed"
        items = [BODY | {"external_id": f"B-{n}", "source_version": "1"} for n in range(3)]
        items[1] |= {"kind": "letter"}
        batch = [each async for each in calls.batch(items)]
        assert [each.refused.code if each.refused else "" for each in batch] == ["", "invalid-body", ""]
        with pytest.raises(CallRefused) as refused:
            await calls.put("TN-2", "1", {"jurisdiction": "VN"})
        assert refused.value.vi and refused.value.en
        assert (await calls.answer("7/2026")).state == "received"
        await calls.withdraw("7/2026")
        received = [("PetitionReceived", name) for name in ("TN-1", "7/2026")]
        news = await came(calls, tmp_path / "s")
        assert news[:3] == [*received, ("PetitionCorrected", "7/2026")]
        assert len(news) == 6 and news[-1] == ("PetitionWithdrawn", "7/2026")
        assert await came(calls, tmp_path / "s") == []
        await compare(calls, intake)


async def compare(calls: AsyncClient, intake: Intake) -> None:
    changed = (await calls.changes()).items
    day = date.fromisoformat(await intake.today())
    own = [DayRecord(each.external_id, each.source_version, each.state) for each in changed]
    assert {each.external_id: each.state for each in own}["7/2026"] == "withdrawn" and len(own) == 4
    assert (await calls.reconcile(day, own)).differences == ()
    (found,) = (await calls.reconcile(day, own[1:])).differences
    assert found.ours is None and found.theirs == own[0]
