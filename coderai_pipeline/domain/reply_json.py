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


def _read(part: str) -> Found | None:
    """A part of a text, read; None = not JSON, or empty brackets, which say nothing within prose."""
    try:
        value = _strict(part)
    except (ValueError, RecursionError):
        return None
    return Found(value, "JSON taken out of the text around it") if value else None


def _repaired(part: str) -> Found | None:
    from json_repair import repair_json  # costs 50 ms to import and is seldom needed

    try:
        value = cast(JsonValue, repair_json(part, return_objects=True, skip_json_loads=True))
    except (ValueError, RecursionError, IndexError):
        return None
    if not value or not _words(part) <= _words(*_texts(value)) | _JSON_WORDS:
        return None
    return Found(_finite(value), "broken JSON was repaired")


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


_REASONING = re.compile(r"^.*</(?:think|thinking|reasoning)>|^\s*<(?:think|thinking|reasoning)>.*$", re.DOTALL)


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
