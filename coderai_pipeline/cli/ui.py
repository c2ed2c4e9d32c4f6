"""`coderai ui`: the Dagster UI, its daemon and the sensors, over this home of projects."""

import os
import signal
import socket
import sys
from pathlib import Path

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.storage.projects import find_home
from coderai_pipeline.telemetry import logs


@click.command("ui")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Other people reach it only through a proxy that knows them."
)
@click.option("--read-only", is_flag=True, help="For viewers: changes and starts nothing, and runs no sensors.")
def ui(port: int, host: str, *, read_only: bool) -> None:
    """Start the Dagster UI; stop it with Ctrl-C."""
    from coderai_pipeline.defs.events import enable_batches
    from coderai_pipeline.defs.headless import CHECKOUT, dagster_home
    from coderai_pipeline.defs.reload import UI_URL

    _require_free(host, port)
    home = find_home()
    os.environ["DAGSTER_HOME"] = str(dagster_home(home))
    os.environ["CODERAI_HOME"] = str(home)
    os.environ.setdefault(UI_URL, f"http://127.0.0.1:{port}")
    enable_batches()
    _require_storage(home)
    click.echo(f"projects: {home}\nUI:       http://{host}:{port}")
    dagster = ["dagster_webserver", "--read-only"] if read_only else ["coderai_pipeline.defs.dev", "dev"]
    where = ["-w", str(CHECKOUT / "workspace.yaml"), "-h", host, "-p", str(port)]
    command = [sys.executable, "-m", *dagster, *where, *(["--log-format", "json"] if logs.is_on() else [])]
    # Dagster ends its processes by this signal, which they would inherit as ignored where a script starts the UI with `&`.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter, fixed arguments


def _require_storage(home: Path) -> None:
    """Where it is PostgreSQL, that it can be used: each of Dagster's processes would end with a page of its own code."""
    from coderai_pipeline.defs.headless import open_instance
    from coderai_pipeline.defs.instance import POSTGRES_URL

    if os.environ.get(POSTGRES_URL):
        with plain_errors(), open_instance(home):
            pass


def _require_free(host: str, port: int) -> None:
    """Raises ClickException where something listens there already: Dagster would go on without a page, its daemon running twice."""
    try:
        with socket.create_connection((host, port), timeout=1):
            pass
    except OSError:
        return
    raise click.ClickException(
        f"something runs at http://{host}:{port} already, perhaps this UI; stop it, or choose another port: "
        f"coderai ui --port {port + 1}"
    )
