"""`doithoai followup serve`, and what the top command line mounts beside it: `reconcile`, `unpark`."""

import typer

app = typer.Typer(name="followup", help="The reader: deadlines, breaches, the read side.", no_args_is_help=True)
