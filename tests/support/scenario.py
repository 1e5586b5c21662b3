"""A case in three steps: what is given, what happens then, and the deadline events that this brings.

given(*HELD).when(Record("2019-09-05 09:00", PETITION, reply)).then("reply", "DeadlineMet 2019-09-16")
"""

from typing import Any, NamedTuple
from uuid import UUID

from shared.events import Event
from shared.events.conference import ConferenceClosed, ConferenceOpened, ConferencePlanned
from shared.events.petition import PetitionRaised, PetitionReceived, PetitionScheduled
from shared.events.regulation import PolicyAdopted
from shared.identifiers import derived_id
from shared.policy import Policy, read_policy, shipped_policy
from tests.support.history import DISTRICT, History, day

WARNING = "DeadlineDueSoon"


class Record(NamedTuple):
    """An event of a subject, recorded at a local moment: `2019-08-23 09:00`."""

    moment: str
    subject: UUID
    event: Event


#: A record, or a local moment up to which time passes.
Happening = Record | str


class Scenario:
    """A history of one source; `then` compares what the last `when` has brought."""

    def __init__(self) -> None:
        self.history = History()
        self._before = 0

    def when(self, *happenings: Happening) -> "Scenario":
        """Record these events and let this time pass, in this order."""
        self._before = len(self.history.engine.emitted)
        for each in happenings:
            if isinstance(each, str):
                self.history.until(each)
            else:
                self.history.record(each.subject, each.event, each.moment)
        return self

    def then(self, duty: str, *events: str, of: UUID | None = None) -> "Scenario":
        """Exactly these events of a duty followed, warnings aside, each in short: `DeadlineSet 2019-09-16`."""
        found = [f"{e.TOPIC} {e.due_on}" for e in self._emitted(duty, of) if e.TOPIC != WARNING]
        assert found == list(events), f"{duty}: {found}"
        return self

    def warned(self, duty: str, *days: str, of: UUID | None = None) -> "Scenario":
        """Exactly the warnings of these days followed."""
        found = [str(e.stage_on) for e in self._emitted(duty, of) if e.TOPIC == WARNING]
        assert found == list(days), f"{duty}: {found}"
        return self

    def stands(self, subject: UUID, duty: str) -> list[str]:
        """Each deadline of a duty as it stands: part, debtor, due date and outcome, `media office 2019-08-22 met`."""
        rows = [r for r in self.history.engine.raised_of(subject) if r.duty == duty]
        return sorted(f"{r.part} {r.debtor} {r.due_on} {r.outcome or 'open'}".strip() for r in rows)

    def _emitted(self, duty: str, of: UUID | None) -> list[Any]:
        events = [emitted.event for emitted in self.history.engine.emitted[self._before :]]
        return [e for e in events if e.duty == duty and of in (None, e.subject_id)]


def given(*happenings: Happening) -> Scenario:
    """A source in which this has happened."""
    return Scenario().when(*happenings)


def policy_with(rules: str, head: str = "") -> Policy:
    """A document in force from 2019 with these rules, each a line of YAML."""
    text = (
        f"policy_id: local\ndocument: {{number: 1/QĐ, issued_on: 2019-01-01}}\nvalid_from: 2019-01-01\n{head}rules:\n"
    )
    return read_policy(text + "".join(f"  {line}\n" for line in rules.strip().splitlines()))


def adopted(policy: Policy | str, on: str = "2019-01-02", code: str = DISTRICT) -> Record:
    """A document is adopted: a policy, or a shipped one by its name."""
    event = PolicyAdopted(
        effective_on=day(on), jurisdiction=code, policy=shipped_policy(policy) if isinstance(policy, str) else policy
    )
    return Record(f"{on} 08:00", derived_id("policy", code), event)


# --- the plan's own conference, Friday 23 August 2019 ----------------------------------------------------------------

CONFERENCE, PETITION = derived_id("conference", "c"), derived_id("petition", "p")


def planned(first: str = "2019-08-23", on: str = "2019-07-01", last: str = "", conference: UUID = CONFERENCE) -> Record:
    """A conference is planned."""
    event = ConferencePlanned(
        effective_on=day(on),
        jurisdiction=DISTRICT,
        kind="periodic",
        first_day=day(first),
        last_day=day(last or first),
        place="Nhà văn hoá huyện",
    )
    return Record(f"{on} 08:00", conference, event)


def received(on: str = "2019-08-01", petition: UUID = PETITION, petitioners: tuple[str, ...] = ("p1",)) -> Record:
    """A petition comes in."""
    event = PetitionReceived(effective_on=day(on), jurisdiction=DISTRICT, petitioner_ids=petitioners)
    return Record(f"{on} 08:30", petition, event)


def held(*petitions: UUID, on: str = "2019-08-23", last: str = "", conference: UUID = CONFERENCE) -> list[Record]:
    """The conference opens, these petitions are raised, it closes with them left open."""
    raised = [
        Record(f"{on} 09:{number:02}", petition, kind(effective_on=day(on), conference_id=conference))
        for number, petition in enumerate(petitions)
        for kind in (PetitionScheduled, PetitionRaised)
    ]
    return [
        Record(f"{on} 08:00", conference, ConferenceOpened(effective_on=day(on))),
        *raised,
        Record(f"{last or on} 17:00", conference, ConferenceClosed(effective_on=day(last or on))),
    ]


#: One petition left open at the plan's conference: its reply is due on Monday 16 September 2019.
HELD = (planned(), received(), *held(PETITION))
