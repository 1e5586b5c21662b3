"""What a correction makes of a receipt: both services must read the same petition."""

from typing import Any

import msgspec

from shared.events.petition import PetitionCorrected, PetitionReceived

#: The fields of a receipt that nothing corrects: whose petition it is, and by what its petitioner knows it.
NEVER_CORRECTED = frozenset({"jurisdiction", "receipt_code"})
#: What a field of the receipt is called in a correction, whose own day is that of the correcting.
IN_CORRECTION = {"effective_on": "received_on"}
#: The fields that a correction may name, and what each is called in the receipt.
CORRECTABLE: dict[str, str] = {
    IN_CORRECTION.get(name, name): name for name in PetitionReceived.__struct_fields__ if name not in NEVER_CORRECTED
}


def corrected(receipt: PetitionReceived, correction: PetitionCorrected) -> PetitionReceived:
    """The receipt as it reads after a correction, as far as it is not sealed."""
    changes: dict[str, Any] = {
        CORRECTABLE[name]: getattr(correction, name) for name in correction.corrected if name in CORRECTABLE
    }
    if correction.received_on is None:
        changes.pop("effective_on", None)
    return msgspec.structs.replace(receipt, **changes)
