"""The whole pair through its public interfaces: one petition to a breach, replay, takeover, no broker, midnights."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support import forked
from tests.support.office import AGENCIES, BEGIN
from tests.support.pair import Pair, Service, until


def caught_up(followup: Service, intake: Service) -> bool:
    """Whether followup holds every event and every midnight that intake's clock has passed."""
    head = intake.get("/v1/events", limit=1)["head"]
    now = intake.get("/v1/clock")["now"]
    items = followup.get("/v1/sources")["items"]
    return bool(items) and items[0]["position"] == head and (items[0]["horizon"] or "") >= now[:10]


def deadline_events(followup: Service) -> dict[str, tuple[Any, ...]]:
    """Every deadline event by its id: topic, instant, what it is about."""
    found: dict[str, tuple[Any, ...]] = {}
    after = 0
    while page := followup.get("/v1/events", after=after, limit=1000)["events"]:
        for event in page:
            assert event["id"] not in found, "raised twice"
            found[event["id"]] = (event["type"], event["time"], event["subject"], json.dumps(event["data"]["data"]))
        after = int(page[-1]["position"])
    return found


def rows(dsn: str, query: str) -> list[Any]:
    async def read() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    return asyncio.run(read())


def doithoai(*arguments: str, **environment: str) -> Any:
    done = forked.run(*arguments, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_one_petition__from_http_to_a_breach_in_the_metrics(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    followup = pair.followup(intake).start()
    office = pair.office(intake)
    office.places()
    office.plan()
    office.receive(1)
    office.clock("2019-08-05 08:00")
    office.schedule(1)
    office.clock("2019-08-23 08:00")
    office.act("opening", f"/v1/conferences/{office.conference}/opening")
    office.on(1, "raising", conference_id=office.conference)
    office.act("closing", f"/v1/conferences/{office.conference}/closing")
    office.clock("2019-08-30 08:00")
    office.assign(1)
    office.clock("2019-09-16 23:59")
    until(lambda: caught_up(followup, intake))
    assert not any(b["duty"] == "reply" for b in followup.get("/v1/breaches")["items"])
    office.clock("2019-09-17 00:00")
    agency = AGENCIES[1]
    breaches = f'followup_deadline_breaches_total{{agency="{agency}",kind="reply",source="local"}}'
    until(lambda: followup.metrics().get(breaches) == 1, what=breaches)
    metrics = followup.metrics()
    assert metrics[f'followup_open_deadlines{{agency="{agency}",kind="reply",source="local",status="breached"}}'] == 1
    assert (
        metrics[f'followup_unresolved_cases{{agency="{agency}",jurisdiction="H35",source="local",state="assigned"}}']
        == 1
    )
    (breach,) = [b for b in followup.get("/v1/breaches")["items"] if b["duty"] == "reply"]
    assert (breach["due_on"], breach["breached"]) == ("2019-09-16", True)
    (event,) = [e for e in deadline_events(followup).values() if e[0] == "DeadlineBreached" and "reply" in e[3]]
    assert event[1] == "2019-09-17T00:00:00+07:00"


def test_replay__gives_the_live_digest_and_the_same_twice(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    followup = pair.followup(intake).start()
    office = pair.office(intake)
    office.work(10)
    until(lambda: caught_up(followup, intake))
    live = followup.get("/v1/digest")
    (point,) = live["points"]
    at = point.split()[2]
    first = doithoai("replay", "--until", at, "--from", intake.url, "--json")
    second = doithoai("replay", "--until", at, "--from", pair.intake_dsn, "--json")
    assert first["digest"] == second["digest"] == live["digest"]
    earlier = doithoai("replay", "--until", "2019-09-17T00:00:00+07:00", "--from", intake.url, "--json")
    assert earlier["digest"] != live["digest"]


@pytest.mark.slow
def test_rebuild__in_place_while_the_api_answers(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    dsn = pair.followup_dsn()
    followup = pair.followup(intake, dsn).start()
    pair.office(intake).work(10)
    until(lambda: caught_up(followup, intake))
    before, log = followup.get("/v1/cases", limit=50), deadline_events(followup)
    report = doithoai(
        "followup", "rebuild", "--json", FOLLOWUP_DATABASE_URL=dsn, FOLLOWUP_SOURCES=intake.url
    )  # fmt: skip
    assert report["local"]["differences"] == {}
    assert followup.get("/v1/cases", limit=50) == before
    until(lambda: caught_up(followup, intake))
    assert deadline_events(followup) == log


def test_without_a_broker__the_feed_carries_the_events(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN, AMQP_URL="").start()
    followup = pair.followup(intake, AMQP_URL="").start()
    pushed = pair.followup(intake).start()
    pair.office(intake).work(10)
    until(lambda: caught_up(followup, intake) and caught_up(pushed, intake))
    assert deadline_events(followup) == deadline_events(pushed) != {}


@pytest.mark.slow
def test_followup_down_over_midnights__raises_what_an_undisturbed_one_did(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    undisturbed = pair.followup(intake, AMQP_URL="").start()
    disturbed = pair.followup(intake).start()
    office = pair.office(intake)
    office.places()
    office.plan()
    for n in range(5):
        office.receive(n)
    office.clock("2019-08-05 08:00")
    for n in range(5):
        office.schedule(n)
    disturbed.stop()
    office.hold(5)
    office.clock("2019-08-30 08:00")
    for n in range(5):
        office.assign(n)
    office.clock("2019-09-20 08:00")  # past the due date, in one leap
    office.reply(0, "2019-09-16")
    office.reply(1, "2019-09-18")
    until(lambda: caught_up(undisturbed, intake))
    disturbed.start()
    until(lambda: caught_up(disturbed, intake))
    assert deadline_events(disturbed) == deadline_events(undisturbed)


@pytest.mark.slow
def test_two_followups__one_writes_and_the_other_takes_over(pair: Pair) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    dsn = pair.followup_dsn()
    first = pair.followup(intake, dsn).start()
    second = pair.followup(intake, dsn).start()
    office = pair.office(intake)
    office.places()
    office.plan()
    office.receive(0)
    until(lambda: caught_up(first, intake) and caught_up(second, intake))
    (holder,) = rows(dsn, "SELECT holder FROM leases WHERE name = 'source:local'")
    leader, standby = (first, second) if f":{first.process.pid}:" in holder["holder"] else (second, first)  # type: ignore[union-attr]
    leader.kill()
    office.receive(1)
    until(lambda: caught_up(standby, intake), 20)
    # One that slept through its lease, as on a stalled machine, moves nothing when it wakes.
    leader.start()
    standby.signal(signal.SIGSTOP)
    office.receive(2)
    until(lambda: caught_up(leader, intake), 30)
    standby.signal(signal.SIGCONT)
    office.receive(3)
    until(lambda: caught_up(leader, intake) and caught_up(standby, intake), 30)
    reference = pair.followup(intake, AMQP_URL="").start()
    until(lambda: caught_up(reference, intake))
    assert deadline_events(leader) == deadline_events(reference)


@pytest.mark.slow
def test_second_run__goes_on_with_the_same_data(pair: Pair, tmp_path: Path) -> None:
    intake = pair.intake(CLOCK_START=BEGIN).start()
    followup = pair.followup(intake).start()
    office = pair.office(intake)
    office.places()
    office.receive(0)
    until(lambda: caught_up(followup, intake))
    log = deadline_events(followup)
    assert (intake.stop(), followup.stop()) == (0, 0)
    intake.start()
    followup.start()
    office.receive(1)
    until(lambda: caught_up(followup, intake))
    assert deadline_events(followup).items() >= log.items()
    assert followup.get("/v1/cases")["items"]
    assert "Traceback" not in intake.tail(100_000) + followup.tail(100_000)


@pytest.mark.parametrize("setting", ["FOLLOWUP_HOST=0.0.0.0", "FOLLOWUP_SOURCE_TOKEN_FILE=/nowhere", "FOLLOWUP_PORT=x"])
def test_followup__refuses_to_start(setting: str) -> None:
    name, _, value = setting.partition("=")
    environment = os.environ | {"FOLLOWUP_DATABASE_URL": "postgresql:///none", name: value}
    done = forked.run("followup", "serve", env=environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
