"""A petition comes in."""

from datetime import date

from services.intake.domain.acts.act import SYSTEM_OR_OFFICE, CreatingAct
from services.intake.domain.catalogues import with_code
from services.intake.domain.context import DecisionContext, reply_anchor, require_countable
from services.intake.domain.petition import Petition
from services.intake.domain.receipt_fields import with_receipt_fields
from shared.events.petition import PetitionReceived


def check_receipt(jurisdiction: str, day: date, context: DecisionContext) -> None:
    """A petition comes in where a jurisdiction exists; under a policy that counts from receipt its clocks start."""
    context.regulation.jurisdiction_on(jurisdiction, day)
    require_countable(context, jurisdiction, ("acceptance_notice",), day)
    if reply_anchor(context, jurisdiction, day) == "receipt":
        require_countable(context, jurisdiction, ("reply",), day)


RECEIPT = CreatingAct(
    event=PetitionReceived,
    path="/v1/petitions",
    roles=SYSTEM_OR_OFFICE,
    decided=("receipt_code",),
    begin=lambda event: Petition(event.jurisdiction, event.effective_on, event.petitioner_ids, event.channel),
    check_in_context=lambda event, context: check_receipt(event.jurisdiction, event.effective_on, context),
    fill=lambda event, context: with_code(with_receipt_fields(event, context), event.jurisdiction, context),
)
