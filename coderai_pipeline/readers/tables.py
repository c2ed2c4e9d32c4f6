"""Tables (CSV, XLSX, JSON Lines, Parquet) -> documents: one a row where a column holds texts, else one readable table.

A table holds documents when the project names its text column, or a column is called text, body, content or the like.
JSON Lines and Parquet are made by programs, so without such a column they are refused by name; a CSV or Excel file
without one is a document of rows `a | b | c`. Cutting CSV into rows is in `delimited`, reading cells of Excel in `excel`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.building import CELL, LINE, PARAGRAPH, TextBuilder
from coderai_pipeline.readers.delimited import rows_of
from coderai_pipeline.readers.detect import detect
from coderai_pipeline.readers.encodings import decode
from coderai_pipeline.readers.excel import visible_sheets, written
from coderai_pipeline.readers.packages import damaged
from coderai_pipeline.readers.table_rows import TEXT_COLUMNS, header_position, without_trailing_empty
from coderai_pipeline.readers.text import cleaned

_FIRST_ROWS = 60
KINDS = ("csv", "xlsx", "jsonl", "parquet")
_TITLES = ("title", "headline", "titel", "titre", "titulo", "título", "titolo")
_AUTHORS = ("author", "byline", "autor", "auteur", "autore")
_DATES = ("date", "published", "publication_date", "datum", "fecha", "data")
_STATED = {**dict.fromkeys(_TITLES, "title"), **dict.fromkeys(_AUTHORS, "author"), **dict.fromkeys(_DATES, "date")}


class NoTextColumn(NotReadable):
    """A table whose text or id column cannot be told."""


def read(data: bytes, options: ReadOptions) -> Content:
    """The whole file as one document of readable rows; each row has its place `row 17`, counted below the header."""
    records = data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    kind = detect(data, "table.jsonl" if records else "table.csv")
    sheets, warnings = _sheets(data, kind, options, as_shown=True)
    _text_column(sheets, options, required=kind in ("jsonl", "parquet"))
    builder = TextBuilder(warnings=warnings)
    for sheet in sheets:
        if sheet.rows or sheet.above or any(sheet.columns):  # a new workbook has three sheets, two of which stay empty
            _write(builder, sheet, named=len(sheets) > 1)
    content = builder.content("holds no text, only empty rows")
    faults = [reason for sheet in sheets for reason in sheet.faults.values()]
    if faults and content.status.is_readable:
        content.status = DocumentStatus.PARTIAL
        content.reason = f"{len(faults)} of its rows were left out: {faults[0]}"
    return content


def read_row(table: "TableOfDocuments", row: int) -> tuple[Content, bytes]:
    """The document in a row (its position among `row_ids`), and the bytes that stand for it: its columns as JSON."""
    sheet, column = table.sheet, table.text_column
    number = row + 1
    if not 0 <= row < len(sheet.rows):
        reason = f"has no row {number} any more, only {len(sheet.rows)}; the table was changed"
        raise NotReadable(DocumentStatus.UNSUPPORTED, reason)
    if row in sheet.faults:
        raise NotReadable(DocumentStatus.CORRUPT, sheet.faults[row])
    values = dict(zip(sheet.columns, _padded(sheet.rows[row], len(sheet.columns)), strict=False))
    canonical = json.dumps(values, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    text, warnings = cleaned(values.pop(column, ""))
    builder = TextBuilder(warnings=warnings, metadata=_metadata(values))
    builder.add(text if text.strip() else "", f"row {number}")
    return builder.content(f"row {number} has no text in the column {column!r}"), canonical


def table_of_documents(data: bytes, kind: str, options: ReadOptions) -> "TableOfDocuments":
    """The table of documents in a file. Raises NotReadable where it is none."""
    if kind not in KINDS:
        raise NotReadable(DocumentStatus.UNSUPPORTED, f"is no table any more, but {kind}; it was changed")
    sheets, _ = _sheets(data, kind, options)
    found = _text_column(sheets, options)
    assert found
    return TableOfDocuments(*found)


def row_ids(data: bytes, kind: str, options: ReadOptions) -> list[str] | None:
    """Ids of the rows in order: those of the id column where they are there and unique, else the row's number.

    None where the table is one document. Raises NotReadable where the project's columns are not in it.
    """
    sheets, _ = _sheets(data, kind, options)
    found = _text_column(sheets, options, required=kind in ("jsonl", "parquet"))
    if found is None:
        return None
    sheet, _ = found
    numbers = [str(number) for number in range(1, len(sheet.rows) + 1)]
    if options.id_column is None:
        return numbers
    if options.id_column not in sheet.columns:
        raise _no_column(options.id_column, "reading.id_column", [sheet])
    index = sheet.columns.index(options.id_column)
    given = ["".join(row[index : index + 1]).strip() for row in sheet.rows]
    counts = Counter(given)
    return [
        f"({number})" if not value else f"{value} ({number})" if counts[value] > 1 else value
        for number, value in zip(numbers, given, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Columns are "" where a table has no header; a row may be shorter, where nothing follows in it."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    faults: Mapping[int, str] = field(default_factory=dict[int, str])
    """Position of a row that could not be read -> why."""
    above: list[list[str]] = field(default_factory=list[list[str]])
    """Rows above the header."""


@dataclass(frozen=True, slots=True)
class TableOfDocuments:
    sheet: _Sheet
    text_column: str


def _text_column(sheets: list[_Sheet], options: ReadOptions, *, required: bool = True) -> tuple[_Sheet, str] | None:
    if options.text_column is not None:
        for sheet in sheets:
            if options.text_column in sheet.columns:
                return sheet, options.text_column
        raise _no_column(options.text_column, "reading.text_column", sheets)
    for sheet in sheets:
        named = {
            column.strip().casefold().replace(" ", "_").replace("-", "_"): column for column in sheet.columns[::-1]
        }
        if name := next((named[name] for name in TEXT_COLUMNS if name in named), None):
            return sheet, name
    if required:
        raise _no_column(None, "reading.text_column", sheets)
    return None


def _no_column(name: str | None, setting: str, sheets: list[_Sheet]) -> "NoTextColumn":
    columns = ", ".join(dict.fromkeys(column for sheet in sheets for column in sheet.columns if column)) or "none"
    what = f"has no column {name!r}" if name else "does not say which column holds the text"
    return NoTextColumn(DocumentStatus.UNSUPPORTED, f"{what}; its columns are {columns[:500]}; name one in {setting}")


def _metadata(values: Mapping[str, str]) -> dict[str, str]:
    """The other columns under their own names, and what they state of title, author and date also under those."""
    found = {name: value for name, value in values.items() if name and value.strip()}
    stated = {_STATED[name.casefold()]: value for name, value in found.items() if name.casefold() in _STATED}
    return stated | found


def _write(builder: TextBuilder, sheet: _Sheet, *, named: bool) -> None:
    builder.separate(PARAGRAPH)
    if named:
        builder.heading(builder.add(sheet.name, f"sheet {sheet.name}"), 1)
        builder.separate(PARAGRAPH)
    where = f"sheet {sheet.name}, " if named else ""
    for row in sheet.above:
        builder.separate(LINE)
        _write_row(builder, row, f"{where}above the header")
    builder.separate(LINE)
    start = builder.here()
    header: Span | None = None
    if any(sheet.columns):
        header = _write_row(builder, sheet.columns, f"{where}header")
    for number, row in enumerate(sheet.rows, 1):
        builder.separate(LINE)
        _write_row(builder, row, f"{where}row {number}")
    builder.table(Span(start, max(start, builder.length)), header)


def _write_row(builder: TextBuilder, row: list[str], path: str) -> Span:
    cells = (" ".join(cell.split()) for cell in row)
    return builder.add(CELL.join(without_trailing_empty(list(cells), lambda cell: not cell)), path)


def _sheets(data: bytes, kind: str, options: ReadOptions, *, as_shown: bool = False) -> tuple[list[_Sheet], list[str]]:
    if kind == "csv":
        decoded = decode(data)
        text, warnings = cleaned(decoded.text)
        return [_sheet("", rows_of(text))], [decoded.warning] * bool(decoded.warning) + warnings
    if kind == "xlsx":
        sheets, warnings = visible_sheets(data, options, as_shown=as_shown)
        return [_sheet(name, rows) for name, rows in sheets], warnings
    return [_parquet(data, options.memory_mb) if kind == "parquet" else _json_records(data)], []


def _sheet(name: str, rows: list[list[str]]) -> _Sheet:
    """A sheet from its rows; a first row of names becomes the columns."""
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    width = max(map(len, rows), default=0)
    # Only the first rows are made equally long: one cell far to the right would else be paid for in every row.
    first = [_padded(row, width) for row in rows[:_FIRST_ROWS]]
    header = 0 if rows and width == 1 else header_position(first)
    if header is None:
        return _Sheet(name, [""] * width, rows)
    columns = _unique([cell.strip() for cell in first[header]])
    return _Sheet(name, columns, rows[header + 1 :], above=rows[:header])


def _padded(row: list[str], width: int) -> list[str]:
    return row + [""] * (width - len(row))


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if not name or seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def _json_records(data: bytes) -> _Sheet:
    """One record a line, or a list of records; what is none is a row which says so, so that it costs no other."""
    columns: dict[str, None] = {}
    records: list[dict[str, str]] = []
    faults: dict[int, str] = {}
    for where, record, fault in _records(decode(data).text.lstrip("\ufeff")):
        if fault:
            faults[len(records)] = f"{where} {fault}; mend or remove it"
        records.append({name: written(value) for name, value in record.items()})
        columns |= dict.fromkeys(records[-1])
    return _Sheet("", list(columns), [[record.get(name, "") for name in columns] for record in records], faults)


def _records(text: str) -> Iterator[tuple[str, dict[str, object], str]]:
    """Where each record stands, the record, and what is wrong with it."""
    if not text.lstrip().startswith("["):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield f"line {number}", *_record(line)
        return
    try:
        listed: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(f"not JSON: {error}") from error
    for number, one in enumerate(cast("list[object]", listed), 1):
        yield f"record {number}", *_as_record(one)


def _record(line: str) -> tuple[dict[str, object], str]:
    """The record on a line, or what is wrong with it."""
    try:
        return _as_record(json.loads(line))
    except (ValueError, RecursionError) as error:
        return {}, f"is not JSON ({error})"


def _as_record(value: object) -> tuple[dict[str, object], str]:
    return (cast("dict[str, object]", value), "") if isinstance(value, dict) else ({}, "is not a JSON object")


def _parquet(data: bytes, memory_mb: int) -> _Sheet:
    import pyarrow as untyped
    import pyarrow.parquet as parquet

    pyarrow = cast("Any", untyped)

    try:
        file: Any = parquet.ParquetFile(pyarrow.BufferReader(data))
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
        if (unpacked := sum(group.total_byte_size for group in groups)) > memory_mb * 2**20:
            reason = f"unpacks from {len(data) / 1e6:.1f} MB to {unpacked / 1e6:,.0f} MB; split it"
            raise NotReadable(DocumentStatus.TOO_LARGE, reason)
        table: Any = file.read(use_threads=False)
    except MemoryError:  # which pyarrow also calls an ArrowException
        raise
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(str(error)[:200]) from error
    columns = [[written(value) for value in column.to_pylist()] for column in table.columns]
    return _Sheet(
        "", _unique([str(name) for name in table.column_names]), [list(row) for row in zip(*columns, strict=True)]
    )
