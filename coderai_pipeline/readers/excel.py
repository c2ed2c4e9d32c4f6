"""Excel workbooks (.xlsx, .xlsm) -> the cells of their visible sheets, as text. What the rows mean is in `tables`."""

import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from typing import Any, cast

from coderai_pipeline.readers.base import ReadOptions
from coderai_pipeline.readers.encodings import decode
from coderai_pipeline.readers.packages import Package, damaged
from coderai_pipeline.readers.table_rows import without_trailing_empty

Rows = list[list[str]]

_CELL_NAME = re.compile(rb'<(?:\w+:)?c [^<>]{0,60}?r="([A-Z]{1,3})([0-9]{1,7})"')
_BYTES_A_CELL = 40


def visible_sheets(data: bytes, options: ReadOptions) -> tuple[list[tuple[str, Rows]], list[str]]:
    """Name and rows of each sheet that is shown, and what there is to say of the others."""
    package = Package(data, options.memory_mb)
    package.verify()
    # A sheet is read as a full rectangle, so that one cell in the last corner of an empty one would fill the memory.
    scattered = any(rows * columns * _BYTES_A_CELL > options.memory_mb * 2**18 for rows, columns in _extents(package))
    sheets, hidden = _cell_by_cell(data) if scattered else _as_rectangles(data)
    names = ", ".join(hidden)
    return sheets, [f"hidden sheets were left out: {names[:200]}"] if hidden else []


def written(value: Any) -> str:
    """A cell's value as people write it: whole numbers without .0, dates in ISO form, nothing as ""."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bytes):
        return decode(value).text
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, dt.datetime) and value.time() == dt.time() and value.tzinfo is None:
        return value.date().isoformat()
    return str(value)


def _as_rectangles(data: bytes) -> tuple[list[tuple[str, Rows]], list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        hidden = [sheet.name for sheet in book.sheets_metadata if sheet.visible != SheetVisibleEnum.Visible]
        names = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        rows = ([[written(cell) for cell in row] for row in book.get_sheet_by_name(name).iter_rows()] for name in names)
        return list(zip(names, rows, strict=True)), hidden
    except (CalamineError, ValueError) as error:
        raise damaged(str(error)) from error


def _cell_by_cell(data: bytes) -> tuple[list[tuple[str, Rows]], list[str]]:
    """Slower, but needs no memory for the cells that are not there."""
    import mimetypes

    mimetypes.inited = True  # openpyxl would have it read the system's files, which a reader may not open
    import openpyxl

    try:
        book: Any = cast("Any", openpyxl).load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        hidden = [str(sheet.title) for sheet in book.worksheets if sheet.sheet_state != "visible"]
        return [(str(sheet.title), list(_filled_rows(sheet))) for sheet in shown], hidden
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, SyntaxError) as error:
        raise damaged(f"{type(error).__name__}: {error}") from error


def _filled_rows(sheet: Any) -> Iterator[list[str]]:
    last: object = None
    for row in sheet.iter_rows(values_only=True):
        # Rows that are not there are one and the same.
        if row is not last and (
            cells := without_trailing_empty([written(cell) for cell in row], lambda cell: not cell)
        ):
            yield cells
        last = row


def _extents(package: Package) -> Iterator[tuple[int, int]]:
    """The last row and column of each sheet that has a cell, filled or not."""
    for part in package.names():
        if not (part.startswith("xl/worksheets/") and part.endswith(".xml")):
            continue
        rows, columns, rest = 0, 0, b""
        with package.stream(part) as stream:
            while data := stream.read(2**20):
                found = _CELL_NAME.findall(rest + data)
                rows = max(rows, max((int(number) for _, number in found), default=0))
                columns = max(columns, max((_column_number(name) for name in {name for name, _ in found}), default=0))
                rest = data[-100:]
        yield rows, columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
