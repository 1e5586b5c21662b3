"""What an office, an agency and the calendar do to an integrator's petition, through the pair's public interfaces."""

import threading
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.sandbox.callers import AGENCY, AUDITOR, BODY, OFFICE, OPERATOR
from services.sandbox.reply_file import reply_pdf
from services.story.client import PairClient
from services.story.places import DISTRICT
from services.story.places import OFFICE as OFFICE_BODY
from shared.calendar import Calendar, CalendarMissing
from shared.calendar.shipped import seed_years
from shared.http.problems import problem
from shared.identifiers import LOCAL_ZONE, breach_instant

TIMEOUT = 30.0  # seconds for one request
LEAD = 8  # working days from the plan of a conference to its day: invitations go out seven before it
HALL = "Hội trường UBND huyện"
MORNING, AFTERNOON = time(8, 0), time(17, 0)
OPEN = ("due_soon", "on_track")
#: The district whose rules count a reply from the day of receipt; the first has those that come with the product.
OTHER_DISTRICT = "H35.11"
#: Who answers in each district. The agency of the first has a token; for the other one the office writes down its acts.
AGENCIES: Mapping[str, str] = {DISTRICT: AGENCY, OTHER_DISTRICT: f"{OTHER_DISTRICT}.6"}


class RefusedByPair(Exception):
    """A refusal of intake or followup, which the desk passes on as it came."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code} {response.text[:300]}")
        self.response = response


class SandboxActs:
    """The acts, one at a time: two conferences at once would move the clock from under each other."""

    def __init__(self, intake_url: str, followup_url: str, tokens: Mapping[str, str]) -> None:
        self._headers = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        self._intake = httpx.Client(base_url=intake_url, timeout=TIMEOUT, headers=self._headers[OFFICE.name])
        self._followup = httpx.Client(base_url=followup_url, timeout=TIMEOUT, headers=self._headers[AUDITOR.name])
        self._pair = PairClient(self._intake, self._followup, tokens[OPERATOR.name])
        self._calendar = Calendar(seed_years())
        self.lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._intake.close()
        self._followup.close()

    def now(self) -> datetime:
        """The store's clock."""
        return self._pair.now()

    def command(self, caller: str, path: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a command to intake. Sent again under its key it changes nothing. Raises RefusedByPair."""
        headers = self._headers[caller] | {"Idempotency-Key": f"sandbox:{key}"}
        return _json(self._intake.post(path, json=dict(body), headers=headers))

    def petition_of(self, petition_id: UUID | None, source: str, external_id: str) -> UUID:
        """The id of a petition that is named by its id or by its reference. Raises RefusedByPair."""
        if petition_id is not None:
            return petition_id
        reference = {"source": source, "external_id": external_id}
        return UUID(_json(self._intake.get("/v1/petitions", params=reference))["id"])

    def move_to(self, instant: datetime) -> None:
        """Move the clock forwards, and wait until followup has raised all that is due.

        Raises RefusedByPair, ProblemError.
        """
        if self.now() < instant:
            body = {"to": instant.isoformat()}
            moved = self._intake.post("/v1/clock", json=body, headers=self._headers[OPERATOR.name])
            # The clock went on by itself in the meantime where it is there already.
            if moved.status_code != 409 or self.now() < instant:
                _json(moved)
        self.settle(instant)

    def settle(self, instant: datetime | None = None) -> None:
        """Wait until followup has seen what was done, and raised all that is due. Raises ProblemError."""
        # What others recorded counts too: an integrator pushes, and asks for its deadline at once.
        page = _json(
            self._intake.get("/v1/events", params={"after": 0, "limit": 1}, headers=self._headers[AUDITOR.name])
        )
        self._pair.last_position = int(page["head"])
        if not self._pair.wait(instant or self.now()):
            raise problem(503, "not-ready", missing="followup", headers={"Retry-After": "5"})

    def deadlines(self, petition_id: UUID | None = None, status: str = "") -> list[dict[str, Any]]:
        """Deadlines as followup shows them, of one petition or of all. Raises RefusedByPair."""
        query = {"limit": "200"} | ({"subject_id": str(petition_id)} if petition_id else {})
        query |= {"status": status} if status else {}
        found: list[dict[str, Any]] = _json(self._followup.get("/v1/deadlines", params=query))["items"]
        return found

    def next_breach(self, petition_id: UUID | None) -> tuple[datetime, dict[str, Any]]:
        """When the next open deadline is breached, and which that is. Raises ProblemError, RefusedByPair."""
        self.settle()
        found = [each for status in OPEN for each in self.deadlines(petition_id, status) if each["due_on"]]
        if not found:
            raise problem(404, "not-found", "within-scope", what="deadline")
        first = min(found, key=lambda each: (each["due_on"], each["deadline_id"]))
        return breach_instant(date.fromisoformat(first["due_on"])) + timedelta(minutes=1), first

    def conference(self, petition_id: UUID) -> UUID:
        """Bring a petition before a conference and assign it, so that the clock of its reply runs. Its conference.

        Raises RefusedByPair, ProblemError. Done again it goes on from where it was.
        """
        view = self._petition(petition_id)
        petition, key = view["petition"], f"{petition_id}:{view['petition'].get('reopened_on') or ''}"
        if petition["lead"] and petition["raised"]:
            return UUID(petition["raised"][-1])
        agency = self.agency_of(view["jurisdiction"])
        held = (petition["raised"] or petition["scheduled"])[-1:]
        meeting = held[0] if held else self._prepare(petition_id, view, agency, key)
        day = date.fromisoformat(self._conference(meeting)["conference"]["first_days"][-1])
        self.move_to(datetime.combine(day, MORNING, LOCAL_ZONE))
        self._of_conference(meeting, "opening", key, {})
        if not petition["raised"]:
            self._of_petition(petition_id, "raising", key, {"conference_id": meeting})
        self.move_to(datetime.combine(day, AFTERNOON, LOCAL_ZONE))
        self._of_conference(meeting, "closing", key, {})
        self._of_conference(meeting, "review", key, {"summary": "Hội nghị thử nghiệm."})
        named = f"{key}:conclusion"
        file = self._file(OFFICE.name, "THONG BAO KET LUAN", named)
        conclusion = {"number": "01/TB-UBND", "signatory": "Chủ tịch UBND huyện", "digest": file}
        assigned = [{"petition_id": str(petition_id), "agency": agency}]
        self._of_conference(meeting, "conclusion", key, conclusion | {"assignments": assigned})
        self.settle()
        return UUID(meeting)

    def reply(self, petition_id: UUID, text: str, number: str) -> None:
        """Answer a petition in writing, with a file, as the agency that has it. Raises RefusedByPair, ProblemError."""
        view = self._petition(petition_id)
        caller = BODY.name if view["petition"]["lead"] == AGENCY else OFFICE.name
        today = self.now().astimezone(LOCAL_ZONE).date().isoformat()
        reports = [{"recipient": each, "on": today} for each in ("party_committee", "government", "chair")]
        body = {
            "number": number,
            "signatory": "Trưởng phòng Kinh tế và Hạ tầng",
            "text": text,
            "digest": self._file(caller, f"VAN BAN TRA LOI {number}", text),
            "effective_on": today,
            "reports": reports,
        }
        self.command(caller, f"/v1/petitions/{petition_id}/reply", f"{petition_id}:reply:{number}:{today}", body)
        self.settle()

    def by_office(self, petition_id: UUID, act: str, body: Mapping[str, Any]) -> None:
        """One act of the office on a petition. Raises RefusedByPair, ProblemError."""
        view = self._petition(petition_id)
        if not view["petition"]["subject"]:
            self._classify(petition_id, view, str(petition_id))
        self._of_petition(petition_id, act, str(petition_id), body)
        self.settle()

    def agency_of(self, jurisdiction: str) -> str:
        """The agency that answers for a place of the sandbox. Raises ProblemError for another place."""
        for district, agency in AGENCIES.items():
            if f"{jurisdiction}.".startswith(f"{district}."):
                return agency
        raise problem(404, "not-found", "within-scope", what="jurisdiction")

    def _prepare(self, petition_id: UUID, view: dict[str, Any], agency: str, key: str) -> str:
        """Plan a conference and do all that must precede it, on one day. The conference's id."""
        petition, today = view["petition"], self.now().astimezone(LOCAL_ZONE).date()
        day, key = self._conference_day(today), f"{key}:{today}"
        if not petition["subject"]:
            self._classify(petition_id, view, key)
        if not petition["accepted_on"]:
            self._of_petition(petition_id, "acceptance", key, {"number": "01/TB-TL"})
        if agency not in petition["forwarded"]:
            self._of_petition(petition_id, "forwarding", key, {"agency": agency})
        district, on = agency.rpartition(".")[0], day.isoformat()
        planned = {
            "jurisdiction": district, "kind": "extraordinary", "first_day": on, "last_day": on, "place": HALL,
            "office": OFFICE_BODY if agency == AGENCY else "",
        }  # fmt: skip
        meeting = str(self.command(OFFICE.name, "/v1/conferences", f"{key}:plan", planned)["id"])
        self._of_petition(petition_id, "schedule", key, {"conference_id": meeting})
        for channel in ("media", "portal"):
            notice = {"channel": channel, "for_date": on, "evidence": "Thông báo thử nghiệm."}
            self._of_conference(meeting, "notices", f"{key}:{channel}", notice)
        self._of_conference(meeting, "invitations", key, {"for_date": on, "citizens": 1})
        self._of_conference(meeting, "preparation-report", key, {"number": "01/BC-VP"})
        prepared = {"agency": agency, "text": "Nội dung chuẩn bị trả lời."}
        self._of_petition(petition_id, "prepared-answer", key, prepared)
        return meeting

    def _conference_day(self, today: date) -> date:
        try:
            return self._calendar.add_working_days(today, LEAD)
        except CalendarMissing:  # a year whose calendar nobody has published: weekends are all that is known
            day = today + timedelta(days=3 * LEAD)
            return day + timedelta(days=max(0, 8 - day.isoweekday()) if day.isoweekday() > 5 else 0)

    def _classify(self, petition_id: UUID, view: dict[str, Any], key: str) -> None:
        body = {"subject": f"Kiến nghị {view['receipt_code']}", "field": "giao thông"}
        self._of_petition(petition_id, "classification", key, body)

    def _petition(self, petition_id: UUID) -> dict[str, Any]:
        return _json(self._intake.get(f"/v1/petitions/{petition_id}"))

    def _conference(self, conference_id: str) -> dict[str, Any]:
        return _json(self._intake.get(f"/v1/conferences/{conference_id}"))

    def _of_petition(self, petition_id: UUID, act: str, key: str, body: Mapping[str, Any]) -> None:
        self.command(OFFICE.name, f"/v1/petitions/{petition_id}/{act}", f"{key}:{act}", body)

    def _of_conference(self, conference_id: str, act: str, key: str, body: Mapping[str, Any]) -> None:
        self.command(OFFICE.name, f"/v1/conferences/{conference_id}/{act}", f"{key}:conference:{act}", body)

    def _file(self, caller: str, title: str, text: str) -> str:
        """Upload a document that stands for a signed one; its digest."""
        headers = self._headers[caller] | {"Content-Type": "application/pdf"}
        sent = self._intake.post("/v1/files", content=reply_pdf(title, text), headers=headers)
        return str(_json(sent)["digest"])


def _json(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise RefusedByPair(response)
    found: dict[str, Any] = response.json()
    return found
