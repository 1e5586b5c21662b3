"""A path under which a proxy shows a service, such as `/doithoai`: off what is asked, onto what is answered."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

#: How an address of our own begins in the headers that have one.
_OWN = {b"location": b"/", b"link": b"</"}


def under(prefix: str, app: ASGIApp) -> ASGIApp:
    """The application under a prefix. Without it, as probes ask and a proxy that takes it off, it is found too."""
    if not prefix:
        return app
    asked, shown = prefix.encode() + b"/", prefix.encode()

    async def prefixed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return

        async def send_prefixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [_with(shown, name, value) for name, value in message["headers"]]}
            await send(message)

        if scope["raw_path"].startswith(asked):
            scope["path"] = scope["path"].removeprefix(prefix)
            scope["raw_path"] = scope["raw_path"].removeprefix(shown)
        await app(scope, receive, send_prefixed)

    return prefixed


def _with(prefix: bytes, name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header, the prefix before an address of our own; one that names another host stays."""
    begin = _OWN.get(name.lower())
    if begin is None or not value.startswith(begin) or value.startswith(begin + b"/"):
        return name, value
    return name, begin[:-1] + prefix + value[len(begin) - 1 :]
