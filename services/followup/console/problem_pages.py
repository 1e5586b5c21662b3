"""Shows problems to people: a page instead of JSON, and the sign-in for a browser without a token.

A form may be refused before it is looked at: its sender's token is no longer known, or a page of others sent it. What
was typed comes back on the page of the problem then, so that nobody types a petition twice.
"""

import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from services.followup.console.addresses import LOGIN, POSTS, SEE_OTHER
from services.followup.console.form_body import MULTIPART, TYPED, URL_ENCODED, keep_as_typed, read_form
from services.followup.console.pages import Pages, field_title
from services.followup.console.typed_numbers import typed_number
from services.followup.entrypoints.app import Handler
from shared.http.auth import is_from_foreign_page
from shared.http.problems import Problem, ProblemError

MAX_KEPT = 256 * 1024  # bytes of a form: whoever is refused may not make this process read more
FORMS = (URL_ENCODED, MULTIPART)
#: What a form sends beside what people typed.
OWN = frozenset({"key", "more", "confirmed", "back", "token", "to"})


async def keep_typed(request: Request[Any, Any, Any]) -> None:
    """Keep what was typed into a form that is about to be refused; files are not kept."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    size = typed_number(request.headers.get("content-length", ""))
    if request.method != "POST" or kind not in FORMS or size is None or size > MAX_KEPT:
        return
    with contextlib.suppress(ProblemError, HTTPException):  # what is no form of ours has nothing to keep
        keep_as_typed(request, await read_form(request, most=MAX_KEPT))


def for_people(pages: Pages) -> Callable[[Handler], Handler]:
    """Answer a browser with a page. A program, or a browser that asks the API, gets the problem itself.

    A browser without a token is sent to sign in.
    """

    def shown_to_people(handler: Handler) -> Handler:
        def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
            response = handler(request, error)
            if not _is_browser(request):
                return response
            typed = request.scope["state"].get(TYPED, [])
            is_unknown = isinstance(error, ProblemError) and error.status == 401
            if is_unknown and request.method != "POST":
                to = request.scope["path"]
                return Redirect(LOGIN if to == "/" else f"{LOGIN}?to={quote(to, safe='')}", status_code=SEE_OTHER)
            if request.url.path.startswith("/v1/"):
                return response
            if isinstance(error, ProblemError) and error.code == "post-not-chosen":
                return Redirect(f"{POSTS}?to={quote(request.scope['path'], safe='')}", status_code=SEE_OTHER)
            is_old_form = isinstance(error, ProblemError) and error.sentence == "form"
            problem = msgspec.json.decode(response.content, type=Problem)
            shown = pages.bare(
                request,
                "problem.html",
                said=problem.translations,
                typed=typed,
                labels={name: field_title(name.rpartition(".")[2]) for name, _ in typed if name not in OWN},
                # Sent again by a click on this page it is ours; what others sent is shown and no more.
                again=request.url.path if (is_unknown or is_old_form) and not is_from_foreign_page(request) else "",
                sign_in=LOGIN if is_unknown else "",
            )
            shown.status_code, shown.headers = response.status_code, {**response.headers, **shown.headers}
            return shown

        return answer

    return shown_to_people


def _is_browser(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "")
