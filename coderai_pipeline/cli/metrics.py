"""`coderai metrics`: what a monitoring system asks for: Prometheus metrics, and whether the deployment is live and ready.

The figures are worked out in `engine.metrics`.
"""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import click

from coderai_pipeline.storage.projects import Home, find_home

Reply = tuple[str, str, str]
"""Status, content type and body."""


@click.command("metrics")
@click.option("--port", type=click.IntRange(0, 65535), default=9464, show_default=True, help="0: any free port.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--print", "once", is_flag=True, help="Print the metrics once and end.")
def metrics(port: int, host: str, *, once: bool) -> None:
    """Serve /metrics (Prometheus), /live and /ready until Ctrl-C. No names, texts or values of documents are among them."""
    home = Home(find_home())
    if once:
        click.echo(_metrics(home)[2], nl=False)
        return
    with make_server(host, port, _application(home), handler_class=_Quiet) as server:
        click.echo(f"metrics: http://{host}:{server.server_port}/metrics")
        server.serve_forever()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A line for each scrape tells nobody anything."""


def _application(home: Home) -> Callable[..., Iterable[bytes]]:
    pages: dict[str, Callable[[Home], Reply]] = {"/metrics": _metrics, "/live": _live, "/ready": _ready}

    def answer(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        status, kind, body = pages.get(environ["PATH_INFO"], _unknown)(home)
        start_response(status, [("Content-Type", kind)])
        return [body.encode()]

    return answer


def _metrics(home: Home) -> Reply:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    from coderai_pipeline.engine.metrics import ProjectMetrics

    registry = CollectorRegistry()
    registry.register(ProjectMetrics(home))
    return "200 OK", CONTENT_TYPE_LATEST, generate_latest(registry).decode()


def _live(_: Home) -> Reply:
    return "200 OK", "text/plain", "live\n"


def _ready(home: Home) -> Reply:
    """Ready: the home of projects can be read and Dagster's storage answers."""
    from coderai_pipeline.defs.headless import open_instance

    try:
        home.list()
        with open_instance(home.root) as instance:
            instance.get_runs_count()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why work cannot be done
        # Not to whoever asks: it names hosts and paths.
        click.echo(f"not ready: {type(error).__name__}: {error}", err=True)
        return "503 Service Unavailable", "text/plain", f"not ready: {type(error).__name__}\n"
    return "200 OK", "text/plain", "ready\n"


def _unknown(_: Home) -> Reply:
    return "404 Not Found", "text/plain", "there are /metrics, /live and /ready\n"
