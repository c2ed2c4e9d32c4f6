"""What a `formula` may say and which variables it uses, found without running it.

A formula is one SQL expression. It is evaluated by the dataset, in DuckDB with no access to files or the network; the
checks here say early and in plain words what would fail or be refused there.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

MAX_LENGTH = 4_000

_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<cast>::\s*\w+)
    |(?P<number>\d[\w.]*)
    |(?P<word>[^\W\d]\w*)
    |(?P<comment>--|/\*)
    |(?P<other>\S)""",
    re.VERBOSE | re.DOTALL,
)
_EXTRACT = re.compile(r"(\bextract\s*\()\s*('?)\w+\2\s+from\b", re.IGNORECASE)
_DISTINCT = re.compile(r"\bdistinct\s+from\b", re.IGNORECASE)
"""The two places where FROM names no table: extract(year from x), x is distinct from y."""

_STATEMENTS = re.compile(
    "select|from|with|union|intersect|except|values|table|join|insert|update|delete|create|drop|alter|attach|detach|copy|"
    "export|import|install|load|pragma|set|reset|call|execute|prepare|describe|summarize|show|over|window",
    re.IGNORECASE,
)
_WORDS = re.compile(
    "and|or|not|null|is|in|i?like|glob|similar|to|between|true|false|case|when|then|else|end|as|distinct|escape|"
    "interval|date|time|timestamp|at|zone|collate|all|any|some|(year|quarter|month|week|day|hour|minute|second)s?|"
    "decade|century|dow|doy|isodow|isoyear|epoch|(big|small|tiny|huge)?int|integer|double|float|real|decimal|numeric|"
    "varchar|text|string|bool|boolean|current_date|current_timestamp",
    re.IGNORECASE,
)
"""Words of SQL expressions, its types and its units of time."""

_OPENING = ("(", "[", "{")
_CLOSING = (")", "]", "}")
_OUTWARD = re.compile(
    r"read_\w+|\w+_scan|scan_\w+|sniff_\w+|parquet_\w+|glob|query|query_table|getenv|getvariable|current_setting|"
    r"duckdb_\w+|pragma_\w+|sqlite_\w+|postgres_\w+|mysql_\w+|st_read\w*|http\w*|nextval|currval|which_secret|write_\w+"
)
"""Functions that reach for files, settings, secrets or other databases."""


class FormulaError(ValueError):
    """A formula that is refused, and why."""


def names(formula: str, declared: Collection[str] = ()) -> tuple[str, ...]:
    """The words of a formula that stand for variables, each once, in order. Raises FormulaError.

    A word of SQL (`date`, `year`) stands for a variable where one of that name is declared, and "quoted" words always
    do. What follows `::` or AS is a type, and what stands before `(` or a text is a function or a type.
    """
    found: dict[str, None] = {}
    before = _NOTHING
    tokens = _tokens(formula)
    for token, after in zip(tokens, [*tokens[1:], _NOTHING], strict=True):
        if token.kind == "quoted":
            found[token.text[1:-1].replace('""', '"')] = None
        elif token.kind == "word" and after.text == "(":
            _refuse_outward(token.text)
        elif token.kind == "word" and before.text.lower() != "as" and after.kind != "text":
            name = token.text.lower()
            if name in declared or not _WORDS.fullmatch(name):
                found[name] = None
        before = token
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_NOTHING = _Token("other", "")


def _tokens(formula: str) -> list[_Token]:
    if len(formula) > MAX_LENGTH:
        raise FormulaError(f"the formula is longer than {MAX_LENGTH:,} characters")
    text = _DISTINCT.sub("distinct", _EXTRACT.sub(r"\1", formula))
    tokens = [_Token(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(text)]
    for token, following in zip(tokens, [*tokens[1:], _NOTHING], strict=True):
        _refuse_token(token, following)
    _refuse_unbalanced(tokens)
    return tokens


def _refuse_token(token: _Token, following: _Token) -> None:
    if token.text == ";":
        raise FormulaError("a formula is one expression; remove the semicolon")
    if token.kind == "comment":
        raise FormulaError(
            "comments (-- and /*) do not belong in a formula; use a # comment on its own line in the file"
        )
    if token.text in ("'", '"'):
        raise FormulaError(f"a quotation mark ({token.text}) is opened and never closed")
    if token.text in ("$", "?", "@") or (token.kind == "word" and following.kind == "text" and len(token.text) == 1):
        raise FormulaError(f"{token.text} is not used in a formula; write text in 'single quotes'")
    if token.kind == "word" and _STATEMENTS.fullmatch(token.text):
        raise FormulaError(
            f"{token.text.upper()} is not used in a formula, which computes one value from the row's other variables; "
            f'put a variable of that name in double quotes: "{token.text.lower()}"'
        )


def _refuse_unbalanced(tokens: list[_Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth < 0:
            break
        if depth == 0 and token.text == ",":
            raise FormulaError("a formula is one expression; remove the comma (a decimal point is written as .)")
    if depth:
        raise FormulaError("the parentheses do not match")


def _refuse_outward(function: str) -> None:
    if _OUTWARD.fullmatch(function.lower()):
        raise FormulaError(f"{function}() reaches outside the dataset; a formula uses the row's own variables only")
