"""Digests by mail: one a day for each body, sent at least once, by one followup of several, late rather than never."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Protocol

import msgspec
import structlog

from services.followup.domain.letters.digest import LATE_DAYS, MailDigest, Recipient, days_to_send
from shared.identifiers import LOCAL_ZONE, local_day, midnight

LOOK_EVERY = 30.0  # seconds
FRESH = 60.0  # seconds: what a source said longer ago may leave out what happened since
PATIENCE = timedelta(hours=1)  # of the source's clock, for a source that is silent at the hour of its digest
REFUSED_AGAIN = 3600.0  # seconds before a digest that the server refused for good is offered again

log = structlog.get_logger("digests")


class SourceClock(msgspec.Struct, frozen=True):
    """A source's clock, and for how many seconds it said nothing."""

    source: str
    now: datetime
    silent_for: float


class MailRefused(Exception):
    """The mail server refuses a message for good; another may pass."""


class Mailed(msgspec.Struct, frozen=True):
    """What became of a message: its Message-ID, and the addresses that the server refused while it took others."""

    message_id: str
    refused: tuple[str, ...] = ()


class MailServerUnavailable(Exception):
    """The mail server cannot be reached, or takes nothing now."""


class DigestStore(Protocol):
    """What digests are made of, and which were sent."""

    async def clocks(self) -> Sequence[SourceClock]:
        """The clock of each source that was read."""
        ...

    async def last_day(self, source: str, recipient: Recipient) -> date | None:
        """The last day whose digest is done."""
        ...

    async def digest(self, source: str, recipient: Recipient, day: date, today: date) -> MailDigest:
        """The digest of a day."""
        ...

    async def done(self, digest: MailDigest, mailed: Mailed) -> None:
        """Remember that a digest is done; the Message-ID is empty where there was nothing to send."""
        ...

    async def unreached(self, source: str, recipient: Recipient, since: date) -> list[tuple[date, Recipient]]:
        """The digests from a day on that some addresses have not got, each with the body as those addresses alone."""
        ...


#: Sends a digest to a body. Raises MailRefused when nobody gets it, MailServerUnavailable.
Send = Callable[[MailDigest, Recipient], Awaitable[Mailed]]
#: Takes or renews the right to send; False while another process has it.
Lease = Callable[[], Awaitable[bool]]


class DigestMailer:
    """Sends what is due; `hour` is the local hour of the source's day from which its digests are sent."""

    def __init__(
        self, store: DigestStore, send: Send, recipients: Sequence[Recipient], hour: int, lease: Lease
    ) -> None:
        self._store, self._send, self._lease = store, send, lease
        self._recipients, self._hour = recipients, hour
        self._refused: dict[tuple[str, str, date], float] = {}
        self._held_up = False
        self._failing_since: float | None = None

    @property
    def failing_for(self) -> float:
        """For how many seconds something that is due could not be sent; 0 while everything is."""
        return monotonic() - self._failing_since if self._failing_since is not None else 0.0

    async def run(self) -> None:
        """Look for ever; whatever fails is tried again."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Send what is due, and note whether something could not be sent."""
        self._held_up = False
        try:
            await self.send_due()
        except Exception as error:  # the store may be away
            self._held_up = True
            log.warning("digests_failed", kind=type(error).__name__)
        if not self._held_up:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = monotonic()

    async def send_due(self) -> int:
        """Send every digest whose hour has come; how many were sent."""
        sent = 0
        for clock in await self._store.clocks():
            today, newest = local_day(clock.now), self._newest(clock.now)
            if clock.silent_for > FRESH and clock.now < midnight(newest) + timedelta(hours=self._hour) + PATIENCE:
                continue
            try:
                for recipient in self._recipients:
                    last = await self._store.last_day(clock.source, recipient)
                    days = days_to_send(last, newest, today)
                    sent += await self.send_days(clock.source, recipient, days, today)
                    sent += await self.send_rest(clock.source, recipient, newest, today)
            except MailServerUnavailable as error:
                self._held_up = True
                log.warning("mail_server_away", source=clock.source, kind=str(error))
        return sent

    async def send_days(self, source: str, recipient: Recipient, days: Iterable[date], today: date) -> int:
        """Send the digests of some days, the earliest first; how many were sent. Raises MailServerUnavailable."""
        sent = 0
        for day in days:
            mailed = await self._send_day(source, recipient, day, today)
            if mailed is None:
                break  # in order: the last day done tells what is missing
            sent += bool(mailed.message_id)
        return sent

    async def send_rest(self, source: str, recipient: Recipient, newest: date, today: date) -> int:
        """Send late digests to those addresses of a body that were refused; how many were sent.

        Raises MailServerUnavailable.
        """
        sent = 0
        for day, rest in await self._store.unreached(source, recipient, newest - timedelta(days=LATE_DAYS - 1)):
            mailed = await self._send_day(source, rest, day, today)
            sent += mailed is not None and bool(mailed.message_id)
        return sent

    async def _send_day(self, source: str, recipient: Recipient, day: date, today: date) -> Mailed | None:
        """Send the digest of a day; None where it must wait."""
        key = (source, recipient.key, day)
        if self._refused.get(key, 0.0) > monotonic():
            self._held_up = True
            return None
        if not await self._lease():
            return None
        digest = await self._store.digest(source, recipient, day, today)
        named = {"source": source, "recipient": recipient.key, "day": day.isoformat()}
        try:
            mailed = Mailed("") if digest.is_empty else await self._send(digest, recipient)
        except MailRefused as error:
            self._wait(key)
            log.error("digest_refused", **named, why=str(error))
            return None
        # A crash before this line sends it again: under the same Message-ID.
        await self._store.done(digest, mailed)
        if mailed.message_id:
            log.info("digest_sent", **named)
        if mailed.refused:
            self._wait(key)
            log.error("digest_refused", **named, why=f"{len(mailed.refused)} of {len(recipient.addresses)} addresses")
        return mailed

    def _wait(self, key: tuple[str, str, date]) -> None:
        self._held_up = True
        self._refused[key] = monotonic() + REFUSED_AGAIN

    def _newest(self, now: datetime) -> date:
        """The last day whose hour has come."""
        local = now.astimezone(LOCAL_ZONE)
        return local.date() if local.hour >= self._hour else local.date() - timedelta(days=1)
