"""What another user may do is tried as that user; what everybody may do, along the whole way to a file."""

import os
from pathlib import Path

import pytest

from services.doctor import system
from services.doctor.system import ServiceUser

NOBODY = ServiceUser(user="nobody", group="nogroup", uid=65534, gid=65534)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root tries what another user may do")


def test_file__within_a_closed_folder_is_not_open(reached: Path) -> None:
    secret = reached / "secrets" / "key"
    secret.parent.mkdir()
    secret.write_text("x")
    secret.chmod(0o644)
    assert system.is_open(secret)
    secret.parent.chmod(0o700)
    assert not system.is_open(secret) and not system.is_open(secret.parent)


def test_file__in_a_container_is_open_to_nobody_else(reached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = reached / "master.key"
    secret.write_text("x")
    secret.chmod(0o444)
    assert system.is_open(secret)
    monkeypatch.setattr(system, "in_container", lambda: True)
    assert not system.is_open(secret)


@as_root
def test_account__may_do_what_its_user_may(reached: Path) -> None:
    file = reached / "tokens.json"
    file.write_text("x")
    file.chmod(0o600)
    assert not NOBODY.may_read(file) and not NOBODY.may_write(reached)
    os.chown(file, 0, 65534)
    file.chmod(0o640)
    reached.chmod(0o777)
    assert NOBODY.may_read(file) and NOBODY.may_write(reached)


@as_root
def test_file_that_is_handed_over__needs_no_right_of_the_user(reached: Path) -> None:
    file = reached / "master.key"
    file.write_text("x")
    file.chmod(0o600)
    handed = ServiceUser(user="nobody", uid=65534, gid=65534, handed=frozenset({str(file)}))
    assert handed.may_read(file) and not NOBODY.may_read(file)


SHOWN = "LoadState=loaded\nUser=nobody\nGroup=nogroup\nSupplementaryGroups=\n"
UNIT = "[Service]\nLoadCredential=master.key:/etc/doithoai/secrets/master.key\nEnvironment=A=b\n"


def test_account__is_told_by_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "asked", lambda *command: SHOWN if "show" in command else UNIT)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    account = system.account_of("doithoai-intake.service")
    assert (account.user, account.group, account.is_known) == ("nobody", "nogroup", True)
    assert account.handed == {"/etc/doithoai/secrets/master.key"}
    # The unit of the backups says nothing of a folder that another program fills.
    assert system.account_of("doithoai-backup.service", "/etc/doithoai/secrets").is_known
    assert not system.account_of("doithoai-backup.service", "/srv/others").is_known


@pytest.mark.parametrize(
    ("shown", "uid"),
    [("LoadState=not-found\nUser=\nGroup=\n", 0), ("LoadState=loaded\nUser=no-such-user\n", 0), ("", 0), (SHOWN, 1000)],
)
def test_account__that_is_not_known_claims_nothing(monkeypatch: pytest.MonkeyPatch, shown: str, uid: int) -> None:
    monkeypatch.setattr(system, "asked", lambda *_: shown)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert not system.account_of("doithoai-intake.service").is_known
