"""Ruled tables: the grids that a page's drawn lines make, and which words stand in which cell.

Tables without rules are told from aligned words in `pdf_layout`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import VECTOR, Box, Page, TextPage, moved

_THIN = 3.0
"""Points: a filled rectangle no wider than this is a rule; rules this near to each other are one."""
_SHORTEST = 6.0
_MOST_RULES = 2000
"""A drawing with more is a map or a chart, not a table."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Bands between horizontal rules, downwards, each with the x of the vertical rules that cross it.

    tops: where rules run along the top of each band, from x to x; a cell without one goes on from the band above.
    """

    box: Box
    bands: tuple[tuple[float, float, tuple[float, ...]], ...]
    tops: tuple[tuple[tuple[float, float], ...], ...]

    def holds(self, x: float, y: float) -> bool:
        return self.box[0] <= x <= self.box[2] and self.box[1] <= y <= self.box[3]

    def cell_of(self, x: float, y: float, top: float = float("inf")) -> tuple[int, int]:
        """Row and column; the cells of a row are counted from its own left. What stands across the upper edge of its row,
        where no rule is, is of the row above. top: of what stands at y, if that may be."""
        row = next((number for number, (_, bottom, _) in enumerate(self.bands) if y <= bottom), len(self.bands) - 1)
        if row and top < self.bands[row][0] - _THIN and not any(x0 <= x <= x1 for x0, x1 in self.tops[row]):
            row -= 1
        return row, max(sum(edge <= x for edge in self.bands[row][2]) - 1, 0)


def find_grids(page: Page, textpage: TextPage) -> tuple[Grid, ...]:
    """The ruled tables of a page, in no order."""
    across, down = _rules(page, textpage)
    if not (2 <= len(across) <= _MOST_RULES and 2 <= len(down) <= _MOST_RULES):
        return ()
    h, v = np.array(across), np.array(down)
    # h: x0, x1, y of each; v: y0, y1, x. They meet where each reaches the other.
    meet = (h[:, None, 0] - _THIN <= v[None, :, 2]) & (v[None, :, 2] <= h[:, None, 1] + _THIN)
    meet &= (v[None, :, 0] - _THIN <= h[:, None, 2]) & (h[:, None, 2] <= v[None, :, 1] + _THIN)
    grids = (_grid(h[rows], v[columns]) for rows, columns in _connected(meet))
    return tuple(grid for grid in grids if grid is not None)


def mirrored(grid: Grid, width: float) -> Grid:
    """The grid of a page read from right to left, as `pdf_layout` wants it."""
    x0, y0, x1, y1 = grid.box
    bands = tuple((top, bottom, tuple(width - edge for edge in reversed(edges))) for top, bottom, edges in grid.bands)
    tops = tuple(tuple((width - right, width - left) for left, right in rules) for rules in grid.tops)
    return Grid((width - x1, y0, width - x0, y1), bands, tops)


def _rules(page: Page, textpage: TextPage) -> tuple[list[Box], list[Box]]:
    """Horizontal rules (x0, x1, y, 0) and vertical ones (y0, y1, x, 0) on the page as displayed."""
    matrix = tuple(page.rotation_matrix)
    across: list[Box] = []
    down: list[Box] = []
    for edge in _edges(page, textpage):
        x0, y0, x1, y1 = moved(edge, matrix)
        if y1 - y0 <= _THIN and x1 - x0 >= _SHORTEST:
            across.append((x0, x1, (y0 + y1) / 2, 0.0))
        elif x1 - x0 <= _THIN and y1 - y0 >= _SHORTEST:
            down.append((y0, y1, (x0 + x1) / 2, 0.0))
        if len(across) > _MOST_RULES or len(down) > _MOST_RULES:
            break
    return across, down


def _edges(page: Page, textpage: TextPage) -> Iterator[Box]:
    """Drawn lines, and the sides of drawn rectangles.

    To what is stroked MuPDF gives a box that the sharpest corner of such a line would fit in, which may be ten points more.
    """
    wide = False
    for x0, y0, x1, y1, said, _, kind in textpage.extractBLOCKS():
        if kind != VECTOR:
            continue
        if x1 - x0 <= _THIN or y1 - y0 <= _THIN:
            yield x0, y0, x1, y1
        elif "vector stroked" not in said:
            yield from _sides((x0, y0, x1, y1))
        else:
            wide = wide or "is-rect: true" in said
    if wide:
        yield from _stroked(page)


def _sides(box: Box) -> tuple[Box, Box, Box, Box]:
    x0, y0, x1, y1 = box
    return (x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)


def _stroked(page: Page) -> Iterator[Box]:
    """The lines that are drawn, and the sides of rectangles, as the file has them."""
    back = tuple(page.derotation_matrix)
    for drawing in page.get_cdrawings():
        if "s" not in drawing["type"]:
            continue
        for kind, *points in drawing["items"]:
            if kind == "re":
                yield from _sides(moved(points[0], back))
            elif kind == "l":
                (x0, y0), (x1, y1) = points
                yield moved((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), back)


def _connected(meet: NDArray[np.bool_]) -> Iterator[tuple[list[int], list[int]]]:
    """Horizontal and vertical rules that hang together."""
    left = set(range(meet.shape[0]))
    while left:
        rows, columns = {left.pop()}, set[int]()
        while True:
            more = set(np.flatnonzero(meet[sorted(rows)].any(0)).tolist()) - columns
            columns |= more
            found = set(np.flatnonzero(meet[:, sorted(columns)].any(1)).tolist()) - rows if columns else set[int]()
            rows |= found
            if not found:
                break
        left -= rows
        yield sorted(rows), sorted(columns)


def _grid(h: NDArray[np.float64], v: NDArray[np.float64]) -> Grid | None:
    """None where the rules make no more than one row or one column."""
    ys = _distinct(h[:, 2])
    xs = _distinct(v[:, 2]) if len(v) else []
    if len(ys) < 3 or len(xs) < 3:
        return None
    bands: list[tuple[float, float, tuple[float, ...]]] = []
    for top, bottom in pairwise(ys):
        middle = (top + bottom) / 2
        crossing = v[(v[:, 0] <= middle) & (middle <= v[:, 1]), 2]
        bands.append((top, bottom, tuple(_distinct(crossing)) or (xs[0], xs[-1])))
    tops = (h[np.abs(h[:, 2] - top) <= _THIN, :2].tolist() for top, _, _ in bands)
    rules = tuple(tuple((x0 - _THIN, x1 + _THIN) for x0, x1 in each) for each in tops)
    return Grid((xs[0], ys[0], xs[-1], ys[-1]), tuple(bands), rules)


def _distinct(values: NDArray[np.float64]) -> list[float]:
    found: list[float] = []
    for value in sorted(values.tolist()):
        if not found or value - found[-1] > _THIN:
            found.append(value)
    return found
