"""What a route asks of its caller: one of some roles, and a place that holds what is asked for.

Each route declares it, beside its address. The roles are asked for before a route begins; what lies at which place is
the business of the route, and of the domain behind it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from shared.http.tokens import ROLES

PERMISSION = "permission"  # where a route keeps its declaration

#: What of it a caller is answered: whatever is asked; what is at its place or came from or to it; all or nothing, for
#: which its place has to hold every other.
Reach = Literal["anything", "own", "everything"]


class Permission(msgspec.Struct, frozen=True):
    """Who may call a route. `roles`: any of them will do. `is_open`: it asks for no caller at all."""

    roles: frozenset[str] = frozenset()
    reach: Reach = "anything"
    is_open: bool = False

    def allows(self, roles: frozenset[str]) -> bool:
        """Whether a known caller with these roles may call the route."""
        return not self.roles.isdisjoint(roles) or self.is_open or self.roles == ROLES


#: For probes, and for what a person sees before anybody knows who it is.
OPEN = Permission(is_open=True)
#: For whoever is known. A person without a post has no role, and is known all the same.
KNOWN = Permission(ROLES)
#: For whoever is known, who is shown what is theirs.
KNOWN_OWN = Permission(ROLES, "own")


def for_roles(roles: Iterable[str], reach: Reach = "own") -> dict[str, Any]:
    """The `opt` of a route for these roles."""
    return {PERMISSION: Permission(frozenset(roles), reach)}


def permitted(permission: Permission, routes: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The routes, of which those that declare nothing themselves have this permission."""
    for route in routes:
        route.opt.setdefault(PERMISSION, permission)
    return list(routes)


def permission_of(route: BaseRouteHandler) -> Permission:
    """What a route declares; whoever is known, where it declares nothing."""
    found: Permission = route.opt.get(PERMISSION, KNOWN)
    return found
