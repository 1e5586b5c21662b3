"""The command line `doithoai`: both services, the pair for development, and the tools."""

import importlib
import sys

import typer

FAILED, WRONG_USE = 1, 2  # exit codes; 0 is done

#: Where each command and group is defined. Only what is asked for is imported: `deadline` waits for no web server.
PLACES = {
    "dev": "services.dev",
    "deadline": "services.deadline",
    "policy": "services.regulation.policies",
    "calendar": "services.regulation.calendars",
    "intake": "services.intake.cli",
    "followup": "services.followup.cli",
    "token": "services.intake.cli",
    "migrate": "services.migrate",
    "import": "services.importing",
    "load": "services.load",
    "replay": "services.followup.cli",
    "reconcile": "services.followup.cli",
}
GROUPS = {"intake", "followup", "policy", "calendar"}


def build(asked: str) -> typer.Typer:
    """The command line, with the command that is asked for; with every command if it is none of them."""
    app = typer.Typer(
        name="doithoai",
        help="The dependable memory of citizens' dialogue conferences.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)
    for name in [asked] if asked in PLACES else PLACES:
        try:
            module = importlib.import_module(PLACES[name])
        except ModuleNotFoundError as error:
            # A tool that is not part of this installation; a package that is missing is an error.
            if asked in PLACES or not (error.name or "").startswith("services."):
                raise
            continue
        if name in GROUPS:
            app.add_typer(module.app, name=name)
        # `import` is a word of the language: its function has an underscore behind it.
        elif (command := getattr(module, name, None) or getattr(module, f"{name}_", None)) is not None:
            app.command(name)(command)
    return app


def main() -> None:
    """Run a command; 0 done, 1 refused or failed, 2 wrong use. An error is one line."""
    try:
        code = build(sys.argv[1] if len(sys.argv) > 1 else "")(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(FAILED)
    except Exception as error:
        # Typer carries its own copy of click, whose errors have no public name: they know how to tell themselves.
        told = getattr(error, "format_message", None)
        text = told() if told else f"{type(error).__name__}: {error}"
        print(" ".join(text.split()), file=sys.stderr)
        sys.exit(WRONG_USE if told else FAILED)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
