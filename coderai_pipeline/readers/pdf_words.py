"""The words of one PDF page: their boxes as displayed, the fragments of lines they form, and what a person cannot see.

The order in which fragments are read is in `pdf_layout`; how they become text is in `pdf_text`.
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.mupdf import (
    COLLECT_VECTORS,
    EVERYWHERE,
    VECTOR,
    Box,
    Matrix,
    Page,
    Record,
    TextPage,
    Word,
    html_bytes,
    kinds_of_blocks,
    may_hold_cropped_text,
    may_hold_pictures,
)
from coderai_pipeline.readers.pdf_covered import clipped, covered
from coderai_pipeline.readers.pdf_letters import (
    CJK,
    RIGHT_TO_LEFT,
    SPECIAL,
    clean_word,
    runs_right_to_left,
    with_powers,
)
from coderai_pipeline.readers.pdf_narrow import may_be_glued, parted
from coderai_pipeline.readers.pdf_spaced import spaced_letters
from coderai_pipeline.readers.pdf_stitched import RARE_IN_FONTS, may_be_in_pieces, put_together, without_losses
from coderai_pipeline.readers.pdf_tables import Grid, find_grids
from coderai_pipeline.readers.pdf_twice import printed_once, repeats_a_line
from coderai_pipeline.readers.pdf_visibility import Ink, span_is_suspect

_WITHOUT_INK_OR_LIGHT = re.compile(b'size:[^;"]*"|color:#[ef].[ef].[ef]')
_SPACED = re.compile(r"\n\w\n\w\n\w\n\w\n\w\n")
_SPAN, _BLACK = b"font-size:", b"pt;color:#000000"
_PARTS_OF_LINE = 0.9
"""A gap wider than this part of the line's height separates two fragments."""


_NO_SPACE = 0.1
"""Heights of the line: words nearer than this touch."""
_POINT = 1.4
"""Height of the box of a letter of one point."""
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
    _extents: NDArray[np.float32] | None = None

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
            self._extents = None

    def lengths(self) -> NDArray[np.int32]:
        """How many characters each word has."""
        is_break = np.frombuffer(f"\n{self.texts}\n".encode("utf-32-le"), np.uint32) == ord("\n")
        breaks = is_break.nonzero()[0].astype(np.int32)
        return breaks[1:] - breaks[:-1] - 1

    def let_go(self) -> None:
        self.held = None

    def fragment_boxes(self) -> NDArray[np.float32]:
        """Shape (4, m)."""
        first = self.starts[:-1]
        if self._extents is None or self._extents.shape[1] != len(first):
            if not len(first):
                return np.zeros((4, 0), np.float32)
            self._extents = self._measured(first)
        return self._extents

    def _measured(self, first: NDArray[np.int32]) -> NDArray[np.float32]:
        x0, top, x1, bottom = self.boxes
        if len(self.turns):
            upper_left = np.minimum.reduceat(self.boxes[:2], first, axis=1)
            return np.concatenate((upper_left, np.maximum.reduceat(self.boxes[2:], first, axis=1)))
        left, right = np.minimum.reduceat(x0, first), np.maximum.reduceat(x1, first)
        uneven = (top[1:] != top[:-1]) | (bottom[1:] != bottom[:-1])
        uneven[first[1:] - 1] = False
        if not uneven.any():
            return np.array((left, top[first], right, bottom[first]))
        # A word in a larger font is no other line: the more of the line is as small, the more that counts.
        weights = (x1 - x0 + _HAIR) / (bottom - top + _HAIR) ** 2
        weighted = np.stack((top * weights, bottom * weights, weights))
        tops, bottoms, whole = np.add.reduceat(weighted, first, axis=1)
        return np.array((left, tops / whole, right, bottoms / whole))


