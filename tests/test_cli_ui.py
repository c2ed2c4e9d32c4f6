"""`coderai ui` before it hands over to Dagster, and how it ends."""

import signal
import socket
from contextlib import closing

import psutil
from click.testing import CliRunner

from coderai_pipeline.cli import main
from tests.dagster_ui import running_ui
from tests.deployments import Deployment
from tests.engine.projects import make


def test_a_port_that_is_taken_is_told_before_anything_starts() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(main, ["ui", "--port", str(port)])
    assert refused.exit_code == 1
    assert f"something runs at http://127.0.0.1:{port} already" in refused.stderr
    assert f"coderai ui --port {port + 1}" in refused.stderr


def test_a_ui_that_a_script_starts_behind_itself_ends_when_it_is_told_to(deployment: Deployment) -> None:
    make(deployment.projects, [{"name": "total", "type": "number"}], extractor={"name": "rules"})
    # What a shell does for `coderai ui &` in a script: the processes inherit it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with running_ui(deployment) as ui:
            (process,) = [one for one in psutil.Process().children() if ui.port in one.cmdline()]
            started = process.children(recursive=True)
            assert len(started) >= 3
            process.terminate()
            _, alive = psutil.wait_procs(started, timeout=60)
            assert not alive
    finally:
        signal.signal(signal.SIGINT, before)


def test_viewers_see_the_projects_and_can_start_nothing(deployment: Deployment) -> None:
    make(deployment.projects, [{"name": "total", "type": "number"}], extractor={"name": "rules"})
    with running_ui(deployment, "--read-only") as ui:
        assert ("study", "extractions") in ui.assets()
        allowed = ui.ask("{permissions {permission value}}")["permissions"]
        assert {one["permission"] for one in allowed if one["value"]} == set()
