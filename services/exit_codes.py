"""The exit codes of every command (0 is done), and how a command ends with one."""

from typing import NoReturn

import typer

from shared.sentences import Sentence

FAILED = 1  # refused, or failed
WRONG_USE = 2


def stop(code: int, message: str) -> NoReturn:
    """End the command with a code, and say why in one line on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def stop_at(place: str, code: int, said: Sentence) -> NoReturn:
    """End the command with a code, and say in one line, in both languages, what is wrong at an option or in a file."""
    stop(code, f"{place}: {said.vi} / {said.en}")
