"""`doithoai policy` and `doithoai calendar` against a running intake, and the same by HTTP."""

import asyncio
import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from services.cli import calendar, policy
from shared.policy import shipped_text
from tests.support.intake import DISTRICT, Intake

SHORTER = """\
policy_id: shorter
document: {number: 2/QĐ-UBND, issued_on: 2019-08-20}
valid_from: 2019-08-20
rules:
  - {duty: reply, form: deadline, length: 10, extension: {told: [petitioner]}}
"""


WAITING = """\
  - {duty: conclusion_notice, form: deadline, length: 5, counted_from: fixed_date, fixed_date: 2030-03-15}
"""


async def tool(app: typer.Typer, intake: Intake, *arguments: str) -> Result:
    """The command as typed, in a thread of its own: intake runs in this one."""
    runner = CliRunner(env={"COLUMNS": "160"})
    asked = [*arguments, "--url", str(intake.client.base_url).rstrip("/")]
    return await asyncio.to_thread(runner.invoke, app, asked)


async def current(intake: Intake, year: int) -> dict[str, Any]:
    answer = await intake.get(f"/v1/calendars/{year}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


class TestPolicy:
    async def test_adopted__is_recorded_and_in_force(self, intake: Intake, tmp_path: Path) -> None:
        file = tmp_path / "shorter.yaml"
        file.write_text(SHORTER, "utf-8")
        adopted = await tool(policy.app, intake, "adopt", str(file), "--jurisdiction", DISTRICT, "--key", "k1")
        assert adopted.exit_code == 0, adopted.stderr
        again = await tool(policy.app, intake, "adopt", str(file), "--jurisdiction", DISTRICT, "--key", "k1")
        assert again.stdout == adopted.stdout, "a retry adopts it once"
        (recorded,) = (await intake.get("/v1/policies")).json()["items"]
        assert recorded["data"]["policy"]["policy_id"] == "shorter"

    async def test_adopted__says_who_owes_what_which_document_wins_and_what_waits(
        self, intake: Intake, tmp_path: Path
    ) -> None:
        first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
        first.write_text(SHORTER.replace("rules:", "precedence: decision\nrules:"), "utf-8")
        second.write_text(SHORTER.replace("shorter", "plan") + WAITING, "utf-8")
        silent = await tool(policy.app, intake, "adopt", str(first), "--jurisdiction", DISTRICT)
        assert (silent.exit_code, silent.stdout.count("\n")) == (0, 1), silent.output
        asked = await intake.client.post(
            f"/v1/policies/check?jurisdiction={DISTRICT}",
            content=second.read_bytes(),
            headers={"Content-Type": "application/yaml"},
        )
        effects = [(each["kind"], each["duty"], each.get("other", "")) for each in asked.json()["effects"]]
        assert effects == [
            ("loses", "reply", "shorter"),
            ("owed", "annual_dialogue", ""),
        ]
        assert "570" not in asked.text, "the product's default is no document that binds"
        told = (await tool(policy.app, intake, "adopt", str(second), "--jurisdiction", DISTRICT)).stdout
        for each in asked.json()["effects"]:
            assert each["told"]["vi"] in told and each["told"]["en"] in told
        assert "shorter wins over plan" in told and "owed from now on by" in told
        assert "rules[1]: conclusion_notice chưa tính được cho đến khi có lịch năm 2030 / is not counted" in told

    async def test_check__for_a_jurisdiction_that_nobody_registered__is_refused(self, intake: Intake) -> None:
        answer = await intake.post("/v1/policies/check?jurisdiction=H99", {})
        assert answer.json()["valid"] is False, "a wrong document first"
        sound = await intake.client.post(
            "/v1/policies/check?jurisdiction=H99", content=SHORTER, headers={"Content-Type": "application/yaml"}
        )
        assert (sound.status_code, sound.json()["field"]) == (422, "jurisdiction")

    async def test_wrong_one__is_refused_here_and_there(self, intake: Intake, tmp_path: Path) -> None:
        file = tmp_path / "wrong.yaml"
        file.write_text(SHORTER.replace("length: 10", "lenght: 10"), "utf-8")
        refused = await tool(policy.app, intake, "adopt", str(file), "--jurisdiction", DISTRICT)
        assert refused.exit_code == 1
        assert f"{file}:5: rules[0].lenght: không có từ khóa 'lenght'; " in refused.stderr
        assert " / unknown word 'lenght'; " in refused.stderr
        body = {
            "jurisdiction": DISTRICT,
            "policy": {
                "policy_id": "wrong",
                "document": {"number": "1", "issued_on": "2019-01-01"},
                "valid_from": "2019-01-01",
                "rules": [{"duty": "reply", "form": "deadline", "lenght": 10}],
            },
        }
        answer = await intake.post("/v1/policies", body)
        assert answer.status_code == 422 and "lenght" in answer.text
        body["policy"]["rules"] = [{"duty": "reply", "form": "deadline"}]  # type: ignore[index]
        answer = await intake.post("/v1/policies", body)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:doithoai:problem:invalid-policy")
        assert "policy.rules[0].length: a deadline needs a length" in answer.json()["detail"]
        vietnamese = answer.json()["translations"]["vi"]["detail"]
        assert "policy.rules[0].length: deadline phải có length; hãy ghi bao nhiêu" in vietnamese

    async def test_intake_that_refuses__is_one_line(self, intake: Intake) -> None:
        refused = await tool(policy.app, intake, "adopt", "youth-dialogue", "--jurisdiction", "H99")
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
        assert all(told in refused.stderr for told in ("H99", ": từ chối (422): ", " / refused (422): "))

    async def test_check__by_http__as_json_and_as_yaml_with_lines(self, intake: Intake) -> None:
        sound = await intake.client.post(
            "/v1/policies/check",
            content=shipped_text("youth-dialogue").encode(),
            headers={"Content-Type": "application/yaml"},
        )
        assert sound.status_code == 200 and sound.json()["valid"] is True
        assert sound.json()["lines"][1]["limit"]["vi"] == "ít nhất 30 ngày trước ngày tổ chức hội nghị"
        wrong = await intake.client.post(
            "/v1/policies/check",
            content=SHORTER.replace("reply", "replay").encode(),
            headers={"Content-Type": "application/yaml"},
        )
        (problem,) = wrong.json()["problems"]
        assert (problem["line"], problem["path"], problem["message"]) == (5, "rules[0].duty", "unknown duty 'replay'")
        told = problem["translations"]
        assert (told["vi"]["message"], told["en"]["message"]) == ("không có việc 'replay'", problem["message"])
        assert "hãy dùng một trong: invitation" in told["vi"]["remedy"]
        as_json = await intake.post("/v1/policies/check", {"policy_id": "x", "rules": 3})
        assert as_json.status_code == 200 and as_json.json()["valid"] is False

    async def test_show_and_explain__by_http(self, intake: Intake) -> None:
        async def sheet(name: str, query: str) -> Any:
            yaml = {"Content-Type": "application/yaml"}
            content = shipped_text(name).encode()
            answer = await intake.client.post(f"/v1/policies/check?{query}", content=content, headers=yaml)
            return answer.status_code, answer.json()

        _, youth = await sheet("youth-dialogue", "conference=2026-03-26&on=request=2026-04-10")
        due = {(line["duty"], line["due_on"]) for line in youth["lines"]}
        assert {("public_notice", "2026-02-24"), ("conclusion_notice", "2026-04-05"), ("convene", "2026-05-25")} <= due
        notice = next(line for line in youth["lines"] if line["duty"] == "public_notice")
        assert notice["details"][0]["vi"].startswith("một trong: cổng, trang thông tin điện tử")
        _, plan = await sheet("plan-570", "")
        stated = {line["duty"]: line.get("stated", True) for line in plan["lines"]}
        assert (stated["invitation"], stated["public_notice"]) == (True, False)
        for query, told in (
            ("on=birthday=2026-01-05", "birthday"),
            ("conference=26/3/2026", "26/3/2026"),
            ("conference=2040-03-26", "2040"),
        ):
            status, problem = await sheet("plan-570", query)
            assert status == 422 and told in problem["detail"]

    async def test_diff__by_http(self, intake: Intake) -> None:
        async def compared(before: Any, after: Any) -> Any:
            return await intake.post("/v1/policies/comparison", {"before": before, "after": after})

        found = (await compared("plan-570", "communes-2025")).json()["changes"]
        assert {"path": "public_notice.length", "before": 1, "after": 7} in found
        assert (await compared("plan-570", "plan-570")).json() == {"changes": []}
        mine = {
            "policy_id": "mine",
            "document": {"number": "1", "issued_on": "2019-01-01"},
            "valid_from": "2019-01-01",
            "rules": [{"duty": "reply", "form": "deadline", "length": 10}],
        }
        assert {"path": "reply.length", "before": 10, "after": 15} in (await compared(mine, "plan-570")).json()[
            "changes"
        ]
        wrong = await compared("plan-570", mine | {"rules": [{"duty": "reply", "form": "deadline"}]})
        assert wrong.status_code == 422 and wrong.json()["field"] == "after.rules[0].length"
        assert (await compared("plan-570", "nowhere")).status_code == 422

    async def test_tried_on_history__lists_what_would_differ(self, intake: Intake, tmp_path: Path) -> None:
        petition = (await intake.petition(effective_on="2019-08-01"))["id"]
        conference = await intake.done(
            "/v1/conferences",
            {
                "effective_on": "2019-08-01",
                "jurisdiction": DISTRICT,
                "kind": "periodic",
                "first_day": "2019-08-23",
                "last_day": "2019-08-23",
                "place": "Hội trường",
            },
        )
        place = f"/v1/conferences/{conference['id']}"
        await intake.done(f"{place}/opening", {"effective_on": "2019-08-23"})
        raised = {"effective_on": "2019-08-23", "conference_id": conference["id"]}
        await intake.done(f"/v1/petitions/{petition}/raising", raised)
        await intake.done(f"{place}/closing", {"effective_on": "2019-08-23"})
        file = tmp_path / "shorter.yaml"
        file.write_text(SHORTER, "utf-8")
        before = await intake.head()
        found = await tool(
            policy.app, intake, "diff", str(file), "--against-history", "--jurisdiction", DISTRICT, "--json"
        )
        assert found.exit_code == 0, found.stderr
        differences = {d["duty"]: d for d in json.loads(found.stdout)["differences"] if d["subject_id"] == petition}
        reply = differences["reply"]
        assert (reply["before"]["due_on"], reply["after"]["due_on"]) == ("2019-09-16", "2019-09-09")
        assert "2/QĐ-UBND" in reply["after"]["why"]["vi"]
        assert "the product's default limit" in reply["before"]["why"]["en"]
        assert await intake.head() == before, "nothing is recorded"


class TestCalendarRoutes:
    async def test_check__a_misspelt_field_is_no_day_forgotten(self, intake: Intake) -> None:
        draft = {"year": 2027, "holidays": [], "makeup_dayz": [{"date": "2027-05-08", "instead_of": "2027-05-04"}]}
        checked = (await intake.post("/v1/calendars/check", draft)).json()
        assert checked["valid"] is False and "makeup_dayz" in checked["problem"]
        assert checked["translations"]["en"] == {"problem": checked["problem"]}
        assert checked["translations"]["vi"] == {"problem": "không có trường `makeup_dayz`"}

    async def test_published__from_an_edited_draft(self, intake: Intake, tmp_path: Path) -> None:
        file = tmp_path / "2028.yaml"
        run = CliRunner()
        assert run.invoke(calendar.app, ["propose", "2028", "--out", str(file)]).exit_code == 0
        changed = ["edit", str(file), "--off", "2028-05-02=Nghỉ hoán đổi", "--work", "2028-05-06=2028-05-02"]
        assert run.invoke(calendar.app, [*changed, "--document", "Thông báo 1/TB-BNV"]).exit_code == 0
        published = await tool(calendar.app, intake, "publish", str(file))
        assert published.exit_code == 0, published.stderr
        year = await current(intake, 2028)
        assert (year["calendar"]["confirmed"], year["calendar"]["document"]) == (True, "Thông báo 1/TB-BNV")
        assert {"date": "2028-05-06", "instead_of": "2028-05-02"} in year["calendar"]["makeup_days"]
        same = await tool(calendar.app, intake, "diff", str(file))
        assert "no difference" in same.stdout

    async def test_confirmed__an_official_stands_for_the_shipped_one(self, intake: Intake) -> None:
        assert not (await current(intake, 2019))["calendar"].get("confirmed")
        done = await tool(calendar.app, intake, "confirm", "2019", "--document", "Thông báo 2/TB")
        assert done.exit_code == 0, done.stderr
        year = (await current(intake, 2019))["calendar"]
        assert (year["confirmed"], year["document"]) == (True, "Thông báo 2/TB")
        again = await tool(calendar.app, intake, "confirm", "2019")
        assert again.exit_code == 1 and "confirmed already" in again.stderr

    async def test_another_version_in_between__is_not_replaced_unseen(self, intake: Intake) -> None:
        seen = (await current(intake, 2019))["version"]
        body = {"year": 2019, "holidays": [{"date": "2019-09-02", "name": "Quốc khánh"}]}
        first = await intake.post("/v1/calendars", body, If_Match=f'"{seen}"')
        assert first.status_code == 201
        second = await intake.post("/v1/calendars", body, If_Match=f'"{seen}"')
        assert second.status_code == 412

    async def test_check__by_http__tells_the_changes(self, intake: Intake) -> None:
        draft = (await current(intake, 2019))["calendar"]
        draft["holidays"].append({"date": "2019-09-12", "name": "Nghỉ đột xuất"})
        answer = (await intake.post("/v1/calendars/check", draft)).json()
        assert answer["valid"] is True
        assert answer["changes"] == [{"date": "2019-09-12", "kind": "off", "name": "Nghỉ đột xuất"}]
        draft["makeup_days"].append({"date": "2019-09-09", "instead_of": "2019-09-12"})
        answer = (await intake.post("/v1/calendars/check", draft)).json()
        assert answer["valid"] is False and "2019-09-09 is a Monday" in answer["problem"]
        assert "Ngày 09/09/2019 không phải thứ Bảy hoặc Chủ nhật" in answer["translations"]["vi"]["problem"]
        assert (await intake.get("/v1/calendars/2027/proposal")).json()["provisional"] is True
        assert (await intake.get("/v1/calendars/1950")).status_code == 404
