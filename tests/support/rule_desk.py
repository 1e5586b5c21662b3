"""A pair with tokens for the pages of rules and calendars: a province that publishes, its district, one dialogue."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from shared.http.auth import Role, mint_token
from tests.support.intake import tokens_file
from tests.support.office import AGENCIES, BEGIN, COMMUNE, DISTRICT, Office, bearer
from tests.support.pair import Service, pair, until
from tests.support.postgres import TestServer

PROVINCE = "H35"
CALLERS: tuple[tuple[str, Role, str, str], ...] = (
    ("province", "office", PROVINCE, ""),
    ("district", "office", DISTRICT, ""),
    ("agency", "agency", DISTRICT, AGENCIES[0]),
    ("auditor", "auditor", DISTRICT, ""),
    ("nation", "office", "VN", ""),
    ("reader", "auditor", "VN", ""),
    ("clock", "operations", "VN", ""),
)
#: Ten days for a reply, where the default has fifteen; in force before the dialogue of August 2019.
SHORTER = """policy_id: reply-10
title: {vi: Thời hạn trả lời mười ngày, en: Reply within ten days}
document: {number: 12/QĐ-UBND, issued_on: 2019-07-01, issuer: UBND huyện}
valid_from: 2019-07-01
rules:
  - duty: reply
    form: deadline
    length: 10
    section: Điều 3
"""


class RuleDesk:
    """The pair, and whoever looks at it."""

    def __init__(self, intake: Service, followup: Service, tokens: dict[str, str]) -> None:
        self.intake, self.followup, self.tokens = intake, followup, tokens

    @contextlib.contextmanager
    def browser(self, name: str) -> Iterator[httpx.Client]:
        """A browser of somebody."""
        headers = {"Accept": "text/html"} | bearer(self.tokens[name])
        with httpx.Client(
            base_url=self.followup.url, headers=headers, follow_redirects=True, timeout=30, verify=False
        ) as client:
            yield client

    def recorded(self, what: str) -> list[dict[str, Any]]:
        """What intake lists of the policies or the calendars."""
        headers = bearer(self.tokens["reader"])
        answer = httpx.get(f"{self.intake.url}/v1/{what}?limit=200", headers=headers, timeout=30, verify=False)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def give(self, path: str, **body: Any) -> dict[str, Any]:
        """A command of the province that must be accepted."""
        headers = bearer(self.tokens["province"])
        answer = httpx.post(f"{self.intake.url}{path}", json=body, headers=headers, timeout=30, verify=False)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        self.read(found["position"])
        return found

    def read(self, position: int) -> None:
        """Wait until followup has read that far."""
        headers = bearer(self.tokens["reader"])

        def is_read() -> bool:
            answer = httpx.get(f"{self.followup.url}/v1/sources", headers=headers, timeout=30, verify=False)
            return any(source["position"] >= position for source in answer.json()["items"])

        until(is_read, what=f"position {position} read")


@contextlib.contextmanager
def rule_desk(server: TestServer, folder: Path) -> Iterator[RuleDesk]:
    """The pair with one petition that was raised on 23 August 2019 and left open; it is 2 September."""
    tokens, entries = dict[str, str](), []
    for name, role, place, agency in CALLERS:
        tokens[name], entry = mint_token(name, role, place, agency)
        entries.append(msgspec.structs.replace(entry, sources=("*",)) if name == "nation" else entry)
    file, source_token = str(tokens_file(folder, *entries)), folder / "source"
    source_token.write_text(tokens["reader"])
    with pair(server, folder) as made:
        intake = made.intake(TOKENS_FILE=file, CLOCK_START=BEGIN).start()
        followup = made.followup(intake, TOKENS_FILE=file, SOURCE_TOKEN_FILE=str(source_token)).start()
        desk = RuleDesk(intake, followup, tokens)
        office = made.office(intake)
        office.token, office.clock_token = tokens["nation"], tokens["clock"]
        _dialogue(office)
        desk.read(max(done["position"] for done in office.accepted.values()))
        yield desk


def _dialogue(office: Office) -> None:
    for code, level, parent, name in (
        (PROVINCE, "province", "VN", "Tỉnh Lai Châu"),
        (DISTRICT, "district", PROVINCE, "Huyện Tam Đường"),
        (COMMUNE, "commune", DISTRICT, "Xã Bản Bo"),
    ):
        office.act(
            f"place:{code}", "/v1/jurisdictions",
            code=code, name=name, level=level, parent=parent, valid_from="2004-01-01",
        )  # fmt: skip
    office.act(
        "agency", "/v1/agencies",
        code=AGENCIES[0], name="Phòng Nội vụ", jurisdiction=DISTRICT, valid_from="2004-01-01",
    )  # fmt: skip
    office.plan()
    office.receive(0)
    office.clock("2019-08-05 08:00")
    office.schedule(0)
    office.hold(1)
    office.clock("2019-09-02 08:00")
    office.on(0, "assignment", agency=AGENCIES[0])
