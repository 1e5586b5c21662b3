"""Shows problems to people: a page instead of JSON, and the sign-in for a browser without a token.

A form may be refused before it is looked at: its sender's token is no longer known, or a page of others sent it. What
was typed comes back on the page of the problem then, so that nobody types a petition twice.
"""

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from services.followup.adapters.intake_client import Refusal
from services.followup.console.addresses import LOGIN, POSTS, SEE_OTHER
from services.followup.console.form_body import MULTIPART, TYPED, URL_ENCODED, keep_as_typed, read_form
from services.followup.console.intake_door import status_of
from services.followup.console.pages import Pages, field_title
from services.followup.console.targets import Back, FormTarget
from services.followup.console.typed_numbers import typed_number
from services.followup.domain.wording.names import Bilingual
from services.followup.entrypoints.app import Handler
from services.followup.entrypoints.query_parameters import HttpRequest
from services.followup.entrypoints.signed_in import kept_form_token
from shared.http.auth import is_from_foreign_page
from shared.http.html import prefers_html
from shared.http.problems import Problem, ProblemError

MAX_KEPT = 256 * 1024  # bytes of a form: whoever is refused may not make this process read more
FORMS = (URL_ENCODED, MULTIPART)
#: What a form sends beside what people typed.
OWN = frozenset({"key", "more", "confirmed", "back", "token", "to", "version", "draft", "tried", "of", "on", "person"})
UNKEPT = "unkept"  # where a request's scope keeps the fields whose files were not kept
OF_A_FILE = (".media_type", ".size", ".rows")
_FOR_MACHINES = re.compile(r"yes|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")


async def refused_page(
    pages: Pages, request: HttpRequest, target: Back | FormTarget, refusal: Refusal
) -> Response[str]:
    """Why there is no form now. Of one that was sent what was typed comes back, to be taken to the form again."""
    # Whom intake would refuse may not make this process read a file.
    await (keep_typed(request) if refusal.status in (403, 404) else _keep_beside_files(request))
    typed = request.scope["state"].get(TYPED, [])
    return await pages.show(
        request,
        "refused.html",
        status=status_of(refusal, 409),
        target=target,
        detail=refusal.detail,
        typed=typed,
        labels=_labels(typed),
    )


async def keep_typed(request: Request[Any, Any, Any]) -> None:
    """Keep what was typed into a form that is about to be refused; files are not kept."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    size = typed_number(request.headers.get("content-length", ""))
    if request.method != "POST" or kind not in FORMS or size is None or size > MAX_KEPT:
        return
    unkept = _Unkept()
    with contextlib.suppress(ProblemError, HTTPException):  # what is no form of ours has nothing to keep
        filled = await read_form(request, _EVERY_FILE, most=MAX_KEPT, sink=unkept)
        keep_as_typed(request, {name: value for name, value in filled.items() if name not in unkept.names})
        request.scope["state"][UNKEPT] = sorted(unkept.names)


def for_people(pages: Pages) -> Callable[[Handler], Handler]:
    """Answer a browser with a page. A program, or a browser that asks the API, gets the problem itself.

    A browser without a token is sent to sign in.
    """

    def shown_to_people(handler: Handler) -> Handler:
        def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
            response = handler(request, error)
            if not prefers_html(request):
                return response
            typed = request.scope["state"].get(TYPED, [])
            is_unknown = isinstance(error, ProblemError) and error.status == 401
            # Who did sign in, and is not taken, would be led from sign-in to sign-in without a word.
            is_not_taken = isinstance(error, ProblemError) and error.sentence == "token-not-taken"
            if is_unknown and request.method != "POST" and not is_not_taken:
                to = request.scope["path"]
                return Redirect(LOGIN if to == "/" else f"{LOGIN}?to={quote(to, safe='')}", status_code=SEE_OTHER)
            if request.url.path.startswith("/v1/"):
                return response
            if isinstance(error, ProblemError) and _waits_for_post(error) and request.method != "POST":
                return Redirect(f"{POSTS}?to={quote(request.scope['path'], safe='')}", status_code=SEE_OTHER)
            is_old_form = isinstance(error, ProblemError) and error.sentence == "form"
            problem = msgspec.json.decode(response.content, type=Problem)
            again = request.url.path if (is_unknown or is_old_form) and not is_from_foreign_page(request) else ""
            # A file is not kept: who sends the form again has to choose it anew, or it would be left out unseen.
            unkept = request.scope["state"].get(UNKEPT, []) if is_unknown and again else []
            kept = kept_form_token(request) if is_unknown and again and typed else None
            shown = pages.bare(
                request,
                "problem.html",
                kept_token=kept[0] if kept is not None else "",
                files={name: field_title(name.rpartition(".")[2]) for name in unkept},
                said=problem.translations,
                typed=typed,
                labels=_labels(typed),
                # Sent again by a click on this page it is ours; what others sent is shown and no more.
                again=again,
                sign_in=LOGIN if is_unknown and not is_not_taken else "",
                sign_in_anew=LOGIN if is_not_taken else "",
            )
            shown.status_code, shown.headers = response.status_code, {**response.headers, **shown.headers}
            if kept is not None:
                shown.cookies.append(kept[1])
            return shown

        return answer

    return shown_to_people


async def _keep_beside_files(request: HttpRequest) -> None:
    """Keep what was typed into a form of somebody signed in; a file has to be chosen again."""
    if request.method != "POST":
        return
    unkept = _Unkept()
    with contextlib.suppress(ProblemError, HTTPException):
        filled = await read_form(request, _EVERY_FILE, sink=unkept)
        keep_as_typed(request, {name: value for name, value in filled.items() if name not in unkept.names})


class _Unkept:
    """Passes over the files of a form."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    async def begin(self, name: str, called: str) -> None:
        """The file of an input begins."""
        self.names.add(name)

    async def write(self, piece: bytes) -> None:
        """A piece of it."""

    async def end(self) -> None:
        """It has ended."""


class _Everything(Collection[str]):
    """Every name."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


_EVERY_FILE = _Everything()


def _waits_for_post(error: ProblemError) -> bool:
    """Whether a person has signed in and has to choose a post first, or has none: the page of posts says so."""
    return error.sentence in ("post-not-chosen", "no-post")


def _labels(typed: Sequence[tuple[str, str]]) -> dict[str, Bilingual]:
    """What people typed, by what its input is called; ids, digests and ticks are carried along unseen."""
    return {
        name: field_title(name.rpartition(".")[2])
        for name, value in typed
        if name not in OWN and not name.endswith(OF_A_FILE) and not _FOR_MACHINES.fullmatch(value)
    }
