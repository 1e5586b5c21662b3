"""The parts that the OpenAPI documents of both services share: problems, the token, where the document is."""

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from shared.http.problems import PROBLEM_JSON, Problem


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Problem answers by status."""
    words = {
        400: "not JSON, or a parameter that is not valid",
        401: "no token, or one not known here",
        403: "this role, jurisdiction or agency may not",
        404: "no such thing",
        409: "a rule refuses it; `type` names the rule",
        412: "the version in If-Match is not the current one",
        413: "a body beyond 1 MiB",
        415: "a body that is not application/json",
        422: "a field is wrong, or the key was used with another body",
        503: "the store cannot take it now; try again with the same key",
    }
    return {
        s: ResponseSpec(Problem, generate_examples=False, description=words[s], media_type=PROBLEM_JSON)
        for s in statuses
    }


def document(title: str, description: str) -> OpenAPIConfig:
    """The document of a service; `/schema/openapi.json` serves it."""
    return OpenAPIConfig(
        title=title,
        version="1",
        description=description,
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        path="/schema",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=False,
    )
