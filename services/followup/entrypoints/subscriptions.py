"""Webhooks: whoever reads the feed may be sent the same events instead, in the shape of CloudEvents Subscriptions."""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Link
from litestar.params import FromPath, QueryParameter

from services.followup.adapters.webhooks.stored_subscriptions import KEPT_ATTEMPTS, KEPT_CHANGES
from services.followup.adapters.webhooks.webhook_seals import SinkSecrets, new_secret, written
from services.followup.application.webhook_ports import (
    Attempt,
    LogPlace,
    SubscriberRights,
    Subscription,
    Wanted,
)
from services.followup.domain.webhooks.event_filters import MAX_DEPTH, MAX_FILTERS, EventFilter, size_of
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from services.followup.entrypoints.subscription_bodies import (
    AttemptView,
    Deliveries,
    NewSubscription,
    Redelivery,
    Replay,
    SecretView,
    SubscriptionConfig,
    SubscriptionPatch,
    Subscriptions,
    SubscriptionView,
)
from services.followup.entrypoints.webhook_door import (
    SUBSCRIBERS,
    WebhookDoor,
    conflict_unless,
    milliseconds,
    runs_all,
)
from shared.envelope import SPEC_VERSION, TYPE_PREFIX, topic_of
from shared.events import EVENTS
from shared.events.registry import SCHEMA
from shared.feed_cursor import MARGIN
from shared.http.auth import AuthenticatedCaller, caller_of, proof_of
from shared.http.bodies import check_type, invalid_body, malformed_json
from shared.http.openapi import body_operation, describe_answer, problems
from shared.http.permissions import Permission, permitted
from shared.http.problems import problem
from shared.identifiers import MAX_CODE_LENGTH, MalformedCode, agency_code, ordered_id
from shared.invalid_body import MalformedJson, decoded
from shared.sealing import BrokenSeal

PATH = "/v1/subscriptions"
MOST = 20  # subscriptions of one caller
OLD_SECRET_FOR = timedelta(hours=24)
TEST_TYPE = "vn.doithoai.webhook.test"
_OF_ONE = problems(400, 401, 403, 404, 503)
_CHANGING = problems(400, 401, 403, 404, 409, 413, 415, 422, 503)
_WITHOUT_BODY = problems(400, 401, 403, 404, 409, 413, 415, 503)


def subscription_routes(door: WebhookDoor | None) -> list[HTTPRouteHandler]:
    """Every route of webhooks; without a door they say that none are configured."""

    def open_door() -> WebhookDoor:
        if door is None:
            raise problem(503, "webhooks-not-configured")
        return door

    routes = [*_collection_routes(open_door), *_change_routes(open_door), *_request_routes(open_door)]
    return permitted(Permission(frozenset(SUBSCRIBERS), "own"), routes)


_ID_IN_ANSWER = {"subscription_id": "$response.body#/id"}


class _SubscribeOperation(body_operation(NewSubscription)):  # type: ignore[misc]
    """What was made is read, tried and followed under its id."""

    def describe(self) -> None:
        super().describe()
        links = {
            "subscription": Link(operation_id="get_subscription", parameters=_ID_IN_ANSWER),
            "test": Link(operation_id="send_test", parameters=_ID_IN_ANSWER),
            "deliveries": Link(operation_id="list_deliveries", parameters=_ID_IN_ANSWER),
        }
        describe_answer(self, "201", ("Location",), links=links)


