"""What a check finds, and how checks are run: side by side, each with an end, so that one that hangs stops no other."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from shared.sentences import Sentence

WITHIN = 5.0  # seconds for one check

T = TypeVar("T")


class State(StrEnum):
    """How it stands."""

    RIGHT = "right"
    NOTE = "note"  # somebody should know of it; nothing is broken
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. `remedy` says what to do, where something is to be done."""

    state: State
    said: Sentence
    remedy: Sentence | None = None


class Section(msgspec.Struct, frozen=True):
    """What was found about one part of the pair."""

    title: Sentence
    findings: tuple[Finding, ...]


#: Looks at one part; an error of it is a finding too.
Check = Callable[[], Awaitable[Sequence[Finding]]]


def right(vi: str, en: str) -> Finding:
    """It is as it should be."""
    return Finding(State.RIGHT, Sentence(vi, en))


def note(vi: str, en: str, do_vi: str = "", do_en: str = "") -> Finding:
    """Somebody should know."""
    return Finding(State.NOTE, Sentence(vi, en), Sentence(do_vi, do_en) if do_en else None)


def wrong(vi: str, en: str, do_vi: str, do_en: str) -> Finding:
    """It is broken, or will be."""
    return Finding(State.WRONG, Sentence(vi, en), Sentence(do_vi, do_en))


async def section(title: Sentence, check: Check, within: float = WITHIN) -> Section:
    """What a check finds, within its time."""
    try:
        async with asyncio.timeout(within):
            return Section(title, tuple(await check()))
    except TimeoutError:
        found = wrong(
            f"không trả lời trong {within:.0f} giây",
            f"does not answer within {within:.0f} s",
            "kiểm tra mạng và tiến trình ở đó",
            "look at the network and at the process there",
        )
    except Exception as error:
        # Only the kind: the text may quote an address, a user or a value.
        kind = type(error).__name__
        found = wrong(
            f"không kiểm tra được ({kind})",
            f"cannot be looked at ({kind})",
            "chạy lại; nếu vẫn vậy, xem nhật ký của dịch vụ",
            "run it again; if it stays, see the log of the service",
        )
    return Section(title, (found,))


class AbandonedThreads(ThreadPoolExecutor):
    """Runs each work in a thread that nobody waits for at the end: who asks a share that is away may wait for ever."""

    def submit(self, call: Callable[..., T], /, *values: Any, **named: Any) -> Future[T]:
        """Run it at once."""
        future = Future[T]()

        def run() -> None:
            try:
                future.set_result(call(*values, **named))
            except BaseException as error:
                future.set_exception(error)

        future.set_running_or_notify_cancel()
        threading.Thread(target=run, daemon=True).start()
        return future
