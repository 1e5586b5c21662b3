"""Every store that a release has left opens under today's code: nothing that it shows, holds or sealed is lost."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import forked
from tests.support.pair import Pair, Service, get, pair, until
from tests.support.postgres import TestServer
from tests.support.stored_release import (
    NOWHERE,
    STORES,
    cases_of,
    commit_of,
    conflicts_of,
    content_of,
    deadlines_of,
    events_of,
    expected_of,
    restored,
    started_idle,
    within,
)

FOLDERS = sorted(STORES.glob("store-*"))
BEFORE = STORES / "store-0.4.0"  # the last that has all sources in one set of tables
#: The two newest gate every change, the older ones are of `make test-all`.
RELEASES = [
    pytest.param(folder, id=folder.name, marks=() if folder in FOLDERS[-2:] else pytest.mark.slow) for folder in FOLDERS
]
LATER = "2019-12-02T09:00:00+07:00"


class Release:
    """The pair of a stored release, its databases restored, nothing started yet."""

    def __init__(self, server: TestServer, made: Pair, folder: Path) -> None:
        self.pair, self.expected = made, expected_of(folder)
        self.followup_dsn = restored(server, folder, "followup")
        shutil.copy(folder / "master.key", made.master_key)
        self.intake = made.intake()

    def followup(self, sources: str = "") -> Service:
        """A followup on the restored database, of the restored intake unless `sources` says otherwise."""
        return self.pair.followup(self.intake, self.followup_dsn, **({"SOURCES": sources} if sources else {}))

    def command(self, *arguments: str) -> Any:
        """The JSON that a command prints which must succeed."""
        done = forked.run(*arguments, "--json", env=self.followup().environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def replayed(self, point: str) -> str:
        """The digest of the log of intake, folded up to a point of `GET /v1/digest`."""
        _, _, position_at_instant = point.split(" ")
        return str(self.command("replay", "--from", self.pair.intake_dsn, "--until", position_at_instant)["digest"])


def opened(server: TestServer, folder: Path, made_in: Path) -> Iterator[Release]:
    with pair(server, made_in, intake_dsn=restored(server, folder, "intake")) as made:
        yield Release(server, made, folder)


@pytest.fixture(scope="module", params=RELEASES)
def still(
    request: pytest.FixtureRequest, pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Release, Service]]:
    """A release whose intake serves, with a followup that follows nothing: no time passes for it."""
    for release in opened(pg_server, request.param, tmp_path_factory.mktemp("still")):
        release.intake.start()
        yield release, taken_over(started_idle(release.followup(NOWHERE)))


def taken_over(followup: Service) -> Service:
    """That followup, once it has folded what the release before has followed into tables of its own."""
    until(lambda: followup.get("/v1/sources")["items"], what="what was followed is taken over")
    return followup


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, pg_server: TestServer, tmp_path: Path) -> Iterator[Release]:
    """A release on databases of its own."""
    yield from opened(pg_server, request.param, tmp_path)


def shown(followup: Service, expected: dict[str, Any]) -> Any:
    """What a followup shows of all that is expected of it."""
    found = {"state": followup.get("/v1/digest"), "cases": cases_of(followup), "deadlines": deadlines_of(followup)}
    return within(found, wanted(expected))


def wanted(expected: dict[str, Any]) -> dict[str, Any]:
    return {name: expected[name] for name in ("state", "cases", "deadlines")}


def test_stored_release__shows_what_it_showed(still: tuple[Release, Service]) -> None:
    release, followup = still
    assert shown(followup, release.expected) == wanted(release.expected)


def test_stored_release__is_rebuilt_without_a_difference(still: tuple[Release, Service]) -> None:
    release, followup = still
    state, counts = release.expected["state"], release.expected["counts"]
    (point,) = state["points"]
    assert release.replayed(point) == state["digest"]
    (report,) = release.command("followup", "rebuild").values()
    assert (report["events"], report["differences"]) == (counts["intake"], {})
    assert report["deadlines"] == len(release.expected["deadlines"])
    assert shown(followup, release.expected) == wanted(release.expected)


@pytest.mark.parametrize("log", ["intake", "followup"])
def test_stored_release__gives_the_same_events(still: tuple[Release, Service], log: str) -> None:
    release, followup = still
    service = {"intake": release.intake, "followup": followup}[log]
    assert events_of(service) == release.expected["events"][log]


def test_stored_release__is_read_by_cursor_to_its_end(still: tuple[Release, Service]) -> None:
    """Its store signs cursors from the first start of this release on; what was pushed to it is its pusher's own."""
    release, followup = still
    for service in (release.intake, followup):
        whole = by_cursor(service)
        assert len(whole) == service.get("/v1/events", after=0, limit=1)["head"]
        assert len({event["id"] for event in whole}) == len(whole)
    pushed = {case["subject_id"] for case in release.expected["cases"] if case["reference"]}
    receipts = by_cursor(release.intake, mine="true", type="PetitionReceived")
    assert pushed and {event["subject"] for event in receipts} == pushed
    own = {event["data"]["data"]["subject_id"] for event in by_cursor(followup, mine="true")}
    assert own == pushed & {deadline["subject_id"] for deadline in release.expected["deadlines"]}


