"""Faults in what is sent: poison, floods, huge bodies, races, retries, revoked tokens."""

import asyncio
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from shared.event_store.append import Append, NewEvent
from shared.events import Event, Metadata, encode_state
from shared.events.petition import Attachment, PetitionReceived
from shared.events.regulation import PolicyAdopted
from shared.http.auth import mint_token
from shared.identifiers import derived_id
from shared.policy import Policy
from shared.postgres.append import append_in
from tests.support import oracle
from tests.support.chaos import Scene, Scenes, fault
from tests.support.flood import Flood
from tests.support.office import DISTRICT
from tests.support.pair import Service, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

BACKLOG = 100_000  # events
OVERLOAD = 60.0  # seconds
CLIENTS = 400
LAG = 'followup_reader_lag_events{source="local"}'


def post(service: Service, path: str, body: Any = None, key: str = "", **headers: str) -> httpx.Response:
    """One command, sent once."""
    named = {name.replace("_", "-"): value for name, value in headers.items()} | (
        {"Idempotency-Key": key} if key else {}
    )
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    named["Content-Type"] = "application/json"
    return httpx.post(f"{service.url}{path}", content=content, headers=named, timeout=60, verify=False)


@fault("17, 18", "Poison event of a petition", "a release that fails on PetitionMarkedComplex; then mended, unparked",
       "that petition waits, its neighbours flow; shown; refolded: I3 I6")  # fmt: skip
def test_poison_of_a_petition(staged: Scenes) -> None:
    with staged() as scene:
        scene.followup.program = ["-m", "tests.support.crashing", "bug:PetitionMarkedComplex"]
        scene.start().work()
        until(lambda: scene.has_ended() and not scene.behind(), 110, "the others flow")
        parked = {row[0] for row in oracle.rows(scene.projection, "SELECT petition_id FROM parked_events")}
        assert [str(p) for p in parked] == [scene.office.petitions[4]], "exactly the complex one waits"
        metric = 'followup_parked_events{source="local"}'
        until(lambda: scene.followup.metrics().get(metric, 0) > 0, 15, "the metric shows it")
        scene.followup.stop()
        scene.followup.program = ["-m", "services.cli"]
        scene.followup.start()
        for petition in parked:
            print(scene.doithoai("followup", "unpark", str(petition)))
        scene.check()


@fault("17", "Poison event of a conference", "a release whose fold fails on ConferenceClosed; then mended",
       "the source stops loudly at it; I3")  # fmt: skip
def test_poison_of_a_conference(staged: Scenes) -> None:
    with staged() as scene:
        scene.followup.program = ["-m", "tests.support.crashing", "bug:ConferenceClosed"]
        scene.start().work()
        stopped = 'followup_source_stopped{source="local"}'
        until(lambda: scene.followup.metrics().get(stopped) == 1, 90, "stopped loudly")
        scene.followup.stop()
        scene.followup.program = ["-m", "services.cli"]
        scene.followup.start()
        scene.check()


@fault("19", "Slow consumer, 100 k backlog", "each batch takes 0.2 s more while 100 000 events are appended; then not",
       "memory bounded; the lag is shown, then drained; I2 I3")  # fmt: skip
def test_slow_consumer_with_a_backlog(staged: Scenes) -> None:
    with staged(tap=False) as scene:
        scene.followup.program = ["-m", "tests.support.crashing", "slow:0.2"]
        scene.start()
        asyncio.run(_backlog(scene.store, BACKLOG))
        until(lambda: scene.followup.metrics().get(LAG, 0) > 1000, 60, "the lag is shown")
        scene.followup.stop()
        scene.followup.program = ["-m", "services.cli"]
        position, since = scene.position(), time.monotonic()
        scene.followup.start()
        until(lambda: scene.position() == scene.head(), 200, "drained")
        scene.note(f"drained {round((scene.head() - position) / (time.monotonic() - since)):,} events/s with its start")
        scene.work()
        until(lambda: scene.has_ended() and not scene.behind(), 150, "everything has caught up")
        assert oracle.facts(scene.projection) == oracle.stored_events(scene.store)
        assert oracle.raised(scene.projection) == oracle.raised(scene.reference) != {}
        largest = max(scene.largest.values())
        scene.note(f"largest process {largest >> 20} MB")
        assert largest < 600 * 1024 * 1024


@fault("19, 49", "400 MB of large events", "400 petitions with 8,500 attachments each, as older releases took them",
       "memory bounded; everything is read, relayed and rebuilt; I2 I3")  # fmt: skip
