"""Sends events to the sinks of subscriptions: at least once, in the order of each log, under the ids of the events.

One process of several sends, by a lease. A delivery is kept with the place that it has reached in one transaction,
which fails where another process has moved that place: whoever slept past the lease keeps nothing.

      active, and a log that is due has more
   ┌─────────┐ ───────────────────────────▶ ┌─────────┐ ──┐ delivered, or hidden:
   │ waiting │                              │ sending │   │ the place moves on
   └─────────┘ ◀─────────────────────────── └─────────┘ ◀─┘
       at the end of every log, or not taken:    │
       that log is due after a pause             └──▶ gone, or not taken for days: disabled;
                                                      its place is of another history: paused
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from uuid import UUID

import msgspec
import structlog

from services.followup.application.webhook_ports import (
    Attempt,
    LogHead,
    LogPlace,
    OpenSink,
    SealsBroken,
    Sight,
    SinkDeliveries,
    Subscription,
    SubscriptionStore,
    Verdict,
    WebhookLogs,
)
from services.followup.domain.webhooks.event_filters import passes
from services.followup.domain.webhooks.retries import GIVE_UP_AT, pause_after
from shared.envelope import attributes, to_structured
from shared.events import Recorded
from shared.tasks import cancel_and_wait

LOOK_EVERY = 1.0  # seconds
PAGE = 100  # events that are read at a time
AT_ONCE = 32  # requests to all sinks together that answer soon, and as many to all others
SOON = 1000  # milliseconds
JUDGED_FOR = 5.0  # seconds: of a page that is sent slowly, who is revoked or paused is sent no more
MINUTE = 60.0
DROP_EVERY = 60.0  # seconds

#: Takes or renews the right to send; False while another process has it.
Lease = Callable[[], Awaitable[bool]]

log = structlog.get_logger("webhooks")


class _Ended(Exception):
    """Nothing more may be sent to a subscription as it was read: it was changed, or stopped."""


class WebhookSender:
    """Looks for ever for what is due; a subscription has one request under way at most, and waits for no other."""

    def __init__(
        self, store: SubscriptionStore, logs: WebhookLogs, sight: Sight, open_sink: OpenSink, lease: Lease, prefix: str
    ) -> None:
        self._store, self._logs, self._sight, self._open_sink = store, logs, sight, open_sink
        self._lease, self._prefix = lease, prefix
        self._requests, self._slow_requests = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._answering_soon = set[UUID]()
        self._under_way: dict[UUID, asyncio.Task[None]] = {}
        self._drop_at = 0.0

    async def run(self) -> None:
        """Send for as long as the process lives."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # the store may be away
                    log.warning("webhooks_failed", kind=type(error).__name__)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            await self._end()

    async def _look(self) -> None:
        """Begin what is due, if this process is the one that sends."""
        self._under_way = {each: task for each, task in self._under_way.items() if not task.done()}
        if not await self._lease():
            await self._end()
            return
        heads = await self._logs.heads()
        for subscription, places in await self._store.active():
            if _is_behind(places, heads) and subscription.subscription_id not in self._under_way:
                work = self._send_safely(subscription, places, heads)
                self._under_way[subscription.subscription_id] = asyncio.create_task(work, name="webhooks")
        if monotonic() >= self._drop_at:
            self._drop_at = monotonic() + DROP_EVERY
            await self._store.drop_deleted()

    async def _end(self) -> None:
        await asyncio.gather(*(cancel_and_wait(task) for task in self._under_way.values()))
        self._under_way = {}

    async def _send_safely(
        self, subscription: Subscription, places: Mapping[str, LogPlace], heads: Mapping[str, LogHead]
    ) -> None:
        try:
            await self.send_to(subscription, places, heads)
        except Exception as error:
            named = {"subscription": str(subscription.subscription_id), "kind": type(error).__name__}
            log.warning("webhook_failed", **named)

    async def send_to(
        self, subscription: Subscription, places: Mapping[str, LogPlace], heads: Mapping[str, LogHead]
    ) -> None:
        """Send a subscription what it has not been sent yet, a page of each log in turn, whatever becomes of others."""
        going = dict[str, LogPlace]()
        for name, head in heads.items():
            place = _place(places, name)
            if not await self._goes_on(place, head):
                await self._stop(subscription, "history-changed")
                return
            if place.is_due and place.position < head.position:
                going[name] = place
        try:
            async with self._open_sink(subscription) as sink:
                while going:
                    for name, place in list(going.items()):
                        events = await self._logs.events_after(place, PAGE)
                        reached = await self._send_page(subscription, sink, place, events) if events else None
                        if reached is None:
                            del going[name]
                        else:
                            going[name] = reached
        except SealsBroken:
            await self._stop(subscription, "key-replaced")
        except _Ended:
            return

    async def _goes_on(self, place: LogPlace, head: LogHead) -> bool:
        """Whether a log still holds the event to which it was sent, and nothing after it can have been replaced."""
        if not place.position:
            return True
        found = await self._logs.event_id_at(place.log, place.position)
        if place.epoch == head.epoch:
            # A log that is being read again is shorter for a while.
            return found == place.event_id or (found is None and head.position < place.position)
        return found == place.event_id and head.is_kept

    async def _stop(self, subscription: Subscription, reason: str) -> None:
        log.error("webhook_paused", subscription=str(subscription.subscription_id), why=reason)
        await self._store.stop(subscription, reason)

    async def _send_page(
        self, subscription: Subscription, sink: SinkDeliveries, place: LogPlace, events: Sequence[Recorded]
    ) -> LogPlace | None:
        """Send some events of one log in order; the place that was reached, None where an event was not taken.

        Where that takes long the rest is judged anew. Raises _Ended.
        """
        wanted, judged_at = subscription.wanted, monotonic()
        asked = [event for event in events if not wanted.types or event.topic in wanted.types]
        seen = await self._sight(subscription, place.log, asked)
        if seen is None:
            await self._stop(subscription, "owner-gone")
            raise _Ended
        for event in events:
            if event.position not in seen or not passes(wanted.filters, attributes(event)):
                continue
            attempt = await self._attempt_in_turn(subscription.subscription_id, sink, event)
            if attempt.answer.verdict is not Verdict.DELIVERED:
                await self._failed(subscription, place, attempt)
                return None
            before, place = place, place_at(event)
            if not await self._store.delivered(subscription, before, place, attempt):
                raise _Ended
            if subscription.rate:
                await asyncio.sleep(MINUTE / subscription.rate - attempt.milliseconds / 1000)
            if monotonic() - judged_at > JUDGED_FOR:
                return place
        end = place_at(events[-1])
        if end.position != place.position and not await self._store.move(subscription, place, end):
            raise _Ended
        return end

    async def _attempt_in_turn(self, subscription_id: UUID, sink: SinkDeliveries, event: Recorded) -> Attempt:
        """One request. Whoever was not seen to answer soon waits for its like, and takes no place of the others."""
        async with self._requests if subscription_id in self._answering_soon else self._slow_requests:
            attempt = await self.attempt(sink, event)
        if attempt.milliseconds <= SOON:
            self._answering_soon.add(subscription_id)
        else:
            self._answering_soon.discard(subscription_id)
        return attempt

    async def attempt(self, sink: SinkDeliveries, event: Recorded) -> Attempt:
        """One request with an event. Who asks for one takes no place of those that the sender has for all sinks."""
        began = monotonic()
        answer = await sink.deliver(str(event.event_id), body_of(event, self._prefix))
        return Attempt(
            kind="delivery",
            answer=answer,
            milliseconds=int((monotonic() - began) * 1000),
            log=event.source,
            position=event.position,
            event_id=event.event_id,
            type=event.topic,
        )

    async def _failed(self, subscription: Subscription, at: LogPlace, attempt: Attempt) -> None:
        answer, failures = attempt.answer, at.failures + 1
        pause = pause_after(failures, answer.retry_after)
        reason = "failing" if failures >= GIVE_UP_AT else ""
        if answer.verdict is Verdict.GONE:
            reason = "gone"
        named = {"subscription": str(subscription.subscription_id), "status": answer.status, "why": answer.why}
        log.warning("webhook_not_taken", **named)
        await self._store.failed(subscription, at, attempt, pause, reason)
        if reason:
            raise _Ended


def body_of(event: Recorded, prefix: str) -> bytes:
    """An event as it is sent: the bytes by which it stands in a page of the feed."""
    return msgspec.json.encode(to_structured([event], prefix)[0])


def place_at(event: Recorded) -> LogPlace:
    """The place of an event in its log."""
    return LogPlace(
        log=event.source,
        epoch=event.epoch,
        position=event.position,
        event_id=event.event_id,
        recorded_at=event.recorded_at,
    )


def _is_behind(places: Mapping[str, LogPlace], heads: Mapping[str, LogHead]) -> bool:
    """Whether there is a log that a subscription may be sent more of now."""
    found = ((_place(places, name), head) for name, head in heads.items())
    return any(place.is_due and place.position != head.position for place, head in found)


def _place(places: Mapping[str, LogPlace], name: str) -> LogPlace:
    return places.get(name) or LogPlace(log=name)
