"""Accepting: a petition over HTTP, decided, sealed, idempotent and durable before the 201.

Fairness. Both servers are uvicorn on uvloop with httptools and Litestar, in a process of their own, and are sent the
same requests over 32 kept connections by the same client. The other side is a route that reads the body and answers
with as many bytes. Ours parses, decides, seals with a fresh data key, and answers after its commit with `fsync` on;
PostgreSQL shares the two cores.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from sys import executable

import httpx
import msgspec
import uvloop

from benchmarks.client import load, post
from benchmarks.intake import intake_on, served
from benchmarks.lines import ROUNDS, Line, at_least, at_most, interleaved, quantile
from benchmarks.payloads import TEXT, new_id
from benchmarks.servers import database, postgres

CONNECTIONS = 32
COUNT = 4_000  # requests a round
PLACES = (
    ("VN", "nation", ""),
    ("H35", "province", "VN"),
    ("H35.10", "district", "H35"),
    ("H35.10.31", "commune", "H35.10"),
)


def measure() -> list[Line]:
    """Medians of the rounds."""
    with postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, Path(folder)))


async def _measure(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    store = await database(dsn, "intake", "shared.postgres", "services.intake")
    slowest: dict[str, list[float]] = {"ours": [], "no-op": []}
    with (
        intake_on(store, folder) as ours,
        served([executable, "-m", "benchmarks.noop"], "NOOP", folder, {}, {}) as noop,
    ):
        places(ours)

        async def side(name: str, url: str) -> float:
            rate, taken = await load(url, petitions(COUNT), CONNECTIONS)
            slowest[name].append(quantile(taken, 0.99))
            return rate

        await load(ours, petitions(CONNECTIONS * 4), CONNECTIONS)
        medians = await interleaved({"ours": lambda: side("ours", ours), "no-op": lambda: side("no-op", noop)}, ROUNDS)
    p99 = {name: statistics.median(values) for name, values in slowest.items()}
    return [
        at_least("petition over HTTP, durable / no-op POST", medians["ours"], medians["no-op"], 0.6, unit="requests/s"),
        at_most("petition over HTTP, p99 / the no-op's", p99["ours"], p99["no-op"], 3),
    ]


def places(url: str) -> None:
    """The authorities, so that a commune can be petitioned."""
    with httpx.Client(base_url=url) as client:
        for code, level, parent in PLACES:
            body = {"code": code, "name": code, "level": level, "parent": parent, "valid_from": "2004-01-01"}
            assert client.post("/v1/jurisdictions", json=body).status_code == 201


def petitions(count: int) -> list[bytes]:
    """Requests with personal data, a key each."""
    made = []
    for _ in range(count):
        petitioner, key = str(new_id()), new_id().hex
        body = {
            "jurisdiction": "H35.10.31", "channel": "portal", "petitioner_ids": [petitioner], "text": TEXT,
            "identities": {petitioner: {"name": "Lò Thị Phương", "address": "Bản Nà Đa", "phone": "0912345678"}},
        }  # fmt: skip
        made.append(post("/v1/petitions", msgspec.json.encode(body), key))
    return made
