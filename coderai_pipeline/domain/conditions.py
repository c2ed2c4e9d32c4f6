"""The small language of `depends_on`: a question about other variables that decides whether a variable is asked.

Whether the names and values in a condition fit the codebook is checked in `codebook_rules`.

    condition  either ("or" either)*
    either     test ("and" test)*
    test       "not" test | "(" condition ")" | question
    question   name                                   a boolean variable that is true
               name operator value                    = == != < <= > >=
               name ["not"] "in" "[" value ("," value)* "]"
               name "is" ["not"] "empty"
    value      "text" or 'text' (a backslash before a quote keeps it), a number, a date (2024-03-05, 2024-03),
               true, false

`not` binds tighter than `and`, `and` tighter than `or`. Words of the language may be in capitals; names may not.

Meaning:
- A question about an empty value is false, also with `!=` and `not in`; only `is empty` is true of it.
- Of several values any may match; `!=` and `not in` hold when none does.
- Text is compared without regard to case and surrounding blanks. `<` and `>` are for numbers and dates; numbers
  written as text (the categories "1" to "5") are compared as numbers.
- Dates are compared as far as both are known: 2024-03-05 = 2024-03 and 2024 >= 2024-03 hold, 2024 > 2024-03 does not.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from coderai_pipeline.domain.cells import Scalar, Value

MAX_LENGTH = 2_000
MAX_DEPTH = 40

Operator: TypeAlias = Callable[[float | str, float | str], bool]

_OPERATORS: Mapping[str, Operator] = {
    "=": operator.eq,
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<date>\d{4}-\d{2}(?:-\d{2})?(?![\w.-]))
    |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?![\w.]))
    |(?P<word>[^\W\d]\w*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>==|!=|<=|>=|[=<>()\[\],])
    |(?P<end>\Z))""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "empty", "true", "false"})
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T[\d:.+Z-]+)?)?)?")


class ConditionError(ValueError):
    """A condition that cannot be read. position: 1-based, of the character where reading stopped."""

    def __init__(self, message: str, position: int) -> None:
        self.position = position
        super().__init__(f"at character {position}: {message}")


def parse(text: str) -> "Condition":
    """Reads a condition. Raises ConditionError, which says where and what was expected."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition is longer than {MAX_LENGTH:,} characters", MAX_LENGTH)
    parser = _Parser(tuple(_tokens(text)))
    return Condition(text, parser.whole())


@dataclass(frozen=True, slots=True)
class Comparison:
    """`name operator value`, and `name in [...]` as `=` with several values; `!=` and `not in` stand under a Not."""

    name: str
    operator: str
    values: tuple[Scalar, ...]

    def holds(self, values: Mapping[str, Value]) -> bool:
        compare = _OPERATORS[self.operator]
        return any(_compare(compare, held, wanted) for held in _held(values, self.name) for wanted in self.values)


@dataclass(frozen=True, slots=True)
class IsEmpty:
    name: str

    def holds(self, values: Mapping[str, Value]) -> bool:
        return not _held(values, self.name)


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"

    def holds(self, values: Mapping[str, Value]) -> bool:
        return not self.part.holds(values)


