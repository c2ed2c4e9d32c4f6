"""Delimited text (CSV, TSV) -> rows: which delimiter, and the cells. What the rows mean is in `tables`."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Literal

from coderai_pipeline.readers.table_rows import MAX_PREAMBLE, TEXT_COLUMNS

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_LAST_LINE = "\x1eend"
_SAMPLE = 200_000
_AGREEMENT = 0.6
"""Part of the rows that have the same number of cells, in a file that calls itself a table."""
_ESCAPED_QUOTE = re.compile(r'[^\\,;\t|\r\n]\\"(?=[^,;\t|\r\n])')
_DOUBLED_QUOTE = re.compile(r'[^,;\t|\r\n"]""[^,;\t|\r\n"]')
_STATEMENT = re.compile(r"sep=([,;\t|])[ \t]*(?:\r\n|\r|\n)", re.I)


def rows_of(text: str) -> list[list[str]]:
    """All rows, empty ones left out; text in which no delimiter is told has one column.

    A quote that is never closed would make one cell of all that follows: then quotes are taken as they stand.
    """
    text, stated = _without_statement(_with_doubled_quotes(text))
    delimiter = stated or delimiter_of(text, named=True, cut=False) or ","
    rows = list(_reader(f"{text}\n{_LAST_LINE}", delimiter))
    if rows.pop() != [_LAST_LINE]:
        rows = list(_reader(text, delimiter, quoting=csv.QUOTE_NONE))
    return _with_whole_last_column([row for row in rows if any(cell.strip() for cell in row)], delimiter)


def _without_statement(text: str) -> tuple[str, str | None]:
    """Excel's first line `sep=;` says the delimiter and is no row."""
    found = _STATEMENT.match(text)
    return (text[found.end() :], found[1]) if found else (text, None)


def _with_doubled_quotes(text: str) -> str:
    r"""Databases write a quote within quotes as `\"`, where spreadsheets write it twice."""
    sample = text[:_SAMPLE]
    if '\\"' not in sample or not _ESCAPED_QUOTE.search(sample) or _DOUBLED_QUOTE.search(sample):
        return text
    return text.replace('\\"', '""')


def _with_whole_last_column(rows: list[list[str]], delimiter: str) -> list[list[str]]:
    """Where the last column is called text or the like, its delimiters are not always quoted: they belong to it."""
    header = next((row for row in rows[:MAX_PREAMBLE] if row[-1].strip().casefold() in TEXT_COLUMNS), None)
    if header is None:
        return rows
    width = len(header)
    return [row if len(row) <= width else [*row[: width - 1], delimiter.join(row[width - 1 :])] for row in rows]


def delimiter_of(text: str, *, named: bool, cut: bool) -> str | None:
    """The delimiter on which the rows agree; None where the text is no table.

    named: the file calls itself a table, so two rows and a few that disagree will do. cut: the last row may be cut off.
    """
    text, stated = _without_statement(_with_doubled_quotes(text))
    if stated:
        return stated
    if named and _is_column_of_texts(text):
        return ","
    best: tuple[bool, float, bool, int, str, int] | None = None
    for delimiter in _DELIMITERS:
        all_widths = _widths(text, delimiter, cut)
        widths = _below_preamble(all_widths) if named else all_widths
        if not widths:
            continue
        width = max(set(widths), key=lambda candidate: (widths.count(candidate), candidate))
        agreement, is_whole = widths.count(width) / len(widths), len(widths) == len(all_widths)
        # A delimiter before quotes is more likely than one within them, and one that the header has, too, than one that
        # leaves it out.
        is_quoted = agreement >= _AGREEMENT and f'{delimiter}"' in text[:_SAMPLE]
        if width > 1 and (best is None or (is_quoted, agreement, is_whole, width) > best[:4]):
            best = (is_quoted, agreement, is_whole, width, delimiter, len(widths))
    if best is None:
        return None
    _, agreement, _, width, delimiter, rows = best
    agrees = agreement >= _AGREEMENT if named else agreement == 1 and rows >= 4 and (delimiter != "," or width >= 3)
    return delimiter if agrees else None


def _below_preamble(widths: list[int]) -> list[int]:
    """Without the lines above a table that say what it is, where at least two rows follow."""
    above = next((at for at, width in enumerate(widths[:MAX_PREAMBLE]) if width > 1), 0)
    return widths[above:] if len(widths) - above > 1 else widths


def _is_column_of_texts(text: str) -> bool:
    """A single column, called text or the like."""
    first, _, rest = text.lstrip().partition("\n")
    return first.strip().strip('"').casefold() in TEXT_COLUMNS and bool(rest.strip())


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


def _reader(text: str, delimiter: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Iterator[list[str]]:
    csv.field_size_limit(2**31 - 1)
    spaced = f'{delimiter} "' in text[:_SAMPLE]
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=spaced)
