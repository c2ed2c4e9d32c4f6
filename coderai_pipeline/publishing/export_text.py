"""Exports as plain text: CSV, wide and long, and JSON Lines. Equal content gives equal bytes.

What they hold is decided in `export_tables`, which characters could become formulas in `safety`.
"""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing.export_tables import Table, long_table, wide_table
from coderai_pipeline.publishing.safety import guarded, printable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WHOLE_UP_TO = 2.0**53


def write_csv_wide(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    write_csv(wide_table(connection, options), folder / "dataset.csv", options)


def write_csv_long(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    write_csv(long_table(connection, options), folder / "cells.csv", options)


def write_jsonl(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    """One JSON object a row; several values as an array, no value as null, texts as they are."""
    table = wide_table(connection, options)
    names = [column.name for column in table.columns]
    with (folder / "dataset.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for row in table.rows():
            values = dict(zip(names, map(_json_value, row), strict=True))
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(table: Table, path: Path, options: ExportOptions) -> None:
    """Commas, every text quoted, numbers bare, no value empty. Excel reads UTF-8 only where a byte order mark says so;
    pandas, R's readr and DuckDB skip the mark."""
    text = guarded if options.guard_formulas else printable
    fields = [_csv_field(column.kind, text) for column in table.columns]
    with path.open("w", encoding="utf-8-sig" if options.byte_order_mark else "utf-8", newline="") as file:
        file.write(",".join(_quoted(text(column.name)) for column in table.columns) + "\r\n")
        for row in table.rows():
            file.write(",".join([field(value) for field, value in zip(fields, row, strict=True)]) + "\r\n")


def _csv_field(kind: str, text: Callable[[str], str]) -> Callable[[Any], str]:
    """How values of a column are written; chosen once for the column, since tables have millions of fields."""

    def write_text(value: str | None) -> str:
        return "" if value is None else f'"{text(value)}"' if '"' not in value else _quoted(text(value))

    def write_other(value: Any) -> str:
        shown = as_shown(value)
        return "" if shown is None else write_text(shown) if isinstance(shown, str) else str(shown).lower()

    return write_text if kind == "VARCHAR" else write_other


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def as_shown(value: Any) -> str | float | int | bool | date | None:
    """A value of the snapshot as one cell of a sheet: several values joined, whole numbers without a decimal point."""
    if isinstance(value, list):
        return "; ".join(str(as_shown(one)) for one in value if one is not None)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # a DuckDB list
    return plain_number(value) if isinstance(value, float) else value


def plain_number(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < _WHOLE_UP_TO else value


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return plain_number(value)
    if isinstance(value, list):
        return [_json_value(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # of a DuckDB list
    return value.isoformat() if isinstance(value, date | datetime) else value
