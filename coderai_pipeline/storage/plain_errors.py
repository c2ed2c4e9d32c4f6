"""Pydantic's complaints about a settings file, in words a researcher understands, without echoing secrets.

Which file and which line a finding belongs to is added in `settings_files`.
"""

import json
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Category
from coderai_pipeline.domain.codebook_rules import Finding, did_you_mean
from coderai_pipeline.domain.project import Settings
from coderai_pipeline.storage.yaml_lines import KeyPath

MAX_SEEN = 80
HIDDEN = "(hidden)"

_SECRET_KEYS = re.compile(r"passw|passphrase|secret|token$|api_?key|_env$|credential", re.IGNORECASE)
_SECRET = re.compile(
    r"\bsk-(?=[\w-]*[0-9A-Z])[\w-]{16,}|\b(?:pk|rk|xai|gsk|hf|ghp|gho|glpat|r8|nvapi)[-_](?=\w*[0-9])(?=\w*[A-Z])\w{16,}|"
    r"\bAIza[\w-]{30,}|\bAKIA[A-Z0-9]{16}\b|\beyJ[\w-]{20,}\.[\w-]{10,}|Bearer\s+(?=\S*[0-9])[\w.-]{16,}|"
    r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
"""The access keys of well-known providers, and passwords in addresses."""
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,31}$": "a lower-case letter, then lower-case letters, digits and _, at most 32 in all",
    r"^[a-z]{2,3}$": "a language code of two or three lower-case letters, such as en, de or fr",
    r"^[A-Z]{2}$": "a country code of two capital letters, such as US, DE or FR",
    r"^[A-Z_][A-Z0-9_]*$": "the name of an environment variable, such as OPENAI_API_KEY; never the key itself",
}
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "keys with values below it",
    "model_type": "keys with values below it",
    "model_attributes_type": "keys with values below it",
}
_COMPARISONS = {
    "ge": "at least",
    "gt": "above",
    "le": "at most",
    "lt": "below",
}


def explain(error: ValidationError, model: type[Settings], data: JsonValue) -> Iterator[Finding]:
    """One finding for each place at fault; the complaints about the arms of a union become one."""
    places: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # pydantic counts only the valid items of a list
        places.setdefault(_place(detail, data), []).append(detail)
    for path, details in places.items():
        yield _explain(path, details, model)


def holds_secret(text: str) -> bool:
    """Whether a text looks like an access key or holds a password in an address."""
    return _SECRET.search(text) is not None


def without_secrets(text: str) -> str:
    return _SECRET.sub(HIDDEN, text)


def shown(value: object, path: KeyPath) -> str:
    """A value as it may be repeated to people: bounded, and hidden where it is or may be a secret."""
    if any(isinstance(part, str) and _SECRET_KEYS.search(part) for part in path):
        return HIDDEN
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "keys with values below it"
    return bounded(json.dumps(value, ensure_ascii=False))


def bounded(text: str) -> str:
    text = without_secrets(text)
    return text if len(text) <= MAX_SEEN else f"{text[: MAX_SEEN - 1]}…"


