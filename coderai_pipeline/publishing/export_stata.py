"""The Stata export: a .dta file (release 118, Stata 14 and later) with labels, and reasons of missing values as .a to .e.

What its variables are is decided in `stat_columns`.
"""
# pyright: reportUnknownMemberType=false
# pandas ships no types.

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing.export_tables import project_facts
from coderai_pipeline.publishing.stat_columns import Missing, StatColumn, StatValue, stat_table
from coderai_pipeline.publishing.stat_frame import gather, named, published_at, stamp

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LETTERS: Mapping[Missing, str] = dict(zip(Missing, "abcde", strict=True))
"""Reason -> the letter of Stata's extended missing value."""

_LONGEST_NAME = 32
_LONGEST_LABELLED = 28
"""Labels of values are a set of their own, called like the variable and a number within the same 32 characters."""
_LONGEST_LABEL = 80
_FIRST_DAY = date(100, 1, 1)
_EPOCH = date(1960, 1, 1)
_STAMP = b"<timestamp>\x11"


def write_stata(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    import pandas as pd
    import pyreadstat

    table, found = stat_table(connection, options, first_day=_FIRST_DAY)
    columns = named(found, table, _longest_name)
    values = gather(table.rows(), columns, lambda column, value: _coded(value))
    series = {column.name: pd.Series(values.pop(column.name), dtype=object) for column in columns}
    facts = project_facts(connection)
    path = folder / "dataset.dta"
    pyreadstat.write_dta(
        pd.DataFrame(series, columns=[column.name for column in columns]),  # pyright: ignore[reportArgumentType]  # its stubs know no pandas 3
        path,
        version=14,
        file_label=_characters(f"{facts['name']}: {facts['version']}"),
        column_labels={column.name: _characters(column.label) for column in columns},
        variable_value_labels={column.name: labels for column in columns if (labels := _labels(column))},
        missing_user_values={column.name: [*LETTERS.values()] for column in columns if column.kind != "text"},
        variable_format={column.name: "%td" for column in columns if column.kind == "day"},
    )
    with path.open("rb") as file:
        at = file.read(1_000).index(_STAMP) + len(_STAMP)
    stamp(path, at, 17, published_at(facts), "%d %b %Y %H:%M")


def _longest_name(column: StatColumn) -> int:
    return _LONGEST_LABELLED if _labels(column) else _LONGEST_NAME


def _coded(value: StatValue) -> object:
    """Numbers as doubles all: pyreadstat reads a missing value of its integer columns as a number."""
    if isinstance(value, Missing):
        return LETTERS[value]
    if value is None or isinstance(value, str):
        return value
    return float((value - _EPOCH).days if isinstance(value, date) else value)


def _labels(column: StatColumn) -> dict[int | float, str]:
    labels: dict[int | float, str] = {**column.labels}
    return labels | {LETTERS[reason]: str(reason) for reason in column.reasons}  # pyright: ignore[reportReturnType]  # pyreadstat takes letters, too


def _characters(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 3] + "..."
