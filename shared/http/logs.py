"""Logs as JSON lines on standard error, without personal data: names of things, never what citizens wrote."""

import logging
import sys

import structlog

from shared.trace import ORIGIN


def configure_logs(service: str, level: int = logging.INFO) -> None:
    """Set up structlog, and route the libraries' own messages through it."""
    shared_steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_service(service),
        _name_origin,
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # A library's exception text can quote a row or a body: its kind is enough, so no traceback is printed.
            processors=[
                _drop_exception,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared_steps],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _name_service(service: str) -> structlog.typing.Processor:
    def add(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return add


def _name_origin(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    origin = ORIGIN.get()
    if origin.request_id:
        event["request_id"] = origin.request_id
    if origin.traceparent:
        event["trace_id"] = origin.trace_id
    return event


def _drop_exception(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    found = event.pop("exc_info", None)
    if isinstance(found, tuple) and found[0] is not None:
        event["kind"] = found[0].__name__
    return event
