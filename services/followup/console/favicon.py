"""The picture by which a browser marks our pages: a sheet with three lines, ticked."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from shared.http.permissions import OPEN, PERMISSION

FAVICON = "/favicon.svg"
A_DAY = 24 * 60 * 60  # seconds
_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-linecap="round">
<rect width="32" height="32" rx="6" fill="#0b3a63"/>
<path d="M8 10h16M8 16h9M8 22h6" stroke="#fff" stroke-width="2.5"/>
<path d="M17 22l3 3 6-8" stroke="#ffd166" stroke-width="3" stroke-linejoin="round"/>
</svg>
"""


def favicon_route() -> HTTPRouteHandler:
    """The route of the picture."""

    @get(FAVICON, include_in_schema=False, opt={PERMISSION: OPEN})
    async def favicon() -> Response[str]:
        return Response(_PICTURE, media_type="image/svg+xml", headers={"Cache-Control": f"public, max-age={A_DAY}"})

    return favicon
