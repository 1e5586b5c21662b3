"""Importing in bulk: `doithoai import` of a register, through the domain's decisions.

Fairness. Ours is the command itself on a file: it parses each row, decides, seals the petitioner's data and the text
under fresh keys, and appends an event, an idempotency key, an external reference and a data key. The other side is one
COPY into each of three tables with the same kinds of rows, made beforehand, in one transaction, on the same server.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.accept import places
from benchmarks.intake import intake_on
from benchmarks.lines import Line, at_least, interleaved
from benchmarks.payloads import TEXT, petitions
from benchmarks.peers.bare import copied
from benchmarks.servers import database, postgres

ROWS = 24_000
ROUNDS = 3


def measure() -> list[Line]:
    """Medians of the rounds."""
    with postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(dsn, Path(folder)))


async def _measure(dsn: Callable[[str], str], folder: Path) -> list[Line]:
    store = await database(dsn, "intake", "shared.postgres", "services.intake")
    with intake_on(store, folder) as url:
        places(url)
    bare = await asyncpg.connect(await database(dsn, "bare", "shared.postgres"))
    numbers, head = iter(range(1000)), 0

    async def ours() -> float:
        return _imported(store, folder, next(numbers))

    async def copy() -> float:
        nonlocal head
        rate = await copied(bare, list(petitions(ROWS)), head)
        head += ROWS
        return rate

    medians = await interleaved({"ours": ours, "COPY": copy}, ROUNDS)
    await bare.close()
    return [at_least("bulk import / three-table COPY", medians["ours"], medians["COPY"], 0.4, unit="rows/s")]


def _imported(dsn: str, folder: Path, number: int) -> float:
    register = folder / f"so-{number}.csv"
    lines = [
        f"{number}-{row},05/07/2019,Lò Thị Phương {row},Bản Nà Đa,09123{row:05},{TEXT.replace(',', ' ')}"
        for row in range(ROWS)
    ]
    register.write_text("\n".join(["case,received_on,name,address,phone,text", *lines, ""]), "utf-8")
    command = [sys.executable, "-m", "services.cli", "import", str(register), "--jurisdiction", "H35.10.31", "--json"]
    settings = {"INTAKE_DATABASE_URL": dsn, "INTAKE_MASTER_KEY_FILE": str(folder / "master.key")}
    done = subprocess.run(command, env=os.environ | settings, check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["recorded"] == ROWS, report
    return float(ROWS / report["seconds"])
