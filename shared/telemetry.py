"""Spans of OpenTelemetry, sent to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names; without it nothing is imported.

A span goes on from the trace of what runs, and what runs in it goes on from the span: `shared.trace` keeps where. Names
and attributes are words of the program, never of a citizen.
"""

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from shared.trace import ORIGIN

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SpanKind = Literal["server", "internal", "producer", "consumer"]
SpanContext = AbstractContextManager[dict[str, str | int]]


class SpanSource(Protocol):
    """Begins spans and sends them off."""

    def span(self, name: str, kind: SpanKind, parent: str) -> SpanContext:
        """A span below that of a traceparent, empty for a new trace; its attributes are taken up at its end."""
        ...


class MissingTelemetry(ValueError):
    """A collector is named, and the packages that send to it are not there."""


_source: SpanSource | None = None
_NO_SPAN: SpanContext = contextlib.nullcontext({})


def start_telemetry(service: str) -> None:
    """Send spans from now on, where a collector is named. Raises MissingTelemetry."""
    global _source
    if not os.environ.get(ENDPOINT):
        return
    try:
        from shared.otlp_spans import OtlpSpans
    except ImportError as error:
        raise MissingTelemetry(
            f"{ENDPOINT}: install opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http, or unset it "
            f"({error.name} is missing)"
        ) from None
    _source = OtlpSpans(service)


def is_on() -> bool:
    """Whether spans are sent."""
    return _source is not None


def span(name: str, kind: SpanKind = "internal", parent: str | None = None) -> SpanContext:
    """A span around a piece of work; below the one that it stands in, unless another parent is named."""
    if _source is None:
        return _NO_SPAN
    return _source.span(name, kind, ORIGIN.get().traceparent if parent is None else parent)
