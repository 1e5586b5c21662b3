"""Takes the pictures of docs/screenshots from a pair with the story played, each page as its role sees it."""

import importlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from services.dev.rabbitmq import free_ports
from tests.support.interop import chromium
from tests.support.pair import until

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
STORY_PETITIONS = 20  # that the story tells of
NARROW, WIDE, TALL = (390, 844), (1280, 860), (1280, 1120)


class Shot(NamedTuple):
    """A picture: its name, who looks, at which address, how wide; `{petition}` and `{conference}` are of the story."""

    name: str
    door: str
    address: str
    size: tuple[int, int] = WIDE
    scheme: str = "light"
    language: str = "vi"


SHOTS = (
    Shot("doors", "", "/doors"),
    Shot("work", "office", "/"),
    Shot("work-narrow-dark", "office", "/", NARROW, "dark"),
    Shot("petitions", "office", "/cases?show=all"),
    Shot("petition", "office", "/cases/{petition}"),
    Shot("petition-english", "office", "/cases/{petition}", WIDE, "light", "en"),
    Shot("conference", "office", "/cases/{conference}"),
    Shot("receive", "office", "/jurisdictions/H35.10/do/receive"),
    Shot("reply", "agency", "/cases/{petition}/do/reply"),
    Shot("report", "auditor", "/reports?period=2019-09"),
    Shot("rules", "office", "/rules"),
    Shot("calendar", "office", "/calendars/2019", WIDE, "dark"),
    Shot("administration", "operations", "/administration"),
)
#: Taken last: it shows a conference that is being held, which the story has none of at its end.
HALL = Shot("hall", "office", "/cases/{held}/hall", TALL)
SLIPS = (
    ("Giàng A Sử", "Đường từ bản Thẳm ra xã lầy lội, xe không đi được.", "Đường từ bản Thẳm ra xã"),
    ("Lò Văn Ơn", "Mương dẫn nước bị sạt, ruộng không có nước.", "Sửa mương dẫn nước bản Thẳm"),
    ("Vàng Thị Mỷ", "Trạm y tế thiếu thuốc.", "Thuốc ở trạm y tế xã"),
)


def main() -> None:
    """Start a pair, take every picture, end it."""
    ports = free_ports(2)
    url = f"http://127.0.0.1:{ports[1]}"
    with tempfile.TemporaryDirectory(prefix="doithoai-") as data:
        command = [sys.executable, "-m", "services.cli", "dev", "--data", data]
        command += ["--intake-port", str(ports[0]), "--followup-port", str(ports[1])]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            until(lambda: _is_played(url), within=180)
            FOLDER.mkdir(exist_ok=True)
            playwright = importlib.import_module("playwright.sync_api")  # of the group interop
            with playwright.sync_playwright() as tool:
                browser = tool.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
                for shot in SHOTS:
                    width, height = shot.size
                    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
                    _take(context.new_page(), url, shot, _of_the_story(url))
                    context.close()
                held = {"held": _hold_a_conference(f"http://127.0.0.1:{ports[0]}")}
                until(lambda: httpx.get(f"{url}/v1/cases/{held['held']}").is_success, within=30)
                width, height = HALL.size
                page = browser.new_page(viewport={"width": width, "height": height})
                _take(page, url, HALL, held)
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)


def _take(page: Any, url: str, shot: Shot, cases: dict[str, str]) -> None:
    if shot.door:
        page.goto(f"{url}/doors/{shot.door}")
    if shot.language != "vi":
        page.goto(f"{url}/language/{shot.language}")
    page.goto(url + shot.address.format(**cases))
    page.screenshot(path=FOLDER / f"{shot.name}.png")
    print(f"docs/screenshots/{shot.name}.png", flush=True)


def _of_the_story(url: str) -> dict[str, str]:
    """The petition that is overdue, and the conference."""
    petitions = httpx.get(f"{url}/v1/cases", params={"overdue": "true"}).json()["items"]
    conferences = httpx.get(f"{url}/v1/cases", params={"subject": "conference"}).json()["items"]
    return {"petition": petitions[0]["subject_id"], "conference": conferences[0]["subject_id"]}


def _hold_a_conference(intake: str) -> str:
    """Plan a conference for today, open it, record slips; its id."""

    def record(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{intake}{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())

    today = httpx.get(f"{intake}/v1/clock").json()["today"]
    place = {"jurisdiction": "H35.10"}
    planned = {"kind": "extraordinary", "first_day": today, "last_day": today, "place": "Nhà văn hóa bản Thẳm"}
    held = str(record("/v1/conferences", place | planned)["id"])
    record(f"/v1/conferences/{held}/opening", {})
    record(f"/v1/conferences/{held}/secretary", {"name": "Tẩn Thị Hoa"})
    for number, (name, text, subject) in enumerate(SLIPS, 1):
        received = place | {"kind": "petition", "text": text, "identities": {"1": {"name": name}}}
        speaker = {"speaker": str(number), "name": name, "matter": text, "petition_id": "#0"}
        parts = [
            {"command": "PetitionReceived", "body": received},
            {"command": "PetitionClassified", "target": "#0", "body": {"subject": subject, "field": "khac"}},
            {"command": "PetitionScheduled", "target": "#0", "body": {"conference_id": held}},
            {"command": "SpeakerRegistered", "target": held, "body": speaker},
        ]
        record("/v1/acts/record-slip", {"parts": parts})
    return held


def _is_played(url: str) -> bool:
    """Whether the story has been told to its end: its last petition is there, and one is overdue."""
    try:
        found = httpx.get(f"{url}/v1/cases", params={"overdue": "true"}, timeout=5)
        total = httpx.get(f"{url}/v1/cases/totals", timeout=5)
        return found.is_success and bool(found.json()["items"]) and total.json()["total"]["count"] >= STORY_PETITIONS
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
