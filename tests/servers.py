"""A real HTTP model server for tests: the OpenAI protocol (chat, responses, files, batches, Azure paths), in every mood.

Bytes and connections are in `server_http`, what a model says in `server_answers`, kinds of bad replies in `server_moods`,
the Batch API in `server_batches`. By hand: `python -m tests.servers --port 8080`.
"""

import asyncio
import gc
import hashlib
import http.client
import json
import math
import multiprocessing
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any, Self

from tests.server_answers import answer_from_labels
from tests.server_batches import Batches
from tests.server_http import HttpConnection, HttpRequest, HttpResponse
from tests.server_moods import Moods, SeenRequest, completion, error, seen_request, spoil

Answer = Callable[[SeenRequest], object]


class ModelServer:
    """`answer` is asked what to reply to each request: text as it stands, anything else as JSON. Where it raises, the
    server answers 500.

    With `process=True` the server (and `answer`, which it takes along by fork) runs in a process of its own, so that it
    does not share this process's interpreter lock; otherwise in a thread. Usable as a context manager.
    """

    def __init__(self, answer: Answer, moods: Moods | None = None, *, process: bool = False, port: int = 0) -> None:
        self._answer = answer
        self._moods = moods or Moods()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._in_process = process
        self._port = port
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def azure_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        mine, theirs = multiprocessing.Pipe()
        arguments = (self._answer, self._moods, self._port, theirs)
        if self._in_process:
            self._process = multiprocessing.get_context("fork").Process(target=_serve, args=arguments, daemon=True)
            self._process.start()
        else:
            threading.Thread(target=_serve, args=arguments, daemon=True).start()
        self.port = mine.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("POST", "/_server/stop")
        if self._process is not None:
            self._process.join(5)
            self._process.close()

    def counts(self) -> Counter[str]:
        """received, answered (a whole completion was sent), max_concurrent, and each kind of reply."""
        return Counter(self._ask("GET", "/_server/counts"))

    def asked(self) -> Counter[str]:
        """Content hash of a request -> how often a completion for it was sent."""
        return Counter(self._ask("GET", "/_server/asked"))

    def requests(self) -> list[SeenRequest]:
        """Every model request received, in order."""
        return [SeenRequest(**seen) for seen in self._ask("GET", "/_server/requests")]

    def set_moods(self, moods: Moods) -> None:
        self._ask("POST", "/_server/moods", asdict(moods))

    def forget(self) -> None:
        """Empties counts and recorded requests."""
        self._ask("POST", "/_server/forget")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


def _serve(answer: Answer, moods: Moods, port: int, ready: Connection) -> None:
    asyncio.run(_serve_until_stopped(_Service(answer, moods), port, ready))


async def _serve_until_stopped(service: "_Service", port: int, ready: Connection) -> None:
    gc.freeze()  # what came along by fork is not walked again and again, which would hold up replies
    connections: set[HttpConnection] = set()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: HttpConnection(service.handle, connections), "127.0.0.1", port, backlog=2048
    )
    ready.send(listener.sockets[0].getsockname()[1])
    await service.stopped.wait()
    listener.close()
    await asyncio.sleep(0.02)
    for connection in list(connections):
        connection.close()


