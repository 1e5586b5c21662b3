"""A file of a secret is there, whole, and readable by nobody else; each fault is told with its remedy."""

import os
from pathlib import Path

import pytest

from services.doctor import secret_files
from services.doctor.findings import State
from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings
from shared.http.tokens import change_tokens, mint_token

URL = "postgresql://u:p@127.0.0.1/x"


def intake(folder: Path, **settings: str) -> IntakeSettings:
    """Settings of an intake whose files are right."""
    key = folder / "master.key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    tokens = folder / "tokens.json"
    change_tokens(tokens, lambda _: (mint_token("office", "office")[1],))
    chosen = {"master_key_file": str(key), "tokens_file": str(tokens)} | settings
    return IntakeSettings(database_url=URL, source="x", **chosen)


def told(settings: IntakeSettings) -> list[str]:
    """What is wrong, in English."""
    found = secret_files.of_intake(settings)
    assert all(finding.remedy and finding.remedy.vi for finding in found if finding.state is State.WRONG)
    return [finding.said.en for finding in found if finding.state is State.WRONG]


def test_secrets__that_are_right_are_said_to_be(tmp_path: Path) -> None:
    assert told(intake(tmp_path)) == []


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("open", "everybody on this machine may use"),
        ("short", "has 31 bytes, not 32"),
        ("empty", "is empty"),
        ("gone", "cannot be read (No such file or directory)"),
    ],
)
def test_master_key__that_is_wrong_is_told(tmp_path: Path, harm: str, expected: str) -> None:
    settings, key = intake(tmp_path), tmp_path / "master.key"
    match harm:
        case "open":
            key.chmod(0o644)
        case "short":
            key.write_bytes(bytes(31))
        case "empty":
            key.write_bytes(b"")
        case _:
            key.unlink()
    (said,) = told(settings)
    assert said.startswith("INTAKE_MASTER_KEY_FILE") and expected in said


def test_master_key__that_is_not_set_is_told(tmp_path: Path) -> None:
    assert told(intake(tmp_path, master_key_file="")) == ["INTAKE_MASTER_KEY_FILE: is not set"]


def test_several_faults__are_told_at_once(tmp_path: Path) -> None:
    settings = intake(tmp_path)
    (tmp_path / "master.key").unlink()
    (tmp_path / "tokens.json").write_text("{")
    os.chmod(tmp_path / "tokens.json", 0o600)
    assert [said.split(":")[0] for said in told(settings)] == ["INTAKE_MASTER_KEY_FILE", "INTAKE_TOKENS_FILE"]


def test_followup__without_its_token_or_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(bytes(16))
    (tmp_path / "session.key").chmod(0o600)
    settings = FollowupSettings(
        database_url=URL, session_key_file=str(tmp_path / "session.key"), source_token_file=str(tmp_path / "none")
    )
    wrong = [finding.said.en for finding in secret_files.of_followup(settings) if finding.state is State.WRONG]
    assert ["SESSION_KEY" in wrong[0], "SOURCE_TOKEN" in wrong[1], len(wrong)] == [True, True, 2]


def test_folder_of_secrets__with_an_open_file_is_told(tmp_path: Path) -> None:
    for name, mode in (("intake_database_url", 0o600), ("intake_amqp_url", 0o604)):
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(mode)
    (finding,) = secret_files.of_folder(str(tmp_path))
    assert finding.state is State.WRONG and "intake_amqp_url" in finding.said.en
