"""`coderai ui` before it hands over to Dagster."""

import socket
from contextlib import closing

from click.testing import CliRunner

from coderai_pipeline.cli import main


def test_a_port_that_is_taken_is_told_before_anything_starts() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(main, ["ui", "--port", str(port)])
    assert refused.exit_code == 1
    assert f"something runs at http://127.0.0.1:{port} already" in refused.stderr
    assert f"coderai ui --port {port + 1}" in refused.stderr
