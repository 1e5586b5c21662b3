"""The rules of intake, pure. Start at `acts`; `decide` asks them; state: `petition`, `conference`, `regulation`."""

from services.intake.domain.conference import Conference
from services.intake.domain.context import DecisionContext
from services.intake.domain.decide import clocks_looked_at, decide, named_before, possible, related
from services.intake.domain.errors import NotAllowed, Refused
from services.intake.domain.facts import AnyFact, AnyNewFact, Fact, NewFact, agencies_named
from services.intake.domain.folding import fold_conference, fold_petition, fold_regulation
from services.intake.domain.named_files import files_named, topics_that_name_files
from services.intake.domain.permissions import (
    Caller,
    check_person,
    check_reading_answer,
    check_role,
    check_sender,
    check_source,
    may,
    may_at_place,
    may_read_content,
    may_see,
    may_under_rules,
)
from services.intake.domain.petition import Petition
from services.intake.domain.regulation import Regulation
from services.intake.domain.successors import inherited

__all__ = [
    "AnyFact",
    "AnyNewFact",
    "Caller",
    "Conference",
    "DecisionContext",
    "Fact",
    "NewFact",
    "NotAllowed",
    "Petition",
    "Refused",
    "Regulation",
    "agencies_named",
    "check_person",
    "check_reading_answer",
    "check_role",
    "check_sender",
    "check_source",
    "clocks_looked_at",
    "decide",
    "files_named",
    "fold_conference",
    "fold_petition",
    "fold_regulation",
    "inherited",
    "may",
    "may_at_place",
    "may_read_content",
    "may_see",
    "may_under_rules",
    "named_before",
    "possible",
    "related",
    "topics_that_name_files",
]
