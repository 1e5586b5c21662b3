"""Where the acts come in: one route for each, made from the tables of the domain's acts.

The routes over HTTP, the OpenAPI document, the command queue and the import all come from here.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from services.intake.domain.acts import (
    CONFERENCE_ACTS,
    CONFERENCE_CREATING,
    PETITION_ACTS,
    PETITION_CREATING,
    REGULATION_ACTS,
    AnyAct,
    RegulationAct,
)
from services.intake.domain.acts.any_stream import ERASURE as ERASING
from shared.events import DatedEvent


class CommandRoute(msgspec.Struct, frozen=True):
    """Where a command comes in. `decided` are the fields that the service fills, `in_path` those from the address.

    `is_final`: nothing takes back what it records.
    """

    event_type: type[DatedEvent]
    aggregate: str
    path: str
    creates: bool
    roles: frozenset[str]
    decided: tuple[str, ...] = ()
    in_path: tuple[str, ...] = ()
    is_final: bool = False

    @property
    def topic(self) -> str:
        """The topic of the event that the command records."""
        return self.event_type.TOPIC

    @property
    def summary(self) -> str:
        """What the command records, in a line."""
        return (self.event_type.__doc__ or "").strip().split("\n")[0]

    @property
    def has_versions(self) -> bool:
        """Whether a command may name the version that it rests on: of a case, or of a document that is followed."""
        return not self.creates or self.aggregate in ("calendar", "policy")


def _creating(act: AnyAct) -> CommandRoute:
    return CommandRoute(act.event, act.event.AGGREGATE, act.path, True, act.roles, act.decided)


def _on_regulation(act: RegulationAct[Any]) -> CommandRoute:
    return CommandRoute(
        act.event, act.aggregate, act.path, act.creates, act.roles, act.decided, act.in_path, act.is_final
    )


def _on_case(aggregate: str, act: AnyAct) -> CommandRoute:
    path = f"/v1/{aggregate}s/{{id}}/{act.path}"
    return CommandRoute(act.event, aggregate, path, False, act.roles, act.decided)


ERASURE = CommandRoute(
    ERASING.event, "petitioner", ERASING.path, False, ERASING.roles, (), ("petitioner_id",), is_final=True
)


def _routes() -> Iterable[CommandRoute]:
    yield from (_on_regulation(act) for act in REGULATION_ACTS.values() if act.path and not act.stream)
    yield from map(_creating, CONFERENCE_CREATING.values())
    yield from map(_creating, PETITION_CREATING.values())
    for conference_act in CONFERENCE_ACTS.values():
        yield _on_case("conference", conference_act)
    for petition_act in PETITION_ACTS.values():
        if petition_act is not ERASING:
            yield _on_case("petition", petition_act)
    # Last: an event that any stream may hold is a case's where a command does not say otherwise.
    yield from (_on_regulation(act) for act in REGULATION_ACTS.values() if act.stream)


def _each_once(routes: Iterable[CommandRoute]) -> tuple[CommandRoute, ...]:
    found: dict[str, CommandRoute] = {}
    for route in routes:
        if (known := found.setdefault(route.path, route)) is not route:
            raise TypeError(f"{known.topic} and {route.topic} both come in at {route.path}: give one another path")
    return tuple(found.values())


ROUTES: tuple[CommandRoute, ...] = _each_once(_routes())


def route_of_command(topic: str, *, has_target: bool, aggregate: str = "") -> CommandRoute | None:
    """The route of a command that names its topic: `ConferencePlanned` creates unless it names a conference."""
    if topic == ERASURE.topic:
        return ERASURE
    found = [r for r in ROUTES if r.topic == topic and (not aggregate or r.aggregate == aggregate)]
    fitting = [r for r in found if r.creates != has_target] or found
    return fitting[0] if fitting else None
