"""Pages of documentation, which both services serve: no script, no other host, one style."""

import base64
import functools
import hashlib
import re
from importlib import resources
from typing import Any

import jinja2
import markupsafe
from litestar import Request, Response

#: Nothing is loaded but the style that stands in the page itself; a form asks this service alone.
_POLICY = "default-src 'none'; style-src {style}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


_IN_CODE = re.compile(r"`([^`]+)`")


@functools.cache
def _templates(package: str) -> jinja2.Environment:
    loaders = [jinja2.PackageLoader(name) for name in dict.fromkeys((package, "shared.http"))]
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("shared.http").joinpath("templates/docs.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    made.globals |= {"style": style, "policy": _POLICY.format(style=f"'sha256-{digest}'")}
    made.filters["with_code"] = _with_code
    return made


def _with_code(text: str) -> markupsafe.Markup:
    """A text whose names in backticks are code."""
    return markupsafe.Markup(_IN_CODE.sub(r"<code>\1</code>", str(markupsafe.escape(text))))


def page(template: str, package: str = "shared.http", **values: Any) -> Response[Any]:
    """A page of a template, which stands in a package's `templates`, with its values."""
    made = _templates(package)
    headers = {"Content-Security-Policy": str(made.globals["policy"]), "Referrer-Policy": "no-referrer"}
    return Response(made.get_template(template).render(**values), media_type="text/html", headers=headers)


def prefers_html(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser asks; a program that names JSON, or nothing, does not."""
    return "text/html" in request.headers.get("accept", "")
