"""A codebook kept as a spreadsheet (codebook.xlsx or codebook.csv), turned into what codebook.yaml would hold.

One row a variable below a header row; the columns are the keys of a variable, in any order, blank = default:

    name, label, type, instructions, where, unit, default, if_multiple, max_values, confidence_threshold, if_uncertain,
    depends_on, formula, level, model, scale    as in YAML
    allow_multiple, allow_other, required    true or false (yes and no in many languages and x are understood)
    min, max, pattern, allowed    the keys of `validation`; allowed values are separated by ; or stand one a line
    labels    separated by ; or one a line
    categories    `value: description [keyword, keyword]`, separated by ; or one a line; only the value is required
    examples    `source => value`, one a line; nothing after => is a passage that does not state the value; several
        values are separated by ;

Numbers may have a decimal comma (0,85). In a workbook the first sheet, or the one named "codebook", is read. Examples may also stand on a sheet named "examples"
with the columns variable, source_text, value and use (prompt or evaluation).
Whether the values make sense is decided with YAML's in `settings_files`.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Protocol, cast

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook_rules import did_you_mean
from coderai_pipeline.domain.errors import InvalidInput, Problem
from coderai_pipeline.domain.values import Conventions, Reading
from coderai_pipeline.domain.values.booleans import read_boolean
from coderai_pipeline.storage.edited_files import Written, label, read_bytes, read_text, without_separator_line
from coderai_pipeline.storage.yaml_lines import KeyPath, key_text, plain_value

MAX_ROWS = 5_000
MAX_COLUMNS = 100
MAX_UNPACKED_BYTES = 100_000_000

_FLAGS = ("allow_multiple", "allow_other", "required")
_WORDS = ("type", "if_multiple", "if_uncertain", "level", "scale", "use")
"""One of a few words each, which spreadsheets like to begin with a capital."""
_NUMBERS = ("max_values", "confidence_threshold")
_TEXTS = (
    *("name", "label", "type", "instructions", "where", "unit", "if_multiple", "if_uncertain"),
    *("depends_on", "formula", "level", "model", "scale", "pattern"),
)
_COLUMNS = (*_TEXTS, *_FLAGS, *_NUMBERS, "default", "min", "max", "allowed", "labels", "categories", "examples")
_EXAMPLE_COLUMNS = ("variable", "source_text", "value", "use")
# With three digits behind it the comma could group thousands, unless a zero stands before it.
_DECIMAL_COMMA = re.compile(r"-?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+)")
_CATEGORY = re.compile(r"(?P<value>.+?)(?::(?:\s+(?P<description>.*?))?)?\s*(?:\[(?P<keywords>[^\[\]]*)\])?", re.DOTALL)

Row = Sequence[str]


def read_spreadsheet(path: Path) -> Written:
    """Raises InvalidInput where the file cannot be read as a spreadsheet at all."""
    sheets = _workbook(path) if path.suffix == ".xlsx" else _Sheets(_csv_rows(path))
    return _Reader(label(path), sheets).read()


@dataclass(frozen=True, slots=True)
class _Sheets:
    codebook: Sequence[Row]
    examples: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class _Record:
    """One row below the header. row: as the spreadsheet numbers it. cells: column -> what stands there, never blank."""

    row: int
    cells: dict[str, str]


@dataclass(slots=True)
class _Reader:
    file: str
    sheets: _Sheets
    problems: list[Problem] = field(default_factory=list[Problem])
    rows: list[int] = field(default_factory=list[int])
    example_rows: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def read(self) -> Written:
        variables: list[JsonValue] = []
        types: dict[str, tuple[int, str, list[JsonValue]]] = {}
        for record in self._records(self.sheets.codebook, _COLUMNS, "name"):
            examples = list(_examples(record.cells))
            types.setdefault(record.cells.get("name", ""), (len(variables), record.cells.get("type", ""), examples))
            variables.append(_variable(record.cells, examples))
            self.rows.append(record.row)
        for record in self._records(self.sheets.examples, _EXAMPLE_COLUMNS, "source_text"):
            self._add_example(record, types)
        return Written(self.file, {"variables": variables}, self._place, tuple(self.problems))

    def _add_example(self, record: _Record, types: dict[str, tuple[int, str, list[JsonValue]]]) -> None:
        name = record.cells.get("variable", "")
        if name not in types:
            message = f"is no variable of the codebook{did_you_mean(name, types)}"
            self.problems.append(Problem(self.file, record.row, "sheet examples, variable", message, name))
            return
        index, type_, examples = types[name]
        self.example_rows[index, len(examples)] = record.row
        use: JsonValue = record.cells.get("use", "prompt")
        value = _example_value(record.cells.get("value", ""), type_)
        examples.append({"source_text": record.cells.get("source_text", ""), "value": value, "use": use})

    def _records(self, rows: Sequence[Row], known: Sequence[str], expected: str) -> Iterator[_Record]:
        header = [_column(cell) for cell in rows[0]] if rows else []
        for position, column in enumerate(header):
            if column and column not in known:
                message = f"is not a column that is known here{did_you_mean(column, known)}"
                self.problems.append(Problem(self.file, 1, column, message, allowed=", ".join(known)))
            elif column and column in header[:position]:
                self.problems.append(Problem(self.file, 1, column, "stands twice in the header; keep one column"))
        if rows and expected not in header:
            message = "is missing; the first row must hold the names of the columns"
            self.problems.append(Problem(self.file, 1, expected, message, allowed=", ".join(known)))
        for number, row in enumerate(rows[1:], start=2):
            cells = {column: cell for column, cell in zip(header, row, strict=False) if column in known and cell}
            if cells:
                words = {column: cells[column].lower() for column in _WORDS if column in cells}
                yield _Record(number, cells | words)

    def _place(self, path: KeyPath) -> tuple[int | None, str]:
        match path:
            case ("variables", int(index), "examples", int(number), *rest) if (index, number) in self.example_rows:
                return self.example_rows[index, number], f"sheet examples, {key_text(tuple(rest)) or 'row'}"
            case ("variables", int(index), "validation", *rest):
                return self.rows[index], key_text(tuple(rest))
            case ("variables", int(index), *rest):
                return self.rows[index], key_text(tuple(rest))
            case _:
                return 1, key_text(path)


def _column(header: str) -> str:
    return re.sub(r"[\s-]+", "_", header.strip().lower()).removeprefix("validation.")


def _variable(cells: dict[str, str], examples: list[JsonValue]) -> JsonValue:
    type_ = cells.get("type", "")
    variable: dict[str, JsonValue] = {column: cells[column] for column in _TEXTS if column in cells}
    variable.update({column: _flag(cells[column]) for column in _FLAGS if column in cells})
    variable.update({column: _number(cells[column]) for column in _NUMBERS if column in cells})
    validation: dict[str, JsonValue] = {
        bound: _typed(cells[bound], type_) for bound in ("min", "max") if bound in cells
    }
    if "pattern" in cells:
        validation["pattern"] = variable.pop("pattern")
    if "allowed" in cells:
        validation["allowed"] = [_typed(item, type_) for item in _items(cells["allowed"])]
    if "default" in cells:
        variable["default"] = _typed(cells["default"], type_)
    if "labels" in cells:
        variable["labels"] = list(_items(cells["labels"]))
    if "categories" in cells:
        variable["categories"] = [_category(item) for item in _items(cells["categories"])]
    return {**variable, **({"validation": validation} if validation else {}), "examples": examples}


def _items(cell: str) -> Iterator[str]:
    """The entries of a cell: its lines, or the parts between semicolons where it is one line."""
    parts = cell.splitlines() if "\n" in cell else cell.split(";")
    return (part.strip() for part in parts if part.strip())


def _category(item: str) -> JsonValue:
    match = _CATEGORY.fullmatch(item)
    if match is None:
        return {"value": item}
    keywords = [keyword.strip() for keyword in (match["keywords"] or "").split(",") if keyword.strip()]
    return {"value": match["value"].strip(), "description": match["description"] or "", "keywords": [*keywords]}


def _examples(cells: dict[str, str]) -> Iterator[JsonValue]:
    for line in cells.get("examples", "").splitlines():
        if line.strip():
            source, arrow, value = line.rpartition("=>")
            written = _example_value(value.strip(), cells.get("type", ""))
            yield {"source_text": source.strip(), "value": written} if arrow else line.strip()


def _example_value(text: str, type_: str) -> JsonValue:
    if not text:
        return None
    values = [_typed(item, type_) for item in _items(text)]
    return values[0] if len(values) == 1 else values


def _typed(text: str, type_: str) -> JsonValue:
    """A written value as YAML would hold it; what does not fit the type stays text, and is refused as such."""
    if type_ == "boolean":
        return _flag(text)
    return _number(text) if type_ == "number" else text


def _number(text: str) -> JsonValue:
    return plain_value(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)


def _flag(text: str) -> JsonValue:
    reading = read_boolean(text, Conventions())
    return reading.value if isinstance(reading, Reading) and not reading.change else text


def _csv_rows(path: Path) -> list[Row]:
    """The rows of a CSV file whose separator is stated, or else the one that makes known columns of its first row."""
    text, stated = without_separator_line(read_text(path))
    first = text.partition("\n")[0]
    known = max(",;\t", key=lambda mark: sum(_column(cell.strip('"')) in _COLUMNS for cell in first.split(mark)))
    separator = stated or known
    try:
        return _bounded(path, csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InvalidInput([Problem(label(path), None, "", f"is not readable as CSV: {error}")]) from None


def _workbook(path: Path) -> _Sheets:
    data = read_bytes(path)
    try:
        return _sheets(path, data)
    except InvalidInput:
        raise
    except Exception as error:  # noqa: BLE001 (a damaged workbook raises anything; it becomes a problem of this file)
        message = (
            f"is not readable as an Excel workbook ({type(error).__name__}); open it in Excel and save it as .xlsx"
        )
        raise InvalidInput([Problem(label(path), None, "", message)]) from None


class _Worksheet(Protocol):
    """What is used of openpyxl's untyped worksheet."""

    def iter_rows(self, *, max_row: int, max_col: int, values_only: bool) -> Iterable[Sequence[object]]: ...


