"""The JSON in a reply's text: strict where it is, taken out of prose or code fences, repaired where that adds nothing.

What the JSON says of the variables asked is read in `replies`.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from coderai_pipeline.domain.cells import JsonValue

Json: TypeAlias = "JsonValue | Repeated"


class Repeated(list["JsonValue"]):
    """The different values of a key that an object holds twice, where JSON itself keeps the last and says nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object, list or scalar found in a text. how: "" where the text is nothing else, otherwise how it was got."""

    value: JsonValue
    how: str = ""


def json_in(text: str) -> tuple[Found, ...]:
    """What JSON the text holds, in order; () where it holds none, or ends in the middle of some.

    Repair is tried only on what closes all its brackets and strings: the end of a cut reply is not guessed.
    """
    answer = _without_reasoning(text)
    for whole, how in ((text, ""), (answer, ""), (_out_of_fence(answer), "JSON taken out of a code fence")):
        try:
            return (Found(_strict(whole), how),)
        except (ValueError, RecursionError):
            continue
    if is_cut(text):
        return ()
    parts = [answer[start:end] for start, end in _bracketed(answer)]
    strict = tuple(found for part in parts if (found := _read(part)) is not None)
    return strict or tuple(found for part in parts if (found := _repaired(part)) is not None)


def is_cut(text: str) -> bool:
    """Whether the text ends inside an object, a list or a string of one."""
    return any(end is None for _, end in _bracketed(_without_reasoning(text)))


def unpacked(value: JsonValue, depth: int = 3) -> JsonValue:
    """JSON within strings of JSON, as of a function's arguments or a reply encoded twice, read; all else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            inner = _strict(value)
        except (ValueError, RecursionError):
            return value
        return unpacked(inner, depth - 1) if depth else inner
    if isinstance(value, dict) and depth:
        return {key: unpacked(inner, depth - 1) for key, inner in value.items()}
    return [unpacked(inner, depth - 1) for inner in value] if isinstance(value, list) and depth else value


def _read(part: str) -> Found | None:
    """A part of a text, read; None = not JSON, or empty brackets, which say nothing within prose."""
    for text, how in ((part, "JSON taken out of the text around it"), (_without_comments(part), "comments left out")):
        try:
            value = _strict(text)
        except (ValueError, RecursionError):
            continue
        return Found(value, how) if value else None
    return None


# A string, or what JSON has no place for: a comment; then a comma before a closing bracket.
_STRING_OR_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


def _without_comments(part: str) -> str:
    if "//" not in part and "/*" not in part:
        return part
    for unwanted in (_STRING_OR_COMMENT, _STRING_OR_COMMA):
        part = unwanted.sub(lambda match: match[1] or "", part)
    return part


def _repaired(part: str) -> Found | None:
    from json_repair import repair_json  # costs 50 ms to import and is seldom needed

    try:
        value = cast(JsonValue, repair_json(part, return_objects=True, skip_json_loads=True))
    except (ValueError, RecursionError, IndexError):
        return None
    if not value or not _words(part) <= _words(*_texts(value)) | _JSON_WORDS:
        return None
    return Found(_writable(_finite(value)), "broken JSON was repaired")


_JSON_WORDS = {"null", "none", "true", "false", "nan", "json"}


def _texts(value: JsonValue) -> tuple[str, ...]:
    """A value as JSON, with and without escapes, and with the escapes undone: however a word was written, it is in one."""
    plain = json.dumps(value, ensure_ascii=False)
    return json.dumps(value), plain, re.sub(r"\\.", " ", plain)


def _words(*texts: str) -> set[str]:
    """Words and numbers. A repair that loses one has read a text of its own ("None of the above" as null) and is refused."""
    found = (match for text in texts for match in re.findall(r"\d+(?:\.\d+)?|[^\W\d]+", text.casefold()))
    return {f"{float(word):g}" if word[0].isdecimal() else word for word in found}


def _strict(text: str) -> JsonValue:
    """JSON, line breaks in strings allowed; repeated keys are kept, and NaN or 1e999 stay as written."""
    value: JsonValue = json.loads(
        text.strip().removeprefix("\ufeff"),
        strict=False,
        object_pairs_hook=_object,
        parse_float=_float,
        parse_constant=str,
    )
    return _writable(value) if "\\u" in text or _CONTROL.search(text) or _HALF.search(text) else value


# Control characters, which no document's words hold, and halves of a character, which can be written to no file.
_CONTROL, _HALF = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"), re.compile(r"[\ud800-\udfff]")


def _writable(value: JsonValue) -> JsonValue:
    """A value without what no table or file takes in its strings."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", _CONTROL.sub("", value))
    if isinstance(value, dict):
        return {str(_writable(key)): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        items = [_writable(inner) for inner in value]
        return Repeated(items) if isinstance(value, Repeated) else items
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    merged: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key not in merged or merged[key] is None:
            merged[key] = value
        elif value is not None and value != merged[key]:
            held = merged[key]
            merged[key] = Repeated([*(held if isinstance(held, Repeated) else [held]), value])
    return merged


def _float(written: str) -> float | str:
    number = float(written)
    return number if math.isfinite(number) else written


def _finite(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


_REASONING = re.compile(
    r"^.*(?:</(?:think|thinking|thought|reasoning)>|\[/THINK\]|<\|end_of_thought\|>|<\|channel\|>final<\|message\|>)"
    r"|^\s*(?:<(?:think|thinking|thought|reasoning)>|\[THINK\]).*$",
    re.DOTALL,
)


def _without_reasoning(text: str) -> str:
    """The text after a reasoning model's thoughts; nothing where it never came out of them."""
    return _REASONING.sub("", text, count=1)


_FENCE = re.compile(r"```\w*\n(.*)\n\s*```", re.DOTALL)


def _out_of_fence(text: str) -> str:
    fence = _FENCE.fullmatch(text.strip())
    return fence[1] if fence else text


_MARK = re.compile(r'\\.|["{}\[\]]', re.DOTALL)


def _bracketed(text: str) -> Iterator[tuple[int, int | None]]:
    """The outermost {...} and [...] of a text; end None = not closed. Brackets and quotes in strings do not count."""
    start, depth, in_string = 0, 0, False
    for mark in _MARK.finditer(text):
        sign = mark.group()
        if sign == '"':
            in_string = depth > 0 and not in_string
        elif in_string or len(sign) > 1:
            continue
        elif sign in "{[":
            start = start if depth else mark.start()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                yield start, mark.end()
    if depth:
        yield start, None
