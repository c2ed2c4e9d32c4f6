"""The current rows of a project's blocks, as temporary tables: of everything ever appended, what the dataset is made of.

DuckDB reads the block files itself; which of the rows make the dataset's tables is in `dataset` and `tables`.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.storage.blocks import SCHEMAS, BlockStore

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLES = 5
"""Raised when the snapshot's tables change, so that unchanged blocks are published again."""

KINDS = ("feedback_files", "feedback", "settled", "documents", "entities", "cells", "calls", "prompts")
"""Listed in the reverse order of writing: a document that is listed as settled has its cells listed too."""

_IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "settled": ("document",),
    "documents": ("document",),
    "entities": ("document",),
    "cells": ("document", "variable"),
    "calls": ("call_id",),
    "prompts": ("variable", "prompt_version"),
    "feedback": ("feedback_id",),
    "feedback_files": ("file",),
}
"""What one current row (or, of cells and entities, one current set of rows) is told apart by."""

READABLE = ", ".join(duck.text(status) for status in DocumentStatus if status.is_readable)


def list_blocks(blocks: BlockStore) -> dict[str, list[Path]]:
    return {kind: blocks.files(kind) for kind in KINDS}


def open_blocks(connection: "DuckDBPyConnection", files: Mapping[str, Sequence[Path]]) -> None:
    """One temporary view `raw_<kind>` a kind, with every column of the schema whatever the files hold."""
    for kind in KINDS:
        connection.register(f"no_{kind}", SCHEMAS[kind].empty_table())
        sql = f"CREATE OR REPLACE TEMP VIEW raw_{kind} AS SELECT * FROM no_{kind}"  # noqa: S608  # a fixed name
        if files[kind]:
            listed = ", ".join(duck.text(str(file)) for file in files[kind])
            sql += f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true)"  # noqa: S608
        connection.execute(sql)


def content_fingerprint(connection: "DuckDBPyConnection", definition: Definition, gold: str = "") -> str:
    """Changes when a row is appended, or the definition or the gold files change; not when blocks are compacted."""
    parts = [_kind_fingerprint(connection, kind) for kind in KINDS]
    described = json.dumps(definition.public_settings, sort_keys=True) + definition.codebook.model_dump_json()
    whole = json.dumps([TABLES, definition.id, described, parts, gold])
    return hashlib.sha256(whole.encode()).hexdigest()


def has_feedback(connection: "DuckDBPyConnection") -> bool:
    return connection.execute("SELECT 1 FROM raw_feedback LIMIT 1").fetchone() is not None


def load(connection: "DuckDBPyConnection", definition: Definition, *, texts_up_to: int) -> None:
    """Fill the temporary tables `now_documents`, `now_settled`, `now_entities`, `now_cells` (asked variables only), `now_calls`, `now_prompts`,
    `now_feedback`, `now_feedback_files` and `now_texts`; the last stays empty where the documents have more than `texts_up_to` characters together. The cells are
    as they were extracted; what feedback makes of them is in `reviewed`."""
    load_cells(connection, definition)
    connection.execute(_CALLS)
    connection.execute(_PROMPTS)
    connection.execute(_FEEDBACK)
    connection.execute(_FEEDBACK_FILES)
    connection.execute(_TEXTS, [texts_up_to])


def load_cells(connection: "DuckDBPyConnection", definition: Definition, *, judged_only: bool = False) -> None:
    """Fill `now_documents`, `now_settled`, `now_entities` and `now_cells`; judged_only: with cells that have feedback alone."""
    _load_variables(connection, definition)
    connection.execute(_DOCUMENTS)
    connection.execute(_SETTLED)
    connection.execute(_ENTITIES)
    connection.execute(_CELLS + (_ONLY_JUDGED if judged_only else ""))
    connection.execute(_CELLS_TWICE)
    if definition.project.reading.duplicates == "each":
        connection.execute(_REPEATED_ENTITIES)
        connection.execute(_REPEATED_CELLS)
    connection.execute(_ENTITIES_OF_CELLS)
    for misplaced in _MISPLACED_CELLS:
        connection.execute(misplaced)


def _kind_fingerprint(connection: "DuckDBPyConnection", kind: str) -> str:
    identity = duck.names(_IDENTITIES[kind])
    sql = f"""
        SELECT count(*), bit_xor(hash({identity}, newest)), bit_xor(hash(newest, {identity}, 1))
        FROM (SELECT {identity}, max(version) AS newest FROM raw_{kind} GROUP BY {identity})"""  # noqa: S608
    return str(duck.one(connection, sql))


def _load_variables(connection: "DuckDBPyConnection", definition: Definition) -> None:
    connection.execute("CREATE TEMP TABLE asked (variable VARCHAR, type VARCHAR, entity_level BOOLEAN)")
    rows = [[one.name, str(one.type), definition.is_entity_level(one)] for one in definition.codebook.asked]
    if rows:
        connection.executemany("INSERT INTO asked VALUES (?, ?, ?)", rows)


_DOCUMENTS = f"""
    CREATE TEMP TABLE now_documents AS
    SELECT * EXCLUDE (text, layout), status IN ({READABLE}) AS readable
    FROM (SELECT document, max(version) AS version FROM raw_documents GROUP BY document)
    JOIN (SELECT DISTINCT ON (document, version) * EXCLUDE (text, layout), NULL AS text, NULL AS layout FROM raw_documents)
    USING (document, version)
    WHERE removed IS NOT TRUE"""  # noqa: S608

