"""Puts pieces of one line together that the file writes apart: runs of another direction or font, and drop capitals.

Words and fragments as the file gives them are made in `pdf_page`; the order of lines is from `pdf_layout`.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.pdf_tables import Grid
from coderai_pipeline.readers.pdf_words import PageWords

_SAME_LINE = 0.35
"""Part of a line's height by which the middles of its pieces may differ."""
_WIDEST_SPACE = 0.6
_NO_SPACE = 0.1
_OVERLAP = -0.3
_WIDEST_STRETCHED = 2.5
_AS_WIDE = 0.12
"""Gaps between two pieces of a line, in heights of the line; how much those of a justified line may differ."""
_LOWER = 0.2
"""Part of a line's height by which it may reach below the middle of a drop capital."""
_INITIAL = 1.7
"""Heights of its neighbour from which a single letter is a drop capital."""
_BULLET = re.compile("[•·∙◦▪▫‣▸►●○■□☐☒➢➤❖◆◇]")
_WIDEST_TAB = 3.5
"""Heights of a line by which the text of an item of a list may stand from its mark."""
_NEARER = 0.7
"""Part of its distance to what stands before it on the line."""
_OPENING, _CLOSING = "([{«‹", ")]}»›"
_MIRRORED = str.maketrans(_OPENING + _CLOSING, _CLOSING + _OPENING)


def join_pieces(page: PageWords) -> None:
    """Fragments that continue each other on a line become one, its words in the page's reading direction."""
    boxes = page.fragment_boxes()
    if boxes.shape[1] < 2 or len(page.turns):
        return
    if not page.texts.isascii() and _BULLET.search(page.texts) and (marked := _marked_items(page, boxes)):
        reorder(page, boxes, marked)
        boxes = page.fragment_boxes()
    beside, initials = _stand_beside(boxes)
    groups = _joined(page, boxes, beside, initials) if beside.any() else []
    if groups:
        reorder(page, boxes, groups)
    if page.right_to_left:
        _mirror_brackets(page)


