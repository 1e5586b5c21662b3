"""What callers send to the routes of webhooks, and what they are answered."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.followup.adapters.webhooks.stored_subscriptions import StoredAttempt, SubscriptionChange
from services.followup.application.webhook_ports import Verdict
from services.followup.domain.webhooks.event_filters import EventFilter
from shared.feed_cursor import LONGEST

_Sink = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        description="The address to which events are posted. Whoever runs followup is shown it whole: a password or a "
        "key belongs in `protocolsettings.headers`, which are kept sealed, and not in a path or query.",
    ),
]
_HeaderName = Annotated[str, Meta(pattern="^([Aa]uthorization|[Xx]-[A-Za-z0-9-]{1,50})$")]
_HeaderValue = Annotated[str, Meta(min_length=1, max_length=1000, pattern="^[!-~]([ -~]*[!-~])?$")]
_Headers = Annotated[dict[_HeaderName, _HeaderValue], Meta(max_length=10)]
_Types = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=200)]
_Word = Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class ProtocolSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a request to the sink carries: `Authorization` or `X-…`. The values are kept sealed and never shown."""

    headers: _Headers = {}


class SubscriptionConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What else is asked for, as in the feed: a place and those below it, and only petitions that the caller pushed."""

    jurisdiction: Annotated[str, Meta(max_length=35)] = ""
    mine: bool = False


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A subscription as it is asked for. Without `after` it begins now; otherwise where cursors of feeds stand."""

    sink: _Sink
    protocol: Literal["HTTP"] = "HTTP"
    protocolsettings: ProtocolSettings = ProtocolSettings()
    types: _Types = []
    filters: list[EventFilter] = []
    config: SubscriptionConfig = SubscriptionConfig()
    after: Annotated[list[_Word], Meta(max_length=20)] = []


class SubscriptionPatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What changes; what is left out stays. A new sink is asked for its consent first."""

    sink: _Sink | None = None
    protocolsettings: ProtocolSettings | None = None
    types: _Types | None = None
    filters: list[EventFilter] | None = None
    config: SubscriptionConfig | None = None


class Redelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event that is sent once more; one of the delivery log."""

    event_id: UUID


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to begin again: `next` of a page of the feed, of followup or of a source; empty: the beginning of each."""

    cursor: Annotated[str, Meta(max_length=LONGEST)]


#: What is sent to these routes.
BODIES = (NewSubscription, Redelivery, Replay, SubscriptionPatch)


class SubscriptionPlace(msgspec.Struct, frozen=True, kw_only=True):
    """How far one log was delivered or passed over, and how often in a row its next event was not taken."""

    source: str
    position: int
    head: int
    event_id: UUID | None
    failures: int
    failing_since: datetime | None
    next_attempt_at: datetime | None


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription. `secret` stands there once, when it is made. `verified`: its sink has consented."""

    id: UUID
    owner: str
    sink: str
    protocol: str
    protocolsettings: dict[str, Any]
    types: list[str]
    filters: list[dict[str, Any]]
    config: SubscriptionConfig
    status: Literal["unverified", "active", "paused", "disabled"]
    verified: bool
    created: datetime
    places: list[SubscriptionPlace]
    reason: str = ""
    secret: str | None = None


class Subscriptions(msgspec.Struct, frozen=True):
    """Those that the caller may see."""

    items: list[SubscriptionView]


class SecretView(msgspec.Struct, frozen=True):
    """The new secret; until `old_until` both sign."""

    secret: str
    old_until: datetime


class Deliveries(msgspec.Struct, frozen=True):
    """The last attempts, the newest first, and who changed the subscription."""

    items: list[StoredAttempt]
    changes: list[SubscriptionChange]


class AttemptView(msgspec.Struct, frozen=True):
    """What became of a request to the sink."""

    verdict: Verdict
    status: int
    why: str
    milliseconds: int
