"""`/v1/clock`: what the store's clock shows; a development store's may be moved forwards."""

from datetime import date, datetime
from typing import Annotated, Any, Protocol

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from services.intake.application.regulation_cache import RegulationCache
from services.intake.entrypoints import openapi
from services.intake.entrypoints.bodies import json_of
from shared.http.openapi import body_operation, problems
from shared.http.permissions import KNOWN, for_roles, permitted
from shared.http.problems import problem
from shared.identifiers import local_day
from shared.invalid_body import decoded
from shared.postgres.store import FIRST_CLOCK_YEAR, LAST_CLOCK_YEAR, MovedBackwards, OutOfYears


class Clock(Protocol):
    """The store's clock."""

    async def now(self) -> datetime: ...
    async def is_movable(self) -> bool: ...
    async def move(self, to: datetime) -> datetime: ...


class ClockState(msgspec.Struct, frozen=True):
    """What the clock shows, and the day of that in Asia/Ho_Chi_Minh."""

    now: datetime
    today: date
    movable: bool


class ClockMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The instant to move to, with its offset."""

    to: Annotated[datetime, msgspec.Meta(tz=True)]


_move = msgspec.json.Decoder(ClockMove)


def clock_routes(clock: Clock, regulation_cache: RegulationCache, after_move: Any) -> list[HTTPRouteHandler]:
    """The two routes; `after_move` is awaited once the clock has moved."""

    @get("/v1/clock", summary="The store's clock", tags=["clock"], responses=openapi.READ_PROBLEMS)
    async def read_clock() -> ClockState:
        return await _state(clock)

    @post(
        "/v1/clock",
        summary="Move a development store's clock forwards",
        tags=["clock"],
        status_code=200,
        opt=for_roles(("operations",), "anything"),
        responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
        operation_class=body_operation(ClockMove),
    )
    async def move_clock(request: Request[Any, Any, Any]) -> ClockState:
        move = decoded(_move, await json_of(request))
        if not await clock.is_movable():
            raise problem(409, "clock-not-movable")
        try:
            await clock.move(move.to)
        except OutOfYears:
            year, first, last = move.to.year, FIRST_CLOCK_YEAR, LAST_CLOCK_YEAR
            raise problem(422, "invalid-value", "clock-year", field="to", year=year, first=first, last=last) from None
        except MovedBackwards as error:
            raise problem(409, "clock-moves-forwards", field="to", problem=error) from None
        await regulation_cache.refresh()
        await after_move()
        return await _state(clock)

    return permitted(KNOWN, [read_clock, move_clock])


async def _state(clock: Clock) -> ClockState:
    now = await clock.now()
    return ClockState(now, local_day(now), await clock.is_movable())
