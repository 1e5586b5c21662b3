"""The whole story, each of its acts a form that is filled in and sent in Chromium: intake records the same events."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.story import conference, narrator
from services.story.narrator import Narrator
from services.story.play import tell
from tests.support.browser import browser, page_of
from tests.support.office import bearer
from tests.support.pages_told import PagesClient, kept_file
from tests.support.postgres import TestServer
from tests.support.told import Told, told, untold

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: What is drawn by lot, or stands for who somebody is.
DRAWN = ("receipt_code", "petitioner_ids")


def events_of(told: Told) -> list[dict[str, Any]]:
    """Every event of intake, in order."""
    found: list[dict[str, Any]] = []
    after = 0
    while page := told.ask(f"{told.intake.url}/v1/events", "reader", after=after, limit=500)["events"]:
        found += page
        after = int(page[-1]["position"])
    return found


def compared(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Topic, subject and state of each event; an id is called by where it came first, instants are left out."""
    names: dict[str, str] = {}

    def named(text: str) -> str:
        return ID.sub(lambda found: names.setdefault(found[0], f"#{len(names)}"), text)

    lines = []
    for event in events:
        state = {name: value for name, value in event["data"]["data"].items() if name not in DRAWN}
        lines.append((event["type"], named(event["subject"]), named(json.dumps(state, sort_keys=True))))
    return lines


def written(told: Told, events: list[dict[str, Any]]) -> list[str]:
    """What citizens and officials wrote, case by case, which the events keep sealed."""
    cases = {event["subject"]: event["data"]["meta"]["aggregate"] for event in events}
    found = []
    for case, kind in cases.items():
        if kind in ("petition", "conference"):
            content = told.ask(f"{told.intake.url}/v1/{kind}s/{case}/content", "teller")["events"]
            found += [re.sub(r'"(identities|names)": {[^}]*}', "", json.dumps(each["content"])) for each in content]
    return found


@pytest.fixture(scope="module")
def scripted(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with told(pg_server, tmp_path_factory.mktemp("scripted")) as found:
        yield found


@pytest.mark.timeout(400)
def test_story__played_by_pages_is_the_story(
    scripted: Told, pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (conference, narrator):
        monkeypatch.setattr(module, "file_digest", kept_file)
    with untold(pg_server, tmp_path) as pair, browser() as chrome:
        url, tokens = pair.followup.url, pair.tokens
        pages = {
            role: [
                (page_of(chrome, url, tokens[role], language, java_script_enabled=script), script)
                for language, script in (("vi", True), ("en", False))
            ]
            for role in ("office", "chair")
        }
        headers = bearer(tokens["teller"])
        with (
            httpx.Client(base_url=pair.intake.url, headers=headers, timeout=30, verify=False) as intake,
            httpx.Client(base_url=url, headers=headers, timeout=30, verify=False) as followup,
        ):
            client = PagesClient(intake, followup, pages, tokens["clock"])
            assert tell(Narrator(client, print))
        mine = events_of(pair)
    print(sorted({each.partition(":")[0] for each in client.without_page}), client.without_input)
    theirs = events_of(scripted)[: len(mine)]
    for left, right in zip(compared(mine), compared(theirs), strict=True):
        assert left == right
