"""What people's feedback makes of the current cells: validated, corrected or flagged, over what was extracted.

The rules are in `domain.feedback`; feedback becomes blocks in `engine.feedback`. Cells in the blocks stay as extracted, so
that a withdrawn or newer word needs no new extraction.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from coderai_pipeline.domain.cells import CellStatus, Value
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.conventions import conventions_of_project
from coderai_pipeline.domain.corrections import NotTaken, read_correction
from coderai_pipeline.domain.feedback import Extracted, Standing, flagged, reviewed, same_value
from coderai_pipeline.domain.wording import shown
from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.storage.records import feedback_from, stored_value, value_from

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRECISIONS = {4: "year", 7: "month", 10: "day"}


def apply_reviews(connection: "DuckDBPyConnection", definition: Definition) -> None:
    """Changes `now_cells` (see `latest`) by the newest feedback on each cell; what changed is in `changed_cells`."""
    connection.execute(_NEWEST)
    if definition.project.reading.duplicates == "each":
        connection.execute(_OF_DUPLICATES)
    connection.execute(_OF_ENTITIES)
    changed = pa.Table.from_pylist(list(_changes(connection, definition)), schema=_CHANGED)
    connection.register("changed_cells", changed)
    connection.execute(_UPDATE)


_CHANGED = pa.schema(
    [
        (name, pa.string())
        for name in ("document", "entity", "variable", "status", "reason", "value", "precision", "unit")
    ]
    + [("is_corrected", pa.bool_()), ("is_quoted", pa.bool_()), ("alternatives", pa.list_(pa.string()))]
)


def _changes(connection: "DuckDBPyConnection", definition: Definition) -> Iterator[dict[str, Any]]:
    result = connection.execute(_JUDGED)
    names = [column[0] for column in result.description or ()]
    while batch := result.fetchmany(1_000):
        for values in batch:
            row = dict(zip(names, values, strict=True))
            variable = definition.codebook[row["variable"]]
            yield _changed(row, _standing(row, variable, definition), variable)


def _standing(row: dict[str, Any], variable: Variable, definition: Definition) -> Standing:
    own = Standing(CellStatus(row["cell_status"]), row["cell_reason"] or "", value_from(row["cell_value"]))
    feedback = feedback_from(row)
    standing = reviewed(Extracted(own, row["cell_quote"], row["cell_text"] or "", row["is_same_row"]), feedback)
    if standing.is_corrected and (why := _misfit(standing.value, variable, definition)):
        said = shown(standing.value)
        return flagged(own, f"was corrected to {said} {feedback.by}, which no longer fits the variable: {why}")
    return standing


def _misfit(value: Value, variable: Variable, definition: Definition) -> str:
    """Why a value that was once taken no longer fits, as the codebook has changed since; "" = it fits."""
    if value is None:
        return ""
    written = json.loads(json.dumps(value))
    read = read_correction(written, variable, conventions_of_project(definition.project))
    if isinstance(read, NotTaken):
        return read.reason
    return "" if same_value(read, value) else f"it would be {shown(read)} now"


def _changed(row: dict[str, Any], standing: Standing, variable: Variable) -> dict[str, Any]:
    """Evidence stays with a corrected value only where it shows it."""
    value = standing.value
    is_date = variable.type is VariableType.DATE and isinstance(value, str)
    said = shown(value)
    earlier = shown(value_from(row["cell_value"]))
    alternatives = list(row["cell_alternatives"] or ())
    return {
        "document": row["document"],
        "entity": row["entity"],
        "variable": row["variable"],
        "status": str(standing.status),
        "reason": standing.reason,
        "value": stored_value(value),
        "precision": _PRECISIONS.get(len(str(value)), "minute") if is_date else None,
        "unit": variable.unit or None,
        "is_corrected": standing.is_corrected,
        "is_quoted": bool(said) and said.casefold() in (row["cell_quote"] or "").casefold(),
        "alternatives": [*dict.fromkeys([earlier, *alternatives])]
        if standing.is_corrected and earlier
        else alternatives,
    }


_NEWEST = """
    CREATE OR REPLACE TEMP TABLE newest_feedback AS
    SELECT DISTINCT ON (document, entity, variable) * FROM raw_feedback ORDER BY document, entity, variable, version DESC"""

# A duplicate repeats its original's row, and what was said of it, unless something was said of the duplicate itself.
_OF_DUPLICATES = """
    INSERT INTO newest_feedback
    SELECT said.* REPLACE (copy.document AS document)
    FROM newest_feedback AS said JOIN now_documents AS copy ON copy.duplicate_of = said.document
    ANTI JOIN newest_feedback AS own
        ON own.document = copy.document AND own.entity = said.entity AND own.variable = said.variable
    WHERE copy.status = 'duplicate'"""

# Each extraction numbers a document's rows anew: whether row 2 is the row 2 that was judged is told by where it begins.
_OF_ENTITIES = """
    CREATE OR REPLACE TEMP TABLE moved_rows AS
    SELECT said.feedback_id, said.document
    FROM newest_feedback AS said
    JOIN now_documents AS documents USING (document)
    JOIN now_entities AS entities ON entities.document = said.document AND entities.entity = said.entity
    JOIN (SELECT feedback_id, raw_entities.start, raw_entities.quote
          FROM newest_feedback AS said
          JOIN now_documents AS documents USING (document)
          JOIN raw_entities ON raw_entities.document = coalesce(documents.duplicate_of, said.document)
               AND raw_entities.entity = said.entity AND raw_entities.version < said.version
          QUALIFY row_number() OVER (PARTITION BY feedback_id, said.document ORDER BY raw_entities.version DESC) = 1
         ) AS before USING (feedback_id)
    WHERE said.entity <> '' AND (before.start, before.quote) IS DISTINCT FROM (entities.start, entities.quote)"""

_JUDGED = """
    SELECT said.*, cells.status AS cell_status, cells.reason AS cell_reason, cells.value AS cell_value,
           cells.quote AS cell_quote, cells.text_sha256 AS cell_text, cells.alternatives AS cell_alternatives,
           moved.feedback_id IS NULL AS is_same_row
    FROM newest_feedback AS said
    JOIN now_cells AS cells USING (document, entity, variable)
    LEFT JOIN moved_rows AS moved USING (feedback_id, document)"""

_UPDATE = """
    UPDATE now_cells AS cells
    SET status = changed.status, reason = changed.reason, value = changed.value,
        precision = CASE WHEN is_corrected THEN changed.precision ELSE cells.precision END,
        unit = CASE WHEN is_corrected THEN changed.unit ELSE cells.unit END,
        confidence = CASE WHEN NOT is_corrected THEN confidence END,
        quote = CASE WHEN is_quoted OR NOT is_corrected THEN quote END,
        start = CASE WHEN is_quoted OR NOT is_corrected THEN start END,
        "end" = CASE WHEN is_quoted OR NOT is_corrected THEN "end" END,
        page = CASE WHEN is_quoted OR NOT is_corrected THEN page END,
        grounding = CASE WHEN is_quoted OR NOT is_corrected THEN grounding END,
        alternatives = changed.alternatives
    FROM changed_cells AS changed
    WHERE cells.document = changed.document AND cells.entity = changed.entity AND cells.variable = changed.variable"""
