"""The daily tasks by their names, in the order in which a day brings them."""

from services.followup.console.daily.conclude import CONCLUDE
from services.followup.console.daily.extend import EXTEND
from services.followup.console.daily.forward import FORWARD
from services.followup.console.daily.notify import NOTIFY
from services.followup.console.daily.receive import RECEIVE
from services.followup.console.daily.reply import REPLY
from services.followup.console.daily.slip import SLIP
from services.followup.console.daily.task import DailyTask
from services.followup.domain.deadlines.case_rows import CaseState
from shared.events.deadline import Subject

TASKS: dict[str, DailyTask] = {task.name: task for task in (RECEIVE, FORWARD, NOTIFY, SLIP, CONCLUDE, REPLY, EXTEND)}


def tasks_for(subject: Subject, possible: frozenset[str], state: CaseState) -> list[DailyTask]:
    """The tasks that are offered on a page, by what is possible there and how far its case has come."""
    of_subject = (task for task in TASKS.values() if task.subject == subject and task.offered(possible))
    return [task for task in of_subject if not task.states or state in task.states]
