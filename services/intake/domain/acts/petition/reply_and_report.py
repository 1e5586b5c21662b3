"""A petition is answered in writing, and the answer and its result are reported (plan II.4.3, III.1)."""

from collections.abc import Iterable
from datetime import date

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import AGENCY_OR_OFFICE, OFFICE_OR_CHAIR, PetitionAct, unchanged
from services.intake.domain.context import DecisionContext, require_countable
from services.intake.domain.petition import (
    Petition,
    Reply,
    recorded_ids,
    require_answerable,
    require_in_charge,
    require_open,
)
from services.intake.domain.reply_clock import merged_petitions_of
from shared.cases.reply_clock import petitioners_of
from shared.events.petition import AgencyResultReported, ForwarderInformed, ReplyReported, Report, WrittenReplyIssued


def _check_reply(petition: Petition, event: WrittenReplyIssued) -> None:
    if event.number in {reply.number for reply in petition.replies}:
        raise errors.ReplyNumberUsed("number", number=event.number)
    _check_dates(event.reports, event.effective_on)


def _check_reply_in_context(petition: Petition, event: WrittenReplyIssued, context: DecisionContext) -> None:
    known = _petitioners(petition, context)
    if strangers := set(recorded_ids(event.answers, known)) - known:
        raise errors.InvalidValue("answers", "strangers", count=len(strangers))
    _check_not_in_future(event.reports, context)
    require_countable(context, petition.jurisdiction, ("reply_report",), event.effective_on)


def _petitioners(petition: Petition, context: DecisionContext) -> set[str]:
    """Who is owed the reply: the petitioners, and those of the petitions merged into this one."""
    merged = merged_petitions_of(context.target_id, context)
    return {*petition.petitioner_ids, *petitioners_of(merged)}


def _by_recorded_ids(petition: Petition, event: WrittenReplyIssued, context: DecisionContext) -> WrittenReplyIssued:
    return replace(event, answers=recorded_ids(event.answers, _petitioners(petition, context)))


def possible_after_reply(petition: Petition) -> None:
    """The report of a reply given is owed however the case ended after it. Raises CaseEnded."""
    if petition.ended != "closed" and not petition.replies:
        require_open(petition)


def _check_report(petition: Petition, event: ReplyReported) -> None:
    reply = next((reply for reply in petition.replies if reply.number == event.reply_number), None)
    if reply is None:
        raise errors.UnknownReply("reply_number", number=event.reply_number)
    _check_dates(event.reports, reply.on)


def _check_report_in_context(petition: Petition, event: ReplyReported, context: DecisionContext) -> None:
    _check_not_in_future(event.reports, context)


def _check_dates(reports: Iterable[Report], replied_on: date) -> None:
    for report in reports:
        if report.on < replied_on:
            raise errors.ReportedBeforeReply("reports", day=report.on, reply_day=replied_on)


def _check_not_in_future(reports: Iterable[Report], context: DecisionContext) -> None:
    for report in reports:
        if report.on > context.today:
            raise errors.FutureDeed("reports", "report", day=report.on, today=context.today)


def _check_result(petition: Petition, event: AgencyResultReported) -> None:
    require_in_charge(petition, event.agency)


def _check_forwarder_report(petition: Petition, event: ForwarderInformed) -> None:
    if event.agency not in petition.bodies:
        raise errors.NeverForwarded("agency", "no-part", agency=event.agency)


def _owes_forwarder_report(petition: Petition, agency: str) -> bool:
    return agency in petition.forwarded and petition.did(agency, AgencyResultReported)


def _check_result_in_context(
    petition: Petition, event: AgencyResultReported | ForwarderInformed, context: DecisionContext
) -> None:
    context.regulation.agency_on(event.agency, event.effective_on)
    require_countable(context, petition.jurisdiction, ("result_notice", "forwarder_report"), event.effective_on)


def _replied(petition: Petition, event: WrittenReplyIssued) -> Petition:
    reply = Reply(event.number, event.effective_on, event.answers)
    return replace(petition, replies=(*petition.replies, reply))


PETITION_ACTS = (
    PetitionAct(
        event=WrittenReplyIssued,
        path="reply",
        roles=AGENCY_OR_OFFICE | OFFICE_OR_CHAIR,
        possible=require_answerable,
        # Whom a reply names may come from a merged petition.
        clocks=lambda event, target_id: (target_id,) if event.answers else (),
        check=_check_reply,
        check_in_context=_check_reply_in_context,
        fill=_by_recorded_ids,
        fold=_replied,
    ),
    PetitionAct(
        event=ReplyReported,
        path="reply-report",
        roles=AGENCY_OR_OFFICE,
        not_empty=("reports",),
        possible=possible_after_reply,
        check=_check_report,
        check_in_context=_check_report_in_context,
        fold=unchanged,
    ),
    PetitionAct(
        event=AgencyResultReported,
        path="result-report",
        roles=AGENCY_OR_OFFICE,
        possible=require_open,
        check=_check_result,
        check_in_context=_check_result_in_context,
        fold=unchanged,
    ),
    PetitionAct(
        event=ForwarderInformed,
        path="forwarder-report",
        roles=AGENCY_OR_OFFICE,
        possible=require_open,
        check=_check_forwarder_report,
        is_owed_by=_owes_forwarder_report,
        check_in_context=_check_result_in_context,
        fold=unchanged,
    ),
)
