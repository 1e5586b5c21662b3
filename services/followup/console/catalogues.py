"""The page of a place's catalogues: what is chosen from there, who adopted it, and what was written without a code."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.followup.adapters.intake_client import IntakeClient, Refusal
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.command_forms import MAX_ROWS
from services.followup.console.intake_door import Address
from services.followup.console.pages import Pages
from services.followup.console.targets import FormTarget, place_target
from services.followup.entrypoints.access import scope_of
from services.followup.entrypoints.query_parameters import HttpRequest
from shared.events.field_titles import CATALOGUE_TITLES
from shared.events.regulation import CATALOGUE_KINDS, CatalogueAdopted, CatalogueKind, CatalogueMapped
from shared.http.auth import token_of
from shared.sentences import Sentence

_TOO_LONG = Sentence(
    f"Danh mục đang áp dụng có hơn {MAX_ROWS} mục, biểu mẫu không chứa hết. Hãy đề nghị người quản trị hệ "
    "thống ban hành danh mục mới bằng tệp.",
    f"The catalogue in use has more than {MAX_ROWS} entries, which no form holds. Adopt the new one from a file: ask "
    "the operators.",
)


def catalogue_pages(pages: Pages, queries: Queries, intake: IntakeClient, address: Address) -> list[HTTPRouteHandler]:
    """The route of the page."""

    @get("/jurisdictions/{code:str}/catalogues", include_in_schema=False)
    async def catalogues(request: HttpRequest, code: FromPath[str]) -> Response[str]:
        scope = scope_of(request)
        target = await place_target(queries, scope, code)
        log = await queries.catalogues(target.source)
        return await pages.show(
            request,
            "catalogues.html",
            target=target,
            kinds=[(kind, CATALOGUE_TITLES[kind], log.standing(target.named, kind)) for kind in CATALOGUE_KINDS],
            without_code=await queries.fields_without_code(scope, target.named, target.source),
            places=await queries.places(scope, target.source),
            possible=await _possible(intake, address, target, token_of(request)),
        )

    return [catalogues]


async def catalogue_rows(
    queries: Queries, scope: Scope, target: FormTarget, command: str, kind: CatalogueKind
) -> dict[str, str]:
    """What the form of a catalogue begins with: the one that stands, or the texts that have no code yet.

    A new catalogue takes the place of the whole one before: what a form cannot hold must not be lost by it. Raises
    Refusal.
    """
    standing = (await queries.catalogues(target.source)).standing(target.named, kind)
    filled: dict[str, str] = {"kind": kind}
    if command == CatalogueAdopted.TOPIC and standing is not None:
        if len(standing.entries) > MAX_ROWS:
            raise Refusal(_TOO_LONG, status=409)
        for number, entry in enumerate(standing.entries):
            parts = ("code", "title", "title_en", "parent", "valid_until")
            filled |= {f"entries.{number}.{part}": str(value) for part in parts if (value := getattr(entry, part))}
    if command == CatalogueMapped.TOPIC and kind == "field":
        texts = await queries.fields_without_code(scope, target.named, target.source)
        filled |= {f"entries.{number}.text": text for number, text in enumerate(texts[:MAX_ROWS])}
    return filled


async def _possible(intake: IntakeClient, address: Address, target: FormTarget, token: str) -> set[str]:
    """What of it the caller can do here; nothing where that cannot be asked."""
    if (url := address(target.source)) is None:
        return set()
    try:
        answers = await intake.possible(url, target.path, token)
    except Refusal:
        return set()
    return {each.command for each in answers if each.possible} & {CatalogueAdopted.TOPIC, CatalogueMapped.TOPIC}
