"""Reads what people drop into `feedback/`: a review workbook, a table that they or a script wrote, or the page's download.

A row says something of one cell; the columns may stand in any order, others are passed over:

    document, variable       of which cell; `entity` where a document has many rows
    verdict                  correct, incorrect or partially_correct
    corrected_value          what the cell should hold; `(no value)` where the document does not state it
    note, reviewer           free text
    cell, inclusion_probability, is_blind    what review workbooks and pages put there themselves

What the rows mean for the cells is decided in `engine.feedback`.
"""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, cast

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.storage.edited_files import decoded, read_bytes, without_separator_line

MOST_BYTES = 50_000_000
MOST_UNPACKED_BYTES = 500_000_000
MOST_ROWS = 100_000
HEADER_WITHIN = 20
"""Rows from the top of a sheet in which its header is looked for."""

UNHEARD_SHOWN = 10

COLUMNS = (
    "document", "entity", "variable", "verdict", "corrected_value", "note", "reviewer", "cell", "inclusion_probability",
    "is_blind", "is_corrected",
)  # fmt: skip
_OTHER_NAMES = {
    "correction": "corrected_value",
    "corrected": "corrected_value",
    "your_value": "corrected_value",
    "comment": "note",
    "notes": "note",
}
"""Taken for the column where it is not there by its own name."""
_PASSED_OVER = frozenset({
    "label", "passage", "value", "quote", "page", "confidence", "status", "reason", "why", "instructions", "type",
    "value_json", "value_number", "precision", "unit", "quote_start", "quote_end", "grounding", "changes", "alternatives",
    "source", "prompt_version", "extractor", "model", "call_ids", "input_tokens", "output_tokens", "cost", "seconds",
    "current", "ask_fingerprint", "settle_fingerprint", "text_sha256", "raw_reply", "run_id", "settled_at", "cell_version",
})  # fmt: skip
"""What reviews and the table `cells` say of a cell; all else in a row is a person's."""
_SAYING = ("verdict", "corrected_value", "note")
_PLACES = ("variable", "cell")

