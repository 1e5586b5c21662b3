"""The public state of a petition: one word, the same whatever else the services know of the case."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from services.followup.domain.cases import fold_petition
from services.intake.domain import Fact
from shared.cases.public_state import ENDED, STATE_NAMES, PublicState, open311_of, public_state
from shared.cases.reply_clock import answered
from shared.events import DatedEvent
from shared.events.any_stream import RecordAnnulled
from shared.events.petition import (
    AcceptanceNoticeSent,
    ClockResumed,
    ClockSuspended,
    ExtensionGranted,
    HigherAuthorityAnswered,
    PetitionAnsweredAtConference,
    PetitionAssigned,
    PetitionClosed,
    PetitionEscalated,
    PetitionForwarded,
    PetitionMerged,
    PetitionRaised,
    PetitionReceived,
    PetitionRedirected,
    PetitionReopened,
    PetitionScheduled,
    PetitionWithdrawn,
    RefusalNoticeSent,
    WrittenReplyIssued,
)
from tests.support.history import History
from tests.support.history_strategies import histories

DAY = date(2019, 9, 2)
CONFERENCE = UUID(int=99)
REFERENCE = Path(__file__).parents[4] / "docs/reference/public-states.md"


def state_after(*events: DatedEvent) -> PublicState:
    begun = datetime(2019, 9, 2, tzinfo=UTC)
    return public_state(
        Fact(event, UUID(int=n), n, n, begun + timedelta(minutes=n)) for n, event in enumerate(events, 1)
    )


def received(*petitioners: str) -> PetitionReceived:
    return PetitionReceived(effective_on=DAY, jurisdiction="H35.10.31", petitioner_ids=petitioners or ("p1",))


def reply(number: str = "1", *answers: str) -> WrittenReplyIssued:
    return WrittenReplyIssued(effective_on=DAY, number=number, signatory="x", digest="d" * 64, answers=answers)


def on(kind: type[DatedEvent], **fields: Any) -> DatedEvent:
    return kind(effective_on=DAY, **fields)


ASSIGNED = on(PetitionAssigned, agency="H35.10.4")
SUSPENDED, RESUMED = on(ClockSuspended, number="1"), on(ClockResumed, number="2")
EXTENDED = on(ExtensionGranted, expected_on=DAY)
ESCALATED = on(PetitionEscalated, authority="UBND tỉnh")
HIGHER = on(HigherAuthorityAnswered, authority="UBND tỉnh")
CLOSED, REOPENED = on(PetitionClosed), on(PetitionReopened)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "received"),
        ((on(AcceptanceNoticeSent, number="1"),), "accepted"),
        ((on(PetitionForwarded, agency="H35.10.4"),), "forwarded"),
        ((on(PetitionScheduled, conference_id=CONFERENCE),), "scheduled"),
        ((on(PetitionRaised, conference_id=CONFERENCE),), "raised"),
        ((ASSIGNED,), "assigned"),
        ((ASSIGNED, EXTENDED), "extended"),
        ((ASSIGNED, EXTENDED, ESCALATED), "escalated"),
        ((ASSIGNED, ESCALATED, HIGHER), "assigned"),
        ((ASSIGNED, ESCALATED, SUSPENDED), "suspended"),
        ((ASSIGNED, SUSPENDED, RESUMED), "assigned"),
        ((ASSIGNED, SUSPENDED, reply()), "replied"),
        ((reply(), CLOSED), "resolved"),
        ((reply(), CLOSED, REOPENED), "received"),
        ((reply(), CLOSED, REOPENED, CLOSED), "resolved"),
        ((ASSIGNED, ESCALATED, EXTENDED, CLOSED, REOPENED), "assigned"),
        ((CLOSED,), "closed"),
        ((on(PetitionAnsweredAtConference, conference_id=CONFERENCE),), "resolved"),
        ((on(RefusalNoticeSent, number="1"),), "refused"),
        ((on(PetitionWithdrawn),), "withdrawn"),
        ((on(PetitionMerged, into=UUID(int=7)),), "merged"),
        ((on(PetitionRedirected, procedure="complaint", body="Thanh tra"),), "redirected"),
        ((on(RecordAnnulled, event_id=UUID(int=1)),), "annulled"),
        ((ASSIGNED, on(RecordAnnulled, event_id=UUID(int=2))), "received"),
        ((reply(), on(RecordAnnulled, event_id=UUID(int=2))), "received"),
    ],
)
def test_state__is_the_latest_step_that_stands(events: tuple[DatedEvent, ...], state: str) -> None:
    assert state_after(received(), *events) == state


def test_state__is_replied_once_each_petitioner_is_answered() -> None:
    assert state_after(received("p1", "p2"), reply("1", "p1")) == "received"
    assert state_after(received("p1", "p2"), reply("1", "p1"), reply("2", "p2")) == "replied"


@settings(max_examples=60, deadline=None)
@given(histories())
def test_state__never_contradicts_what_followup_knows(history: History) -> None:
    petitions = {f.originator_id for f in history.facts if isinstance(f.event, PetitionReceived)}
    for petition in petitions:
        facts = [f for f in history.facts if f.originator_id == petition]
        for number in range(1, len(facts) + 1):
            case, state = fold_petition(petition, facts[:number]), public_state(facts[:number])
            if case is None:
                assert state is PublicState.ANNULLED
                continue
            assert (state in ENDED) == (case.round.end is not None)
            assert (open311_of(state).status == "closed") == (case.round.end is not None)
            if state not in ENDED:
                is_answered = bool(case.round.replies) and answered(case, case.round, ()) is not None
                assert (state is PublicState.REPLIED) == is_answered
            if state is PublicState.ASSIGNED:
                assert case.lead


def test_names__are_said_of_every_state() -> None:
    assert set(STATE_NAMES) == set(PublicState)


def test_reference__lists_every_state_as_the_code_has_it() -> None:
    rows = [line.split("|")[1:-1] for line in REFERENCE.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = [tuple(cell.strip(" `") for cell in row[:4]) for row in rows]
    assert told == [(s, open311_of(s).status, STATE_NAMES[s].vi, STATE_NAMES[s].en) for s in PublicState]
