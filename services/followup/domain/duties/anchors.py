"""What a clock of a conference counts from, found among its facts."""

from services.followup.domain.cases import ConferenceCase
from services.followup.domain.facts import Fact
from shared.cases.facts import by_effect
from shared.events.conference import DialogueRequested, PublicationEnded, PublicationStarted
from shared.policy.schema import Anchor


def conference_anchor(case: ConferenceCase, anchor: Anchor | None) -> Fact | None:
    """The fact of a conference that a clock counts from; None while it has not happened."""
    match anchor:
        case "conference_end":
            return case.closed
        case "conclusion":
            return case.concluded
        case "proposal":
            return case.proposed
        case "request":
            is_request = case.proposed is not None and isinstance(case.proposed.event, DialogueRequested)
            return case.proposed if is_request else None
        case "decision":
            return case.decided
        case "publication_start":
            return next(iter(by_effect(case.of(PublicationStarted))), None)
        case "publication_end":
            return next(reversed(by_effect(case.of(PublicationEnded))), None)
        case _:
            return None
