"""Finds the entities of a passage: rows of a table, records that repeat the same labels, or items of a list.

How one variable of an entity is read, once its record is known, is in `rules_candidates`.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Variable
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.project import Unit
from coderai_pipeline.extractors.rules_candidates import answer_to
from coderai_pipeline.extractors.rules_labels import Label, Occurrence, labels_of, occurrences
from coderai_pipeline.extractors.rules_layout import Line, Sheet, fold_word, folded_words
from coderai_pipeline.extractors.rules_values import read_region

_IN_TABLE = 0.9
_LIST_ITEM = re.compile(r"(?:[-–•*▪‣·]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RowAnswers:
    """The answers of one entity, one a variable, and the part of the document that is about it."""

    span: Span
    answers: tuple[Answer, ...]


def rows_of(sheet: Sheet, unit: Unit, variables: Sequence[Variable]) -> tuple[RowAnswers, ...]:
    """The entities in order of appearance: those of tables, else repeated records, else list items that hold the key."""
    return (
        tuple(_table_rows(sheet, variables))
        or tuple(_records(sheet, variables))
        or tuple(_items(sheet, unit, variables))
    )


def _table_rows(sheet: Sheet, variables: Sequence[Variable]) -> Iterator[RowAnswers]:
    """The rows under each header row; a header seen again (on the next page) opens no new entity."""
    columns: Mapping[int, Variable] = {}
    width = 0
    for line in sheet.lines:
        if not any(char.isalnum() for char in sheet.text[line.start : line.end]):
            continue  # a rule between rows: | --- | --- |
        header = _header(sheet, line, variables)
        if header:
            columns, width = header, len(line.cells)
        elif columns and not _is_row(sheet, line, columns, width):
            columns = {}
        elif columns:
            yield _table_row(sheet, line, columns, variables)


def _header(sheet: Sheet, line: Line, variables: Sequence[Variable]) -> Mapping[int, Variable]:
    """Column number -> variable, where at least two cells of a row are labels of different variables."""
    if len(line.cells) < 2:
        return {}
    columns: dict[int, Variable] = {}
    for index, cell in enumerate(line.cells):
        words = tuple(word.folded for word in folded_words(cell.of(sheet.text)))
        variable = next((v for v in variables if _is_label(words, labels_of(v)) and v not in columns.values()), None)
        if variable is not None:
            columns[index] = variable
    return columns if len(columns) > 1 else {}


def _is_label(words: tuple[str, ...], labels: Sequence[Label]) -> bool:
    return any(label.words == words for label in labels)


def _is_row(sheet: Sheet, line: Line, columns: Mapping[int, Variable], width: int) -> bool:
    """A row has more than one cell, no more than the header has, and says something in one of its columns.

    A row that sums the others up is none; nor is one with fewer cells where only spaces part them, since nobody knows
    which columns they belong to.
    """
    barred = any(mark in sheet.text[line.start : line.end] for mark in "|\t")
    if not 2 <= len(line.cells) <= width or (len(line.cells) < width and not barred):
        return False
    first = next((text for cell in line.cells if (text := cell.of(sheet.text).strip("*_ "))), "")
    return not _is_sum(first) and any(_cell(line, index) is not None for index in columns)


def _is_sum(first_cell: str) -> bool:
    """`Total`, `Grand total (net)`, `合計`: a cell that begins so, or after a word that goes with it."""
    words = [fold_word(word.folded) for word in folded_words(first_cell)]
    opens = words[1:] if words[:1] and words[0] in _BEFORE_SUM else words
    return bool(opens and opens[0] in _SUMS) or "".join(words) in _SUMS


_BEFORE_SUM = frozenset(["grand", "sub", "net", "overall", "montant", "importe", "valor"])


_LISTED_SUMS = (
    "total totals sum summe gesamt gesamtsumme insgesamt subtotal zwischensumme totaux totale totaal suma sumă razem toplam итого всего"
    " разом σύνολο tổng जोड़ कुल รวม 合计 合計 总计 總計 小计 小計 합계 소계 المجموع الإجمالي إجمالي"
)
_SUMS = frozenset(fold_word(word) for word in _LISTED_SUMS.split())


def _cell(line: Line, index: int) -> Span | None:
    if index < len(line.cells) and line.cells[index].end > line.cells[index].start:
        return line.cells[index]
    return None


def _table_row(sheet: Sheet, line: Line, columns: Mapping[int, Variable], variables: Sequence[Variable]) -> RowAnswers:
    by_name = {variable.name: index for index, variable in columns.items()}
    quote = sheet.text[line.start : line.end]
    answers = [_in_cell(sheet, line, variable, by_name.get(variable.name), quote) for variable in variables]
    return RowAnswers(Span(line.start, line.end), tuple(answers))


def _in_cell(sheet: Sheet, line: Line, variable: Variable, index: int | None, quote: str) -> Answer:
    cell = _cell(line, index) if index is not None else None
    found = read_region(sheet, variable, cell) if cell is not None else None
    if found is None:
        return Answer(variable.name, None, None, None, "")
    return Answer(variable.name, found.value, quote, round(_IN_TABLE * found.share, 2), "")


def _records(sheet: Sheet, variables: Sequence[Variable]) -> Iterator[RowAnswers]:
    """Blocks that each begin with the label that repeats most often, the first such of equals."""
    openings = _openings(sheet, variables)
    for part in _parts(sheet, [place.line.start for place in openings]):
        yield _read_part(sheet, part, variables)


def _parts(sheet: Sheet, starts: Sequence[int]) -> Iterator[Span]:
    """From each start to the next; the last part ends where a record does."""
    for start, end in itertools.pairwise([*starts, sheet.span.end] if starts else []):
        yield Span(start, _end_of_record(sheet, start, end, last=start == starts[-1]))


def _openings(sheet: Sheet, variables: Sequence[Variable]) -> list[Occurrence]:
    marked = {
        variable.name: [
            place
            for place in occurrences(sheet, labels_of(variable))
            if place.leads and place.marked and place.cell == 0
        ]
        for variable in variables
    }
    counts = Counter({name: len(places) for name, places in marked.items()})
    most = max(counts.values(), default=0)
    if most < 2:
        return []
    return min((places for places in marked.values() if len(places) == most), key=lambda places: places[0].line.index)


def _end_of_record(sheet: Sheet, start: int, end: int, last: bool) -> int:
    """The last record ends at the first empty line, as nothing after it says where it ends."""
    if not last:
        return end
    gap = re.compile(r"\n[ \t]*\n").search(sheet.text, start, end)
    paragraphs = sheet.text[start:end].count("\n\n")
    return gap.start() if gap and paragraphs else end


def _read_part(sheet: Sheet, part: Span, variables: Sequence[Variable]) -> RowAnswers:
    inner = Sheet(sheet.document, part, sheet.conventions, sheet.known)
    return RowAnswers(part, tuple(answer_to(inner, variable) for variable in variables))


def _items(sheet: Sheet, unit: Unit, variables: Sequence[Variable]) -> Iterator[RowAnswers]:
    """List items in which at least half of the key variables, or two variables where there is no key, are stated."""
    starts = [line.start for line in sheet.lines if _LIST_ITEM.match(sheet.text[line.start : line.end])]
    for part in _parts(sheet, starts if len(starts) > 1 else []):
        row = _read_part(sheet, part, variables)
        stated = {answer.variable for answer in row.answers if answer.value is not None}
        needed = [name for name in unit.key if any(variable.name == name for variable in variables)]
        if len(stated & set(needed)) * 2 >= len(needed) if needed else len(stated) > 1:
            yield row
