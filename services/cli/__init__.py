"""The command line `doithoai`, one file a command; `rule_files` and `intake_client` serve several of them."""

import atexit
import gc
import importlib
import io
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer

from services.exit_codes import FAILED, WRONG_USE
from shared.sentences import Sentence

#: Where each command and group is defined. Only what is asked for is imported: `deadline` waits for no web server.
PLACES = {
    "dev": "services.cli.dev",
    "deadline": "services.cli.deadline",
    "policy": "services.cli.policy",
    "calendar": "services.cli.calendar",
    "intake": "services.cli.intake",
    "followup": "services.cli.followup",
    "token": "services.cli.intake",
    "person": "services.cli.person",
    "migrate": "services.cli.migrate",
    "import": "services.cli.import_register",
    "load": "services.cli.load",
    "replay": "services.cli.followup",
    "reconcile": "services.cli.followup",
    "backup": "services.cli.backup",
    "restore": "services.cli.restore",
    "doctor": "services.cli.doctor",
}
GROUPS = {"intake", "followup", "policy", "calendar", "person"}
#: What these print is no result.
SERVERS = {"dev", "serve"}
CLOSED = Sentence(
    "đầu ra chuẩn đã đóng, kết quả không có chỗ ghi; hãy cho một chỗ, ví dụ > FILE",
    "standard output is closed and the result has no place; give it one, such as > FILE",
)


def build(asked: str) -> typer.Typer:
    """The command line with the one command that is asked for, or with all of them if there is no such command."""
    app = typer.Typer(
        name="doithoai",
        help="The dependable memory of citizens' dialogue conferences.",
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_common)
    for name in [asked] if asked in PLACES else PLACES:
        try:
            module = importlib.import_module(PLACES[name])
        except ModuleNotFoundError as error:
            # A tool that is not part of this installation; a package that is missing is an error.
            if asked in PLACES or not (error.name or "").startswith("services."):
                raise
            continue
        if name in GROUPS:
            app.add_typer(module.app, name=name, no_args_is_help=False)
        # `import` is a word of the language: its function has an underscore behind it.
        elif (command := getattr(module, name, None) or getattr(module, f"{name}_", None)) is not None:
            app.command(name)(command)
    return app


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"doithoai {metadata.version('doithoai')}")
        raise typer.Exit


def _common(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version.")
    ] = False,
) -> None:
    """What stands before every command."""


def main() -> None:
    """Run a command. It exits with 0 when done, 1 when refused or failed, 2 when used wrongly; an error is one line."""
    # A shell starts what runs in its background with SIGINT ignored, so nothing would answer to `kill -INT`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks Vietnamese letters shows question marks: what is done must not end in an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # At its end the interpreter would walk once more all that was imported, for a third of a second.
    atexit.register(gc.freeze)
    # Python writes into nothing then, and says nothing.
    if sys.stdout is None and SERVERS.isdisjoint(sys.argv[1:3]):
        print(CLOSED.both, file=sys.stderr)
        sys.exit(WRONG_USE)
    try:
        code = build(sys.argv[1] if len(sys.argv) > 1 else "")(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(FAILED)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        print(f"{named}{error.strerror or error}", file=sys.stderr)
        sys.exit(FAILED)
    except Exception as error:
        # Typer carries its own copy of click, whose errors have no public name: what formats its message is one.
        message = getattr(error, "format_message", None)
        text = message() if message else f"{type(error).__name__}: {error}"
        if text == "Missing command.":
            text = f"{' '.join(['doithoai', *sys.argv[1:]])}: name a command; --help lists them"
        print(" ".join(text.split()), file=sys.stderr)
        sys.exit(WRONG_USE if message else FAILED)
    sys.exit(code if isinstance(code, int) else 0)
