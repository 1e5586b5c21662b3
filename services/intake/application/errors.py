"""Refusals that are not the domain's: keys, versions, things that are not there.

DeskRefused
├── RoleMayNot     the caller's role may not give this command
├── WrongValue     a value that no rule of the domain needs to see
├── KeyReused      the idempotency key was used with another body
├── ReferenceUsed  the external reference belongs to another record
├── StaleVersion   If-Match names another version than the current one
├── NotThere       the address names nothing
├── WrongAddress   the address is no id or code
└── Contended      others kept changing what the decision rests on
"""


class CommandRefused(Exception):
    """A command that the desk did not pass on; `code` becomes the problem type."""

    code = "refused"


class RoleMayNot(CommandRefused):
    """The caller's role may not give this command."""

    code = "role-may-not"

    def __init__(self, roles: frozenset[str]) -> None:
        super().__init__(f"this needs one of the roles {', '.join(sorted(roles))}")


class WrongValue(CommandRefused):
    """A value that no rule of the domain needs to see; the message names the field."""

    code = "invalid-value"


class KeyReused(CommandRefused):
    """The idempotency key was used with another body."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key: used before with another body; take a new key for a new command")


class ReferenceUsed(CommandRefused):
    """The external reference belongs to another record."""

    code = "reference-used"

    def __init__(self) -> None:
        super().__init__("external_id: belongs to another record of this source; give each record one of its own")


class StaleVersion(CommandRefused):
    """If-Match names another version than the current one."""

    code = "stale-version"

    def __init__(self, current: int) -> None:
        super().__init__(f"If-Match: the current version is {current}; read it again and decide anew")
        self.current = current


class NotFound(CommandRefused):
    """The address names nothing."""

    code = "not-found"


class WrongAddress(CommandRefused):
    """The address is no id or code."""

    code = "not-found"


class Contended(CommandRefused):
    """Others kept changing what the decision rests on."""

    code = "contended"

    def __init__(self) -> None:
        super().__init__("others changed what this rests on, again and again; send it again with the same key")
