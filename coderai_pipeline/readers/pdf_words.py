"""The words of one PDF page: their boxes as displayed, the fragments of lines they form, and what a person cannot see.

They are taken from a page in `pdf_page`; the order in which fragments are read is in `pdf_layout`, how they become text
in `pdf_text`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.mupdf import Box, Matrix
from coderai_pipeline.readers.pdf_letters import CJK, RIGHT_TO_LEFT, clean_word, runs_right_to_left
from coderai_pipeline.readers.pdf_tables import Grid

_PARTS_OF_LINE = 0.9
"""A gap wider than this part of the line's height separates two fragments."""
_NO_SPACE = 0.1
"""Heights of the line: words nearer than this touch."""
_HAIR = np.float32(0.01)
"""Points: the least that a word's width and height count."""


@dataclass(slots=True)
class PageWords:
    """One page's words in the order of the file.

    texts: the words joined by newlines. boxes: shape (4, n), rows x0, y0, x1, y1, in points of the page as displayed.
    starts: shape (m + 1,), the first word of each fragment (words that stand together on a line), then n.
    turns: quarter turns clockwise of each fragment's reading direction; empty where all run left to right.
    hidden: word -> why a person cannot see it. confidences: of OCR, mean 0-1, or None.
    """

    number: int
    width: float
    height: float
    texts: str = ""
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((4, 0), np.float32))
    starts: NDArray[np.int32] = field(default_factory=lambda: np.zeros(1, np.int32))
    turns: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    hidden: dict[int, str] = field(default_factory=dict[int, str])
    status: DocumentStatus = DocumentStatus.READY
    ocr_quality: float | None = None
    grids: tuple[Grid, ...] = ()
    right_to_left: bool = False
    cjk: bool = False
    glued: frozenset[int] = frozenset()
    """Words after which the file has no space, though MuPDF parts them where the script's direction changes."""

    back: Matrix | None = None
    """Takes boxes to the page as displayed, where it was turned to be read; width and height are then those it had."""

    held: tuple[str, ...] | None = None
    """The words one by one, until `let_go`: quicker than parting the text again, but ten times its size."""
    extents: NDArray[np.float32] | None = None
    """Of its fragments, where they are known."""
    measured: tuple[str, NDArray[np.int32]] | None = None
    """Texts, and how many characters each of their words has, where that is known."""

    def words(self) -> list[str]:
        if self.held is not None:
            return list(self.held)
        return self.texts.split("\n") if self.texts else []

    def set_words(self, words: Sequence[str], added: Sequence[Box] = ()) -> None:
        """Other texts for the words; those that are added at the end stand in boxes of their own, each a fragment."""
        self.held, self.texts = tuple(words), "\n".join(words)
        if added:
            count = self.boxes.shape[1]
            self.boxes = np.concatenate((self.boxes, np.array(added, np.float32).T), axis=1)
            self.starts = np.concatenate((self.starts, np.arange(count + 1, len(words) + 1, dtype=np.int32)))
            if len(self.turns):
                self.turns = np.concatenate((self.turns, np.zeros(len(added), np.int8)))
            self.extents = None

    def lengths(self) -> NDArray[np.int32]:
        """How many characters each word has."""
        if self.measured is not None and self.measured[0] is self.texts:
            return self.measured[1]
        return lengths_in(self.texts)

    def let_go(self) -> None:
        self.held = None

    def fragment_boxes(self) -> NDArray[np.float32]:
        """Shape (4, m)."""
        first = self.starts[:-1]
        if self.extents is None or self.extents.shape[1] != len(first):
            if not len(first):
                return np.zeros((4, 0), np.float32)
            self.extents = self._turned_extents(first) if len(self.turns) else boxes_of_parts(self.boxes, first)
        return self.extents

    def _turned_extents(self, first: NDArray[np.int32]) -> NDArray[np.float32]:
        upper_left = np.minimum.reduceat(self.boxes[:2], first, axis=1)
        return np.concatenate((upper_left, np.maximum.reduceat(self.boxes[2:], first, axis=1)))


def lengths_in(texts: str) -> NDArray[np.int32]:
    """How many characters each of the words has that line breaks part."""
    text = f"\n{texts}\n"
    encoding, code = ("ascii", np.uint8) if text.isascii() else ("utf-32-le", np.uint32)
    breaks = (np.frombuffer(text.encode(encoding), code) == ord("\n")).nonzero()[0].astype(np.int32)
    return breaks[1:] - breaks[:-1] - 1


