"""A store that an earlier version left: its databases as SQL, its key, and what that version answered about it.

A folder `tests/data/store-VERSION` holds `intake.sql.gz`, `followup.sql.gz`, `master.key` and `expected.json`.
`tests/data/dump.py` makes one; `tests/migration` opens every one of them.
"""

import asyncio
import gzip
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx

from tests.support.pair import Service, get, until
from tests.support.postgres import TestServer

STORES = Path(__file__).resolve().parents[1] / "data"
#: No service listens on this port: a followup of it shows what it has stored and follows nothing.
NOWHERE = "http://127.0.0.1:9"

#: What is compared. Wording is left out: a later version may say the same thing better.
CASE = ("subject_id", "subject", "jurisdiction", "state", "agency", "unresolved", "overdue", "due_on", "reply_due_on",
        "received_on", "receipt_code", "conference_id", "merged_into", "reference", "last_position")  # fmt: skip
DEADLINE = ("deadline_id", "source", "subject", "subject_id", "duty", "part", "debtor", "jurisdiction", "status",
            "due_on", "breached_at", "warned_on", "warnings_planned", "breached", "outcome", "done_on", "ground",
            "expected_on", "provisional", "backfilled", "urged_on", "starting_event", "version")  # fmt: skip
CONFLICT = ("conflict_id", "petition_id", "jurisdiction", "source", "external_id", "source_version", "fields", "state")
EXPLANATION = ("rule", "policy_id", "document", "section", "counted_from", "days", "calendar_versions", "due_on")


def restored(server: TestServer, folder: Path, name: str) -> str:
    """The dsn of a new database with what `NAME.sql.gz` holds; it is not migrated yet."""
    return asyncio.run(restored_in(server, folder, name))


async def restored_in(server: TestServer, folder: Path, name: str) -> str:
    """The same for who is in a loop already."""
    dsn = await server.empty()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(gzip.decompress((folder / f"{name}.sql.gz").read_bytes()).decode())
    finally:
        await connection.close()
    return dsn


def expected_of(folder: Path) -> dict[str, Any]:
    """What the version that left the store answered about it, by today's names."""
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text("utf-8"))
    for deadline in found["deadlines"]:
        if "warnings_planned" not in deadline:  # 0.1.0 said the planned warnings under the name of those given
            deadline["warnings_planned"] = deadline.pop("warned_on")
    return found


def within(found: Any, expected: Any) -> Any:
    """What was found, without the fields that nothing is expected of: a later version may show more."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return {field: within(found.get(field), value) for field, value in expected.items()}
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return [within(one, other) for one, other in zip(found, expected, strict=True)]
    return found


def started_idle(followup: Service) -> Service:
    """Start a followup of NOWHERE, which never says that it is ready; wait until it answers."""
    followup.start(wait=False)
    until(lambda: _answers(followup), what=f"{followup.name} answers, see {followup.log}")
    return followup


def _answers(service: Service) -> bool:
    try:
        return get(f"{service.url}/v1/sources", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def events_of(service: Service) -> list[str]:
    """Every event of a feed from 0, in order: its id, its type, and the beginning of the SHA-256 of its data."""
    found: list[str] = []
    while True:
        page = service.get("/v1/events", after=len(found), limit=1000)
        found += [f"{e['id']} {e['type']} {_sha256(e['data'])[:16]}" for e in page["events"]]
        if len(found) >= page["head"]:
            return found


def _sha256(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def deadlines_of(followup: Service) -> list[dict[str, Any]]:
    """Every deadline with the fields that are compared, by id."""
    found = []
    for row in _listed(followup, "/v1/deadlines"):
        why = row["explanation"]
        chosen = {field: row[field] for field in DEADLINE}
        found.append(chosen | {"explanation": why and {field: why[field] for field in EXPLANATION}})
    return sorted(found, key=lambda row: str(row["deadline_id"]))


def conflicts_of(intake: Service) -> list[dict[str, Any]]:
    """Every conflict of pushes with the fields that are compared, the oldest first."""
    return [{field: row[field] for field in CONFLICT} for row in _listed(intake, "/v1/conflicts")]


def cases_of(followup: Service) -> list[dict[str, Any]]:
    """Every case with the fields that are compared, by id."""
    kinds = ("petition", "conference", "jurisdiction")
    rows = [row for kind in kinds for row in _listed(followup, "/v1/cases", subject=kind)]
    return sorted(({field: row[field] for field in CASE} for row in rows), key=lambda row: str(row["subject_id"]))


def _listed(service: Service, path: str, **query: str) -> Iterator[dict[str, Any]]:
    address, params = f"{service.url}{path}", {"limit": "200"} | query
    while address:
        answer = get(address, params=params, timeout=30)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text}"
        yield from answer.json()["items"]
        following = answer.links.get("next", {}).get("url", "")
        address, params = (service.url + _path(following) if following else ""), {}


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def content_of(intake: Service, petition_id: str) -> list[Any]:
    """What opens of a petition's sealed content, event by event."""
    found: list[Any] = intake.get(f"/v1/petitions/{petition_id}/content", on_behalf_of="test")["events"]
    return found


def commit_of(root: Path, version: str, later: str) -> str:
    """The newest commit of a history at which nothing was changed since a version; "" where the history has none.

    Its changelog begins with that version, whichever way the history went on from there, and `later`, a file that came
    after it, is not in it yet.
    """
    commits = _git(root, "rev-list", "HEAD").split()
    changelogs = _blobs(root, [f"{commit}:CHANGELOG.md" for commit in commits])
    not_yet = _blobs(root, [f"{commit}:{later}" for commit in commits])
    is_it: dict[str, bool] = {"": False}
    for commit, changelog, is_there in zip(commits, changelogs, not_yet, strict=True):
        if changelog not in is_it:
            sections = (s for s in _git(root, "cat-file", "blob", changelog).splitlines() if s.startswith("## "))
            is_it[changelog] = next(sections, "").startswith(f"## {version} ")
        if is_it[changelog] and not is_there:
            return commit
    return ""


def _blobs(root: Path, names: list[str]) -> list[str]:
    """The id of each file of a commit, "" where it is not there."""
    found = _git(root, "cat-file", "--batch-check", given="\n".join(names)).splitlines()
    return ["" if line.endswith(" missing") else line.split(" ")[0] for line in found]


def _git(root: Path, *arguments: str, given: str = "") -> str:
    """What git prints; nothing where it fails, as outside a repository."""
    done = subprocess.run(["git", *arguments], cwd=root, input=given, capture_output=True, text=True, check=False)
    return done.stdout
