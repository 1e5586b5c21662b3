"""What the routes of webhooks need: a subscription of the caller's, its places, its sink, and how it is shown."""

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.followup.adapters.webhooks.delivered_logs import DeliveredLogs
from services.followup.adapters.webhooks.sink_addresses import SinkRefused
from services.followup.adapters.webhooks.sink_client import SinkClient
from services.followup.adapters.webhooks.stored_subscriptions import StoredSubscriptions
from services.followup.adapters.webhooks.webhook_seals import SinkSecrets, WebhookSeals, written
from services.followup.application.webhook_ports import (
    Answer,
    Attempt,
    LogPlace,
    Sight,
    Subscription,
    Verdict,
)
from services.followup.application.webhook_sender import WebhookSender
from services.followup.entrypoints.query_parameters import or_404
from services.followup.entrypoints.subscription_bodies import (
    AttemptView,
    SubscriptionConfig,
    SubscriptionPlace,
    SubscriptionView,
)
from shared.events import Recorded
from shared.feed_cursor import ForeignCursor, place_in
from shared.http.auth import AuthenticatedCaller, Callers
from shared.http.problems import ProblemError, problem
from shared.http.scoped_feed import Visible
from shared.identifiers import NATION
from shared.sealing import BrokenSeal

SUBSCRIBERS = ("office", "operations", "system")
ASKED_AT_ONCE = 4  # requests to sinks that one caller may wait for


class WebhookDoor:
    """What the routes need, where webhooks are configured."""

    def __init__(
        self,
        store: StoredSubscriptions,
        logs: DeliveredLogs,
        sender: WebhookSender,
        sinks: SinkClient,
        seals: WebhookSeals,
        sight: Sight,
        named: Callable[[str], AuthenticatedCaller | None],
        now: Callable[[], datetime],
    ) -> None:
        self.store, self.logs, self.sender, self.sinks, self.seals = store, logs, sender, sinks, seals
        self.sight, self.named, self.now = sight, named, now
        self._asking = Counter[str]()

    @contextlib.contextmanager
    def asking(self, caller: AuthenticatedCaller) -> Iterator[None]:
        """Something that the caller waits for while a sink is asked. Raises ProblemError where it waits for several."""
        if self._asking[caller.name] >= ASKED_AT_ONCE:
            raise problem(429, "too-many-requests", "sinks", headers={"Retry-After": "1"}, most=ASKED_AT_ONCE)
        self._asking[caller.name] += 1
        try:
            yield
        finally:
            self._asking[caller.name] -= 1

    # --- reading a question ----------------------------------------------------------------------------------------

    async def found(self, caller: AuthenticatedCaller, subscription_id: UUID) -> Subscription:
        """A subscription of the caller's; whoever runs followup for everybody sees all. Raises ProblemError."""
        found = await self.store.find(subscription_id)
        if found is not None and found.owner != caller.name and not runs_all(caller):
            found = None
        return or_404(found, "subscription")

    async def places_of(self, cursors: Sequence[str], field: str) -> list[LogPlace]:
        """The places at which cursors of feeds stand. Raises ProblemError."""
        found = []
        heads = await self.logs.heads()
        for number, word in enumerate(cursors):
            at = field if field == "cursor" else f"{field}[{number}]"
            try:
                cursor = place_in(word)
            except ForeignCursor:
                raise problem(422, "invalid-cursor", "webhook", field=at) from None
            if cursor.source not in heads:
                raise problem(422, "invalid-cursor", "webhook", field=at)
            place = await self.logs.place_at(cursor.source, cursor.position)
            if place is None or place.event_id != cursor.event_id:
                raise problem(409, "cursor-ahead", field=at)
            found.append(place)
        return found

    async def beginnings(self) -> list[LogPlace]:
        """The beginning of each log."""
        found = [await self.logs.place_at(name, 0) for name in await self.logs.heads()]
        return [place for place in found if place is not None]

    async def ends(self) -> list[LogPlace]:
        """The end of each log now."""
        found = []
        for name, head in (await self.logs.heads()).items():
            place = await self.logs.place_at(name, head.position)
            if place is None:  # not given out yet: a standby has still to confirm it
                raise problem(503, "store-unavailable", "reading", headers={"Retry-After": "1"})
            found.append(place)
        return found

    async def check_sink(self, sink: str) -> None:
        """Refuse an address to which nothing may be sent. Raises ProblemError."""
        try:
            await self.sinks.check(sink)
        except SinkRefused as refused:
            raise refused_sink(refused) from None
        except TimeoutError:
            raise problem(422, "sink-refused", "no-address", field="sink") from None

    def secrets_of(self, subscription: Subscription) -> SinkSecrets:
        """Its secrets. Raises ProblemError where the key file is another one."""
        try:
            return self.seals.open(subscription.subscription_id, subscription.sealed)
        except BrokenSeal:
            raise problem(409, "webhook-key-replaced") from None

    # --- doing what is asked ---------------------------------------------------------------------------------------

    async def verified(self, subscription: Subscription, by: str) -> Subscription:
        """Ask the sink for its consent; with it an unverified subscription is active, and a paused one stays paused."""
        began = self.now()
        consent = await self.sinks.ask_consent(subscription.sink, self.secrets_of(subscription))
        answer = consent.answer
        if answer.verdict is Verdict.DELIVERED and not consent.is_given:
            answer = Answer(Verdict.FAILED, answer.status, "no-consent")
        attempt = Attempt(kind="verification", answer=answer, milliseconds=milliseconds(self.now() - began))
        await self.store.note(subscription.subscription_id, attempt)
        if consent.is_given:
            status, reason = subscription.status, subscription.reason
            if status in ("unverified", "active"):
                status, reason = "active", ""
            changed = await self.store.change(
                subscription, by, "verified", status=status, reason=reason, rate=consent.rate or 0, is_verified=True
            )
        elif subscription.status == "unverified":
            changed = await self.store.change(subscription, by, "not verified", reason=answer.why)
        else:
            changed = subscription
        return conflict_unless(changed)

    async def sent(self, subscription: Subscription, attempt: Attempt) -> AttemptView:
        """Keep what became of a request that somebody asked for."""
        await self.store.note(subscription.subscription_id, attempt)
        answer = attempt.answer
        return AttemptView(answer.verdict, answer.status, answer.why, attempt.milliseconds)

    async def view(self, subscription: Subscription, secret: bytes | None = None) -> SubscriptionView:
        """A subscription as it is shown."""
        heads, places = await self.logs.heads(), await self.store.places(subscription.subscription_id)
        try:
            headers = dict.fromkeys(self.seals.open(subscription.subscription_id, subscription.sealed).headers, "")
        except BrokenSeal:
            headers = {}
        wanted, status = subscription.wanted, subscription.status
        assert status != "deleted"
        return SubscriptionView(
            id=subscription.subscription_id,
            owner=subscription.owner,
            sink=subscription.sink,
            protocol="HTTP",
            protocolsettings={"headers": headers} if headers else {},
            types=list(wanted.types),
            filters=msgspec.to_builtins(wanted.filters),
            config=SubscriptionConfig(jurisdiction=wanted.jurisdiction, mine=wanted.mine),
            status=status,
            reason=subscription.reason,
            verified=subscription.is_verified,
            created=subscription.created,
            places=[_place_view(name, places.get(name), head.position) for name, head in sorted(heads.items())],
            secret=None if secret is None else written(secret),
        )