class _Service:
    """What the server remembers, and the routes."""

    def __init__(self, answer: Answer, moods: Moods) -> None:
        self.stopped = asyncio.Event()
        self._answer = answer
        self._set_moods(moods)
        self._batches = Batches(self._complete_in_batch)
        self._forget()

    def _set_moods(self, moods: Moods) -> None:
        self._moods = moods
        self._allowance = float(moods.burst)
        self._allowance_at = time.monotonic()
        self._script = list(moods.script)

    def _forget(self) -> None:
        self._counts: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._seen_times: defaultdict[str, int] = defaultdict(int)
        self._requests: list[SeenRequest] = []
        self._concurrent = 0

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/_server/"):
            return self._admin(request.path.removeprefix("/_server/"), request.body)
        refusal = self._key_refused(request)
        if refusal is not None:
            return refusal
        path = request.path
        if path.endswith("/models"):
            return _json(200, {"object": "list", "data": [{"id": "test-model", "object": "model"}]})
        if "/files" in path or "/batches" in path:
            return self._batches.handle(request, self._moods)
        api = "responses" if path.endswith("/responses") else "chat" if path.endswith("/chat/completions") else ""
        if api not in self._moods.apis or ("/deployments/" in path and "api-version" not in request.query):
            return _json(404, error("not found", "invalid_request_error", "unknown_url"))
        return await self._model(
            seen_request(request.path, json.loads(request.body), request.headers.get("traceparent", ""))
        )

    async def _model(self, seen: SeenRequest) -> HttpResponse:
        self._counts["received"] += 1
        self._requests.append(seen)
        self._concurrent += 1
        self._counts["max_concurrent"] = max(self._counts["max_concurrent"], self._concurrent)
        try:
            return await self._reply(seen)
        finally:
            self._concurrent -= 1

    async def _reply(self, seen: SeenRequest) -> HttpResponse:
        key = _content_key(seen.body)
        times = self._seen_times[key]
        self._seen_times[key] += 1
        headers = self._rate_headers()
        kind = self._script.pop(0) if self._script else self._kind(seen, key, times)
        if kind == "limited" or not self._take_turn():
            return self._limited(kind)
        if self._moods.redirect:
            return _json(307, {}, {"Location": self._moods.redirect})
        refused = self._moods.refuses(seen)
        if refused is not None and kind == "answer":
            self._counts["refused"] += 1
            return _json(400, refused)
        await asyncio.sleep(3600 if kind == "hang" else self._moods.latency(f"{key}{times}"))
        try:
            response, answered = spoil(kind, seen, lambda: self._answer(seen), self._moods, f"{key}{times}")
        except Exception as trouble:
            self._counts["errors"] += 1
            return _json(500, error(f"The server had an error: {trouble!r}", "server_error", None))
        self._counts[kind] += 1
        if answered:
            self._counts["answered"] += 1
            self._asked[key] += 1
        return HttpResponse(
            response.status, response.body, {**headers, **response.headers}, response.content_type, response.damage
        )

    def _kind(self, seen: SeenRequest, key: str, times: int) -> str:
        return self._moods.kind(f"{key}{times}")

    def _complete_in_batch(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        seen = seen_request(path, body)
        refused = self._moods.refuses(seen)
        if refused is not None:
            self._counts["refused"] += 1
            return 400, refused
        self._counts["batched"] += 1
        self._counts["answered"] += 1
        return 200, completion(seen, self._answer(seen), self._moods)

    def _take_turn(self) -> bool:
        rate = self._moods.requests_per_minute
        if rate is None:
            return True
        now = time.monotonic()
        self._allowance = min(self._moods.burst, self._allowance + (now - self._allowance_at) * rate / 60)
        self._allowance_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _limited(self, kind: str) -> HttpResponse:
        self._counts["limited"] += 1
        rate = self._moods.requests_per_minute or 600
        wait_s = max(0.0, (1 - self._allowance) * 60 / rate)
        headers = {"Retry-After": str(math.ceil(wait_s)), **self._rate_headers()}
        if self._moods.retry_after_ms:
            headers["Retry-After-Ms"] = str(round(wait_s * 1000))
        return _json(429, error("Rate limit reached", "requests", "rate_limit_exceeded"), headers)

    def _rate_headers(self) -> dict[str, str]:
        rate = self._moods.requests_per_minute
        if rate is None or not self._moods.rate_headers:
            return {}
        return {
            "x-ratelimit-limit-requests": str(rate),
            "x-ratelimit-remaining-requests": str(max(0, int(self._allowance))),
            "x-ratelimit-reset-requests": f"{round((self._moods.burst - self._allowance) * 60_000 / rate)}ms",
        }

    def _key_refused(self, request: HttpRequest) -> HttpResponse | None:
        wanted = self._moods.key
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("api-key", "")
        if wanted is None or given == wanted:
            return None
        self._counts["unauthorised"] += 1
        return _json(401, error(f"Incorrect API key provided: {given}", "invalid_request_error", "invalid_api_key"))

    def _admin(self, what: str, body: bytes) -> HttpResponse:
        if what == "counts":
            return _json(200, dict(self._counts))
        if what == "asked":
            return _json(200, dict(self._asked))
        if what == "requests":
            return _json(200, [asdict(seen) for seen in self._requests])
        if what == "moods":
            self._set_moods(Moods.from_json(json.loads(body)))
        elif what == "forget":
            self._forget()
        elif what == "stop":
            self.stopped.set()
        return _json(200, {})


def _content_key(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(status, json.dumps(body, ensure_ascii=False).encode(), headers or {})


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(
        description="A model server that answers from `Label: value` lines in the document."
    )
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--latency", type=float, default=0.0, help="median seconds to a reply")
    parser.add_argument("--spread", type=float, default=0.0, help="sigma of the log-normal latency")
    parser.add_argument("--requests-per-minute", type=float)
    parser.add_argument("--errors", type=float, default=0.0, help="share of 500s")
    options = parser.parse_args()
    moods = Moods(
        latency_s=options.latency,
        latency_spread=options.spread,
        requests_per_minute=options.requests_per_minute,
        errors=options.errors,
    )
    server = ModelServer(lambda seen: answer_from_labels(seen.schema, seen.document), moods, port=options.port)
    with server:
        print(f"listening on {server.base_url}; stop with Ctrl-C")
        threading.Event().wait()


if __name__ == "__main__":
    main()
