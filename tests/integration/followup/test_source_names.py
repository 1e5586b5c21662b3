"""A name stands for one store, and a store is followed under one address: else it is refused, and both are named."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest

from services.followup.adapters.store.source_births import StoredBirths
from services.followup.application.source_names import SourceNames, SourceRefused
from services.followup.bootstrap import running
from services.followup.configured import broker_urls
from services.followup.settings import FollowupSettings
from shared.envelope import FeedPage
from shared.http.auth import Callers
from shared.rabbit.hosts import BrokerHosts
from shared.rabbit.topology import waiting_in
from shared.settings import WrongSettings, check_urls, settings_from_environment
from tests.support import forked
from tests.support.following import projection_pool, recorded
from tests.support.history import History
from tests.support.pair import get, pair, until
from tests.support.postgres import TestServer
from tests.support.projection import PACKAGES

ONE, OTHER = "http://one:8570", "http://other:8570"


def page(source: str, birth: UUID | None) -> FeedPage:
    """The first page of a store; `birth` is None while it is empty."""
    history = History()
    history.receive("p1", "2019-07-01")
    events = []
    if birth is not None:
        events = [msgspec.structs.replace(recorded(history)[0], event_id=birth)]
    return FeedPage(source=source, epoch="e", previous_id=None, head=len(events), events=events, complete_to=None)


@pytest.fixture
async def births(followup_dsn: str) -> AsyncIterator[StoredBirths]:
    async with projection_pool(followup_dsn) as pool:
        yield StoredBirths(pool)


async def test_two_stores_of_one_name__are_refused(births: StoredBirths) -> None:
    names = SourceNames(births)
    await names.claim(ONE, page("local", uuid4()))
    with pytest.raises(SourceRefused, match=f"{ONE} and {OTHER} are both called local"):
        await names.claim(OTHER, page("local", uuid4()))


async def test_two_empty_stores_of_one_name__are_refused(births: StoredBirths) -> None:
    names = SourceNames(births)
    await names.claim(ONE, page("local", None))
    with pytest.raises(SourceRefused, match="both called local"):
        await names.claim(OTHER, page("local", None))


async def test_one_store_under_two_addresses__is_refused(births: StoredBirths) -> None:
    names, birth = SourceNames(births), uuid4()
    await names.claim(ONE, page("local", birth))
    with pytest.raises(SourceRefused, match=f"{ONE} and {OTHER} are one store"):
        await names.claim(OTHER, page("local", birth))
    with pytest.raises(SourceRefused, match="one store"):
        await names.claim(OTHER, page("renamed", birth))


async def test_another_store_under_a_known_name__is_refused_until_it_is_confirmed(births: StoredBirths) -> None:
    known, other = uuid4(), uuid4()
    await SourceNames(births).claim(ONE, page("local", known))
    with pytest.raises(SourceRefused, match=f"begins with {other}.*begins with {known}.*--confirm-restored local"):
        await SourceNames(births).claim(ONE, page("local", other))
    await SourceNames(births).claim(OTHER, page("local", known))  # a store may move
    await births.confirm("local", other)
    await SourceNames(births).claim(ONE, page("local", other))


async def test_store__is_claimed_again_by_its_own_address(births: StoredBirths) -> None:
    names, birth = SourceNames(births), uuid4()
    await names.claim(ONE, page("local", None))
    await names.claim(ONE, page("local", birth))
    await names.claim(ONE, page("local", birth))
    await names.claim(OTHER, page("so-thu", uuid4()))


def test_address_that_stands_twice__is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWUP_DATABASE_URL", "postgresql:///x")
    monkeypatch.setenv("FOLLOWUP_SOURCES", f"{ONE},{ONE}/")
    with pytest.raises(WrongSettings, match=r"FOLLOWUP_SOURCES .*an address stands twice"):
        settings_from_environment(FollowupSettings)


@pytest.mark.slow
def test_two_intakes_of_one_name__are_told_by_followup_and_the_other_goes_on(
    pg_server: TestServer, tmp_path: Path
) -> None:
    with pair(pg_server, tmp_path) as made:
        one, other = made.intake().start(), made.intake(DATABASE_URL=pg_server.database("shared.postgres")).start()
        followup = made.followup(one, SOURCES=f"{one.url},{other.url}")
        followup.start(wait=False)
        until(lambda: refusal(followup.url), what="the refusal")
        told = refusal(followup.url)
        assert "both called local" in told and one.url in told and other.url in told
        assert get(f"{followup.url}/readyz", timeout=5).status_code == 200  # the pages of the first are not taken away
        until(lambda: any(s["state"] == "following" for s in followup.get("/v1/sources")["items"]))
        until(lambda: followup.metrics()["followup_sources_refused"] == 1)
        done = forked.run("followup", "rebuild", env=followup.environment)
        assert done.returncode == 1 and "called local" in done.stderr, done.stderr


def test_broker_of_a_source__stands_in_a_file_behind_its_address(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("amqp://followup:secret@broker/one\n")
    files = f"{ONE}|{tmp_path / 'one'}, {OTHER}"
    settings = FollowupSettings(
        database_url="postgresql:///x", amqp_url="amqp://followup:own@broker/own", sources=files
    )
    assert settings.feeds == (ONE, OTHER)
    assert broker_urls(settings) == {ONE: "amqp://followup:secret@broker/one", OTHER: ""}
    alone = settings.model_copy(update={"sources": ONE})
    assert broker_urls(alone) == {ONE: "amqp://followup:own@broker/own"}
    for wrong, said in (
        (f"{ONE}|{tmp_path}/none", "none: No such file"),
        (f"{ONE}|{__file__}", "must begin with amqp"),
    ):
        with pytest.raises(WrongSettings, match=f"FOLLOWUP_SOURCES: .*{said}") as raised:
            broker_urls(settings.model_copy(update={"sources": wrong}))
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ({"database_url": "postgresql://u:pa/ss@h/x"}, "FOLLOWUP_DATABASE_URL: a host or port cannot be read"),
        ({"database_url": "postgresql://h1,h2,h3/x?port=1,2"}, "FOLLOWUP_DATABASE_URL: 2 ports for 3 hosts"),
        ({"amqp_url": "amqp://u:pa/ss@h/v"}, "FOLLOWUP_AMQP_URL: a host or port cannot be read"),
        ({"amqp_url": "h:5672"}, "FOLLOWUP_AMQP_URL: it must begin with amqp:// or amqps://"),
    ],
)
def test_url_that_cannot_be_read__is_said_without_what_it_holds(urls: dict[str, str], said: str) -> None:
    with pytest.raises(WrongSettings, match=re.escape(said)) as raised:
        check_urls("FOLLOWUP", **({"database_url": "postgresql:///x", "amqp_url": ""} | urls))
    assert "pa" not in str(raised.value).replace("password", "")


@pytest.mark.slow
def test_two_provinces_and_two_followups__each_leads_one_by_its_own_broker(
    pg_server: TestServer, tmp_path: Path, fresh_vhosts: Iterator[str]
) -> None:
    urls = {name: next(fresh_vhosts) for name in ("lai-chau", "dien-bien")}
    with pair(pg_server, tmp_path) as made:
        listed = []
        for name, url in urls.items():
            store = pg_server.database("shared.postgres")
            intake = made.intake(DATABASE_URL=store, SOURCE=name, AMQP_URL=url).start()
            (tmp_path / name).write_text(url)
            listed.append(f"{intake.url}|{tmp_path / name}")
        dsn = made.followup_dsn()
        one, two = (made.followup(intake, dsn, SOURCES=",".join(listed)) for _ in range(2))
        one.start()
        until(lambda: len(leaders(dsn)) == 1, what="the first leads both")
        two.start()
        until(lambda: sorted(leaders(dsn).values()) == [1, 1], what="each leads one")
        until(lambda: all(consumers(url, f"followup.{name}.events") == 1 for name, url in urls.items()))
        one.kill()
        until(lambda: list(leaders(dsn).values()) == [2], what="the other leads both")
        assert get(f"{two.url}/progressz", timeout=5).status_code == 200


def leaders(dsn: str) -> dict[str, int]:
    """How many sources each process leads."""
    found = "SELECT holder, count(*) FROM leases WHERE name LIKE 'source:%' AND expires_at > now() GROUP BY holder"
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute(found).fetchall())


def consumers(url: str, queue: str) -> int:
    """How many consume a queue."""

    async def look() -> int:
        async with await BrokerHosts(url).connect() as connection:
            found = await waiting_in(connection, queue)
            return found[1] if found is not None else 0

    return asyncio.run(look())


def refusal(url: str) -> str:
    """What `/progressz` says while it answers 503 because of a refused source."""
    try:
        answer = get(f"{url}/progressz", timeout=5)
    except httpx.TransportError:
        return ""
    return answer.text if answer.status_code == 503 and "called" in answer.text else ""


async def test_store_of_followup__is_held_to_its_name(pg_server: TestServer) -> None:
    dsn = await pg_server.fresh(*PACKAGES)
    async with projection_pool(dsn) as pool:
        await pool.execute("UPDATE store_state SET source = 'one'")
        await pool.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id, event_id, "
            "recorded_at) VALUES (gen_random_uuid(), 1, 'DeadlineSet', '', 1, gen_random_uuid(), now())"
        )
    other = FollowupSettings(database_url=dsn, migrate=False, sources="", source="other")
    with pytest.raises(WrongSettings, match="is called one from its first event on, and not other"):
        async with running(other, Callers(local_allowed=True)):
            pass
    listed = FollowupSettings(database_url=f"{dsn},/nowhere", migrate=False, sources="")
    with pytest.raises(WrongSettings, match="name this followup unlike any other"):
        async with running(listed, Callers(local_allowed=True)):
            pass
