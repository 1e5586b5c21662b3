"""Plays the story: every chapter in order, and what came of it at the end."""

from collections.abc import Callable
from datetime import timedelta

import httpx

from services.story import afterwards, conference, outcome, preparation
from services.story.client import PairClient, Say
from services.story.narrator import BEGIN, Narrator

TIMEOUT = 30.0  # seconds for one request

Chapter = Callable[[Narrator], None]
CHAPTERS: tuple[Chapter, ...] = (*preparation.CHAPTERS, *conference.CHAPTERS, *afterwards.CHAPTERS)


def play(intake_url: str, followup_url: str, say: Say, token: str = "", clock_token: str = "") -> None:
    """Play the whole story, or the rest of it on a store that holds a part. Raises StoryRefused.

    `token` is of the role office, `clock_token` of operations; none on loopback.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with (
        httpx.Client(base_url=intake_url, headers=headers, timeout=TIMEOUT) as intake,
        httpx.Client(base_url=followup_url, headers=headers, timeout=TIMEOUT) as followup,
    ):
        teller = Narrator(PairClient(intake, followup, clock_token), say)
        if tell(teller):
            outcome.show(teller, intake_url, followup_url)


def tell(teller: Narrator) -> bool:
    """Play every chapter in order. False means that the store's clock cannot be moved, so that nothing was played."""
    pair, say = teller.pair, teller.say
    if not pair.clock().get("movable", True):
        say("Đồng hồ của kho này không chỉnh được  · the clock of this store cannot be moved: no story")
        return False
    if pair.now() > BEGIN + timedelta(days=1):
        say("Kho sự kiện đã có câu chuyện này; kể tiếp  · this store already holds the story: going on")
    for chapter in CHAPTERS:
        chapter(teller)
    return True