@dataclass(frozen=True, slots=True)
class Every:
    parts: "tuple[Node, ...]"

    def holds(self, values: Mapping[str, Value]) -> bool:
        return all(part.holds(values) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Some:
    parts: "tuple[Node, ...]"

    def holds(self, values: Mapping[str, Value]) -> bool:
        return any(part.holds(values) for part in self.parts)


Node: TypeAlias = Comparison | IsEmpty | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as written and as read."""

    text: str
    node: Node

    @property
    def names(self) -> tuple[str, ...]:
        """The variables it asks about, each once, in order."""
        return tuple(dict.fromkeys(part.name for part in self.questions))

    @property
    def questions(self) -> tuple[Comparison | IsEmpty, ...]:
        """Its comparisons and `is empty` tests, in order."""
        return tuple(_questions(self.node))

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it is true of these settled values; a name that is missing counts as empty."""
        return self.node.holds(values)


def _questions(node: Node) -> Iterator[Comparison | IsEmpty]:
    match node:
        case Not(part):
            yield from _questions(part)
        case Every(parts) | Some(parts):
            for part in parts:
                yield from _questions(part)
        case _:
            yield node


def _held(values: Mapping[str, Value], name: str) -> tuple[Scalar, ...]:
    value = values.get(name)
    several = value if isinstance(value, tuple) else () if value is None else (value,)
    return tuple(one for one in several if one != "")


def _compare(compare: Operator, held: Scalar, wanted: Scalar) -> bool:
    """One held value against one written in the condition; values of different kinds never match."""
    if isinstance(held, bool) or isinstance(wanted, bool):
        return compare is operator.eq and held is wanted
    if isinstance(held, str) and _DATE.fullmatch(held):
        other = wanted if isinstance(wanted, str) else f"{wanted:g}"
        if _DATE.fullmatch(other):
            known = min(len(held), len(other))
            return compare(held[:known], other[:known])
    if isinstance(held, str) and isinstance(wanted, str):
        return compare is operator.eq and held.strip().casefold() == wanted.strip().casefold()
    try:
        return compare(float(held), float(wanted))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        """The keyword or sign it is, or "" for a name or a value."""
        lowered = self.text.lower()
        return lowered if self.kind == "sign" or (self.kind == "word" and lowered in _KEYWORDS) else ""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else self.text


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            character = text[start]
            unclosed = "; a quoted text is not closed" if character in "\"'" else ""
            raise ConditionError(f"{character!r} is not expected here{unclosed}", start + 1)
        kind = match.lastgroup
        yield _Token(kind, match[kind], match.start(kind) + 1)
        if kind == "end":
            return
        position = match.end()


@dataclass(slots=True)
class _Parser:
    tokens: tuple[_Token, ...]
    index: int = 0
    depth: int = 0

    def whole(self) -> Node:
        node = self._condition()
        if self._next().kind != "end":
            raise self._expected("`and`, `or` or the end")
        return node

    def _next(self) -> _Token:
        return self.tokens[self.index]

    def _take(self, *words: str) -> str:
        """Passes over the next token if it is one of these words and says which; "" if it is none of them."""
        word = self._next().word
        if word not in words:
            return ""
        self.index += 1
        return word

    def _expected(self, what: str) -> ConditionError:
        return ConditionError(f"expected {what}, found {self._next()}", self._next().position)

    def _condition(self) -> Node:
        parts = [self._either()]
        while self._take("or"):
            parts.append(self._either())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _either(self) -> Node:
        parts = [self._test()]
        while self._take("and"):
            parts.append(self._test())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _test(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"nested more than {MAX_DEPTH} levels deep", self._next().position)
        if self._take("not"):
            node: Node = Not(self._test())
        elif self._take("("):
            node = self._condition()
            if not self._take(")"):
                raise self._expected("`)`")
        else:
            node = self._question()
        self.depth -= 1
        return node

    def _question(self) -> Node:
        if self._next().kind != "word" or self._next().word:
            raise self._expected("the name of a variable")
        name = self._next().text
        self.index += 1
        if sign := self._take(*_OPERATORS):
            return Comparison(name, sign, (self._value(),))
        if self._take("!="):
            return _negated(Comparison(name, "=", (self._value(),)))
        if self._take("in"):
            return Comparison(name, "=", self._list())
        if self._take("is"):
            return self._emptiness(name)
        if self._take("not"):
            if not self._take("in"):
                raise self._expected("`in` after `not`")
            return _negated(Comparison(name, "=", self._list()))
        if self._next().kind != "end" and self._next().word not in ("and", "or", ")"):
            raise self._expected("a comparison (= != < <= > >=), `in`, `not in` or `is empty`")
        return Comparison(name, "=", (True,))

    def _emptiness(self, name: str) -> Node:
        negated = self._take("not")
        if not self._take("empty"):
            raise self._expected("`empty`")
        return Not(IsEmpty(name)) if negated else IsEmpty(name)

    def _list(self) -> tuple[Scalar, ...]:
        if not self._take("["):
            raise self._expected("a list such as [1, 2]")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take("]"):
            raise self._expected("`,` or `]`")
        return tuple(values)

    def _value(self) -> Scalar:
        token = self._next()
        if token.kind == "word" and token.word not in ("true", "false"):
            raise ConditionError(f'text stands in quotes: "{token.text}"', token.position)
        if token.kind in ("sign", "end"):
            raise self._expected("a value (text in quotes, a number, a date, true or false)")
        self.index += 1
        match token.kind:
            case "number":
                return float(token.text)
            case "text":
                return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            case "date":
                return token.text
            case _:
                return token.word == "true"


def _negated(comparison: Comparison) -> Node:
    """True of a value that is there and does not match."""
    return Every((Not(IsEmpty(comparison.name)), Not(comparison)))