def _collection_routes(open_door: Callable[[], WebhookDoor]) -> list[HTTPRouteHandler]:
    @post(
        PATH,
        summary="Be sent events",
        description="The sink is asked at once for its consent, by the handshake of CloudEvents against abuse: "
        "`OPTIONS` with `WebHook-Request-Origin`, to be answered with `WebHook-Allowed-Origin`. Without it the "
        "subscription is kept as `unverified`. Each event is posted alone, in structured mode, signed as Standard "
        "Webhooks says.",
        tags=["subscription"],
        status_code=201,
        operation_class=_SubscribeOperation,
        responses=_CHANGING,
    )
    async def subscribe(request: HttpRequest) -> Response[SubscriptionView]:
        door, caller = open_door(), caller_of(request)
        rights, asked = _rights_of(door, request), await _body(request, NewSubscription)
        wanted = _wanted(asked.types, asked.filters, asked.config)
        secret, subscription_id = new_secret(), ordered_id(door.now(), os.urandom(10))
        sealed = door.seals.seal(subscription_id, SinkSecrets(secret=secret, headers=asked.protocolsettings.headers))
        with door.asking(caller):
            await door.check_sink(asked.sink)
            begin = {place.log: place for place in await door.ends()}
            begin |= {place.log: place for place in await door.places_of(asked.after, "after")}
            made = await door.store.create(
                subscription_id, caller.name, rights, asked.sink, wanted, sealed, list(begin.values()), MOST
            )
            if made is None:
                raise problem(409, "too-many-subscriptions", most=MOST)
            view = await door.view(await door.verified(made, caller.name), secret)
        return Response(view, headers={"Location": f"{PATH}/{subscription_id}"})

    @get(PATH, summary="Subscriptions", tags=["subscription"], responses=_OF_ONE)
    async def list_subscriptions(request: HttpRequest) -> Subscriptions:
        door, caller = open_door(), caller_of(request)
        found = await door.store.of_owner(None if runs_all(caller) else caller.name)
        return Subscriptions([await door.view(each) for each in found])

    @get(f"{PATH}/{{subscription_id:uuid}}", summary="One subscription", tags=["subscription"], responses=_OF_ONE)
    async def get_subscription(request: HttpRequest, subscription_id: FromPath[UUID]) -> SubscriptionView:
        door = open_door()
        return await door.view(await door.found(caller_of(request), subscription_id))

    @get(
        f"{PATH}/{{subscription_id:uuid}}/deliveries",
        summary="What became of the last requests to the sink",
        description=f"Up to {KEPT_ATTEMPTS}, for 30 days, without anything of their content; and who made the last "
        f"{KEPT_CHANGES} changes.",
        tags=["subscription"],
        responses=_OF_ONE,
    )
    async def list_deliveries(
        request: HttpRequest,
        subscription_id: FromPath[UUID],
        limit: Annotated[int, QueryParameter(ge=1, le=KEPT_ATTEMPTS)] = 100,
    ) -> Deliveries:
        door = open_door()
        found = await door.found(caller_of(request), subscription_id)
        changes = await door.store.changes(found.subscription_id)
        return Deliveries(await door.store.attempts(found.subscription_id, limit), changes)

    return [subscribe, list_subscriptions, get_subscription, list_deliveries]


