"""Spans made and sent by the SDK of OpenTelemetry. Nobody waits for the collector: what it cannot take is dropped."""

import contextlib
import threading
from collections.abc import Iterator

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from shared.trace import ORIGIN

WAITING = 2048  # spans that wait for the collector; beyond that new ones are dropped
TRIES_FOR = 5.0  # seconds in which a batch is tried

_KINDS = {
    "server": SpanKind.SERVER,
    "internal": SpanKind.INTERNAL,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


class OtlpSpans:
    """The spans of one process."""

    def __init__(self, service: str, exporter: SpanExporter | None = None) -> None:
        # A process that ends does not wait for a collector that is away: the sender is a thread that ends with it.
        self._provider = TracerProvider(
            resource=Resource.create({"service.namespace": "doithoai", "service.name": service}),
            shutdown_on_exit=False,
        )
        sender = exporter or OTLPSpanExporter(timeout=TRIES_FOR)
        self._provider.add_span_processor(BatchSpanProcessor(sender, max_queue_size=WAITING))
        self._tracer = self._provider.get_tracer("doithoai")

    @contextlib.contextmanager
    def span(self, name: str, kind: str, parent: str) -> Iterator[dict[str, str | int]]:
        """A span below that of a traceparent; what runs in it goes on from it."""
        made = self._tracer.start_span(name, set_span_in_context(_of(parent)), _KINDS[kind], record_exception=False)
        context = made.get_span_context()
        traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags) & 1:02x}"
        before = ORIGIN.set(ORIGIN.get()._replace(traceparent=traceparent))
        attributes: dict[str, str | int] = {}
        try:
            yield attributes
        except BaseException as error:
            # The message of an error may hold what a citizen wrote: its kind is enough.
            made.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            ORIGIN.reset(before)
            made.set_attributes(attributes)
            made.end()

    def flush(self, seconds: float) -> bool:
        """Send what waits, for so many seconds at most; whether all of it left."""
        done = threading.Thread(target=self._provider.force_flush, args=(int(seconds * 1000),), daemon=True)
        done.start()
        done.join(seconds)
        return not done.is_alive()


def _of(traceparent: str) -> NonRecordingSpan:
    if not traceparent:
        return NonRecordingSpan(SpanContext(0, 0, is_remote=False))
    _, trace_id, span_id, flags = traceparent.split("-")
    return NonRecordingSpan(
        SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    )
