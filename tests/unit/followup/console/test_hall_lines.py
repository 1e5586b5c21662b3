"""A line of the hall's page as the parts of an act, and the input to which a refusal of each leads."""

from datetime import date

import pytest

from services.followup.console.conference_view import next_speaker_number
from services.followup.console.hall_lines import line_of

CONFERENCE, PETITION, TODAY = (
    "01900000-0000-7000-8000-000000000001",
    "01900000-0000-7000-8000-000000000002",
    date(2026, 11, 30),
)
CALLED = {"kind": "conduct", "speaker": "3", "words": " Đường sạt lở.\r\nXin sửa. ", "on": "2026-11-30", "version": "7"}


def test_conduct__that_is_only_heard_is_one_part() -> None:
    line, errors = line_of(CONFERENCE, CALLED, TODAY)
    assert errors == []
    assert [part.sent(anew=False) for part in line.parts] == [
        {
            "command": "SpeakerCalled",
            "target": CONFERENCE,
            "if_match": 7,
            "body": {"speaker": "3", "words": "Đường sạt lở.\nXin sửa.", "effective_on": "2026-11-30"},
        }
    ]
    assert "if_match" not in line.parts[0].sent(anew=True)


def test_conduct__that_is_answered_names_the_chair_where_nobody_else_is_named() -> None:
    filled = CALLED | {"outcome": "answered", "petition": PETITION, "answer": "Sẽ sửa trong tháng."}
    line, _ = line_of(CONFERENCE, filled, TODAY)
    assert [part.command for part in line.parts] == ["SpeakerCalled", "PetitionRaised", "PetitionAnsweredAtConference"]
    assert line.parts[2].body["by"] == "chair" and line.parts[2].target == PETITION
    fewer = line.without_raising
    assert fewer is not None and [part.command for part in fewer.parts][1] == "PetitionAnsweredAtConference"
    assert fewer.without_raising is None


def test_conduct__takes_a_due_day_as_people_type_it() -> None:
    filled = CALLED | {"outcome": "assigned", "petition": PETITION, "agency": "H35.10.1", "due_on": "5/12/26"}
    line, errors = line_of(CONFERENCE, filled, TODAY)
    assert errors == [] and line.parts[2].body["due_on"] == "2026-12-05"
    _, errors = line_of(CONFERENCE, filled | {"due_on": "mai kia"}, TODAY)
    assert [error.at for error in errors] == ["due_on"] and "mai kia" in errors[0].said.vi


def test_conduct__of_no_petition_is_neither_answered_nor_assigned() -> None:
    _, errors = line_of(CONFERENCE, CALLED | {"outcome": "answered"}, TODAY)
    assert [error.at for error in errors] == ["petition"]


@pytest.mark.parametrize(
    ("field", "at"),
    [
        ("parts[0].speaker", "chair_reason"),
        ("parts[0].words", "words"),
        ("parts[1].conference_id", "outcome"),
        ("parts[2].agency", "agency"),
        ("parts[2].due_on", "due_on"),
        ("parts[2]", "outcome"),
        ("parts[9].agency", ""),
        ("Idempotency-Key", ""),
        (None, ""),
    ],
)
def test_refusal__leads_to_its_input(field: str | None, at: str) -> None:
    filled = CALLED | {"outcome": "assigned", "petition": PETITION, "agency": "H35.10.1"}
    line, _ = line_of(CONFERENCE, filled, TODAY)
    assert line.input_of(field) == at


def test_slip__is_a_petition_on_the_agenda_and_its_speaker() -> None:
    filled = {
        "kind": "slip", "speaker": "4", "name": "Sùng A Páo", "address": "Bản Nà Hiềng", "text": "Cầu hỏng.",
        "subject": "Sửa cầu", "field": "giao thông", "jurisdiction": "H35.10", "kind_of_petition": "reflection",
    }  # fmt: skip
    line, errors = line_of(CONFERENCE, filled, TODAY)
    received, classified, scheduled, registered = (part.sent(anew=False) for part in line.parts)
    assert (line.act, errors) == ("record-slip", [])
    assert received["body"]["identities"] == {"1": {"name": "Sùng A Páo", "address": "Bản Nà Hiềng"}}
    assert received["body"]["kind"] == "reflection" and "target" not in received
    assert classified["target"] == scheduled["target"] == "#0"
    assert registered["body"] == {"petition_id": "#0", "speaker": "4", "name": "Sùng A Páo", "matter": "Cầu hỏng."}
    assert line.input_of("parts[1].subject") == "subject"
    assert line.input_of("parts[0].identities.1.name") == "name"


def test_minutes__are_known_by_the_digest_of_their_text_whoever_sent_it() -> None:
    by_script, _ = line_of(CONFERENCE, {"kind": "minutes", "minutes": "Hội nghị\nkhai mạc"}, TODAY)
    by_form, _ = line_of(CONFERENCE, {"kind": "minutes", "minutes": "Hội nghị\r\nkhai mạc "}, TODAY)
    assert by_script.parts[0].body == by_form.parts[0].body
    assert by_script.input_of("digest") == "minutes"
    _, errors = line_of(CONFERENCE, {"kind": "minutes", "minutes": " "}, TODAY)
    assert [error.at for error in errors] == ["minutes"]


@pytest.mark.parametrize(("taken", "following"), [
    ([], 1), (["1", "2", "10"], 11), (["đại biểu", "2", ""], 3), (["1", "0912345678", "9" * 2000], 2),
])  # fmt: skip
def test_next_speaker__comes_after_all_that_are_numbers_of_speakers(taken: list[str], following: int) -> None:
    assert next_speaker_number(taken) == following
