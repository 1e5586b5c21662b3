"""The caller of a door as the domain knows one."""

import functools

from services.intake.domain import Caller, check_person
from shared.http import auth
from shared.identifiers import normalised


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
        "read-answers" in caller.may,
    )


def reader(caller: auth.AuthenticatedCaller, on_behalf_of: str) -> str:
    """The person who reads: who has signed in, else whom a system names. Raises what `check_person` raises."""
    person = normalised(on_behalf_of)
    check_person(domain_caller(caller), person)
    return caller.subject or person
