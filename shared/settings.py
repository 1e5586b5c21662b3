"""Reads the settings of a service from the environment, and says which of them is wrong."""

import os
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

S = TypeVar("S", bound=BaseSettings)


class WrongSettings(ValueError):
    """Settings with which a service does not start, or a command does not run; the message names the setting."""


def settings_from_environment(kind: type[S]) -> S:
    """The settings; those that the environment leaves out come from files of the folder DOITHOAI_SECRETS_DIR.

    A file is named as its variable in lower case, such as `intake_database_url`. Raises WrongSettings.
    """
    try:
        return kind(_secrets_dir=os.environ.get("DOITHOAI_SECRETS_DIR") or None)
    except ValidationError as error:
        # The values are left out: a database URL holds a password.
        prefix = kind.model_config["env_prefix"]
        names = sorted(f"{prefix}{str(each['loc'][0]).upper()} ({each['msg']})" for each in error.errors())
        raise WrongSettings(f"settings: {', '.join(names)}") from None
