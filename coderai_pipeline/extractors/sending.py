"""One HTTP request for one call: a reply, or what went wrong. Nothing is repeated here.

When to send and what to do about trouble is decided in `provider`.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from coderai_pipeline.domain.cells import CallRequest, JsonValue
from coderai_pipeline.extractors import chat, responses
from coderai_pipeline.extractors.clients import Endpoint, without_key
from coderai_pipeline.extractors.formats import Protocol
from coderai_pipeline.extractors.retrying import Trouble, trouble_of
from coderai_pipeline.extractors.wire import Asking, Body, Malformed, Said

if TYPE_CHECKING:
    import httpx2

_LONGEST_RAW = 2_000
_LONGEST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole reply; raw: the body it was read from."""

    said: Said
    raw: JsonValue
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """hung: no answer came within the time given."""

    trouble: Trouble
    headers: Mapping[str, str]
    hung: bool = False


def body_for(request: CallRequest, asking: Asking, protocol: Protocol) -> Body:
    return responses.body_for(request, asking) if protocol == "responses" else chat.body_for(request, asking)


class Sender:
    """Sends bodies to one endpoint.

    It goes through httpx2, which the openai client itself sends with, and leaves out that client's own layer: building and
    checking a request there takes as much time as sending it, and at 128 calls in flight that time is what limits the rate.
    """

    def __init__(self, endpoint: Endpoint, make_http: "Callable[[], httpx2.Client]", key: str) -> None:
        self._endpoint = endpoint
        self._make_http = make_http
        self._key = key
        self._of_thread = threading.local()
        self._made: list[httpx2.Client] = []

    @property
    def address(self) -> str:
        return self._endpoint.address

    def send(self, body: Body, protocol: Protocol, timeout_s: float) -> Answered | Failed:
        """One request and its response. Server text comes back without the key."""
        import httpx2

        path = responses.PATH if protocol == "responses" else chat.PATH
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        url, timeout = (
            self._endpoint.url(path, str(body["model"])),
            httpx2.Timeout(timeout_s, connect=min(15.0, timeout_s)),
        )
        try:
            http = self._http()
            request = http.build_request("POST", url, content=content, headers=self._endpoint.headers, timeout=timeout)
            response = http.send(request, stream=True)
            received = _whole(response, time.monotonic() + timeout_s)
        except httpx2.TimeoutException:
            return Failed(Trouble("transient", f"no answer within {timeout_s:.3g} s"), {}, hung=True)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            cause = without_key(f"{type(error).__name__}: {error}", self._key)
            return Failed(Trouble("transient", f"the connection failed ({cause})"), {})
        if response.is_success:
            return _read(received, response.headers, protocol, self._key)
        return _refused(response, received, self._key)

    def get_ready(self) -> None:
        """Makes this thread's client."""
        self._http()

    def close(self) -> None:
        for http in self._made:
            http.close()

    def _http(self) -> "httpx2.Client":
        """This thread's own client, with its one connection."""
        http: httpx2.Client | None = getattr(self._of_thread, "http", None)
        if http is None:
            http = self._of_thread.http = self._make_http()
            self._made.append(http)
        return http


def _read(content: bytes, headers: Mapping[str, str], protocol: Protocol, key: str) -> Answered | Failed:
    try:
        raw = cast(JsonValue, json.loads(content))
        said = responses.said_in(raw) if protocol == "responses" else chat.said_in(raw)
    except (ValueError, Malformed) as error:
        text = without_key(content[:_LONGEST_RAW].decode("utf-8", "replace"), key)
        why = (
            str(error) if isinstance(error, Malformed) else f"the body is {headers.get('content-type', 'no')}, not JSON"
        )
        return Failed(Trouble("transient", f"a reply that cannot be read: {why}", text), headers)
    return Answered(said, raw, headers)


def _whole(response: "httpx2.Response", deadline: float) -> bytes:
    """The body. A timeout of the connection counts from one read to the next, so that a body that trickles never meets it."""
    import httpx2

    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if time.monotonic() > deadline:
                raise httpx2.ReadTimeout("the body trickles", request=response.request)
            if size > _LONGEST_BODY:
                raise httpx2.DecodingError("the body is too long", request=response.request)
    finally:
        response.close()
    return b"".join(parts)


def _refused(response: "httpx2.Response", content: bytes, key: str) -> Failed:
    raw = without_key(content.decode("utf-8", "replace"), key)
    try:
        body = cast(object, json.loads(raw))
    except ValueError:
        body = None
    return Failed(trouble_of(response.status_code, response.headers, body, raw), response.headers)