def by_cursor(service: Service, **asked: str) -> list[dict[str, Any]]:
    """Every event of a part of a log, in pages of a hundred."""
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = service.get("/v1/events", cursor=cursor, limit=100, **asked)
        found, cursor = found + page["events"], page["next"]
        if not page["events"]:
            return found


def test_stored_release__opens_what_it_sealed(still: tuple[Release, Service]) -> None:
    release, _ = still
    sealed = release.expected["sealed"]
    assert sealed and {petition_id: content_of(release.intake, petition_id) for petition_id in sealed} == sealed


def test_stored_release__keeps_what_waits_for_a_decision(still: tuple[Release, Service]) -> None:
    release, _ = still
    assert conflicts_of(release.intake) == release.expected.get("conflicts", [])


def test_stored_release__goes_on(release: Release) -> None:
    """A new petition is taken in, timers of old deadlines fire, and the state is what the whole log gives."""
    intake, followup = release.intake.start(), release.followup().start()
    jurisdiction = next(c["jurisdiction"] for c in release.expected["cases"] if c["subject"] == "petition")
    post(intake, "/v1/clock", {"to": LATER})
    received = post(intake, "/v1/petitions", {"jurisdiction": jurisdiction, "text": "Đường vào bản bị sạt lở."})
    case = f"{followup.url}/v1/cases/{received['id']}"
    until(lambda: get(case, timeout=5).status_code == 200, what="the new petition is followed")
    before, events = release.expected["events"]["followup"], events_of(followup)
    assert events[: len(before)] == before
    assert any(" DeadlineBreached " in line for line in events[len(before) :])
    assert followup.get("/v1/parked")["items"] == followup.get("/v1/differences")["items"] == []
    state = followup.get("/v1/digest")
    (point,) = state["points"]
    assert release.replayed(point) == state["digest"]


@pytest.mark.slow
def test_release_before__goes_on_beside_today_s_until_its_source_is_taken_over(
    pg_server: TestServer, tmp_path: Path
) -> None:
    """A rolling upgrade: the release before leads, today's takes over beside it, and neither raises anything twice."""
    with contextlib.closing(opened(pg_server, BEFORE, tmp_path)) as made:
        release = next(made)
        # followup is upgraded first, so the intake is that of the release before.
        intake = of_the_release_before(release.intake, tmp_path)
        before = of_the_release_before(release.followup(), tmp_path)
        for service in (intake, before):
            service.start(wait=False)
            until(lambda service=service: answers(service), what="it is ready, as that release says it")
        post(intake, "/v1/clock", {"to": LATER})
        raised = release.expected["events"]["followup"]
        until(lambda: len(events_of(before)) > len(raised), what="the release before leads")
        jurisdiction = next(c["jurisdiction"] for c in release.expected["cases"] if c["subject"] == "petition")
        petition = {"jurisdiction": jurisdiction, "text": "Đường vào bản bị sạt lở."}
        post(intake, "/v1/petitions", petition)
        today = release.followup().start(wait=False)
        received = [post(intake, "/v1/petitions", petition) for _ in range(20)]
        today.wait_ready()
        received += [post(intake, "/v1/petitions", petition) for _ in range(20)]
        for each in received:
            case = f"{today.url}/v1/cases/{each['id']}"
            until(lambda case=case: get(case, timeout=5).status_code == 200, what="what is new is followed")
        shown = [(each["state"], each["reason"]) for each in before.get("/v1/sources")["items"]]
        assert shown == [("stopped", "taken over by release 0.5.0")], "it still shows what it has"
        assert not answers(before)
        raised = events_of(today)
        before.stop()
        before.start(wait=False)
        until(lambda: "stopped" in readiness(before), what="started again it says so too")
        assert events_of(today) == raised, "and begins nothing anew"
        before.stop()
        assert today.get("/v1/parked")["items"] == today.get("/v1/differences")["items"] == []
        state = today.get("/v1/digest")
        (point,) = state["points"]
        assert release.replayed(point) == state["digest"]
        assert len(events_of(today)) == len({line.split(" ")[0] for line in events_of(today)})
        assert release.command("followup", "rebuild")["local"]["differences"] == {}


def answers(service: Service) -> bool:
    """Whether a service of the release before says that it is ready."""
    try:
        return get(f"{service.url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def readiness(service: Service) -> str:
    """What a service of the release before says of it; nothing while it does not answer."""
    try:
        return get(f"{service.url}/readyz", timeout=5).text
    except httpx.HTTPError:
        return ""


#: The first migration that the release before does not know.
LATER_MIGRATION = "services/followup/migrations/0018_by_source.sql"


def of_the_release_before(service: Service, folder: Path) -> Service:
    """A service that runs the code of the release before; skips where this copy of the project has no history."""
    root = STORES.parents[1]
    commit = commit_of(root, BEFORE.name.removeprefix("store-"), LATER_MIGRATION)
    if not commit:
        pytest.skip("the code of the release is not in the history of this copy")
    code = folder / "release"
    code.mkdir(exist_ok=True)
    pack = ["git", "archive", commit, "services", "shared"]
    archive = subprocess.run(pack, cwd=root, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(code)], input=archive.stdout, check=True)
    service.program = ["-P", "-m", "services.cli"]
    service.environment |= {"PYTHONPATH": str(code)}
    return service


def post(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.post(f"{service.url}{path}", json=body, verify=False, timeout=30)
    assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json()
    return found
