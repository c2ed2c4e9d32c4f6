"""The words of PDF pages as MuPDF gives them, made into those that a person sees: turned, mended, and what is hidden told.

Most pages hold nothing out of the ordinary; that is found of several at once, for numpy takes as long for one as for
ten. The order in which words are read is in `pdf_layout`, how they become text in `pdf_text`.
"""

import re
import struct
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.mupdf import (
    ERRORS,
    VECTOR,
    Page,
    Paper,
    TextPage,
    Word,
    html_bytes,
    kinds_of_blocks,
    letters_of,
    may_hold_cropped_text,
    paper_of,
    textpage_of,
)
from coderai_pipeline.readers.pdf_accents import accented, may_be_apart
from coderai_pipeline.readers.pdf_boxes import drawn_boxes, name_ticks
from coderai_pipeline.readers.pdf_covered import clipped, covered, may_be_cut
from coderai_pipeline.readers.pdf_letters import (
    CJK,
    RIGHT_TO_LEFT,
    SPECIAL_IN_LINES,
    clean_word,
    runs_right_to_left,
    unusual_letters,
    with_powers,
)
from coderai_pipeline.readers.pdf_narrow import may_be_glued, may_lack_spaces, parted
from coderai_pipeline.readers.pdf_own_lines import glued, lines_by_number, quarter, turn
from coderai_pipeline.readers.pdf_spaced import spaced_letters
from coderai_pipeline.readers.pdf_stitched import RARE_IN_FONTS, may_be_in_pieces, put_together, without_losses
from coderai_pipeline.readers.pdf_tables import find_grids
from coderai_pipeline.readers.pdf_twice import printed_once, repeats_a_line
from coderai_pipeline.readers.pdf_vertical import end_to_end, read_downwards
from coderai_pipeline.readers.pdf_visibility import Ink, may_be_unseen, unseen
from coderai_pipeline.readers.pdf_words import PageWords, boxes_of_parts, fragments, lengths_in, parts_of_lines

_SPACED = re.compile(r"\n\w\n\w\n\w\n\w\n\w\n")
_POINT = 1.4
"""Height of the box of a letter of one point."""
_NO_BOXES, _NO_NUMBERS = np.zeros((4, 0), np.float32), np.zeros(0, np.int32)


class Source(NamedTuple):
    """What MuPDF gives of a page, rotated or not as it is written. html: names the colours of letters, and which are raised.

    shapes: whether it holds any.
    """

    textpage: TextPage
    words: Sequence[Word]
    html: bytes
    shapes: bool


class Taken(NamedTuple):
    """The words of a page before anything is done with them.

    boxes: shape (4, n), before the page is turned. numbers: of each word on its line, shape (n,). joined: texts, parted by
    line breaks. source: None where nothing but the places of its words may be out of the ordinary; to keep it for
    several pages would push what is at work out of the processor's caches.
    """

    page: Page
    paper: Paper
    texts: tuple[str, ...]
    boxes: NDArray[np.float32]
    numbers: NDArray[np.int32]
    joined: str
    source: Source | None


def take(page: Page) -> Taken:
    """Raises one of mupdf.ERRORS where the page is broken."""
    paper = paper_of(page)
    source = _source(page, paper)
    if not source.words:
        return Taken(page, paper, (), _NO_BOXES, _NO_NUMBERS, "", None)
    texts, boxes, numbers = _apart(source.words)
    joined = "\n".join(texts)
    is_ordinary = not (paper.rotation or paper.may_hold_pictures) and _may_be_ordinary(texts, joined, source)
    return Taken(page, paper, texts, boxes, numbers, joined, None if is_ordinary else source)


def _source(page: Page, paper: Paper) -> Source:
    textpage = textpage_of(page, paper.rotation)
    shapes = VECTOR in kinds_of_blocks(textpage)
    return Source(textpage, textpage.extractWORDS(), html_bytes(textpage), shapes)


def read_words(pages: Sequence[Taken]) -> list[PageWords]:
    """The words of pages; nothing is judged yet but visibility, and that a page is broken, which costs that page only."""
    plain = [one for one in pages if one.texts and one.source is None]
    found = {one.page.number: words for one, words in zip(plain, _together(plain), strict=False)}
    return [found.get(one.page.number) or _guarded(one) for one in pages]


def _guarded(one: Taken) -> PageWords:
    try:
        return _alone(one)
    except ERRORS:
        return PageWords(one.page.number, 0, 0, status=DocumentStatus.CORRUPT)


