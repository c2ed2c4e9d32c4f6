"""Writing tables into the sheets of an Excel workbook, row by row so that their size does not matter.

Which sheets a workbook has is in `excel` and `codebook_pages`; which texts are safe in `safety`.
"""

# pyright: reportUnknownMemberType=false
# xlsxwriter's annotations leave the contents of dictionaries open.

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderai_pipeline.publishing.export_tables import Column, Table, project_facts
from coderai_pipeline.publishing.export_text import as_shown
from coderai_pipeline.publishing.safety import EXCEL_CHARACTERS, fitting, is_cut, printable, starts_formula

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
_FIRST_DAY = date(1900, 3, 1)
"""Excel knows no day before 1900, and is one off before March of that year."""

STATUS_COLOURS: Mapping[str, str] = {
    "flagged": "#FFE699",
    "failed": "#F8CBAD",
    "corrected": "#DDEBF7",
    "validated": "#E2EFDA",
}
_KEYS = frozenset({"document", "document_", "entity", "entity_", "position", "name", "variable"})
_WIDTHS: Mapping[str, float] = {"value": 40, "reason": 40, "quote": 70, "instructions": 60, "categories": 40}
_WIDTHS_BY_KIND: Mapping[str, float] = {"DOUBLE": 14, "INTEGER": 10, "BIGINT": 10, "BOOLEAN": 10, "DATE": 12}


@contextmanager
def open_book(path: Path, connection: "DuckDBPyConnection") -> "Generator[Book]":
    """A new workbook, whole on leaving. Its date is that of the snapshot, so that equal content gives equal files."""
    import xlsxwriter

    settings = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    facts = project_facts(connection)
    with xlsxwriter.Workbook(str(path), settings) as workbook:
        created = datetime.fromisoformat(facts["published_at"]).replace(tzinfo=None)
        workbook.set_properties({"title": printable(facts["name"]), "created": created})
        yield Book(workbook)


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook being written. notes: what did not fit, for the reader to be told."""

    workbook: "Workbook"
    notes: list[str] = field(default_factory=list[str])
    formats: dict[tuple[str, str, bool], "Format"] = field(default_factory=dict[tuple[str, str, bool], "Format"])

    def add_table(self, title: str, table: Table) -> None:
        """A sheet of the table, its cells coloured by the statuses that the table gives."""
        columns = table.columns[:MOST_COLUMNS]
        if len(table.columns) > MOST_COLUMNS:
            self.notes.append(f"{title}: the first {MOST_COLUMNS} of {len(table.columns)} columns; CSV has all")
        sheet = self.workbook.add_worksheet(title)
        self._write_header(sheet, columns)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS}"})
        last = 0
        for last, row in enumerate(self._fitting_rows(title, table), start=1):
            for index, column in enumerate(columns):
                status = row[table.statuses[column.name]] if column.name in table.statuses else ""
                self.write(sheet, last, index, row[index], status or "")
        sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)

    def add_facts(self, title: str, facts: Iterable[tuple[str, str]]) -> None:
        """A sheet of names and what they stand for."""
        sheet = self.workbook.add_worksheet(title)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 110)
        for index, (name, value) in enumerate(facts):
            sheet.write_string(index, 0, fitting(name), self.style("name", name))
            self.write(sheet, index, 1, value)

    def write(self, sheet: "Worksheet", row: int, column: int, value: Any, status: str = "") -> None:
        """One cell, as its own type; text never as a formula, a link or a number."""
        shown = as_shown(value)
        if isinstance(shown, date) and shown < _FIRST_DAY:
            shown = shown.isoformat()
        if shown is None:
            sheet.write_blank(row, column, None, self.style("", status))
        elif isinstance(shown, bool):
            sheet.write_boolean(row, column, shown, self.style("", status))
        elif isinstance(shown, date):
            sheet.write_datetime(row, column, datetime(shown.year, shown.month, shown.day), self.style("date", status))
        elif isinstance(shown, str):
            sheet.write_string(row, column, fitting(shown), self.style("text", status, starts_formula(shown)))
        else:
            sheet.write_number(row, column, shown, self.style("", status))

    def style(self, kind: str, status: str = "", starts_formula: bool = False) -> "Format":
        """The cell format, made once. A text that looks like a formula stays one when a person edits its cell."""
        key = (kind, status if status in STATUS_COLOURS else "", starts_formula)
        if key not in self.formats:
            style: dict[str, Any] = {"valign": "top", **_STYLES.get(kind, {})}
            style |= {"bg_color": STATUS_COLOURS[key[1]]} if key[1] else {}
            self.formats[key] = self.workbook.add_format(style | ({"quote_prefix": True} if starts_formula else {}))
        return self.formats[key]

    def _write_header(self, sheet: "Worksheet", columns: Sequence[Column]) -> None:
        sheet.freeze_panes(1, sum(column.name in _KEYS for column in columns[:3]))
        for index, column in enumerate(columns):
            width = _WIDTHS.get(column.name) or _WIDTHS_BY_KIND.get(column.kind, 28)
            sheet.set_column(index, index, max(width, min(len(column.name) + 4, 40)))
            sheet.write_string(0, index, fitting(column.name), self.style("header"))

    def _fitting_rows(self, title: str, table: Table) -> Iterator[tuple[Any, ...]]:
        """The rows that a sheet holds; the notes say which rows and texts it does not."""
        cut = 0
        for number, row in enumerate(table.rows(), start=1):
            if number == MOST_ROWS:
                self.notes.append(f"{title}: the first {MOST_ROWS - 1} of {table.count()} rows; CSV has all")
                break
            cut += sum(isinstance(value, str) and is_cut(value) for value in row)
            yield row
        if cut:
            self.notes.append(f"{title}: {cut} texts cut at {EXCEL_CHARACTERS} characters; CSV has them whole")


_STYLES: Mapping[str, Mapping[str, Any]] = {
    "header": {"bold": True, "bg_color": "#D9E1F2", "bottom": 1, "text_wrap": True},
    "name": {"bold": True},
    "text": {"text_wrap": True},
    "date": {"num_format": "yyyy-mm-dd"},
    "entry_header": {"bold": True, "bg_color": "#C6E0B4", "bottom": 1, "text_wrap": True},
    "entry": {"locked": False, "bg_color": "#F3F9EE", "border": 4, "text_wrap": True, "num_format": "@"},
    "entry_number": {"locked": False, "bg_color": "#F3F9EE", "border": 4},
}