def test_events_that_are_large(staged: Scenes) -> None:
    with staged(tap=False) as scene:
        scene.start()
        attachments = tuple(Attachment(digest=f"{number:064x}", size=number) for number in range(8_500))
        asyncio.run(_backlog(scene.store, 400, 10, attachments))
        until(lambda: scene.position() == scene.head(), 200, "everything is read")
        scene.work()
        until(lambda: scene.has_ended() and not scene.behind(), 150, "everything has caught up")
        assert oracle.facts(scene.projection) == oracle.stored_events(scene.store)
        assert oracle.raised(scene.projection) == oracle.raised(scene.reference) != {}
        for name, largest in scene.largest.items():
            scene.note(f"{name} {largest >> 20} MB")
            assert largest < 400 * 1024 * 1024


async def _backlog(dsn: str, count: int, at_once: int = 1000, attachments: tuple[Attachment, ...] = ()) -> None:
    connection = await asyncpg.connect(dsn)
    for first in range(0, count, at_once):
        async with connection.transaction():
            await append_in(connection, [_received(n, attachments) for n in range(first, first + at_once)])
    await connection.close()


async def _append(dsn: str, what: Append) -> None:
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        await append_in(connection, [what])
    await connection.close()


def _received(number: int, attachments: tuple[Attachment, ...]) -> Append:
    petition, event_id = derived_id("backlog", number), derived_id("backlog-event", number)
    event = PetitionReceived(
        effective_on=date(2019, 7, 1),
        jurisdiction="H35.10.31",
        petitioner_ids=(f"b{number}",),
        attachments=attachments,
    )
    return _recorded(event, petition, event_id, "H35.10.31")


def _recorded(event: Event, originator: UUID, event_id: UUID, jurisdiction: str) -> Append:
    """The first event of an aggregate, as it stands in the store."""
    aggregate = event.AGGREGATE
    meta = Metadata(
        event_id=event_id, aggregate=aggregate, jurisdiction=jurisdiction, actor="bulk", correlation_id=event_id
    )
    state = encode_state(event, meta)
    new = NewEvent(originator_id=originator, version=1, topic=event.TOPIC, state=state, event_id=event_id)
    return Append(events=(new,), expected={originator: 0})


@fault("42", "Regulation that cannot be counted", "days that their month has not, appended by SQL as of old",
       "what they concern is listed, all else flows; annulled, nothing is listed")  # fmt: skip
def test_regulation_that_cannot_be_counted(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some(10, 20))
        plan = {"jurisdiction": DISTRICT, "number": "1/KH-UBND", "year": 2019}
        asyncio.run(_append(scene.store, _impossible()))
        scene.office.act("plan:2019", "/v1/plans", **plan)
        scene.check()
        listed = scene.followup.get("/v1/uncountable")["items"]
        scene.note(", ".join(sorted({each["duty"] for each in listed})) + " listed")
        assert {each["duty"] for each in listed} == {"commune_plan", "annual_dialogue"}
        metric = 'followup_uncountable_duties{source="local"}'
        assert scene.followup.metrics()[metric] == len(listed)
        scene.followup.kill()
        scene.followup.start()
        wrong = {"event_id": str(derived_id("impossible")), "reason": "ngày không có trong lịch"}
        scene.office.act("annul", f"/v1/policies/{DISTRICT}/annulments", **wrong)
        scene.check()
        assert scene.followup.get("/v1/uncountable")["items"] == []


def _impossible() -> Append:
    policy = msgspec.convert(
        {
            "policy_id": "impossible",
            "document": {"number": "2/QĐ-UBND", "issued_on": "2019-06-01"},
            "valid_from": "2019-06-01",
            "rules": [
                {
                    "duty": "commune_plan", "form": "deadline", "length": 0, "counted_from": "fixed_date",
                    "fixed_date": "11-31",
                },
                {
                    "duty": "annual_dialogue", "form": "frequency", "frequency": {"times": 1, "per": "year"},
                    "warn_on": ["09-31"],
                },
            ],
        },
        Policy,
    )  # fmt: skip
    event = PolicyAdopted(effective_on=date(2019, 6, 1), jurisdiction=DISTRICT, policy=policy)
    return _recorded(event, derived_id("policy", DISTRICT), derived_id("impossible"), DISTRICT)


@fault("20", "Huge requests", "bodies of 1, 16 and 64 MB under load", "413, memory bounded, the relay goes on")
def test_huge_requests(staged: Scenes) -> None:
    with staged() as scene:
        scene.start().work(scene.some())
        for size in (1, 16, 64):
            body = b'{"jurisdiction":"H35.10.31","text":"' + b"x" * (size * 1024 * 1024) + b'"}'
            try:
                assert post(scene.intake, "/v1/petitions", body).status_code == 413
            except httpx.WriteError:  # refused while it was still being sent
                scene.note(f"{size} MB: hung up on")
        scene.check()