def _change_routes(open_door: Callable[[], WebhookDoor]) -> list[HTTPRouteHandler]:
    @patch(
        f"{PATH}/{{subscription_id:uuid}}",
        summary="Change a subscription",
        description="It goes on from where it is: what was passed over is not sent later. Its owner's rights are taken "
        "down anew.",
        tags=["subscription"],
        operation_class=body_operation(SubscriptionPatch),
        responses=_CHANGING,
    )
    async def change_subscription(request: HttpRequest, subscription_id: FromPath[UUID]) -> SubscriptionView:
        door, caller = open_door(), caller_of(request)
        found = await _own(door, caller, subscription_id)
        asked = await _body(request, SubscriptionPatch)
        old = found.wanted
        wanted = _wanted(
            list(old.types) if asked.types is None else asked.types,
            list(old.filters) if asked.filters is None else asked.filters,
            SubscriptionConfig(jurisdiction=old.jurisdiction, mine=old.mine) if asked.config is None else asked.config,
        )
        is_moved = asked.sink is not None and asked.sink != found.sink
        is_stopped = is_moved and found.status != "paused"  # a pause outlasts the sink
        sealed = None
        if asked.protocolsettings is not None or is_moved:
            secrets = door.secrets_of(found)
            # What was meant for one sink is not shown to another.
            headers = {} if asked.protocolsettings is None else asked.protocolsettings.headers
            sealed = door.seals.seal(subscription_id, msgspec.structs.replace(secrets, headers=headers))
        with door.asking(caller):
            if asked.sink is not None:
                await door.check_sink(asked.sink)
            changed = await door.store.change(
                found,
                caller.name,
                "changed",
                rights=_rights_of(door, request),
                sink=asked.sink,
                wanted=wanted,
                sealed=sealed,
                status="unverified" if is_stopped else None,
                reason="" if is_stopped else found.reason,
                is_verified=False if is_moved else None,
            )
            made = conflict_unless(changed)
            return await door.view(await door.verified(made, caller.name) if is_moved else made)

    @delete(
        f"{PATH}/{{subscription_id:uuid}}",
        summary="Be sent nothing more",
        tags=["subscription"],
        responses=_WITHOUT_BODY,
    )
    async def unsubscribe(request: HttpRequest, subscription_id: FromPath[UUID]) -> None:
        door, caller = open_door(), caller_of(request)
        found = await door.found(caller, subscription_id)
        conflict_unless(await door.store.change(found, caller.name, "deleted", sink="", sealed=b"", status="deleted"))

    @post(
        f"{PATH}/{{subscription_id:uuid}}/pause",
        summary="Be sent nothing for a while",
        tags=["subscription"],
        status_code=200,
        responses=_WITHOUT_BODY,
    )
    async def pause_subscription(request: HttpRequest, subscription_id: FromPath[UUID]) -> SubscriptionView:
        door, caller = open_door(), caller_of(request)
        found = await door.found(caller, subscription_id)
        if found.status != "active":
            raise problem(409, "subscription-not-active", now=found.status)
        changed = await door.store.change(found, caller.name, "paused", status="paused", reason="asked")
        return await door.view(conflict_unless(changed))

    @post(
        f"{PATH}/{{subscription_id:uuid}}/resume",
        summary="Go on after a pause",
        description="Everything since is sent. Where the log was restored meanwhile it goes on from what both "
        "histories have, so that some events come again.",
        tags=["subscription"],
        status_code=200,
        responses=_WITHOUT_BODY,
    )
    async def resume_subscription(request: HttpRequest, subscription_id: FromPath[UUID]) -> SubscriptionView:
        door, caller = open_door(), caller_of(request)
        found = await door.found(caller, subscription_id)
        _verified(found)
        door.secrets_of(found)
        places = await _places_that_stand(door, found)
        changed = await door.store.change(found, caller.name, "resumed", status="active", places=places)
        return await door.view(conflict_unless(changed))

    @post(
        f"{PATH}/{{subscription_id:uuid}}/replay",
        summary="Be sent again what follows a place in the feed",
        tags=["subscription"],
        status_code=200,
        operation_class=body_operation(Replay),
        responses=_CHANGING,
    )
    async def replay_events(request: HttpRequest, subscription_id: FromPath[UUID]) -> SubscriptionView:
        door, caller = open_door(), caller_of(request)
        found = await _own(door, caller, subscription_id)
        asked = await _body(request, Replay)
        places = await (door.places_of([asked.cursor], "cursor") if asked.cursor else door.beginnings())
        changed = await door.store.change(found, caller.name, "replayed", places=places, reason=found.reason)
        return await door.view(conflict_unless(changed))

    @post(
        f"{PATH}/{{subscription_id:uuid}}/secret",
        summary="Have another secret",
        description="For 24 hours each request bears the signatures of both.",
        tags=["subscription"],
        status_code=200,
        responses=_WITHOUT_BODY,
    )
    async def replace_secret(request: HttpRequest, subscription_id: FromPath[UUID]) -> SecretView:
        door, caller = open_door(), caller_of(request)
        found = await _own(door, caller, subscription_id)
        secret, until = new_secret(), door.now() + OLD_SECRET_FOR
        try:
            old = door.seals.open(subscription_id, found.sealed)
            secrets = SinkSecrets(secret=secret, old=old.secret, old_until=until, headers=old.headers)
        except BrokenSeal:  # the key file is another one: this is how the subscription goes on
            secrets = SinkSecrets(secret=secret)
        sealed = door.seals.seal(subscription_id, secrets)
        changed = await door.store.change(found, caller.name, "secret replaced", sealed=sealed, reason=found.reason)
        conflict_unless(changed)
        return SecretView(written(secret), until)

    return [
        change_subscription,
        unsubscribe,
        pause_subscription,
        resume_subscription,
        replay_events,
        replace_secret,
    ]


def _request_routes(open_door: Callable[[], WebhookDoor]) -> list[HTTPRouteHandler]:
    @post(
        f"{PATH}/{{subscription_id:uuid}}/verification",
        summary="Ask the sink for its consent once more",
        tags=["subscription"],
        status_code=200,
        responses=_WITHOUT_BODY,
    )
    async def verify_sink(request: HttpRequest, subscription_id: FromPath[UUID]) -> SubscriptionView:
        door, caller = open_door(), caller_of(request)
        found = await door.found(caller, subscription_id)
        with door.asking(caller):
            return await door.view(await door.verified(found, caller.name))

    @post(
        f"{PATH}/{{subscription_id:uuid}}/test",
        summary="Be sent an event that means nothing",
        description=f"Signed like any other; its type is `{TEST_TYPE}`.",
        tags=["subscription"],
        status_code=200,
        responses=_WITHOUT_BODY,
    )
    async def send_test(request: HttpRequest, subscription_id: FromPath[UUID]) -> AttemptView:
        door, caller = open_door(), caller_of(request)
        found = _verified(await door.found(caller, subscription_id))
        secrets, now = door.secrets_of(found), door.now()
        event_id = ordered_id(now, os.urandom(10))
        event = {
            "id": str(event_id),
            "source": "/doithoai/webhooks",
            "type": TEST_TYPE,
            "subject": str(subscription_id),
            "time": now,
            "recordedat": now,
            "position": "0",  # of no log
            "epoch": "",
            "aggregateversion": "0",
            "data": {},
            "dataschema": SCHEMA + TEST_TYPE.removeprefix(TYPE_PREFIX),
            "specversion": SPEC_VERSION,
            "datacontenttype": "application/json",
        }
        with door.asking(caller):
            async with door.sinks.session(found.sink, secrets) as sink:
                answer = await sink.deliver(str(event_id), msgspec.json.encode(event))
        took = milliseconds(door.now() - now)
        attempt = Attempt(kind="test", answer=answer, milliseconds=took, event_id=event_id, type=TEST_TYPE)
        return await door.sent(found, attempt)

    @post(
        f"{PATH}/{{subscription_id:uuid}}/redelivery",
        summary="Be sent one event once more, now",
        tags=["subscription"],
        status_code=200,
        operation_class=body_operation(Redelivery),
        responses=_CHANGING,
    )
    async def redeliver_event(request: HttpRequest, subscription_id: FromPath[UUID]) -> AttemptView:
        door, caller = open_door(), caller_of(request)
        found = _verified(await door.found(caller, subscription_id))
        event_id = (await _body(request, Redelivery)).event_id
        log, position = or_404(await door.store.sent(subscription_id, event_id), "event")
        before = await door.logs.place_at(log, position - 1)
        found_there = [] if before is None else await door.logs.events_after(before, 1)
        events = [event for event in found_there if event.event_id == event_id]
        if not events or not await door.sight(found, log, events):
            raise problem(404, "not-found", "within-scope", what="event")
        with door.asking(caller):
            async with door.sinks.session(found.sink, door.secrets_of(found)) as sink:
                attempt = await door.sender.attempt(sink, events[0])
        return await door.sent(found, msgspec.structs.replace(attempt, kind="redelivery"))

    return [verify_sink, send_test, redeliver_event]


