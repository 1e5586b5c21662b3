"""After a conference: the review, the conclusions that assign the open petitions, what is made public (plan II.4.3)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import OFFICE_OR_CHAIR, AnyPetitionAct, ConferenceAct, after_act, check_petition
from services.intake.domain.acts.petition.assign import ASSIGNMENT, REASSIGNMENT, check_assignee
from services.intake.domain.acts.petition.extend_and_suspend import check_variant
from services.intake.domain.acts.petition.schedule_and_raise import RAISING
from services.intake.domain.conference import (
    Conference,
    require_after_closing,
    require_closed,
    require_planned,
)
from services.intake.domain.context import DecisionContext, require_countable
from services.intake.domain.facts import NEXT, AnyFact, AnyNewFact, Fact, NewFact, unrecorded
from services.intake.domain.field_checks import code_of, require_content
from services.intake.domain.petition import Petition, require_open
from services.intake.domain.successors import inherited
from shared.cases.facts import standing
from shared.events.conference import (
    ComplexityDetermined,
    ConclusionAssignment,
    ConclusionNoticeIssued,
    InternalReviewHeld,
    PublicationEnded,
    PublicationStarted,
)
from shared.events.petition import PetitionAssigned, PetitionRaised, PetitionReassigned
from shared.policy import StepKind

#: Stands for the id of the notice that is being recorded; the recorder, which draws the ids, puts it in.
THIS_NOTICE = UUID(int=0)
_CLOCKS = ("result_publication", "posting", "conclusion_notice")

# --- review and complexity -------------------------------------------------------------------------------------------


def _possible_review(conference: Conference) -> None:
    require_closed(conference)
    if conference.reviewed:
        raise errors.ReviewAlreadyHeld


def _check_review(conference: Conference, event: InternalReviewHeld) -> None:
    require_after_closing(conference, event.effective_on)
    require_content(event, "summary", "digest")


def _check_after_closing(conference: Conference, event: ConclusionNoticeIssued) -> None:
    require_after_closing(conference, event.effective_on)


def _check_complexity(conference: Conference, event: ComplexityDetermined) -> None:
    require_after_closing(conference, event.effective_on)
    if event.variant in conference.traits:
        raise errors.AlreadyDetermined("variant", variant=event.variant)


def _check_limit(conference: Conference, event: ComplexityDetermined, context: DecisionContext) -> None:
    """The policy has another limit for what follows such a conference."""
    day = conference.closed_on or event.effective_on
    rules_in_force = (
        context.regulation.rule_in_force(conference.jurisdiction, duty, day, conference.audience)
        for duty in ("internal_review", "conclusion_notice", "result_publication")
    )
    check_variant(event, [rule_in_force.rule for rule_in_force in rules_in_force if rule_in_force is not None])


# --- the conclusion notice -------------------------------------------------------------------------------------------


def _possible_conclusion(conference: Conference) -> None:
    require_closed(conference)
    if conference.concluded:
        raise errors.ConclusionAlreadyIssued


def _check_conclusion(conference: Conference, event: ConclusionNoticeIssued, context: DecisionContext) -> None:
    _check_clocks(conference, event, context)
    named = [line.petition_id for line in event.assignments]
    for petition_id in named:
        if named.count(petition_id) > 1:
            raise errors.InvalidValue("assignments", "listed-twice", petition_id=petition_id)


def _with_codes(
    conference: Conference, event: ConclusionNoticeIssued, context: DecisionContext
) -> ConclusionNoticeIssued:
    """The codes of each line parent-first."""
    return replace(event, assignments=tuple(_line(index, line) for index, line in enumerate(event.assignments)))


def _line(index: int, line: ConclusionAssignment) -> ConclusionAssignment:
    assisting = tuple(code_of(f"assignments[{index}].assisting", code) for code in line.assisting)
    return replace(line, agency=code_of(f"assignments[{index}].agency", line.agency), assisting=assisting)


def _assignments(
    conference: Conference, event: ConclusionNoticeIssued, context: DecisionContext
) -> tuple[AnyNewFact, ...]:
    """What each petition that the notice names comes to, judged as an act by itself is."""
    # The conference at hand and its notice are part of what the reply's clock is counted from.
    concluded = conference.with_fact(unrecorded(event, NEXT))
    context = replace(context, conferences={**context.conferences, context.target_id: concluded})
    brought: list[AnyNewFact] = []
    for index, line in enumerate(event.assignments):
        try:
            brought += _concluded(line, event, context)
        except errors.Refused as refused:
            _name_line(refused, index)
            raise
    return tuple(brought)


def _name_line(refused: errors.Refused, index: int) -> None:
    """Let a refusal name the field of the line that is to blame; of the petition itself, its id."""
    if refused.field is None or refused.field in ConclusionAssignment.__struct_fields__:
        refused.field = f"assignments[{index}].{refused.field or 'petition_id'}"


def _concluded(
    line: ConclusionAssignment, notice: ConclusionNoticeIssued, context: DecisionContext
) -> Iterator[AnyNewFact]:
    """What a line comes to: the petition is raised, if nobody called it, and assigned, unless it stands assigned so."""
    petition = context.petition(line.petition_id, "petition_id")
    petition = inherited(petition, context.regulation, notice.effective_on)
    require_open(petition)
    raised = _raised(petition, line.petition_id, context)
    if raised is not None:
        check_petition(RAISING, petition, raised)
        petition = after_act(RAISING, petition, unrecorded(raised, NEXT + 1))
        yield NewFact(line.petition_id, "petition", petition.jurisdiction, raised)
    assigned = _assigned(line, notice, petition)
    if assigned is None:
        return
    act: AnyPetitionAct = ASSIGNMENT if isinstance(assigned, PetitionAssigned) else REASSIGNMENT
    check_petition(act, petition, assigned)
    check_assignee(petition, assigned, replace(context, target_id=line.petition_id))
    yield NewFact(line.petition_id, "petition", petition.jurisdiction, assigned)


def _raised(petition: Petition, petition_id: UUID, context: DecisionContext) -> PetitionRaised | None:
    """What was on the agenda and not called is raised by the chair's conclusion on it, as of the last day there.

    So its reply is counted as that of all others (plan II.4.3). Raises NeverRaised.
    """
    if context.target_id in petition.raised:
        return None
    closed_on = context.conferences[context.target_id].closed_on
    if context.target_id not in petition.scheduled or closed_on is None:
        raise errors.NeverRaised("petition_id", "line", petition_id=petition_id)
    return PetitionRaised(effective_on=closed_on, conference_id=context.target_id)


def _assigned(
    line: ConclusionAssignment, notice: ConclusionNoticeIssued, petition: Petition
) -> PetitionAssigned | PetitionReassigned | None:
    """The assignment that a line makes; None where it confirms the one that was made before, in the hall say."""
    fields: dict[str, Any] = {"effective_on": notice.effective_on, "agency": line.agency, "due_on": line.due_on}
    if not petition.assigned:
        return PetitionAssigned(**fields, assisting=line.assisting, notice_id=THIS_NOTICE)
    stays = line.agency == petition.lead
    assisting = petition.assisting if stays and not line.assisting else line.assisting
    dates = [step.day for step in petition.steps if step.kind == StepKind.CAP]
    if stays and assisting == petition.assisting and (line.due_on is None or line.due_on in dates):
        return None
    return PetitionReassigned(**fields, assisting=assisting, notice_id=THIS_NOTICE)


def _resting_on(notice: Fact[ConclusionNoticeIssued], context: DecisionContext) -> Iterator[AnyFact]:
    """The assignments that it made; what it raised stands by itself."""
    for petition in context.petitions.values():
        for fact in standing(petition.facts):
            if (
                isinstance(fact.event, PetitionAssigned | PetitionReassigned)
                and fact.event.notice_id == notice.event_id
            ):
                yield fact


# --- what is made public ---------------------------------------------------------------------------------------------


def _check_start(conference: Conference, event: PublicationStarted) -> None:
    if event.what == "result":
        require_closed(conference)
        require_after_closing(conference, event.effective_on)
    if (event.what, event.channel) in conference.public:
        raise errors.AlreadyPublished("channel", what=event.what, channel=event.channel)


def _check_end(conference: Conference, event: PublicationEnded) -> None:
    if (event.what, event.channel) not in conference.public:
        raise errors.NeverPublished("channel", what=event.what, channel=event.channel)


def _check_clocks(
    conference: Conference,
    event: ConclusionNoticeIssued | PublicationStarted | PublicationEnded,
    context: DecisionContext,
) -> None:
    require_countable(context, conference.jurisdiction, _CLOCKS, event.effective_on, conference.audience)


def _taken_down(conference: Conference, event: PublicationEnded) -> Conference:
    gone = (event.what, event.channel)
    return replace(conference, public=tuple(each for each in conference.public if each != gone))


CONFERENCE_ACTS = (
    ConferenceAct(
        event=InternalReviewHeld,
        path="review",
        roles=OFFICE_OR_CHAIR,
        possible=_possible_review,
        check=_check_review,
        fold=lambda conference, event: replace(conference, reviewed=True),
    ),
    ConferenceAct(
        event=ComplexityDetermined,
        path="complexity",
        roles=OFFICE_OR_CHAIR,
        not_empty=("criteria",),
        possible=require_closed,
        check=_check_complexity,
        check_in_context=_check_limit,
        fold=lambda conference, event: replace(conference, traits=(*conference.traits, event.variant)),
    ),
    ConferenceAct(
        event=ConclusionNoticeIssued,
        path="conclusion",
        roles=OFFICE_OR_CHAIR,
        names=lambda event: tuple(line.petition_id for line in event.assignments),
        clocks=lambda event, _: tuple(line.petition_id for line in event.assignments if line.due_on is not None),
        possible=_possible_conclusion,
        check=_check_after_closing,
        check_in_context=_check_conclusion,
        fill=_with_codes,
        brings=_assignments,
        fold=lambda conference, event: replace(conference, concluded=True, concluded_on=event.effective_on),
        resting_on=_resting_on,
    ),
    ConferenceAct(
        event=PublicationStarted,
        path="publications",
        roles=OFFICE_OR_CHAIR,
        possible=require_planned,
        check=_check_start,
        check_in_context=_check_clocks,
        fold=lambda conference, event: replace(conference, public=(*conference.public, (event.what, event.channel))),
    ),
    ConferenceAct(
        event=PublicationEnded,
        path="publication-ends",
        roles=OFFICE_OR_CHAIR,
        possible=require_planned,
        check=_check_end,
        check_in_context=_check_clocks,
        fold=_taken_down,
    ),
)
