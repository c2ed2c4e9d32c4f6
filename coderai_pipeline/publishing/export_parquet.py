"""Exports as Parquet: the wide and the long table with their types, labels as field metadata.

What they hold is decided in `export_tables`.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

from pathlib import Path
from typing import TYPE_CHECKING

from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing.export_tables import Table, long_table, wide_table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 10_000


def write_parquet(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    write_table(wide_table(connection, options), folder / "dataset.parquet")
    write_table(long_table(connection, options), folder / "cells.parquet")


def write_table(table: Table, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    batches = table.connection.cursor().sql(table.sql).to_arrow_reader(_ROWS)
    labels = {column.name: column.label for column in table.columns}
    schema = pa.schema([field.with_metadata({"label": labels[field.name]}) for field in batches.schema])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(schema) if batch.num_rows else pa.RecordBatch.from_pylist([], schema))
