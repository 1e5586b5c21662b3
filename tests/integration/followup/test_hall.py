"""The page of the hall over a real intake: a line is one act, recorded once, and told where it is refused."""

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.followup.bootstrap import callers_of, running
from services.followup.settings import FollowupSettings
from shared.http.tokens import mint_token
from tests.support.intake import DISTRICT, EDUCATION, Intake, served, tokens_file
from tests.support.office import bearer
from tests.support.postgres import TestServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


class ServedHall:
    """A conference that is held, with three speakers, and two who keep its record."""

    def __init__(self, intake: Intake, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self.intake, self.client, self.tokens = intake, client, tokens
        self.id, self.petitions = "", list[str]()

    async def begin(self) -> None:
        """Everything that there is when the first speaker gets up."""
        self.id = await self.intake.conference()
        await self.intake.done(f"/v1/conferences/{self.id}/secretary", {"name": "Thư ký"})
        for number in (1, 2, 3):
            petition = (await self.intake.petition(jurisdiction=DISTRICT))["id"]
            await self.intake.done(f"/v1/petitions/{petition}/schedule", {"conference_id": self.id})
            speaker = {"speaker": str(number), "petition_id": petition, "name": "Lò Thị Mai"}
            await self.intake.done(f"/v1/conferences/{self.id}/speakers", speaker)
            self.petitions.append(petition)
        for _ in range(400):
            if (await self.get("/now")).status_code == 200 and len((await self.now())["speakers"]) == 3:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("followup has not read the conference")

    async def get(self, path: str = "", who: str = "a", accept: str = "application/json") -> httpx.Response:
        """What is shown."""
        headers = bearer(self.tokens[who]) | {"Accept": accept}
        return await self.client.get(f"/cases/{self.id}/hall{path}", headers=headers)

    async def now(self) -> dict[str, Any]:
        """How the conference stands."""
        found: dict[str, Any] = (await self.get("/now")).json()
        return found

    async def send(self, key: str, who: str = "a", accept: str = "application/json", **filled: str) -> httpx.Response:
        """One line."""
        headers = bearer(self.tokens[who]) | {"Accept": accept}
        form = {"kind": "conduct", "key": f"{self.id}.{key}"} | filled
        return await self.client.post(f"/cases/{self.id}/hall", data=form, headers=headers)

    async def topics(self, number: int) -> list[str]:
        """What happened to the petition of a speaker."""
        rows = await self.intake.rows(
            "SELECT topic FROM stored_events WHERE originator_id = $1 ORDER BY notification_id",
            self.petitions[number - 1],
        )
        return [row["topic"] for row in rows]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(pg_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServedHall]:
    """An intake and its followup."""
    tmp_path = tmp_path_factory.mktemp("hall")
    database = await pg_server.fresh("shared.postgres")
    tokens, entries = dict[str, str](), []
    for name, role in (("a", "office"), ("b", "chair"), ("auditor", "auditor")):
        tokens[name], entry = mint_token(name, role, "VN")  # type: ignore[arg-type]
        entries.append(entry)
    file = str(tokens_file(tmp_path, *entries))
    dsn = await pg_server.fresh("shared.postgres", "services.followup")
    async with contextlib.AsyncExitStack() as stack:
        intake = await stack.enter_async_context(served(database, tmp_path, tokens_file=file))
        await intake.places()
        settings = FollowupSettings(
            database_url=dsn, migrate=False, sources=str(intake.client.base_url).rstrip("/"), tokens_file=file
        )
        app = await stack.enter_async_context(running(settings, callers_of(settings), lambda: tokens["auditor"]))
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://followup.example")
        )
        yield ServedHall(intake, client, tokens)


@pytest_asyncio.fixture(loop_scope="module")
async def hall(services: ServedHall) -> ServedHall:
    """A conference of its own."""
    found = ServedHall(services.intake, services.client, services.tokens)
    await found.begin()
    return found


async def test_line__is_one_act_and_sent_again_gets_its_first_answer(hall: ServedHall) -> None:
    version = (await hall.now())["version"]
    line = {
        "speaker": "1", "words": "Đường sạt lở.", "outcome": "assigned", "petition": hall.petitions[0],
        "agency": EDUCATION, "version": str(version),
    }  # fmt: skip
    first = await hall.send("k1", **line)
    assert (first.status_code, first.json()["version"], first.json()["anew"]) == (200, version + 1, False)
    assert await hall.topics(1) == ["PetitionReceived", "PetitionScheduled", "PetitionRaised", "PetitionAssigned"]
    again = await hall.send("k1", **line)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await hall.topics(1)).count("PetitionAssigned") == 1
    shown = (await hall.now())["speakers"][0]
    assert shown["called"] and shown["state"]
    other = await hall.send("k1", **line | {"words": "Khác"})
    assert other.status_code == 422 and other.json()["type"].endswith(":idempotency-key-reused")


