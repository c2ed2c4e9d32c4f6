"""Tables without rules whose cells run over several lines: rows are known by their cells, which start side by side.

Used by `pdf_layout` on what stands on both sides of a gutter; tables of one line a row are made there.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice, pairwise
from operator import itemgetter, sub
from statistics import median

from coderai_pipeline.readers.pdf_lines import Fragment, Line, line_from, rows_of

_PARTED = 1.15
"""Pitches of lines: a wider step begins a new cell."""
_SAME_HEIGHT = 0.3
"""Part of a line's height by which the first lines of a row's cells may stand apart."""
_MOST_STARTS = 0.8
"""Part of the cells that must start beside another."""
_LEAST_ROWS = 3
_MIDDLE = itemgetter(0)


def stacked_rows(left: Sequence[Fragment], right: Sequence[Fragment]) -> tuple[list[Fragment], list[Line]]:
    """What stands above a table on both sides of a gutter, and the table's rows; [] where it is none.

    Columns of prose may start paragraphs side by side too, but then these are equally long: in a table the shorter cell waits.
    """
    if min(len(left), len(right)) < _LEAST_ROWS or _run_evenly(left, right):
        return [], []
    band = sorted([*left, *right])
    sides = [rows_of(left), rows_of(right)]
    if min(map(len, sides)) < _LEAST_ROWS:
        return [], []
    height = median([fragment.y1 - fragment.y0 for fragment in band])
    pitch = min(_pitch(rows) for rows in sides)
    on_left, on_right = (_cells(rows, _PARTED * pitch) for rows in sides)
    shared = [
        (above, beside)
        for above in on_left
        for beside in on_right
        if abs(above[0] - beside[0]) <= _SAME_HEIGHT * height
    ]
    waiting = sum(abs(above[1] - beside[1]) > 0.6 * pitch for above, beside in shared[:-1])
    least = max(_LEAST_ROWS, _MOST_STARTS * max(len(on_left), len(on_right)))
    if len(shared) < least or waiting < max(1, len(shared) // 4):
        return [], []
    tops = [min(above[0], beside[0]) - _SAME_HEIGHT * height for above, beside in shared]
    return (
        [fragment for fragment in band if fragment.middle < tops[0]],
        _table([fragment for fragment in band if fragment.middle >= tops[0]], tops),
    )


def _run_evenly(left: Sequence[Fragment], right: Sequence[Fragment]) -> bool:
    """Whether lines follow each other without a step wide enough for a cell to begin, as they do in most prose."""
    steps = [list(map(sub, map(_MIDDLE, islice(side, 1, None)), map(_MIDDLE, side))) for side in (left, right)]
    widest = _PARTED * min(map(median, steps))
    return all(sum([step > widest for step in side]) < _LEAST_ROWS - 1 for side in steps)


def _pitch(rows: Sequence[Sequence[Fragment]]) -> float:
    return median([below[0].middle - above[0].middle for above, below in pairwise(rows)])


def _cells(rows: Sequence[Sequence[Fragment]], widest: float) -> list[tuple[float, float]]:
    """The middles of the first and of the last line of each cell on one side."""
    cells: list[tuple[float, float]] = []
    for row in rows:
        middle = row[0].middle
        if cells and middle - cells[-1][1] <= widest:
            cells[-1] = cells[-1][0], middle
        else:
            cells.append((middle, middle))
    return cells


def _table(band: Sequence[Fragment], tops: Sequence[float]) -> list[Line]:
    """Fragments by the row that they stand in and the column that they share with others."""
    edges: list[float] = []
    for x0, x1 in sorted((fragment.x0, fragment.x1) for fragment in band):
        if not edges or x0 > edges[-1]:
            edges.append(x1)
        edges[-1] = max(edges[-1], x1)
    rows: dict[int, list[list[Fragment]]] = {}
    for fragment in band:
        cells = rows.setdefault(bisect_right(tops, fragment.middle), [[] for _ in edges])
        cells[next(number for number, right in enumerate(edges) if fragment.x0 <= right)].append(fragment)
    return [
        line_from(
            [fragment for cell in cells for fragment in cell],
            [[fragment.first for line in rows_of(cell) for fragment in line] for cell in cells],
        )
        for _, cells in sorted(rows.items())
    ]