def _may_be_ordinary(texts: tuple[str, ...], joined: str, source: Source) -> bool:
    """Whether nothing but the places of its words may be out of the ordinary."""
    return (
        _is_plain(joined)
        and not (source.shapes or may_be_unseen(source.html))
        and with_powers(texts, source.html) is texts
        and not _SPACED.search(joined)
        and not may_be_apart(joined)
        and not may_lack_spaces(joined)
        and (joined.isascii() or not may_be_in_pieces(source.html))
    )


def _together(pages: Sequence[Taken]) -> list[PageWords]:
    """The words of pages that may be ordinary; [] where a word of any stands as few words do, or is very small."""
    if not pages:
        return []
    boxes = np.concatenate([one.boxes for one in pages], axis=1)
    begin = _begin(np.concatenate([one.numbers for one in pages]))
    texts = tuple(chain.from_iterable(one.texts for one in pages))
    firsts = [0, *accumulate(len(one.texts) for one in pages)]
    sides = boxes[2:] - boxes[:2]
    if (
        _stand_oddly(boxes, sides, begin, texts)
        or sides.min() < _POINT
        or boxes[:2].min() < 0
        or (
            np.maximum.reduceat(boxes[2:], firsts[:-1], axis=1)
            > [[one.paper.width for one in pages], [one.paper.height for one in pages]]
        ).any()
    ):
        return []
    starts = parts_of_lines(boxes, begin)
    all_extents = boxes_of_parts(boxes, starts[:-1])
    places = np.searchsorted(starts, firsts).tolist()
    lengths = lengths_in("\n".join([one.joined for one in pages]))
    found: list[PageWords] = []
    for one, (first, end), (start, stop) in zip(pages, pairwise(firsts), pairwise(places), strict=True):
        found.append(
            PageWords(
                one.page.number,
                one.paper.width,
                one.paper.height,
                one.joined,
                boxes[:, first:end],
                starts[start : stop + 1] - np.int32(first),
                held=one.texts,
                extents=all_extents[:, start:stop],
                measured=(one.joined, lengths[first:end]),
            )
        )
    return found


def _stand_oddly(
    boxes: NDArray[np.float32], sides: NDArray[np.float32], begin: NDArray[np.int64], texts: Sequence[str]
) -> bool:
    """Whether plain words may be turned, not parted, or printed twice: to mend that takes more than their places."""
    return (
        repeats_a_line(boxes, begin)
        or may_be_glued(sides, texts)
        or _looks_turned(boxes, sides, begin, texts, plain=True)
    )


def _alone(one: Taken) -> PageWords:
    """The words of a page, whatever its rotation."""
    found = PageWords(one.page.number, one.paper.width, one.paper.height)
    if not one.texts:
        return found
    begin, sides = _begin(one.numbers), one.boxes[2:] - one.boxes[:2]
    if one.source is None and not _stand_oddly(one.boxes, sides, begin, one.texts):
        found.texts, found.held, found.boxes = one.joined, one.texts, one.boxes
        _off_page(found, sides.min(0))
        found.starts = fragments(found, begin)
        return found
    source, in_pieces = _mended(one, one.source or _source(one.page, one.paper))
    _put_down(found, one, source, in_pieces=in_pieces)
    if source.shapes and not len(found.turns) and _may_hold_table(found):
        found.grids = find_grids(one.page, source.textpage)
        _part_at_rules(found)
    if source.shapes:
        name_ticks(found, drawn_boxes(source.textpage, found.boxes, tuple(one.page.rotation_matrix)))
    return found


def _mended(one: Taken, source: Source) -> tuple[Source, bool]:
    """The page with its words once, parted and put together as they are read, and whether lines were drawn in pieces."""
    textpage, words, html, _ = source
    rare = not one.joined.isascii() and RARE_IN_FONTS.search(one.joined) is not None
    if rare and RIGHT_TO_LEFT.search(one.joined):
        textpage, words = without_losses(one.page, textpage, words)
        html = html_bytes(textpage)
    texts, boxes, begin = _parts(words)
    if repeats_a_line(boxes, begin):
        words = printed_once(words)
        texts, boxes, _ = _parts(words)
    joined = "\n".join(texts)
    is_narrow = may_be_glued(boxes[2:] - boxes[:2], texts)
    in_pieces = rare or (not joined.isascii() and may_be_in_pieces(html))
    lacks_spaces, has_accents = is_narrow or may_lack_spaces(joined), may_be_apart(joined)
    blocks = letters_of(textpage) if lacks_spaces or has_accents or in_pieces else ()
    if lacks_spaces:
        words = parted(words, blocks, narrow=is_narrow)
    if has_accents:
        words = accented(words, blocks)
    if in_pieces:
        words = put_together(words, blocks, letters_of(source.textpage) if textpage is not source.textpage else ())
    return Source(textpage, words, html, source.shapes), in_pieces


