"""Shows problems to people: a page instead of JSON, and the sign-in for a browser without a token."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.response import Redirect

from services.followup.console.pages import Pages
from services.followup.console.sign_in import LOGIN, SEE_OTHER
from services.followup.entrypoints.app import Handler
from shared.http.problems import Problem, ProblemError


def for_people(pages: Pages) -> Callable[[Handler], Handler]:
    """Answer a browser with a page. A program, or a browser that asks the API, gets the problem itself.

    A browser without a token is sent to sign in.
    """

    def shown_to_people(handler: Handler) -> Handler:
        def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
            response = handler(request, error)
            if not _is_browser(request):
                return response
            if isinstance(error, ProblemError) and error.status == 401:
                return Redirect(LOGIN, status_code=SEE_OTHER)
            if request.url.path.startswith("/v1/"):
                return response
            problem = msgspec.json.decode(response.content, type=Problem)
            shown = pages.show("problem.html", said=problem.translations)
            shown.status_code, shown.headers = response.status_code, {**response.headers, **shown.headers}
            return shown

        return answer

    return shown_to_people


def _is_browser(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "")
