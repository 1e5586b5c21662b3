"""From what a command names to the id of its aggregate, and back to the code that people read."""

import hashlib
from uuid import UUID

from services.intake.application.errors import WrongAddress
from shared.events import Event
from shared.identifiers import MAX_CODE_LENGTH, MalformedCode, agency_code, code_or_text, derived_id, normalised

RECEIPT_LENGTH = 10  # characters
# Crockford's alphabet: no I, L, O, U, so that a code survives being read out and written down.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [one + other for one in _CROCKFORD for other in _CROCKFORD]  # five bits a character, two at a time
_SHIFTS = tuple(range(5 * (RECEIPT_LENGTH - 2), -1, -10))  # the first ones first


def receipt_code(petition_id: UUID) -> str:
    """The code on the petitioner's receipt: derived from the id, so that it can always be told again."""
    digest = hashlib.sha256(b"receipt\x1f" + petition_id.bytes).digest()
    bits = int.from_bytes(digest[:8]) >> 64 - 5 * RECEIPT_LENGTH
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


def regulation_id(event: Event) -> UUID | None:
    """The aggregate of an event of the regulation, from its own fields; None for other events."""
    match event.AGGREGATE:
        case "jurisdiction" | "agency":
            return derived_id(event.AGGREGATE, code_or_text(event.code))  # type: ignore[attr-defined]
        case "policy":
            return derived_id("policy", code_or_text(event.jurisdiction))  # type: ignore[attr-defined]
        case "calendar":
            return derived_id("calendar", event.year)  # type: ignore[attr-defined]
        case "plan":
            return derived_id("plan", code_or_text(event.jurisdiction), event.number, event.year)  # type: ignore[attr-defined]
        case "catalogue":
            return derived_id("catalogue", code_or_text(event.jurisdiction), event.kind)  # type: ignore[attr-defined]
        case _:
            return None


def target_id(aggregate: str, text: str) -> UUID:
    """The aggregate that an address names: an id, or the code of a body or of who adopted a policy.

    Raises WrongAddress.
    """
    try:
        return UUID(normalised(text))
    except ValueError:
        if aggregate in ("jurisdiction", "agency", "policy"):
            return derived_id(aggregate, code_of(text))
        raise WrongAddress(None, "no-id", aggregate=aggregate) from None


def code_of(text: str) -> str:
    """A code from an address. Raises WrongAddress."""
    try:
        return agency_code(text)
    except MalformedCode as error:
        raise WrongAddress(None, "no-code", text=error.text, most=MAX_CODE_LENGTH) from None