def fields_at(model: type[Settings], path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that may stand at a path; () where the path leads to none."""
    found = _inner(_annotation_at(model, path))
    return tuple(found.model_fields) if isinstance(found, type) and issubclass(found, Settings) else ()


def _place(detail: ErrorDetails, data: JsonValue) -> KeyPath:
    """The part of pydantic's location that exists in the file, and a missing key at its end."""
    location = detail["loc"]
    if detail["type"] == "missing":
        return location
    here: JsonValue = data
    for depth, part in enumerate(location):
        match here, part:
            case dict(), str() if part in here:
                here = here[part]
            case list(), int():
                here = here[part]
            case _:
                return location[:depth]
    return location


def _explain(path: KeyPath, details: Sequence[ErrorDetails], model: type[Settings]) -> Finding:
    detail = details[0]
    kind, value = detail["type"], detail["input"]
    context: Mapping[str, object] = detail.get("ctx", {})
    seen = shown(value, path)
    if kind == "missing":
        return Finding(path, "is missing; add it", allowed=_wanted(model, path))
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    if kind == "too_short" or kind == "string_too_short":
        return Finding(path, "must not be empty")
    if kind == "value_error":
        return Finding(path, str(context["error"]), None if isinstance(value, dict) else seen)
    if kind in ("literal_error", "enum"):
        choices = _choices(_annotation_at(model, path))
        guess = did_you_mean(value, choices) if isinstance(value, str) else ""
        return Finding(path, f"is not one of the words allowed here{guess}", seen, ", ".join(choices))
    if kind == "string_pattern_mismatch":
        return Finding(path, "is not written as it must be", seen, _PATTERNS.get(str(context["pattern"])))
    if any(bound in context for bound in _COMPARISONS):
        return Finding(path, "is out of range", seen, _wanted(model, path))
    if len(details) > 1 or kind in _WANTED:
        return Finding(path, _wrong_type(kind, value, len(details)), seen, _wanted(model, path) or _WANTED.get(kind))
    return Finding(path, detail["msg"], seen)


def _unknown_key(path: KeyPath, model: type[Settings]) -> Finding:
    known = fields_at(model, path[:-1])
    guess = did_you_mean(str(path[-1]), known)
    return Finding(path, f"is not a key that is known here{guess}", allowed=", ".join(known))


def _wrong_type(kind: str, value: object, arms: int) -> str:
    if value is None:
        return "is empty; give it a value or remove the key"
    if kind == "string_type" and arms == 1 and isinstance(value, (int, float)):
        return "must be text; put it in quotes"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
        return f"must be true or false; write {'true' if value.lower() in ('yes', 'on') else 'false'}"
    if kind == "tuple_type":
        return "must be a list; write [one, another] or a line `- one` for each"
    if kind in ("int_type", "float_type") and arms == 1 and isinstance(value, str):
        return "must be a number, without quotes, unit or thousands separators"
    return "is not of the right type"


def _annotation_at(model: type[Settings], path: Sequence[str | int]) -> object:
    """The type that the models give to a path; None where they know none."""
    here: object = model
    for part in path:
        here = _inner(here)
        if isinstance(here, type) and issubclass(here, Settings):
            info = here.model_fields.get(str(part))
            if info is None:
                return None
            metadata = cast("tuple[object, ...]", tuple(info.metadata))
            here = Annotated[(info.annotation, *metadata)] if metadata else info.annotation  # pyright: ignore[reportInvalidTypeForm]
        elif get_origin(here) is tuple or get_origin(here) is dict:
            here = get_args(here)[0 if get_origin(here) is tuple else 1]
        else:
            return None
    return here


def _inner(annotation: object) -> object:
    """Without Annotated[] and without `| None`, where one type remains."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType) and len(arms := _arms(annotation)) == 1:
            annotation = arms[0]
        else:
            return annotation


def _arms(annotation: object) -> list[Any]:
    return [arm for arm in get_args(annotation) if arm is not type(None)]


def _choices(annotation: object) -> tuple[str, ...]:
    annotation = _inner(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return tuple(str(word) for word in get_args(annotation)) if get_origin(annotation) is Literal else ()


def _wanted(model: type[Settings], path: Sequence[str | int]) -> str | None:
    """What may stand at a path, in words: `a whole number, at least 1, at most 100`."""
    return _in_words(_annotation_at(model, path)) or None


def _in_words(annotation: object) -> str:
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return ", ".join([_in_words(inner), *_bounds(metadata)])
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(_in_words(arm) for arm in _arms(annotation))
    if choices := _choices(annotation):
        return ", ".join(choices)
    if get_origin(annotation) is tuple:
        return f"a list of {_in_words(get_args(annotation)[0])}"
    names: dict[object, str] = {str: "text", float: "a number", int: "a whole number", bool: "true or false"}
    if annotation in names:
        return names[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        alone = "text, or " if annotation is Category else ""
        return f"{alone}keys with values: {', '.join(annotation.model_fields)}"
    return ""


def _bounds(metadata: Sequence[object]) -> Iterator[str]:
    for entry in metadata:
        parts = cast("Sequence[object]", getattr(entry, "metadata", None) or [entry])
        for part in parts:
            for attribute, words in _COMPARISONS.items():
                bound: float | None = getattr(part, attribute, None)
                if bound is not None:
                    yield f"{words} {bound:,}"
            pattern: str | None = getattr(part, "pattern", None)
            if pattern in _PATTERNS:
                yield _PATTERNS[pattern]
