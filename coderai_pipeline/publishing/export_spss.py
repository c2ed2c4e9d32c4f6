"""The SPSS export: a .sav file with labels, and reasons of missing values as user-missing codes.

What its variables are is decided in `stat_columns`.
"""
# pyright: reportUnknownMemberType=false
# pandas ships no types.

from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.export_tables import Table, project_facts
from coderai_pipeline.publishing.stat_columns import Missing, StatColumn, StatValue, stat_table
from coderai_pipeline.publishing.stat_frame import gather, named, published_at, stamp
from coderai_pipeline.publishing.stat_names import within

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST_TEXT = 32_767
"""Bytes of UTF-8 that a string variable holds."""

_LONGEST_NAME = 64
_LONGEST_LABEL = 256
_LONGEST_VALUE_LABEL = 120
_FIRST_DAY = date(1582, 10, 15)
_EPOCH = date(1582, 10, 14)
_DAY_S = 86_400
_CREATED_AT, _TIME_AT = 92, 101
"""Where the header of a .sav holds the day and the time of writing."""


def write_spss(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    import numpy as np
    import pandas as pd
    import pyreadstat

    table, found = stat_table(connection, options, first_day=_FIRST_DAY)
    columns = named(found, table, lambda column: _LONGEST_NAME)
    codes = missing_codes(table)
    values = gather(table.rows(), columns, lambda column, value: _coded(value, codes))
    series = {
        column.name: values[column.name] if column.kind == "text" else np.array(values.pop(column.name), np.float64)
        for column in columns
    }
    facts = project_facts(connection)
    pyreadstat.write_sav(
        pd.DataFrame(series, columns=[column.name for column in columns]),  # pyright: ignore[reportArgumentType]  # its stubs know no pandas 3
        folder / "dataset.sav",
        row_compress=True,
        file_label=within(facts["name"], 64),
        note=_notes(facts["version"]),
        column_labels={column.name: within(column.label, _LONGEST_LABEL) for column in columns},
        variable_value_labels={column.name: labels for column in columns if (labels := _labels(column, codes))},
        missing_ranges={column.name: _ranges(codes) for column in columns if column.reasons},
        variable_measure={column.name: _measure(column) for column in columns},
        variable_format={
            column.name: _format(column, series[column.name]) for column in columns if column.kind != "text"
        },
    )
    moment = published_at(facts)
    stamp(folder / "dataset.sav", _CREATED_AT, 9, moment, "%d %b %y")
    stamp(folder / "dataset.sav", _TIME_AT, 8, moment, "%H:%M:%S")


def missing_codes(table: Table) -> dict[Missing, int]:
    """The same codes for all variables: -99 to -95, or as many nines more as it takes for no value to lie among them."""
    numbers = [duck.name(column.name) for column in table.columns if column.kind in ("DOUBLE", "INTEGER", "BIGINT")]
    for digits in count(2):
        lowest = 1 - 10**digits
        codes = {reason: lowest + place for place, reason in enumerate(Missing)}
        among = [f"{name} BETWEEN {lowest} AND {max(codes.values())}" for name in numbers]
        sql = f"SELECT coalesce(bool_or({' OR '.join(among) or 'false'}), false) FROM ({table.sql})"  # noqa: S608
        if not duck.one(table.connection, sql)[0]:
            return codes
    raise AssertionError("no table holds numbers of every length")


def _coded(value: StatValue, codes: dict[Missing, int]) -> object:
    if isinstance(value, Missing):
        return codes[value]
    if isinstance(value, str):
        return within(value, LONGEST_TEXT)
    if isinstance(value, date):
        return (value - _EPOCH).days * _DAY_S
    return float("nan") if value is None else value


def _labels(column: StatColumn, codes: dict[Missing, int]) -> dict[int | float, str]:
    labels = {**column.labels, **{codes[reason]: str(reason) for reason in column.reasons}}
    return {code: within(label, _LONGEST_VALUE_LABEL) for code, label in labels.items()}


def _ranges(codes: dict[Missing, int]) -> list[Any]:
    return [{"lo": min(codes.values()), "hi": max(codes.values())}]


def _measure(column: StatColumn) -> str:
    return "nominal" if column.labels or column.kind == "text" else "scale"


def _format(column: StatColumn, values: Any) -> str:
    """How numbers are shown: decimals only where there are any."""
    if column.kind == "day":
        return "DATE11"
    return "F8.0" if column.labels else "F12.0" if (values % 1 > 0).sum() == 0 else "F16.4"


def _notes(version: str) -> list[str]:
    """Of at most 80 bytes a line."""
    return [
        f"Snapshot {version}",
        "Missing values say why in their value labels.",
        f"Texts are cut at {LONGEST_TEXT} bytes; CSV and Parquet have them whole.",
    ]
