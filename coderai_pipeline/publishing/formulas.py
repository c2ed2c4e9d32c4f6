"""Formula variables: computed within the dataset from its other columns, one cell a row, with DuckDB's reason where it fails.

Which texts are formulas is decided in `formula_check`. A formula that fails costs its own cells, never the publication.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING

from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.publishing import duck, values
from coderai_pipeline.publishing.definition import ColumnNames, Definition, has_first_day, sql_type
from coderai_pipeline.publishing.formula_check import Formula, FormulaError, formula_inputs, read_formula

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SECONDS = 60.0
"""Time that one formula may take over the whole dataset."""

REASONS_LOOKED_UP = 1_000
"""For so many failing rows DuckDB is asked for the reason of each; further ones share a general reason."""

_NOT_FINITE = "the result is not a finite number (such as a division by zero)"
_NOT_A_DATE = "the result is not an ISO 8601 date (2024, 2024-03 or 2024-03-05)"

_ERROR_CLASS = re.compile(r"^\w+ Error: ")
_UNFIT = re.compile(r"^No function matches the given name and argument types '(.+?)\((.*)\)'")
_TYPE_WORDS = {"VARCHAR": "text", "INTEGER_LITERAL": "a number", "DOUBLE": "a number", "BOOLEAN": "yes or no"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The temporary table that formulas of one level read and extend. Its rowid tells its rows apart."""

    connection: "DuckDBPyConnection"
    table: str
    names: ColumnNames
    entity_level: bool

    @property
    def columns(self) -> list[str]:
        return [column for (column, *_) in self.connection.execute(f"DESCRIBE {self.table}").fetchall()]


def compute(
    connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames, *, frame: str, entity_level: bool
) -> None:
    """Add the level's formula variables to the frame as columns, and their cells to the table `formula_cells`."""
    connection.execute(_FORMULA_CELLS)
    target = Frame(connection, frame, names, entity_level)
    variables = [one for one in definition.variables(entity_level=entity_level) if one.formula]
    for variable in _in_order(variables):
        _add_column(target, variable)
        problem = _fill(target, variable)
        _record(target, variable, problem)


def _in_order(variables: Sequence[Variable]) -> list[Variable]:
    """Each after those it reads; last, in the codebook's order, those that read each other in a circle."""
    ordered: list[Variable] = []
    waiting = {one.name: (one, _inputs(one)) for one in variables}
    while waiting:
        free = [one for one, inputs in waiting.values() if not (inputs - {one.name}) & waiting.keys()]
        ordered += free or [one for one, _ in waiting.values()]
        waiting = {name: entry for name, entry in waiting.items() if free and entry[0] not in free}
    return ordered


def _inputs(variable: Variable) -> set[str]:
    try:
        return {name.casefold() for name in formula_inputs(variable.formula)}
    except FormulaError:
        return set()


def _add_column(frame: Frame, variable: Variable) -> None:
    run = frame.connection.execute
    run(f"ALTER TABLE {frame.table} ADD COLUMN {duck.name(variable.name)} {sql_type(variable)}")
    run("CREATE OR REPLACE TEMP TABLE formula_problems (row BIGINT, reason VARCHAR)")
    if has_first_day(variable):
        run(f"ALTER TABLE {frame.table} ADD COLUMN {duck.name(frame.names.first_days[variable.name])} DATE")


def _fill(frame: Frame, variable: Variable) -> str | None:
    """Compute the column; rows that fail go to `formula_problems`. The result says why the formula failed as a whole."""
    import duckdb

    before = [column for column in frame.columns if column != variable.name]
    hurry = Timer(SECONDS, frame.connection.interrupt)
    hurry.start()
    try:
        formula = read_formula(variable.formula, before)
        expression = _typed(frame, variable, formula)
        frame.connection.execute(f"UPDATE {frame.table} SET {duck.name(variable.name)} = TRY({expression})")  # noqa: S608
        _find_problems(frame, variable, expression)
        _find_failed_inputs(frame, variable, formula)
    except FormulaError as problem:
        return str(problem)
    except duckdb.InterruptException:
        return f"it took more than {SECONDS:.0f} s; make the formula simpler"
    except duckdb.Error as error:
        return _first_line(error)
    finally:
        hurry.cancel()
    return None


def _typed(frame: Frame, variable: Variable, formula: Formula) -> str:
    """The formula cast to its column's type; a DATE or TIMESTAMP becomes ISO 8601 text."""
    described = frame.connection.execute(f"DESCRIBE SELECT {formula.sql} AS result FROM {frame.table}").fetchall()  # noqa: S608
    result = str(described[0][1])
    if variable.type is VariableType.DATE and result.startswith("TIMESTAMP"):
        return f"strftime({formula.sql}, '%Y-%m-%dT%H:%M')"
    return f"CAST({formula.sql} AS {sql_type(variable)})"


def _find_problems(frame: Frame, variable: Variable, expression: str) -> None:
    run, own = frame.connection.execute, duck.name(variable.name)
    failing = f"SELECT rowid FROM {frame.table} WHERE {own} IS NULL AND TRY({expression} IS NULL) IS NULL"  # noqa: S608
    for (row,) in run(f"{failing} LIMIT {REASONS_LOOKED_UP}").fetchall():
        run("INSERT INTO formula_problems VALUES (?, ?)", [row, _reason(frame, expression, row)])
    run(f"""
        INSERT INTO formula_problems SELECT rowid, 'the formula cannot be computed from this row''s values'
        FROM ({failing}) WHERE rowid NOT IN (SELECT row FROM formula_problems)""")  # noqa: S608
    for wrong, reason in _checks(variable):
        run(f"INSERT INTO formula_problems SELECT rowid, {reason} FROM {frame.table} WHERE {wrong}")  # noqa: S608
        run(f"UPDATE {frame.table} SET {own} = NULL WHERE {wrong}")  # noqa: S608


