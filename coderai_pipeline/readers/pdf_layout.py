"""The order in which a person reads a page: fragments of lines into columns, lines and table rows.

Works on boxes alone, in a frame in which text runs left to right and downwards (`pdf_words.in_reading_frame`; pages read from
right to left are mirrored). Where paragraphs begin and end is in `pdf_paragraphs`, ruled tables are in `pdf_tables`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, repeat
from operator import lt
from statistics import median
from typing import Any, NamedTuple, TypeAlias, cast

from coderai_pipeline.readers.pdf_tables import Grid


class Fragment(NamedTuple):
    """Words that stand together on a line; alone on its line, it is that line.

    middle: half way between y0 and y1, in front, so that fragments sort from the top. first: its number on the page.
    words: how many. A tuple: millions are made.
    """

    middle: float
    x0: float
    first: int
    y0: float
    x1: float
    y1: float
    words: int

    is_row = False
    widest_gap = 0.0

    @property
    def cells(self) -> list[list[int]]:
        return [[self.first]]


_STRIP = 0.9
"""White space, in heights of a line, that may part a table from columns of prose."""


@dataclass(slots=True)
class Line:
    """A line of several fragments, or a row of a table: its cells from left to right, each a list of fragments (may be empty)."""

    x0: float
    y0: float
    x1: float
    y1: float
    cells: list[list[int]]
    is_row: bool = False
    widest_gap: float = 0.0

    @property
    def first(self) -> int:
        """Its first fragment."""
        return self.cells[0][0] if self.cells[0] else next(cell[0] for cell in self.cells if cell)


AnyLine: TypeAlias = Line | Fragment
_AS_TUPLE: Callable[[type[Fragment], tuple[object, ...]], Fragment] = cast("Any", tuple).__new__
"""Makes a fragment in half the time that calling its class takes."""


@dataclass(slots=True)
class Region:
    """Lines that follow each other downwards. `right` is where its full lines end."""

    lines: list[AnyLine]
    right: float
    ruled: bool = False


def fragments_of(
    numbers: Iterable[int],
    x0: Sequence[float],
    y0: Sequence[float],
    x1: Sequence[float],
    y1: Sequence[float],
    words: Sequence[int],
) -> list[Fragment]:
    """The fragments with these numbers; the other columns hold those of all fragments."""
    rows = [((y0[i] + y1[i]) / 2, x0[i], i, y0[i], x1[i], y1[i], words[i]) for i in numbers]
    return list(map(_AS_TUPLE, repeat(Fragment), rows))


def reading_order(fragments: Sequence[Fragment], width: float, grids: Sequence[Grid] = ()) -> list[Region]:
    """All fragments, each once, as regions in reading order. A ruled table is read where it stands, row by row."""
    tables: dict[int, list[AnyLine]] = {}
    for grid in grids:
        inside = [fragment for fragment in fragments if grid.holds((fragment.x0 + fragment.x1) / 2, fragment.middle)]
        rows = _ruled_rows(grid, inside)
        if sum(sum(map(bool, row.cells)) > 1 for row in rows) >= 2:
            x0, y0, x1, y1 = grid.box
            stand_in = Fragment((y0 + y1) / 2, x0, -1 - len(tables), y0, x1, y1, len(inside))
            tables[stand_in.first] = rows
            taken = {fragment.first for fragment in inside}
            fragments = [fragment for fragment in fragments if fragment.first not in taken]
            fragments.append(stand_in)
    regions = _split(sorted(fragments), width)
    return [part for region in regions for part in _with_ruled(region, tables)] if tables else regions


def _ruled_rows(grid: Grid, inside: Sequence[Fragment]) -> list[AnyLine]:
    cells: dict[int, dict[int, list[Fragment]]] = {}
    for fragment in inside:
        row, column = grid.cell_of((fragment.x0 + fragment.x1) / 2, fragment.middle)
        cells.setdefault(row, {}).setdefault(column, []).append(fragment)
    lines: list[AnyLine] = []
    for row, filled in sorted(cells.items()):
        columns = max(len(grid.bands[row][2]) - 1, max(filled) + 1)
        ordered = [[f.first for line in rows_of(filled.get(column, ())) for f in line] for column in range(columns)]
        lines.append(_line([fragment for cell in filled.values() for fragment in cell], ordered))
    return lines


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


def rows_of(fragments: Sequence[Fragment]) -> list[list[Fragment]]:
    """Fragments that stand side by side, row by row, each row from left to right."""
    rows: list[list[Fragment]] = []
    bottom = middle = float("-inf")
    for fragment in sorted(fragments):
        if rows and fragment.middle < bottom and middle > fragment.y0 and _beside(rows[-1], fragment):
            rows[-1].append(fragment)
        else:
            rows.append([fragment])
            bottom, middle = fragment.y1, fragment.middle
    for row in rows:
        row.sort(key=lambda fragment: fragment.x0)
    return rows


def line_of(row: Sequence[Fragment]) -> AnyLine:
    return row[0] if len(row) == 1 else _line(row, [[fragment.first for fragment in row]], is_row=False)


def _line(row: Sequence[Fragment], cells: list[list[int]], *, is_row: bool = True) -> Line:
    return Line(
        min([fragment.x0 for fragment in row]),
        min([fragment.y0 for fragment in row]),
        max([fragment.x1 for fragment in row]),
        max([fragment.y1 for fragment in row]),
        cells,
        is_row,
        max([right.x0 - left.x1 for left, right in pairwise(row)], default=0.0),
    )


def _one_below_another(ordered: Sequence[Fragment]) -> bool:
    return not any(map(lt, [below.y0 for below in ordered[1:]], [fragment.middle for fragment in ordered]))


def _beside(row: Sequence[Fragment], fragment: Fragment) -> bool:
    slack = 0.2 * (fragment.y1 - fragment.y0)
    return all(fragment.x0 >= other.x1 - slack or fragment.x1 <= other.x0 + slack for other in row)


def _region(lines: list[AnyLine], width: float) -> Region:
    """`width` of the page where the region takes all of it, else 0: few short lines do not tell where lines would end."""
    left, right = min([line.x0 for line in lines]), max([line.x1 for line in lines])
    return Region(lines, max(right, left + 0.8 * (width - 2 * left)))


def _split(ordered: Sequence[Fragment], width: float) -> list[Region]:
    """Columns apart, left before right, between the lines that run across them."""
    if _one_below_another(ordered):
        return [_region(list(ordered), width)] if ordered else []
    gutter = _gutter(ordered)
    if gutter is None:
        return [_region(_with_tables(rows_of(ordered)), width)]
    regions: list[Region] = []
    for across, band in _zones(ordered, gutter):
        if across:
            regions += _split(band, width)
            continue
        left = [fragment for fragment in band if fragment.x1 <= gutter]
        right = [fragment for fragment in band if fragment.x1 > gutter]
        regions += _split(left, 0.0)
        regions += _split(right, 0.0)
    return regions


def _bands(ordered: Sequence[Fragment], gutter: float) -> list[tuple[bool, list[Fragment]]]:
    """Runs of fragments, downwards, that cross the gutter or keep to its sides."""
    crossing = [fragment.x0 < gutter < fragment.x1 for fragment in ordered]
    if not any(crossing):
        return [(False, list(ordered))]
    crossing = _whole_rows(ordered, crossing)
    bands: list[tuple[bool, list[Fragment]]] = []
    for fragment, across in zip(ordered, crossing, strict=True):
        if not bands or bands[-1][0] != across:
            bands.append((across, []))
        bands[-1][1].append(fragment)
    return bands


def _whole_rows(ordered: Sequence[Fragment], crossing: Sequence[bool]) -> list[bool]:
    """What stands on one line with a fragment that crosses the gutter is read with it."""
    across = list(crossing)
    for index in [index for index, crosses in enumerate(crossing) if crosses]:
        fragment = ordered[index]
        for step in (-1, 1):
            other = index + step
            while 0 <= other < len(ordered) and fragment.y0 < ordered[other].middle < fragment.y1:
                across[other] = True
                other += step
    return across


def _zones(ordered: Sequence[Fragment], gutter: float) -> list[tuple[bool, list[Fragment]]]:
    """Bands, and among those that keep to the sides the tables between columns, which are read across."""
    zones: list[tuple[bool, list[Fragment]]] = []
    for across, band in _bands(ordered, gutter):
        parts = [band] if across else _at_gaps(band)
        for part in parts:
            reads_across = across or (len(parts) > 1 and _is_table(part, gutter))
            if zones and zones[-1][0] == reads_across:
                zones[-1][1].extend(part)
            else:
                zones.append((reads_across, list(part)))
    return zones


def _at_gaps(band: Sequence[Fragment]) -> list[Sequence[Fragment]]:
    """The band parted where a white strip as high as a line runs across all of it."""
    above = accumulate([fragment.y1 for fragment in band], max)
    cuts = [
        index
        for index, (bottom, below) in enumerate(zip(above, band[1:], strict=False), start=1)
        if below.y0 - bottom > _STRIP * (below.y1 - below.y0)
    ]
    return [band[start:end] for start, end in pairwise([0, *cuts, len(band)])]


def _is_table(part: Sequence[Fragment], gutter: float) -> bool:
    """Whether the lines on both sides are no prose, but stand side by side, in at least two rows."""
    sides = _columns([part], gutter)
    if not sides or min(map(len, sides[0])) < 2 or _are_columns(*sides[0]):
        return False
    rows = rows_of(part)
    return 2 * sum(len(row) > 2 for row in rows) > len(rows)


def _gutter(ordered: Sequence[Fragment]) -> float | None:
    """The x of the white strip that parts two columns; None where lines are read across the whole width."""
    scores = [
        (score, -rank, x) for rank, x in enumerate(_candidates(ordered)) if (score := _score(ordered, x)) is not None
    ]
    return max(scores)[2] if scores else None


def _score(ordered: Sequence[Fragment], x: float) -> float | None:
    """How much speaks for columns that are parted at x; None where they are none."""
    bands = [band for across, band in _bands(ordered, x) if not across]
    crosses = sum(map(len, bands)) < len(ordered)
    crossing = sum([fragment.x0 < x < fragment.x1 for fragment in ordered]) if crosses else 0
    columns = _columns(bands, x)
    sides = sum(min(len(left), len(right)) for left, right in columns)
    if sides < 3 or sides < 2 * len(columns) or crossing > len(ordered) / 2:
        return None
    if not _are_columns([f for left, _ in columns for f in left], [f for _, right in columns for f in right]):
        # A table between columns is no prose, and does not make those above and below a table.
        parts = _columns([part for band in bands for part in _at_gaps(band)], x)
        sides = sum(min(len(left), len(right)) for left, right in parts if _are_columns(left, right))
    return sides - 2.0 * crossing if sides >= 3 else None


def _columns(bands: Sequence[Sequence[Fragment]], x: float) -> list[tuple[list[Fragment], list[Fragment]]]:
    """What stands left and right of a gutter, in each band that has both."""
    return [
        (left, right)
        for band in bands
        if (left := [fragment for fragment in band if fragment.x1 <= x])
        and (right := [fragment for fragment in band if fragment.x1 > x])
    ]


def _candidates(ordered: Sequence[Fragment]) -> list[float]:
    """Middles of the widest gaps that recur between neighbours, the most frequent first."""
    counts: defaultdict[int, list[float]] = defaultdict(list)
    _, x0, _, y0, x1, y1, _ = zip(*ordered, strict=True)
    reach = [bottom - 0.3 * (bottom - top) for top, bottom in zip(y0, y1, strict=True)]
    for step in (1, 2, 3):
        pairs = zip(x0, x1, reach, x0[step:], y0[step:], x1[step:], strict=False)
        for edge in [
            other_start if end < other_start else start
            for start, end, down_to, other_start, top, other_end in pairs
            if top < down_to and (end < other_start or other_end < start)
        ]:
            # A gutter is as wide as its narrowest gap: edges of the right side recur where lines are ragged.
            counts[int(edge // 6)].append(edge)
    frequent = sorted(counts.values(), key=len, reverse=True)[:6]
    return [min(edges) - 0.5 for edges in frequent]


def _are_columns(left: Sequence[Fragment], right: Sequence[Fragment]) -> bool:
    """Columns are read one after the other where both hold prose, or where their lines do not stand side by side."""
    if _is_prose(left) and _is_prose(right):
        return True
    fewer, more = sorted((left, right), key=len)
    height = median([fragment.y1 - fragment.y0 for fragment in fewer])
    middles = sorted(fragment.middle for fragment in more)
    shared = sum(any(abs(fragment.middle - middle) < 0.25 * height for middle in middles) for fragment in fewer)
    return len(fewer) >= 4 and shared < 0.4 * len(fewer)


def _is_prose(side: Sequence[Fragment]) -> bool:
    """Lines of several words, most of which fill their column."""
    widths = [fragment.x1 - fragment.x0 for fragment in side]
    height = median([fragment.y1 - fragment.y0 for fragment in side])
    wordy = median([fragment.words for fragment in side]) >= 3 or median(widths) >= 8 * height
    return wordy and median(widths) >= 0.6 * max(widths) and median(widths) >= 5 * height


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
    edges = _column_edges([fragment for row in rows for fragment in row])
    filled = sum(len({_column(edges, fragment) for fragment in row}) for row in rows)
    full_rows = sum(len(row) >= 2 for row in rows)
    if len(edges) < 2 or full_rows < (3 if len(edges) == 2 else 2) or filled < 0.55 * len(edges) * len(rows):
        return None
    lines: list[Line] = []
    for row in rows:
        cells: list[list[int]] = [[] for _ in edges]
        for fragment in row:
            cells[_column(edges, fragment)].append(fragment.first)
        line = _line(row, cells)
        if lines and not cells[0] and len(row) < len(rows[0]) and line.y0 - lines[-1].y1 < 0.5 * (line.y1 - line.y0):
            _append_cells(lines[-1], line)
        else:
            lines.append(line)
    return lines


def _append_cells(above: Line, line: Line) -> None:
    for cell, more in zip(above.cells, line.cells, strict=True):
        cell += more
    above.x0, above.x1, above.y1 = min(above.x0, line.x0), max(above.x1, line.x1), line.y1


def _column_edges(fragments: Sequence[Fragment]) -> list[tuple[float, float]]:
    """The x-intervals that fragments cover together: one a column."""
    merged: list[tuple[float, float]] = []
    for x0, x1 in sorted((fragment.x0, fragment.x1) for fragment in fragments):
        if merged and x0 <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], x1)
        else:
            merged.append((x0, x1))
    return merged


def _column(edges: Sequence[tuple[float, float]], fragment: Fragment) -> int:
    return next(number for number, (_, x1) in enumerate(edges) if fragment.x0 <= x1)
