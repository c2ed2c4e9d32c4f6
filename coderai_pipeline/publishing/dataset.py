"""The tables `dataset` (wide, one row per unit of observation) and `cells` (long), made from the current rows.

The current rows are found in `latest`, formula variables are computed in `formulas`, the other tables made in `tables`.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.publishing import duck, formulas
from coderai_pipeline.publishing.definition import ColumnNames, Definition, column_names, has_first_day
from coderai_pipeline.publishing.values import display, first_day, typed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE_TYPES = ("csv", "xlsx", "jsonl", "parquet")
"""Types of documents that are rows of a table: their other columns travel to the dataset."""

METADATA_COLUMNS = 200
"""At most so many of them; the others stay in `documents.metadata`."""


def compute_frames(connection: "DuckDBPyConnection", definition: Definition) -> ColumnNames:
    """Gather the rows and compute the formulas, in temporary tables; the result says what the columns are called."""
    names = column_names(definition, [*_metadata_keys(connection), *_used_keys(definition)])
    connection.execute(_SUBJECTS)
    _make_document_frame(connection, definition, names)
    formulas.compute(connection, definition, names, frame="document_frame", entity_level=False)
    if definition.many:
        _make_entity_frame(connection, definition, names)
        formulas.compute(connection, definition, names, frame="entity_frame", entity_level=True)
    return names


def build_dataset(connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames) -> None:
    """Make `dataset` and `cells` of the frames. Nothing of a variable that the codebook does not have is in them."""
    _make_dataset(connection, definition, names)
    _make_cells(connection, definition)


def _metadata_keys(connection: "DuckDBPyConnection") -> list[str]:
    types = ", ".join(duck.text(one) for one in TABLE_TYPES)
    rows = connection.execute(f"""
        SELECT json_keys(metadata) AS keys FROM now_documents
        WHERE type IN ({types}) AND metadata IS NOT NULL GROUP BY keys ORDER BY count(*) DESC, keys""").fetchall()  # noqa: S608
    return list(dict.fromkeys(key for (keys,) in rows for key in keys))[:METADATA_COLUMNS]


def _used_keys(definition: Definition) -> list[str]:
    """What formulas use of the metadata that files of other types state, such as `meta_date` of a web page."""
    formulas = " ".join(variable.formula for variable in definition.codebook.variables)
    return re.findall(r"\bmeta_(\w+)", formulas)


_SUBJECTS = """
    CREATE TEMP TABLE subjects AS
    SELECT document, source, metadata FROM now_documents AS documents
    WHERE EXISTS (FROM now_cells AS cells WHERE cells.document = documents.document)
       OR (readable AND EXISTS (FROM now_settled AS settled
                                WHERE settled.document = documents.document AND settled.outcome = 'settled'))"""


def _make_document_frame(connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames) -> None:
    """One row a document, with every column but the entities'."""
    asked = [one for one in definition.variables(entity_level=False) if not one.formula]
    metadata = [f"metadata ->> {duck.text(_path(key))} AS {duck.name(name)}" for key, name in names.metadata.items()]
    columns = [f"subjects.document AS {duck.name(names.document)}", f"subjects.source AS {duck.name(names.source)}"]
    columns += [*metadata, *_values(asked, names)]
    connection.execute(f"""
        CREATE TEMP TABLE document_frame AS
        SELECT {", ".join(columns)}
        FROM subjects
        LEFT JOIN (SELECT document AS pivoted, {_pivoted(asked)} FROM now_cells WHERE entity = '' GROUP BY document)
            ON pivoted = subjects.document""")  # noqa: S608


def _make_entity_frame(connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames) -> None:
    """One row an entity: the document's columns repeated, then the entity's own."""
    asked = [one for one in definition.variables(entity_level=True) if not one.formula]
    columns = ["document_frame.*", f"entities.entity AS {duck.name(names.entity)}", *_values(asked, names)]
    connection.execute(f"""
        CREATE TEMP TABLE entity_frame AS
        SELECT {", ".join(columns)}
        FROM now_entities AS entities
        JOIN document_frame ON document_frame.{duck.name(names.document)} = entities.document
        LEFT JOIN (SELECT document AS pivoted, entity AS of_entity, {_pivoted(asked)} FROM now_cells
                   WHERE entity <> '' GROUP BY document, entity)
            ON pivoted = entities.document AND of_entity = entities.entity""")  # noqa: S608


