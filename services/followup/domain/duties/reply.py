"""The duty of a written reply, by the clock that both services share."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from services.followup.domain.cases import ConferenceCase, PetitionCase
from services.followup.domain.duties.duty import Duty
from services.followup.domain.facts import Fact
from services.followup.domain.regulation import RegulationLog
from shared.cases.reply_clock import MergedPetition, ReplyRules, reply_basis, steps_under
from shared.policy import Note, NoteKind


class CaseContext(msgspec.Struct, frozen=True):
    """What a petition's duties depend on besides its own facts."""

    source: str
    regulation: RegulationLog
    conference: Callable[[UUID], ConferenceCase | None]


def reply_duty(
    case: PetitionCase,
    index: int,
    merged_petitions: tuple[MergedPetition[Fact], ...],
    context: CaseContext,
    debtor: str,
) -> Duty | None:
    """The reply owed in one round of a petition, not yet ended; None while no clock runs."""
    in_force = context.regulation.in_force
    rules: ReplyRules[Fact] = ReplyRules(in_force, context.conference)
    basis = reply_basis(case, index, merged_petitions, rules)
    if basis is None:
        return None
    reopened = case.rounds[index].reopened
    return Duty(
        source=context.source,
        subject="petition",
        subject_id=case.petition_id,
        duty="reply",
        start=basis.start,
        debtor=debtor,
        jurisdiction=case.jurisdiction,
        rule_in_force=basis.rule_in_force,
        counted_from=basis.start.on,
        audience=basis.audience,
        notes=(Note(NoteKind.REOPENED, reopened.on),) if reopened is not None else (),
        traits=basis.traits,
        steps=(lambda calendar: steps_under(basis, in_force, calendar)) if basis.steps else None,
        own_clock=basis.has_own_clock,
    )
