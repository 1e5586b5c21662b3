"""The OpenAPI 3.1 documents, from the applications themselves; nothing is started for it."""

from typing import Any, cast

from litestar.handlers import HTTPRouteHandler

from services.followup.entrypoints import app as followup_app
from services.followup.entrypoints import queries as followup_queries
from services.followup.entrypoints.me import me_routes
from services.followup.entrypoints.reminders import reminder_routes
from services.followup.entrypoints.reports import report_routes
from services.followup.entrypoints.subscriptions import subscription_routes
from services.intake.entrypoints.acts import act_routes
from services.intake.entrypoints.answers import answer_routes
from services.intake.entrypoints.app import make_app
from services.intake.entrypoints.catalogue_queries import catalogue_routes
from services.intake.entrypoints.clock import clock_routes
from services.intake.entrypoints.command_queries import command_query_routes
from services.intake.entrypoints.commands import command_routes
from services.intake.entrypoints.files import file_routes, upload_route
from services.intake.entrypoints.openapi import WORDS
from services.intake.entrypoints.people_queries import people_routes
from services.intake.entrypoints.pushed_queries import pushed_routes
from services.intake.entrypoints.pushes import push_routes
from services.intake.entrypoints.queries import query_routes
from services.intake.entrypoints.refused_queries import refused_route
from services.intake.entrypoints.rule_queries import regulation_routes
from shared.http.auth import Callers
from shared.http.docs import docs_routes
from shared.http.event_schemas import schema_routes
from shared.http.feed import feed_route
from shared.http.health import health_routes
from shared.http.problem_registry import problem_routes
from shared.problem_words import DOOR_WORDS

#: Stands for what the handlers would use if they were called.
NOTHING = cast(Any, None)


def intake_routes() -> list[HTTPRouteHandler]:
    """The routes of intake."""
    return [
        *command_routes(NOTHING),
        *act_routes(NOTHING),
        *push_routes(NOTHING, NOTHING),
        *command_query_routes(NOTHING),
        *query_routes(NOTHING),
        *answer_routes(NOTHING),
        *pushed_routes(NOTHING, NOTHING, NOTHING),
        *regulation_routes(NOTHING),
        *catalogue_routes(NOTHING),
        upload_route(NOTHING),
        *file_routes(NOTHING, NOTHING),
        *people_routes(NOTHING, NOTHING),
        refused_route(NOTHING, NOTHING, NOTHING),
        *clock_routes(NOTHING, NOTHING, NOTHING),
        feed_route(NOTHING, NOTHING, NOTHING),
        *problem_routes("intake", WORDS),
        *schema_routes(),
        *docs_routes(),
        *health_routes(NOTHING, NOTHING),
    ]


def intake() -> dict[str, Any]:
    """The document of intake."""
    return make_app(intake_routes(), Callers(local_allowed=True)).openapi_schema.to_schema()


def followup_routes() -> list[HTTPRouteHandler]:
    """The routes of followup for programs."""
    return [
        *followup_queries.query_routes(NOTHING, NOTHING),
        *report_routes(NOTHING),
        *reminder_routes(NOTHING, NOTHING),
        *me_routes(NOTHING),
        *subscription_routes(NOTHING),
        feed_route(NOTHING, NOTHING, NOTHING),
        *problem_routes("followup", DOOR_WORDS),
        *schema_routes(),
        *docs_routes(),
        *health_routes(NOTHING, NOTHING),
    ]


def followup() -> dict[str, Any]:
    """The document of followup."""
    return followup_app.make_app(followup_routes(), Callers(local_allowed=True)).openapi_schema.to_schema()