def _stand_beside(boxes: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each fragment stands on one line with the next, and whether it does as a drop capital."""
    heights = boxes[3] - boxes[1]
    middles = boxes[1] + heights / 2
    beside = np.abs(middles[1:] - middles[:-1]) < _SAME_LINE * np.minimum(heights[1:], heights[:-1])
    large = heights[:-1] > _INITIAL * heights[1:]
    initials = _begin_beside(boxes, heights) & large if large.any() else large
    return beside | initials, initials


def _begin_beside(boxes: NDArray[np.float32], heights: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each next fragment begins at the upper half of this one, which is no wider than a letter."""
    right = (boxes[0, 1:] >= boxes[2, :-1] - 0.3 * heights[1:]) & (boxes[0, 1:] < boxes[2, :-1] + 1.5 * heights[1:])
    middle = (boxes[1, :-1] + boxes[3, :-1]) / 2
    upper = ((boxes[1, 1:] + boxes[3, 1:]) / 2 > boxes[1, :-1]) & (boxes[3, 1:] < middle + _LOWER * heights[1:])
    narrow = boxes[2, :-1] - boxes[0, :-1] < 1.5 * heights[:-1]
    return right & upper & narrow


def _joined(
    page: PageWords, boxes: NDArray[np.float32], beside: NDArray[np.bool_], initials: NDArray[np.bool_]
) -> list[list[int]]:
    """The fragments in their new order, those of a line together; [] where the file's own is as good."""
    x0, y0, x1, y1 = boxes.tolist()
    unseen = [int(start) in page.hidden for start in page.starts[:-1]]
    rows: list[list[int]] = [[0]]
    for number in range(1, len(x0)):
        if beside[number - 1] and unseen[number] == unseen[number - 1]:
            rows[-1].append(number)
        else:
            rows.append([number])
    groups: list[list[int]] = []
    for row in rows:
        row.sort(key=lambda number: -x1[number] if page.right_to_left else x0[number])
        groups.append([row[0]])
        stretched = _stretched(page, row) if len(row) > 1 else frozenset[int]()
        for before, number in pairwise(row):
            gap = x0[before] - x1[number] if page.right_to_left else x0[number] - x1[before]
            height = min(y1[before] - y0[before], y1[number] - y0[number])
            is_initial = number == before + 1 and initials[before]
            near = is_initial or number in stretched or _OVERLAP * height < gap < _WIDEST_SPACE * height
            if near and not _ruled_apart(page.grids, boxes[:, [before, number]]):
                groups[-1].append(number)
            else:
                groups.append([number])
    return groups if len(groups) < len(x0) else []


def _marked_items(page: PageWords, boxes: NDArray[np.float32]) -> list[list[int]]:
    """The fragments with the mark of each item of a list before its text, wherever the file has it; [] where there is none."""
    words = page.words()
    starts: list[int] = page.starts.tolist()
    alone = (number for number, (start, end) in enumerate(pairwise(starts)) if end == start + 1)
    marks = [
        number for number in alone if starts[number] not in page.hidden and _BULLET.fullmatch(words[starts[number]])
    ]
    x0, y0, x1, y1 = boxes
    heights, middles = y1 - y0, (y0 + y1) / 2
    mark_of: dict[int, int] = {}
    for mark in marks:
        height = np.maximum(heights, heights[mark])
        gap = x0[mark] - x1 if page.right_to_left else x0 - x1[mark]
        level = np.abs(middles - middles[mark]) < _SAME_LINE * height
        level[mark] = False
        back = gap + (x1 - x0) + (x1[mark] - x0[mark])
        before = float((-back).min(where=level & (back < 0), initial=np.inf))
        near = level & (gap > 0) & (gap < _WIDEST_TAB * height) & (gap < _NEARER * before)
        near[marks] = False
        if near.any():
            mark_of[int(np.where(near, gap, np.inf).argmin())] = mark
    placed = {*mark_of.values()}
    groups = [[mark_of[n], n] if n in mark_of else [n] for n in range(len(x0)) if n not in placed]
    return groups if placed else []


def _stretched(page: PageWords, row: Sequence[int]) -> frozenset[int]:
    """Fragments as far from the one before as the row's words are from each other: spaces of a justified line."""
    if page.right_to_left:
        return frozenset()
    parts = [range(page.starts[number], page.starts[number + 1]) for number in row]
    order = [word for part in parts for word in part]
    x0, y0, x1, y1 = page.boxes[:, order]
    gaps, height = x0[1:] - x1[:-1], float(np.median(y1 - y0))
    usual = float(np.median(gaps)) if len(gaps) > 1 else 0.0
    even = np.abs(gaps - usual) <= _AS_WIDE * height
    if not 0 < usual <= _WIDEST_STRETCHED * height or even.sum() < 2:
        return frozenset()
    words = page.words()
    if 2 * sum(words[word].isalpha() for word in order) < len(order):
        return frozenset()
    firsts = np.cumsum([len(part) for part in parts])[:-1]
    return frozenset(number for number, first in zip(row[1:], firsts.tolist(), strict=True) if even[first - 1])


def _ruled_apart(grids: Sequence[Grid], two: NDArray[np.float32]) -> bool:
    """Whether two boxes stand in different cells of a table."""
    cells = [
        [grid.cell_of(x, y) if grid.holds(x, y) else None for grid in grids]
        for x, y in zip(((two[0] + two[2]) / 2).tolist(), ((two[1] + two[3]) / 2).tolist(), strict=True)
    ]
    return cells[0] != cells[1]


def reorder(page: PageWords, boxes: NDArray[np.float32], groups: Sequence[Sequence[int]]) -> None:
    """Words, and all that is known of each, in the order of the groups; each group is one fragment."""
    starts: list[int] = page.starts.tolist()
    order = [word for group in groups for number in group for word in range(starts[number], starts[number + 1])]
    new_place = {word: place for place, word in enumerate(order)}
    glued = {new_place[word] for word in page.glued} | {
        new_place[starts[before + 1] - 1]
        for group in groups
        for before, number in pairwise(group)
        if _touch(boxes[:, [before, number]], page.right_to_left)
    }
    words = page.words()
    page.held = tuple(words[word] for word in order)
    page.texts = "\n".join(page.held)
    page.boxes = page.boxes[:, order]
    page.hidden = {new_place[word]: why for word, why in page.hidden.items()}
    page.glued = frozenset(glued)
    counts = [sum(starts[number + 1] - starts[number] for number in group) for group in groups]
    page.starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)


def _touch(two: NDArray[np.float32], right_to_left: bool) -> bool:
    """Whether no space is left between two pieces that are read one after the other."""
    x0, y0, x1, y1 = two.tolist()
    gap = x0[0] - x1[1] if right_to_left else x0[1] - x1[0]
    lower, higher = sorted((y1[0] - y0[0], y1[1] - y0[1]))
    return gap < (_WIDEST_SPACE if higher > _INITIAL * lower else _NO_SPACE) * lower


def _mirror_brackets(page: PageWords) -> None:
    """In text read from right to left an opening bracket is drawn as a closing one, and files name what is drawn."""
    words = page.words()
    begin = 0
    for index in range(len(words)):
        if index in page.glued and index + 1 < len(words):
            continue
        token = "".join(words[begin : index + 1])
        if (len(token) > 1 and token[0] in _CLOSING) or token[-1:] in _OPENING:
            words[begin : index + 1] = [word.translate(_MIRRORED) for word in words[begin : index + 1]]
        begin = index + 1
    page.held = tuple(words)
    page.texts = "\n".join(words)
