"""Every command of the table is taken over HTTP: one conference of one day, from the registers to the last report."""

import re
from collections.abc import Iterator
from typing import Any

from services.intake.application.command_body import CODECS
from services.intake.domain import errors
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, OFFICE, Intake

P, C = "/v1/petitions/{id}", "/v1/conferences/{id}"
REPLY = {"number": "12/GDĐT", "signatory": "Trưởng phòng", "digest": "d" * 64}


RULES = [
    {
        "duty": "reply", "form": "deadline", "length": 15, "counted_from": "conference_end",
        "variants": [{"when": ["complex"], "length": 30}],
        "extension": {"told": ["petitioner", "committee"]}, "pause": {"told": ["petitioner"]},
    },
    {"duty": "conclusion_notice", "form": "deadline", "length": 5, "variants": [{"when": ["complex"], "length": 10}]},
    {
        "duty": "annual_dialogue", "form": "frequency",
        "frequency": {"times": 1, "per": "half_year", "waiver": {"substitute": "required"}},
    },
]  # fmt: skip


class Walk:
    """Sends commands, remembers which paths were taken."""

    def __init__(self, intake: Intake) -> None:
        self.intake, self.taken = intake, set[str]()

    async def do(self, path: str, target: str = "", **body: Any) -> str:
        """A command that must be accepted; the id that it is about."""
        self.taken.add(path)
        return str((await self.intake.done(path.replace("{id}", target), body))["id"])

    async def received(self, **fields: Any) -> str:
        return await self.do("/v1/petitions", jurisdiction=COMMUNE, text="Đường vào bản bị sạt lở.", **fields)


async def registers(walk: Walk, today: str) -> None:
    await walk.do("/v1/jurisdictions", code="H35.11", name="Huyện cũ", level="district", valid_from="2004-01-01")
    await walk.do("/v1/jurisdictions/{id}/closure", "H35.11", successor=DISTRICT)
    await walk.do("/v1/agencies", code="H35.10.8", name="Phòng cũ", jurisdiction=DISTRICT, valid_from="2004-01-01")
    await walk.do("/v1/agencies/{id}/closure", "H35.10.8", successor=EDUCATION)
    document = {"number": "570/KH-UBND", "issued_on": "2019-06-24"}
    policy = {"policy_id": "plan-570", "document": document, "valid_from": today, "rules": RULES}
    await walk.do("/v1/policies", jurisdiction=DISTRICT, policy=policy)
    await walk.do("/v1/calendars", year=2018, holidays=[{"date": "2018-01-01", "name": "Tết Dương lịch"}])
    await walk.do("/v1/plans", jurisdiction=DISTRICT, number="570/KH-UBND", year=int(today[:4]))
    await walk.do("/v1/jurisdictions/{id}/reception-days", DISTRICT, place="Trụ sở", citizens=7)
    entries = [{"code": "tru-so", "title": "Tại trụ sở"}]
    await walk.do("/v1/catalogues", jurisdiction=DISTRICT, kind="village", entries=entries)
    old = [{"text": "nhà văn hóa", "code": "tru-so"}]
    await walk.do("/v1/catalogue-mappings", jurisdiction=DISTRICT, kind="village", entries=old)
    half = f"{today[:4]}-H{1 if int(today[5:7]) < 7 else 2}"
    waiver = {"duty": "annual_dialogue", "period": half, "number": "7/QĐ", "substitute": "Hỏi đáp bằng văn bản"}
    await walk.do("/v1/jurisdictions/{id}/waivers", DISTRICT, **waiver)
    second = policy | {"policy_id": "second", "rules": [{"duty": "convene", "form": "undated"}]}
    adopted = await walk.intake.done("/v1/policies", {"jurisdiction": DISTRICT, "policy": second})
    records = (await walk.intake.get("/v1/policies")).json()["items"]
    (event_id,) = [r["event_id"] for r in records if r["position"] == adopted["position"]]
    await walk.do("/v1/policies/{id}/annulments", DISTRICT, event_id=event_id, reason="Nhầm văn bản.")


async def people(walk: Walk, today: str) -> None:
    named = {"subject": "7f3a-21", "name": "Lò Thị Mai", "position": "Phó Chủ tịch", "roles": ["office"]}
    await walk.do("/v1/people", jurisdiction=DISTRICT, valid_from="2020-01-01", **named)
    (person,) = (await walk.intake.get("/v1/people")).json()["items"]
    post = person["posts"][0]["id"]
    days = {"valid_from": today, "valid_until": today}
    await walk.do("/v1/posts/{id}/delegations", post, number="5/QĐ-UBND", **days)
    (person,) = (await walk.intake.get("/v1/people")).json()["items"]
    delegation = person["posts"][0]["delegations"][0]["id"]
    await walk.do("/v1/delegations/{id}/ending", delegation, reason="Về sớm.")
    await walk.do("/v1/posts/{id}/ending", post, reason="Chuyển công tác.")
    await walk.do("/v1/posts/{id}/annulment", post, reason="Ghi nhận nhầm.")
    await walk.do("/v1/people/{id}/erasure", person["id"])


