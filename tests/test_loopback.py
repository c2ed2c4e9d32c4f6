"""What every test rests on: neither the tests nor what they start can reach beyond this machine."""

import socket
import subprocess
import sys
from contextlib import closing

import pytest

TRY = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(OSError, match="this machine alone"):
        socket.create_connection(("192.0.2.1", 80), timeout=5)
    with pytest.raises(socket.gaierror, match="this machine alone"):
        socket.create_connection(("example.org", 80), timeout=5)


def test_no_process_that_a_test_starts_reaches_the_network() -> None:
    tried = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, check=False)
    assert "this machine alone" in tried.stderr


def test_servers_of_this_machine_are_reached() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
