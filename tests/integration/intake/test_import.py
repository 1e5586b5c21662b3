"""An office goes live with its running cases: through the rules, whole or not at all, as often as it likes."""

import asyncio
import csv
import json
import os
import random
import signal
import subprocess
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.importing import COMMAND, Importing, environment, rejects_of, write_lines
from tests.support.intake import COMMUNE, DISTRICT, EDUCATION, PROVINCE, Intake, served
from tests.support.postgres import TestServer
from tests.support.waiting import until

HELD, NOTICE = "23/08/2019", "30/08/2019"
CONFERENCE: tuple[dict[str, Any], ...] = (
    {
        "command": "ConferencePlanned",
        "case": "HN-2019",
        "effective_on": "22/07/2019",
        "jurisdiction": DISTRICT,
        "kind": "periodic",
        "first_day": HELD,
        "last_day": HELD,
        "place": "Hội trường huyện",
    },
    {"command": "ConferenceOpened", "case": "HN-2019", "effective_on": HELD},
    {"command": "ConferenceClosed", "case": "HN-2019", "effective_on": HELD},
)
ROADS = {
    "command": "AgencyRegistered",
    "effective_on": "01/02/2019",
    "code": "H35.10.6",
    "name": "Phòng Kinh tế và Hạ tầng",
    "jurisdiction": DISTRICT,
    "valid_from": "2004-01-01",
}
LOG = """SELECT notification_id, originator_id, originator_version, topic, recorded_at,
    convert_from(state, 'UTF8') AS state FROM stored_events WHERE notification_id > $1 ORDER BY notification_id"""


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "Mã đơn": f"TD-{number}",
        "Ngày tiếp": "01/07/2019",
        "Họ tên": f"Lò Văn {number}",
        "Nội dung đơn": f"Đường vào bản {number} bị sạt lở.",
        "Địa bàn": COMMUNE,
    } | more


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as output:
        writer = csv.DictWriter(output, list(dict.fromkeys(name for record in rows for name in record)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@pytest.fixture
def importing(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> Importing:
    return Importing(intake, monkeypatch)


async def log_of(intake: Intake, after: int) -> list[dict[str, Any]]:
    """The events after a position, with what they say."""
    return [dict(r) | json.loads(r["state"]) for r in await intake.rows(LOG, after)]


async def cases(intake: Intake, after: int = 0) -> dict[str, list[str]]:
    """The topics of each imported case, by its name."""
    found: dict[str, list[str]] = {}
    names = {r["originator_id"]: r["external_id"] for r in await intake.rows("SELECT * FROM external_references")}
    for event in await intake.rows(LOG, after):
        found.setdefault(names.get(event["originator_id"], str(event["originator_id"])), []).append(event["topic"])
    return found


async def test_whole_history__from_json_lines_in_the_order_in_which_it_happened(
    importing: Importing, tmp_path: Path
) -> None:
    intake, head = importing.intake, await importing.intake.head()
    planned, opened, closed = CONFERENCE
    raised = {"command": "PetitionRaised", "case": "P1", "effective_on": HELD, "conference_id": "HN-2019"}
    notice = {
        "command": "ConclusionNoticeIssued",
        "case": "HN-2019",
        "effective_on": NOTICE,
        "number": "1/TB",
        "signatory": "Chủ tịch",
        "digest": "d" * 64,
        "assignments": [{"petition_id": "P1", "agency": "H35.10.6"}],
    }
    received = {
        "command": "PetitionReceived",
        "case": "P1",
        "effective_on": "01/07/2019",
        "jurisdiction": COMMUNE,
        "identities": {"1": {"name": "Lò Văn Pâng"}},
        "text": "Đường sạt lở.",
    }
    reply = {
        "command": "WrittenReplyIssued",
        "case": "P1",
        "effective_on": "16/09/2019",
        "number": "12/PKT",
        "signatory": "Trưởng phòng",
        "digest": "e" * 64,
        "text": "Đã sửa.",
    }
    file = write_lines(tmp_path / "a.jsonl", received, planned, opened, raised, closed, notice, reply, ROADS)
    summary = await importing.done(file, "--source", "so-cu", "--on-behalf-of", "Văn phòng")
    assert (summary["recorded"], summary["cases"], summary["events"]) == (8, 2, 9)
    whole = await log_of(intake, head)
    log = whole[1:]
    assert [event["topic"] for event in log] == [
        "PetitionReceived",
        "ConferencePlanned",
        "ConferenceOpened",
        "PetitionRaised",
        "ConferenceClosed",
        "ConclusionNoticeIssued",
        "PetitionAssigned",
        "WrittenReplyIssued",
    ]
    assert len({event["recorded_at"] for event in log}) == 1, "one transaction"
    for meta in (event["meta"] for event in whole):
        assert (meta["backfilled"], meta["actor"], meta["on_behalf_of"]) == (True, "import", "Văn phòng")
    assert log[6]["data"]["notice_id"] == log[5]["meta"]["event_id"]
    found = (await intake.get("/v1/petitions", source="so-cu", external_id="P1")).json()
    content = (await intake.get(f"/v1/petitions/{log[0]['originator_id']}/content")).json()
    assert str(log[0]["originator_id"]) in str(found)
    assert "Lò Văn Pâng" in str(content) and "Đã sửa." in str(content)


async def test_same_rows_again__add_nothing_in_either_form(importing: Importing, tmp_path: Path) -> None:
    conference = write_lines(tmp_path / "c.jsonl", *CONFERENCE, ROADS)
    rows = [row(n, conference="HN-2019", agency=EDUCATION) for n in range(20)] + [row(20) | {"Mã đơn": ""}] * 2
    first = table(tmp_path / "a.csv", rows)
    await importing.done(conference)
    summary = await importing.done(first)
    assert (summary["recorded"], summary["known"], summary["events"]) == (21, 1, 61)
    head = await importing.intake.head()
    for file in (conference, first, write_lines(tmp_path / "b.jsonl", *reversed(rows))):
        summary = await importing.done(file)
        assert (summary["recorded"], summary["known"]) == (0, summary["rows"])
    assert await importing.intake.head() == head


async def test_register_exported_again__adds_what_is_new_of_each_case(importing: Importing, tmp_path: Path) -> None:
    await importing.done(write_lines(tmp_path / "c.jsonl", *CONFERENCE))
    rows = [row(n, conference="HN-2019") for n in range(4)]
    await importing.done(table(tmp_path / "july.csv", rows))
    head = await importing.intake.head()
    later = [
        rows[0],
        rows[1] | {"agency": EDUCATION},
        rows[2] | {"agency": EDUCATION, "reply": "12/UBND ngày 16/09/2019", "Nội dung trả lời": "Đã sửa."},
        rows[3],
        row(4),
    ]
    summary = await importing.done(table(tmp_path / "october.csv", later))
    assert (summary["recorded"], summary["known"]) == (3, 2)
    assert await cases(importing.intake, head) == {
        "TD-1": ["PetitionAssigned"],
        "TD-2": ["PetitionAssigned", "WrittenReplyIssued"],
        "TD-4": ["PetitionReceived"],
    }
    (petition,) = await importing.intake.rows(
        "SELECT originator_id FROM external_references WHERE external_id = 'TD-2'"
    )
    content = (await importing.intake.get(f"/v1/petitions/{petition['originator_id']}/content")).json()
    assert "Đường vào bản 2" in str(content) and "Đã sửa." in str(content)


async def test_bad_rows__go_back_with_line_column_and_reason_are_mended_and_imported(
    importing: Importing, tmp_path: Path
) -> None:
    rows = [
        row(1),
        row(2) | {"Ngày tiếp": "31/02/2019"},
        row(3, agency="Phòng Không Có"),
        row(4) | {"Ngày tiếp": "01/01/2031"},
        row(5, agency="H35.10.9", assigned_on="01/02/2020"),
    ]
    code, summary, _ = await importing.run(table(tmp_path / "a.csv", rows))
    assert (code, summary["recorded"], summary["rejected"]) == (1, 1, 4)
    rejected = read_table(Path(summary["rejects"]))
    assert [(r["_line"], r["_column"]) for r in rejected] == [
        ("3", "Ngày tiếp"),
        ("4", "agency"),
        ("5", "Ngày tiếp"),
        ("6", "agency"),
    ]
    assert "31/02/2019" in rejected[0]["_reason"] and "successor" in rejected[3]["_reason"]
    assert await cases(importing.intake, await _places(importing)) == {"TD-1": ["PetitionReceived"]}
    for record, mended in zip(
        rejected,
        ({"Ngày tiếp": "28/02/2019"}, {"agency": EDUCATION}, {"Ngày tiếp": "2019-01-02"}, {"agency": EDUCATION}),
        strict=True,
    ):
        record.update(mended)
    code, again, errors = await importing.run(table(Path(summary["rejects"]), rejected))
    assert (code, again["recorded"]) == (0, 4) and "a.rejects.csv" in errors and "personal data" in errors
    code, summary, _ = await importing.run(tmp_path / "a.csv")
    assert (code, summary["recorded"], summary["known"], summary["rejected"]) == (1, 0, 1, 4)
    assert Path(summary["rejects"]).name == "a.rejects-2.csv", "never over a file that someone may be mending"


async def _places(importing: Importing) -> int:
    """The head before anything was imported."""
    (found,) = await importing.intake.rows(
        "SELECT coalesce(min(notification_id), 1) - 1 AS head FROM stored_events "
        "WHERE convert_from(state, 'UTF8')::jsonb #>> '{meta,actor}' = 'import'"
    )
    return int(found["head"])


async def test_case_under_a_name_that_nobody_can_write__goes_back_with_its_column(
    importing: Importing, tmp_path: Path
) -> None:
    rows = [row(1), row(2) | {"Mã đơn": "TD\n2"}, row(3) | {"Mã đơn": "TD\ufffd3"}]
    code, summary, _ = await importing.run(table(tmp_path / "a.csv", rows))
    assert (code, summary["recorded"], summary["rejected"]) == (1, 1, 2)
    rejected = read_table(Path(summary["rejects"]))
    assert [each["_column"] for each in rejected] == ["Mã đơn"] * 2
    assert "control characters" in rejected[0]["_reason"]


async def test_case_with_one_bad_row__is_held_back_whole(importing: Importing, tmp_path: Path) -> None:
    head = await importing.intake.head()
    answered = {"command": "PetitionWithdrawn", "case": "TD-1", "effective_on": "02/07/2019"}
    late = {"command": "PetitionForwarded", "case": "TD-1", "effective_on": "03/07/2019", "agency": EDUCATION}
    file = write_lines(tmp_path / "a.jsonl", row(1), row(2), answered, late)
    code, summary, _ = await importing.run(file)
    assert (code, summary["recorded"], summary["rejected"]) == (1, 1, 3)
    ended = "Vụ việc đã kết thúc ngày 02/07/2019 (đã rút); hãy mở lại vụ việc trước."
    assert [(r["_line"], r["_column"], r["_reason"].split(",")[0]) for r in rejects_of(summary)] == [
        (1, "", "giữ lại cùng dòng 4 đã bị trả lại"),
        (3, "", "giữ lại cùng dòng 4 đã bị trả lại"),
        (4, "", f"{ended} / the case ended (withdrawn) on 2019-07-02; reopen it"),
    ]
    assert await cases(importing.intake, head) == {"TD-2": ["PetitionReceived"]}


async def test_every_case__is_one_transaction(importing: Importing, tmp_path: Path) -> None:
    head = await importing.intake.head()
    acts = [
        {"command": "PetitionClassified", "case": f"TD-{n}", "effective_on": "02/07/2019", "subject": "S", "field": "F"}
        for n in range(900)
    ]
    await importing.done(write_lines(tmp_path / "a.jsonl", *(row(n) for n in range(900)), *reversed(acts)))
    stamps: dict[Any, set[Any]] = {}
    for event in await importing.intake.rows(LOG, head):
        stamps.setdefault(event["originator_id"], set()).add(event["recorded_at"])
    assert len(stamps) == 900 and all(len(of) == 1 for of in stamps.values())
    assert len(set.union(*stamps.values())) > 1, "several transactions"


async def test_petition_that_came_over_http__is_found_by_its_reference_or_id(
    importing: Importing, tmp_path: Path
) -> None:
    intake = importing.intake
    first = await intake.petition(source="cong", external_id="LC-1", effective_on="2019-07-01")
    second = await intake.petition(effective_on="2019-07-01")
    file = write_lines(
        tmp_path / "a.jsonl",
        {"case": "LC-1", "agency": EDUCATION, "assigned_on": "02/07/2019"},
        {"command": "WrittenReplyIssued", "case": second["id"], "effective_on": "03/07/2019", "number": "1"}
        | {"signatory": "x", "digest": "d" * 64, "text": "Trả lời."},
        {"case": "LC-2", "agency": EDUCATION},
        {"case": "00000000-0000-7000-8000-000000000000", "Ngày tiếp": "01/07/2019", "Địa bàn": COMMUNE},
    )
    code, summary, _ = await importing.run(file, "--source", "cong")
    assert (code, summary["recorded"], [r["_column"] for r in rejects_of(summary)]) == (1, 2, ["Ngày tiếp", "case"])
    versions = [(await intake.get(f"/v1/petitions/{p['id']}")).json()["facts"][-1]["topic"] for p in (first, second)]
    assert versions == ["PetitionAssigned", "WrittenReplyIssued"]


async def test_name_of_another_petition__is_refused(importing: Importing, tmp_path: Path) -> None:
    await importing.done(write_lines(tmp_path / "a.jsonl", row(1), *CONFERENCE))
    other = write_lines(
        tmp_path / "b.jsonl",
        row(1) | {"Ngày tiếp": "05/07/2019"},
        {"command": "PetitionClassified", "case": "HN-2019", "effective_on": HELD, "subject": "x", "field": "y"},
    )
    code, summary, _ = await importing.run(other)
    reasons = [r["_reason"] for r in rejects_of(summary)]
    assert code == 1 and "Ngày tiếp (recorded: 2019-07-01)" in reasons[0] and "is a conference" in reasons[1]


WHOLE = row(
    7,
    Điện_thoại="0912",
    **{
        "Ghi chú": "nộp tại bản",
        "Kênh tiếp nhận": "trực tiếp",
        "Lĩnh vực": "giao thông",
        "Cơ quan thụ lý": EDUCATION,
        "Thời hạn": "20/07/2019",
        "Số văn bản trả lời": "71/KTHT ngày 18/07/2019",
        "Nội dung trả lời": "Đã sửa đường.",
        "Tình trạng": "đang giải quyết",
    },
)
WHOLE["Điện thoại"] = WHOLE.pop("Điện_thoại")


@pytest.mark.parametrize(
    ("heading", "other", "told"),
    [
        ("Nội dung đơn", "Cầu bị sập.", "Nội dung đơn"),
        ("Nội dung đơn", "Đường vào bản 7", "Nội dung đơn"),
        ("Họ tên", "Giàng A Chu", "Họ tên"),
        ("Điện thoại", "0999", "Điện thoại"),
        ("Ghi chú", "nộp qua bưu điện", "Ghi chú"),
        ("Kênh tiếp nhận", "bưu điện", "Kênh tiếp nhận (recorded: trực tiếp)"),
        ("Ngày tiếp", "02/07/2019", "Ngày tiếp (recorded: 2019-07-01)"),
        ("Địa bàn", DISTRICT, f"Địa bàn (recorded: {COMMUNE})"),
        ("Lĩnh vực", "đất đai", "Lĩnh vực (recorded: giao thông)"),
        ("Thời hạn", "19/07/2019", "Thời hạn (recorded: 2019-07-20)"),
        ("Số văn bản trả lời", "71/KTHT ngày 17/07/2019", "Số văn bản trả lời (recorded: 2019-07-18)"),
        ("Nội dung trả lời", "Chưa sửa.", "Nội dung trả lời"),
    ],
)
async def test_row_that_says_something_else__goes_back_with_the_columns(
    importing: Importing, tmp_path: Path, heading: str, other: str, told: str
) -> None:
    await importing.done(table(tmp_path / "a.csv", [WHOLE]))
    head = await importing.intake.head()
    assert (await importing.done(table(tmp_path / "a.csv", [WHOLE | {"STT": "9", "Ghi chú": ""}])))["known"] == 1
    code, summary, _ = await importing.run(table(tmp_path / "a.csv", [WHOLE | {heading: other}]))
    assert (code, summary["known"], summary["rejected"]) == (1, 0, 1)
    (rejected,) = read_table(Path(summary["rejects"]))
    assert rejected["_column"] == heading
    assert f"recorded of this case under: {told};" in rejected["_reason"] and "đã ghi nhận" in rejected["_reason"]
    assert "another name" not in rejected["_reason"] and (other == DISTRICT or other not in rejected["_reason"])
    assert await importing.intake.head() == head


async def test_row_that_says_several_things_otherwise__is_told_all_its_columns(
    importing: Importing, tmp_path: Path
) -> None:
    await importing.done(table(tmp_path / "a.csv", [WHOLE]))
    otherwise = {
        "Họ tên": "Giàng A Chu",
        "Lĩnh vực": "đất đai",
        "Nội dung trả lời": "Chưa sửa.",
        "Thời hạn": "19/07/2019",
    }
    code, summary, _ = await importing.run(table(tmp_path / "a.csv", [WHOLE | otherwise]))
    (rejected,) = read_table(Path(summary["rejects"]))
    assert (code, rejected["_column"]) == (1, "Họ tên") and all(name in rejected["_reason"] for name in otherwise)


async def test_act_that_says_something_else_in_sealed_words__goes_back(importing: Importing, tmp_path: Path) -> None:
    received = {"command": "PetitionReceived", "case": "P1", "effective_on": "01/07/2019", "jurisdiction": COMMUNE}
    ended = {"command": "PetitionWithdrawn", "case": "P1", "effective_on": "02/07/2019", "reason": "Đã xong."}
    named = {"text": "Đường sạt lở.", "identities": {"1": {"name": "Lò Văn Pâng"}}}
    await importing.done(write_lines(tmp_path / "a.jsonl", received | named, ended))
    for number, (changed, column) in enumerate(
        (
            ((received | named | {"text": "Cầu sập."}, ended), "text"),
            ((received | named | {"identities": {"1": {"name": "Giàng A Chu"}}}, ended), "identities"),
            ((received | named, ended | {"reason": "Chuyển đi."}), "reason"),
        )
    ):
        code, summary, _ = await importing.run(write_lines(tmp_path / f"b{number}.jsonl", *changed))
        assert (code, summary["known"]) == (1, 0)
        assert column in [rejected["_column"] for rejected in rejects_of(summary)]
    other = write_lines(tmp_path / "c.jsonl", received | {"text": "Đường sạt lở."}, ended)
    assert (await importing.done(other))["known"] == 2


async def test_erased_petitioner__leaves_only_what_is_public_to_be_held_against(
    importing: Importing, tmp_path: Path
) -> None:
    await importing.done(table(tmp_path / "a.csv", [WHOLE]))
    (petition,) = await importing.intake.rows("SELECT owner_id FROM sealing_keys WHERE owner_id <> ''")
    await importing.intake.done(f"/v1/petitioners/{petition['owner_id']}/erasure", {"ground": "theo yêu cầu"})
    again = await importing.done(table(tmp_path / "b.csv", [WHOLE | {"Nội dung đơn": "Cầu sập.", "Họ tên": "X"}]))
    assert again["known"] == 1
    code, _, _ = await importing.run(table(tmp_path / "b.csv", [WHOLE | {"Kênh tiếp nhận": "bưu điện"}]))
    assert code == 1


@pytest.mark.parametrize(
    ("more", "added"),
    [
        ({"reported_on": "19/07/2019"}, ["ReplyReported"]),
        ({"Tình trạng": "Đã giải quyết xong", "result_on": "20/07/2019"}, ["AgencyResultReported"]),
        ({"Tình trạng": "Đã giải quyết xong", "Thời hạn": ""}, ["AgencyResultReported"]),
        ({"Ngày kết thúc": "22/07/2019", "Địa bàn": "", "Họ tên": ""}, ["PetitionClosed"]),
        ({"Thời hạn": "", "Kênh tiếp nhận": "", "Ghi chú": "", "Nội dung trả lời": "", "Lĩnh vực": ""}, []),
        ({"Ngày tiếp": "", "Điện thoại": "", "Cơ quan thụ lý": ""}, []),
    ],
)
async def test_row_that_repeats_what_is_recorded__adds_what_it_says_more(
    importing: Importing, tmp_path: Path, more: dict[str, str], added: list[str]
) -> None:
    await importing.done(table(tmp_path / "a.csv", [WHOLE]))
    head = await importing.intake.head()
    for number in range(2):
        # Another number of the row, so that it is held against the record and not against an earlier import.
        again = table(tmp_path / "b.csv", [WHOLE | more | {"Điện thoại": "0912" if number else ""}])
        summary = await importing.done(again)
        assert (summary["recorded"], summary["events"]) == ((0, 0) if number or not added else (1, 1))
    log = await log_of(importing.intake, head)
    assert [event["topic"] for event in log] == added
    if added == ["ReplyReported"]:
        assert log[0]["data"]["reply_number"] == "71/KTHT" and len(log[0]["data"]["reports"]) == 3
        code, summary, _ = await importing.run(table(tmp_path / "b.csv", [WHOLE | {"reported_on": "20/07/2019"}]))
        assert code == 1 and "reported_on (recorded: 2019-07-19)" in read_table(Path(summary["rejects"]))[0]["_reason"]


async def test_report_of_a_reply__by_a_default_or_by_the_column_in_a_later_import(
    importing: Importing, tmp_path: Path
) -> None:
    (tmp_path / "m.yaml").write_text("defaults: { reported_on: 30/09/2019 }\n", "utf-8")
    replied = {f"TD-{n}": row(n, reply=f"{n}/KTHT ngày {day}") for n, day in ((1, "16/09/2019"), (2, "01/10/2019"))}
    file = table(tmp_path / "a.csv", list(replied.values()))
    head = await importing.intake.head()
    code, summary, _ = await importing.run(file, "--mapping", str(tmp_path / "m.yaml"))
    assert (code, summary["recorded"]) == (1, 1)
    assert [r["Mã đơn"] for r in read_table(Path(summary["rejects"]))] == ["TD-2"]
    await importing.done(file)
    column = {"Ngày báo cáo kết quả trả lời": "02/10/2019"}
    await importing.done(table(tmp_path / "a.csv", [replied["TD-2"] | column]))
    log = await log_of(importing.intake, head)
    told = [(event["topic"], [each["on"] for each in event["data"].get("reports", ())]) for event in log]
    assert [each for each in told if "Repl" in each[0]] == [
        ("WrittenReplyIssued", ["2019-09-30"] * 3),
        ("WrittenReplyIssued", []),
        ("ReplyReported", ["2019-10-02"] * 3),
    ]


async def test_known_case_without_its_place__is_the_same_case(importing: Importing, tmp_path: Path) -> None:
    await importing.done(table(tmp_path / "a.csv", [WHOLE]))
    bare = {name: cell for name, cell in WHOLE.items() if name != "Địa bàn"}
    elsewhere = {"name": "Huyện Phong Thổ", "level": "district", "parent": PROVINCE, "valid_from": "2004-01-01"}
    await importing.intake.done("/v1/jurisdictions", elsewhere | {"code": "H35.11"})
    head = await importing.intake.head()
    for options in ((), ("--jurisdiction", DISTRICT), ("--jurisdiction", COMMUNE)):
        assert (await importing.done(table(tmp_path / "b.csv", [bare]), *options))["known"] == 1
    assert await importing.intake.head() == head
    code, summary, _ = await importing.run(table(tmp_path / "b.csv", [bare]), "--jurisdiction", "H35.11")
    (rejected,) = read_table(Path(summary["rejects"]))
    assert (code, rejected["_column"]) == (1, "Địa bàn") and f"Địa bàn (recorded: {COMMUNE})" in rejected["_reason"]
    assert "another name" not in rejected["_reason"]


async def test_case_whose_receipt_was_annulled__says_so(importing: Importing, tmp_path: Path) -> None:
    await importing.done(table(tmp_path / "a.csv", [row(1)]))
    (case,) = await importing.intake.rows("SELECT originator_id FROM external_references")
    path = f"/v1/petitions/{case['originator_id']}"
    (fact,) = (await importing.intake.get(path)).json()["facts"]
    await importing.intake.done(f"{path}/annulments", {"event_id": fact["event_id"], "reason": "ghi nhầm"})
    code, summary, _ = await importing.run(table(tmp_path / "b.csv", [row(1, agency=EDUCATION)]))
    (rejected,) = read_table(Path(summary["rejects"]))
    assert (code, rejected["_column"]) == (1, "Mã đơn") and "was annulled" in rejected["_reason"]


async def test_two_imports_of_one_file_at_once__double_nothing(importing: Importing, tmp_path: Path) -> None:
    head = await importing.intake.head()
    file = table(tmp_path / "a.csv", [row(n, agency=EDUCATION) for n in range(600)])
    processes = [importing.start(file) for _ in range(2)]
    summaries = [json.loads((await asyncio.to_thread(process.communicate))[0]) for process in processes]
    assert sum(s["recorded"] for s in summaries) == 600
    assert sum(s["known"] for s in summaries) == 600
    assert [len(of) for of in (await cases(importing.intake, head)).values()] == [2] * 600


async def test_live_work_on_the_same_conference__makes_the_import_decide_anew(
    importing: Importing, tmp_path: Path
) -> None:
    await importing.done(write_lines(tmp_path / "c.jsonl", *CONFERENCE))
    (conference,) = await importing.intake.rows("SELECT originator_id FROM external_references")
    path = f"/v1/conferences/{conference['originator_id']}/review"
    file = table(tmp_path / "a.csv", [row(n, conference="HN-2019") for n in range(2500)])
    head = await importing.intake.head()

    async def interfere() -> None:
        await until(lambda: _beyond(importing.intake, head))
        await importing.intake.done(path, {"effective_on": "2019-08-30", "summary": "Đã rút kinh nghiệm."})

    summary, _ = await asyncio.gather(importing.done(file), interfere())
    assert (summary["recorded"], summary["rejected"]) == (2500, 0)


@pytest.mark.slow
async def test_killed_at_random__goes_on_and_ends_as_an_undisturbed_import(
    importing: Importing, pg_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    names = [f"TD-{n}" for n in range(4000)]
    rows = [row(n, conference="HN-2019", agency=EDUCATION, reply="1/UBND, ngày 10/09/2019") for n in range(4000)]
    file = write_lines(tmp_path / "a.jsonl", *CONFERENCE, ROADS, *rows)
    base = head = await importing.intake.head()
    killed = 0
    for _ in range(3):
        process = importing.start(file)
        target = head + rng.randrange(1, 4000)
        await until(lambda target=target, process=process: _reached(importing.intake, target, process))  # type: ignore[misc]
        process.kill()
        await asyncio.to_thread(process.communicate)
        killed += process.returncode == -signal.SIGKILL
        head = await importing.intake.head()
    assert killed, f"seed {seed}: no import was under way"
    await importing.done(file)
    async with served(await pg_server.fresh("shared.postgres", "services.intake"), tmp_path) as other:
        await other.places()
        start = await other.head()
        await Importing(other, monkeypatch).done(file)
        undisturbed = await cases(other, start)
    disturbed = await cases(importing.intake, base)
    assert {name: disturbed.get(name) for name in names} == {name: undisturbed[name] for name in names}, f"seed {seed}"
    assert sorted(map(tuple, disturbed.values())) == sorted(map(tuple, undisturbed.values())), f"seed {seed}"


async def _beyond(intake: Intake, position: int) -> bool:
    return await intake.head() > position


async def _reached(intake: Intake, position: int, process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is not None or await intake.head() >= position


@pytest.mark.parametrize(
    ("name", "content", "options", "told"),
    [
        ("a.csv", "Mã đơn,Người nhập\n", (), "--ignore 'Người nhập'"),
        ("a.csv", "Mã đơn,Người nhập,Hình thức\n", (), "--ignore 'Người nhập' --ignore 'Hình thức'"),
        ("a.jsonl", '{"Người nhập": "x"}\n{"Hình thức": "y"}\n', (), "--ignore 'Người nhập' --ignore 'Hình thức'"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--mapping", "none.yaml"), "cannot be read"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--jurisdiction", "x y"), "--jurisdiction"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--rejects", "a.csv"), "--rejects"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--source", "\u200b"), "--source"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--source", "sổ\t2"), "--source"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--delimiter", ";;"), "--delimiter"),
        ("a.csv", "Mã đơn,Ngày tiếp\n", ("--delimiter", "a"), "--delimiter"),
        ("a.csv", 'Mã đơn,"Họ tên"(1),Ngày tiếp\n', (), "line 1"),
        ("a.csv", "PK\x03\x04", (), "a spreadsheet"),
        ("a.txt", "", (), ".jsonl"),
    ],
)
async def test_wrong_use__is_told_and_records_nothing(
    importing: Importing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: str,
    options: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(content, "utf-8")
    head = await importing.intake.head()
    code, _, errors = await importing.run(tmp_path / name, *options)
    assert code == 2 and told in errors and len(errors.splitlines()) == 1
    assert await importing.intake.head() == head


@pytest.mark.parametrize(
    "url",
    [
        "nowhere",
        "postgresql://127.0.0.1:port/intake",
        "mysql://127.0.0.1/intake",
        "/intake-not-there",
        "/postgres",
        "postgresql://nobody:geheim@no-such-host.invalid/intake",
    ],
)
async def test_database_that_cannot_be_meant__is_wrong_use_of_its_setting(
    importing: Importing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    own = urlsplit(importing.intake.dsn)
    named = own._replace(path=url).geturl() if url[0] == "/" else url
    monkeypatch.setenv("INTAKE_DATABASE_URL", named)
    code, _, errors = await importing.run(table(tmp_path / "a.csv", [row(1)]))
    assert code == 2 and "INTAKE_DATABASE_URL" in errors and len(errors.splitlines()) == 1, errors
    assert "geheim" not in errors


async def test_mapping_and_defaults__give_what_the_file_lacks(importing: Importing, tmp_path: Path) -> None:
    await importing.done(write_lines(tmp_path / "c.jsonl", *CONFERENCE))
    head = await importing.intake.head()
    (tmp_path / "m.yaml").write_text(
        "columns: {Ý kiến của dân: text}\nignore: [Cán bộ nhập]\nvalues: {agency: {GD: H35.10.4}}\n"
        "defaults: {field: giáo dục}\n",
        "utf-8",
    )
    file = table(
        tmp_path / "a.csv",
        [{"Ngày tiếp": "01/07/2019", "Ý kiến của dân": "x", "Cán bộ nhập": "y", "Thừa": "z", "Cơ quan thụ lý": "GD"}],
    )
    options = ("--mapping", str(tmp_path / "m.yaml"), "--ignore", "Thừa", "--conference", "HN-2019")
    await importing.done(file, *options, "--jurisdiction", COMMUNE)
    (topics,) = (await cases(importing.intake, head)).values()
    assert topics == ["PetitionReceived", "PetitionClassified", "PetitionRaised", "PetitionAssigned"]


async def test_source_and_cases__are_one_however_they_are_typed(importing: Importing, tmp_path: Path) -> None:
    head, name = await importing.intake.head(), "sổ-tiếp-dân"
    file = table(tmp_path / "a.csv", [row(1)])
    other = table(tmp_path / "b.csv", [row(1) | {"Mã đơn": "TD-1\u200b"}])
    first = await importing.done(file, "--source", name)
    again = await importing.done(file, "--source", f"{unicodedata.normalize('NFD', name)} ")
    unseen = await importing.done(other, "--source", name)
    assert [(s["recorded"], s["known"]) for s in (first, again, unseen)] == [(1, 0), (0, 1), (0, 1)]
    assert await cases(importing.intake, head) == {"TD-1": ["PetitionReceived"]}


async def test_table_of_petitions__is_imported_without_its_titles_parts_and_totals(
    importing: Importing, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(
        "PHỤ LỤC|||\nTT|Nội dung kiến nghị|Đơn vị giải quyết|Ngày giao\n1|2|3|4\nI|LĨNH VỰC ĐẤT ĐAI||\n"
        f"1|Đo đạc lại, cấp giấy|{EDUCATION}|23 tháng 8 năm 2019\n"
        "2|§-êng liªn b¶n háng||\n|Tổng cộng: 02 kiến nghị||\n",
        "utf-8",
    )
    (tmp_path / "m.json").write_text('\ufeff{"defaults": {"received_on": "01/07/2019"}}', "utf-8")
    options = ("--delimiter", "|", "--mapping", str(tmp_path / "m.json"), "--jurisdiction", COMMUNE)
    head = await importing.intake.head()
    code, summary, errors = await importing.run(tmp_path / "a.csv", *options)
    assert (code, summary["recorded"], summary["rows"]) == (0, 2, 2), errors
    assert [warning.split(":")[0] for warning in summary["warnings"]] == ["line 6", "line 1", "line 3", "line 4, 7"]
    assert "TCVN3" in errors and "phông" in errors
    assert sorted((await cases(importing.intake, head)).values()) == [
        ["PetitionReceived"],
        ["PetitionReceived", "PetitionAssigned"],
    ]


async def test_two_replies_in_a_cell__are_two_rows_of_the_case(importing: Importing, tmp_path: Path) -> None:
    head = await importing.intake.head()
    replies = ("45/UBND ngày 10/09/2019", "50/UBND ngày 16/09/2019")
    code, summary, _ = await importing.run(table(tmp_path / "a.csv", [row(1, reply="; ".join(replies))]))
    assert (code, rejects_of(summary)[1]["line"].split(",")[1]) == (1, "reply")
    await importing.done(table(tmp_path / "b.csv", [row(1, reply=reply) for reply in replies]))
    numbers = [event["data"].get("number") for event in await log_of(importing.intake, head)]
    assert numbers == [None, "45/UBND", "50/UBND"]


async def test_terminal_without_vietnamese_letters__does_not_fail_what_was_recorded(
    importing: Importing, tmp_path: Path
) -> None:
    file = table(tmp_path / "a.csv", [row(1), row(2) | {"Ngày tiếp": "31/02/2019"}])
    environ = os.environ | environment(importing.intake) | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    environ |= {"COLUMNS": "1000"}  # no path is broken
    done = await asyncio.to_thread(
        subprocess.run, [*COMMAND, str(file)], env=environ, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"1 " in done.stdout and b"recorded" in done.stdout and b"rejects.csv" in done.stdout


async def test_text_too_long_for_its_petitioners__is_a_rejected_row(importing: Importing, tmp_path: Path) -> None:
    received = {"command": "PetitionReceived", "effective_on": "01/07/2019", "jurisdiction": COMMUNE}
    file = write_lines(
        tmp_path / "a.jsonl",
        received | {"case": "P1", "text": "x" * 5_000, "petitioner_ids": [f"p{n}" for n in range(900)]},
        received | {"case": "P2", "text": "x"},
    )
    code, summary, _ = await importing.run(file)
    assert (code, summary["recorded"], [r["_column"] for r in rejects_of(summary)]) == (1, 1, ["text"])


async def test_fields_of_a_catalogue__are_coded_and_known_again(importing: Importing, tmp_path: Path) -> None:
    rows = [row(n, **{"Lĩnh vực": field}) for n, field in enumerate(("Đất đai", "ruộng nương", "linh tinh"))]
    file, acts = table(tmp_path / "a.csv", rows), tmp_path / "b.jsonl"
    await importing.done(file)
    entries = [{"code": "dat-dai", "title": "Đất đai"}]
    # From the days of the register on: what was written before it is told by the mapping.
    adopted = {"jurisdiction": DISTRICT, "kind": "field", "entries": entries, "effective_on": "2019-07-01"}
    await importing.intake.done("/v1/catalogues", adopted)
    mapped = {"jurisdiction": DISTRICT, "kind": "field", "entries": [{"text": "Ruộng nương", "code": "dat-dai"}]}
    await importing.intake.done("/v1/catalogue-mappings", mapped)
    head = await importing.intake.head()
    assert (await importing.done(file))["known"] == 3
    write_lines(acts, *({"command": "PetitionClassified", "case": f"TD-{n}", "effective_on": "01/07/2019",
                         "subject": f"Kiến nghị, phản ánh về {field}", "field": code}
                        for n, field, code in ((0, "Đất đai", "dat-dai"), (1, "ruộng nương", "Đất đai"))))  # fmt: skip
    assert (await importing.done(acts))["known"] == 2
    assert await importing.intake.head() == head
    more = [row(n, **{"Lĩnh vực": field}) for n, field in ((7, "ruộng nương"), (8, "linh tinh"))]
    await importing.done(table(tmp_path / "c.csv", more))
    states = await importing.intake.rows(LOG, head)
    fields = [json.loads(e["state"])["data"]["field"] for e in states if e["topic"] == "PetitionClassified"]
    assert fields == ["dat-dai", "linh tinh"]
