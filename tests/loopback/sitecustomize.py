"""Cuts a Python process off every network but this machine's own, as if the cable were out.

`tests.conftest` runs it for the tests, and names this folder in PYTHONPATH so that the processes they start run it too.
"""

import errno
import ipaddress
import socket
import sys
from typing import Any

_OWN_NAMES = {"", "localhost", socket.gethostname()}


def _refuse_elsewhere(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise OSError(errno.ENETUNREACH, f"tests reach this machine alone, not {address[0]}")
    elif event == "socket.getaddrinfo" and not _is_here(arguments[0]):
        raise socket.gaierror(socket.EAI_NONAME, f"tests reach this machine alone, not {arguments[0]}")


def _is_here(host: str | bytes | None) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host or ""
    if name in _OWN_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


sys.addaudithook(_refuse_elsewhere)
