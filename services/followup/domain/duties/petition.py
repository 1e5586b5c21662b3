"""The duties that a petition brings: reply, its report, the result, the higher answer, the prepared answer."""

from datetime import date

import msgspec

from services.followup.domain.cases import ConferenceCase, PetitionCase
from services.followup.domain.duties.conference import backward_periods
from services.followup.domain.duties.due_dates import ExpectedDeadline, UncountableDuty, count_duties
from services.followup.domain.duties.duty import Done, Duty, DutyOutcome, Waived, WaiverGround
from services.followup.domain.duties.notices import notice_duties
from services.followup.domain.duties.petition_common import (
    agency_of,
    done,
    duty_of,
    final_results,
    round_of,
    rule_of,
    waived_by_end,
)
from services.followup.domain.duties.reply import CaseContext, reply_duty
from services.followup.domain.facts import Fact, holding_kind
from shared.cases.reply_clock import MergedPetition, answered, petition_anchor
from shared.cases.rounds import Round
from shared.cases.successors import OFFICE
from shared.events.petition import (
    RECIPIENTS,
    AnswerPrepared,
    HigherAuthorityAnswered,
    PetitionAssigned,
    PetitionEscalated,
    PetitionForwarded,
    ReplyReported,
    Report,
    WrittenReplyIssued,
)
from shared.policy import Note, NoteKind, anchor_of
from shared.policy.schema import Recipient


def petition_duties(
    case: PetitionCase, merged_petitions: tuple[MergedPetition[Fact], ...], context: CaseContext
) -> list[ExpectedDeadline | UncountableDuty]:
    """Every deadline that the petition should have, and the duties that cannot be counted.

    What was done in time by the receipt as it read then stays so, whatever was corrected since.
    """
    expected = _counted(case, merged_petitions, context)
    return [_as_in_time(each, case, merged_petitions, context) for each in expected] if case.overtaken else expected


def _as_in_time(
    found: ExpectedDeadline | UncountableDuty,
    case: PetitionCase,
    merged_petitions: tuple[MergedPetition[Fact], ...],
    context: CaseContext,
) -> ExpectedDeadline | UncountableDuty:
    """A deadline that is late by a correction alone, as it stood when it was done."""
    if not isinstance(found, ExpectedDeadline) or found.outcome != DutyOutcome.MET_LATE or found.done_at is None:
        return found
    for position, received in case.overtaken:
        if position > found.done_at:
            before = _counted(msgspec.structs.replace(case, received=received), merged_petitions, context)
            known = next((each for each in before if each.deadline_id == found.deadline_id), None)
            if isinstance(known, ExpectedDeadline) and known.outcome == DutyOutcome.MET:
                return known
    return found


def _counted(
    case: PetitionCase, merged_petitions: tuple[MergedPetition[Fact], ...], context: CaseContext
) -> list[ExpectedDeadline | UncountableDuty]:
    duties = [
        *_replies(case, merged_petitions, context),
        *_reply_reports(case, context),
        *_results(case, context),
        *_higher_answers(case, context),
        *_prepared_answers(case, context),
        *notice_duties(case, context),
    ]
    return count_duties(duties, context.regulation)


# --- reply ---------------------------------------------------------------------------------------------------------


def _replies(
    case: PetitionCase, merged_petitions: tuple[MergedPetition[Fact], ...], context: CaseContext
) -> list[Duty]:
    duties = []
    for index, round_ in enumerate(case.rounds):
        duty = reply_duty(case, index, merged_petitions, context, case.lead or OFFICE)
        if duty is not None:
            end = done(answered(case, round_, merged_petitions)) or waived_by_end(round_)
            duties.append(msgspec.structs.replace(duty, end=end))
    return duties


# --- after the reply -----------------------------------------------------------------------------------------------


def _reply_reports(case: PetitionCase, context: CaseContext) -> list[Duty]:
    duties = []
    for round_ in case.rounds:
        for fact in holding_kind(round_.replies, WrittenReplyIssued):
            reply = fact.event
            own = [later.event for later in case.of(ReplyReported) if later.event.reply_number == reply.number]
            rule_in_force = rule_of(case, context, "reply_report", fact.on)
            recipients = rule_in_force.rule.recipients if rule_in_force else ()
            reports = [*reply.reports, *(report for event in own for report in event.reports)]
            reported_on = _all_reported_on(reports, recipients)
            end = Done(reported_on, fact) if reported_on else None
            duties += duty_of(case, context, "reply_report", fact, case.lead or OFFICE, end=end)
    return duties


