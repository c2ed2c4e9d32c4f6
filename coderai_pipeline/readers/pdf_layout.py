"""The order in which a person reads a page: fragments of lines into columns, lines and table rows.

Works on boxes alone, in a frame in which text runs left to right and downwards (`pdf_words.in_reading_frame`; pages read from
right to left are mirrored). Lines are made in `pdf_lines`, columns told apart in `pdf_columns`; where paragraphs begin and end
is in `pdf_paragraphs`, ruled tables are in `pdf_tables`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median_low

from coderai_pipeline.readers.pdf_columns import gutter_of, zones
from coderai_pipeline.readers.pdf_lines import (
    AnyLine,
    Fragment,
    Line,
    Region,
    columns_of,
    extents_of,
    line_from,
    line_of,
    one_below_another,
    parted_at,
    rows_of,
)
from coderai_pipeline.readers.pdf_spaced_rows import spaced_rows
from coderai_pipeline.readers.pdf_stacks import stacked_rows
from coderai_pipeline.readers.pdf_tables import Grid


def reading_order(fragments: Sequence[Fragment], width: float, grids: Sequence[Grid] = ()) -> list[Region]:
    """All fragments, each once, as regions in reading order. A ruled table is read where it stands, row by row."""
    tables: dict[int, list[AnyLine]] = {}
    for grid in sorted(grids, key=_area):
        inside = [fragment for fragment in fragments if grid.holds((fragment.x0 + fragment.x1) / 2, fragment.middle)]
        rows = _ruled_rows(grid, inside, tables)
        if sum(sum(map(bool, row.cells)) > 1 for row in rows) >= 2:
            x0, y0, x1, y1 = grid.box
            stand_in = Fragment((y0 + y1) / 2, x0, -1 - len(tables), y0, x1, y1, len(inside))
            tables[stand_in.first] = rows
            taken = {fragment.first for fragment in inside}
            fragments = [fragment for fragment in fragments if fragment.first not in taken]
            fragments.append(stand_in)
    regions = _split(sorted(fragments), width)
    return [part for region in regions for part in _with_ruled(region, tables)] if tables else regions


def _area(grid: Grid) -> float:
    x0, y0, x1, y1 = grid.box
    return (x1 - x0) * (y1 - y0)


def _ruled_rows(grid: Grid, inside: Sequence[Fragment], tables: Mapping[int, Sequence[AnyLine]]) -> list[AnyLine]:
    """inside: fragments, and stand-ins for tables inside of this one, which are read in their cell."""
    cells: dict[int, dict[int, list[Fragment]]] = {}
    for fragment in inside:
        row, column = grid.cell_of((fragment.x0 + fragment.x1) / 2, fragment.middle, fragment.y0)
        cells.setdefault(row, {}).setdefault(column, []).append(fragment)
    lines: list[AnyLine] = []
    for row, filled in sorted(cells.items()):
        columns = max(len(grid.bands[row][2]) - 1, max(filled) + 1)
        ordered = [
            [number for line in rows_of(filled.get(column, ())) for f in line for number in _numbers(f.first, tables)]
            for column in range(columns)
        ]
        lines.append(line_from([fragment for cell in filled.values() for fragment in cell], ordered))
    return lines


def _numbers(first: int, tables: Mapping[int, Sequence[AnyLine]]) -> list[int]:
    """The fragment, or all of the table that it stands for."""
    return [first] if first >= 0 else [number for row in tables[first] for cell in row.cells for number in cell]


def _with_ruled(region: Region, tables: Mapping[int, list[AnyLine]]) -> list[Region]:
    """The region with each stand-in replaced by the rows of its table, which are a region of their own."""
    parts: list[Region] = []
    for line in region.lines:
        stand_ins = [index for cell in line.cells for index in cell if index < 0]
        rest = [[index for index in cell if index >= 0] for cell in line.cells]
        if not stand_ins:
            if not parts or parts[-1].ruled:
                parts.append(Region([], region.right))
            parts[-1].lines.append(line)
            continue
        if any(rest):
            parts.append(Region([Line(line.x0, line.y0, line.x1, line.y1, rest, line.is_row)], region.right))
        parts += [Region(tables[index], region.right, ruled=True) for index in stand_ins]
    return parts


def _split(ordered: Sequence[Fragment], width: float) -> list[Region]:
    """Columns apart, left before right, between the lines that run across them."""
    if one_below_another(ordered):
        return [_region(list(ordered), width)] if ordered else []
    gutter = gutter_of(ordered)
    if gutter is None or not gutter.parts_prose:
        above, table, below = spaced_rows(ordered)
        if table:
            return [*_split(sorted(above), width), Region([*table], 0.0, ruled=True), *_split(sorted(below), width)]
    parts = zones(gutter) if gutter is not None else []
    # What is read across as a whole has no columns: to part it again would never end.
    if gutter is None or (len(parts) == 1 and parts[0][0]):
        return [_region(_with_tables(rows_of(ordered)), width)]
    regions: list[Region] = []
    for (across, band), (_, following) in zip(parts, [*parts[1:], (False, [])], strict=True):
        if across:
            regions += _split(band, width)
            continue
        left, right = parted_at(gutter.x, band)
        above, table = stacked_rows(left, right)
        if table:
            regions += [*_split(above, width), Region([*table], 0.0, ruled=True)]
        else:
            before = _before_wrapped(left, right, following) if following else len(left)
            regions += _split(left[:before], 0.0) + _split(right, 0.0) + _split(left[before:], 0.0)
    return regions


def _before_wrapped(left: Sequence[Fragment], right: Sequence[Fragment], following: Sequence[Fragment]) -> int:
    """How much of the left stands before a paragraph that runs around the right and goes on below it in wide lines."""
    if len(left) < 3 or not right or not one_below_another(left):
        return len(left)
    last, wide = left[-1], following[0]
    pitch = median_low([below.middle - above.middle for above, below in pairwise(left)])
    goes_on = abs(wide.x0 - last.x0) < 1.0 and abs(wide.middle - last.middle - pitch) < 0.1 * pitch
    if not goes_on or right[-1].y1 > wide.y0 or wide.x1 < right[0].x0:
        return len(left)
    steps = enumerate(pairwise(left), start=1)
    return max((place for place, (above, below) in steps if below.middle - above.middle > 1.15 * pitch), default=0)


def _region(lines: list[AnyLine], width: float) -> Region:
    """`width` of the page where the region takes all of it, else 0: few short lines do not tell where lines would end."""
    lefts, _, rights, _ = extents_of(lines)
    left = min(lefts)
    return Region(lines, max(*rights, left + 0.8 * (width - 2 * left)))


def _with_tables(rows: list[list[Fragment]]) -> list[AnyLine]:
    """Rows as lines; runs of rows whose fragments stand in columns become table rows."""
    lines: list[AnyLine] = []
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and _continues(rows, start, end):
            end += 1
        table = _aligned(rows[start:end]) if end - start >= 2 else None
        lines += table or [line_of(row) for row in rows[start : max(end, start + 1)]]
        start = max(end, start + 1)
    return lines


def _continues(rows: list[list[Fragment]], start: int, end: int) -> bool:
    """Whether a row belongs to the run of rows with several fragments: a lone fragment may continue the cell above."""
    row = rows[end]
    if end == start:
        return len(row) >= 2
    above = rows[end - 1]
    height = row[0].y1 - row[0].y0
    if row[0].middle - above[0].middle > 4 * height:
        return False
    if len(row) >= 2:
        return True
    wide = max(f.x1 for f in above) - min(f.x0 for f in above)
    return (
        row[0].x0 > above[0].x1 and row[0].middle - above[0].middle < 1.6 * height and row[0].x1 - row[0].x0 < wide / 2
    )


def _aligned(rows: list[list[Fragment]]) -> list[Line] | None:
    """The rows as a table, cell by cell; None where their fragments do not stand in columns."""
    edges = columns_of([fragment for row in rows for fragment in row])
    filled = sum(len({_column(edges, fragment) for fragment in row}) for row in rows)
    full_rows = sum(len(row) >= 2 for row in rows)
    if len(edges) < 2 or full_rows < (3 if len(edges) == 2 else 2) or filled < 0.55 * len(edges) * len(rows):
        return None
    lines: list[Line] = []
    for row in rows:
        cells: list[list[int]] = [[] for _ in edges]
        for fragment in row:
            cells[_column(edges, fragment)].append(fragment.first)
        line = line_from(row, cells)
        if lines and not cells[0] and len(row) < len(rows[0]) and line.y0 - lines[-1].y1 < 0.5 * (line.y1 - line.y0):
            _append_cells(lines[-1], line)
        else:
            lines.append(line)
    return lines


def _append_cells(above: Line, line: Line) -> None:
    for cell, more in zip(above.cells, line.cells, strict=True):
        cell += more
    above.x0, above.x1, above.y1 = min(above.x0, line.x0), max(above.x1, line.x1), line.y1


def _column(edges: Sequence[tuple[float, float]], fragment: Fragment) -> int:
    return next(number for number, (_, x1) in enumerate(edges) if fragment.x0 <= x1)
