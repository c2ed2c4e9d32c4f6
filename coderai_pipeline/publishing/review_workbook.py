"""The review as an Excel workbook: one row a cell to check, with drop-downs for what the reviewer decides.

Which cells it holds is decided in `review`; how the filled-in workbook is read in `storage.feedback_files`, which goes by the
names of the columns.
"""

# pyright: reportUnknownMemberType=false
# xlsxwriter's annotations leave the contents of dictionaries open.

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.corrections import NO_VALUE
from coderai_pipeline.domain.feedback import Verdict
from coderai_pipeline.publishing import duck
from coderai_pipeline.publishing.review import Review, ReviewCell
from coderai_pipeline.publishing.workbook import Book, open_book

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the sheet. entry: the reviewer fills it in. hidden: for the machine that reads the workbook again."""

    name: str
    width: float
    entry: bool = False
    hidden: bool = False


LINE_POINTS = 15.0
MOST_LINES = 8

_WHERE = (
    _Column("document", 24),
    _Column("entity", 7),
    _Column("variable", 16),
    _Column("label", 22),
    _Column("passage", 30),
)
_SHOWN = (
    *(_Column("value", 28), _Column("quote", 60), _Column("page", 7), _Column("confidence", 11), _Column("status", 11)),
    *(_Column("reason", 36), _Column("why", 18)),
)
_ASKED = (_Column("instructions", 60),)
_VERDICT = _Column("verdict", 18, entry=True)
_ENTRIES = (
    _Column("corrected_value", 28, entry=True),
    _Column("note", 32, entry=True),
    _Column("reviewer", 16, entry=True),
)
_HIDDEN = (
    *(_Column("cell", 24, hidden=True), _Column("inclusion_probability", 12, hidden=True)),
    _Column("is_blind", 8, hidden=True),
)


def write_review_workbook(review: Review, snapshot: Path, path: Path) -> None:
    columns = _columns(review)
    with duck.read(snapshot) as connection, open_book(path, connection) as book:
        sheet = book.workbook.add_worksheet("Review")
        _write_header(book, sheet, columns)
        for number, cell in enumerate(review.cells, start=1):
            _write_row(book, sheet, number, columns, _facts(cell, review), review.variables[cell.variable])
        last = max(len(review.cells), 1)
        sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True, "sort": True})
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
        _add_dropdowns(book, sheet, columns, review)
        book.add_facts("How to review", _explained(review))


def _columns(review: Review) -> tuple[_Column, ...]:
    where = tuple(column for column in _WHERE if column.name not in ("entity", "passage") or review.many)
    shown = _ASKED if review.blind else (*_SHOWN, _VERDICT)
    return (*where, *shown, *_ENTRIES, *_HIDDEN)


def _facts(cell: ReviewCell, review: Review) -> dict[str, Any]:
    variable = review.variables[cell.variable]
    facts = {name: getattr(cell, name) for name in ReviewCell.__slots__}
    return {**facts, "label": variable.heading, "instructions": variable.instructions, "is_blind": review.blind}


def _write_header(book: Book, sheet: "Worksheet", columns: Sequence[_Column]) -> None:
    sheet.freeze_panes(1, [column.name for column in columns].index("variable") + 1)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width, None, {"hidden": column.hidden})
        sheet.write_string(0, index, column.name, book.style("entry_header" if column.entry else "header"))


def _write_row(
    book: Book, sheet: "Worksheet", number: int, columns: Sequence[_Column], facts: dict[str, Any], variable: Variable
) -> None:
    sheet.set_row(number, _height(columns, facts))
    for index, column in enumerate(columns):
        if column.entry:
            # Excel makes dates of 2024-03 and numbers of 007 where a cell is not text; numbers it should read itself.
            is_number = column.name == "corrected_value" and variable.type is VariableType.NUMBER
            sheet.write_blank(number, index, None, book.style("entry_number" if is_number else "entry"))
        else:
            book.write(sheet, number, index, facts[column.name], facts["status"] if column.name == "status" else "")


def _height(columns: Sequence[_Column], facts: dict[str, Any]) -> float:
    """Points: room for the longest text, up to a few lines. LibreOffice does not make room for wrapped texts by itself."""
    shown = ((str(facts.get(column.name) or ""), column.width) for column in columns if not column.hidden)
    lines = max(sum(1 + int(len(line) / width) for line in text.split("\n")) for text, width in shown)
    return LINE_POINTS * min(lines, MOST_LINES)


def _add_dropdowns(book: Book, sheet: "Worksheet", columns: Sequence[_Column], review: Review) -> None:
    """Lists of verdicts and values. What is not in a list can be typed all the same, such as two categories."""
    names = [column.name for column in columns]
    last = max(len(review.cells), 1)
    if "verdict" in names:
        at = names.index("verdict")
        rule = {"validate": "list", "source": [str(verdict) for verdict in Verdict], "error_title": "Not a verdict"}
        sheet.data_validation(1, at, last, at, rule | {"error_message": "Choose one of the three from the list."})
    lists = _lists(book, review)
    at = names.index("corrected_value")
    for number, cell in enumerate(review.cells, start=1):
        if cell.variable in lists:
            rule = {"validate": "list", "source": lists[cell.variable], "show_error": False}
            sheet.data_validation(number, at, number, at, rule)


def _lists(book: Book, review: Review) -> dict[str, str]:
    """Variable -> where its values stand, on a hidden sheet, since a list within a rule holds 255 characters."""
    used = dict.fromkeys(cell.variable for cell in review.cells)
    choices = {name: found for name in used if (found := _choices(review.variables[name]))}
    if not choices:
        return {}
    sheet = book.workbook.add_worksheet("lists")
    sheet.hide()
    for row in range(max(map(len, choices.values()))):
        for index, found in enumerate(choices.values()):
            if row < len(found):
                book.write(sheet, row, index, found[row])
    places = {name: (index, len(found)) for index, (name, found) in enumerate(choices.items())}
    return {name: f"=lists!{_range(index, count)}" for name, (index, count) in places.items()}


def _choices(variable: Variable) -> list[str]:
    if variable.type is VariableType.BOOLEAN:
        return ["yes", "no", NO_VALUE]
    if variable.type is VariableType.CATEGORY:
        return [*(category.value for category in variable.categories), NO_VALUE]
    return []


def _range(column: int, rows: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return f"{xl_rowcol_to_cell(0, column, True, True)}:{xl_rowcol_to_cell(rows - 1, column, True, True)}"


def _explained(review: Review) -> Iterator[tuple[str, str]]:
    yield "Project", f"{review.project} ({review.project_id}), snapshot {review.snapshot}"
    yield (
        "What to do",
        "Fill in the green columns, row by row; rows left blank are passed over. Save, and drop the file into feedback/.",
    )
    if review.blind:
        yield (
            "corrected_value",
            f"The value that you read in the document yourself; {NO_VALUE} where it does not state one.",
        )
        yield "Blind", "What the model found is not shown, so that it cannot influence you."
    else:
        yield (
            "verdict",
            "correct: the value (or that there is none) is right. incorrect: it is wrong. partially_correct: part of it is right.",
        )
        yield (
            "corrected_value",
            f"What the value should be; {NO_VALUE} where the document does not state one. A corrected value alone says incorrect.",
        )
        yield (
            "why",
            "audit sample: drawn by chance, these rows tell how good the dataset is, so please do all of them. The others are doubtful.",
        )
    yield "Dates", "2024-03-05, or 2024-03 or 2024 where the document says no more."
    yield "Several values", "Separated by semicolons."
    yield "note, reviewer", "Free text; the name of the reviewer stands beside the value in the dataset."
    yield "Judged before", f"{review.judged:,} cells"
    for note in review.left_out:
        yield "Left out", note
