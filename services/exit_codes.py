"""The exit codes of every command (0 is done), and how a command ends with one."""

from typing import NoReturn

import typer

FAILED = 1  # refused, or failed
WRONG_USE = 2


def stop(code: int, message: str) -> NoReturn:
    """End the command with a code, and say why in one line on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
