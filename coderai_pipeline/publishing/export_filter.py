"""The filter of an export: one SQL condition on the dataset's columns, checked as formulas are.

It is applied on the snapshot's own connection, which can read nothing else.
"""

from typing import TYPE_CHECKING

from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.formula_check import FormulaError, read_formula

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXAMPLE = "a condition such as total > 100 or kind = 'march'"


def filtered_rows(connection: "DuckDBPyConnection", options: ExportOptions) -> str:
    """SQL for the dataset's rows that the options' filter lets through: what follows FROM.

    Raises:
        InvalidInput: the filter is no condition on the dataset's columns, or cannot be computed for a row.
    """
    if not options.filter.strip():
        return "dataset"
    columns = [name for (name, *_) in connection.execute("DESCRIBE dataset").fetchall()]
    try:
        condition = read_formula(options.filter, columns).sql
    except FormulaError as error:
        raise _refused(options, str(error).replace("a formula", "a filter")) from None
    return f"({_tried(connection, options, condition)})"


def _tried(connection: "DuckDBPyConnection", options: ExportOptions, condition: str) -> str:
    """The query of the rows, which has been run once."""
    import duckdb

    sql = f"SELECT * FROM dataset WHERE {condition}"  # noqa: S608  # read by DuckDB's parser, as a formula is
    try:
        (kind,) = duck.one(connection, f"SELECT any_value(typeof({condition})) FROM dataset")  # noqa: S608
        connection.execute(f"SELECT count(*) FROM ({sql})").fetchone()  # noqa: S608
    except duckdb.Error as error:
        raise _refused(options, f"cannot be computed: {str(error).splitlines()[0]}") from None
    if kind not in (None, "BOOLEAN"):
        raise _refused(options, f"gives {kind}, not true or false")
    return sql


def _refused(options: ExportOptions, message: str) -> InvalidInput:
    return InvalidInput([Problem("exports", None, "filter", message, options.filter, _EXAMPLE)])
