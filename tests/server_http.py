"""HTTP/1.1 with keep-alive over asyncio, just as much as a model server's clients use, and every way of breaking it.

What is answered is in `servers`; here are only bytes and connections.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """damage: "" none; `drop` closes the connection without an answer; `cut` closes it half way through the body;
    `trickle` sends byte by byte, for ever so long."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    damage: str = ""


Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class HttpConnection(asyncio.Protocol):
    """One connection of one client: a request, its answer, the next request."""

    def __init__(self, handler: Handler, connections: set["HttpConnection"]) -> None:
        self._handler = handler
        self._connections = connections
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        request = self._read_request()
        if request is not None:
            self._task = asyncio.get_running_loop().create_task(self._answer(request))

    def _read_request(self) -> HttpRequest | None:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        method, target, _ = first.split(" ", 2)
        url = urlsplit(target)
        return HttpRequest(method, url.path, parse_qs(url.query), headers, rest[:length])

    async def _answer(self, request: HttpRequest) -> None:
        response = await self._handler(request)
        assert self._transport is not None
        self._task = None
        if response.damage == "drop":
            self._transport.abort()
            return
        if response.damage == "trickle":
            for byte in _to_bytes(response):
                self._transport.write(bytes([byte]))
                await asyncio.sleep(0.01)
            return
        self._transport.write(_to_bytes(response))
        if response.damage == "cut":
            self._transport.close()
            return
        self._next()


def _to_bytes(response: HttpResponse) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Error')}"]
    headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body)), **response.headers}
    lines += [f"{name}: {value}" for name, value in headers.items()]
    body = response.body[: len(response.body) // 2] if response.damage == "cut" else response.body
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
