"""The exit codes of every command (0 is done), and how a command ends with one."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import typer

from shared.identifiers import MalformedCode, agency_code
from shared.sentences import Sentence

FAILED = 1  # refused, or failed
WRONG_USE = 2  # an option, a file or folder that one names, a calendar that none gives; the content of a policy is 1
NOTICED = 3  # done, and something else was found that a person has to see to


def stop(code: int, message: str) -> NoReturn:
    """End the command with a code, and say why in one line on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def stop_at(place: str, code: int, said: Sentence) -> NoReturn:
    """End the command with a code, and say in one line, in both languages, what is wrong at an option or in a file."""
    stop(code, f"{place}: {said.both}")


def unwritable(error: OSError) -> Sentence:
    """What is wrong with a file or folder that cannot be written."""
    why = error.strerror
    return Sentence(f"không ghi được ({why}); hãy nêu nơi khác", f"cannot be written ({why}); name another place")


def need_folder_of(option: str, file: Path) -> None:
    """End the command if a file that is written at its end cannot be there. Nothing is written yet."""
    if file.is_dir():
        said = Sentence("là một thư mục; hãy nêu một tệp", "is a folder; name a file")
    elif not file.absolute().parent.is_dir():
        said = Sentence("không có thư mục của tệp này; hãy tạo trước", "its folder is not there; make it first")
    elif not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        said = unwritable(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    else:
        return
    stop_at(f"{option}: {file}", WRONG_USE, said)


def given_code(option: str, text: str) -> str:
    """An agency code given on the command line, in either order."""
    try:
        return agency_code(text)
    except MalformedCode as error:
        said = Sentence(f"{text!r} không phải là mã định danh của cơ quan; hãy viết như H35.10", str(error))
        stop_at(option, WRONG_USE, said)
