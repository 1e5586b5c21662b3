"""Questions about catalogues: from which codes a place chooses today."""

from datetime import date

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.intake.application.errors import NotFound
from services.intake.application.regulation_cache import RegulationCache
from services.intake.application.stream_ids import code_of
from services.intake.entrypoints import openapi
from shared.cases.catalogues import offered
from shared.events.regulation import CATALOGUE_KINDS, CatalogueEntry, CatalogueKind
from shared.http.permissions import KNOWN, permitted


class OfferedEntry(CatalogueEntry, frozen=True, kw_only=True):
    """A code that can be chosen and what it is called; `valid_until` is the last day on which it can be."""


class StandingCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue that stands today, with what can be chosen; `inherited` where `adopted_by` is a place above."""

    kind: CatalogueKind
    adopted_by: str
    inherited: bool
    effective_on: date
    number: str
    entries: list[OfferedEntry]


class StandingCatalogues(msgspec.Struct, frozen=True):
    """The catalogues of a place; of a kind that is not there people write as they like."""

    items: list[StandingCatalogue]


def catalogue_routes(regulation_cache: RegulationCache) -> list[HTTPRouteHandler]:
    """The route."""

    @get(
        "/v1/jurisdictions/{target:str}/catalogues",
        summary="From which codes a jurisdiction chooses today",
        description="Fields, channels of receipt, kinds of preparation tasks, villages: of each kind the catalogue "
        "that the place itself or the nearest one above it adopted last.",
        tags=["jurisdiction"],
        responses=openapi.READ_PROBLEMS,
        operation_class=openapi.target_operation("jurisdiction"),
    )
    async def list_catalogues(target: FromPath[str]) -> StandingCatalogues:
        place = code_of(target)
        await regulation_cache.read()
        regulation, today = regulation_cache.regulation, regulation_cache.today
        if place not in regulation.jurisdictions:
            raise NotFound(None, "target", aggregate="jurisdiction", target=place)
        standing = ((kind, regulation.catalogues.standing(place, kind, today)) for kind in CATALOGUE_KINDS)
        return StandingCatalogues(
            [
                StandingCatalogue(
                    kind=kind,
                    adopted_by=adopted.jurisdiction,
                    inherited=adopted.jurisdiction != place,
                    effective_on=adopted.effective_on,
                    number=adopted.number,
                    entries=[OfferedEntry(**msgspec.structs.asdict(entry)) for entry in offered(adopted, today)],
                )
                for kind, adopted in standing
                if adopted is not None
            ]
        )

    return permitted(KNOWN, [list_catalogues])
