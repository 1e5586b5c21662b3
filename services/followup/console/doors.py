"""*Bạn là ai?*: in development, a door for each role, with one thing to try behind it."""

from typing import NamedTuple

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from services.followup.adapters.read.listings import CaseFilter
from services.followup.adapters.read.queries import Queries
from services.followup.application.access import Scope
from services.followup.console.addresses import SEE_OTHER
from services.followup.console.pages import Pages
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.http.auth import COOKIE, Callers, Role, cookie_of, lesser_token
from shared.http.tokens import ROLE_TITLES
from shared.identifiers import NATION

DOORS = "/doors"
EVERY_ROLE = "all"
#: A browser that wants to go on with every role keeps this.
ASKED = "doithoai_asked"


class Door(NamedTuple):
    """A role, one thing to try, and where; `{place}` is a place of the store."""

    role: Role
    to_try: Bilingual
    address: str


_DOORS = (
    Door(
        "office",
        Bilingual("Tiếp nhận và phân loại một kiến nghị", "Receive and classify a petition"),
        "/jurisdictions/{place}/do/receive",
    ),
    Door(
        "chair",
        Bilingual("Xem hội nghị và kết luận", "See the conference and its conclusions"),
        "/conferences",
    ),
    Door(
        "agency",
        Bilingual("Xem việc của mình và trả lời", "See what it owes, and reply"),
        "/",
    ),
    Door(
        "auditor",
        Bilingual("Đọc báo cáo và xem từng ngày được tính", "Read the report, see every day counted"),
        "/reports",
    ),
    Door(
        "operations",
        Bilingual("Xem hệ thống đang đọc đến đâu", "See how far the system has read"),
        "/administration",
    ),
    Door(
        "admin",
        Bilingual("Giao vị trí công tác cho một người", "Grant somebody a post"),
        "/people",
    ),
)


class DoorPlaces(NamedTuple):
    """Where those behind the doors work: the place with most below it, and an agency that has open cases there."""

    place: str
    agency: str


def door_routes(pages: Pages, queries: Queries, callers: Callers) -> list[HTTPRouteHandler]:
    """The routes of the doors; there are none where nobody is `local`."""

    async def places() -> DoorPlaces:
        scope = Scope(NATION)
        agencies = (await queries.agencies(scope, "", 500)).items
        if not agencies:
            known = await queries.places(scope)
            return DoorPlaces(next(iter(known), NATION), "")
        # Whatever is overdue, a door leads to the same desk: of the agencies with open cases the first by its code.
        wanted = CaseFilter(ended=False, sort="agency")
        at_work = {case.row.agency for case in (await queries.cases(scope, wanted, 500)).items}
        agency = next((each for each in agencies if each.code in at_work), agencies[0])
        return DoorPlaces(agency.jurisdiction, agency.code)

    @get(DOORS, include_in_schema=False)
    async def doors(request: HttpRequest) -> Response[str]:
        or_404(callers.are_local or None, "page")
        return pages.bare(request, "doors.html", doors=_DOORS, titles=ROLE_TITLES, every_role=EVERY_ROLE)

    @get(DOORS + "/{name:str}", include_in_schema=False)
    async def enter(request: HttpRequest, name: FromPath[str]) -> Redirect:
        or_404(callers.are_local or None, "page")
        if name == EVERY_ROLE:
            answer = Redirect("/", status_code=SEE_OTHER)
            answer.delete_cookie(COOKIE, path="/")
            answer.set_cookie(ASKED, "yes", httponly=True, samesite="strict", path="/")
            return answer
        door, at = or_404(next((each for each in _DOORS if each.role == name), None), "page"), await places()
        answer = Redirect(door.address.format(place=at.place), status_code=SEE_OTHER)
        token = lesser_token(door.role, at.place, at.agency if door.role == "agency" else "")
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")
        return answer

    return [doors, enter]


def is_to_be_asked(request: HttpRequest, callers: Callers) -> bool:
    """Whether a browser without a session is asked first who it is."""
    return callers.are_local and cookie_of(request) is None and cookie_of(request, ASKED) is None
