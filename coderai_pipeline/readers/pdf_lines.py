"""The lines of a page: fragments, the lines and table rows they form, and regions of lines that follow each other.

Which fragments are read one after the other is told in `pdf_layout`, columns are told apart in `pdf_columns`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, repeat
from operator import attrgetter, itemgetter, lt
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray


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
Extents: TypeAlias = tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]
"""x0, y0, x1 and y1, each of all lines."""
_EXTENT = attrgetter("x0", "y0", "x1", "y1")
_MIDDLE, _TOP = itemgetter(0), itemgetter(3)
"""Of a fragment; a name takes three times as long to look up."""
_AS_TUPLE: Callable[[type[Fragment], tuple[object, ...]], Fragment] = cast("Any", tuple).__new__
"""Makes a fragment in half the time that calling its class takes."""


@dataclass(slots=True)
class Region:
    """Lines that follow each other downwards. `right` is where its full lines end.

    goes_on: whether it continues the table of the region before, whose header it repeated.
    """

    lines: list[AnyLine]
    right: float
    ruled: bool = False
    goes_on: bool = False


def extents_of(lines: Sequence[AnyLine]) -> Extents:
    if Line in set(map(type, lines)):
        x0, y0, x1, y1 = zip(*map(_EXTENT, lines), strict=True)
    else:
        _, x0, _, y0, x1, y1, _ = zip(*cast("Sequence[Fragment]", lines), strict=True)
    return x0, y0, x1, y1


def parted_at(x: float, band: Sequence[Fragment]) -> tuple[list[Fragment], list[Fragment]]:
    """What stands left of a gutter, and the rest."""
    left: list[Fragment] = []
    right: list[Fragment] = []
    for fragment in band:
        (left if fragment[4] <= x else right).append(fragment)
    return left, right


def fragments_of(boxes: NDArray[np.floating], words: NDArray[np.int32], numbers: Sequence[int]) -> list[Fragment]:
    """The fragments with these numbers; boxes, shape (4, m), and counts of words are those of all fragments."""
    x0, y0, x1, y1 = boxes.tolist()
    middles = [(top + bottom) / 2 for top, bottom in zip(y0, y1, strict=True)]
    rows = zip(middles, x0, range(len(x0)), y0, x1, y1, words.tolist(), strict=True)
    fragments = list(map(_AS_TUPLE, repeat(Fragment), rows))
    return fragments if len(numbers) == len(fragments) else [fragments[number] for number in numbers]


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
    return row[0] if len(row) == 1 else line_from(row, [[fragment.first for fragment in row]], is_row=False)


def line_from(row: Sequence[Fragment], cells: list[list[int]], *, is_row: bool = True) -> Line:
    """What a row's fragments make together: a row of a table, or a line."""
    return Line(
        min([fragment.x0 for fragment in row]),
        min([fragment.y0 for fragment in row]),
        max([fragment.x1 for fragment in row]),
        max([fragment.y1 for fragment in row]),
        cells,
        is_row,
        max([right.x0 - left.x1 for left, right in pairwise(row)], default=0.0),
    )


def columns_of(fragments: Sequence[Fragment]) -> list[tuple[float, float]]:
    """The x-intervals that fragments cover together: one a column."""
    merged: list[tuple[float, float]] = []
    for x0, x1 in sorted((fragment.x0, fragment.x1) for fragment in fragments):
        if merged and x0 <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], x1)
        else:
            merged.append((x0, x1))
    return merged


def one_below_another(ordered: Sequence[Fragment]) -> bool:
    """Whether each begins under the middle of the one before."""
    return not any(map(lt, map(_TOP, islice(ordered, 1, None)), map(_MIDDLE, ordered)))


def _beside(row: Sequence[Fragment], fragment: Fragment) -> bool:
    slack = 0.2 * (fragment.y1 - fragment.y0)
    return all(fragment.x0 >= other.x1 - slack or fragment.x1 <= other.x0 + slack for other in row)
