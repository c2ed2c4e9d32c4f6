"""Finds the variables asked in a reply's JSON, by name, in any of the shapes that models give instead of the right one.

Assembling a reply from what is found is in `replies`; the shape asked for is in `reply_schema`.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.reply_json import Repeated, unpacked

DEEPEST = 5
"""Wrappers around the content that are looked into."""
_VALUE_KEYS = ("value", "values", "answer", "answers", "result", "extracted_value")
_QUOTE_KEYS = ("quote", "quotes", "evidence", "source", "source_text", "citation")
_OTHER_QUOTE_KEYS = ("supporting_quote", "supporting_text", "excerpt", "sentence", "passage", "text")
_CONFIDENCE_KEYS = ("confidence", "confidence_score", "certainty", "probability")
_NAME_KEYS = ("variable", "variable_name", "name", "field", "key", "label")


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that a reply gives of a variable, with the quotes and the confidence (0-1) beside it."""

    value: JsonValue
    quotes: tuple[str, ...] = ()
    confidence: float | None = None


Entries = dict[str, list[Entry]]
"""Variable name -> what the reply says of it, in order; usually one entry."""


class Names:
    """Knows a variable by its name, by its label, and by either in other writing (`Total_Amount`, `total amount`)."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self._exact = {variable.name: variable.name for variable in variables}
        self._loose = _unambiguous(
            (_loosely(word), variable.name) for variable in variables for word in (variable.name, variable.heading)
        )

    def find(self, key: str) -> str | None:
        return self._exact.get(key) or self._loose.get(_loosely(key))

    def find_part(self, key: str) -> tuple[str, str] | None:
        """The variable and part that a flat key such as `total_quote` names."""
        for part in ("value", "quote", "confidence"):
            if key.lower().endswith(part) and (name := self.find(key[: -len(part)].rstrip("_. "))):
                return name, part
        return None

    def __len__(self) -> int:
        return len(self._exact)

    def __iter__(self) -> Iterator[str]:
        return iter(self._exact)


def row_in(value: JsonValue, names: Names, depth: int = 0) -> Entries:
    """What a value says of the variables as one row; empty = nothing. Parts in several objects are put together."""
    if depth > DEEPEST:
        return {}
    if isinstance(value, list):
        return merged(row_in(item, names, depth + 1) for item in value)
    if not isinstance(value, dict):
        return {}
    pair = _pair(value, names)
    if pair:
        return pair
    here = _direct(value, names)
    others = (inner for key, inner in value.items() if names.find(key) is None or _is_wrapper(inner, names))
    return here if len(here) == len(names) else merged(row_in(inner, names, depth + 1) for inner in others) | here


def rows_in(value: JsonValue, names: Names, depth: int = 0) -> list[tuple[str, JsonValue]] | None:
    """The rows that a value lists, each with the key it stands under ("" in a list); [] = none, None = no list."""
    if isinstance(value, dict):
        return _rows_in_object(value, names, depth)
    if not isinstance(value, list):
        return None
    if value and all(isinstance(item, dict) and _pair(item, names) for item in value):
        return [("", value)]
    rows: list[tuple[str, JsonValue]] = []
    for item in value:
        listed = _rows_of_item(item, names, depth)
        if listed is None:
            return None
        rows.extend(listed)
    return rows


def merged(parts: Iterable[Entries]) -> Entries:
    """Entries of one row put together; equal ones once, and null only where nothing else is said."""
    together: Entries = {}
    for part in parts:
        for name, entries in part.items():
            held = together.setdefault(name, [])
            held.extend(entry for entry in entries if entry not in held)
    return {
        name: [entry for entry in entries if entry.value is not None] or entries[:1]
        for name, entries in together.items()
    }


def entries_of(raw: JsonValue) -> list[Entry]:
    """What stands under a variable's name; [] = no value there (a quote alone says nothing)."""
    if isinstance(raw, Repeated):
        return [entry for item in raw for entry in entries_of(item)]
    if isinstance(raw, str) and raw.lstrip().startswith("{") and isinstance(inner := unpacked(raw), dict):
        return entries_of(inner) if _has(inner, _VALUE_KEYS) else [Entry(raw)]
    if isinstance(raw, list):
        if raw and all(isinstance(item, dict) and _has(item, _VALUE_KEYS) for item in raw):
            return [entry for item in raw for entry in entries_of(item)]
        return [Entry(raw or None)]
    if not isinstance(raw, dict):
        return [Entry(raw)]
    if _has(raw, _VALUE_KEYS):
        return _with_evidence(raw)
    is_evidence_only = bool(raw) and all(key.lower() in (*_QUOTE_KEYS, *_CONFIDENCE_KEYS) for key in raw)
    return [] if is_evidence_only or not raw else [Entry(raw)]


def quotes_of(raw: JsonValue) -> tuple[str, ...]:
    """A quote, several, or such as are objects with their text and more."""
    if isinstance(raw, list):
        return tuple(quote for item in raw for quote in quotes_of(item))
    if isinstance(raw, dict):
        return quotes_of(_get(raw, ("text", *_QUOTE_KEYS)))
    is_quote = isinstance(raw, str | int | float) and not isinstance(raw, bool) and str(raw).strip()
    return (str(raw),) if is_quote else ()


