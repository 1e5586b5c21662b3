"""Prepares intake for load: a jurisdiction and, for breaches, a conference that ended long ago."""

from datetime import date, timedelta
from typing import Any

import msgspec

from services.load.http import HttpConnection

PLACE = "LOAD"
NAME = "Địa bàn thử tải / load test"
LONG_AGO = timedelta(days=90)  # the plan's longest reply limit, 30 working days, is over
PLANNED_BEFORE = timedelta(days=21)


class FixtureRefused(RuntimeError):
    """intake refused the preparation. The message is its own."""


class LoadFixture(msgspec.Struct, frozen=True):
    """Where petitions are received, and the conference at which they are raised, if there is one."""

    jurisdiction: str
    conference_id: str = ""
    held_on: str = ""


async def prepare(intake: HttpConnection, *, breach: bool) -> LoadFixture:
    """Create what is missing, once for each store. Raises FixtureRefused."""
    place = {"code": PLACE, "name": NAME, "level": "commune", "valid_from": "2019-01-01"}
    await _done(intake, "/v1/jurisdictions", place, "load:place")
    if not breach:
        return LoadFixture(PLACE)
    today = date.fromisoformat(_decoded((await intake.ask("GET", "/v1/clock")).body)["today"])
    held_on = (today - LONG_AGO).isoformat()
    plan = {
        "effective_on": (today - LONG_AGO - PLANNED_BEFORE).isoformat(),
        "jurisdiction": PLACE,
        "kind": "extraordinary",
        "first_day": held_on,
        "last_day": held_on,
        "place": NAME,
    }
    key = f"load:conference:{held_on}"
    conference_id = (await _done(intake, "/v1/conferences", plan, key))["id"]
    for act in ("opening", "closing"):
        path = f"/v1/conferences/{conference_id}/{act}"
        await _done(intake, path, {"effective_on": held_on}, f"{key}:{act}")
    return LoadFixture(PLACE, conference_id, held_on)


async def _done(intake: HttpConnection, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    answer = await intake.ask("POST", path, msgspec.json.encode(body), {"Idempotency-Key": key})
    if answer.status != 201:
        raise FixtureRefused(f"POST {path}: {answer.status} {_decoded(answer.body).get('detail', '')}")
    return _decoded(answer.body)


def _decoded(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(body)
    return found
