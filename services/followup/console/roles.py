"""Who is shown what, where intake is not asked for each page.

A test holds these against what intake decides.
"""

from shared.http.auth import AuthenticatedCaller, Role

Roles = tuple[Role, ...]

#: Petitions are received and classified, debtors reminded, a conference's record kept, a dialogue proposed;
#: what a portal would change of a petition in hand is decided.
RECEIVING: Roles = ("chair", "office")
REMINDING: Roles = ("chair", "office")
KEEPING: Roles = ("chair", "office")
PROPOSING: Roles = ("agency", "auditor", "chair", "office")
DECIDING_CONFLICTS: Roles = ("chair", "office")
#: What was written is opened.
READING_CONTENT: Roles = ("agency", "chair", "office")
#: People with their posts, and the refused commands of the queue, are seen.
SEEING_PEOPLE: Roles = ("admin", "chair", "office")
SEEING_REFUSED: Roles = ("office", "operations")
#: followup itself is watched, and told to try again.
ADMINISTERING: Roles = ("auditor", "office", "operations")
RETRYING: Roles = ("operations",)


def has_any(caller: AuthenticatedCaller, roles: Roles) -> bool:
    """Whether a caller has one of some roles."""
    return not caller.roles.isdisjoint(roles)
