"""The story's client with hands: each command is a form of the console that is filled in and sent in a browser."""

import re
from collections import Counter
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import httpx

from services.intake.application.command_body import CODECS
from services.story.client import PairClient, StoryAnswer, file_digest
from services.story.places import DISTRICT
from services.story.preparation import OLD_FIELDS
from shared.cases.shipped_catalogues import shipped_fields
from shared.identifiers import LOCAL_ZONE
from tests.support.browser import press
from tests.support.pair import until

#: How often the same command is given by a page; the office types no nineteen petitions to prove one form.
OFTEN = 3
#: What no form asks for: intake makes up who a petitioner is, and gives the same petitioner the same id itself.
NOT_ASKED = frozenset({"petitioner_ids"})
#: The entry of the catalogue that a person takes for what the office's registers said.
CODES = {entry["title"].lower(): entry["code"] for entry in shipped_fields()["entries"]} | {
    entry["text"]: entry["code"] for entry in OLD_FIELDS
}
#: The file of each digest that was asked for while the story was told: the one that a person would choose.
FILES: dict[str, str] = {}


def kept_file(name: str) -> str:
    """The digest that stands for a file of the story, which is kept to be chosen."""
    digest = file_digest(name)
    FILES[digest] = name
    return digest


class PagesClient(PairClient):
    """Acts in pages: those of the chair as the chair, all others as the office, in its browsers by turns."""

    def __init__(
        self, intake: httpx.Client, followup: httpx.Client, pages: dict[str, list[tuple[Any, bool]]], clock_token: str
    ) -> None:
        super().__init__(intake, followup, clock_token)
        self._pages = pages
        #: How often each command was to be given; what there is no page for, and fields that no form has.
        self.by_page: Counter[str] = Counter()
        self.without_page: list[str] = []
        self.without_input: set[str] = set()
        self._ids: dict[str, UUID] = {}
        #: The lines of the hall that wait for what becomes of the speaker.
        self._called: dict[str, Any] = {}
        self._raised = ""
        self._is_behind = False

    def act(self, step: str, path: str, day: date, /, **body: Any) -> StoryAnswer:
        """Fill in the form of a command and send it."""
        command, target = _route(path)
        if command == "SpeakerCalled":
            self._conduct()
            self._called = {"conference": target, **body}
            return self._answer("")
        if command == "PetitionRaised" and self._called:
            self._raised = target
            return self._answer("")
        if command == "PetitionAnsweredAtConference" and self._raised == target:
            self._conduct(body)
            return self._answer("")
        self._conduct()
        if "external_id" in body and body["external_id"] in self._ids:
            return self._answer(str(self._ids[body["external_id"]]))  # a machine sends twice, a person does not
        address = self._address(command, target, body)
        self.by_page[command] += 1
        if address is None or self.by_page[command] > OFTEN:
            if address is None:
                self.without_page.append(command)
            self._is_behind = True
            return super().act(step, path, day, **body)
        self._read()
        page, _ = self._page("chair" if command in CHAIRS else "office")
        answer = page.goto(address)
        assert answer.status == 200, f"{step}: {address}: {answer.status} {page.inner_text('main')[:500]}"
        given = self._given(command, body)
        if day != self._today():
            given["effective_on"] = day.isoformat()
        for name, value in given.items():
            self._fill(page, command, name, value)
        status = press(page, "main form .buttons button")
        if page.locator("input[name=confirmed]").count():
            status = press(page, "main form .buttons button >> nth=0")
        shown = page.inner_text("main")
        assert status == 200 and re.search("Đã ghi nhận|Recorded", shown), f"{step}: {status} {shown[:800]}"
        created = re.search(r"/cases/([0-9a-f-]{36})\?", page.url)
        done = self._answer(created[1] if created else "")
        if "external_id" in body:
            self._ids[body["external_id"]] = done.id
        return done

    def move_clock(self, to: Any) -> None:
        """Move the clock once the hall is through."""
        self._conduct()
        super().move_clock(to)
        self._is_behind = True

    def _page(self, role: str) -> tuple[Any, bool]:
        """A page, and whether scripts run in it."""
        pages = self._pages[role]
        pages.append(pages.pop(0))
        return pages[-1]

    def _read(self) -> None:
        """Wait until followup has read what no page recorded; what one records it waits for itself."""
        if self._is_behind:
            today = datetime.combine(self._today(), time(), LOCAL_ZONE)
            until(lambda: self.has_caught_up(today), what="followup has read what no page recorded")
            self._is_behind = False

    def _today(self) -> date:
        return date.fromisoformat(str(self.clock()["today"]))

    def _answer(self, created: str) -> StoryAnswer:
        head = self._intake.get("/v1/events", params={"limit": 1}).json()["head"]
        self.last_position = max(self.last_position, int(head))
        return StoryAnswer({"id": created or str(UUID(int=0)), "position": head, "recorded_at": self.now().isoformat()})

    def _address(self, command: str, target: str, body: dict[str, Any]) -> str | None:
        """Where its form is; None where there is none."""
        if command == "WrittenReplyIssued" and len(body["reports"]) == 3:
            return f"/cases/{target}/do/reply"
        if target:
            return f"/cases/{target}/acts/{command}"
        if command in ("JurisdictionRegistered", "AgencyRegistered", "CatalogueAdopted", "CatalogueMapped"):
            return None
        return f"/jurisdictions/{body.get('jurisdiction', DISTRICT)}/acts/{command}"

    def _given(self, command: str, body: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in body.items() if name not in NOT_ASKED}
        if command == "PetitionReceived":
            given["identities"] = list(body["identities"].values())
        if command == "WrittenReplyIssued" and given.pop("reports"):
            given["reported"] = True
        return given

    def _conduct(self, answered: dict[str, Any] | None = None) -> None:
        """A line of the hall: who was called, what was said, what became of it."""
        if not self._called:
            return
        called, petition, self._called, self._raised = self._called, self._raised, {}, ""
        self._read()
        page, has_script = self._page("office")
        hall = f"/cases/{called['conference']}/hall"
        page.goto(hall)
        if has_script:
            page.locator("#hall[data-unsent]").wait_for()
        item = page.locator(f"li.speaker[data-number='{called['speaker']}']")
        item.wait_for()
        if item.locator("details:not([open])").count():
            item.locator("summary").click()
        item.locator("[name=words]").fill(called["words"])
        if petition:
            item.locator("[name=outcome]").select_option("answered" if answered else "raised")
            assert item.locator("[name=petition]").input_value() == petition
        if answered:
            if answered["by"] != "chair":
                item.locator("[name=agency]").select_option(answered["by"])
            item.locator("[name=answer]").fill(answered["answer"])
        if "chair_reason" in called:
            item.locator("[name=chair_reason]").fill(called["chair_reason"])
        if has_script:
            item.locator("[name=words]").press("Control+Enter")
            page.locator(f"li.speaker[data-number='{called['speaker']}'][data-status=sent]").wait_for()
        else:
            item.locator(".buttons button").click()
            page.wait_for_url("**recorded=**")

    def _fill(self, page: Any, command: str, name: str, value: Any) -> None:
        match value:
            case dict():
                for part, inner in value.items():
                    self._fill(page, command, f"{name}.{part}", inner)
            case [dict(), *_]:
                while not page.locator(f"[name^='{name}.{len(value) - 1}.']").count():
                    press(page, f"button[name=more][value='{name}']")
                for number, row in enumerate(value):
                    self._fill(page, command, f"{name}.{number}", row)
            case list():
                if page.locator(f"form.form [name='{name}']").count():
                    page.fill(f"form.form [name='{name}']", "\n".join(value))
                else:
                    for each in value:
                        page.check(f"[name='{name}.{each}']")
            case bool():
                radio = page.locator(f"[name='{name}'][type=radio][value={'yes' if value else 'no'}]")
                (radio if radio.count() else page.locator(f"[name='{name}'][type=checkbox]")).set_checked(True)
            case _:
                self._fill_text(page, command, name, str(value))

    def _fill_text(self, page: Any, command: str, name: str, text: str) -> None:
        if text in FILES and page.locator(f"[name='{name}_file']").count():
            file = {"name": "van-ban.pdf", "mimeType": "application/pdf", "buffer": FILES[text].encode()}
            page.set_input_files(f"[name='{name}_file']", file)
            return
        field = page.locator(f"form.form [name='{name}']")
        if not field.count():
            self.without_input.add(f"{command}.{re.sub(r'[.]?[0-9]+', '', name)}")
        elif field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(CODES.get(text, text) if name == "field" else text)
        else:
            day = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
            field.fill(f"{day[3]}/{day[2]}/{day[1]}" if day else text)


#: What the chair does, in the chair's own browser.
CHAIRS = ("ConferenceProposalDecided", "ConclusionNoticeIssued", "PetitionMarkedComplex")


def _route(path: str) -> tuple[str, str]:
    """The command of a path and the aggregate that it names."""
    found = re.fullmatch(r"(/v1/[a-z]+/)([0-9a-f-]{36})(/[a-z-]+)", path)
    return (CODECS[f"{found[1]}{{id}}{found[3]}"].route.topic, found[2]) if found else (CODECS[path].route.topic, "")