def _rights_of(door: WebhookDoor, request: HttpRequest) -> SubscriberRights:
    """What a caller may see now. Raises ProblemError for a person."""
    caller = caller_of(request)
    if caller.subject:
        raise problem(403, "person-may-not-subscribe")
    return SubscriberRights(
        roles=tuple(sorted(caller.roles)),
        jurisdiction=caller.jurisdiction,
        sources=caller.sources,
        is_listed=proof_of(request).kind == "file" and door.named(caller.name) is not None,
    )


async def _own(door: WebhookDoor, caller: AuthenticatedCaller, subscription_id: UUID) -> Subscription:
    """A subscription of the caller's own: what is sent by whose rights is nobody else's to say."""
    found = await door.found(caller, subscription_id)
    if found.owner != caller.name:
        raise problem(403, "subscription-of-another", owner=found.owner)
    return found


async def _places_that_stand(door: WebhookDoor, subscription: Subscription) -> list[LogPlace]:
    """The places from which a subscription goes on: in a history that was replaced, before what both have."""
    heads, found = await door.logs.heads(), []
    for name, place in (await door.store.places(subscription.subscription_id)).items():
        if name not in heads or not place.position:
            continue
        stands = await door.logs.event_id_at(name, place.position) == place.event_id
        if not stands and place.recorded_at is not None:
            place = await door.logs.last_until(name, place.recorded_at - MARGIN)
        found.append(msgspec.structs.replace(place, epoch=heads[name].epoch))
    return found


def _verified(subscription: Subscription) -> Subscription:
    if not subscription.is_verified:
        raise problem(409, "subscription-unverified")
    return subscription


def _wanted(types: Sequence[str], filters: Sequence[EventFilter], config: SubscriptionConfig) -> Wanted:
    topics = []
    for number, given in enumerate(types):
        topic = topic_of(given)
        if topic not in EVENTS:
            allowed = {"allowed": sorted(EVENTS)}
            raise problem(422, "unknown-event-type", field=f"types[{number}]", members=allowed, given=given)
        topics.append(topic)
    count, depth = size_of(filters)
    if count > MAX_FILTERS or depth > MAX_DEPTH:
        raise problem(422, "too-many-filters", field="filters", most=MAX_FILTERS, deep=MAX_DEPTH)
    try:
        place = agency_code(config.jurisdiction) if config.jurisdiction else ""
    except MalformedCode as error:
        field = "config.jurisdiction"
        raise problem(422, "invalid-code", field=field, text=error.text, most=MAX_CODE_LENGTH) from None
    return Wanted(types=tuple(topics), filters=tuple(filters), jurisdiction=place, mine=config.mine)


async def _body(request: HttpRequest, kind: type[Any]) -> Any:
    """The body of a request. Raises ProblemError that names the field."""
    body = await request.body()
    check_type(dict(request.scope["headers"]), body)
    try:
        return decoded(msgspec.json.Decoder(kind), body)
    except msgspec.ValidationError as error:
        raise invalid_body(error) from None
    except UnicodeDecodeError:
        raise problem(400, "malformed-json", "utf-8") from None
    except MalformedJson as error:
        raise malformed_json(error) from None
