"""Policies and calendars as careless and hostile hands write them: intake answers, followup goes on and agrees."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from tests.support.mutation import damaged, mutants
from tests.support.office import BEGIN, COMMUNE, DISTRICT, Office
from tests.support.pair import Pair, Service, pair, until
from tests.support.postgres import TestServer

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("FUZZ_SEED", "570"))
ANSWER_WITHIN = 20.0  # seconds: a service that takes longer for one document hangs
#: What an answer may be: taken, or told what is wrong.
TOLD = {200, 201, 400, 403, 409, 413, 415, 422}
#: A look at followup after so many adopted documents, to name one that it cannot bear among few.
LOOK_EVERY = 20

POLICIES = [
    # Days as text, as JSON has them.
    json.loads(msgspec.json.encode(yaml.safe_load(path.read_text("utf-8"))))
    for path in sorted((ROOT / "shared" / "policy" / "documents").glob("*.yaml"))
]
CALENDARS = [
    {"year": year, "holidays": [{"date": f"{year}-09-02", "reason": "Quốc khánh"}], "makeup_days": []}
    for year in (2019, 2026, 2027)
]


class FuzzedPair:
    """A pair with cases whose duties the mutants change."""

    def __init__(self, made: Pair) -> None:
        self.intake = made.intake(CLOCK_START=BEGIN).start()
        office: Office = made.office(self.intake)
        office.work(20)
        self.followup = made.followup(self.intake).start()
        self.client = httpx.Client(base_url=self.intake.url, timeout=ANSWER_WITHIN)
        self.adopted = self.refused = 0

    def send(self, path: str, content: bytes, content_type: str = "application/json") -> httpx.Response:
        """One document. Whatever it is, it is answered by what may be."""
        answer = self.client.post(path, content=content, headers={"Content-Type": content_type})
        assert answer.status_code in TOLD, f"{path}: {answer.status_code} {answer.text[:500]} for {content[:2_000]!r}"
        if not answer.is_success:
            self.refused += 1
            assert answer.json()["type"].startswith("urn:doithoai:problem:"), content[:2_000]
        return answer

    def look(self, last: list[bytes]) -> None:
        """followup has read everything, and stands nowhere."""
        head = self.client.get("/v1/events", params={"limit": 1, "after": 0}).json()["head"]
        shown = f"one of these stopped followup: {last!r}"
        until(lambda: _read_to(self.followup, head), 60, shown)
        assert self.followup.metrics().get('followup_source_stopped{source="local"}', 0) == 0, shown


def _read_to(followup: Service, head: int) -> bool:
    (source,) = followup.get("/v1/sources")["items"]
    return bool(source["position"] >= head)


@pytest.fixture
def fuzzed(pg_server: TestServer, tmp_path: Path) -> Iterator[FuzzedPair]:
    with pair(pg_server, tmp_path) as made:
        found = FuzzedPair(made)
        # What is left open is told to whichever test the collector comes by in.
        with found.client:
            yield found


def _fuzz(fuzzed: FuzzedPair, count: int) -> None:
    rng = random.Random(SEED)
    last: list[bytes] = []
    for number, policy in enumerate(mutants(POLICIES, rng, count)):
        content = _json(policy)
        checked = fuzzed.send("/v1/policies/check", content)
        as_yaml = yaml.safe_dump(policy, allow_unicode=True).encode()
        fuzzed.send("/v1/policies/check", damaged(as_yaml, rng), "application/yaml")
        if number % 4 == 0:
            fuzzed.send("/v1/policies/check", damaged(content, rng))
        if checked.is_success and isinstance(policy, dict):
            body = {"jurisdiction": rng.choice((DISTRICT, COMMUNE)), "policy": policy | {"policy_id": f"m{number}"}}
            if fuzzed.send("/v1/policies", _json(body)).is_success:
                fuzzed.adopted += 1
                last.append(content)
        if number % 5 == 0:
            _send_calendar(fuzzed, rng)
        if len(last) >= LOOK_EVERY:
            fuzzed.look(last)
            last.clear()
    fuzzed.look(last)
    print(f"\n{fuzzed.adopted} adopted, {fuzzed.refused} refused, seed {SEED}")
    assert fuzzed.adopted > count // 50, "mutants that are taken are the point"


def _send_calendar(fuzzed: FuzzedPair, rng: random.Random) -> None:
    (calendar,) = mutants(CALENDARS, rng, 1)
    fuzzed.send("/v1/calendars/check", _json(calendar))
    if isinstance(calendar, dict):
        fuzzed.send("/v1/calendars", _json(calendar))


def _json(value: Any) -> bytes:
    # Half of the documents have their texts escaped, the others written out.
    return json.dumps(value, ensure_ascii=len(str(value)) % 2 == 0).encode()


@pytest.mark.timeout(240)
def test_rules__whatever_is_written_stop_nobody(fuzzed: FuzzedPair) -> None:
    _fuzz(fuzzed, 250)


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_rules__for_long(fuzzed: FuzzedPair) -> None:
    _fuzz(fuzzed, int(os.environ.get("FUZZ_COUNT", "20000")))
