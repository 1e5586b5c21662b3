"""What can be done on a case or at a place now, as intake says: what comes next, all else, and what is forbidden."""

import asyncio
from datetime import date
from typing import NamedTuple

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.adapters.read.models import CaseFile
from services.followup.console.daily.task import DailyTask
from services.followup.console.daily.tasks import tasks_for
from services.followup.console.intake_door import Address
from services.followup.console.pages import annulled_ids
from services.followup.console.targets import FormTarget
from services.followup.domain.deadlines.case_rows import CaseState
from services.followup.entrypoints.json_views import event_view
from shared.command_definitions import CommandDefinition
from shared.events.petition import AnswerPrepared
from shared.sentences import Sentence

#: The acts that usually come next, by how far a case has come; the first of them is the one to go on with.
NEXT: dict[CaseState, tuple[str, ...]] = {
    CaseState.NO_CLOCK: (
        "PetitionClassified", "PetitionForwarded", "PetitionScheduled", "PetitionRaised", "AnswerPrepared",
    ),
    CaseState.RAISED: ("PetitionAssigned", "PetitionAnsweredAtConference", "PetitionClassified"),
    CaseState.ASSIGNED: ("WrittenReplyIssued", "AgencyResultReported", "ReminderSent"),
    CaseState.ESCALATED: ("HigherAuthorityAnswered", "WrittenReplyIssued", "ReminderSent"),
    CaseState.REPLIED: ("ReplyReported", "AgencyResultReported", "PetitionClosed"),
    CaseState.RESOLVED: ("PetitionClosed", "ReplyReported"),
    CaseState.PROPOSED: ("ConferenceProposalDecided", "RequestAnswered", "ConferencePlanned"),
    CaseState.PLANNED: (
        "PublicNoticePublished", "InvitationsSent", "PreparationTaskAssigned", "PreparationTaskDone",
        "PreparationReported", "ConferenceOpened",
    ),
    CaseState.OPEN: (
        "SpeakerRegistered", "SpeakerCalled", "AttendanceRecorded", "SecretaryAppointed", "MinutesAdopted",
        "ConferenceClosed",
    ),
    CaseState.HELD: ("ConclusionNoticeIssued", "InternalReviewHeld", "PublicationStarted", "PublicationEnded"),
    CaseState.BOUND: ("PetitionReceived", "ConferencePlanned", "DialoguePlanAdopted", "ReceptionDayHeld"),
}  # fmt: skip

#: What is done once, though nothing forbids to do it again.
ONCE = frozenset({"PetitionClassified", "AnswerPrepared"})
#: What nobody has to do unless it is owed: the act, and the duty.
ASKED_FOR = {
    "PreparationTaskDone": "preparation_task",
    "PublicNoticePublished": "public_notice",
    "InvitationsSent": "invitation",
    "PreparationReported": "preparation_report",
}


class Acts(NamedTuple):
    """What the caller can do: daily tasks, the acts that come next, all others, and what is forbidden, with why."""

    daily: list[DailyTask]
    first: list[CommandDefinition]
    others: list[CommandDefinition]
    refused: list[tuple[CommandDefinition, Sentence]]


class PossibleActs:
    """Asks intake, under the caller's own token."""

    def __init__(self, intake: IntakeClient, address: Address) -> None:
        self._intake, self._address = intake, address

    async def on(self, target: FormTarget, token: str, agency: str = "", today: date | None = None) -> Acts | None:
        """What can be done; None where intake does not say so. `agency`: as whom; "" for the office."""
        if (url := self._address(target.source)) is None:
            return None
        try:
            definitions, answers = await asyncio.gather(
                self._intake.definitions(url, token), self._intake.possible(url, target.path, token)
            )
        except Refusal as refusal:
            return Acts([], [], [], []) if refusal.status in (403, 404) else None
        known = target.commands(definitions.values())
        possible = [known[each.command] for each in answers if each.possible and each.command in known]
        refused = [
            (known[each.command], each.refusal.detail)
            for each in answers
            if each.refusal is not None and each.refusal.status != 403 and each.command in known
        ]
        state = target.file.case.row.state if target.file else CaseState.BOUND
        order = NEXT.get(state, ())
        daily = tasks_for(target.subject, frozenset(act.command for act in possible), state)
        hidden = {command for task in daily for command in task.covers} | _not_next(target.file, agency, today)
        first = sorted(
            (act for act in possible if act.command in order and act.command not in hidden),
            key=lambda act: order.index(act.command),
        )
        return Acts(daily, first, [act for act in possible if act not in first], refused)


def _not_next(file: CaseFile | None, agency: str, today: date | None) -> set[str]:
    """What is possible on a case and yet not what comes next: done, owed by nobody here, or too early."""
    if file is None:
        return set()
    annulled = annulled_ids(file.events)
    recorded = [event for event in file.events if event.event_id not in annulled]
    done = {event.topic for event in recorded if event.topic in ONCE}
    if AnswerPrepared.TOPIC in done and agency:
        by = {event_view(event).data.get("agency") for event in recorded if event.topic == AnswerPrepared.TOPIC}
        done -= set() if agency in by else {AnswerPrepared.TOPIC}
    owed = {each.raised.duty for each in file.deadlines if each.raised.is_open and agency in ("", each.raised.debtor)}
    unasked = {command for command, duty in ASKED_FOR.items() if duty not in owed}
    first_day = file.case.row.received_on
    early = file.case.row.subject == "conference" and first_day is not None and today is not None and today < first_day
    return done | unasked | ({"ConferenceOpened"} if early else set())