_SETTLED = """
    CREATE TEMP TABLE now_settled AS
    SELECT DISTINCT ON (document) settled.*
    FROM raw_settled AS settled
    JOIN (SELECT document, max(version) AS version FROM raw_settled GROUP BY document) USING (document, version)
    SEMI JOIN now_documents USING (document)"""

_ENTITIES = """
    CREATE TEMP TABLE now_entities AS
    SELECT DISTINCT ON (document, entity) entities.*
    FROM raw_entities AS entities
    JOIN (SELECT document, max(version) AS version FROM raw_entities GROUP BY document) USING (document, version)
    SEMI JOIN (SELECT document FROM now_documents WHERE readable) USING (document)
    ANTI JOIN (SELECT document FROM now_settled WHERE entities = 0) USING (document)"""

_CELLS = """
    CREATE TEMP TABLE now_cells AS
    SELECT cells.* REPLACE (coalesce(cells.entity, '') AS entity),
           documents.source, documents.text_sha256 IS NOT DISTINCT FROM cells.text_sha256 AS current
    FROM raw_cells AS cells
    JOIN (SELECT document, variable, max(version) AS version FROM raw_cells GROUP BY document, variable)
        USING (document, variable, version)
    JOIN now_documents AS documents ON documents.document = cells.document AND documents.readable
    SEMI JOIN asked ON asked.variable = cells.variable AND asked.type = cells.type
    ANTI JOIN (SELECT document FROM now_settled WHERE entities = 0) AS none
        ON none.document = cells.document AND cells.entity <> ''"""

_ONLY_JUDGED = """
    SEMI JOIN raw_feedback AS said ON said.document = cells.document AND said.variable = cells.variable"""

# A row may stand in two files, between the two steps of a compaction; it is then the very same row. Deleting the second
# takes a third of the time of DISTINCT ON over all columns.
_CELLS_TWICE = """
    DELETE FROM now_cells WHERE rowid NOT IN (SELECT min(rowid) FROM now_cells GROUP BY document, entity, variable)"""

# What a duplicate repeats was paid for once: its cells carry no tokens and no cost.
_REPEATED_CELLS = """
    INSERT INTO now_cells
    SELECT cells.* REPLACE (copy.document AS document, copy.source AS source, 0 AS input_tokens, 0 AS output_tokens,
                            CASE WHEN cells.cost IS NOT NULL THEN 0 END AS cost, 0 AS seconds)
    FROM now_cells AS cells JOIN now_documents AS copy ON copy.duplicate_of = cells.document
    WHERE copy.status = 'duplicate'"""

_REPEATED_ENTITIES = """
    INSERT INTO now_entities
    SELECT entities.* REPLACE (copy.document AS document)
    FROM now_entities AS entities JOIN now_documents AS copy ON copy.duplicate_of = entities.document
    WHERE copy.status = 'duplicate'"""

# Blocks without entity rows (an extractor that names none): the cells say which entities there are.
_ENTITIES_OF_CELLS = """
    INSERT INTO now_entities BY NAME
    SELECT DISTINCT document, entity FROM now_cells
    ANTI JOIN now_entities USING (document) WHERE entity <> ''"""

# Left from an earlier reading or an earlier level: entities no longer found, and cells of the wrong level. A cell of an
# entity-level variable that names no entity says why none could be looked for; it is over when the document has been
# settled since, and one that says anything else comes from when the variable was the document's.
_MISPLACED_CELLS = (
    """DELETE FROM now_cells WHERE entity <> ''
       AND (document, entity) NOT IN (SELECT (document, entity) FROM now_entities)""",
    """DELETE FROM now_cells WHERE entity <> '' AND variable IN (SELECT variable FROM asked WHERE NOT entity_level)""",
    """DELETE FROM now_cells WHERE entity = '' AND variable IN (SELECT variable FROM asked WHERE entity_level)
       AND document IN (SELECT document FROM now_entities)""",
    """DELETE FROM now_cells AS cells WHERE entity = '' AND variable IN (SELECT variable FROM asked WHERE entity_level)
       AND EXISTS (FROM now_settled AS settled
                   WHERE settled.document = cells.document AND settled.version > cells.version
                     AND (settled.outcome = 'settled' OR cells.status <> 'failed'))""",
)

_CALLS = "CREATE TEMP TABLE now_calls AS SELECT DISTINCT ON (call_id) * FROM raw_calls ORDER BY call_id, version"

_PROMPTS = """
    CREATE TEMP TABLE now_prompts AS
    SELECT variable, prompt_version, arg_max(text, version) AS text, min(version) AS first_version,
           max(version) = max(max(version)) OVER (PARTITION BY variable) AS current
    FROM raw_prompts GROUP BY variable, prompt_version"""

_FEEDBACK = """
    CREATE TEMP TABLE now_feedback AS
    SELECT DISTINCT ON (feedback_id) * FROM raw_feedback ORDER BY feedback_id, version DESC"""

_FEEDBACK_FILES = """
    CREATE TEMP TABLE now_feedback_files AS
    SELECT DISTINCT ON (file) * FROM raw_feedback_files ORDER BY file, version DESC"""

_TEXTS = """
    CREATE TEMP TABLE now_texts AS
    SELECT DISTINCT ON (document) document, texts.text
    FROM raw_documents AS texts
    SEMI JOIN now_documents AS documents
        ON documents.document = texts.document AND documents.version = texts.version AND documents.readable
    WHERE (SELECT coalesce(sum(characters), 0) FROM now_documents) <= ?"""
