"""The story played by pages: intake records the same events, and keeps the same words, as from the scripted one.

Every kind of act is a form that is filled in and sent in Chromium, three times where the story has it oftener; each
speaker is a line of the hall. A browser in Vietnamese with script and one in English without take turns.
"""

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
from tests.support.told import ToldPair, told, untold

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: What is drawn by lot, or stands for who somebody is.
DRAWN = ("receipt_code", "petitioner_ids")
#: Boxes that are ticked have the order of the form, where a script has its own.
TICKED = ("agencies",)
#: Set up before an office works in pages, by import or by the API.
BEFORE = {"JurisdictionRegistered", "AgencyRegistered", "CatalogueAdopted", "CatalogueMapped"}
#: How a portal calls what it pushes: no person types it, and it is no part of an event's state.
OF_PORTALS = {"PetitionReceived.source", "PetitionReceived.external_id"}


def events_of(told: ToldPair) -> list[dict[str, Any]]:
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
        said = event["data"]["data"]
        state = {name: sorted(said[name]) if name in TICKED else said[name] for name in said if name not in DRAWN}
        lines.append((event["type"], named(event["subject"]), named(json.dumps(state, sort_keys=True))))
    return lines


def written(told: ToldPair, events: list[dict[str, Any]]) -> list[str]:
    """What citizens and officials wrote, case by case, which the events keep sealed."""
    cases = {event["subject"]: event["data"]["meta"]["aggregate"] for event in events}
    found = []
    for case, kind in cases.items():
        if kind in ("petition", "conference"):
            content = told.ask(f"{told.intake.url}/v1/{kind}s/{case}/content", "teller")["events"]
            found += [re.sub(r'"(identities|names)": {[^}]*}', "", json.dumps(each["content"])) for each in content]
    return found


@pytest.fixture(scope="module")
def scripted(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToldPair]:
    with told(pg_server, tmp_path_factory.mktemp("scripted")) as found:
        yield found


@pytest.mark.timeout(600)
def test_story__played_by_pages_is_the_story(
    scripted: ToldPair, pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
            assert tell(Narrator(client, lambda line: None))
        mine = events_of(pair)
        words = written(pair, mine)
    assert (set(client.without_page), client.without_input) == (BEFORE, OF_PORTALS)
    theirs = events_of(scripted)[: len(mine)]
    for done, told_of in zip(compared(mine), compared(theirs), strict=True):
        assert done == told_of
    assert words == written(scripted, theirs)