def read_words(page: Page) -> PageWords:
    """The words of a page, whatever its rotation; nothing is judged yet but visibility."""
    bounds = page.rect
    textpage = page.get_textpage(clip=EVERYWHERE, flags=COLLECT_VECTORS)
    words = textpage.extractWORDS()
    found = PageWords(page.number, bounds.width, bounds.height)
    if not words:
        return found
    texts, boxes, begin = _apart(words)
    if repeats_a_line(boxes, begin):
        words = printed_once(words)
        texts, boxes, begin = _apart(words)
    sides = boxes[2:] - boxes[:2]
    if may_be_glued(sides, texts):
        words = parted(words, textpage.extractRAWDICT()["blocks"])
        texts, boxes, begin = _apart(words)
    joined = "\n".join(texts)
    rare = not joined.isascii() and RARE_IN_FONTS.search(joined) is not None
    if rare and RIGHT_TO_LEFT.search(joined):
        textpage, words = without_losses(page, textpage, words)
    html = html_bytes(textpage)
    in_pieces = rare or (not joined.isascii() and may_be_in_pieces(html))
    if in_pieces:
        words = put_together(textpage, words)
        texts, boxes, begin = _apart(words)
        joined = "\n".join(texts)
    rotation = page.rotation
    plain = joined.isascii() or not (rare or SPECIAL.search(joined) or CJK.search(joined))
    if not plain:
        texts = tuple(clean_word(text) for text in texts)
        joined = "\n".join(texts)
        found.right_to_left = runs_right_to_left(joined)
        found.cjk = CJK.search(joined) is not None
    if (with_raised := with_powers(texts, html)) is not texts:
        texts, joined = with_raised, "\n".join(with_raised)
    suspect = _may_be_unseen(html)
    sides = boxes[2:] - boxes[:2]
    turned = bool(rotation) or _looks_turned(boxes, sides, begin, texts, plain)
    found.texts, found.held, found.boxes = joined, texts, boxes
    ink, shapes = Ink(page), VECTOR in kinds_of_blocks(textpage)
    if shapes or may_hold_pictures(page):
        found.hidden = covered(page, textpage, words, ink, html)
        if not in_pieces and may_hold_cropped_text(page):
            found.hidden |= clipped(page, words, ink)
    if suspect or turned or not plain:
        numbered = _lines_by_number(textpage)
        turned = turned or (found.cjk and any(_quarter(line["dir"]) for line in numbered.values()))
        if suspect:
            found.hidden |= _unseen(ink, numbered, words)
        if turned:
            _turn(found, page, numbered, words)
        if RIGHT_TO_LEFT.search(joined):
            found.glued = _glued(numbered, words)
    if _SPACED.search(joined):
        found.glued |= spaced_letters(found.words(), boxes, begin)
    _off_page(found, sides.min(0))
    found.starts = _fragments(found, begin)
    if len(found.turns):
        found.turns = found.turns[found.starts[:-1]]
        if not found.turns.any():
            found.turns = found.turns[:0]
    if not len(found.turns) and shapes and _may_hold_table(found):
        found.grids = find_grids(textpage, page.rotation_matrix)
        _part_at_rules(found)
    return found


def _apart(words: Sequence[Word]) -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.int64]]:
    """Texts, boxes of shape (4, n), and the first word of each line."""
    x0, y0, x1, y1, texts, _, _, number_on_line = zip(*words, strict=True)
    # A third of the time that numpy takes to look at each number.
    packed = struct.pack(f"{4 * len(words)}f", *x0, *y0, *x1, *y1)
    boxes = np.frombuffer(packed, np.float32).reshape(4, -1)
    numbers = np.frombuffer(struct.pack(f"{len(words)}i", *number_on_line), np.int32)
    return texts, boxes, (numbers == 0).nonzero()[0]


def _may_hold_table(found: PageWords) -> bool:
    """Whether fragments stand side by side in at least two places."""
    _, y0, _, y1 = found.fragment_boxes()
    middles = (y0 + y1) / 2
    order = middles.argsort()
    return int((y0[order][1:] < middles[order][:-1]).sum()) >= 2


def _part_at_rules(found: PageWords) -> None:
    """Words of two cells that stand close are two fragments all the same."""
    x0, y0, x1, y1 = found.boxes
    middles = (y0 + y1) / 2
    parted = np.zeros(found.boxes.shape[1], np.bool_)
    parted[found.starts[:-1]] = True
    for grid in found.grids:
        for top, bottom, edges in grid.bands:
            inside = np.flatnonzero((middles[1:] > top) & (middles[1:] <= bottom)) + 1
            for edge in edges:
                parted[inside] |= ((x0[inside] + x1[inside]) / 2 > edge) != (
                    (x0[inside - 1] + x1[inside - 1]) / 2 > edge
                )
    found.starts = np.concatenate((np.flatnonzero(parted), found.starts[-1:])).astype(np.int32)


def _may_be_unseen(html: bytes) -> bool:
    """Whether any text has no ink or a light colour: MuPDF's HTML leaves out the colour of text that is not painted.

    It costs a third of the text dictionary, which is asked only where this says so.
    """
    return html.count(_SPAN) != html.count(_BLACK) and _WITHOUT_INK_OR_LIGHT.search(html) is not None


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
    found.starts = _fragments(found, np.flatnonzero(np.diff(lines, prepend=lines[0] - 1)))
    return found


def _fragments(found: PageWords, begin: NDArray[np.int64]) -> NDArray[np.int32]:
    """The first word of each fragment, then how many words there are. begin: the first word of each line."""
    boxes = (
        found.boxes if not len(found.turns) else in_reading_frame(found.boxes, found.turns, found.width, found.height)
    )
    gap = boxes[0, 1:] - boxes[2, :-1]
    if not found.texts.isascii():
        gap = np.maximum(gap, boxes[0, :-1] - boxes[2, 1:])
    new = gap > _PARTS_OF_LINE * (boxes[3, :-1] - boxes[1, :-1])
    new[begin[1:] - 1] = True
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
    bounds = np.ones(boxes.shape[1] + 1, np.bool_)
    bounds[1:-1] = new
    return bounds.nonzero()[0].astype(np.int32)


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


