"""A pair with tokens on which the story was told, for whoever looks at it: one of each role, a post, a rule adopted."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from services.story import play
from services.story.places import DISTRICT, ENVIRONMENT, OFFICE, PROVINCE
from shared.http.auth import Role, mint_token
from tests.support.intake import tokens_file
from tests.support.office import bearer
from tests.support.pair import Service, pair, until
from tests.support.postgres import TestServer

BEGIN = "2019-06-24T08:00:00+07:00"
#: Who looks at pages: name and role, where, for which agency.
LOOKERS: tuple[tuple[Role, str, str], ...] = (
    ("office", DISTRICT, ""), ("chair", DISTRICT, ""), ("agency", DISTRICT, ENVIRONMENT), ("auditor", DISTRICT, ""),
    ("operations", "VN", ""), ("system", PROVINCE, ""), ("admin", DISTRICT, ""),
)  # fmt: skip


class ToldPair:
    """The pair, the tokens of the lookers by their roles, and `teller`, who may do everything."""

    def __init__(self, intake: Service, followup: Service, tokens: dict[str, str]) -> None:
        self.intake, self.followup, self.tokens = intake, followup, tokens
        self._last = 0

    def ask(self, path: str, role: str = "teller", **query: Any) -> Any:
        """The JSON of followup, or of intake where the path is in full."""
        url = path if path.startswith("http") else f"{self.followup.url}{path}"
        answer = httpx.get(url, params=query or None, headers=bearer(self.tokens[role]), timeout=30, verify=False)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def act(self, path: str, role: str = "teller", **body: Any) -> dict[str, Any]:
        """A command that must be accepted."""
        answer = httpx.post(
            f"{self.intake.url}{path}", json=body, headers=bearer(self.tokens[role]), timeout=30, verify=False
        )
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        self._last = int(found["position"])
        return found

    def read(self) -> None:
        """Wait until followup has read what was recorded."""
        until(lambda: all(each["position"] >= self._last for each in self.ask("/v1/sources")["items"]))

    def petition(self, subject: str, conference: str = "") -> str:
        """A petition that was received, classified and raised where there is a conference; its id."""
        done = self.act("/v1/petitions", jurisdiction=DISTRICT, kind="petition", text="Đường vào bản bị sạt lở.")
        self.act(f"/v1/petitions/{done['id']}/classification", subject=subject, field="giao thông")
        if conference:
            self.act(f"/v1/petitions/{done['id']}/raising", conference_id=conference)
        return str(done["id"])

    def conference(self, *, is_open: bool = True) -> str:
        """A conference of today, which is being held; its id."""
        day = self.ask(f"{self.intake.url}/v1/clock")["today"]
        planned = {"jurisdiction": DISTRICT, "kind": "extraordinary", "place": "Nhà văn hóa", "office": OFFICE}
        found = str(self.act("/v1/conferences", **planned, first_day=day, last_day=day)["id"])
        if is_open:
            self.act(f"/v1/conferences/{found}/opening")
        return found


@contextlib.contextmanager
def untold(server: TestServer, folder: Path, proxy: str = "") -> Iterator[ToldPair]:
    """The pair before anything was recorded, on the day on which the story begins.

    Where a `proxy` has an address, it shows them under two paths of it.
    """
    tokens, entries = dict[str, str](), []
    callers: list[tuple[str, Role, str, str]] = [(role, role, place, agency) for role, place, agency in LOOKERS]
    callers += [("teller", "office", "VN", ""), ("clock", "operations", "VN", ""), ("reader", "auditor", "VN", "")]
    for name, role, place, agency in callers:
        # Who keeps the register of a place writes down what a portal calls a petition.
        tokens[name], entry = mint_token(name, role, place, agency, sources=("*",) if role == "office" else ())
        entries.append(entry)
    file, source_token = str(tokens_file(folder, *entries)), folder / "source"
    source_token.write_text(tokens["reader"])
    with pair(server, folder) as made:
        shown = [{"PUBLIC_URL": f"{proxy}/{path}"} if proxy else {} for path in ("doithoai-intake", "doithoai")]
        intake = made.intake(TOKENS_FILE=file, CLOCK_START=BEGIN, **shown[0]).start()
        followup = made.followup(intake, TOKENS_FILE=file, SOURCE_TOKEN_FILE=str(source_token), **shown[1]).start()
        yield ToldPair(intake, followup, tokens)


@contextlib.contextmanager
def told(server: TestServer, folder: Path, proxy: str = "") -> Iterator[ToldPair]:
    """The pair until the block ends; its clock stands at the end of the story, and another conference is being held."""
    with untold(server, folder, proxy) as found:
        play(found.intake.url, found.followup.url, lambda line: None, found.tokens["teller"], found.tokens["clock"])
        found.act(
            "/v1/people", "admin", subject="sub-1", name="Nguyễn Văn Bình", position="Chuyên viên",
            roles=["office"], jurisdiction=DISTRICT, valid_from="2019-07-01",
        )  # fmt: skip
        held = found.conference()
        for number in (1, 2):
            named = {"petition_id": found.petition(f"Việc số {number}"), "name": f"Lò Thị Mai {number}"}
            found.act(f"/v1/conferences/{held}/speakers", speaker=str(number), **named)
        found.read()
        yield found
