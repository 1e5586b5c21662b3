"""What must precede a conference: tasks given out and done, the report to the chair, notices, invitations (II.4.1)."""

from msgspec.structs import replace

from services.intake.domain import errors
from services.intake.domain.acts.act import AGENCY_OR_OFFICE, OFFICE_OR_CHAIR, ConferenceAct, unchanged
from services.intake.domain.catalogues import with_code
from services.intake.domain.conference import Conference, Task, require_planned
from services.intake.domain.context import DecisionContext
from services.intake.domain.field_checks import require_content
from services.intake.domain.regulation import Regulation
from shared.events import DatedEvent
from shared.events.conference import (
    TASK_KINDS,
    InvitationsSent,
    PreparationReported,
    PreparationTaskAssigned,
    PreparationTaskDone,
    PublicNoticePublished,
)


def _check_in_time(
    conference: Conference, event: PreparationTaskAssigned | PublicNoticePublished | InvitationsSent
) -> None:
    if conference.opened_on is not None and event.effective_on > conference.opened_on:
        raise errors.ConferenceAlreadyOpened("effective_on", "late", opened_on=conference.opened_on)


def _check_task(conference: Conference, event: PreparationTaskAssigned) -> None:
    _check_in_time(conference, event)
    if conference.task(event.task) is not None:
        raise errors.TaskAlreadyAssigned("task", task=event.task)


def _check_task_agency(conference: Conference, event: PreparationTaskAssigned, context: DecisionContext) -> None:
    context.regulation.agency_on(event.agency, event.effective_on)


def _with_kind(
    conference: Conference, event: PreparationTaskAssigned, context: DecisionContext
) -> PreparationTaskAssigned:
    """The kind is one of the fixed words where no catalogue says others."""
    place, day = conference.jurisdiction, event.effective_on
    if context.regulation.catalogues.standing(place, "task", day) is None and event.kind not in TASK_KINDS:
        raise errors.NotInCatalogue("kind", TASK_KINDS)
    return with_code(event, place, context)


def _check_completion(conference: Conference, event: PreparationTaskDone) -> None:
    task = conference.task(event.task)
    if task is None:
        raise errors.UnknownTask("task", task=event.task)
    if task.done:
        raise errors.TaskAlreadyDone("task", task=event.task)


def _check_own_task(conference: Conference, event: PreparationTaskDone, agency: str, regulation: Regulation) -> None:
    task = conference.task(event.task)
    if task is not None and _successor(task.agency, "preparation_task", conference, event, regulation) != agency:
        raise errors.AgencyMayNot("task", "task", task=event.task, owner=task.agency)


def _check_report(conference: Conference, event: PreparationReported) -> None:
    require_content(event, "number", "digest")


def _check_notice(conference: Conference, event: PublicNoticePublished | InvitationsSent) -> None:
    _check_in_time(conference, event)
    if event.for_date not in conference.first_days:
        raise errors.NamesAnotherDate("for_date", first_day=conference.first_day)


def _check_station(conference: Conference, event: PublicNoticePublished, agency: str, regulation: Regulation) -> None:
    if _successor(conference.station, "public_notice", conference, event, regulation) != agency:
        raise errors.AgencyMayNot(None, "station")


def _successor(code: str, duty: str, conference: Conference, event: DatedEvent, regulation: Regulation) -> str:
    """Who does by the day of the act what a body was charged with before the conference."""
    day = conference.planned_on or event.effective_on
    named = regulation.heirs_named(conference.jurisdiction, duty, day, conference.audience)
    return regulation.successor_of(code, event.effective_on, named)


def _with_task_done(conference: Conference, event: PreparationTaskDone) -> Conference:
    tasks = tuple(replace(task, done=True) if task.name == event.task else task for task in conference.tasks)
    return replace(conference, tasks=tasks)


CONFERENCE_ACTS = (
    ConferenceAct(
        event=PreparationTaskAssigned,
        path="tasks",
        roles=OFFICE_OR_CHAIR,
        possible=require_planned,
        check=_check_task,
        check_in_context=_check_task_agency,
        fill=_with_kind,
        fold=lambda conference, event: replace(conference, tasks=(*conference.tasks, Task(event.task, event.agency))),
    ),
    ConferenceAct(
        event=PreparationTaskDone,
        path="task-completions",
        roles=AGENCY_OR_OFFICE,
        check_agency=_check_own_task,
        possible=require_planned,
        check=_check_completion,
        fold=_with_task_done,
    ),
    ConferenceAct(
        event=PreparationReported,
        path="preparation-report",
        roles=OFFICE_OR_CHAIR,
        possible=require_planned,
        check=_check_report,
        fold=unchanged,
    ),
    ConferenceAct(
        event=PublicNoticePublished,
        path="notices",
        roles=AGENCY_OR_OFFICE,
        check_agency=_check_station,
        possible=require_planned,
        check=_check_notice,
        fold=unchanged,
    ),
    ConferenceAct(
        event=InvitationsSent,
        path="invitations",
        roles=OFFICE_OR_CHAIR,
        possible=require_planned,
        check=_check_notice,
        fold=unchanged,
    ),
)
