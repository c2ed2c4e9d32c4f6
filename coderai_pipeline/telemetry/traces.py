"""OpenTelemetry traces: run -> document -> call. Off, and not even imported, unless the standard environment variables ask for
them; the SDK and the way to the collector are in `otlp`.

Whatever belongs to a span knows it by its `traceparent` (`About.parent`), which goes to other threads and processes alike.
"""

import atexit
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from coderai_pipeline.telemetry.about import About, Attributes, bound, current, known

if TYPE_CHECKING:
    import opentelemetry.trace

    from coderai_pipeline.telemetry.otlp import Tracing

EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROPAGATORS = "OTEL_PROPAGATORS"

log = logging.getLogger(__name__)

_tracing: "Tracing | None" = None


def is_on() -> bool:
    return _tracing is not None


def set_up(*, warns: bool = True) -> None:
    """Does as the environment says, for this process. warns: whether this process says what keeps traces from being delivered."""
    global _tracing
    shut_down()
    if not _is_wanted():
        return
    try:
        from coderai_pipeline.telemetry.otlp import Tracing
    except ImportError:
        if warns:
            log.warning("no traces: the extra `telemetry` is not installed (pip install 'coderai-pipeline[telemetry]')")
        return
    _tracing = Tracing(warns=warns)
    atexit.register(shut_down)


def shut_down() -> None:
    """Sends what is still to be sent; a collector that does not answer is not waited for longer than a delivery may take."""
    global _tracing
    if _tracing is not None:
        ending, _tracing = _tracing, None
        atexit.unregister(shut_down)
        ending.close()


def _is_wanted() -> bool:
    """As OpenTelemetry's specification has it, but that nothing is sent where nobody named an exporter or an endpoint."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = os.environ.get(EXPORTER, "").strip().lower()
    return exporter == "otlp" or (not exporter and any(os.environ.get(name) for name in ENDPOINTS))


class Span:
    """A span that has begun. about: what is known of whatever happens in it, and that it is part of it."""

    __slots__ = ("_span", "about")

    def __init__(self, span: "opentelemetry.trace.Span", about: About) -> None:
        self._span = span
        context = span.get_span_context()
        parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        self.about = replace(about, parent=parent)

    def add(self, attributes: Attributes) -> None:
        self._span.set_attributes(known(attributes))

    def note(self, event: str, attributes: Attributes) -> None:
        """Something that happened at a moment within the span."""
        self._span.add_event(event, known(attributes))

    def end(self, error: str = "", at: int | None = None) -> None:
        """error: the kind of what went wrong, "" = nothing did. at: nanoseconds since the epoch, None = now."""
        if error:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end(at)


def begin(
    name: str, about: About, attributes: Attributes | None = None, *, is_client: bool = False, at: int | None = None
) -> Span | None:
    """A span below `about.parent`, to be ended by the caller; None where traces are off. at: as in `Span.end`."""
    if _tracing is None:
        return None
    ids = {"coderai.project": about.project, "coderai.run_id": about.run_id}
    started = _tracing.start(name, about.parent, {**ids, **(attributes or {})}, is_client=is_client, at=at)
    return Span(started, about)


@contextmanager
def span(name: str, attributes: Attributes | None = None) -> Generator[Span | None]:
    """A span around what happens in here, below the one that is bound."""
    begun = begin(name, current(), attributes)
    if begun is None:
        yield None
        return
    with bound(begun.about):
        try:
            yield begun
        except BaseException as error:
            begun.end(type(error).__name__)
            raise
    begun.end()


def headers_of(span: Span | None) -> dict[str, str] | None:
    """What tells a server which span a request belongs to; None where that is not wanted."""
    if span is None or "tracecontext" not in os.environ.get(PROPAGATORS, "tracecontext"):
        return None
    return {"traceparent": span.about.parent}
