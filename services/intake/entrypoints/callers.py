"""The caller of a door as the domain knows one."""

from services.intake.domain import Caller
from shared.http import auth


def domain_caller(caller: auth.Caller) -> Caller:
    """The same caller in the domain's words."""
    return Caller(caller.name, caller.roles, caller.jurisdiction, caller.agency)
