"""Random histories of a district: conferences, petitions that go any way the rules allow, records that come late."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.conference import ConferenceClosed, ConferenceOpened, InternalReviewHeld, InvitationsSent
from shared.events.petition import (
    RECIPIENTS,
    AgencyResultReported,
    ExtensionGranted,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClassified,
    PetitionClosed,
    PetitionCorrected,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMarkedComplex,
    PetitionMerged,
    PetitionReassigned,
    PetitionReopened,
    PetitionWithdrawn,
    Report,
    WrittenReplyIssued,
)
from shared.identifiers import LOCAL_ZONE
from tests.support.history import History, at, day

AGENCIES = ("H35.10.3", "H35.10.4", "H35.10.5")
FIELDS = ("đất đai", "giao thông", "giáo dục")
HELD = ("2019-08-23", "2019-11-15")
ACT_BEFORE = day("2019-10-31")  # the invitations to the second conference go out the day after
UNTIL = "2020-02-10 09:00"

ACTS = ("assign", "assign", "reassign", "complex", "extend", "extend", "escalate", "reply", "reply", "reply", "result",
        "result", "annul", "annul", "merge", "reopen", "reopen", "answer", "forward", "close", "withdraw", "correct")  # fmt: skip


@st.composite
def histories(draw: st.DrawFn, petitions: int = 4, source: str = "test") -> History:
    """A history of one district from July 2019 to February 2020, folded up to its end."""
    history = History(source)
    told = [_petition(history, n) for n in range(draw(st.integers(2, petitions)))]
    conferences = [history.plan(f"c{n}", first, planned=f"2019-07-2{n}") for n, first in enumerate(HELD)]
    for held, before, conference in zip(HELD, (ACT_BEFORE, day(UNTIL[:10])), conferences, strict=True):
        raised = [p for p in told if draw(st.booleans()) and p.conference is None and not p.ended]
        _hold(history, conference, held, raised, late=draw(st.booleans()))
        acts = st.tuples(st.sampled_from(ACTS), st.integers(0, 5), st.integers(0, 9), st.integers(0, 11))
        for act, gap, lag, number in draw(st.lists(acts, min_size=10, max_size=30)):
            _act(history, told, before, act, gap, lag, number)
    history.until(UNTIL)
    return history


class _Petition:
    """What the generator remembers of a petition, to keep to what intake would accept."""

    def __init__(self, petition_id: UUID, received: date) -> None:
        self.id, self.received = petition_id, received
        self.conference: UUID | None = None
        self.lead, self.ended, self.complex, self.escalated = "", "", False, False
        self.replies = 0
        self.since = received


def _petition(history: History, number: int) -> _Petition:
    received = day("2019-07-01") + timedelta(days=number)
    petition = history.receive(f"p{number}", received.isoformat(), (f"x{number}",))
    if number != 2:  # one that nobody has classified
        field = FIELDS[number % len(FIELDS)]
        history.record(petition, PetitionClassified(effective_on=received, subject=f"Việc {number}", field=field))
    return _Petition(petition, received)


def _hold(history: History, conference: UUID, held: str, petitions: list[_Petition], late: bool) -> None:
    on = day(held)
    invited = InvitationsSent(effective_on=on - timedelta(days=5 if late else 14), for_date=on)
    _record(history, conference, invited, 0)
    _record(history, conference, ConferenceOpened(effective_on=on), 0)
    for petition in petitions:
        history.raise_at(conference, petition.id, held)
        petition.conference = conference
    _record(history, conference, ConferenceClosed(effective_on=on), 0)
    if not late:
        _record(history, conference, InternalReviewHeld(effective_on=on + timedelta(days=3)), 1)


def _act(history: History, told: list[_Petition], before: date, act: str, gap: int, lag: int, number: int) -> None:
    petition = told[number % len(told)]
    recorded = _today(history) + timedelta(days=gap)
    if recorded >= before:
        return
    on = max(recorded - timedelta(days=lag), petition.since)
    event = _event(history, told, petition, act, on, number)
    if event is not None and on <= recorded:
        _record(history, petition.id, event, (recorded - on).days)


def _event(history: History, told: list[_Petition], p: _Petition, act: str, on: date, number: int) -> DatedEvent | None:
    agency = AGENCIES[number % len(AGENCIES)]
    if p.ended and act != "reopen":
        return None
    match act:
        case "assign" if not p.lead:
            p.lead = agency
            return PetitionAssigned(effective_on=on, agency=agency)
        case "reassign" if p.lead:
            p.lead = agency
            return PetitionReassigned(effective_on=on, agency=agency)
        case "complex" if not p.complex:
            p.complex = True
            return PetitionMarkedComplex(effective_on=on, decided_by="Chủ tịch", criteria=("nhiều lĩnh vực",))
        case "extend":
            told_on, to = on - timedelta(days=number), on + timedelta(days=20)
            return ExtensionGranted(effective_on=on, petitioner_told_on=told_on, committee_told_on=on, expected_on=to)
        case "escalate" if not p.escalated:
            p.escalated = True
            return PetitionEscalated(effective_on=on, authority="H35")
        case "forward" if p.conference is None:
            return PetitionForwarded(effective_on=on, agency=agency)
        case "reply":
            p.replies += 1
            reports = tuple(Report(recipient=who, on=on) for who in RECIPIENTS) if number % 2 else ()
            return WrittenReplyIssued(
                effective_on=on, number=f"{p.replies}/TL", signatory="Chủ tịch", digest="00", reports=reports
            )
        case "result" if p.lead:
            return AgencyResultReported(effective_on=on, agency=p.lead, result="resolved")
        case "answer" if p.conference is not None:
            return _ending(p, PetitionAnsweredAtConference(effective_on=on, conference_id=p.conference), on)
        case "close":
            return _ending(p, PetitionClosed(effective_on=on), on)
        case "correct":
            received = p.received - timedelta(days=number)
            return PetitionCorrected(effective_on=on, corrected=("received_on",), received_on=received)
        case "withdraw":
            return _ending(p, PetitionWithdrawn(effective_on=on), on)
        case "merge":
            others = [o for o in told if o is not p and not o.ended and o.received < p.received]
            if others:
                p.replies += 1  # a merged one is never reopened
                return _ending(p, PetitionMerged(effective_on=on, into=others[0].id), on, "merged")
            return None
        case "reopen" if p.ended and p.ended != "merged":
            p.ended, p.since = "", on
            return PetitionReopened(effective_on=on)
        case "annul":
            replies = [f for f in history.facts if f.originator_id == p.id and f.topic == "WrittenReplyIssued"]
            taken = {f.event.event_id for f in history.facts if isinstance(f.event, RecordAnnulled)}
            standing = [f for f in replies if f.event_id not in taken]
            return RecordAnnulled(effective_on=on, event_id=standing[-1].event_id) if standing else None
        case _:
            return None


def _ending(petition: _Petition, event: DatedEvent, on: date, how: str = "ended") -> DatedEvent:
    petition.ended, petition.since = how, on
    return event


def _today(history: History) -> date:
    return history.facts[-1].recorded_at.astimezone(LOCAL_ZONE).date()


def _record(history: History, subject: UUID, event: Any, late: int) -> None:
    """Record a deed so many days after it took effect, but never before what was recorded already."""
    moment = at(datetime.combine(event.effective_on + timedelta(days=late), time(9)).isoformat(" "))
    last = history.facts[-1].recorded_at
    history.record(subject, event, max(moment, last + timedelta(seconds=1)), "" if event.AGGREGATE else "petition")
