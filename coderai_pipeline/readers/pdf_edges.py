"""The lines at the edges of a page, among which running headers, footers and page numbers are looked for in `pdf_furniture`."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.pdf_words import PageWords

_ZONE = 0.12
"""Part of the page's height, at the top and at the bottom, in which running lines are looked for."""
_BEYOND = 0.02
"""Part of the height by which it is looked on, for the next row of a table."""
_EDGES = 16
"""Fragments looked at per edge of a page."""
PAGE_NUMBER = re.compile(
    r"[\W_]*(?:(?:page|seite|pagina|página|sida|side|strona|p|s)\W+)?(\d{1,4})(?:\s*(?:/|of|von|de|di|av|van|z)\s*(\d{1,4}))?[\W_]*",
    re.IGNORECASE,
)
_MOST_WORDS = 5
"""Of a page's number: `- Page 3 of 7`."""
SAME_ROW = 0.5
"""Part of a line's height by which the middles of what stands beside it may differ."""


class EdgeLine(NamedTuple):
    """A fragment near the top or bottom of a page.

    beyond: just too far from the edge to be furniture. is_lone_number: a number as of a page, further from the edge than
    furniture, with nothing beside it or nearer to the edge: LaTeX's on A4.
    """

    page: int
    fragment: int
    y: float
    text: str
    top: bool
    x0: float
    x1: float
    height: float
    beyond: bool
    is_lone_number: bool = False


def edge_lines(page: PageWords) -> list[EdgeLine]:
    """The outermost fragments of a page, at most a few at each edge."""
    boxes = page.fragment_boxes()
    middles = (boxes[1] + boxes[3]) / 2
    highest, lowest, beyond = _ZONE * page.height, (1 - _ZONE) * page.height, _BEYOND * page.height
    near: list[int] = ((middles < highest + beyond) | (middles > lowest - beyond)).nonzero()[0].tolist()
    y_of = {number: float(middles[number]) for number in near}
    at_top = sorted([(y, number) for number, y in y_of.items() if y < highest + beyond])
    at_bottom = sorted([(-y, number) for number, y in y_of.items() if y > lowest - beyond])
    found = [
        _edge_line(page, number, middles, top=top, beyond=highest <= middles[number] <= lowest)
        for top, edge in ((True, at_top), (False, at_bottom))
        for _, number in edge[:_EDGES]
    ]
    if boxes.shape[1] > 1 and (not at_top or at_top[0][0] >= highest):
        found += _lone_number(page, int(middles.argmin()), middles, top=True)
    if boxes.shape[1] > 1 and (not at_bottom or -at_bottom[0][0] <= lowest):
        found += _lone_number(page, int(middles.argmax()), middles, top=False)
    return found


def _edge_line(
    page: PageWords, number: int, middles: NDArray[np.float32], *, top: bool, beyond: bool, is_lone_number: bool = False
) -> EdgeLine:
    texts, starts, boxes = page.held or page.words(), page.starts, page.fragment_boxes()
    return EdgeLine(
        page.number,
        number,
        float(middles[number]),
        " ".join(texts[starts[number] : starts[number + 1]]),
        top,
        float(boxes[0, number]),
        float(boxes[2, number]),
        float(boxes[3, number] - boxes[1, number]),
        beyond,
        is_lone_number,
    )


def _lone_number(page: PageWords, number: int, middles: NDArray[np.float32], *, top: bool) -> list[EdgeLine]:
    """The outermost fragment, if it may be the number of its page."""
    if page.starts[number + 1] - page.starts[number] > _MOST_WORDS:
        return []
    line = _edge_line(page, number, middles, top=top, beyond=False, is_lone_number=True)
    is_alone = (np.abs(middles - middles[number]) < SAME_ROW * line.height).sum() == 1
    return [line] if is_alone and PAGE_NUMBER.fullmatch(line.text) else []
