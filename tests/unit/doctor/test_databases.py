"""What a server says of its standby and of its log, and what is made of it."""

from typing import Any

import pytest

from services.doctor import databases
from services.doctor.findings import Finding, State


class Answers:
    """A connection with one answer."""

    def __init__(self, **row: Any) -> None:
        self._row = row

    async def fetchrow(self, _: str) -> dict[str, Any]:
        return self._row


STANDBY = {"required": True, "may_look": True, "synchronous": 1, "asynchronous": 0, "lag": 0}
LOG = {"archives": False, "fails": False, "active": 1, "idle": 0, "kept": 0}


def said(found: list[Finding]) -> tuple[State, str]:
    (finding,) = found
    return finding.state, finding.said.en


@pytest.mark.parametrize(
    ("changed", "state", "expected"),
    [
        ({}, State.RIGHT, "is connected"),
        ({"required": False}, State.NOTE, "no synchronous standby is required"),
        ({"may_look": False}, State.NOTE, "may not see the standby"),
        ({"synchronous": 0}, State.WRONG, "is not connected: every command waits"),
        ({"lag": 600 << 20}, State.NOTE, "600 MiB behind"),
    ],
)
async def test_standby__is_told(changed: dict[str, Any], state: State, expected: str) -> None:
    found, text = said(await databases._standby(Answers(**STANDBY | changed)))
    assert found is state and expected in text


@pytest.mark.parametrize(
    ("changed", "state", "expected"),
    [
        ({}, State.RIGHT, "is received"),
        ({"active": 0}, State.NOTE, "the log is not kept"),
        ({"active": 0, "archives": True}, State.RIGHT, "is received"),
        ({"active": 0, "archives": True, "fails": True}, State.WRONG, "archive_command fails"),
        ({"active": 0, "idle": 1, "kept": 90 << 20}, State.WRONG, "the server keeps 90 MiB"),
    ],
)
async def test_log__is_told(changed: dict[str, Any], state: State, expected: str) -> None:
    found, text = said(await databases._log(Answers(**LOG | changed)))
    assert found is state and expected in text
