"""Delimited text (CSV, TSV) -> rows: which delimiter, and the cells. What the rows mean is in `tables`."""

import csv
import io
from collections.abc import Iterator

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50


def rows_of(text: str) -> list[list[str]]:
    """All rows, empty ones left out; text in which no delimiter is told has one column."""
    delimiter = delimiter_of(text, named=True, cut=False) or ","
    return [row for row in _reader(text, delimiter) if any(cell.strip() for cell in row)]


def delimiter_of(text: str, *, named: bool, cut: bool) -> str | None:
    """The delimiter on which the rows agree; None where the text is no table.

    named: the file calls itself a table, so two rows and a few that disagree will do. cut: the last row may be cut off.
    """
    best: tuple[float, int, str] | None = None
    for delimiter in _DELIMITERS:
        widths = _widths(text, delimiter, cut)
        if not widths:
            return None
        width = max(set(widths), key=lambda candidate: (widths.count(candidate), candidate))
        agreement = widths.count(width) / len(widths)
        if width > 1 and (best is None or (agreement, width) > best[:2]):
            best = (agreement, width, delimiter)
    if best is None:
        return None
    rows = len(_widths(text, best[2], cut))
    agrees = best[0] >= 0.6 if named else best[0] == 1 and rows >= 4 and (best[2] != "," or best[1] >= 3)
    return best[2] if agrees else None


def _widths(text: str, delimiter: str, cut: bool) -> list[int]:
    widths: list[int] = []
    try:
        for row in _reader(text, delimiter):
            if row:
                widths.append(len(row))
            if len(widths) > _SAMPLE_ROWS:
                break
    except csv.Error:
        return []
    return widths[:-1] if cut and 1 < len(widths) <= _SAMPLE_ROWS else widths


def _reader(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(2**31 - 1)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