async def test_line__that_is_refused_names_its_input_and_records_nothing(hall: ServedHall) -> None:
    line = {"speaker": "1", "outcome": "assigned", "petition": hall.petitions[0], "agency": "H35.10.77"}
    refused = await hall.send("k1", **line)
    assert refused.status_code == 422 and refused.headers["content-type"].startswith("application/problem+json")
    assert (refused.json()["field"], refused.json()["title"]) == ("agency", "Chưa ghi nhận")
    assert await hall.topics(1) == ["PetitionReceived", "PetitionScheduled"]
    assert not (await hall.now())["speakers"][0]["called"]
    corrected = await hall.send("k2", **line | {"agency": EDUCATION})
    assert corrected.status_code == 200


async def test_line__on_what_others_have_changed_is_decided_anew(hall: ServedHall) -> None:
    version = str((await hall.now())["version"])
    assert (await hall.send("k1", who="b", speaker="1", version=version)).json()["anew"] is False
    later = await hall.send("k2", speaker="2", version=version)
    assert (later.status_code, later.json()["anew"]) == (200, True)
    assert (await hall.send("k2", speaker="2", version=version)).status_code == 200


async def test_line__of_a_speaker_whom_another_has_recorded_shows_theirs(hall: ServedHall) -> None:
    version = str((await hall.now())["version"])
    await hall.send("k1", who="b", speaker="1", words="Bản của người kia", version=version)
    refused = await hall.send("k2", speaker="1", words="Bản của tôi", version=version)
    assert refused.status_code == 409 or refused.status_code == 422
    assert refused.json()["type"].endswith(":speaker-already-called")
    assert refused.json()["theirs"] == {"person": "b", "words": "Bản của người kia"}
    page = await hall.send("k2", accept="text/html", speaker="1", words="Bản của tôi", version=version)
    assert "Bản của tôi" in page.text and "Bản của người kia" in page.text


async def test_line__out_of_turn_asks_for_the_reason_of_the_chair(hall: ServedHall) -> None:
    refused = await hall.send("k1", speaker="2")
    assert (refused.json()["field"], refused.json()["type"][-20:]) == ("chair_reason", "speaker-out-of-order")
    assert (await hall.send("k2", speaker="2", chair_reason="Người số 1 vắng")).status_code == 200


async def test_line__of_a_petition_that_was_raised_before_is_recorded_once(hall: ServedHall) -> None:
    await hall.intake.done(f"/v1/petitions/{hall.petitions[0]}/raising", {"conference_id": hall.id})
    line = {"speaker": "1", "outcome": "answered", "petition": hall.petitions[0], "answer": "Sẽ sửa."}
    assert (await hall.send("k1", **line)).status_code == 200
    assert (await hall.send("k1", **line)).status_code == 200
    assert (await hall.topics(1)).count("PetitionAnsweredAtConference") == 1


async def test_slip__puts_a_petition_and_its_speaker_on_the_list_and_names_nobody(hall: ServedHall) -> None:
    slip = {
        "kind": "slip", "speaker": "4", "name": "Sùng A Páo", "text": "Cầu treo hỏng.", "subject": "Sửa cầu",
        "field": "giao thông", "jurisdiction": DISTRICT, "kind_of_petition": "petition",
    }  # fmt: skip
    refused = await hall.send("k1", **slip | {"subject": ""})
    assert (refused.status_code, refused.json()["field"]) == (422, "subject")
    done = await hall.send("k2", **slip)
    now = await hall.now()
    assert now["speakers"][3] == {
        "number": "4", "petition": done.json()["petition"], "title": "Sửa cầu", "called": False,
        "state": now["speakers"][3]["state"],
    }  # fmt: skip
    assert "Sùng" not in str(now)
    taken = await hall.send("k3", **slip)
    assert taken.json()["type"].endswith(":speaker-already-registered") and taken.json()["field"] == "speaker"