def boxes_of_parts(boxes: NDArray[np.float32], first: NDArray[np.int32]) -> NDArray[np.float32]:
    """The boxes of parts of lines that run left to right, shape (4, m).

    boxes: of their words, shape (4, n). first: the first word of each part, shape (m,).
    """
    x0, top, x1, bottom = boxes
    left, right = np.minimum.reduceat(x0, first), np.maximum.reduceat(x1, first)
    tops, bottoms = top[first], bottom[first]
    uneven = (top[1:] != top[:-1]) | (bottom[1:] != bottom[:-1])
    uneven[first[1:] - 1] = False
    if uneven.any():
        # A word in a larger font is no other line: the more of the line is as small, the more that counts.
        weights = (x1 - x0 + _HAIR) / (bottom - top + _HAIR) ** 2
        weighted = np.stack((top * weights, bottom * weights, weights))
        upper, lower, whole = np.add.reduceat(weighted, first, axis=1)
        mixed = np.logical_or.reduceat(np.concatenate(([False], uneven)), first)
        tops, bottoms = np.where(mixed, (upper / whole, lower / whole), (tops, bottoms))
    return np.array((left, tops, right, bottoms))


def parts_of_lines(boxes: NDArray[np.float32], begin: NDArray[np.int64]) -> NDArray[np.int32]:
    """The first word of each part of a line that runs left to right, then how many words there are.

    boxes: of the words, shape (4, n). begin: the first word of each line.
    """
    return _starts(_is_parted(boxes[0, 1:] - boxes[2, :-1], boxes, begin))


def _is_parted(gap: NDArray[np.float32], boxes: NDArray[np.float32], begin: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each next word belongs to another line or part of it. gap: before each, shape (n - 1,)."""
    new = gap > _PARTS_OF_LINE * (boxes[3, :-1] - boxes[1, :-1])
    new[begin[1:] - 1] = True
    return new


def _starts(new: NDArray[np.bool_]) -> NDArray[np.int32]:
    bounds = np.empty(len(new) + 2, np.bool_)
    bounds[0] = bounds[-1] = True
    bounds[1:-1] = new
    return bounds.nonzero()[0].astype(np.int32)


def from_boxes(number: int, width: float, height: float, words: Sequence[tuple[Box, str, int]]) -> PageWords:
    """A page from words found by other means: (box, text, line number) in the order of their lines."""
    found = PageWords(number, width, height)
    if not words:
        return found
    found.texts = "\n".join(clean_word(text) for _, text, _ in words)
    found.boxes = np.array([box for box, _, _ in words], np.float32).T.copy()
    found.right_to_left = runs_right_to_left(found.texts)
    found.cjk = CJK.search(found.texts) is not None
    lines = [line for _, _, line in words]
    found.starts = fragments(found, np.flatnonzero(np.diff(lines, prepend=lines[0] - 1)))
    return found


def fragments(found: PageWords, begin: NDArray[np.int64]) -> NDArray[np.int32]:
    """The first word of each fragment, then how many words there are. begin: the first word of each line."""
    boxes = (
        found.boxes if not len(found.turns) else in_reading_frame(found.boxes, found.turns, found.width, found.height)
    )
    gap = boxes[0, 1:] - boxes[2, :-1]
    if not found.texts.isascii():
        gap = np.maximum(gap, boxes[0, :-1] - boxes[2, 1:])
    new = _is_parted(gap, boxes, begin)
    if found.right_to_left and not len(found.turns):
        # Files write a number among such words before or after them; its place on the line tells where it is read.
        backwards = np.array([RIGHT_TO_LEFT.search(word) is not None for word in found.words()])
        number = np.array([any(map(str.isdecimal, word)) for word in found.words()])
        meet = (backwards[1:] & number[:-1]) | (number[1:] & backwards[:-1])
        new |= (boxes[0, 1:] > boxes[0, :-1]) & meet
    if found.cjk and len(found.turns):
        # Of vertical writing each ideograph is a line of its own.
        heights = boxes[3, :-1] - boxes[1, :-1]
        new &= (np.abs(gap) > _NO_SPACE * heights) | (np.abs(boxes[1, 1:] - boxes[1, :-1]) > _NO_SPACE * heights)
    if found.hidden:
        unseen = np.zeros(boxes.shape[1], np.bool_)
        unseen[list(found.hidden)] = True
        new |= unseen[1:] != unseen[:-1]
    if len(found.turns):
        new |= found.turns[1:] != found.turns[:-1]
    return _starts(new)


def in_reading_frame(
    boxes: NDArray[np.float32], turns: NDArray[np.int8], width: float, height: float
) -> NDArray[np.float32]:
    """Boxes turned so that text of every direction runs left to right and its lines follow downwards."""
    x0, y0, x1, y1 = boxes
    frames = np.stack(
        (
            boxes,
            np.stack((y0, width - x1, y1, width - x0)),
            np.stack((width - x1, height - y1, width - x0, height - y0)),
            np.stack((height - y1, x0, height - y0, x1)),
        )
    )
    return frames[turns, :, np.arange(boxes.shape[1])].T
