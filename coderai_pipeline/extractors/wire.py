"""What both protocols share: how a request is to be asked of this server, what a reply holds, and replies that hold nothing.

The shapes themselves are in `chat` and `responses`; what a server was found to take is remembered in `formats`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from coderai_pipeline.domain.cells import CallRequest, JsonValue

ReplyFormat = Literal["json_schema", "tools", "json_object", "text"]
REPLY_FORMATS: tuple[ReplyFormat, ...] = ("json_schema", "tools", "json_object", "text")
STRICT_FORMATS: tuple[ReplyFormat, ...] = ("json_schema", "tools")
"""Those that send the schema itself."""

Body: TypeAlias = dict[str, JsonValue]

SCHEMA_NAME = "reply"
_MOST_TOKENS = 100_000_000
_MOST_OUTPUT = 2_000_000
_MOST_OFF, _HIDDEN_TOKENS = 10, 20_000
_OURS = frozenset({"attempt", "reply_format", "seed", "max_output_tokens"})
"""Parameters that have their own rules; all others are sent as they stand."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How one request is asked. dropped: parameters that this model refuses, and `system` where it has no such role. tokens_name: what chat calls the cap on a reply.
    cap: most tokens of a reply where the request names none; None = as many as it takes."""

    reply_format: ReplyFormat = "json_schema"
    dropped: frozenset[str] = frozenset()
    tokens_name: str = "max_tokens"
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Said:
    """A reply, read from its body. finish_reason: stop, length, content_filter or refusal. usage: None = none was sent."""

    text: str
    finish_reason: str
    model: str
    usage: Usage | None


class Malformed(Exception):
    """The body is no reply at all; asking again may help."""


def sampling(request: CallRequest, asking: Asking) -> Body:
    """The sampling parameters to send. A second attempt moves the seed, or it would get the same reply once more."""
    parameters = request.parameters
    sent: Body = {name: value for name, value in parameters.items() if name not in _OURS}
    if "seed" in parameters:
        sent["seed"] = int(parameters["seed"]) + attempt_of(request) - 1
    return {name: value for name, value in sent.items() if name not in asking.dropped}


def strictly(asking: Asking) -> Body:
    """What asks for a schema to be kept to the letter, unless the server refuses to be asked that."""
    return {} if "strict" in asking.dropped else {"strict": True}


def most_output(request: CallRequest, asking: Asking) -> int | None:
    """The cap on the reply's tokens to send, if any."""
    stated = request.parameters.get("max_output_tokens")
    return asking.cap if stated is None else int(stated)


def attempt_of(request: CallRequest) -> int:
    return int(request.parameters.get("attempt", 1))


def as_object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not an object")
    return cast(dict[str, object], value)


def as_list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []


def as_text(content: object, name: str = "text") -> str:
    """Content as text; some servers send it as a list of parts with the text under `name`, or as the JSON itself."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    parts: list[str] = []
    for part in as_list(content):
        text = cast(dict[str, object], part).get(name) if isinstance(part, dict) else part if name == "text" else ""
        parts.append(text if isinstance(text, str) else "")
    return "".join(parts)


def as_arguments(given: object) -> str:
    """The arguments of a tool call, a string of JSON or the JSON itself; "" = none."""
    return json.dumps(given, ensure_ascii=False) if isinstance(given, (dict, list)) else str(given or "")


def as_count(value: object) -> int | None:
    """A number of tokens, also where it stands as a string; None = no number, or none that one call could take."""
    try:
        count = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return int(count) if 0 <= count <= _MOST_TOKENS else None


def usage_from(body: Mapping[str, object], asked: str, said: str) -> Usage | None:
    """Tokens as the server counted them, under the names that its protocol uses; None where it sent no count to believe."""
    given = body.get("usage")
    if not isinstance(given, dict):
        return None
    usage = cast(dict[str, object], given)
    prompt, completion = as_count(usage.get(f"{asked}_tokens")), as_count(usage.get(f"{said}_tokens"))
    if not prompt or completion is None:
        return None
    # Some count a model's thoughts in the total alone.
    completion = max(completion, (as_count(usage.get("total_tokens")) or 0) - prompt)
    details = usage.get(f"{asked}_tokens_details")
    cached = cast(dict[str, object], details).get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(prompt, completion, min(prompt, as_count(cached) or 0))


def any_usage(body: object) -> Usage | None:
    """What a body counts as used, by either protocol's names."""
    if not isinstance(body, dict):
        return None
    stated = cast(dict[str, object], body)
    return usage_from(stated, "prompt", "completion") or usage_from(stated, "input", "output")


def believable(usage: Usage | None, prompt: int) -> Usage | None:
    """What a server counts, unless no tokenizer could count a prompt like that, estimated at `prompt`, or no model say so much."""
    if usage is None or usage.input_tokens > _MOST_OFF * prompt + _HIDDEN_TOKENS:
        return None
    return usage if usage.output_tokens <= _MOST_OUTPUT else None