def _all_reported_on(reports: list[Report], recipients: tuple[Recipient, ...]) -> date | None:
    """The day on which the last of the recipients was told of the reply; None until all of them were."""
    first: dict[str, date] = {}
    for report in reports:
        first[report.recipient] = min(report.on, first.get(report.recipient, date.max))
    wanted = recipients or RECIPIENTS
    return max(first[r] for r in wanted) if all(r in first for r in wanted) else None


def _results(case: PetitionCase, context: CaseContext) -> list[Duty]:
    if not case.assigned:
        return []
    roots, results = holding_kind(case.assigned, PetitionAssigned), final_results(case)
    duties: list[Duty] = []
    for index, root in enumerate(roots):
        until = roots[index + 1].position if index + 1 < len(roots) else None
        mine = [f for f in results if f.position > root.position and (until is None or f.position < until)]
        round_ = round_of(case, root)
        end = done(mine[0]) if mine else waived_by_end(round_)
        for duty in duty_of(case, context, "result_report", root, case.lead, part=str(root.event_id), end=end):
            duties.append(_counted_as_said(duty, case, round_, context))
    return duties


def _counted_as_said(duty: Duty, case: PetitionCase, round_: Round[Fact], context: CaseContext) -> Duty:
    """The result is owed from the assignment on and counted from what the rule says; until that is there, undated."""
    anchor = anchor_of(duty.rule_in_force.rule)
    if anchor in ("assignment", "fixed_date", None) or duty.rule_in_force.rule.form == "undated":
        return duty
    held = [c for each in case.raised if (c := context.conference(each)) is not None and c.cancelled is None]
    found: Fact | None
    if anchor in ("conference_end", "conclusion"):
        facts = [c.closed if anchor == "conference_end" else c.concluded for c in held]
        found = next((fact for fact in facts if fact is not None), None)
    else:
        found = petition_anchor(case, round_, anchor)
    if found is not None:
        return msgspec.structs.replace(duty, counted_from=found.on)
    return msgspec.structs.replace(duty, own_clock=False, notes=(Note(NoteKind.NO_ANCHOR),))


def _higher_answers(case: PetitionCase, context: CaseContext) -> list[Duty]:
    escalated = case.of(PetitionEscalated)
    if not escalated:
        return []
    duties = []
    answers = list(case.of(HigherAuthorityAnswered))
    for fact in escalated:
        answer = next((a for a in answers if a.position > fact.position), None)
        if answer is not None:
            answers.remove(answer)
        end = done(answer) or waived_by_end(round_of(case, fact))
        duties += duty_of(case, context, "higher_answer", fact, OFFICE, end=end)
    return duties


# --- before the conference -----------------------------------------------------------------------------------------


def _prepared_answers(case: PetitionCase, context: CaseContext) -> list[Duty]:
    forwarded = case.of(PetitionForwarded)
    if not forwarded:
        return []
    conference = _standing_conference(case, context)
    if conference is None or conference.planned is None:
        return []
    rule_in_force = context.regulation.rule_in_force(
        case.jurisdiction, "prepared_answer", conference.planned.on, conference.audience
    )
    if rule_in_force is None:
        return []
    duties = []
    for fact in forwarded:
        agency = fact.event.agency
        prepared = [f for f in case.of(AnswerPrepared) if agency_of(f, context) == agency_of(fact, context)]
        for period in backward_periods(conference, fact, rule_in_force.rule, context.regulation):
            end: Done | Waived | None = Done(prepared[0].on, prepared[0]) if prepared else None
            if end is None and period.overtaken is not None:
                end = Waived(period.overtaken.on, period.overtaken, WaiverGround.RESCHEDULED)
            if end is None and conference.cancelled is not None:
                end = Waived(conference.cancelled.on, conference.cancelled, WaiverGround.CANCELLED)
            duties += duty_of(
                case,
                context,
                "prepared_answer",
                period.start,
                agency,
                rule_in_force=rule_in_force,
                counted_from=period.first_day,
                audience=conference.audience,
                part=agency,
                end=end or waived_by_end(case.rounds[0]),
            )
    return duties


def _standing_conference(case: PetitionCase, context: CaseContext) -> ConferenceCase | None:
    known = [context.conference(c) for c in case.scheduled]
    standing = [c for c in known if c is not None and c.planned is not None]
    held = [c for c in standing if c.cancelled is None]
    return (held or standing)[-1] if standing else None
