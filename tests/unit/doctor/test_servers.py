"""What a server says of its standbys, its receivers and its slots, and what is made of it."""

from typing import Any

import pytest

from services.doctor import servers
from services.doctor.findings import Finding, State
from services.doctor.servers import PostgresServer, Slot, WalSender

STANDBY = WalSender(name="pg2", address="10.0.0.2", waited="sync", receives=False, here=False, lag=0)
RECEIVER = WalSender(name="pg_receivewal", address="10.0.0.3", waited="async", receives=True, here=False, lag=0)
OF_STANDBY = Slot(name="pg2", active=True, used=True, lost=False, kept=0)
OF_RECEIVER = Slot(name="backup", active=True, used=True, lost=False, kept=0)


def changed(of: Any, **fields: Any) -> Any:
    """The same with other values."""
    return type(of)(**{name: getattr(of, name) for name in of.__struct_fields__} | fields)


def server(**said: Any) -> PostgresServer:
    """A server with a synchronous standby, whose log is received."""
    whole: dict[str, Any] = {
        "system": "7", "required": '"pg2"', "may_look": True, "senders": (STANDBY, RECEIVER),
        "slots": (OF_STANDBY, OF_RECEIVER), "archives": False, "archived": False, "fails": False,
    }  # fmt: skip
    return PostgresServer(**whole | said)


def told(found: list[Finding]) -> list[tuple[State, str]]:
    assert all(finding.remedy and finding.remedy.vi for finding in found if finding.state is not State.RIGHT)
    return [(finding.state, finding.said.en) for finding in found]


OF_TWO, ON_ITSELF = changed(STANDBY, waited="potential"), changed(RECEIVER, waited="sync", here=True)


@pytest.mark.parametrize(
    ("said", "state", "expected"),
    [
        ({}, State.RIGHT, "the synchronous standby pg2 (10.0.0.2) is connected"),
        ({"required": ""}, State.NOTE, "no synchronous standby is required"),
        ({"may_look": False, "senders": ()}, State.NOTE, "may not see the standby"),
        ({"senders": ()}, State.WRONG, 'standby ("pg2") is not connected: every command waits'),
        ({"senders": (changed(STANDBY, lag=600 << 20),)}, State.NOTE, "pg2 (10.0.0.2) is 600 MiB behind"),
        ({"required": "*", "senders": (STANDBY,)}, State.NOTE, "'*' takes anybody"),
        ({"senders": (changed(STANDBY, here=True),)}, State.NOTE, "comes from the server's own host"),
        # One that is waited for by name, on another machine, is a decision; no server can take over, though.
        (
            {"required": "pg_receivewal", "senders": (changed(RECEIVER, waited="sync"),)},
            State.RIGHT,
            "commands wait until pg_receivewal (10.0.0.3) has the log; no server",
        ),
        # Of two that '*' takes, the standby may be the one that is not waited for.
        ({"required": "*"}, State.WRONG, "'*' takes pg_receivewal too"),
        ({"required": "*", "senders": (OF_TWO, ON_ITSELF)}, State.WRONG, "on the server itself"),
        ({"required": "pg_receivewal", "senders": (ON_ITSELF,)}, State.WRONG, "what was answered is on one machine"),
    ],
)  # fmt: skip
def test_standby__is_told(said: dict[str, Any], state: State, expected: str) -> None:
    (found, text), *_ = told(servers.standby(server(**said)))
    assert found is state and expected in text


def test_star__is_told_also_where_the_standby_cannot_be_seen() -> None:
    states = told(servers.standby(server(required="*", may_look=False, senders=())))
    assert [("may not see" in text, "'*' takes anybody" in text) for _, text in states] == [
        (True, False),
        (False, True),
    ]


ALONE = {"senders": (STANDBY,), "slots": (OF_STANDBY,)}


@pytest.mark.parametrize(
    ("said", "expected", "told_of"),
    [
        ({}, False, [(State.RIGHT, "pg_receivewal (10.0.0.3) receives the log")]),
        # The standby's own slot keeps nothing for a restore.
        (ALONE, False, [(State.NOTE, "the log is not kept: a restore ends at the last backup")]),
        (ALONE, True, [(State.WRONG, "nobody receives the log for the backups")]),
        (ALONE | {"archives": True, "archived": True}, True, [(State.RIGHT, "the log is kept by archive_command")]),
        (ALONE | {"archives": True, "fails": True}, True, [(State.WRONG, "archive_command fails")]),
        # archive_mode is on and nothing has come of it yet.
        (ALONE | {"archives": True}, False, [(State.NOTE, "the log is not kept")]),
        (
            {"may_look": False, "senders": ()},
            False,
            [(State.RIGHT, "received over the slot backup")],
        ),
        (
            {"may_look": False, "senders": (), "slots": (OF_STANDBY,)},
            False,
            [(State.NOTE, "receives over the slot pg2: whether a backup or a standby alone cannot be seen")],
        ),
        # What the installation has made, before anybody has received.
        (
            {"senders": (), "slots": (changed(OF_RECEIVER, active=False, used=False),)},
            False,
            [(State.NOTE, "the slot backup was never used")],
        ),
        (
            {"senders": (), "slots": (changed(OF_RECEIVER, active=False, kept=90 << 20),)},
            False,
            [(State.WRONG, "nobody receives the slot backup: the log does not reach the backups; the server keeps 90")],
        ),
        # Patroni keeps the slot of a member that is lost for a while: nothing is broken, until the log fills the disk.
        (
            {"slots": (changed(OF_STANDBY, active=False, kept=9 << 20), OF_RECEIVER)},
            False,
            [(State.NOTE, "nobody receives the slot pg2; the server keeps 9 MiB"), (State.RIGHT, "receives the log")],
        ),
        (
            {"slots": (changed(OF_STANDBY, active=False, kept=600 << 20), OF_RECEIVER)},
            False,
            [
                (State.WRONG, "nobody receives the slot pg2; the server keeps 600 MiB"),
                (State.RIGHT, "receives the log"),
            ],
        ),
        (
            {"senders": (), "slots": (changed(OF_RECEIVER, active=False, lost=True, used=False),)},
            False,
            [(State.WRONG, "the slot backup has lost a part of the log")],
        ),
    ],
)
def test_log__is_told(said: dict[str, Any], expected: bool, told_of: list[tuple[State, str]]) -> None:
    found = told(servers.log(server(**said), expected=expected))
    assert len(found) == len(told_of), found
    for (state, text), (wanted, part) in zip(found, told_of, strict=True):
        assert state is wanted and part in text


@pytest.mark.parametrize(
    ("systems", "expected"),
    [
        (("7", "7"), ["no synchronous standby is required"]),
        (("7", "8"), ["intake: no synchronous standby is required", "followup: no synchronous standby is required"]),
        (("7", ""), ["no synchronous standby is required"]),
        (("", ""), ["no server could be asked"]),
    ],
)
async def test_server__is_told_once_and_by_name_where_there_are_two(
    monkeypatch: pytest.MonkeyPatch, systems: tuple[str, str], expected: list[str]
) -> None:
    async def asked(system: str) -> PostgresServer | None:
        return server(system=system, required="", senders=(RECEIVER,), slots=()) if system else None

    monkeypatch.setattr(servers, "_server", asked)
    found = await servers.look(dict(zip(("intake", "followup"), systems, strict=True)), received=False)
    notes = [finding.said.en for finding in found if finding.state is State.NOTE]
    assert [note.startswith(part) for note, part in zip(notes, expected, strict=True)] == [True] * len(expected)
