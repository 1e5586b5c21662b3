"""The rules of intake, pure. Start at `decide`; state: `petition`, `conference`, `regulation`; refusals: `errors`."""

from services.intake.domain.conference import Conference, fold_conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.decide import decide, related
from services.intake.domain.errors import NotAllowed, Refused
from services.intake.domain.facts import Fact, NewFact
from services.intake.domain.permissions import Caller, may, may_read_content
from services.intake.domain.petition import Petition, fold_petition
from services.intake.domain.regulation import Regulation, fold_regulation
from services.intake.domain.reply_clock import clocks_looked_at
from services.intake.domain.successors import inherited

__all__ = [
    "Caller",
    "Conference",
    "DecisionContext",
    "Fact",
    "NewFact",
    "NotAllowed",
    "Petition",
    "Refused",
    "Regulation",
    "clocks_looked_at",
    "decide",
    "fold_conference",
    "fold_petition",
    "fold_regulation",
    "inherited",
    "may",
    "may_read_content",
    "related",
]
