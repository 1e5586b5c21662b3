"""The caller of a door as the domain knows one."""

import functools

from services.intake.domain import Caller
from shared.http import auth


@functools.lru_cache(maxsize=1024)
def domain_caller(caller: auth.AuthenticatedCaller) -> Caller:
    """The same caller in the domain's words."""
    return Caller(
        caller.name,
        caller.roles,
        caller.jurisdiction,
        caller.agency,
        caller.sources,
        caller.subject,
        caller.post,
        caller.delegation,
        caller.delegated,
    )