def sight_of(callers: Callers, own_log: Callable[[], Awaitable[str]], own: Visible, of_sources: Visible) -> Sight:
    """What the owner of a subscription sees.

    Who stands in the tokens file has the rights that stand there now, others those of the token with which they last
    wrote the subscription.
    """

    async def sight(subscription: Subscription, log: str, events: Sequence[Recorded]) -> Collection[int] | None:
        rights = subscription.rights
        if rights.is_listed:
            caller = callers.named(subscription.owner)
        else:
            caller = AuthenticatedCaller(
                subscription.owner, frozenset(rights.roles), rights.jurisdiction, sources=rights.sources
            )
        if caller is None or caller.roles.isdisjoint(SUBSCRIBERS):
            return None
        visible = own if log == await own_log() else of_sources
        return await visible(caller, subscription.wanted.feed_filter, events)

    return sight


def refused_sink(refused: SinkRefused) -> ProblemError:
    """Why nothing may be sent to an address."""
    match refused.why:
        case "user":
            return problem(422, "sink-refused", "user", field="sink")
        case "not-https":
            return problem(422, "sink-refused", "not-https", field="sink")
        case "not-public":
            return problem(422, "sink-refused", "not-public", field="sink")
        case _:
            return problem(422, "sink-refused", "no-address", field="sink")


def conflict_unless(changed: Subscription | None) -> Subscription:
    """What was changed. Raises ProblemError where somebody else has changed it meanwhile."""
    if changed is None:
        raise problem(409, "subscription-changed")
    return changed


def runs_all(caller: AuthenticatedCaller) -> bool:
    """Whether a caller runs followup for everybody."""
    return "operations" in caller.roles and caller.jurisdiction == NATION


def _place_view(name: str, place: LogPlace | None, head: int) -> SubscriptionPlace:
    at = place or LogPlace(log=name)
    return SubscriptionPlace(
        source=name,
        position=at.position,
        head=head,
        event_id=at.event_id,
        failures=at.failures,
        failing_since=at.failing_since,
        next_attempt_at=at.next_attempt_at if at.failures else None,
    )


def milliseconds(took: timedelta) -> int:
    """A duration in whole milliseconds."""
    return int(took.total_seconds() * 1000)
