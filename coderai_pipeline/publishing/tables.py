"""The snapshot's tables beside `dataset` and `cells`: documents, texts, entities, codebook, categories, prompts,
feedback, calls, ledger and project. Each is made from the current rows that `latest` has found.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.definition import ColumnNames, Definition, sql_type
from coderai_pipeline.publishing.values import display
from coderai_pipeline.storage.settings_files import PROJECT_FILE, save_project_yaml

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COMMENTS: Mapping[str, str] = {
    "dataset": "One row per unit of observation, one column per variable.",
    "cells": "One row per document, entity and variable: the value with its status, reason, evidence and cost.",
    "documents": "Every document of the project, also those without a row in the dataset, and why.",
    "texts": "The documents' texts; cells.quote_start and quote_end count characters in them, from 0.",
    "entities": "What was found in each document where one document gives many rows.",
    "codebook": "The variables in order, with their rules.",
    "categories": "The categories of the category variables.",
    "prompts": "Every version of every variable's prompt.",
    "feedback": "Every row of feedback, the newest first: what was said of which cell, and whether it counts or why not.",
    "calls": "Every request answered by the model server, with tokens and cost.",
    "ledger": "Per document: cells wanted, settled and open, and why they are open.",
    "ledger_open": "Every cell that is wanted and not settled, and why.",
    "quality": "Every measurement of every variable: value, 95 % interval and the number of cells that it rests on.",
    "project": "The project's settings and what this snapshot is.",
}


def build_tables(
    connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames, about: Mapping[str, str]
) -> None:
    """Make every table but `dataset`, `cells` and `quality`, which must be there. about: further rows of `project`."""
    _make_codebook(connection, definition, names)
    as_file = {PROJECT_FILE: save_project_yaml(definition.public_project)}
    _make_project(connection, {**about, **definition.public_settings, **as_file})
    connection.execute("CREATE TABLE entities AS " + _ENTITIES)
    connection.execute(_ledger(definition))
    for statement in (_LEDGER_OPEN, _DOCUMENTS, _TEXTS, _PROMPTS, _CALLS, _FEEDBACK):
        connection.execute(statement)
    for table, comment in COMMENTS.items():
        kind = "VIEW" if table == "ledger_open" else "TABLE"
        connection.execute(f"COMMENT ON {kind} {table} IS {duck.text(comment)}")


_CODEBOOK_COLUMNS: Mapping[str, str] = {
    "position": "INTEGER", "name": "VARCHAR", "label": "VARCHAR", "type": "VARCHAR", "column_type": "VARCHAR",
    "first_day_column": "VARCHAR", "level": "VARCHAR", "unit": "VARCHAR", "instructions": "VARCHAR", "labels": "VARCHAR[]", "where_to_look": "VARCHAR",
    "categories": "VARCHAR[]", "several_values": "BOOLEAN", "allow_other": "BOOLEAN", "required": "BOOLEAN",
    "default_value": "VARCHAR", "if_multiple": "VARCHAR", "max_values": "INTEGER", "confidence_threshold": "DOUBLE",
    "if_uncertain": "VARCHAR", "validation": "VARCHAR", "depends_on": "VARCHAR", "formula": "VARCHAR",
    "model": "VARCHAR", "definition": "VARCHAR",
}  # fmt: skip


def _make_codebook(connection: "DuckDBPyConnection", definition: Definition, names: ColumnNames) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in _CODEBOOK_COLUMNS.items())
    connection.execute(f"CREATE TABLE codebook ({columns})")
    connection.execute(
        "CREATE TABLE categories (variable VARCHAR, position INTEGER, value VARCHAR, description VARCHAR, keywords VARCHAR[])"
    )
    places = ", ".join("?" for _ in _CODEBOOK_COLUMNS)
    for position, variable in enumerate(definition.codebook.variables, start=1):
        row = _codebook_row(definition, variable, position, names.first_days)
        connection.execute(f"INSERT INTO codebook VALUES ({places})", [row[name] for name in _CODEBOOK_COLUMNS])  # noqa: S608
        for index, category in enumerate(variable.categories, start=1):
            values = [variable.name, index, category.value, category.description, list(category.keywords)]
            connection.execute("INSERT INTO categories VALUES (?, ?, ?, ?, ?)", values)


def _codebook_row(
    definition: Definition, variable: Variable, position: int, first_days: Mapping[str, str]
) -> dict[str, Any]:
    whole = variable.model_dump(mode="json", exclude_defaults=True)
    return {
        **{name: getattr(variable, name, None) for name in _CODEBOOK_COLUMNS},
        "position": position,
        "label": variable.heading,
        "type": str(variable.type),
        "column_type": sql_type(variable),
        "first_day_column": first_days.get(variable.name),
        "level": "entity" if definition.is_entity_level(variable) else "document",
        "labels": list(variable.labels),
        "where_to_look": variable.where,
        "categories": [category.value for category in variable.categories],
        "several_values": variable.takes_many,
        "default_value": None if variable.default is None else json.dumps(variable.default, ensure_ascii=False),
        "validation": json.dumps(whole.get("validation", {}), ensure_ascii=False),
        "definition": json.dumps(whole, ensure_ascii=False),
    }


def _make_project(connection: "DuckDBPyConnection", rows: Mapping[str, str]) -> None:
    connection.execute("CREATE TABLE project (key VARCHAR, value VARCHAR)")
    connection.executemany("INSERT INTO project VALUES (?, ?)", [list(row) for row in rows.items()])


def _ledger(definition: Definition) -> str:
    at_document, at_entity = (
        sum(1 for one in definition.variables(entity_level=level) if not one.formula) for level in (False, True)
    )
    counts = ", ".join(f"count(*) FILTER (status = '{status}') AS {status}" for status in CellStatus)
    return _LEDGER.format(
        at_document=at_document,
        at_entity=at_entity,
        counts=counts,
        statuses=", ".join(f"coalesce({status}, 0) AS {status}" for status in CellStatus),
        repeats="true" if definition.project.reading.duplicates == "each" else "false",
    )


# Cells that a formula computes are not asked for, and not counted. Of a document that is not extracted yet, the number of entities is unknown: one is counted. A cell that was settled
# on an older text of its document is open, although the dataset keeps showing it.
_LEDGER = """
    CREATE TABLE ledger AS
    WITH counted AS (
        SELECT document, count(*) FILTER (current AND status <> 'failed') AS settled,
               count(*) FILTER (current AND status = 'failed') AS in_vain, count(*) FILTER (NOT current) AS outdated,
               count(*) FILTER (entity = '') AS whole, {counts}
        FROM cells SEMI JOIN (SELECT name AS variable FROM codebook WHERE formula = '') USING (variable) GROUP BY document
    ), found AS (SELECT document, count(*) AS entities FROM entities GROUP BY document),
    stated AS (
        SELECT documents.document, documents.source, documents.status, settled.outcome, found.entities, counted.*
                   EXCLUDE (document), documents.reason, settled.reason AS outcome_reason, documents.duplicate_of,
               documents.readable OR documents.status = 'duplicate' AND {repeats} AND counted.settled IS NOT NULL AS wants
        FROM now_documents AS documents
        LEFT JOIN now_settled AS settled USING (document)
        LEFT JOIN counted USING (document)
        LEFT JOIN found USING (document)
    ), totals AS (
        SELECT *, CASE WHEN NOT wants THEN 0
                       WHEN entities > 0 THEN {at_document} + entities * {at_entity}
                       WHEN outcome = 'settled' THEN greatest({at_document}, coalesce(whole, 0))
                       ELSE {at_document} + {at_entity} END AS wanted
        FROM stated
    )
    SELECT document, source, status, coalesce(outcome, '') AS outcome, coalesce(entities, 0) AS entities, wanted,
           coalesce(settled, 0) AS settled, wanted - coalesce(settled + in_vain, 0) AS open, {statuses},
           CASE WHEN NOT wants THEN coalesce(nullif(reason, ''), 'duplicate of ' || duplicate_of, status)
                WHEN wanted = coalesce(settled, 0) THEN ''
                WHEN outcome IS NULL AND settled IS NULL THEN 'not extracted yet'
                WHEN outcome <> 'settled' AND outcome_reason <> '' THEN outcome_reason
                WHEN outdated > 0 THEN 'the document or codebook changed after it was extracted'
                ELSE 'not extracted yet' END AS why
    FROM totals ORDER BY document"""

_LEDGER_OPEN = """
    CREATE VIEW ledger_open AS
    SELECT ledger.document, ledger.source, units.entity, codebook.name AS variable, ledger.why
    FROM ledger
    JOIN (SELECT document, entity FROM entities
          UNION SELECT document, '' FROM ledger) AS units USING (document)
    JOIN (FROM codebook WHERE formula = '') AS codebook ON (codebook.level = 'entity') = (units.entity <> '') OR (units.entity = '' AND ledger.entities = 0)
    ANTI JOIN (SELECT document, entity, variable FROM cells WHERE current) AS held
        ON held.document = units.document AND held.entity = units.entity AND held.variable = codebook.name
    WHERE ledger.open > 0
    ORDER BY ledger.document, TRY_CAST(units.entity AS BIGINT), codebook.position"""

_ENTITIES = """
    SELECT document, entity, quote, start AS quote_start, mentions, joined
    FROM now_entities SEMI JOIN now_documents USING (document)
    ORDER BY document, TRY_CAST(entity AS BIGINT), entity"""

_DOCUMENTS = """
    CREATE TABLE documents AS
    SELECT documents.document, documents.source, documents.type, documents.status, documents.reason,
           coalesce(settled.outcome, '') AS outcome, coalesce(settled.reason, '') AS outcome_reason, ledger.entities,
           documents.duplicate_of, documents.metadata ->> 'title' AS title, documents.metadata ->> 'author' AS author,
           documents.metadata ->> 'date' AS date, documents.language, documents.words, documents.characters,
           documents.pages, documents.size_bytes, documents.sha256, documents.text_sha256, documents.warnings,
           documents.metadata, coalesce(paid.calls, 0) AS calls, coalesce(paid.input_tokens, 0) AS input_tokens,
           coalesce(paid.output_tokens, 0) AS output_tokens, paid.cost, settled.seconds,
           make_timestamp(documents.version // 1000) AS read_at, make_timestamp(settled.version // 1000) AS settled_at,
           documents.run_id
    FROM now_documents AS documents
    JOIN ledger USING (document)
    LEFT JOIN now_settled AS settled USING (document)
    LEFT JOIN (SELECT document, count(*) AS calls, sum(input_tokens)::BIGINT AS input_tokens,
                      sum(output_tokens)::BIGINT AS output_tokens, sum(cost) AS cost
               FROM now_calls GROUP BY document) AS paid USING (document)
    ORDER BY document"""

_TEXTS = "CREATE TABLE texts AS SELECT document, text FROM now_texts ORDER BY document"

_PROMPTS = """
    CREATE TABLE prompts AS
    SELECT variable, prompt_version, current, make_timestamp(first_version // 1000) AS first_used_at, text
    FROM now_prompts ORDER BY variable, first_version"""

# outcome: applied (it decides what its cell says), superseded (by a later word on the cell), without_cell, or refused.
_FEEDBACK = f"""
    CREATE TABLE feedback AS
    WITH said AS (
        SELECT *, row_number() OVER (PARTITION BY document, entity, variable ORDER BY version DESC) = 1 AS is_newest
        FROM now_feedback
    ), refused AS (
        SELECT file, version, unnest(from_json(refused, '[{{"row": "INTEGER", "said": "VARCHAR", "why": "VARCHAR"}}]')) AS line
        FROM now_feedback_files
    )
    SELECT said.document, said.entity, said.variable, said.verdict, {display("said.judged_value")} AS judged_value,
           said.judged_status, {display("said.corrected_value")} AS corrected_value, said.is_corrected, said.note,
           said.reviewer,
           CASE WHEN NOT said.is_newest THEN 'superseded' WHEN cells.document IS NULL THEN 'without_cell'
                ELSE 'applied' END AS outcome,
           CASE WHEN NOT said.is_newest THEN 'there is a later word on this cell'
                WHEN cells.document IS NULL THEN 'the dataset no longer has this cell' ELSE cells.reason END AS why,
           said.inclusion_probability, said.is_blind, said.confidence, said.quote, said.prompt_version,
           said.judged_value AS judged_value_json, said.corrected_value AS corrected_value_json, said.text_sha256,
           said.file, said.row, make_timestamp(said.version // 1000) AS given_at, said.feedback_id, said.run_id
    FROM said LEFT JOIN cells USING (document, entity, variable)
    UNION ALL BY NAME
    SELECT 'refused' AS outcome, line.why AS why, line.said AS note, file, line.row AS row,
           make_timestamp(version // 1000) AS given_at
    FROM refused
    ORDER BY given_at DESC, file, row"""  # noqa: S608

_CALLS = """
    CREATE TABLE calls AS
    SELECT call_id, document, chunk, variables, mode, model, finish_reason, input_tokens, output_tokens, cached_tokens,
           cost, attempts, CAST(started_at AT TIME ZONE 'UTC' AS TIMESTAMP) AS started_at, seconds, problem, run_id
    FROM now_calls ORDER BY started_at, call_id"""