def _find_failed_inputs(frame: Frame, variable: Variable, formula: Formula) -> None:
    """No value because something it reads has failed is a failure too, not an absence."""
    variables = {day.casefold(): name for name, day in frame.names.first_days.items()}
    read = [variables.get(name.casefold(), name.casefold()) for name in formula.inputs]
    inputs = ", ".join(duck.text(name) for name in read) or "NULL"
    entity = f"IN ('', frame.{duck.name(frame.names.entity)})" if frame.entity_level else "= ''"
    frame.connection.execute(f"""
        INSERT INTO formula_problems
        SELECT frame.rowid, 'it reads `' || min(cells.variable) || '`, which failed'
        FROM {frame.table} AS frame
        JOIN (SELECT document, entity, variable FROM now_cells WHERE status = 'failed' AND variable IN ({inputs})
              UNION ALL SELECT document, entity, variable FROM formula_cells WHERE status = 'failed' AND variable IN ({inputs})
             ) AS cells ON cells.document = frame.{duck.name(frame.names.document)} AND cells.entity {entity}
        WHERE frame.{duck.name(variable.name)} IS NULL AND frame.rowid NOT IN (SELECT row FROM formula_problems)
        GROUP BY frame.rowid""")  # noqa: S608


def _checks(variable: Variable) -> list[tuple[str, str]]:
    """What a computed value must not be: (SQL condition, SQL of the reason)."""
    own = duck.name(variable.name)
    if variable.takes_many:
        return []
    if variable.type is VariableType.NUMBER:
        return [(f"NOT isfinite({own})", duck.text(_NOT_FINITE))]
    if variable.type is VariableType.DATE:
        iso = r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?"
        return [(f"NOT regexp_full_match({own}, {duck.text(iso)})", duck.text(_NOT_A_DATE))]
    if variable.categories and not variable.allow_other:
        categories = ", ".join(duck.text(category.value) for category in variable.categories)
        return [(f"{own} NOT IN ({categories})", f"'`' || {own} || '` is not one of the variable''s categories'")]
    return []


def _reason(frame: Frame, expression: str, row: int) -> str:
    import duckdb

    try:
        frame.connection.execute(f"SELECT {expression} FROM {frame.table} WHERE rowid = ?", [row]).fetchall()  # noqa: S608
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        return _first_line(error)
    return "the formula cannot be computed from this row's values"


def _first_line(error: Exception) -> str:
    """What DuckDB says, without the name of its error class; where types do not fit, what to do about it."""
    said = _ERROR_CLASS.sub("", str(error).strip().partition("\n")[0])
    unfit = _UNFIT.search(said)
    if unfit is None:
        return said
    types = unfit[2]
    for duckdbs, plain in _TYPE_WORDS.items():
        types = types.replace(duckdbs, plain)
    return f"`{unfit[1]}` does not take {types}; numbers in a column of text become numbers by CAST(column AS DOUBLE)"


_FORMULA_CELLS = """
    CREATE TEMP TABLE IF NOT EXISTS formula_cells (
        document VARCHAR, entity VARCHAR, variable VARCHAR, type VARCHAR, status VARCHAR, reason VARCHAR, value VARCHAR,
        source VARCHAR, changes VARCHAR[], alternatives VARCHAR[], call_ids VARCHAR[], prompt_version VARCHAR,
        extractor VARCHAR, model VARCHAR, input_tokens DOUBLE, output_tokens DOUBLE, seconds DOUBLE, current BOOLEAN)"""


def _record(frame: Frame, variable: Variable, problem: str | None) -> None:
    """One cell a row of the frame: extracted, absent (the formula gives no value) or failed (why)."""
    own, names = duck.name(variable.name), frame.names
    if problem:
        frame.connection.execute(f"UPDATE {frame.table} SET {own} = NULL")  # noqa: S608  # some may have been computed
    if first_day := names.first_days.get(variable.name):
        frame.connection.execute(f"UPDATE {frame.table} SET {duck.name(first_day)} = {values.first_day(own)}")  # noqa: S608
    whole = duck.text(f"the formula cannot be computed: {problem}") if problem else "NULL"
    entity = duck.name(names.entity) if frame.entity_level else "''"
    frame.connection.execute(f"""
        INSERT INTO formula_cells
        SELECT {duck.name(names.document)}, {entity}, {duck.text(variable.name)}, {duck.text(variable.type)},
               CASE WHEN why IS NOT NULL THEN 'failed' WHEN {own} IS NULL THEN 'absent' ELSE 'extracted' END,
               CASE WHEN why IS NOT NULL THEN why WHEN {own} IS NULL THEN 'the formula gives no value: something it reads is empty'
                    ELSE '' END,
               CAST(to_json({own}) AS VARCHAR), {duck.name(names.source)}, [], [], [], '', 'formula', '', 0, 0, 0, true
        FROM (SELECT frame.*, coalesce({whole}, problems.reason) AS why
              FROM {frame.table} AS frame LEFT JOIN formula_problems AS problems ON problems.row = frame.rowid)""")  # noqa: S608