def _looks_turned(
    boxes: NDArray[np.float32],
    sides: NDArray[np.float32],
    begin: NDArray[np.int64],
    texts: Sequence[str],
    plain: bool,
) -> bool:
    """Whether any text may run other than left to right: words upright, or a line that goes backwards."""
    width, height = sides
    tall = (height > 2.2 * width).nonzero()[0].tolist()
    if any(len(texts[index]) > 2 for index in tall):
        return True
    turned = boxes[3, 1:] - boxes[3, :-1] > height[:-1]
    if plain:
        turned |= boxes[2, 1:] < boxes[0, :-1]
    turned[begin[1:] - 1] = False
    return bool(turned.any())


def _lines_by_number(textpage: TextPage) -> dict[tuple[int, int], Record]:
    """Each line by the numbers that its words name: of its block among those of text, and of the line."""
    blocks: Sequence[Record] = textpage.extractDICT()["blocks"]
    texts = [block["lines"] for block in blocks if "lines" in block]
    return {(block, number): line for block, lines in enumerate(texts) for number, line in enumerate(lines)}


def _unseen(ink: Ink, lines: Mapping[tuple[int, int], Record], words: Sequence[Word]) -> dict[int, str]:
    """Words set without ink or in a light colour, where nothing shows on the drawn page."""
    suspects = {key: [span for span in line["spans"] if span_is_suspect(span)] for key, line in lines.items()}
    hidden: dict[int, str] = {}
    for index, word in enumerate(words):
        for span in suspects.get((word[5], word[6]), ()):
            if _inside(word, span["bbox"]):
                why = ink.why_unseen(span)
                if why:
                    hidden[index] = why
                break
    return hidden


def _glued(lines: Mapping[tuple[int, int], Record], words: Sequence[Word]) -> frozenset[int]:
    """Words that their line's own text continues without a space."""
    glued: set[int] = set()
    where: tuple[int, int] | None = None
    text, position = "", 0
    for index, word in enumerate(words):
        if (word[5], word[6]) != where:
            where = word[5], word[6]
            text = "".join(span["text"] for span in lines[where]["spans"]) if where in lines else ""
            position = 0
        found = text.find(word[4], position)
        if found < 0:  # its letters were mended
            found = position + text[position:].startswith(" ")
        if found == position and position and _touches(word, words[index - 1]):
            glued.add(index - 1)
        position = found + len(word[4])
    return frozenset(glued)


def _touches(word: Word, before: Word) -> bool:
    """Whether no space is left between two words: where the direction changes, a line's text leaps."""
    return max(word[0] - before[2], before[0] - word[2]) < _NO_SPACE * (word[3] - word[1])


def _inside(word: Word, bbox: Box) -> bool:
    x, y = (word[0] + word[2]) / 2, (word[1] + word[3]) / 2
    return bbox[0] - 0.1 <= x <= bbox[2] + 0.1 and bbox[1] - 0.1 <= y <= bbox[3] + 0.1


def _turn(found: PageWords, page: Page, lines: Mapping[tuple[int, int], Record], words: Sequence[Word]) -> None:
    """Boxes into the displayed page, and each word's quarter turn there."""
    quarters = {key: _quarter(line["dir"]) for key, line in lines.items()}
    rotation = page.rotation
    turns = np.array([quarters.get((word[5], word[6]), 0) for word in words], np.int8)
    found.turns = ((turns + rotation // 90) % 4).astype(np.int8)
    if rotation:
        a, b, c, d, e, f = page.rotation_matrix
        x0, y0, x1, y1 = found.boxes
        xs = np.stack((a * x0 + c * y0 + e, a * x1 + c * y1 + e))
        ys = np.stack((b * x0 + d * y0 + f, b * x1 + d * y1 + f))
        found.boxes = np.stack((xs.min(0), ys.min(0), xs.max(0), ys.max(0))).astype(np.float32)


def _quarter(direction: tuple[float, float]) -> int:
    x, y = direction
    if abs(x) >= abs(y):
        return 0 if x >= 0 else 2
    return 1 if y > 0 else 3


def _off_page(found: PageWords, sides: NDArray[np.float32]) -> None:
    """Marks words outside the page or too small to be seen; sides: the shorter one of each word."""
    least = min(1.0, found.height / 400)
    if sides.min() < least:
        for index in np.flatnonzero(sides < least):
            found.hidden.setdefault(int(index), "zero size")
    if sides.min() < _POINT * least:
        # Narrow letters are no small ones: what is as low as a letter of one point is no wider than its letters.
        x0, y0, x1, y1 = found.boxes
        longer = np.maximum(x1 - x0, y1 - y0)
        small = np.flatnonzero((sides < _POINT * least) & (longer < _POINT * least * found.lengths()))
        for index in small.tolist():
            found.hidden.setdefault(index, "zero size")
    left, top, right, bottom = *found.boxes[2:].min(1).tolist(), *found.boxes[:2].max(1).tolist()
    if left < 0 or top < 0 or right > found.width or bottom > found.height:
        x0, y0, x1, y1 = found.boxes
        outside = (x1 < 0) | (y1 < 0) | (x0 > found.width) | (y0 > found.height)
        for index in np.flatnonzero(outside):
            found.hidden[int(index)] = "off page"
