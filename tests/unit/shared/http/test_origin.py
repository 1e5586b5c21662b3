"""Every answer names its request, every problem and line of the log too, whatever made them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from litestar import get
from litestar.testing import TestClient

from services.intake.entrypoints.app import make_app
from shared.http.auth import Callers
from shared.http.logs import configure_logs
from shared.http.server import guarded
from shared.trace import ORIGIN

LOCAL = "http://127.0.0.1"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@get("/origin", sync_to_thread=False)
def shown() -> dict[str, str]:
    return ORIGIN.get()._asdict()


@get("/failing", sync_to_thread=False)
def failing() -> None:
    raise RuntimeError("nobody foresaw this")


@pytest.fixture
def client() -> TestClient[Any]:
    return TestClient(guarded(make_app([shown, failing], Callers(local_allowed=True))), base_url=LOCAL)  # type: ignore[type-var, arg-type]


def test_request__is_named_as_its_caller_named_it(client: TestClient[Any]) -> None:
    answer = client.get("/origin", headers={"X-Request-Id": "portal-17", "traceparent": TRACE})
    assert answer.headers["x-request-id"] == "portal-17"
    assert answer.json() == {"request_id": "portal-17", "traceparent": TRACE}


def test_request__without_a_name_is_given_another_each_time(client: TestClient[Any]) -> None:
    names = {client.get("/origin").headers["x-request-id"] for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("given", ["no trace", TRACE + "0", TRACE.replace("00-", "ff-", 1)])
def test_trace__that_is_malformed_is_left_out(client: TestClient[Any], given: str) -> None:
    assert client.get("/origin", headers={"traceparent": given}).json()["traceparent"] == ""


def test_trace__given_twice_is_left_out(client: TestClient[Any]) -> None:
    other = TRACE.replace("4bf9", "4bf8")
    answer = client.get("/origin", headers=[("traceparent", TRACE), ("traceparent", other)])  # type: ignore[arg-type]
    assert answer.json()["traceparent"] == ""


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/origin?x=1", 400), ("/failing", 500), ("/origin?" + "x" * 5000, 400)]
)
def test_problem__names_its_request(client: TestClient[Any], path: str, status: int) -> None:
    answer = client.get(path, headers={"X-Request-Id": "portal-17"})
    assert (answer.status_code, answer.json()["request_id"]) == (status, "portal-17")
    assert answer.headers["x-request-id"] == "portal-17"


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Give other tests back what a test makes of the logs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("logs_as_before")
def test_log__names_request_and_trace(client: TestClient[Any], capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("intake")
    client.get("/failing", headers={"X-Request-Id": "portal-17", "traceparent": TRACE})
    line = next(line for line in capsys.readouterr().err.splitlines() if "unforeseen" in line)
    assert '"request_id": "portal-17"' in line and '"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"' in line
