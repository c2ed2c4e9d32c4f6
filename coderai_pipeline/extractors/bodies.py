"""What stands in a response body: JSON in whatever encoding, or an event stream that nobody asked for, put together again.

What the JSON says is read in `chat` and `responses`.
"""

import codecs
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from typing import cast

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.extractors.wire import Malformed, as_list

_GZIP, _ZLIB = b"\x1f\x8b", b"\x78"
_MOST_WRAPPERS = 2
# Other marks that Python takes for ends of lines may stand in a string of JSON.
_LINE_END = re.compile(r"\r\n|\r|\n")
_LONGEST_UNPACKED = 64 * 1024 * 1024

_Event = Mapping[str, object]


def text_in(content: bytes, content_type: str, encoding: str = "") -> str:
    """A body's text. encoding: the header Content-Encoding, believed only as far as the body bears it out."""
    for _ in range(_MOST_WRAPPERS):
        if not content.startswith(_GZIP):
            break
        content = _unpacked(content, zlib.MAX_WBITS | 16)
    if "deflate" in encoding.lower():
        content = _unpacked(content, zlib.MAX_WBITS if content.startswith(_ZLIB) else -zlib.MAX_WBITS)
    return _decoded(content, content_type)


def json_in(text: str, content_type: str) -> JsonValue:
    """The JSON of a body; a stream of chunks becomes the one body that it would have been. Raises Malformed with a reason."""
    if not text.strip():
        raise Malformed("the body is empty")
    try:
        return cast(JsonValue, json.loads(text))
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ValueError:
        events = list(_events(text))
    if not events:
        raise Malformed(f"the body is {content_type or 'of no stated type'}, not JSON")
    return _joined(events)


def _unpacked(content: bytes, window: int) -> bytes:
    """A compressed body unpacked, as far as it goes; any other as it stands."""
    try:
        return zlib.decompressobj(window).decompress(content, _LONGEST_UNPACKED)
    except zlib.error:
        return content


def _decoded(content: bytes, content_type: str) -> str:
    """As JSON is to be encoded, else as the header says; what is no text in either has marks in its place."""
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return content.decode(_charset(content_type), "replace")


def _charset(content_type: str) -> str:
    header = Message()
    header["content-type"] = content_type
    try:
        return codecs.lookup(header.get_content_charset("utf-8")).name
    except LookupError:
        return "utf-8"


def _events(text: str) -> Iterator[_Event]:
    """The JSON objects in an event stream's `data:` lines."""
    for line in _LINE_END.split(text):
        name, _, data = line.partition(":")
        if name.strip() != "data":
            continue
        try:
            event = cast(object, json.loads(data))
        except (ValueError, RecursionError):
            if data.lstrip().startswith("{"):
                raise Malformed("the event stream broke off, or a part of it cannot be read") from None
            continue
        if isinstance(event, dict):
            yield cast(_Event, event)


def _joined(events: Sequence[_Event]) -> JsonValue:
    """An error, a whole reply or a whole response among the events; else the chunks of the first choice as one choice."""
    choices = [choice for event in events for choice in as_list(event.get("choices"))]
    for event in events:
        if event.get("error") or any("message" in _object(choice) for choice in as_list(event.get("choices"))):
            return cast(JsonValue, event)
    responses = [event["response"] for event in events if isinstance(event.get("response"), dict)]
    return cast(JsonValue, responses[-1] if responses and not choices else _chunks(events))


def _chunks(events: Sequence[_Event]) -> object:
    choices = [_object(choice) for event in events for choice in as_list(event.get("choices"))]
    first = [choice for choice in choices if not choice.get("index")]
    finish = [choice["finish_reason"] for choice in first if choice.get("finish_reason")]
    if not finish:
        raise Malformed("the event stream broke off")
    deltas = [_object(choice.get("delta")) for choice in first]
    calls = [_object(call) for delta in deltas for call in as_list(delta.get("tool_calls"))]
    message = {
        "content": "".join(_strings(deltas, "content")),
        "refusal": "".join(_strings(deltas, "refusal")),
        "tool_calls": [{"function": {"arguments": "".join(_strings(one, "arguments"))}} for one in _functions(calls)],
    }
    whole = {name: value for event in events for name, value in event.items() if value is not None}
    return {**whole, "choices": [{"message": message, "finish_reason": finish[-1]}]}


def _functions(calls: Sequence[_Event]) -> list[list[_Event]]:
    """The parts of each tool call."""
    by_index: dict[str, list[_Event]] = {}
    for call in calls:
        by_index.setdefault(str(call.get("index") or 0), []).append(_object(call.get("function")))
    return list(by_index.values())


def _strings(parts: Sequence[_Event], name: str) -> list[str]:
    return [value for part in parts if isinstance(value := part.get(name), str)]


def _object(value: object) -> _Event:
    return cast(_Event, value) if isinstance(value, dict) else {}
