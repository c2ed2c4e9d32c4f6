"""Whether a formula is what a formula may be: one scalar SQL expression over other columns, the same on every evaluation.

DuckDB's own parser reads it, so nothing is recognised by searching the text. Computing formulas is in `formulas`.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeAlias

from coderai_pipeline.publishing import duck

_Node: TypeAlias = Mapping[str, Any]

_ALLOWED = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
     "OPERATOR", "TYPE"}
)  # fmt: skip
_REFUSED: Mapping[str, str] = {
    "SUBQUERY": "a query within a formula",
    "WINDOW": "a window function, which looks at other rows",
    "STAR": "`*` or COLUMNS(...), which stand for many columns",
    "PARAMETER": "a parameter",
}
_SURROUNDINGS = ("where_clause", "group_expressions", "group_sets", "having", "sample", "qualify", "modifiers")


class FormulaError(ValueError):
    """The text is no formula; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A checked formula. inputs: the columns it reads, each once, as written."""

    sql: str
    inputs: tuple[str, ...]


def formula_problem(text: str, columns: Collection[str]) -> str | None:
    """What is wrong with a formula over these columns, in one sentence; None when it can be computed."""
    try:
        read_formula(text, columns)
    except FormulaError as problem:
        return str(problem)
    return None


def read_formula(text: str, columns: Collection[str]) -> Formula:
    """The formula, checked.

    Raises:
        FormulaError: it is not one scalar expression over these columns.
    """
    formula = _parse(text)
    known = {column.casefold() for column in columns}
    unknown = [name for name in formula.inputs if name.casefold() not in known]
    if unknown:
        near = ", ".join(f"`{name}`" for name in get_close_matches(unknown[0], columns))
        raise FormulaError(
            f"`{unknown[0]}` is not a column that it can read" + (f"; did you mean {near}?" if near else "")
        )
    return formula


def formula_inputs(text: str) -> tuple[str, ...]:
    """The names that a formula reads, known or not.

    Raises:
        FormulaError: it is not one scalar expression.
    """
    return _parse(text).inputs


@cache
def _parse(text: str) -> Formula:
    expression = _expression(text)
    bound = {name for node in _nodes(expression) if node["class"] == "LAMBDA" for name in _columns(node["lhs"])}
    for node in _nodes(expression):
        _check_node(node)
    inputs = [name for name in _columns(expression) if name not in bound]
    return Formula(f"({text}\n)", tuple(dict.fromkeys(inputs)))


def _expression(text: str) -> _Node:
    """The one expression of the text, read as it will be evaluated: within parentheses."""
    if "\0" in text or not text.strip():
        raise FormulaError("a formula is an SQL expression such as `total / people`")
    parsed = _serialised(f"SELECT ({text}\n)")
    if parsed["error"]:
        raise FormulaError(f"not an SQL expression: {parsed['error_message']}")
    statements: list[_Node] = [one["node"] for one in parsed["statements"]]
    node = statements[0]
    alone = len(statements) == 1 and node["type"] == "SELECT_NODE" and len(node["select_list"]) == 1
    if not alone or node["from_table"]["type"] != "EMPTY" or node["cte_map"]["map"]:
        raise FormulaError("more than one expression; a formula is one expression, without SELECT or FROM")
    if any(node[clause] for clause in _SURROUNDINGS):
        raise FormulaError("a formula is one expression, without WHERE, GROUP BY or ORDER BY")
    return node["select_list"][0]


def _check_node(node: _Node) -> None:
    kind = node["class"]
    if kind not in _ALLOWED:
        raise FormulaError(f"{_REFUSED.get(kind, kind.lower())} cannot be used in a formula")
    if kind == "FUNCTION" and (node["schema"] or node["catalog"] or not _is_steady(node["function_name"].lower())):
        raise FormulaError(
            f"`{node['function_name']}` cannot be used: a formula takes functions of one row that always give the same "
            "value, such as round, coalesce, date_diff, lower or list_sum"
        )
    if kind == "COLUMN_REF" and len(node["column_names"]) != 1:
        raise FormulaError(f"`{'.'.join(node['column_names'])}`: columns are named alone, without a table")


def _nodes(tree: object) -> Iterator[_Node]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for child in tree.values():  # pyright: ignore[reportUnknownVariableType]  # JSON
            yield from _nodes(child)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(tree, list):
        for child in tree:  # pyright: ignore[reportUnknownVariableType]  # JSON
            yield from _nodes(child)  # pyright: ignore[reportUnknownArgumentType]


def _columns(tree: object) -> list[str]:
    return [".".join(node["column_names"]) for node in _nodes(tree) if node["class"] == "COLUMN_REF"]


def _serialised(sql: str) -> dict[str, Any]:
    import duckdb

    with duckdb.connect() as connection:
        (parsed,) = duck.one(connection, "SELECT json_serialize_sql(?)", [sql])
    return json.loads(parsed)


@cache
def _is_steady(function: str) -> bool:
    """Whether a function reads one row and always gives the same value; of a macro, whether all it is made of does."""
    kinds = _functions().get(function, ())
    return bool(kinds) and all(
        stability == "CONSISTENT" if kind == "scalar" else kind == "macro" and _is_steady_macro(sql, parameters)
        for kind, stability, sql, parameters in kinds
    )


def _is_steady_macro(sql: str, parameters: list[str]) -> bool:
    expression = _serialised(f"SELECT ({sql}\n)")["statements"][0]["node"]["select_list"][0]
    nodes = list(_nodes(expression))
    steady = all(_is_steady(node["function_name"].lower()) for node in nodes if node["class"] == "FUNCTION")
    return steady and all(node["class"] in _ALLOWED for node in nodes) and set(_columns(expression)) <= {*parameters}


@cache
def _functions() -> Mapping[str, list[tuple[str, str | None, str, list[str]]]]:
    """DuckDB's functions by name: (kind, stability, a macro's SQL, its parameters), one for each form of the function."""
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute("""
            SELECT DISTINCT function_name, function_type, stability, macro_definition,
                   CASE WHEN function_type = 'macro' THEN parameters END
            FROM duckdb_functions()""").fetchall()
    functions: dict[str, list[tuple[str, str | None, str, list[str]]]] = {}
    for name, *form in rows:
        if name not in ("json_serialize_sql", "json_deserialize_sql"):
            functions.setdefault(name, []).append(tuple(form))
    return functions