def confidence_of(raw: JsonValue) -> float | None:
    """0-1; percentages are divided. None for words, and for numbers whose scale cannot be told."""
    if isinstance(raw, bool) or raw is None:
        return None
    match = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*(%?)\s*", str(raw))
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    is_percent = bool(match[2]) or 10 < number <= 100
    number = number / 100 if is_percent else number
    return number if math.isfinite(number) and 0 <= number <= 1 else None


def text_under(row: JsonValue, key: str) -> str | None:
    """A row's own text or number under `key` (its id, its quote); None = it has none."""
    found = row.get(key) if isinstance(row, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and str(found).strip() else None


def _rows_in_object(value: Mapping[str, JsonValue], names: Names, depth: int) -> list[tuple[str, JsonValue]] | None:
    if depth > DEEPEST:
        return None
    if "rows" in value:
        return _rows_under(value["rows"], names, depth)
    if _direct(value, names):
        return [("", dict(value))]
    lists = [inner for inner in value.values() if isinstance(inner, list | dict)]
    found = [rows for inner in lists if (rows := _rows_under(inner, names, depth)) is not None]
    filled = [rows for rows in found if rows]
    return filled[0] if len(filled) == 1 else (found[0] if len(found) == 1 else None)


def _rows_under(value: JsonValue, names: Names, depth: int) -> list[tuple[str, JsonValue]] | None:
    """Rows in a list, or in an object that holds each under its id."""
    if isinstance(value, dict) and value and all(isinstance(i, dict) and _direct(i, names) for i in value.values()):
        return list(value.items()) if not _direct(value, names) else [("", value)]
    return rows_in(value, names, depth + 1)


def _rows_of_item(item: JsonValue, names: Names, depth: int) -> list[tuple[str, JsonValue]] | None:
    """An item of a list as rows: mostly one; several where the item wraps a list; a bare value where rows have one variable."""
    only = list(names)
    if not isinstance(item, dict | list):
        return [("", {only[0]: item})] if len(only) == 1 else None
    return rows_in(item, names, depth + 1) if depth < DEEPEST else None


def _direct(value: Mapping[str, JsonValue], names: Names) -> Entries:
    found: Entries = {}
    flat: dict[str, dict[str, JsonValue]] = {}
    for key, raw in value.items():
        name = names.find(key)
        if name is not None and not _is_wrapper(raw, names):
            found = merged([found, {name: entries}]) if (entries := entries_of(raw)) else found
        elif name is None and (named := names.find_part(key)) is not None:
            flat.setdefault(named[0], {})[named[1]] = raw
    flat_entries = {name: entries_of(parts) for name, parts in flat.items() if "value" in parts}
    return _with_flat_evidence(merged([found, flat_entries]), flat)


def _with_flat_evidence(found: Entries, flat: Mapping[str, Mapping[str, JsonValue]]) -> Entries:
    """`total: 5, total_quote: "..."`: the bare value takes the evidence beside it."""
    for name, parts in flat.items():
        entries = found.get(name, [])
        if "value" not in parts and len(entries) == 1 and not entries[0].quotes:
            confidence = confidence_of(parts.get("confidence"))
            found[name] = [Entry(entries[0].value, quotes_of(parts.get("quote")), confidence)]
    return found


def _is_wrapper(raw: JsonValue, names: Names) -> bool:
    return isinstance(raw, dict) and not _has(raw, _VALUE_KEYS) and any(names.find(key) for key in raw)


def _pair(value: Mapping[str, JsonValue], names: Names) -> Entries:
    """{variable: "total", value: 5}."""
    if not _has(value, _VALUE_KEYS):
        return {}
    for key in _NAME_KEYS:
        said = _get(value, (key,))
        if isinstance(said, str) and (name := names.find(said)):
            return {name: _with_evidence(value)}
    return {}


def _with_evidence(raw: Mapping[str, JsonValue]) -> list[Entry]:
    quotes = quotes_of(_get(raw, _QUOTE_KEYS)) or quotes_of(_get(raw, _OTHER_QUOTE_KEYS))
    confidence = confidence_of(_get(raw, _CONFIDENCE_KEYS))
    inner = entries_of(_get(raw, _VALUE_KEYS))
    return [Entry(e.value, e.quotes or quotes, confidence if e.confidence is None else e.confidence) for e in inner]


def _has(value: Mapping[str, JsonValue], keys: Sequence[str]) -> bool:
    return any(key.lower() in keys for key in value)


def _get(value: Mapping[str, JsonValue], keys: Sequence[str]) -> JsonValue:
    if keys[0] in value:
        return value[keys[0]]
    by_lower = {key.lower(): inner for key, inner in value.items()}
    return next((by_lower[key] for key in keys if key in by_lower), None)


@lru_cache(maxsize=1024)
def _loosely(key: str) -> str:
    return "".join(character for character in key.casefold() if character.isalnum())


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for key, name in pairs:
        found.setdefault(key, set()).add(name)
    return {key: next(iter(names)) for key, names in found.items() if len(names) == 1 and key}
