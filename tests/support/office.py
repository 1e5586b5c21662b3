"""An office at work over HTTP: a conference with many petitions whose fates differ, told until every step is accepted.

Every command has a key and is sent again with it until it is answered, as a careful client does; what was accepted is
kept for the accounting afterwards.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx

from shared.identifiers import LOCAL_ZONE

GIVE_UP = 120.0  # seconds for one command, whatever is broken meanwhile
PAUSE = 0.1  # seconds before the same command is sent again

DISTRICT, COMMUNE = "H35.10", "H35.10.31"
AGENCIES = tuple(f"H35.10.{n}" for n in range(1, 7))
BEGIN = "2019-07-01T08:00:00+07:00"
CONFERENCE_DAY = "2019-08-23"

#: What becomes of a petition after its assignment; chosen by its number.
FATES = (
    "replied", "replied_late", "never", "extended", "complex", "withdrawn", "late_record", "merged", "reassigned",
    "reported",
)  # fmt: skip


def bearer(token: str) -> dict[str, str]:
    """The header of a token; none without."""
    return {"Authorization": f"Bearer {token}"} if token else {}


class NotAccepted(AssertionError):
    """A command that was refused, or not answered for too long."""


class Office:
    """Works through the conference; safe to use from several threads."""

    #: Where tokens are configured: its own, and that of whoever moves the clock.
    token = clock_token = ""

    def __init__(self, url: Callable[[], str], seed: int = 0, workers: int = 4) -> None:
        self.accepted: dict[str, dict[str, Any]] = {}
        self.sent = 0
        self.petitions: dict[int, str] = {}
        self._url = url
        self._rng = random.Random(seed)
        self._workers = workers
        self._local = threading.local()
        self._lock = threading.Lock()
        self._clients: list[httpx.Client] = []

    # --- one command -----------------------------------------------------------------------------------------------

    def act(self, key: str, path: str, /, **body: Any) -> dict[str, Any]:
        """Send a command until it is answered. Raises NotAccepted."""
        give_up = time.monotonic() + GIVE_UP
        while True:
            try:
                self.sent += 1
                headers = {"Idempotency-Key": key} | bearer(self.token)
                answer = self._client().post(f"{self._url()}{path}", json=body, headers=headers)
            except httpx.HTTPError as error:
                why = type(error).__name__
            else:
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    with self._lock:
                        before = self.accepted.setdefault(key, found)
                    assert before == found, f"{key}: answered {before} and then {found}"
                    return found
                why = f"{answer.status_code} {answer.text}"
                if answer.status_code not in (409, 503) or (answer.status_code == 409 and "contended" not in why):
                    raise NotAccepted(f"{key}: {why}")
            if time.monotonic() > give_up:
                raise NotAccepted(f"{key}: {why}")
            time.sleep(PAUSE)

    def clock(self, text: str) -> None:
        """Move the store's clock forwards to a local moment, `2019-09-16 08:00`; where it stands later, leave it."""
        to = datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).isoformat()
        give_up = time.monotonic() + GIVE_UP
        while True:
            try:
                headers = bearer(self.clock_token)
                answer = self._client().post(f"{self._url()}/v1/clock", json={"to": to}, headers=headers)
                if answer.is_success or "clock-moves-forwards" in answer.text:
                    return
                why = answer.text
            except httpx.HTTPError as error:
                why = type(error).__name__
            assert time.monotonic() < give_up, f"the clock was not moved: {why}"
            time.sleep(PAUSE)

    def _client(self) -> httpx.Client:
        if not hasattr(self._local, "client"):
            self._local.client = httpx.Client(timeout=15, verify=False)  # longer than a store that is away is retried
            self._clients.append(self._local.client)
        client: httpx.Client = self._local.client
        return client

    def close(self) -> None:
        """Close every thread's connections."""
        for client in self._clients:
            client.close()

    def _each(self, work: Callable[[int], Any], numbers: Iterable[int]) -> None:
        with ThreadPoolExecutor(self._workers) as pool:
            list(pool.map(work, numbers))

    # --- the conference --------------------------------------------------------------------------------------------

    def places(self) -> None:
        """The authorities and agencies."""
        for code, level, parent in (
            ("VN", "nation", ""),
            ("H35", "province", "VN"),
            (DISTRICT, "district", "H35"),
            (COMMUNE, "commune", DISTRICT),
        ):
            self.act(
                f"place:{code}", "/v1/jurisdictions",
                code=code, name=code, level=level, parent=parent, valid_from="2004-01-01",
            )  # fmt: skip
        for code in AGENCIES:
            self.act(
                f"agency:{code}", "/v1/agencies",
                code=code, name=code, jurisdiction=DISTRICT, valid_from="2004-01-01",
            )  # fmt: skip

    def work(self, count: int) -> None:
        """The whole conference with `count` petitions, from July to October."""
        self.places()
        self.plan()
        self._each(self.receive, range(count))
        self.clock("2019-08-05 08:00")
        self._each(self.schedule, range(count))
        self.hold(count)
        self.clock("2019-08-30 08:00")
        self._each(self.assign, range(count))
        for day in ("09-03", "09-09", "09-12", "09-13", "09-16", "09-17", "09-18", "09-20", "10-04", "10-08"):
            self.clock(f"2019-{day} 08:00")
            self._each(lambda n, day=day: self.fate(n, f"2019-{day}"), range(count))

    def plan(self) -> None:
        """The conference and its preparation."""
        done = self.act(
            "plan", "/v1/conferences",
            jurisdiction=DISTRICT, kind="periodic", place="Hội trường", first_day=CONFERENCE_DAY,
            last_day=CONFERENCE_DAY, office=AGENCIES[0],
        )  # fmt: skip
        self.conference = str(done["id"])

    def receive(self, number: int) -> None:
        """One petition comes in and is classified."""
        done = self.act(
            f"receive:{number}", "/v1/petitions",
            jurisdiction=COMMUNE, text=f"Kiến nghị số {number}", petitioner_ids=[f"p{number}"],
            identities={f"p{number}": {"name": f"Người thứ {number}"}},
            source="tải", external_id=f"T-{number}",
        )  # fmt: skip
        self.petitions[number] = str(done["id"])
        self.on(number, "classification", subject=f"Việc {number}", field="giao thông")

    def on(self, number: int, act: str, /, **body: Any) -> None:
        """One act on a petition."""
        self.act(f"{act}:{number}", f"/v1/petitions/{self.petitions[number]}/{act}", **body)

    def schedule(self, number: int) -> None:
        """On the agenda."""
        self.on(number, "schedule", conference_id=self.conference)

    def hold(self, count: int) -> None:
        """Opened, every petition raised, closed."""
        self.clock(f"{CONFERENCE_DAY} 08:00")
        self.act("opening", f"/v1/conferences/{self.conference}/opening")
        self._each(lambda n: self.on(n, "raising", conference_id=self.conference), range(count))
        self.act("closing", f"/v1/conferences/{self.conference}/closing")

    def assign(self, number: int) -> None:
        """A lead agency."""
        self.on(number, "assignment", agency=AGENCIES[number % len(AGENCIES)])

    def fate(self, number: int, day: str) -> None:
        """What happens to a petition on a day."""
        match FATES[number % len(FATES)], day[5:]:
            case ("replied", "09-12") | ("replied_late", "09-18") | ("reassigned", "09-16") | ("reported", "09-13"):
                self.reply(number, day)
            case ("late_record", "09-20"):
                self.reply(number, "2019-09-16")
            case ("reported", "09-20"):
                agency = AGENCIES[number % len(AGENCIES)]
                self.on(number, "result-report", agency=agency, result="resolved", summary="Đã xong")
            case "extended", "09-13":
                self.on(number, "extension", petitioner_told_on=day, committee_told_on=day, expected_on="2019-10-07")
            case "complex", "09-03":
                self.on(number, "complexity", decided_by="Chủ tịch", criteria=["nhiều cơ quan"])
            case "withdrawn", "09-09":
                self.on(number, "withdrawal", reason="đã xong")
            case "merged", "09-09":
                self.on(number, "merger", into=self.petitions[number - 1])
            case "reassigned", "09-09":
                other = AGENCIES[(number + 1) % len(AGENCIES)]
                self.on(number, "reassignment", agency=other, reason="đúng thẩm quyền")
            case _:
                pass

    def reply(self, number: int, day: str) -> None:
        """A written reply, reported the same day."""
        reports = [{"recipient": who, "on": day} for who in ("party_committee", "government", "chair")]
        self.on(
            number, "reply",
            effective_on=day, number=f"{number}/TL", signatory="Chủ tịch", digest="00" * 32, reports=reports,
        )  # fmt: skip
