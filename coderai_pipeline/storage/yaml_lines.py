"""Reads the small YAML that people edit and remembers on which line every key stands.

Only text, numbers, true/false, lists and mappings exist here: no timestamps, no yes/no booleans, no tags. What the
keys mean is in `settings_files`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, cast

import yaml

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.errors import InvalidInput, Problem

KeyPath = tuple[str | int, ...]

MAX_DEPTH = 24
MAX_VALUES = 100_000
"""Keys and values in a file once its aliases are expanded: a codebook of 1,000 variables holds about 20,000."""

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_STANDARD_TAG = re.compile(r"tag:yaml\.org,2002:(str|map|seq)")
_PLAIN_WORDS = {
    "mapping values are not allowed in this context": "a colon stands where none is expected; put text that holds a "
    "colon in quotes, and check that the lines above are indented alike",
    "could not find expected ':'": "a key without a colon after it, or text that goes on over a line not indented",
    "did not find expected key": "this line is not indented like its neighbours, or something after a quoted text "
    "does not belong there",
    "did not find expected '-' indicator": "this line stands where an entry of the list (`- ...`) is expected; check "
    "its indentation",
    "found unexpected end of stream": "a quotation mark is opened and never closed",
    "found character that cannot start any token": "a character that cannot begin a value (@, `, % or a tab); put the "
    "text in quotes",
    "did not find expected ',' or ']'": "a list opened with [ is not closed",
    "did not find expected ',' or '}'": "a mapping opened with { is not closed",
    "did not find expected node content": "a value is missing, or a bracket is opened and never closed",
    "did not find expected <document start>": "this line does not belong to what stands above; check its indentation",
    "block sequence entries are not allowed in this context": "an entry of a list (`- ...`) begins on its own line",
    "mapping keys are not allowed in this context": "a key begins on its own line; check the indentation",
    "found unknown escape character": 'a backslash inside "double quotes"; use single quotes instead',
}
_UNCLOSED = {
    "found unexpected end of stream",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
}
"""Where something was never closed, the place to mend is where it was opened."""


@dataclass(frozen=True, slots=True)
class LinedYaml:
    """What a file holds, and the 1-based line of every key path in it. problems: what did not stop the reading."""

    data: JsonValue
    lines: Mapping[KeyPath, int]
    problems: tuple[Problem, ...]


def read_yaml(text: str, file: str) -> LinedYaml:
    """Reads one YAML document. Raises InvalidInput where the text cannot be read at all."""
    events = cast("Iterator[yaml.Event]", yaml.parse(text, Loader=LOADER))  # pyright: ignore[reportUnknownMemberType]
    reader = _Reader(file, events)
    try:
        return reader.read()
    except yaml.YAMLError as error:
        raise InvalidInput([*reader.problems, _syntax_problem(error, text, file)]) from None


@dataclass(slots=True)
class _Anchored:
    data: JsonValue
    values: int


@dataclass(slots=True)
class _Reader:
    """Builds values from parser events. Recursion is bounded by MAX_DEPTH, expansion of aliases by MAX_VALUES."""

    file: str
    events: Iterator[yaml.Event]
    problems: list[Problem] = field(default_factory=list[Problem])
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    anchors: dict[str, _Anchored] = field(default_factory=dict[str, _Anchored])
    values: int = 0

    def read(self) -> LinedYaml:
        next(self.events)
        data: JsonValue = None
        if isinstance(next(self.events), yaml.DocumentStartEvent):
            data = self._value(next(self.events), ())
            next(self.events)
            following = next(self.events)
            if isinstance(following, yaml.DocumentStartEvent):
                self._complain(following, (), "a second document begins here (---); keep one document in the file")
        return LinedYaml(data, self.lines, tuple(self.problems))

    def _value(self, event: yaml.Event, path: KeyPath) -> JsonValue:
        self.lines.setdefault(path, _line(event))
        if len(path) > MAX_DEPTH:
            self._stop(event, path, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self._refuse_tag(event, path)
        before = self.values
        self._count(event, path, 1)
        if isinstance(event, yaml.ScalarEvent):
            data = plain_value(event.value) if event.implicit[0] else str(event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            data = self._sequence(path)
        else:
            data = self._mapping(path)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = _Anchored(data, self.values - before)
        return data

    def _sequence(self, path: KeyPath) -> JsonValue:
        items: list[JsonValue] = []
        while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
            items.append(self._value(item, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> JsonValue:
        mapping: dict[str, JsonValue] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(event, path, "a key must be a plain word; put text that begins with *, [ or { in quotes")
            key: str = event.value
            here = (*path, key)
            if key in mapping:
                self._complain(event, here, f"stands twice; it is already on line {self.lines[here]}, keep one")
            self.lines[here] = _line(event)
            self._count(event, here, 1)
            mapping[key] = self._value(next(self.events), here)
        return mapping

    def _alias(self, event: yaml.AliasEvent, path: KeyPath) -> JsonValue:
        name: str = event.anchor
        target = self.anchors.get(name)
        if target is None:
            self._complain(event, path, f"*{name} refers to nothing above it; put text that begins with * in quotes")
            return None
        self._count(event, path, target.values)
        return target.data

    def _count(self, event: yaml.Event, path: KeyPath, values: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            self._stop(event, path, f"the file holds more than {MAX_VALUES:,} values once its *aliases are filled in")

    def _refuse_tag(self, event: yaml.Event, path: KeyPath) -> None:
        tag: str | None = getattr(event, "tag", None)
        if tag and tag != "!" and not _STANDARD_TAG.fullmatch(tag):
            self._complain(event, path, "a value beginning with ! is not used here; put it in quotes if it is text")

    def _complain(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.file, _line(event), key_text(path), message))

    def _stop(self, event: yaml.Event, path: KeyPath, message: str) -> NoReturn:
        self._complain(event, path, message)
        raise InvalidInput(self.problems)


def plain_value(text: str) -> JsonValue:
    """What an unquoted word means: null, true/false, a number (of at most 18 digits or 1e308), or itself."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and math.isfinite(float(text)) else text


def key_text(path: KeyPath) -> str:
    """`variables[2].type` for ("variables", 2, "type")."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The parser's complaint in a researcher's words, on the line where it arose."""
    cause: str = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable as YAML"
    marks = ("context_mark", "problem_mark") if cause in _UNCLOSED else ("problem_mark", "context_mark")
    mark = getattr(error, marks[0], None) or getattr(error, marks[1], None)
    if mark is None:
        position: int = getattr(error, "position", None) or 0
        return Problem(file, text.count("\n", 0, position) + 1, "", f"{cause}; delete the character")
    line = int(mark.line) + 1
    written = text.splitlines()[line - 1 : line]
    indent = written[0][: len(written[0]) - len(written[0].lstrip())] if written else ""
    if "tab character" in cause or "\t" in indent:
        return Problem(file, line, "", "a tab character stands in the indentation; replace it with spaces")
    cause = "a backslash code that is no character" if "escape code" in cause else cause
    fallback = f"{cause}; check the indentation, colons and quotation marks here and on the line above"
    return Problem(file, line, "", _PLAIN_WORDS.get(cause, fallback))
