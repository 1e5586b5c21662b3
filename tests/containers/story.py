"""Plays the story against a pair in containers: `python -m tests.containers.story INTAKE FOLLOWUP < SECRETS`.

SECRETS is a JSON object of the tokens by role that deploy/make-secrets.sh made: {"office": …, "operations": …}.
"""

import json
import sys
from collections.abc import Generator

import httpx

from services.story import outcome
from services.story.client import Pair
from services.story.teller import Teller
from services.story.telling import TIMEOUT, tell


class ByRole(httpx.Auth):
    """Acts are the office's; the clock is operated."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self._tokens = tokens

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        moves_clock = request.url.path == "/v1/clock" and request.method == "POST"
        request.headers["Authorization"] = f"Bearer {self._tokens['operations' if moves_clock else 'office']}"
        yield request


def main(intake_url: str, followup_url: str) -> None:
    """Play it to its end."""
    auth = ByRole(json.load(sys.stdin))
    with (
        httpx.Client(base_url=intake_url, auth=auth, timeout=TIMEOUT) as intake,
        httpx.Client(base_url=followup_url, auth=auth, timeout=TIMEOUT) as followup,
    ):
        teller = Teller(Pair(intake, followup), print)
        if not tell(teller):
            sys.exit("the clock of this pair cannot be moved: set INTAKE_CLOCK_START before its first start")
        outcome.show(teller, intake_url, followup_url)


if __name__ == "__main__":
    main(*sys.argv[1:])
