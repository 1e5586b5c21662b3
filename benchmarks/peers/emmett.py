"""Emmett 0.42 from npm, in a Node process behind a pipe; not there when Node or its packages cannot be had."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from benchmarks.payloads import plain
from shared.event_store.append import Append

HERE = Path(__file__).parent
MODULES = HERE.parent / "node_modules"


def installed() -> bool:
    """Whether Emmett can run here; its locked packages are installed at the first call."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("  Emmett is left out: there is no node here", flush=True)
        return False
    if not (MODULES / "@event-driven-io" / "emmett-postgresql").exists():
        print("  installing Emmett's locked packages with npm ci ...", flush=True)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=MODULES.parent, check=False)
        if done.returncode:
            print("  Emmett is left out: npm ci failed", flush=True)
            return False
    return True


@contextlib.asynccontextmanager
async def emmett(
    dsn: str, appends: Sequence[Append], callers: int, folder: Path
) -> AsyncIterator[Callable[[int], Awaitable[float]]]:
    """Seconds to append a number of the events, each to a new stream whose newness is checked."""
    payloads = folder / "events.jsonl"
    rows = ({"stream": f"petition-{a.events[0].originator_id}", "data": plain(a)} for a in appends)
    payloads.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    at = urlsplit(dsn)
    host = parse_qs(at.query)["host"][0]
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "emmett.mjs"), host, at.path[1:], at.username or "postgres", str(payloads), str(callers),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    assert (await process.stdout.readline()).strip() == b"ready"
    stdin, stdout = process.stdin, process.stdout

    async def run(count: int) -> float:
        stdin.write(f"run {count}\n".encode())
        await stdin.drain()
        return float(await stdout.readline())

    try:
        yield run
    finally:
        stdin.close()
        await process.wait()
