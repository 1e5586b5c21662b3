"""The methods that no route writes itself: HEAD, answered as GET without the body, and OPTIONS (RFC 9110, 9.3)."""

import copy
from collections.abc import Iterable

from litestar import route
from litestar.handlers import HTTPRouteHandler

from shared.http.permissions import KNOWN, PERMISSION


def with_head_and_options(routes: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The routes, with HEAD for each that answers GET and OPTIONS for each address. The document leaves both out.

    Litestar's own OPTIONS names the methods of the first route of an address alone.
    """
    found = list(routes)
    found += [_head(each) for each in found if each.http_methods == {"GET"}]
    methods: dict[str, set[str]] = {}
    for each in found:
        for path in each.paths:
            methods.setdefault(path, {"OPTIONS"}).update(each.http_methods)
    return [*(_options(path, ", ".join(sorted(known))) for path, known in methods.items()), *found]


def _head(get: HTTPRouteHandler) -> HTTPRouteHandler:
    """The server leaves out the body of what GET would have answered."""
    made = copy.copy(get)
    made.http_methods = {"HEAD"}
    made.include_in_schema = False
    return made


def _options(path: str, allowed: str) -> HTTPRouteHandler:
    @route(
        path,
        http_method="OPTIONS",
        status_code=204,
        response_headers={"Allow": allowed},
        include_in_schema=False,
        opt={PERMISSION: KNOWN},
    )
    async def options() -> None:
        return None

    return options
