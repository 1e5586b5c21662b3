"""What every route of both services does with its address, whatever it is for. No handler is called."""

from typing import Any, NamedTuple

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from services.followup.console.cases import case_pages
from services.followup.console.catalogues import catalogue_pages
from services.followup.console.conflicts import conflict_pages
from services.followup.console.daily.remind import remind_routes
from services.followup.console.daily.routes import daily_routes
from services.followup.console.favicon import favicon_route
from services.followup.console.figures import figures_routes
from services.followup.console.forms import form_routes
from services.followup.console.language import language_routes
from services.followup.console.places import place_pages
from services.followup.console.reports import report_pages
from services.followup.console.sign_in import sign_in_routes
from services.followup.console.work import work_routes
from services.followup.entrypoints.app import make_app as followup_app
from services.intake.entrypoints.app import make_app as intake_app
from shared.http.auth import Callers
from shared.http.metrics import metrics_route
from shared.http.parameters import parameters_of
from tests.contracts.openapi import NOTHING, followup_routes, intake_routes

LOCAL = "http://127.0.0.1"
ID = "01900000-0000-7000-8000-000000000000"
IN_PATH = {"uuid": ID, "int": "2026", "str": "x"}


class PlaceInBody(NamedTuple):
    """One method at one address of a service."""

    app: Litestar
    method: str
    path: str
    handler: HTTPRouteHandler

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def pages() -> list[HTTPRouteHandler]:
    return [
        *work_routes(NOTHING, NOTHING, NOTHING, NOTHING),
        *conflict_pages(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        *case_pages(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        *place_pages(NOTHING, NOTHING, NOTHING, NOTHING),
        *catalogue_pages(NOTHING, NOTHING, NOTHING, NOTHING),
        *daily_routes(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        *remind_routes(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        *figures_routes(NOTHING, NOTHING, NOTHING),
        *report_pages(NOTHING, NOTHING, NOTHING),
        *form_routes(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        *sign_in_routes(NOTHING, NOTHING),
        *language_routes(),
        favicon_route(),
    ]


def places() -> list[PlaceInBody]:
    metrics = [metrics_route(_Nothing(), NOTHING)]
    apps = (
        intake_app([*intake_routes(), *metrics], Callers(local_allowed=True)),
        followup_app([*followup_routes(), *pages(), *metrics], Callers(local_allowed=True)),
    )
    found = [
        PlaceInBody(app, method, _filled(route), handler)
        for app in apps
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method != "OPTIONS"
    ]
    # Each worker that shares the tests must name them in the same order.
    return sorted(found, key=str)


class _Nothing:
    def collect(self) -> list[Any]:
        return []


def _filled(route: Any) -> str:
    parts = [IN_PATH[p.type.__name__.lower()] if hasattr(p, "type") else p for p in route.path_components]
    return "/" + "/".join(parts)


PLACES = places()


def test_every_route_of_both_services_is_walked() -> None:
    assert len(PLACES) > 100
    assert {"/v1/petitions", f"/v1/cases/{ID}", "/figures", "/healthz", "/metrics", "/"} <= {p.path for p in PLACES}


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_query__that_the_route_does_not_know_is_refused_with_what_it_knows(place: PlaceInBody) -> None:
    client = TestClient(place.app, base_url=LOCAL)
    answer = client.request(place.method, f"{place.path}?sate=raised")
    assert answer.status_code == 400
    if place.method != "HEAD":
        found = answer.json()
        assert found["type"] == "urn:doithoai:problem:invalid-request"
        assert found["field"] == "sate"
        assert found.get("allowed", []) == sorted(p.name for p in parameters_of(place.handler).values())


@pytest.mark.parametrize(
    ("place", "name"),
    [(p, n.name) for p in PLACES for n in parameters_of(p.handler).values() if not n.several and p.method != "HEAD"],
    ids=str,
)
def test_query__with_a_parameter_twice_is_refused(place: PlaceInBody, name: str) -> None:
    answer = TestClient(place.app, base_url=LOCAL).request(place.method, f"{place.path}?{name}=1&{name}=2")
    assert (answer.status_code, answer.json()["field"]) == (400, name)


def test_get__has_a_head_at_the_same_address() -> None:
    methods: dict[tuple[int, str], set[str]] = {}
    for place in PLACES:
        if not place.path.startswith("/schema"):  # the framework's own
            methods.setdefault((id(place.app), place.path), set()).add(place.method)
    assert [path for (_, path), known in methods.items() if "GET" in known and "HEAD" not in known] == []


@pytest.mark.parametrize("place", [p for p in PLACES if p.method == "GET" and p.path != "/"], ids=str)
def test_address__with_more_slashes_is_another(place: PlaceInBody) -> None:
    """A proxy that keeps others from an address knows only the one that is documented."""
    with_slash = place.path.rstrip("/") + "/"
    for path in (with_slash, f"/{place.path}", with_slash[:-1] + "%2F", place.path.replace("/", "//")):
        answer = TestClient(place.app, base_url=LOCAL).get(f"{LOCAL}{path}")
        assert answer.status_code == 404, path
        assert answer.json()["translations"]["vi"]["detail"].startswith("Không có gì ở địa chỉ này")


def test_options__name_every_method_of_the_address() -> None:
    by_path: dict[tuple[int, str], set[str]] = {}
    for place in PLACES:
        if not place.path.startswith("/schema"):
            by_path.setdefault((id(place.app), place.path), {"OPTIONS"}).add(place.method)
    for place in PLACES:
        if (known := by_path.get((id(place.app), place.path))) is not None:
            answer = TestClient(place.app, base_url=LOCAL).options(place.path)
            assert set(answer.headers["allow"].split(", ")) == known, str(place)


def test_address__takes_the_parameters_that_the_document_names() -> None:
    for app in {id(p.app): p.app for p in PLACES}.values():
        document = app.openapi_schema.to_schema()
        for place in PLACES:
            template = next((r.path_format for r in app.routes if _filled(r) == place.path), "")
            operation = document["paths"].get(template, {}).get(place.method.lower())
            if place.app is app and operation is not None:
                named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
                assert named == {p.name for p in parameters_of(place.handler).values()}, str(place)