async def prepared(walk: Walk, today: str, petition: str) -> str:
    conference = await walk.do("/v1/proposals", jurisdiction=DISTRICT, proposer="Thanh tra", petition_ids=[petition])
    await walk.do(f"{C}/decision", conference, accepted=True)
    days = {"first_day": today, "last_day": today}
    await walk.do(f"{C}/plan", conference, jurisdiction=DISTRICT, kind="periodic", place="Hội trường", **days)
    await walk.do(f"{C}/rescheduling", conference, reason="Mưa lũ.", **days)
    await walk.do(f"{C}/tasks", conference, task="t", kind="facilities", agency=OFFICE)
    await walk.do(f"{C}/task-completions", conference, task="t")
    await walk.do(f"{C}/preparation-report", conference, number="1/BC-VP")
    await walk.do(f"{C}/notices", conference, channel="portal", for_date=today, evidence="https://example.vn/1")
    await walk.do(f"{C}/invitations", conference, for_date=today)
    await walk.do(f"{C}/reminders", conference, deadline_id=conference, to=OFFICE)
    other = await walk.do("/v1/conferences", jurisdiction=DISTRICT, kind="extraordinary", place="Nhà văn hoá", **days)
    await walk.do(f"{C}/cancellation", other, reason="Không còn cần.")
    asked = await walk.do("/v1/dialogue-requests", jurisdiction=DISTRICT, requester="Huyện đoàn", reason="Việc làm.")
    await walk.do(f"{C}/answer", asked, accepted=False, number="8/UBND", reason="Đã có lịch.")
    return conference


async def held(walk: Walk, conference: str, petition: str, answered: str) -> None:
    await walk.do(f"{C}/opening", conference)
    await walk.do(f"{C}/attendance", conference, agencies=[OFFICE], citizens=40)
    await walk.do(f"{C}/secretary", conference, name="Thư ký")
    await walk.do(f"{C}/speakers", conference, speaker="s1", petition_id=petition, name="A")
    await walk.do(f"{C}/calls", conference, speaker="s1", words="Xin trình bày.")
    for raised in (petition, answered):
        await walk.do(f"{P}/raising", raised, conference_id=conference)
    await walk.do(f"{P}/oral-answer", answered, conference_id=conference, answer="Đã giải quyết.")
    await walk.do(f"{C}/minutes", conference, digest="d" * 64, minutes="Biên bản.")
    await walk.do(f"{C}/closing", conference)
    await walk.do(f"{C}/review", conference, summary="Đã rút kinh nghiệm.")
    await walk.do(f"{C}/complexity", conference, variant="complex", decided_by="Chủ tịch", criteria=["nhiều việc"])
    result = {"what": "result", "channel": "posting"}
    await walk.do(f"{C}/publications", conference, evidence="Biên bản niêm yết", **result)
    await walk.do(f"{C}/publication-ends", conference, **result)
    line = {"petition_id": petition, "agency": EDUCATION}
    await walk.do(
        f"{C}/conclusion", conference, number="1/TB", signatory="Chủ tịch", digest="d" * 64, assignments=[line]
    )


async def followed_up(walk: Walk, today: str, petition: str) -> None:
    await walk.do(f"{P}/reassignment", petition, agency=OFFICE, reason="Đúng thẩm quyền.")
    await walk.do(f"{P}/complexity", petition, decided_by="Chủ tịch", criteria=["nhiều cơ quan"])
    year = int(today[:4]) + 1
    told = {"petitioner_told_on": today, "committee_told_on": today}
    await walk.do(f"{P}/extension", petition, expected_on=f"{year}-12-30", ground="Cần khảo sát.", **told)
    await walk.do(f"{P}/suspension", petition, number="3/QĐ", petitioner_told_on=today)
    await walk.do(f"{P}/resumption", petition, number="4/QĐ")
    await walk.do(f"{P}/escalation-proposal", petition, agency=OFFICE, reason="Vượt thẩm quyền.")
    await walk.do(f"{P}/escalation", petition, authority="UBND tỉnh")
    await walk.do(f"{P}/higher-answer", petition, authority="UBND tỉnh", number="9/UBND")
    await walk.do(f"{P}/reminders", petition, deadline_id=petition, to=OFFICE)
    await walk.do(f"{P}/reply", petition, **REPLY, text="Trả lời.")
    report = {"recipient": "chair", "on": today}
    await walk.do(f"{P}/reply-report", petition, reply_number=REPLY["number"], reports=[report])
    await walk.do(f"{P}/result-report", petition, agency=OFFICE, result="resolved")
    await walk.do(f"{P}/forwarder-report", petition, agency=OFFICE, number="12/TB")
    await walk.do(f"{P}/closure", petition)
    await walk.do(f"{P}/reopening", petition, reason="Chưa xong.")


