"""Sinks that are real servers on loopback, and followup's webhooks over a projection that a test has filled."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from standardwebhooks.webhooks import Webhook

from services.followup.adapters.read.queries import Queries
from services.followup.bootstrap import webhook_door
from services.followup.entrypoints.access import may_read_all, visible_to
from services.followup.entrypoints.app import make_app
from services.followup.entrypoints.subscriptions import subscription_routes
from services.followup.entrypoints.webhook_door import WebhookDoor
from services.followup.settings import FollowupSettings
from shared.http.auth import Callers
from shared.http.feed import feed_route
from shared.postgres.durable import DurableHead
from shared.postgres.log import StoredLog
from shared.postgres.pool import Notifications
from tests.support.projection import Pool
from tests.support.waiting import until

PATH = "/v1/subscriptions"


class SinkServer:
    """A receiver. `status` and `headers` say how it answers; of a log one position may be refused."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.headers = 204, dict[str, str]()
        self.refused: dict[str, str] = {}
        self.consents: dict[str, str] = {"WebHook-Allowed-Origin": "*"}
        self.hold: asyncio.Event | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that were posted, in the order of their coming."""
        return [json.loads(body) for method, _, body in self.requests if method == "POST"]

    def verified(self, secret: str) -> list[Any]:
        """The same, each verified by the library that receivers use."""
        return [Webhook(secret).verify(body, headers) for method, headers, body in self.requests if method == "POST"]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["method"], headers, body))
        if scope["method"] == "OPTIONS":
            status, given = 200, self.consents
        else:
            if self.hold is not None:
                await self.hold.wait()
            event = json.loads(body) if self.refused else {}
            is_refused = bool(event) and self.refused.get(event["source"]) == event["position"]
            status, given = 422 if is_refused else self.status, self.headers
        named = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def sink_served(**options: Any) -> AsyncIterator[SinkServer]:
    """A sink until the block ends; `options` are uvicorn's, for TLS."""
    sink = SinkServer()
    config = uvicorn.Config(sink, port=0, lifespan="off", log_config=None, ws="none", **options)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    sink.url = f"{'https' if options else 'http'}://127.0.0.1:{port}/hook"
    try:
        yield sink
    finally:
        if sink.hold is not None:
            sink.hold.set()
        server.should_exit = True
        await task


class WebhookDesk:
    """followup's routes of webhooks and its feed, with the sender beside them."""

    def __init__(self, door: WebhookDoor, client: httpx.AsyncClient) -> None:
        self.door, self.client = door, client
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the sender look for what is due."""
        self._task = asyncio.create_task(self.door.sender.run())

    async def stop(self) -> None:
        """End the sender."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def subscribe(self, sink: str, token: str = "", **asked: Any) -> dict[str, Any]:
        """A new subscription."""
        return await self.ask("POST", PATH, token, 201, {"sink": sink, **asked})

    async def ask(self, method: str, path: str, token: str = "", status: int = 200, body: Any = None) -> Any:
        """The JSON of an answer with this status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def of(
        self, made: dict[str, Any], act: str = "", token: str = "", status: int = 200, body: Any = None
    ) -> Any:
        """What an act on a subscription is answered; without one, how it stands."""
        path = f"{PATH}/{made['id']}" + (f"/{act}" if act else "")
        method = "POST" if act and not act.startswith("deliveries") else "GET"
        return await self.ask(method, path, token, status, body)


@contextlib.asynccontextmanager
async def webhooks_over(
    pool: Pool, dsn: str, folder: Path, callers: Callers | None = None
) -> AsyncIterator[WebhookDesk]:
    """Webhooks until the block ends; loopback is allowed."""
    key = folder / "webhooks.key"
    if not key.exists():
        key.write_bytes(bytes(range(32)))
    settings = FollowupSettings(database_url=dsn, webhook_key_file=str(key), webhook_allowed="127.0.0.0/8")
    callers, queries, durable = callers or Callers(local_allowed=True), Queries(pool), DurableHead()
    own = StoredLog(pool, Notifications(dsn), durable)
    door = await webhook_door(settings, pool, queries, callers, own, durable)
    assert door is not None
    routes = [*subscription_routes(door), feed_route(own, may_read_all(queries), visible_to(queries))]
    transport = httpx.ASGITransport(make_app(routes, callers), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        desk = WebhookDesk(door, client)
        try:
            yield desk
        finally:
            await desk.stop()
