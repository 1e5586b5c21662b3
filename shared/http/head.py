"""HEAD, answered as GET without the body: the server leaves the body out (RFC 9110, 9.3.2)."""

import copy
from collections.abc import Iterable

from litestar.handlers import HTTPRouteHandler


def with_head(routes: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The routes, and HEAD for each that answers GET. The OpenAPI document does not repeat what GET says."""
    found = list(routes)
    return [*found, *(_head(route) for route in found if route.http_methods == {"GET"})]


def _head(route: HTTPRouteHandler) -> HTTPRouteHandler:
    made = copy.copy(route)
    made.http_methods = {"HEAD"}
    made.include_in_schema = False
    return made