@fault("38", "First petitions at one instant; erasure races", "ten first petitions of one petitioner at once; then "
       "erasure among new ones", "each text opens or is erased; none is lost")  # fmt: skip
def test_petitions_of_one_petitioner_race_with_erasure(staged: Scenes) -> None:
    with staged() as scene:
        scene.start()
        office = scene.office
        office.places()

        def receive(name: str) -> str:
            body = {"jurisdiction": "H35.10.31", "text": f"Kiến nghị số {name}", "petitioner_ids": ["một-người"]}
            return str(office.act(f"race:{name}", "/v1/petitions", **body)["id"])

        with ThreadPoolExecutor(10) as pool:
            first = list(pool.map(receive, [f"a{n}" for n in range(10)]))
        texts = {petition: content(scene, petition) for petition in first}
        assert all(f"Kiến nghị số a{n}" in texts[petition] for n, petition in enumerate(first)), texts
        with ThreadPoolExecutor(12) as pool:
            erasures = [pool.submit(_is_erased, scene, n) for n in range(3)]
            later = list(pool.map(receive, [f"b{n}" for n in range(10)]))
            done = [erasure.result() for erasure in erasures]
        assert any(done), "nobody has erased"
        assert not any("Kiến nghị số a" in content(scene, petition) for petition in first), "the first are erased"
        kept = [n for n, petition in enumerate(later) if f"Kiến nghị số b{n}" in content(scene, petition)]
        gone = [petition for n, petition in enumerate(later) if n not in kept]
        for petition in gone:
            ((erased,),) = oracle.rows(
                scene.store,
                "SELECT count(*) FROM stored_events WHERE originator_id = %s AND topic = 'PersonalDataErased'",
                petition,
            )
            assert erased, "neither opens nor was erased"
        scene.note(f"of ten in the race {len(gone)} erased, {len(kept)} open")
        until(lambda: not scene.behind(), 30)
        oracle.check_projection(scene.store, scene.projection)
        oracle.check_digest(scene.store, scene.projection, scene.reference)


def content(scene: Scene, petition: str) -> str:
    """What opens of a petition."""
    return json.dumps(scene.intake.get(f"/v1/petitions/{petition}/content"), ensure_ascii=False)


def _is_erased(scene: Scene, number: int) -> bool:
    """Erase; a race that is lost is tried again. False where another has left nothing to erase."""
    for turn in range(200):
        answer = post(
            scene.intake, "/v1/petitioners/một-người/erasure", {"ground": "theo yêu cầu"}, f"e{number}.{turn}"
        )
        if answer.status_code not in (409, 503):
            assert answer.status_code in (201, 404), answer.text
            return answer.status_code == 201
        time.sleep(0.02)
    raise AssertionError(answer.text)


@fault("39", "Retry of a done command", "the same key, If-Match long stale, the case withdrawn, intake killed between",
       "I1: the first answer again; another body 422")  # fmt: skip
def test_retry_of_a_done_command(staged: Scenes) -> None:
    with staged(count=1) as scene:
        scene.start()
        office = scene.office
        office.places()
        office.plan()
        office.receive(0)
        petition = office.petitions[0]
        path, body = f"/v1/petitions/{petition}/schedule", {"conference_id": office.conference}
        first = post(scene.intake, path, body, "schedule:0", If_Match='"2"')
        assert first.status_code == 201, first.text
        office.on(0, "withdrawal", reason="đã xong")
        scene.intake.kill()
        scene.intake.start()
        again = post(scene.intake, path, body, "schedule:0", If_Match='"2"')
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        fresh = post(scene.intake, path, body, "another", If_Match='"2"')
        assert fresh.status_code in (409, 412), fresh.text
        other = post(scene.intake, path, {"conference_id": petition}, "schedule:0")
        assert other.status_code == 422, other.text
        office.accepted["schedule:0"] = first.json()
        oracle.check_store(scene.store, office.accepted)


@fault("5", "Killed in a composite act", "SIGKILL before, in and after the commit of four parts; the same act again",
       "I1: whole or nothing, the first answer again; I2 I3")  # fmt: skip
