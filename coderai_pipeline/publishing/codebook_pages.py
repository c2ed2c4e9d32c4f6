"""The codebook as pages for people: Markdown and an Excel workbook, with how each variable's cells came out.

The codebook itself is a table of the snapshot, made in `tables`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.export_tables import Table, chosen_variables, project_facts, query_table
from coderai_pipeline.publishing.safety import printable
from coderai_pipeline.publishing.workbook import open_book

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OUTCOMES = ", ".join(f"count(*) FILTER (status = '{status}') AS {status}" for status in CellStatus)
_COUNTED = ", ".join(f"coalesce({status}, 0) AS {status}" for status in CellStatus)


def codebook_table(connection: "DuckDBPyConnection", options: ExportOptions) -> Table:
    """One row per variable: its rules, then its cells by status."""
    return query_table(
        connection,
        f"""SELECT position, name, label, type, level, unit, instructions, labels, where_to_look,
                   array_to_string(categories, '; ') AS categories, several_values, required, default_value,
                   CASE WHEN formula = '' THEN if_multiple END AS if_multiple, confidence_threshold,
                   CASE WHEN confidence_threshold IS NOT NULL THEN if_uncertain END AS if_uncertain, nullif(validation, '{{}}') AS validation, depends_on, formula,
                   {_COUNTED}
            FROM codebook
            LEFT JOIN (SELECT variable, {_OUTCOMES} FROM cells GROUP BY variable) ON variable = name
            WHERE {_wanted(connection, options, "name")} ORDER BY position""",  # noqa: S608
    )


def write_codebook_excel(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    wanted = _wanted(connection, options, "variable")
    categories = f"SELECT variable, value, description, keywords FROM categories WHERE {wanted} ORDER BY rowid"  # noqa: S608
    with open_book(folder / "codebook.xlsx", connection) as book:
        book.add_table("Codebook", codebook_table(connection, options))
        book.add_table("Categories", query_table(connection, categories))


def write_codebook_markdown(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    text = "\n".join(_page(connection, options))
    (folder / "codebook.md").write_text(text, encoding="utf-8", newline="\n")


def _page(connection: "DuckDBPyConnection", options: ExportOptions) -> Iterator[str]:
    facts = project_facts(connection)
    table = codebook_table(connection, options)
    names = [column.name for column in table.columns]
    variables = [dict(zip(names, row, strict=True)) for row in table.rows()]
    yield f"# {_inline(facts['name'])}: codebook\n"
    if facts.get("description"):
        yield f"{_inline(facts['description'])}\n"
    yield f"One row is {_inline(facts['unit.represents'])}. Snapshot {facts['version']}, {len(variables)} variables.\n"
    yield from _overview(variables)
    for variable in variables:
        yield from _section(connection, variable)


def _overview(variables: list[dict[str, Any]]) -> Iterator[str]:
    yield "| Variable | Label | Type | With a value | Empty | Flagged | Failed |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for one in variables:
        filled = one["extracted"] + one["validated"] + one["corrected"]
        counts = f"{filled} | {one['absent'] + one['skipped']} | {one['flagged']} | {one['failed']}"
        yield f"| {one['name']} | {_inline(one['label'])} | {one['type']} | {counts} |"
    yield ""


_RULES: Mapping[str, str] = {
    "type": "Type", "level": "Level", "unit": "Unit", "labels": "Also called", "where_to_look": "Where to look",
    "required": "Required", "several_values": "Takes several values", "default_value": "Default",
    "if_multiple": "If a document gives several", "confidence_threshold": "Confidence threshold",
    "if_uncertain": "Below the threshold", "validation": "Validation", "depends_on": "Asked only if",
    "formula": "Computed as",
}  # fmt: skip


def _section(connection: "DuckDBPyConnection", variable: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {variable['name']}: {_inline(variable['label'])}\n"
    if variable["instructions"]:
        yield f"{_block(variable['instructions'])}\n"
    for key, title in _RULES.items():
        if variable[key] not in (None, "", [], False):
            yield f"- {title}: {_inline(_shown(variable[key]))}"
    yield ""
    categories = connection.execute(_CATEGORIES, [variable["name"]]).fetchall()
    if categories:
        yield "| Category | Description | Cells |"
        yield "|---|---|---:|"
        for value, description, cells in categories:
            yield f"| {_inline(value)} | {_inline(description)} | {cells} |"
        yield ""


_CATEGORIES = """
    SELECT categories.value, description, count(given.variable)
    FROM categories
    LEFT JOIN (SELECT variable, unnest(CASE WHEN json_type(value_json) = 'ARRAY'
                                            THEN from_json(value_json, '["VARCHAR"]') ELSE [value] END) AS value
               FROM cells) AS given ON given.variable = categories.variable AND given.value = categories.value
    WHERE categories.variable = ? GROUP BY ALL ORDER BY min(position)"""


def _wanted(connection: "DuckDBPyConnection", options: ExportOptions, column: str) -> str:
    names = [duck.text(variable.name) for variable in chosen_variables(connection, options)]
    return f"{column} IN ({', '.join(names) or 'NULL'})"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # a DuckDB list
    return "yes" if value is True else str(value)


def _block(text: str) -> str:
    """A text of the codebook as paragraphs: its line breaks kept, its marks shown as they are."""
    return "\n".join(_inline(line) for line in text.splitlines())


def _inline(text: str) -> str:
    """One line of Markdown that shows the text as it is."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(printable(text).split()))
