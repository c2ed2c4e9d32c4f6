"""The Excel export: a workbook with the sheets Data, Codebook, Evidence and About, made to be read by people.

What the tables hold is decided in `export_tables`; how a table is written into a sheet in `workbook`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing.codebook_pages import codebook_table
from coderai_pipeline.publishing.export_tables import evidence_table, project_facts, wide_table
from coderai_pipeline.publishing.workbook import open_book

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHEETS: Mapping[str, str] = {
    "Data": "One row per unit of observation, one column per variable.",
    "Codebook": "The variables with their rules, and how many cells came out how.",
    "Evidence": "One row per value: its status, the reason, the quote that proves it and where it stands.",
}
_COLOURS: Mapping[str, str] = {
    "flagged": "A value to look at; the Evidence sheet says why.",
    "failed": "No value because something went wrong; the Evidence sheet says what.",
    "corrected": "A person corrected the value.",
    "validated": "A person confirmed the value.",
}


def write_excel(connection: "DuckDBPyConnection", folder: Path, options: ExportOptions) -> None:
    with open_book(folder / "dataset.xlsx", connection) as book:
        book.add_table("Data", wide_table(connection, options, statuses=True))
        book.add_table("Codebook", codebook_table(connection, options))
        book.add_table("Evidence", evidence_table(connection, options))
        book.add_facts("About", _about(project_facts(connection), book.notes))


def _about(facts: Mapping[str, str], notes: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "Project", facts["name"]
    yield "Research question", facts.get("description", "")
    yield "Snapshot", facts["version"]
    yield "Published", facts["published_at"]
    for sheet, meaning in _SHEETS.items():
        yield f"Sheet {sheet}", meaning
    yield from _COLOURS.items()
    for note in notes:
        yield "Left out", note