def test_killed_in_a_composite_act(staged: Scenes) -> None:
    with staged(count=1) as scene:
        scene.start()
        scene.office.places()
        path, body = "/v1/acts/receive-and-classify", {"parts": two_petitions()}
        points = {"intake_before_commit": {0}, "intake_in_commit": {0, 4}, "intake_after_commit": {4}}
        for point, recorded in points.items():
            head = scene.head()
            scene.intake.kill()
            scene.intake.program = ["-m", "tests.support.crashing", point]
            scene.intake.start()
            with contextlib.suppress(httpx.HTTPError):
                pytest.fail(f"answered {post(scene.intake, path, body, point).text}")
            assert scene.head() - head in recorded
            scene.intake.kill()
            scene.intake.program = ["-m", "services.cli"]
            scene.intake.start()
            for _ in range(2):
                answer = post(scene.intake, path, body, point)
                assert answer.status_code == 201, answer.text
                assert [part["position"] for part in answer.json()["parts"]] == list(range(head + 1, head + 5))
            assert scene.head() == head + 4
        until(lambda: not scene.behind(), 60, "everything has caught up")
        assert oracle.facts(scene.projection) == oracle.stored_events(scene.store)


def two_petitions() -> list[dict[str, Any]]:
    """The parts of an act that receives two petitions and classifies each."""
    received = {"command": "PetitionReceived", "body": {"jurisdiction": DISTRICT, "text": "Đường vào bản bị sạt lở."}}
    classified = {"command": "PetitionClassified", "body": {"subject": "Đường vào bản", "field": "giao thông"}}
    return [received, classified | {"target": "#0"}, received, classified | {"target": "#2"}]


@fault("29", "Token revoked", "the reader's token is taken from the file, intake restarted; later a new one is given",
       "401, never 500; the source is shown as away; I9")  # fmt: skip
def test_token_revoked(staged: Scenes, tmp_path: Path) -> None:
    tokens, secret = tmp_path / "tokens.json", tmp_path / "reader.token"
    office, operator = mint_token("office", "office", sources=("*",)), mint_token("operator", "operations")
    witness, other = mint_token("witness", "auditor"), tmp_path / "witness.token"
    others = (office[1], operator[1], witness[1])
    other.write_text(witness[0])

    def mint() -> None:
        token, entry = mint_token("followup", "auditor")
        tokens.write_bytes(msgspec.json.encode({"tokens": [*others, entry]}))
        secret.write_text(token)

    mint()
    reader = {"SOURCE_TOKEN_FILE": str(secret)}
    with staged(
        intake={"TOKENS_FILE": str(tokens)},
        followup={**reader, "AMQP_URL": ""},
        undisturbed={"SOURCE_TOKEN_FILE": str(other)},
    ) as scene:
        scene.office.token, scene.office.clock_token, scene.intake.token = office[0], operator[0], office[0]
        scene.caller = "office"
        scene.start().work(scene.some(10, 30), pause=True)
        tokens.write_bytes(msgspec.json.encode({"tokens": others}))
        scene.intake.stop()
        scene.intake.start()
        until(lambda: "answered 401" in scene.followup.tail(10**6), 30, "shown as away")
        scene.go_on(10)
        mint()
        for service in (scene.intake, scene.followup):
            service.stop()
            service.start()
        scene.check()
        assert not scene.office.statuses[500]


@fault("–", "Overload", f"{CLIENTS} clients send as fast as they are answered, for {OVERLOAD:.0f} s, beside the office",
       "503 with Retry-After, bounded memory; normal within seconds; nothing accepted is lost")  # fmt: skip
def test_overload(staged: Scenes) -> None:
    with staged(tap=False) as scene:
        scene.start().work(12)
        flood = Flood(scene.intake.port, CLIENTS)
        flood.run(OVERLOAD)
        scene.note(
            f"{len(flood.accepted)} accepted, {flood.statuses[503]} turned away, "
            f"largest process {max(scene.largest.values()) >> 20} MB"
        )
        assert set(flood.statuses) <= {201, 503}, flood.statuses
        assert not flood.without_retry_after, "503 without Retry-After"
        since = time.monotonic()
        answer = until(lambda: post(scene.intake, "/v1/petitions", _crowded("after")).status_code == 201, 15)
        assert answer
        scene.note(f"normal after {time.monotonic() - since:.1f} s")
        until(lambda: scene.has_ended() and not scene.behind(), 150, "everything has caught up")
        recorded = {str(e[2]) for e in oracle.stored_events(scene.store)}
        assert set(flood.accepted.values()) <= recorded, "an accepted command is lost"
        ((count,),) = oracle.rows(scene.store, "SELECT count(*) FROM idempotency_keys WHERE starts_with(key, 'flood:')")
        assert count >= len(flood.accepted)
        assert oracle.facts(scene.projection) == oracle.stored_events(scene.store)
        assert max(scene.largest.values()) < 600 * 1024 * 1024


def _crowded(name: str) -> dict[str, str]:
    return {"jurisdiction": "H35.10.31", "text": f"Kiến nghị số {name}"}