def _pivoted(variables: Sequence[Variable]) -> str:
    picks = (
        f"any_value(value) FILTER (variable = {duck.text(one.name)}) AS {duck.name(_raw(one))}" for one in variables
    )
    return ", ".join(picks) or "NULL"


def _raw(variable: Variable) -> str:
    return f"{variable.name} as json"


def _values(variables: Sequence[Variable], names: ColumnNames) -> list[str]:
    """One typed column a variable from its pivoted JSON, and a date's first day after it."""
    columns: list[str] = []
    for variable in variables:
        raw, own = duck.name(_raw(variable)), duck.name(variable.name)
        columns.append(f"{typed(raw, variable)} AS {own}")
        if has_first_day(variable):
            columns.append(f"{first_day(display(raw))} AS {duck.name(names.first_days[variable.name])}")
    return columns


def _path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def dataset_columns(definition: Definition, names: ColumnNames) -> list[tuple[str, str]]:
    """The columns of `dataset` in order, each with its comment."""
    columns = [(names.document, "document: its key in the project")]
    if definition.many:
        columns.append((names.entity, f"entity: which of the document's rows ({definition.project.unit.represents})"))
    columns.append((names.source, "source: the document's path below the inbox"))
    columns += [(name, f"as the document states it beside its text: {key}") for key, name in names.metadata.items()]
    for variable in definition.codebook.variables:
        unit = f" ({variable.unit})" if variable.unit else ""
        columns.append((variable.name, variable.heading + unit))
        if variable.name in names.first_days:
            columns.append((names.first_days[variable.name], f"{variable.heading}: the first day that the date covers"))
    return columns


def _make_dataset(connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames) -> None:
    columns = dataset_columns(definition, names)
    entity = duck.name(names.entity)
    order = [duck.name(names.document), *([f"TRY_CAST({entity} AS BIGINT)", entity] if definition.many else [])]
    connection.execute(f"""
        CREATE TABLE dataset AS SELECT {duck.names([column for column, _ in columns])}
        FROM {"entity_frame" if definition.many else "document_frame"} ORDER BY {", ".join(order)}""")  # noqa: S608
    for column, comment in columns:
        connection.execute(f"COMMENT ON COLUMN dataset.{duck.name(column)} IS {duck.text(comment)}")


def _make_cells(connection: "DuckDBPyConnection", definition: Definition) -> None:
    connection.execute("CREATE TEMP TABLE positions (variable VARCHAR, position INTEGER)")
    positions = [[one.name, index] for index, one in enumerate(definition.codebook.variables)]
    connection.executemany("INSERT INTO positions VALUES (?, ?)", positions)
    connection.execute("CREATE TEMP TABLE all_cells AS FROM now_cells")
    connection.execute("INSERT INTO all_cells BY NAME SELECT * FROM formula_cells")
    connection.execute(_CELLS)


_CELLS = f"""
    CREATE TABLE cells AS
    SELECT document, entity, variable, type, status, reason,
           {display("value")} AS value, value AS value_json,
           CASE WHEN type = 'number' THEN TRY_CAST(value ->> '$' AS DOUBLE) END AS value_number,
           precision, unit, confidence, quote, start AS quote_start, "end" AS quote_end, page, grounding,
           changes, alternatives, source, prompt_version, extractor, model, call_ids, input_tokens, output_tokens,
           cost, seconds, current, ask_fingerprint, settle_fingerprint, text_sha256, raw_reply, run_id,
           make_timestamp(version // 1000) AS settled_at, version AS cell_version
    FROM all_cells JOIN positions USING (variable)
    ORDER BY document, TRY_CAST(entity AS BIGINT), entity, position"""  # noqa: S608