def _sheets(path: Path, data: bytes) -> _Sheets:
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise InvalidInput(
                [Problem(label(path), None, "", "unpacks to more than 100 MB, too large for a codebook")]
            )
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    by_name = {sheet.title.strip().lower(): sheet for sheet in book.worksheets}
    codebook = by_name.get("codebook", book.worksheets[0])

    examples = by_name.get("examples")
    return _Sheets(_rows(path, codebook), _rows(path, examples) if examples is not None else ())


def _rows(path: Path, sheet: object) -> list[Row]:
    cells = cast("_Worksheet", sheet).iter_rows(max_row=MAX_ROWS + 2, max_col=MAX_COLUMNS, values_only=True)
    return _bounded(path, cells)


def _bounded(path: Path, rows: Iterable[Sequence[object]]) -> list[Row]:
    found: list[Row] = []
    for number, row in enumerate(rows, start=1):
        cells = [_cell_text(cell) for cell in row[:MAX_COLUMNS]]
        if number > MAX_ROWS and any(cells):
            raise InvalidInput([Problem(label(path), number, "", f"more than {MAX_ROWS:,} rows")])
        found.append(cells)
    return found


def _cell_text(cell: object) -> str:
    """A cell as a person would write it in YAML: 5 for 5.0, ISO dates, true and false."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
        case _:
            return str(cell).strip()
