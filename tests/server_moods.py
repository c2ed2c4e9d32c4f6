"""How a test's model server behaves: its moods, the shape of its replies, and each kind of bad reply.

Rate limits and routes are in `servers`.
"""

import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tests.server_answers import with_invented_quotes, wrong_shape
from tests.server_http import HttpResponse

SHARES = (
    "errors",
    "resets",
    "hangs",
    "malformed",
    "truncated",
    "refusals",
    "wrong_shapes",
    "invented_quotes",
    "filtered",
    "html_pages",
    "cut_bodies",
    "empty_choices",
    "null_contents",
    "event_streams",
)


CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Moods:
    """Shares (0-1) of each kind of bad reply, limits, and what the server supports. The kind of each reply depends on the
    seed, the request's content and how often it was seen, not on the order of arrival."""

    latency_s: float = 0.0
    """Median seconds from request to reply."""
    latency_spread: float = 0.0
    """Sigma of the log-normal latency; 0 = always the median."""
    requests_per_minute: float | None = None
    burst: int = 10
    """Requests taken at once before the rate counts."""
    rate_headers: bool = True
    retry_after_ms: bool = False
    errors: float = 0.0
    error_status: int = 500
    resets: float = 0.0
    hangs: float = 0.0
    malformed: float = 0.0
    truncated: float = 0.0
    refusals: float = 0.0
    wrong_shapes: float = 0.0
    invented_quotes: float = 0.0
    filtered: float = 0.0
    html_pages: float = 0.0
    cut_bodies: float = 0.0
    empty_choices: float = 0.0
    null_contents: float = 0.0
    event_streams: float = 0.0
    script: tuple[str, ...] = ()
    """Kinds of the first replies, in order of arrival: `answer`, `limited`, `quota`, `trickle`, or a name in SHARES."""
    usage: bool = True
    thoughts: int = 0
    """Tokens counted beside those of a reply, as far as a cap allows."""
    cached_tokens: int = 0
    content_parts: bool = False
    """Chat content comes as a list of parts."""
    reasoning: bool = False
    formats: tuple[str, ...] = ("json_schema", "tools", "json_object", "text")
    """Reply formats that are not refused with a 400."""
    ignored_formats: tuple[str, ...] = ()
    """Formats taken without complaint and answered with prose."""
    prose: str = "Sure! Here is what I found."
    refused_parameters: tuple[str, ...] = ()
    apis: tuple[str, ...] = ("chat", "responses")
    key: str | None = None
    context_tokens: int | None = None
    redirect: str | None = None
    """Every call is answered with a redirection to there."""
    seed: int = 0
    batch_polls: int = 1
    """Polls until a batch is completed."""
    batch_errors: float = 0.0
    batch_missing: float = 0.0
    batch_doubled: float = 0.0
    batch_odd_lines: tuple[str, ...] = ()
    """Lines that stand before those of the requests in the file of a batch's replies."""
    batch_expires: bool = False
    batch_forgotten: bool = False
    """Batches that were taken are not known any more."""
    batch_unknown: bool = False
    """There is no Batch API at this address."""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Moods":
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})

    def chance(self, key: str) -> random.Random:
        return random.Random(f"{self.seed}:{key}")

    def latency(self, key: str) -> float:
        if not self.latency_spread:
            return self.latency_s
        return self.latency_s * math.exp(self.chance(f"latency{key}").gauss(0, self.latency_spread))

    def kind(self, key: str) -> str:
        at = self.chance(key).random()
        for name in SHARES:
            at -= getattr(self, name)
            if at < 0:
                return name
        return "answer"

    def refuses(self, seen: "SeenRequest") -> dict[str, Any] | None:
        """The body of a 400, or None."""
        if self.context_tokens is not None and _tokens(seen.prompt) > self.context_tokens:
            text = f"This model's maximum context length is {self.context_tokens} tokens."
            return error(text, "invalid_request_error", "context_length_exceeded")
        if seen.format not in self.formats:
            text = f"Invalid parameter: 'response_format' of type '{seen.format}' is not supported with this model."
            return error(text, "invalid_request_error", None, "tools" if seen.format == "tools" else "response_format")
        for name in self.refused_parameters:
            if name in seen.body:
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                return error(text, "invalid_request_error", "unsupported_parameter", name)
        return None


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A model request as received. schema: the reply's JSON Schema, None in formats that carry none. traceparent: its header."""

    path: str
    body: dict[str, Any]
    format: str
    schema: dict[str, Any] | None
    traceparent: str = ""

    @property
    def is_responses(self) -> bool:
        return self.path.endswith("/responses")

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["input"] if self.is_responses else self.body["messages"]

    @property
    def prompt(self) -> str:
        """All messages, joined."""
        return "\n".join(message["content"] for message in self.messages)

    @property
    def document(self) -> str:
        """The last message of the user, where the document stands."""
        return next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), "")


def seen_request(path: str, body: dict[str, Any], traceparent: str = "") -> SeenRequest:
    if path.endswith("/responses"):
        form = body.get("text", {}).get("format", {"type": "text"})
        tools = body.get("tools")
        schema = tools[0]["parameters"] if tools else form.get("schema")
    else:
        form = body.get("response_format", {"type": "text"})
        tools = body.get("tools")
        schema = tools[0]["function"]["parameters"] if tools else form.get("json_schema", {}).get("schema")
    return SeenRequest(path, body, "tools" if tools else form["type"], schema, traceparent)


