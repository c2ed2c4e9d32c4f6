"""A real OTLP/HTTP collector for tests, and the JSON lines of a log file as values."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """A span as it arrived. parent: the id of its parent, "" = it is a root."""

    name: str
    trace: str
    id: str
    parent: str
    kind: str
    attributes: dict[str, Any]
    events: tuple[str, ...]
    seconds: float
    is_error: bool
    service: str


@dataclass(slots=True)
class Collector:
    """status: what deliveries are answered with."""

    status: int = 200
    endpoint: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint}

    def spans(self, name: str = "") -> list[SeenSpan]:
        """Those received so far whose name begins so, in the order of their beginning."""
        found = sorted(
            ((span.start_time_unix_nano, _seen(span, service)) for span, service in self._received()),
            key=lambda one: one[0],
        )
        return [span for _, span in found if span.name.startswith(name)]

    def _received(self) -> Iterator[tuple[Span, str]]:
        for body in list(self.bodies):
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {one.key: _value(one.value) for one in of_resource.resource.attributes}["service.name"]
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        yield span, service


def _seen(span: Span, service: str) -> SeenSpan:
    return SeenSpan(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        Span.SpanKind.Name(span.kind),
        {one.key: _value(one.value) for one in span.attributes},
        tuple(event.name for event in span.events),
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        span.status.code == 2,
        service,
    )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(one) for one in value.array_value.values)
    return getattr(value, kind) if kind else None


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    """Listens for `/v1/traces` until it is left."""
    received = Collector(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            received.bodies.append(body)
            self.send_response(received.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield received
        server.shutdown()


@contextmanager
def deaf_collector() -> Iterator[str]:
    """An endpoint that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def events(path: Path, event: str) -> list[dict[str, Any]]:
    return [line for line in lines(path) if line["event"] == event]