def _put_down(found: PageWords, one: Taken, source: Source, *, in_pieces: bool) -> None:
    """The words with what they mean, where they stand on the page as displayed, what of them is hidden, and their fragments."""
    page, paper = one.page, one.paper
    textpage, words, html, shapes = source
    is_as_taken = one.source is not None and words is one.source.words
    texts, boxes, begin = (one.texts, one.boxes, _begin(one.numbers)) if is_as_taken else _parts(words)
    plain = _is_plain("\n".join(texts))
    if not plain:
        texts = tuple(clean_word(text) for text in texts)
        cleaned = "\n".join(texts)
        found.right_to_left, found.cjk = runs_right_to_left(cleaned), CJK.search(cleaned) is not None
    texts = with_powers(texts, html)
    joined = "\n".join(texts)
    sides = boxes[2:] - boxes[:2]
    found.texts, found.held, found.boxes = joined, texts, boxes
    ink = Ink(page)
    if shapes or paper.may_hold_pictures:
        found.hidden = covered(page, textpage, words, ink, html)
        if not in_pieces and (may_hold_cropped_text(page) or may_be_cut(page, paper.width, paper.height)):
            found.hidden |= clipped(page, words, ink)
    suspect = may_be_unseen(html)
    turned = bool(paper.rotation) or _looks_turned(boxes, sides, begin, texts, plain)
    if suspect or turned or found.cjk or RIGHT_TO_LEFT.search(joined):
        numbered = lines_by_number(textpage, words)
        if suspect:
            found.hidden |= unseen(ink, numbered, words)
        down = read_downwards(boxes, texts, begin) if found.cjk else np.zeros(len(texts), np.bool_)
        if down.any():
            found.boxes = end_to_end(boxes, down)
        if turned or down.any() or (found.cjk and any(quarter(line["dir"]) for line in numbered.values())):
            turn(found, page, numbered, words, down)
        if RIGHT_TO_LEFT.search(joined):
            found.glued = glued(numbered, words)
    if _SPACED.search(joined):
        found.glued |= spaced_letters(found.words(), boxes, begin)
    _off_page(found, sides.min(0))
    found.starts = fragments(found, begin)
    if len(found.turns):
        found.turns = found.turns[found.starts[:-1]]
        if not found.turns.any():
            found.turns = found.turns[:0]


def _is_plain(joined: str) -> bool:
    """Whether all letters run left to right, stand for themselves and are parted by spaces."""
    if joined.isascii():
        return True
    letters = unusual_letters(joined)
    return not (RARE_IN_FONTS.search(letters) or SPECIAL_IN_LINES.search(letters) or CJK.search(letters))


def _apart(words: Sequence[Word]) -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.int32]]:
    """Texts, boxes of shape (4, n), and the number that each word has on its line."""
    x0, y0, x1, y1, texts, _, _, number_on_line = zip(*words, strict=True)
    # A third of the time that numpy takes to look at each number.
    packed = struct.pack(f"{4 * len(words)}f", *x0, *y0, *x1, *y1)
    boxes = np.frombuffer(packed, np.float32).reshape(4, -1)
    numbers = np.frombuffer(struct.pack(f"{len(words)}i", *number_on_line), np.int32)
    return texts, boxes, numbers


def _begin(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """The first word of each line. numbers: that each word has on its line."""
    return (numbers == 0).nonzero()[0]


def _parts(words: Sequence[Word]) -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.int64]]:
    texts, boxes, numbers = _apart(words)
    return texts, boxes, _begin(numbers)


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


def _off_page(found: PageWords, sides: NDArray[np.float32]) -> None:
    """Marks words outside the page or too small to be seen; sides: the shorter one of each word."""
    least, smallest = min(1.0, found.height / 400), sides.min()
    if smallest < least:
        for index in np.flatnonzero(sides < least):
            found.hidden.setdefault(int(index), "zero size")
    if smallest < _POINT * least:
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
