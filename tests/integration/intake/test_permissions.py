"""Whom each route is for: what is declared beside it is what callers meet, in both services, for every role."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

#: Stands in an address for what its parameter names.
_SOME = {"str": str(UUID(int=1)), "uuid": str(UUID(int=1)), "int": "2026"}
_ROLE_REFUSED = "urn:doithoai:problem:role-may-not"
#: Forms of commands ask for the roles of the command that they are of, which intake tells.
_BY_COMMAND = re.compile(r"/do/|/people/|/policies|/calendars/.*/edit")

Ask = Callable[[str, str, str], Awaitable[httpx.Response]]


class Service:
    """A running service, asked as each role."""

    def __init__(self, app: Litestar, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self.app, self.client, self.tokens = app, client, tokens

    @property
    def handlers(self) -> Iterable[tuple[str, str, HTTPRouteHandler]]:
        """Each address with each of its methods, and what answers it."""
        for route in self.app.routes:
            for handler in getattr(route, "route_handlers", ()):
                if isinstance(handler, HTTPRouteHandler) and "OPTIONS" not in handler.http_methods:
                    path = re.sub(r"{\w+:(\w+)}", lambda found: _SOME[found[1]], route.path_format_with_types())
                    for method in handler.http_methods - {"HEAD"}:
                        yield path, method, handler

    async def asked(self, method: str, path: str, role: str) -> httpx.Response:
        """The answer to an empty request of a role; none: of nobody."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        body: dict[str, Any] = {"json": {}} if method == "POST" else {}
        return await self.client.request(method, path, headers=headers, **body)