Fields = Mapping[str, JsonValue]
"""Known column -> what stands there, never blank: text, or a number, yes or no as a spreadsheet or JSON holds them."""


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row in which a reviewer wrote something. row: as a spreadsheet numbers it, the header being 1; of JSON the place
    in the list, from 1. problem: why it cannot be read at all."""

    row: int
    fields: Fields = field(default_factory=dict[str, JsonValue])
    problem: str = ""

    @property
    def is_blank(self) -> bool:
        """Nothing was said of its cell."""
        return not self.problem and not any(name in self.fields for name in (*_SAYING, "is_corrected"))


@dataclass(frozen=True, slots=True)
class FeedbackFile:
    """What a file says. trouble: why it cannot be read as a whole."""

    sha256: str
    rows: tuple[WrittenRow, ...] = ()
    trouble: str = ""


def read_feedback(path: Path, text_of: Callable[[bytes], str]) -> FeedbackFile:
    """Every row of a file. Never raises for what a person put there. text_of: the text of bytes that are no UTF-8, with
    U+FFFD for what cannot be told."""
    try:
        data = read_bytes(path, MOST_BYTES)
    except InvalidInput as error:
        return FeedbackFile("", trouble=_said(error))
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        return FeedbackFile(sha256, tuple(_rows(path, data, text_of)))
    except InvalidInput as error:
        return FeedbackFile(sha256, trouble=_said(error))


def _said(error: InvalidInput) -> str:
    return "; ".join(problem.message for problem in error.problems)


def _rows(path: Path, data: bytes, text_of: Callable[[bytes], str]) -> Iterator[WrittenRow]:
    if data[:2] == b"PK" or data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _of_workbook(path, data)
    text = _text(path, data, text_of)
    if text.lstrip()[:1] in ("[", "{"):
        return _of_json(path, text)
    return _of_table(path, list(_csv_rows(path, text)))


def _text(path: Path, data: bytes, text_of: Callable[[bytes], str]) -> str:
    try:
        return decoded(path, data)
    except InvalidInput:
        text = text_of(data)
        if "\ufffd" in text:
            raise
        return text


def _of_workbook(path: Path, data: bytes) -> Iterator[WrittenRow]:
    """The rows of every visible sheet that has the columns of feedback."""
    try:
        sheets = _sheets(path, data)
    except InvalidInput:
        raise
    except Exception as error:  # noqa: BLE001 (a damaged workbook raises anything; it becomes the trouble of this file)
        message = f"is not readable as a workbook ({type(error).__name__}); open it in Excel and save it as .xlsx"
        raise _refused(path, message) from None
    headed = [rows for rows in sheets if _header_row(rows) is not None]
    if not headed:
        raise _headless(path)
    for rows in headed:
        yield from _of_table(path, rows)


def _sheets(path: Path, data: bytes) -> list[list[list[Any]]]:
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED_BYTES:
                raise _refused(path, f"unpacks to more than {MOST_UNPACKED_BYTES // 1_000_000} MB")
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
    return [cast("list[list[Any]]", book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in shown]


def _csv_rows(path: Path, text: str) -> Iterator[list[str]]:
    """The separator is stated, or else the one that makes known columns of a row among the first, not always the very first."""

    def known(mark: str) -> int:
        lines = (line.split(mark) for line in text.splitlines()[:HEADER_WITHIN])
        return max((sum(_column(cell.strip('"')) in COLUMNS for cell in line) for line in lines), default=0)

    text, stated = without_separator_line(text)
    separator = stated or max(",;\t|", key=known)
    csv.field_size_limit(MOST_BYTES)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except csv.Error as error:
        raise _refused(path, f"is not readable as CSV: {error}; save it again from a spreadsheet") from None


def _of_table(path: Path, rows: Sequence[Sequence[Any]]) -> Iterator[WrittenRow]:
    at = _header_row(rows)
    if at is None:
        raise _headless(path)
    header = _header(rows[at])
    twice = sorted({name for name in header if name in COLUMNS and header.count(name) > 1})
    if twice:
        raise _refused(path, f"has the column {twice[0]} twice; keep one of them")
    if len(rows) - at > MOST_ROWS:
        raise _refused(path, f"has more than {MOST_ROWS:,} rows; split it")
    unheard: dict[str, list[int]] = {}
    for number, row in enumerate(rows[at + 1 :], start=at + 2):
        cells = [_plain(cell) for cell in row]
        if any(cell != "" for cell in cells):
            read = _row(number, header, cells)
            yield read
            for place in range(len(header)) if read.is_blank else ():
                if place < len(cells) and cells[place] != "" and header[place] not in {*COLUMNS, *_PASSED_OVER}:
                    unheard.setdefault(str(rows[at][place]).strip(), []).append(number)
    for column, numbers in unheard.items():
        yield WrittenRow(at + 1, problem=_unheard(column, numbers))


def _unheard(column: str, rows: Sequence[int]) -> str:
    """A column that a person renamed or added would otherwise be passed over in silence."""
    listed = ", ".join(map(str, rows[:UNHEARD_SHOWN])) + (", ..." if len(rows) > UNHEARD_SHOWN else "")
    name = f'the column "{column}"' if column else "a column without a name"
    return (
        f"{name} is not known here, and rows say nothing but what stands in it ({listed}); "
        "call it verdict, corrected_value or note if it is meant to be heard, else take it out"
    )


def _row(number: int, header: Sequence[str], cells: Sequence[JsonValue]) -> WrittenRow:
    if any(cell != "" for cell in cells[len(header) :]):
        return WrittenRow(
            number, problem="has more cells than the header; put texts that hold the separator into quotes"
        )
    named = zip(header, cells, strict=False)
    return WrittenRow(number, {name: cell for name, cell in named if name in COLUMNS and cell != ""})


def _header_row(rows: Sequence[Sequence[Any]]) -> int | None:
    for number, row in enumerate(rows[:HEADER_WITHIN]):
        names = set(_header(row))
        if names.intersection(_SAYING) and names.intersection(_PLACES):
            return number
    return None


def _of_json(path: Path, text: str) -> Iterator[WrittenRow]:
    """A list of objects, an object whose `feedback` is one, or one object a line."""
    try:
        data = json.loads(text)
    except ValueError as error:
        yield from _of_lines(path, text, error)
        return
    except RecursionError:
        raise _refused(path, "is nested too deeply; it should be a list of objects") from None
    whole = cast("dict[str, object]", data) if isinstance(data, dict) else {"feedback": data}
    listed = whole.get("feedback", whole)
    items = cast("list[object]", listed if isinstance(listed, list) else [listed])
    for number, item in enumerate(items, start=1):
        yield _item(number, item)


def _of_lines(path: Path, text: str, error: ValueError) -> Iterator[WrittenRow]:
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        items = [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        raise _refused(path, f"is not readable as JSON: {error}") from None
    for number, item in enumerate(items, start=1):
        yield _item(number, item)


def _item(number: int, item: object) -> WrittenRow:
    if not isinstance(item, dict):
        return WrittenRow(number, problem="is no object with document, variable and verdict")
    given = cast("dict[str, JsonValue]", item)
    header = _header(list(given))
    if len(set(header)) < len(header):
        return WrittenRow(number, problem="has a key twice, in another spelling; keep one of them")
    named = zip(header, given.values(), strict=True)
    return WrittenRow(number, {name: _sound(value) for name, value in named if name in COLUMNS and _is_given(value)})


def _is_given(value: JsonValue) -> bool:
    return value is not None and value != [] and not (isinstance(value, str) and not value.strip())


def _sound(value: JsonValue) -> JsonValue:
    """Texts without the half characters that JSON can spell and no file holds, and without blanks around them; whole
    numbers that no float holds as text."""
    if isinstance(value, list):
        return [_sound(each) for each in value]
    if isinstance(value, int) and abs(value) >= 10**15:
        return str(value)
    return value.encode("utf-8", "replace").decode().strip() if isinstance(value, str) else value


def _header(cells: Sequence[object]) -> list[str]:
    names = [_column(cell) for cell in cells]
    return [other if (other := _OTHER_NAMES.get(name)) and other not in names else name for name in names]


def _column(header: object) -> str:
    return re.sub(r"[\s-]+", "_", str(_plain(header)).strip().casefold())


def _plain(cell: object) -> JsonValue:
    """A spreadsheet's cell: text without blanks around it, numbers and yes or no as such, dates as ISO 8601."""
    match cell:
        case None:
            return ""
        case bool() | int() | float():
            return cell
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
        case _:
            return str(cell).strip()


def _headless(path: Path) -> InvalidInput:
    wanted = "document, variable, verdict, corrected_value (and entity, note, reviewer)"
    return _refused(path, f"has no header row that names its columns; the first row should hold: {wanted}")


def _refused(path: Path, message: str) -> InvalidInput:
    return InvalidInput([Problem(path.name, None, "", message)])
