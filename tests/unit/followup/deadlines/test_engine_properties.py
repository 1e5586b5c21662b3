"""The deadline machine under any rule, calendar and life: against the reference, at any pace, with late records."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.domain.deadlines.deadline_events import Emitted
from services.followup.domain.deadlines.engine import DeadlineEngine
from services.followup.domain.deadlines.raised import DeadlineState
from services.followup.domain.facts import Fact
from shared.events.petition import PetitionMerged, PetitionRaised, PetitionScheduled
from shared.identifiers import breach_instant
from tests.support.history import History
from tests.support.loading import by_subject, load, loaded_again
from tests.support.policy_strategies import limit_of, reference_clock
from tests.support.story_strategies import Story, Upheaval, played_out, record_upheavals, recorded, stories, upheavals

SOME = settings(max_examples=80, deadline=None)


def reply(history: History, petition: UUID) -> Any:
    (found,) = [r for r in history.engine.raised_of(petition) if r.duty == "reply"]
    return found


@SOME
@given(stories())
def test_reply__stands_as_the_reference_says__however_late_it_was_recorded(story: Story) -> None:
    history, petition = played_out(story, story.lags)
    due = reference_clock(limit_of(story.rule), story.start, story.steps, story.days).due
    raised = reply(history, petition)
    assert raised.due_on == due
    late = due is not None and story.replied is not None and story.replied > due
    if story.replied is not None:
        assert (raised.outcome, raised.done_on) == ("met_late" if late else "met", story.replied)
        assert raised.breached == late
    else:
        assert (raised.outcome, raised.breached) == ("", due is not None)


@SOME
@given(stories())
def test_recorded_late__gives_the_state_of_recording_it_in_time(story: Story) -> None:
    in_time, petition = played_out(story, [0] * len(story.lags))
    late, _ = played_out(story, story.lags)
    assert state(late, petition) == state(in_time, petition)


def state(history: History, petition: UUID) -> list[Any]:
    """What stands in the end of each duty; ids of records aside, which come with their order."""
    rows = history.engine.raised_of(petition)
    return sorted(
        (str(r.duty), str(r.due_on), r.outcome, str(r.done_on), r.breached, r.debtor, str(r.expected_on)) for r in rows
    )


@SOME
@given(stories(), upheavals())
def test_breaches__at_most_one_stands__never_before_its_instant(story: Story, changes: list[Upheaval]) -> None:
    history = upset_story(story, changes)
    recorded_at = {fact.event_id: fact.recorded_at for fact in history.facts}
    standing: dict[UUID, bool] = {}
    for emitted in history.engine.emitted:
        event = emitted.event
        assert event.at >= recorded_at[event.cause_id], "a timer that was set late fires when it was set"
        match event.TOPIC:
            case "DeadlineBreached":
                assert not standing.get(event.deadline_id)
                assert event.due_on is not None and event.at >= breach_instant(event.due_on)
                standing[event.deadline_id] = True
            case "DeadlineBreachRetracted":
                assert standing.pop(event.deadline_id)
            case _:
                pass
    assert len({e.event_id for e in history.engine.emitted}) == len(history.engine.emitted)


@SOME
@given(stories(), upheavals(), st.lists(st.integers(0, 200), max_size=20), st.integers(0, 40))
def test_any_pace_and_any_outage__gives_the_same_events(
    story: Story, changes: list[Upheaval], pauses: list[int], cut: int
) -> None:
    """Completeness may be stated often or never; a machine may be made anew from what was stored, at any point."""
    history = upset_story(story, changes)
    engine, emitted = DeadlineEngine("test"), []
    for number, fact in enumerate(history.facts):
        if number == cut:
            emitted += engine.emitted
            engine = loaded_again(engine, history.facts[:number])
        engine.apply(fact)
        if number < len(pauses):
            following = history.facts[number + 1].recorded_at if number + 1 < len(history.facts) else None
            to = fact.recorded_at + timedelta(hours=pauses[number])
            engine.advance(min(to, following - timedelta(microseconds=1)) if following else to)
    assert history.engine.horizon is not None
    engine.advance(history.engine.horizon)
    assert not engine.differences
    assert emitted + engine.emitted == history.engine.emitted


@settings(SOME, max_examples=40)
@given(stories(), upheavals())
def test_only_what_a_fact_needs_is_loaded__gives_the_same_events(story: Story, changes: list[Upheaval]) -> None:
    """Every case may be let go after any fact: what a fact says that it needs is enough to decide it."""
    history = upset_story(story, changes)
    raised, horizon = dict[UUID, list[DeadlineState]](), None
    emitted = list[Emitted]()
    for number, fact in enumerate(history.facts):
        known = history.facts[:number]
        engine = load(known, raised, horizon)
        engine.advance(fact.recorded_at - timedelta(microseconds=1))
        emitted += engine.emitted
        keep(raised, engine)
        horizon = engine.horizon
        engine = load(known, raised, horizon, only=needed(engine, fact, known))
        engine.apply(fact)
        emitted += engine.emitted
        keep(raised, engine)
        horizon = engine.horizon
    engine = load(history.facts, raised, horizon)
    assert history.engine.horizon is not None
    engine.advance(history.engine.horizon)
    assert not engine.differences
    assert emitted + engine.emitted == history.engine.emitted


def needed(engine: DeadlineEngine, fact: Fact, known: list[Fact]) -> set[UUID]:
    """What a writer loads for one fact: petitions with all their kin, and of moving conferences the petitions."""
    needs = engine.cases.needs([fact])
    if needs.everything:
        return set(by_subject(known))
    links = [(each.originator_id, each.event) for each in known if each.meta.aggregate == "petition"]
    petitions = needs.petitions | {
        petition
        for petition, event in links
        if isinstance(event, PetitionScheduled | PetitionRaised) and event.conference_id in needs.moving
    }
    merged = [{petition, event.into} for petition, event in links if isinstance(event, PetitionMerged)]
    while more := {p for pair in merged if pair & petitions for p in pair} - petitions:
        petitions |= more
    return petitions | needs.conferences


def keep(raised: dict[UUID, list[DeadlineState]], engine: DeadlineEngine) -> None:
    raised |= {subject: engine.raised_of(subject) for subject in engine.subjects()}


def upset_story(story: Story, changes: list[Upheaval]) -> History:
    """The story, then the changes, then enough time for every clock to run out again."""
    history, _ = recorded(story._replace(steps=story.steps[:4]), story.lags)
    record_upheavals(history, story, changes)
    end: datetime = history.facts[-1].recorded_at + timedelta(days=500)
    history.engine.advance(end)
    return history
