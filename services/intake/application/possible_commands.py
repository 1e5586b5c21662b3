"""Which commands a caller can give now on a petition, a conference or at a place, which not, and why not."""

from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec

from services.intake.application.case_queries import CaseQueries
from services.intake.application.command_body import CODECS
from services.intake.application.commands import ROUTES, CommandRoute
from services.intake.application.deciding import LoadedAggregates, load_clocks
from services.intake.application.errors import NotFound
from services.intake.application.ports import History
from services.intake.application.stream_ids import code_of
from services.intake.domain import (
    Caller,
    Conference,
    DecisionContext,
    Petition,
    Refused,
    check_sender,
    may_at_place,
    named_before,
    possible,
)
from shared.events.regulation import JurisdictionRegistered

#: The field by which a command that begins something belongs to a place.
_PLACE_FIELDS = frozenset({"jurisdiction", "parent"})
_AT_A_PLACE = tuple(
    route
    for route in ROUTES
    if (route.aggregate == "jurisdiction" and not route.creates)
    or (route.creates and _PLACE_FIELDS & set(CODECS[route.path].type.__struct_fields__))
)
_REGISTERS_A_PLACE = tuple(route for route in ROUTES if route.topic == JurisdictionRegistered.TOPIC)


class PossibleCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command and what refuses it, whatever its body says; None where nothing does."""

    route: CommandRoute
    refusal: Refused | None = None


class PossibleCommands:
    """Asks the rules themselves, each within what the caller may see."""

    def __init__(self, queries: CaseQueries, history: History) -> None:
        self._queries, self._history = queries, history

    async def on_petition(self, caller: Caller, petition_id: UUID) -> list[PossibleCommand]:
        """Every command on a petition. Raises NotFound."""
        petition, _ = await self._queries.petition(caller, petition_id)
        return await self._on_case(caller, petition_id, petition, "petition")

    async def on_conference(self, caller: Caller, conference_id: UUID) -> list[PossibleCommand]:
        """Every command on a conference. Raises NotFound."""
        conference, _ = await self._queries.conference(caller, conference_id)
        return await self._on_case(caller, conference_id, conference, "conference")

    async def at_place(self, caller: Caller, code: str) -> list[PossibleCommand]:
        """Every command that begins something at a jurisdiction or is done to it. Raises NotFound, WrongAddress.

        At a caller's own place that nobody has registered, the nation as a rule, that is to register one.
        """
        known, place = self._queries.regulation_cache, code_of(code)
        if place not in known.regulation.jurisdictions:
            await known.refresh()
        routes = _AT_A_PLACE
        if place not in known.regulation.jurisdictions:
            if place != caller.jurisdiction:
                raise NotFound(None, "target", aggregate="jurisdiction", target=place)
            routes = _REGISTERS_A_PLACE

        def refuse(route: CommandRoute) -> None:
            may_at_place(caller, route.roles, place, known.regulation, known.today)

        return _judged(routes, refuse)

    async def _on_case(
        self, caller: Caller, target_id: UUID, target: Petition | Conference, aggregate: str
    ) -> list[PossibleCommand]:
        loaded = LoadedAggregates()
        loaded.take(await self._history.facts([target_id]))
        wanted = set(named_before(target))
        if isinstance(target, Conference):
            wanted.update(await self._history.petitions_at(target_id))
        if missing := wanted - loaded.versions.keys():
            loaded.take(await self._history.facts(missing))
        received = await self._history.place(target_id, 1)
        if isinstance(target, Petition):
            await load_clocks(self._history, [target_id], loaded, loaded.take)
        known = self._queries.regulation_cache
        context = DecisionContext(known.regulation, known.today, loaded.conferences, loaded.petitions, target_id)

        def refuse(route: CommandRoute) -> None:
            if caller.is_sender and isinstance(target, Petition):
                check_sender(caller, received.actor, received.source)
            possible(route.event_type, target, context, caller)

        on_it = (route for route in ROUTES if route.aggregate == aggregate and not route.creates)
        return _judged(on_it, refuse)


def _judged(routes: Iterable[CommandRoute], refuse: Callable[[CommandRoute], None]) -> list[PossibleCommand]:
    found = []
    for route in routes:
        try:
            refuse(route)
        except Refused as refused:
            found.append(PossibleCommand(route=route, refusal=refused))
        else:
            found.append(PossibleCommand(route=route))
    return found
