"""`python -m services.story INTAKE FOLLOWUP`: play the story on a running pair whose clock can be moved.

Beyond loopback STORY_TOKEN_FILE names the token of an office, STORY_CLOCK_TOKEN_FILE that of operations.
"""

import os
import sys
from pathlib import Path

import httpx
import typer

from services.exit_codes import FAILED, WRONG_USE
from services.story.client import StoryRefused
from services.story.play import play


def main(arguments: list[str]) -> int:
    """Play the story. A refusal is one line on standard error."""
    if len(arguments) != 2:
        typer.echo("python -m services.story INTAKE FOLLOWUP: name the two addresses", err=True)
        return WRONG_USE
    intake, followup = arguments
    try:
        play(intake, followup, typer.echo, _token("STORY_TOKEN_FILE"), _token("STORY_CLOCK_TOKEN_FILE"))
    except (StoryRefused, OSError, httpx.HTTPError) as error:
        typer.echo(f"the story was refused: {error}", err=True)
        return FAILED
    return 0


def _token(name: str) -> str:
    path = os.environ.get(name, "")
    return Path(path).read_text("utf-8").strip() if path else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
