"""The OpenTelemetry SDK as this package uses it: spans wait in a bounded queue and go to the collector in the background, over
OTLP/HTTP. A collector that does not answer costs spans and one warning, never time.

Endpoint, headers, sampler, service name and so on are read by the SDK from its own environment variables.
"""

import logging
import os
import time
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, set_span_in_context

from coderai_pipeline.telemetry.about import Attributes, known

SERVICE = "coderai_pipeline"
TIMEOUT_S = 2.0
"""Of a delivery and its repetitions, where the environment says nothing else."""
QUIET_S = 30.0
"""For so long nothing is sent to a collector that failed."""

_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")

log = logging.getLogger(__name__)


class Tracing:
    """What makes spans in this process. warns: whether it says that they cannot be delivered."""

    def __init__(self, *, warns: bool) -> None:
        _hear_once(warns=warns)
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME)).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
        timeout_s = None if any(os.environ.get(name) for name in _TIMEOUTS) else TIMEOUT_S
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_Considerate(OTLPSpanExporter(timeout=timeout_s))))
        self._tracer = self._provider.get_tracer(SERVICE)

    def start(self, name: str, parent: str, attributes: Attributes, *, is_client: bool, at: int | None) -> Span:
        """parent: a `traceparent`, "" = none."""
        kind = SpanKind.CLIENT if is_client else SpanKind.INTERNAL
        return self._tracer.start_span(name, _context_of(parent), kind, known(attributes), start_time=at)

    def close(self) -> None:
        self._provider.shutdown()


def _context_of(parent: str) -> Context:
    if not parent:
        return Context()
    _, trace, span, flags = parent.split("-")
    of_parent = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(of_parent), Context())


class _Considerate(SpanExporter):
    """Leaves a collector alone for a while after it failed, so that neither the queue nor the end of the process waits for it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._quiet_until = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if time.monotonic() < self._quiet_until:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._quiet_until = time.monotonic() + QUIET_S
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _hear_once(*, warns: bool) -> None:
    """The SDK logs every delivery that fails; of all that it says, one warning is enough."""
    of_sdk = logging.getLogger("opentelemetry")
    of_sdk.propagate = False
    of_sdk.handlers = [_FirstAlone(warns=warns)]


class _FirstAlone(logging.Handler):
    def __init__(self, *, warns: bool) -> None:
        super().__init__(logging.WARNING)
        self._is_due = warns

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_due:
            self._is_due = False
            log.warning("traces are not delivered, the run goes on without them: %s", record.getMessage()[:300])
