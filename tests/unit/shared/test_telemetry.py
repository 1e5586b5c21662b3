"""Spans: none and no import without a collector; one below the other with one; and nobody waits for it."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from litestar import get
from litestar.testing import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from services.intake.entrypoints.app import make_app
from shared import telemetry
from shared.http.auth import Callers
from shared.http.server import guarded
from shared.otlp_spans import WAITING, OtlpSpans
from shared.telemetry import ENDPOINT, MissingTelemetry, start_telemetry
from shared.trace import ORIGIN, Origin

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"


class Collector(SpanExporter):
    """Keeps what is sent; while it hangs, nothing arrives."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.answers = threading.Event()
        self.answers.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.answers.wait()
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    monkeypatch.setattr(telemetry, "_source", OtlpSpans("intake", made))
    yield made
    made.answers.set()


def sent(collector: Collector) -> dict[str, ReadableSpan]:
    source: Any = telemetry._source
    assert source.flush(5)
    return {span.name: span for span in collector.spans}


@get("/working", sync_to_thread=False)
def working() -> str:
    with telemetry.span("decide"):
        return ORIGIN.get().traceparent


@get("/failing", sync_to_thread=False)
def failing() -> None:
    with telemetry.span("decide"):
        raise RuntimeError("Lò Thị Mai")


@pytest.fixture
def client() -> TestClient[Any]:
    app: Any = guarded(make_app([working, failing], Callers(local_allowed=True)))
    return TestClient(app, base_url="http://127.0.0.1")


def test_span__stands_below_that_of_the_caller_and_what_runs_in_it_below_it(
    collector: Collector, client: TestClient[Any]
) -> None:
    inner = client.get("/working?", headers={"traceparent": GIVEN}).text
    found = sent(collector)
    request, decide = found["GET"], found["decide"]
    assert request.parent is not None and f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert request.context is not None and decide.context is not None and decide.parent is not None
    assert decide.parent.span_id == request.context.span_id
    assert f"{request.context.trace_id:032x}" == TRACE
    assert inner == f"00-{TRACE}-{decide.context.span_id:016x}-01"
    assert request.attributes == {
        "http.request.method": "GET", "http.route": "/working", "http.response.status_code": 200,
    }  # fmt: skip
    assert ORIGIN.get() == Origin()


def test_span__without_a_caller_begins_a_trace(collector: Collector, client: TestClient[Any]) -> None:
    assert client.get("/working").text.startswith("00-")
    assert sent(collector)["GET"].parent is None


def test_span__of_what_fails_says_of_which_kind_and_no_word_more(collector: Collector, client: TestClient[Any]) -> None:
    assert client.get("/failing").status_code == 500
    decide = sent(collector)["decide"]
    assert decide.status.description == "RuntimeError" and not decide.events
    assert "Mai" not in decide.to_json()


def test_collector__that_hangs_holds_nobody_up(collector: Collector, client: TestClient[Any]) -> None:
    collector.answers.clear()
    for _ in range(3 * WAITING):
        with telemetry.span("decide"):
            pass
    assert client.get("/working").status_code == 200
    source: Any = telemetry._source
    assert not source.flush(0.1)


def test_telemetry__is_off_and_not_imported_without_a_collector() -> None:
    code = (
        "import sys; from shared.settings import begin_telemetry; import services.intake.bootstrap;"
        "begin_telemetry('intake'); print([n for n in sys.modules if n.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""})
    assert done.stdout.strip() == "[]"


def test_telemetry__that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "shared.otlp_spans", None)
    with pytest.raises(MissingTelemetry, match="opentelemetry-sdk"):
        start_telemetry("intake")
