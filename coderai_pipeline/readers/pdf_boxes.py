"""Boxes to tick that a page draws, as browsers print those of a form: where they stand, and whether they are ticked.

Fields of a PDF form tell that themselves, in `pdf_details`; a sign is written for both here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import VECTOR, Box, TextPage, moved
from coderai_pipeline.readers.pdf_pieces import reorder
from coderai_pipeline.readers.pdf_words import PageWords

_TICKED, _EMPTY = "☒", "☐"
_MARKS = frozenset((_TICKED, _EMPTY))
_LEAST_SIDE, _MOST_SIDE = 5.0, 24.0
_SAME = 0.05
"""Points by which the edges of a box drawn twice may differ, and the sides of a square."""
_CENTRED = 1.0
"""Points by which the middle of a tick may be off that of its box."""
_AS_HIGH = 0.5, 1.5
"""Heights of the text beside it that a box may have."""
_BESIDE = 1.5
"""Heights of the box within which the words stand that name it."""


def name_ticks(page: PageWords, boxes: Iterable[tuple[Box, bool]]) -> None:
    """The mark of a ticked box is a letter of a font of symbols, or drawn; it is read as what it means, where it stands."""
    words = page.words()
    count = len(words)
    added: list[Box] = []
    places: dict[int, int | None] = {}
    for box, is_on in boxes:
        mark = _TICKED if is_on else _EMPTY
        inside = np.flatnonzero(_inside(box, page.boxes)).tolist()
        for index in inside:
            if len(words[index]) == 1:
                words[index] = mark
        if not inside:
            places[len(words)] = _place(box, page)
            words.append(mark)
            added.append(box)
    if len(words) > count or words != page.words():
        page.set_words(words, added)
    _move(page, {mark: place for mark, place in places.items() if place is not None}, count)


def _place(box: Box, page: PageWords) -> int | None:
    """Twice the number of the word that a box stands before on its line, or one more if it stands behind it; None where no
    word is near. Turned text and such as is read from the right is left alone."""
    if len(page.turns) or page.right_to_left or not page.boxes.shape[1]:
        return None
    x0, y0, x1, y1 = box
    left, top, right, bottom = page.boxes
    level = (top < (y0 + y1) / 2) & ((y0 + y1) / 2 < bottom)
    gaps = np.where(level, np.maximum(left - x1, x0 - right), np.inf)
    nearest = int(gaps.argmin())
    if gaps[nearest] > _BESIDE * (y1 - y0) or nearest in page.hidden:
        return None
    return 2 * nearest if left[nearest] > x0 else 2 * nearest + 1


def _move(page: PageWords, places: Mapping[int, int], count: int) -> None:
    """Marks into the fragments of the words beside them. places: of each mark, as `_place` tells. count: of the words that
    are no marks."""
    if not places:
        return
    starts: list[int] = page.starts.tolist()
    ends = {(place + 1) // 2 for place in places.values()}
    page.starts = np.array(sorted({*starts, *ends}), np.int32)
    numbers = {start: number for number, start in enumerate(page.starts.tolist())}
    groups: list[list[int]] = []
    for start, end in pairwise(page.starts.tolist()):
        if start in places:
            continue
        if start in starts:
            groups.append([])
        groups[-1] += [numbers[mark] for mark, place in places.items() if place == 2 * start]
        groups[-1].append(numbers[start])
        groups[-1] += [numbers[mark] for mark, place in places.items() if place == 2 * end - 1]
    reorder(page, page.fragment_boxes(), groups)
    words = page.words()
    page.glued = frozenset(word for word in page.glued if _MARKS.isdisjoint(words[word : word + 2]))


class _Shape(NamedTuple):
    box: Box
    is_filled: bool

    @property
    def middle(self) -> tuple[float, float]:
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2


def drawn_boxes(textpage: TextPage, words: NDArray[np.float32], matrix: Sequence[float]) -> Iterator[tuple[Box, bool]]:
    """Boxes beside words, with none inside, in the coordinates of the page as displayed.

    A filled square or circle has its outline drawn around the same middle, and within it the tick; browsers fill a ticked
    box anew instead of its outline. words: boxes, shape (4, n). matrix: takes boxes of the text to the displayed page.
    """
    for is_drawn, group in groupby(textpage.extractBLOCKS(), key=lambda block: block[6] == VECTOR):
        if is_drawn:
            shapes = [_Shape((x0, y0, x1, y1), "vector filled" in said) for x0, y0, x1, y1, said, _, _ in group]
            for ground, others in _centred(shapes):
                box = moved(ground.box, matrix)
                if _is_tickable(others) and _is_named(box, words):
                    yield box, len(others) > 1


def _centred(shapes: Sequence[_Shape]) -> Iterator[tuple[_Shape, list[_Shape]]]:
    """Squares of a ground, each with what is drawn right after it around the same middle."""
    at = 0
    while at < len(shapes):
        ground = shapes[at]
        at += 1
        if not _is_square(ground):
            continue
        others: list[_Shape] = []
        while at < len(shapes) and _distance(shapes[at].middle, ground.middle) < _CENTRED:
            others.append(shapes[at])
            at += 1
        yield ground, [shape for shape in others if not _is_same(shape.box, ground.box)]


def _is_square(shape: _Shape) -> bool:
    x0, y0, x1, y1 = shape.box
    return shape.is_filled and _LEAST_SIDE < x1 - x0 < _MOST_SIDE and abs((x1 - x0) - (y1 - y0)) < _SAME


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _is_same(box: Box, other: Box) -> bool:
    return _distance(box, other) < _SAME


def _is_tickable(shapes: Sequence[_Shape]) -> bool:
    """Whether there is an outline alone, or two shapes of which one is an outline or a tick that is not filled."""
    strokes = sum(not shape.is_filled for shape in shapes)
    return strokes == 1 and len(shapes) <= 2


def _is_named(box: Box, words: NDArray[np.float32]) -> bool:
    """Whether a word as high as the box stands beside it, and none inside."""
    x0, y0, x1, y1 = box
    left, top, right, bottom = words
    height, (least, most) = y1 - y0, _AS_HIGH
    level = (top < (y0 + y1) / 2) & ((y0 + y1) / 2 < bottom)
    like = (least * (bottom - top) < height) & (height < most * (bottom - top))
    near = np.maximum(left - x1, x0 - right) < _BESIDE * height
    return bool((level & like & near).any() and not _inside(box, words).any())


def _inside(box: Box, words: NDArray[np.float32]) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = box
    x, y = (words[0] + words[2]) / 2, (words[1] + words[3]) / 2
    return (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
