"""What can be done on a case or at a place now, as intake says: what comes next, all else, and what is forbidden."""

import asyncio
from typing import NamedTuple

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.console.daily.task import DailyTask
from services.followup.console.daily.tasks import tasks_for
from services.followup.console.intake_door import Address
from services.followup.console.targets import FormTarget
from services.followup.domain.deadlines.case_rows import CaseState
from shared.command_definitions import CommandDefinition
from shared.sentences import Sentence

#: The acts that usually come next, by how far a case has come; the first of them is the one to go on with.
NEXT: dict[CaseState, tuple[str, ...]] = {
    CaseState.NO_CLOCK: ("PetitionClassified", "PetitionForwarded", "PetitionScheduled", "PetitionRaised"),
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

    async def on(self, target: FormTarget, token: str) -> Acts | None:
        """What can be done; None where intake does not say so."""
        if (url := self._address(target.source)) is None:
            return None
        try:
            definitions, answers = await asyncio.gather(
                self._intake.definitions(url, token), self._intake.possible(url, target.path, token)
            )
        except Refusal as refusal:
            return Acts([], [], [], []) if refusal.status == 403 else None
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
        first = sorted((act for act in possible if act.command in order), key=lambda act: order.index(act.command))
        return Acts(daily, first, [act for act in possible if act not in first], refused)
