"""One HTTP request for one call: a reply, or what went wrong. Nothing is repeated here.

When to send and what to do about trouble is decided in `provider`.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from coderai_pipeline.domain.cells import CallRequest, JsonValue
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.extractors import chat, responses
from coderai_pipeline.extractors.bodies import json_in, text_in
from coderai_pipeline.extractors.clients import Endpoint, unusable_proxy, without_key
from coderai_pipeline.extractors.formats import Protocol
from coderai_pipeline.extractors.retrying import Trouble, stated_status, trouble_of
from coderai_pipeline.extractors.wire import Asking, Body, Malformed, Said, Usage, any_usage

if TYPE_CHECKING:
    import ssl

    import aiohttp

_CONNECT_S = 15.0
_LONGEST_RAW = 2_000
_SECRET = 16
"""Characters of a key that no document holds by chance; local servers take any word, which a reply may hold."""
_LONGEST_UNREAD = 1024 * 1024
_LONGEST_BODY = 64 * 1024 * 1024
_LONGEST_HEADER = 64 * 1024
_MOST_HEADERS = 1_000
_STALE = 3


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole reply; raw: the body it was read from."""

    said: Said
    raw: JsonValue
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """hung: no answer came within the time given. body: of a success that cannot be read, and what it says it used.
    status: of the response, None where there was none."""

    trouble: Trouble
    headers: Mapping[str, str]
    hung: bool = False
    body: str = ""
    usage: Usage | None = None
    status: int | None = None


Then = Callable[[Answered | Failed, float], None]
"""Takes the outcome of a request and the seconds it took; called on the thread that sends, so it must not wait."""


def body_for(request: CallRequest, asking: Asking, protocol: Protocol) -> Body:
    return responses.body_for(request, asking) if protocol == "responses" else chat.body_for(request, asking)


def load() -> None:
    """Loads what a sender needs, which takes 0.1 s."""
    import aiohttp  # noqa: F401  # pyright: ignore[reportUnusedImport]


class Sender:
    """Sends bodies to one endpoint, all from one thread with an event loop.

    A thread for each of 128 requests in flight, or the openai client's own layer, takes several times the processor time of
    the request itself, and that time is what limits the rate. Redirects are not followed: the key would go with them.
    """

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        self._endpoint = endpoint
        self._key = key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="provider-sender", daemon=True)
        self._under_way: set[asyncio.Task[None]] = set()
        self._session: Future[aiohttp.ClientSession] = Future()

    @property
    def address(self) -> str:
        return self._endpoint.address

    def start(self) -> None:
        """Raises what kept it from starting, such as certificates or a proxy that the environment names wrongly."""
        self._thread.start()
        self._session.result()

    def send(
        self, body: Body, protocol: Protocol, timeout_s: float, then: Then, headers: Mapping[str, str] | None = None
    ) -> None:
        """Makes one request; `then` hears how it ended. Server text comes back without the key. headers: besides the usual."""
        path = responses.PATH if protocol == "responses" else chat.PATH
        url = self._endpoint.url(path, str(body["model"]))
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        self._loop.call_soon_threadsafe(self._begin, _Request(url, content, protocol, timeout_s, headers), then)

    def close(self) -> None:
        """Ends what is still under way; `then` is not called for it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._session.set_result(self._loop.run_until_complete(self._opened()))
        except (OSError, ValueError, InvalidInput) as error:
            self._session.set_exception(error)
            self._loop.close()
            return
        self._loop.run_forever()
        for task in self._under_way:
            task.cancel()
        self._loop.run_until_complete(
            asyncio.gather(*self._under_way, self._session.result().close(), return_exceptions=True)
        )
        self._loop.close()

    async def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp

        connector = aiohttp.TCPConnector(limit=0, ssl=_certificates(self.address))
        proxy, proxy_auth = _proxy(self.address)
        return aiohttp.ClientSession(
            connector=connector,
            # Unpacked in `bodies`: what is labelled wrongly is a reply all the same, and paid for.
            headers={**self._endpoint.headers, "Accept-Encoding": "gzip, deflate"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy,
            proxy_auth=proxy_auth,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            max_headers=_MOST_HEADERS,
            trace_configs=[_reuse_noted()],
        )

    def _begin(self, request: "_Request", then: Then) -> None:
        task = self._loop.create_task(self._request(request, then))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _request(self, request: "_Request", then: Then) -> None:
        started = time.monotonic()
        try:
            outcome = await self._outcome(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must hear of it
            cause = without_key(f"{type(error).__name__}: {error}", self._key)
            outcome = Failed(Trouble("transient", f"the connection failed ({cause})"), {})
        then(outcome, time.monotonic() - started)

    async def _outcome(self, request: "_Request") -> Answered | Failed:
        import aiohttp

        try:
            response, received = await self._exchange(request)
            text = text_in(
                received, response.headers.get("content-type", ""), response.headers.get("content-encoding", "")
            )
            if len(self._key) >= _SECRET:
                text = text.replace(self._key, "[key]")
        except TimeoutError:
            return Failed(Trouble("transient", f"no answer within {request.timeout_s:.3g} s"), {}, hung=True)
        except aiohttp.ClientConnectorSSLError as error:
            if "WRONG_VERSION_NUMBER" not in str(error):
                raise
            return Failed(Trouble("address", "no TLS is spoken there; write http:// in `extractor.base_url`"), {})
        except (aiohttp.ClientConnectorCertificateError, aiohttp.InvalidURL) as error:
            return Failed(Trouble("address", f"no connection can be made: {without_key(str(error), self._key)}"), {})
        if 200 <= response.status < 300:
            return _read(text, response, request.protocol, self._key)
        return _refused(response, text, self._key)

    async def _exchange(self, request: "_Request") -> "tuple[aiohttp.ClientResponse, bytes]":
        """A response and its body. A kept connection that the server closed meanwhile says nothing of the server: once more."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=request.timeout_s, sock_connect=min(_CONNECT_S, request.timeout_s))
        for left in reversed(range(_STALE + 1)):
            connection = _Connection()
            try:
                async with self._session.result().post(
                    request.url,
                    data=request.content,
                    headers=request.headers,
                    timeout=timeout,
                    allow_redirects=False,
                    trace_request_ctx=connection,
                ) as response:
                    return response, await _whole(response)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not (left and connection.is_reused):
                    raise
        raise AssertionError


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    content: bytes
    protocol: Protocol
    timeout_s: float
    headers: Mapping[str, str] | None


