"""Tables without rules whose rows are parted by white strips, as web pages print them: cells stand at the top, in the
middle or at the bottom of their row, to the left, in the middle or to the right of their column.

Tables whose rows follow each other like lines are told in `pdf_layout`, cells that start side by side in `pdf_stacks`.
"""

from collections.abc import Sequence
from statistics import median

from coderai_pipeline.readers.pdf_lines import Fragment, Line, columns_of, line_from, rows_of

_STRIP = 0.25
"""Heights of a line: a wider white strip parts two rows."""
_MOST_STRIP = 3.0
_MOST_PIECES = 1.3
"""Fragments on a line of a cell, on average: of more, the cells are columns of their own."""
_HIGHEST = 6.0
"""Lines; what is higher is no row."""
_LEAST_ROWS, _LEAST_COLUMNS = 3, 3
_FILLED = 0.6
"""Part of a table's cells that hold something."""

Row = list[Fragment]


def spaced_rows(ordered: Sequence[Fragment]) -> tuple[list[Fragment], list[Line], list[Fragment]]:
    """What stands above the first such table, its rows, and what stands below; rows [] where there is none."""
    bands = _bands(ordered)
    start = 0
    while start + _LEAST_ROWS <= len(bands):
        end = _end_of_table(bands, start)
        if end - start >= _LEAST_ROWS and start and _is_head(bands[start - 1], bands[start]):
            start -= 1
        if end - start >= _LEAST_ROWS and (rows := _rows(bands[start:end])):
            above = [fragment for band in bands[:start] for fragment in band]
            return above, rows, [fragment for band in bands[end:] for fragment in band]
        start = max(start + 1, end)
    return [], [], []


def _is_head(band: Row, first: Row) -> bool:
    """Whether words above a table stand over its columns, be it over several together."""
    height = band[0].y1 - band[0].y0
    near = first[0].y0 - max(fragment.y1 for fragment in band) < _MOST_STRIP * height
    left, right = min(fragment.x0 for fragment in first), max(fragment.x1 for fragment in first)
    return near and len(columns_of(band)) >= 2 and all(left <= f.x1 and f.x0 <= right for f in band)


def _bands(ordered: Sequence[Fragment]) -> list[Row]:
    """Fragments between the white strips that run across all of them."""
    bands: list[Row] = []
    bottom = 0.0
    for fragment in sorted(ordered, key=lambda fragment: fragment.y0):
        if bands and fragment.y0 - bottom <= _STRIP * (fragment.y1 - fragment.y0):
            bands[-1].append(fragment)
            bottom = max(bottom, fragment.y1)
        else:
            bands.append([fragment])
            bottom = fragment.y1
    return bands


def _end_of_table(bands: Sequence[Row], start: int) -> int:
    """After the last of the bands that have columns in common."""
    if len(columns_of(bands[start])) < _LEAST_COLUMNS or not _is_low(bands[start]):
        return start
    end = start + 1
    while end < len(bands):
        band = bands[end]
        height = band[0].y1 - band[0].y0
        together = columns_of([*(f for above in bands[start:end] for f in above), *band])
        if len(columns_of(band)) < 2 or len(together) < _LEAST_COLUMNS or not _is_low(band):
            break
        if band[0].y0 - max(fragment.y1 for fragment in bands[end - 1]) > _MOST_STRIP * height:
            break
        end += 1
    return end


def _is_low(band: Row) -> bool:
    height = median(fragment.y1 - fragment.y0 for fragment in band)
    return max(fragment.y1 for fragment in band) - min(fragment.y0 for fragment in band) < _HIGHEST * height


def _rows(bands: Sequence[Row]) -> list[Line]:
    """[] where cells are rather paragraphs than cells, or too few are filled. A head may stand over several columns."""
    body = [fragment for band in bands[1:] for fragment in band]
    columns = columns_of(body) if len(columns_of(body)) >= _LEAST_COLUMNS else columns_of([*bands[0], *body])
    rows: list[Line] = []
    lines: list[int] = []
    for band in bands:
        cells: list[Row] = [[] for _ in columns]
        for fragment in band:
            cells[_column(columns, fragment)].append(fragment)
        lines += [len(rows_of(cell)) for cell in cells if cell]
        rows.append(line_from(band, [[f.first for line in rows_of(cell) for f in line] for cell in cells]))
    is_whole = sum(map(len, bands)) <= _MOST_PIECES * sum(lines)
    return rows if is_whole and median(lines) == 1 and len(lines) >= _FILLED * len(rows) * len(columns) else []


def _column(columns: Sequence[tuple[float, float]], fragment: Fragment) -> int:
    """The column that a fragment stands over, the first of several, or stands nearest to."""
    shared = [min(fragment.x1, x1) - max(fragment.x0, x0) for x0, x1 in columns]
    over = (number for number, (x0, x1) in enumerate(columns) if shared[number] > 0.5 * (x1 - x0))
    return next(over, shared.index(max(shared)))
