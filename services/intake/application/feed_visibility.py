"""What of the log a caller sees who may not see all of it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.intake.application.ports import History
from services.intake.application.regulation_cache import RegulationCache
from services.intake.domain import AnyFact, Caller, fold_conference, fold_petition, may_see
from services.intake.domain.permissions import HOLDERS, REGULATION, WITHOUT_CASES
from shared.cases.feed_scope import HOLDS_BELOW, concerns, is_own
from shared.events import Metadata, Recorded, decode_metadata
from shared.feed_cursor import FeedFilter

LOADED_AT_ONCE = 50  # cases: what is decoded at once holds up everybody else


class FeedVisibility:
    """Chooses of some events those that a caller sees."""

    def __init__(self, regulation_cache: RegulationCache, history: History) -> None:
        self._regulation_cache, self._history = regulation_cache, history

    async def seen(self, caller: Caller, asked: FeedFilter, events: Sequence[Recorded]) -> Collection[int]:
        """The positions of the events that it sees: those of its subtree, and the regulation that holds there.

        What an ended place left, its successor sees too. An agency sees of cases what it has or had a part in.
        """
        if caller.roles <= WITHOUT_CASES or not events:
            return ()
        await self._regulation_cache.refresh()
        told = ((event, decode_metadata(event.state)) for event in events)
        near = [(event, meta) for event, meta in told if self._is_near(caller, asked, event.topic, meta)]
        if caller.roles <= HOLDERS:
            held = await self._held(
                caller, {event.originator_id for event, meta in near if meta.aggregate not in REGULATION}
            )
            near = [each for each in near if each[0].originator_id in held or each[1].aggregate in HOLDS_BELOW]
        return {event.position for event, _ in near}

    def _is_near(self, caller: Caller, asked: FeedFilter, topic: str, meta: Metadata) -> bool:
        """Whether an event is of the caller's subtree, and of what it asks for."""
        if asked.mine and not is_own(topic, meta, caller.name, caller.sources):
            return False
        known = self._regulation_cache
        places = (caller.jurisdiction, asked.jurisdiction or caller.jurisdiction)
        return concerns(meta, places, lambda code: known.regulation.successor_of_jurisdiction(code, known.today))

    async def _held(self, caller: Caller, cases: Collection[UUID]) -> set[UUID]:
        """The cases in which an agency has or had a part.

        Only those are loaded that name it, or a body that it may have taken over from: most name neither.
        """
        words = self._regulation_cache.regulation.perhaps_before(caller.agency, self._regulation_cache.today)
        named, held = sorted(await self._history.naming(cases, words)), set[UUID]()
        for start in range(0, len(named), LOADED_AT_ONCE):
            facts = await self._history.facts(named[start : start + LOADED_AT_ONCE])
            held |= {case for case in facts if self._has_part(caller, facts[case])}
        return held

    def _has_part(self, caller: Caller, facts: Sequence[AnyFact]) -> bool:
        if not facts:
            return False
        fold = fold_petition if facts[0].event.AGGREGATE == "petition" else fold_conference
        case, known = fold(facts), self._regulation_cache
        return case is not None and may_see(caller, case, facts, known.regulation, known.today)