@dataclass(slots=True)
class _Connection:
    is_reused: bool = False


def _reuse_noted() -> "aiohttp.TraceConfig":
    """Has aiohttp say whether a request goes over a connection that was used before."""
    import aiohttp

    async def note(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.is_reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(note)
    return config


def _certificates(address: str) -> "ssl.SSLContext | bool":
    """Those that the openai client trusts; an address without TLS needs none, and loading them takes 0.2 s."""
    if address.startswith("http://"):
        return False
    import httpx2

    return httpx2.create_ssl_context()


def _proxy(address: str) -> "tuple[str | None, aiohttp.BasicAuth | None]":
    """The proxy that the environment names for an address. aiohttp's own way also sends what a .netrc file holds."""
    import aiohttp

    parts = urlsplit(address)
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None, None
    given = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if given.scheme not in ("http", "https"):
        raise unusable_proxy(f"names a {given.scheme} proxy for {address}")
    host = given.netloc.rpartition("@")[2]
    auth = aiohttp.BasicAuth(unquote(given.username), unquote(given.password or "")) if given.username else None
    return f"{given.scheme}://{host}", auth


def _read(text: str, response: "aiohttp.ClientResponse", protocol: Protocol, key: str) -> Answered | Failed:
    headers = response.headers
    raw: JsonValue = None
    try:
        raw = json_in(text, headers.get("content-type", ""))
        said = responses.said_in(raw) if protocol == "responses" else chat.said_in(raw)
    except Malformed as error:
        text = without_key(text[:_LONGEST_UNREAD], key)
        raw_text = text[:_LONGEST_RAW]
        if (status := stated_status(raw)) is not None:
            trouble = trouble_of(status, headers, json.loads(without_key(json.dumps(raw), key)), raw_text)
            return Failed(trouble, headers, status=response.status)
        trouble = Trouble("transient", f"a reply that cannot be read: {error}", raw_text)
        return Failed(trouble, headers, body=text, usage=any_usage(raw), status=response.status)
    return Answered(said, raw, headers)


async def _whole(response: "aiohttp.ClientResponse") -> bytes:
    import aiohttp

    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > _LONGEST_BODY:
            raise aiohttp.ClientPayloadError("the body is too long")
    return b"".join(parts)


def _refused(response: "aiohttp.ClientResponse", text: str, key: str) -> Failed:
    raw = without_key(text, key)
    try:
        body = cast(object, json.loads(raw))
    except (ValueError, RecursionError):
        body = None
    if 300 <= response.status < 400:
        elsewhere = without_key(response.headers.get("location", "nowhere"), key)
        why = f"{response.status}: redirected to {elsewhere}; write the address that answers in `extractor.base_url`"
        return Failed(Trouble("address", why, raw[:_LONGEST_RAW]), response.headers, status=response.status)
    trouble = trouble_of(response.status, response.headers, body, raw)
    return Failed(trouble, response.headers, status=response.status)