async def ended_otherwise(walk: Walk, survivor: str) -> None:
    wrong = await walk.received()
    await walk.do(f"{P}/assignment", wrong, agency=EDUCATION)
    await walk.do(f"{P}/withdrawal", wrong, reason="Rút.")
    withdrawal = (await walk.intake.get(f"/v1/petitions/{wrong}")).json()["facts"][-1]["event_id"]
    await walk.do(f"{P}/annulments", wrong, event_id=withdrawal, reason="Nhầm đơn.")
    await walk.do(f"{P}/merger", wrong, into=survivor)
    await walk.do(f"{P}/acceptance", await walk.received(), number="5/TB")
    await walk.do(f"{P}/refusal", await walk.received(), number="6/TB", ground="Không thuộc thẩm quyền.")
    await walk.do(f"{P}/redirection", await walk.received(), procedure="complaint", body="Thanh tra huyện")
    await walk.do("/v1/petitioners/{id}/erasure", "p1", ground="Hết mục đích.")


async def everything(walk: Walk) -> tuple[str, str]:
    """Every command; the conference, and the event of it that was annulled last."""
    intake, today = walk.intake, await walk.intake.today()
    await registers(walk, today)
    await people(walk, today)
    petition, answered = await walk.received(petitioner_ids=["p1"]), await walk.received()
    await walk.do(f"{P}/correction", petition, channel="điện thoại")
    await walk.do(f"{P}/classification", petition, subject="Đường vào bản", field="giao thông", urgency="urgent")
    await walk.do(f"{P}/forwarding", petition, agency=EDUCATION)
    await walk.do(f"{P}/prepared-answer", petition, agency=EDUCATION, text="Dự thảo.")
    conference = await prepared(walk, today, petition)
    await walk.do(f"{P}/schedule", petition, conference_id=conference)
    await held(walk, conference, petition, answered)
    await followed_up(walk, today, petition)
    await ended_otherwise(walk, petition)
    review = (await intake.get(f"/v1/conferences/{conference}")).json()["facts"]
    event_id = next(fact["event_id"] for fact in review if fact["topic"] == "InternalReviewHeld")
    await walk.do(f"{C}/annulments", conference, event_id=event_id, reason="Chưa họp.")
    return conference, event_id


async def test_every_command_of_the_table_is_taken(intake: Intake) -> None:
    walk = Walk(intake)
    conference, event_id = await everything(walk)
    assert set(CODECS) - walk.taken == set(), "send a request of each of these commands in this file"
    assert walk.taken - set(CODECS) == set()
    taken_back = await intake.post(f"/v1/conferences/{conference}/annulments", {"event_id": event_id})
    assert taken_back.json()["type"] == f"urn:doithoai:problem:{errors.AlreadyAnnulled.code}"


#: Days at the ends of what a date can say.
EXTREME_DAYS = ("0001-01-01", "9999-12-31")


def at_the_ends(value: Any) -> Iterator[Any]:
    """The same value with one of its dates at an end of the calendar, for each of them."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        yield from EXTREME_DAYS
    elif isinstance(value, dict):
        for name, part in value.items():
            if name != "issued_on":  # of a document: it is printed and counted with by nobody
                yield from ({**value, name: each} for each in at_the_ends(part))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from ([*value[:number], each, *value[number + 1 :]] for each in at_the_ends(part))


class WalkAtTheEnds(Walk):
    """Sends each command first with each of its dates at an end of the calendar."""

    async def do(self, path: str, target: str = "", **body: Any) -> str:
        for each in at_the_ends({"effective_on": "2019-01-01", **body}):
            if each.get("effective_on") == "2019-01-01":
                del each["effective_on"]
            answer = await self.intake.post(path.replace("{id}", target), each)
            assert 400 <= answer.status_code < 500, (path, each, answer.status_code, answer.text)
        return await super().do(path, target, **body)


async def test_no_command_falls_over_a_date_at_the_end_of_the_calendar(intake: Intake) -> None:
    await everything(WalkAtTheEnds(intake))