def error(message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def completion(seen: SeenRequest, said: object, moods: Moods, **changes: Any) -> dict[str, Any]:
    """A whole reply body that says `said`. changes: finish_reason, refusal, content, as the mood has them."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    finish = changes.pop("finish_reason", "stop")
    if seen.is_responses:
        return _responses_body(seen, text, finish, changes, moods)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if moods.content_parts:
        message["content"] = [{"type": "text", "text": text}]
    if moods.reasoning:
        message["reasoning_content"] = "Let me think about {this}."
    if seen.format == "tools" and "refusal" not in changes:
        name = seen.body["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}
        message |= {"content": None, "tool_calls": [call]}
        finish = "tool_calls" if finish == "stop" else finish
    message |= changes
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": seen.body.get("model", "test-model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    }
    return body | _usage(seen, text, moods, "prompt", "completion")


def _responses_body(
    seen: SeenRequest, text: str, finish: str, changes: Mapping[str, Any], moods: Moods
) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    if "refusal" in changes:
        part = {"type": "refusal", "refusal": changes["refusal"]}
    output: list[dict[str, Any]] = [{"type": "message", "role": "assistant", "status": "completed", "content": [part]}]
    if seen.format == "tools":
        output = [{"type": "function_call", "name": seen.body["tools"][0]["name"], "arguments": text, "call_id": "1"}]
    if moods.reasoning:
        output.insert(0, {"type": "reasoning", "summary": []})
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish)
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": seen.body.get("model", "test-model"),
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "output": output,
    }
    return body | _usage(seen, text, moods, "input", "output")


def _usage(seen: SeenRequest, text: str, moods: Moods, asked: str, said: str) -> dict[str, Any]:
    if not moods.usage:
        return {}
    cap = next((seen.body[name] for name in CAPS if seen.body.get(name)), math.inf)
    prompt, reply = _tokens(seen.prompt), min(cap, _tokens(text) + moods.thoughts)
    return {
        "usage": {
            f"{asked}_tokens": prompt,
            f"{said}_tokens": reply,
            "total_tokens": prompt + reply,
            f"{asked}_tokens_details": {"cached_tokens": min(moods.cached_tokens, prompt)},
        }
    }


def _tokens(text: str) -> int:
    return len(text) // 4 + 1


def spoil(
    kind: str, seen: SeenRequest, answer: Callable[[], object], moods: Moods, key: str
) -> tuple[HttpResponse, bool]:
    """The response of one kind, and whether it is a whole completion (which a client would be charged for)."""
    chance = moods.chance(f"spoil{key}")
    if kind == "errors":
        return _json(moods.error_status, error("The server had an error", "server_error", None)), False
    if kind == "quota":
        return _json(429, error("You exceeded your current quota", "insufficient_quota", "insufficient_quota")), False
    if kind == "resets":
        return HttpResponse(200, b"", damage="drop"), False
    if kind == "html_pages":
        return HttpResponse(200, b"<html><body>Bad gateway</body></html>", content_type="text/html"), False
    said = moods.prose if seen.format in moods.ignored_formats else answer()
    if kind == "event_streams":
        body = f"data: {json.dumps(completion(seen, said, moods))}\n\ndata: [DONE]\n\n"
        return HttpResponse(200, body.encode(), content_type="text/event-stream"), True
    if kind == "trickle":
        return HttpResponse(200, json.dumps(completion(seen, said, moods)).encode(), damage="trickle"), False
    if kind == "cut_bodies":
        return HttpResponse(200, json.dumps(completion(seen, said, moods)).encode(), damage="cut"), False
    if kind == "empty_choices":
        emptied = {"output": []} if seen.is_responses else {"choices": []}
        return _json(200, completion(seen, said, moods) | emptied), False
    if kind == "null_contents":
        return _json(200, completion(seen, "", moods, content=None, tool_calls=None)), False
    return _json(200, _bad_completion(kind, seen, said, moods, chance)), True


def _bad_completion(kind: str, seen: SeenRequest, said: object, moods: Moods, chance: random.Random) -> dict[str, Any]:
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    if kind == "malformed":
        return completion(seen, text[: max(1, len(text) // 2)] + ' "oops', moods)
    if kind == "truncated":
        return completion(seen, text[: max(1, len(text) * 2 // 3)], moods, finish_reason="length")
    if kind == "filtered":
        return completion(seen, "", moods, finish_reason="content_filter")
    if kind == "refusals":
        return completion(seen, "", moods, content=None, refusal="I'm sorry, I cannot help with that.")
    if kind == "wrong_shapes":
        return completion(seen, wrong_shape(said, chance), moods)
    if kind == "invented_quotes":
        return completion(seen, with_invented_quotes(said), moods)
    return completion(seen, said, moods)


def _json(status: int, body: object) -> HttpResponse:
    return HttpResponse(status, json.dumps(body, ensure_ascii=False).encode())


assert {*SHARES} <= {field.name for field in fields(Moods)}
