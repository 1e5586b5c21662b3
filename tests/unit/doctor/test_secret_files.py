"""A file of a secret is there, whole, and readable by nobody else; each fault is told with its remedy."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import KeySet, RSAKey

from services.doctor import secret_files
from services.doctor.findings import Finding, State
from services.doctor.system import ServiceUser
from services.followup.settings import FollowupSettings
from services.intake.settings import IntakeSettings
from shared.http.tokens import change_tokens, mint_token
from shared.settings import WrongSettings, settings_from_environment

ME = ServiceUser()
NOBODY = ServiceUser(user="nobody", group="nogroup", uid=65534, gid=65534)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root tries what another user may do")
URL = "postgresql://u:p@127.0.0.1/x"


def remedies(found: list[Finding]) -> list[str]:
    """What is to be done where something is wrong."""
    return [finding.remedy.en for finding in found if finding.state is State.WRONG and finding.remedy]


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
    found = secret_files.of_intake(settings, ME)
    assert all(finding.remedy and finding.remedy.vi for finding in found if finding.state is State.WRONG)
    return [finding.said.en for finding in found if finding.state is State.WRONG]


def test_secrets__that_are_right_are_said_to_be(reached: Path) -> None:
    assert told(intake(reached)) == []


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("open", "everybody on this machine may use"),
        ("short", "has 31 bytes, not 32"),
        ("empty", "is empty"),
        ("gone", "cannot be read (No such file or directory)"),
    ],
)
def test_master_key__that_is_wrong_is_told(reached: Path, harm: str, expected: str) -> None:
    settings, key = intake(reached), reached / "master.key"
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


def test_master_key__that_is_not_set_is_told(reached: Path) -> None:
    assert told(intake(reached, master_key_file="")) == ["INTAKE_MASTER_KEY_FILE: is not set"]


def test_several_faults__are_told_at_once(reached: Path) -> None:
    settings = intake(reached)
    (reached / "master.key").unlink()
    (reached / "tokens.json").write_text("{")
    os.chmod(reached / "tokens.json", 0o600)
    assert [said.split(":")[0] for said in told(settings)] == ["INTAKE_MASTER_KEY_FILE", "INTAKE_TOKENS_FILE"]


def test_followup__without_its_token_or_key_is_told(reached: Path) -> None:
    (reached / "session.key").write_bytes(bytes(16))
    (reached / "session.key").chmod(0o600)
    settings = FollowupSettings(
        database_url=URL, session_key_file=str(reached / "session.key"), source_token_file=str(reached / "none")
    )
    wrong = [finding.said.en for finding in secret_files.of_followup(settings, ME) if finding.state is State.WRONG]
    assert ["SESSION_KEY" in wrong[0], "SOURCE_TOKEN" in wrong[1], len(wrong)] == [True, True, 2]


def test_folder_of_secrets__with_an_open_file_is_told(reached: Path) -> None:
    for name, mode in (("intake_database_url", 0o600), ("intake_amqp_url", 0o604)):
        (reached / name).write_text("secret")
        (reached / name).chmod(mode)
    (finding,) = [each for each in secret_files.of_folder(str(reached), ME) if each.state is State.WRONG]
    assert "intake_amqp_url" in finding.said.en


def test_tokens_that_the_service_reads_itself__stay_readable_to_it(reached: Path) -> None:
    settings, tokens = intake(reached), reached / "tokens.json"
    tokens.chmod(0o644)
    member = ServiceUser(user="doithoai", group="doithoai", uid=1, gid=tokens.stat().st_gid)
    for account, remedy in (
        (member, f"chmod o-rwx {tokens}"),
        (NOBODY, f"chgrp nogroup {tokens} && chmod 640 {tokens}"),
    ):
        found = secret_files._open("INTAKE_TOKENS_FILE", tokens, account)
        assert remedies(found) == [remedy]
    # Where no unit says as whom it runs, nobody can say what would be left to it.
    ((remedy),) = remedies(list(secret_files.of_intake(settings, ME)))
    assert remedy == f"chmod o-rwx {tokens}, once it belongs to whom the service runs as (chown, chgrp)"


@as_root
def test_file__that_root_alone_reads_is_told_unless_it_is_handed_over(reached: Path) -> None:
    settings = intake(reached)
    handed = ServiceUser(
        user="nobody", group="nogroup", uid=65534, gid=65534, handed=frozenset({f"{reached}/master.key"})
    )
    (said,) = [f for f in secret_files.of_intake(settings, handed) if f.state is State.WRONG]
    tokens = reached / "tokens.json"
    assert said.said.en == f"INTAKE_TOKENS_FILE: nobody, as whom the service runs, cannot read {tokens}"
    assert remedies([said]) == [f"chgrp nogroup {tokens} && chmod 640 {tokens}"]
    os.chown(tokens, 0, 65534)
    tokens.chmod(0o640)
    assert remedies(list(secret_files.of_intake(settings, handed))) == []


@as_root
def test_file__in_a_folder_that_the_service_may_not_enter_is_told_so(reached: Path) -> None:
    secrets = reached / "secrets"
    secrets.mkdir(0o700)
    (secrets / "token").write_text("x")
    (remedy,) = remedies(secret_files._file("FOLLOWUP_SOURCE_TOKEN_FILE", str(secrets / "token"), NOBODY))
    assert remedy.startswith(f"it may not enter {secrets}: hand the file over by LoadCredential=")


def test_file__within_a_closed_folder_is_not_open(reached: Path) -> None:
    secrets = reached / "secrets"
    secrets.mkdir(0o700)
    for name in ("master.key", "tokens.json"):
        intake(secrets)
        (secrets / name).chmod(0o644)
    assert told(intake(secrets)) == []


def test_folder_of_secrets__is_looked_at_to_its_bottom(reached: Path) -> None:
    secrets, tls = reached / "secrets", reached / "tls"
    (secrets / "migrate").mkdir(parents=True)
    tls.mkdir()
    for path in (secrets / "migrate" / "intake_database_url", tls / "server.key"):
        path.write_text("secret")
        path.chmod(0o644)
    for folder in (secrets, secrets / "migrate", tls):
        folder.chmod(0o755)
    found = secret_files.of_folder(str(secrets), NOBODY)
    wrong = [finding.said.en for finding in found if finding.state is State.WRONG]
    assert len(wrong) == 2 and "migrate/intake_database_url" in wrong[0] and "tls/server.key" in wrong[1]
    assert remedies(list(found))[0] == f"chmod o-rwx {secrets}/migrate/intake_database_url"  # systemd reads it, as root
    notes = [finding.said.en for finding in found if finding.state is State.NOTE]
    assert notes == [f"everybody may enter the folder {each} (0755)" for each in (secrets, secrets / "migrate")]
    secrets.chmod(0o757)
    assert f"everybody may enter the folder {secrets} (0757)" in [
        finding.said.en for finding in secret_files.of_folder(str(secrets), NOBODY) if finding.state is State.WRONG
    ]


def test_secret_that_is_mounted_twice__is_told_once(reached: Path) -> None:
    data = reached / "secrets" / "..2026"
    data.mkdir(parents=True)
    (data / "intake_database_url").write_text("secret")
    (data / "intake_database_url").chmod(0o644)
    (reached / "secrets" / "..data").symlink_to("..2026")
    (reached / "secrets" / "intake_database_url").symlink_to("..data/intake_database_url")
    found = secret_files.of_folder(str(reached / "secrets"), ME)
    assert [finding.state for finding in found].count(State.WRONG) == 1


def test_key_of_tls__that_a_url_names_is_a_secret_too(reached: Path) -> None:
    key = reached / "client.key"
    key.write_text("x")
    key.chmod(0o644)
    settings = intake(reached, amqp_url=f"amqps://u@h/v?keyfile={key}")
    assert told(settings) == [f"INTAKE_AMQP_URL: everybody on this machine may use {key} (0644)"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"jwt_issuer": "https://id.example.vn"}, []),
        ({"jwt_issuer": "http://id.example.vn"}, ["INTAKE_JWT_ISSUER"]),
        ({"jwt_issuer": "https://id.example.vn", "jwt_audience": ""}, ["INTAKE_JWT_AUDIENCE"]),
        ({"jwt_issuer": "https://id.example.vn", "jwt_jwks": "{folder}/jwks.json"}, []),
        ({"jwt_issuer": "https://id.example.vn", "jwt_jwks": "{folder}/nothing.json"}, ["INTAKE_JWT_JWKS"]),
        ({"jwt_issuer": "https://id.example.vn", "jwt_jwks": "{folder}/master.key"}, ["INTAKE_JWT_JWKS"]),
    ],
)
def test_provider_of_systems__is_looked_at(reached: Path, settings: dict[str, str], expected: list[str]) -> None:
    key = RSAKey.generate_key(2048, {"kid": "first"})
    (reached / "jwks.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    named = {name: value.format(folder=reached) for name, value in settings.items()}
    assert [said.partition(":")[0] for said in told(intake(reached, **named))] == expected


def key_of(bits: int, **named: str) -> dict[str, Any]:
    return RSAKey.generate_key(bits, named, auto_kid=False).as_dict(private=False)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (lambda: [key_of(2048)], []),
        (lambda: [key_of(2048), key_of(2048, kid="second")], ["without a kid"]),
        (lambda: [key_of(1024, kid="short")], ["1 keys are not trusted"]),
        (lambda: [key_of(1024, kid="short"), {"kty": "EC", "crv": "P-192"}, None], ["without a kid", "3 keys"]),
        (lambda: [{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"}], ["private keys", "1 keys are not trusted"]),
        (lambda: [RSAKey.generate_key(2048, {"kid": "first"}).as_dict(private=True)], ["private keys"]),
    ],
)
def test_keys_of_a_provider__that_prove_nothing_or_too_much_are_told(
    reached: Path, keys: Callable[[], list[dict[str, Any] | None]], expected: list[str]
) -> None:
    (reached / "jwks.json").write_text(json.dumps({"keys": keys()}))
    found = told(intake(reached, jwt_issuer="https://id.example.vn", jwt_jwks=str(reached / "jwks.json")))
    assert len(found) == len(expected)
    assert all(part in said for part, said in zip(expected, found, strict=True)), found


def test_setting__that_is_written_wrong_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTAKE_DATABASE_URL", URL)
    monkeypatch.setenv("INTAKE_ATTRIBUTES", "Hộ nghèo")
    with pytest.raises(WrongSettings, match=r"INTAKE_ATTRIBUTES \(should be: the names .* such as lai-chau\.ho-ngheo"):
        settings_from_environment(IntakeSettings)