async def test_minutes__are_adopted_once(hall: ServedHall) -> None:
    empty = await hall.send("k1", kind="minutes", minutes=" ")
    assert (empty.status_code, empty.json()["field"]) == (422, "minutes")
    for _ in range(2):
        assert (await hall.send("k2", kind="minutes", minutes="Hội nghị khai mạc.")).status_code == 200
    assert (await hall.now())["minutes"] is True


async def test_told__names_the_speakers_and_what_goes_into_the_minutes_to_who_keeps_them(hall: ServedHall) -> None:
    line = {"speaker": "1", "words": "Đường sạt lở.", "outcome": "answered", "petition": hall.petitions[0]}
    assert (await hall.send("k1", **line, answer="Sẽ sửa.")).status_code == 200
    told = (await hall.get("/told")).json()
    assert told[0] == {
        "number": "1", "name": "Lò Thị Mai", "minutes": "1. Lò Thị Mai: Đường sạt lở.\nTrả lời: Sẽ sửa.",
    }  # fmt: skip
    assert (told[1]["name"], told[1]["minutes"]) == ("Lò Thị Mai", "")
    assert (await hall.get("/told", who="auditor")).status_code == 403
    now = await hall.now()
    assert [each["id"] for each in now["petitions"]] == hall.petitions and "Lò" not in str(now)
    page = (await hall.get(accept="text/html")).text
    assert ">1. Lò Thị Mai: Đường sạt lở.\nTrả lời: Sẽ sửa.</textarea>" in page


async def test_page__shows_what_is_asked_and_what_agencies_prepared(hall: ServedHall) -> None:
    await hall.intake.done(f"/v1/petitions/{hall.petitions[1]}/forwarding", {"agency": EDUCATION})
    await hall.intake.done(
        f"/v1/petitions/{hall.petitions[1]}/prepared-answer", {"agency": EDUCATION, "text": "Đã bố trí vốn."}
    )
    for _ in range(200):
        page = (await hall.get(accept="text/html")).text
        if "Nội dung trả lời đã chuẩn bị" in page:
            break
        await asyncio.sleep(0.05)
    assert "Đã bố trí vốn." in page and "đã trả lời" in page and "chưa chuyển" in page
    assert "Đã bố trí vốn." not in (await hall.get(who="auditor", accept="text/html")).text


async def test_line__is_sent_by_nobody_but_who_typed_it(hall: ServedHall) -> None:
    refused = await hall.send("k1", person="b", speaker="1")
    assert refused.status_code == 409 and refused.json()["type"].endswith(":another-person")
    assert not (await hall.now())["speakers"][0]["called"]


async def test_script__is_allowed_on_this_page_alone_by_its_hash(hall: ServedHall) -> None:
    page = await hall.get(accept="text/html")
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"script-src 'sha256-{allowed}'; connect-src 'self'" in policy and "unsafe" not in policy
    conference = await hall.client.get(f"/cases/{hall.id}", headers=bearer(hall.tokens["a"]))
    assert "script-src" not in conference.headers["content-security-policy"]
    assert f'href="/cases/{hall.id}/hall"' in conference.text


async def test_auditor__looks_on_without_forms_names_and_script(hall: ServedHall) -> None:
    page = await hall.get(who="auditor", accept="text/html")
    assert page.status_code == 200 and "Lò Thị Mai" not in page.text
    assert "<script" not in page.text and "data-form" not in page.text
    assert (await hall.send("k1", who="auditor", speaker="1")).status_code == 403


async def test_hall__is_a_conferences_alone(hall: ServedHall) -> None:
    headers = bearer(hall.tokens["a"])
    assert (await hall.client.get(f"/cases/{hall.petitions[0]}/hall", headers=headers)).status_code == 404
    assert (await hall.client.get(f"/cases/{hall.id}/hall/now")).status_code == 401


async def test_page__is_for_plain_forms_too(hall: ServedHall) -> None:
    page = await hall.get(accept="text/html")
    form = page.text.partition('data-form="conduct"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    answer = await hall.send(unescape(hidden.pop("key")), accept="text/html", **hidden, words="Không có kịch bản")
    assert answer.status_code == 303 and answer.headers["location"].endswith("/hall?recorded=SpeakerCalled#turn")
    after = (await hall.get(accept="text/html")).text
    assert "Không có kịch bản" in after


async def test_sign_out__clears_what_the_browser_keeps(hall: ServedHall) -> None:
    answer = await hall.client.post("/office/logout", headers=bearer(hall.tokens["a"]))
    assert answer.headers["clear-site-data"] == '"storage"'
