"""What the sender of webhooks needs: subscriptions, the logs, and the way to a sink."""

import enum
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from services.followup.domain.webhooks.event_filters import EventFilter
from shared.events import Recorded
from shared.feed_cursor import FeedFilter

SubscriptionStatus = Literal["unverified", "active", "paused", "disabled", "deleted"]
DeliveryKind = Literal["delivery", "redelivery", "test", "verification"]


class Verdict(enum.StrEnum):
    """What became of a request to a sink."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"  # the sink says that it wants no more
    FORBIDDEN = "forbidden"  # no webhook may be sent to where it leads


class Answer(msgspec.Struct, frozen=True):
    """The answer of a sink; `status` is 0 where there was none. `why` is a word of ours, never the sink's."""

    verdict: Verdict
    status: int = 0
    why: str = ""
    retry_after: float | None = None


class SinkConsent(msgspec.Struct, frozen=True):
    """Whether a sink wants to be sent to, and how many deliveries a minute; None: as many as there are."""

    answer: Answer
    is_given: bool
    rate: int | None = None


class SubscriberRights(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the owner could see when it last wrote the subscription. `is_listed`: it was in the tokens file."""

    roles: tuple[str, ...]
    jurisdiction: str
    sources: tuple[str, ...] = ()
    is_listed: bool = False


class Wanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which events a subscription is for."""

    types: tuple[str, ...] = ()
    filters: tuple[EventFilter, ...] = ()
    jurisdiction: str = ""
    mine: bool = False

    @property
    def feed_filter(self) -> FeedFilter:
        """The same as the feed asks it."""
        return FeedFilter(self.types, self.jurisdiction, self.mine)


class LogPlace(msgspec.Struct, frozen=True, kw_only=True):
    """How far a subscription has come in one log. `event_id` and `recorded_at` are None at the beginning.

    `failures` counts how often in a row the next event was not taken; it is not tried while it is not due.
    """

    log: str
    epoch: str = ""
    position: int = 0
    event_id: UUID | None = None
    recorded_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    next_attempt_at: datetime | None = None
    is_due: bool = True


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. `revision` grows with each change, so that what is under way by the old one ends.

    `is_verified`: the sink that it has now has consented; a paused one may have another than when it was paused.
    """

    subscription_id: UUID
    owner: str
    rights: SubscriberRights
    sink: str
    wanted: Wanted
    sealed: bytes
    status: SubscriptionStatus
    reason: str
    is_verified: bool
    rate: int | None
    created: datetime
    revision: int


class LogHead(msgspec.Struct, frozen=True):
    """The end of one log now. `is_kept`: nothing of it can be lost where its epoch changes and its event stands."""

    epoch: str
    position: int
    is_kept: bool = True


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a sink, as the delivery log keeps it."""

    kind: DeliveryKind
    answer: Answer
    milliseconds: int
    log: str = ""
    position: int = 0
    event_id: UUID | None = None
    type: str = ""


class WebhookLogs(Protocol):
    """The logs whose events are delivered: of each source, and followup's own."""

    async def heads(self) -> Mapping[str, LogHead]:
        """The end of each log."""
        ...

    async def events_after(self, place: LogPlace, limit: int) -> Sequence[Recorded]:
        """The events after a place, in order."""
        ...

    async def event_id_at(self, log: str, position: int) -> UUID | None:
        """The event at a position; None where there is none."""
        ...


class Sight(Protocol):
    """Says what the owner of a subscription sees of some events of a log."""

    async def __call__(
        self, subscription: Subscription, log: str, events: Sequence[Recorded]
    ) -> Collection[int] | None:
        """The positions of those that it sees; None where it is nobody's any more."""
        ...


class SinkDeliveries(Protocol):
    """Deliveries to one sink."""

    async def deliver(self, message_id: str, body: bytes) -> Answer:
        """Send an event."""
        ...


class SealsBroken(Exception):
    """The secrets of a subscription do not open: the key file is another one."""


class SubscriptionStore(Protocol):
    """Subscriptions, as far as the sender needs them."""

    async def active(self) -> Sequence[tuple[Subscription, Mapping[str, LogPlace]]]:
        """The active subscriptions, each with how far it has come in each log."""
        ...

    async def move(self, subscription: Subscription, before: LogPlace, after: LogPlace) -> bool:
        """Pass what is hidden; False where another has moved it or the subscription was changed."""
        ...

    async def delivered(self, subscription: Subscription, before: LogPlace, after: LogPlace, attempt: Attempt) -> bool:
        """Keep that an event was delivered; False as for `move`."""
        ...

    async def failed(
        self, subscription: Subscription, at: LogPlace, attempt: Attempt, pause: float, reason: str
    ) -> None:
        """Keep that the event after a place was not taken. With a reason the subscription is disabled."""
        ...

    async def stop(self, subscription: Subscription, reason: str) -> None:
        """Pause a subscription until somebody resumes it."""
        ...

    async def drop_deleted(self) -> None:
        """Drop what is left of subscriptions that were deleted long ago."""
        ...


class OpenSink(Protocol):
    """Opens the way to the sink of a subscription."""

    def __call__(self, subscription: Subscription) -> AbstractAsyncContextManager[SinkDeliveries]:
        """For some deliveries, one after another. Raises SealsBroken."""
        ...
