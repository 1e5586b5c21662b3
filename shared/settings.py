"""Reads the settings of a service from the environment, and says which of them is wrong."""

import os
import re
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationError
from pydantic_settings import BaseSettings

from shared.server_urls import broker_hosts_of, hosts_of
from shared.telemetry import MissingTelemetry, start_telemetry

S = TypeVar("S", bound=BaseSettings)


_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")


class WrongSettings(ValueError):
    """Settings with which a service does not start, or a command does not run; the message names the setting."""


def settings_from_environment(kind: type[S]) -> S:
    """The settings; those that the environment leaves out come from files of the folder DOITHOAI_SECRETS_DIR.

    A file is named as its variable in lower case, such as `intake_database_url`. Raises WrongSettings.
    """
    try:
        return kind(_secrets_dir=_secrets_folder())
    except ValidationError as error:
        # The values are left out: a database URL holds a password.
        prefix = kind.model_config["env_prefix"]
        names = sorted(
            f"{prefix}{str(each['loc'][0]).upper()} ({_why(kind, str(each['loc'][0]), each['type'], each['msg'])})"
            for each in error.errors()
        )
        raise WrongSettings(f"settings: {', '.join(names)}") from None


def _why(kind: type[BaseSettings], name: str, error: str, said: str) -> str:
    """What is wrong with a setting; what it is to be like is said in words, and not by an expression."""
    field = kind.model_fields.get(name)
    if error == "string_pattern_mismatch" and field is not None:
        return f"should be: {field.description}"
    return said


def value_of(variable: str) -> str:
    """One setting, of the environment or of a file of DOITHOAI_SECRETS_DIR; empty where it is in neither.

    Raises WrongSettings.
    """
    folder = _secrets_folder()
    if (given := os.environ.get(variable, "")) or folder is None:
        return given
    file = folder / variable.lower()
    try:
        return file.read_text("utf-8").strip() if file.exists() else ""
    except OSError as error:
        raise WrongSettings(f"{variable}: {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongSettings(f"{variable}: {file} is not UTF-8") from None


def _secrets_folder() -> Path | None:
    name = os.environ.get("DOITHOAI_SECRETS_DIR", "")
    if name and not Path(name).is_dir():
        raise WrongSettings(f"DOITHOAI_SECRETS_DIR: {name} is no folder; name the folder that holds the secrets")
    return Path(name) if name else None


def check_urls(prefix: str, database_url: str, amqp_url: str) -> None:
    """Check how the addresses of a service's servers are written. Raises WrongSettings."""
    for variable, url, parse in (("DATABASE_URL", database_url, hosts_of), ("AMQP_URL", amqp_url, broker_hosts_of)):
        try:
            _ = url and parse(url)
        except ValueError as error:
            raise WrongSettings(f"{prefix}_{variable}: {error}") from None


def begin_telemetry(service: str) -> None:
    """Send spans where a collector is named. Raises WrongSettings."""
    try:
        start_telemetry(service)
    except MissingTelemetry as error:
        raise WrongSettings(str(error)) from None


def path_of(public_url: str) -> str:
    """The path under which a proxy shows a service, without a slash at its end; empty for a host of its own."""
    return urlsplit(public_url).path.rstrip("/")


def _public(url: str) -> str:
    parts = urlsplit(url)
    is_address = parts.scheme in ("http", "https") and parts.netloc and not (parts.query or parts.fragment)
    if url and not (is_address and _PATH.fullmatch(parts.path)):
        raise ValueError("an address such as https://example.vn/doithoai, without spaces, questions and escapes")
    return url


#: The address under which browsers or programs find a service; a path in it is where a proxy shows it beside others.
PublicUrl = Annotated[str, AfterValidator(_public)]
