"""The story on a pair beyond loopback, as it is played against the containers: two tokens, each with its role."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.http.auth import mint_token
from tests.support.intake import tokens_file
from tests.support.pair import Pair

BEGIN = "2019-06-24T08:00:00+07:00"


@pytest.mark.slow
def test_story__is_played_with_the_tokens_of_office_and_operations(pair: Pair, tmp_path: Path) -> None:
    minted = {role: mint_token(role, role, sources=("*",)) for role in ("office", "operations", "auditor")}
    for role, (token, _) in minted.items():
        (tmp_path / role).write_text(token)
    tokens = str(tokens_file(tmp_path, *(entry for _, entry in minted.values())))
    beyond = {"AMQP_URL": "", "HOST": "0.0.0.0", "TOKENS_FILE": tokens}
    intake = pair.intake(CLOCK_START=BEGIN, **beyond).start()
    followup = pair.followup(intake, SOURCE_TOKEN_FILE=str(tmp_path / "auditor"), **beyond).start()
    told = subprocess.run(
        [sys.executable, "-m", "services.story", intake.url, followup.url],
        env=os.environ
        | {"STORY_TOKEN_FILE": str(tmp_path / "office"), "STORY_CLOCK_TOKEN_FILE": str(tmp_path / "operations")},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert "QUÁ HẠN" in told.stdout and "trễ hạn 20/09" in told.stdout
