"""Which words of a PDF page had something drawn over them later: a black bar, a white patch, a picture; and which
stand on a ground of their own colour.

What a word's own colour hides is told in `pdf_visibility`, which also decides by the drawn page whether anything shows.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import (
    CLIP,
    EVERYWHERE,
    TEXT,
    VECTOR,
    Box,
    Page,
    TextPage,
    Word,
    contents_of,
    kinds_of_blocks,
)
from coderai_pipeline.readers.pdf_visibility import Ink

_LEAST_SIDE = 3.0
"""Points: what is narrower covers no word."""
_MOST_SHAPES = 1000
"""Of more, as in a map, the largest are looked at."""
_AS_HIGH = 0.5
"""Points by which the edges of a word and of what a clipping path leaves of it may differ."""
_INSET = 0.1
"""Part of a word's width left out at both ends, where a bar that just fits would let its ground be seen."""
_PICTURES = ("fill-image", "fill-imgmask", "fill-shade")
_COLOUR = re.compile("color: (#[0-9a-f]{6})")
_CLIP, _CLIP_TO_BOX = re.compile(rb"\sW\*?\s+n\b"), re.compile(rb"((?:-?[\d.]+\s+){4})re\s+W\*?\s+n\b")
_MOST_OF_PAGE = 0.8
_WRITTEN = ("fill-text", "stroke-text")


class _Cover(NamedTuple):
    """An opaque shape. number: of the block, in the order of drawing. is_exact: a rectangle, so that its box is itself.

    colour: as MuPDF writes it, such as `color: #336699`, without the space.
    """

    number: int
    box: Box
    is_exact: bool
    colour: bytes


def covered(page: Page, textpage: TextPage, words: Sequence[Word], ink: Ink, html: bytes) -> dict[int, str]:
    """Words with a later shape over them, or an earlier one of their colour behind them, where nothing shows now, or
    only a word that was written on top of the shape. html: of the page, which names the colours of its text.

    A highlighter drawn before its text, or one that lets the text through, leaves it visible.
    """
    boxes = np.array([word[:4] for word in words], np.float64).T
    hidden: set[int] = set()
    over: set[int] = set()
    behind: set[int] = set()
    shapes, order = _shapes(textpage, words)
    for cover in shapes:
        inside = _middle_in(boxes, cover.box)
        if not inside.any():
            continue
        under = inside & (order < cover.number)
        over.update(np.flatnonzero(under).tolist())
        hidden |= _written_over(cover, boxes, order, under) if cover.is_exact else set()
        if cover.is_exact and cover.colour in html:
            behind.update(np.flatnonzero(inside & (order > cover.number)).tolist())
    for box in _pictures_over_text(page):
        over.update(np.flatnonzero(_middle_in(boxes, box)).tolist())
    unseen = {index for index in (over | behind) - hidden if not ink.shows(_inner(words[index]))}
    return {index: "covered" if index in over else "colour of the background" for index in sorted(unseen | hidden)}


def may_be_cut(page: Page, width: float, height: float) -> bool:
    """Whether the page's own content clips anything but to all of the page, which many programs do around each line.

    Asked only of pages with shapes or pictures: to unpack the content takes a twentieth of the time of a page of text.
    """
    content = contents_of(page)
    if b"W" not in content:
        return False
    rectangles = _CLIP_TO_BOX.findall(content)
    if len({*rectangles}) != 1 or len(rectangles) != len(_CLIP.findall(content)):
        return bool(_CLIP.search(content))
    _, _, across, down = map(float, rectangles[0].split())
    return abs(across * down) < _MOST_OF_PAGE * width * height


def clipped(page: Page, words: Sequence[Word], ink: Ink) -> dict[int, str]:
    """Words of which a clipping path leaves nothing to be seen, as of a page of another file that is shown in part."""
    kept = page.get_textpage(clip=EVERYWHERE, flags=CLIP).extractWORDS()
    if len(kept) == len(words):
        return {}
    seen = {(word[4], round(word[0]), round(word[1])) for word in kept}
    lost = [at for at, word in enumerate(words) if (word[4], round(word[0]), round(word[1])) not in seen]
    edges = np.array([word[:4] for word in kept], np.float64).reshape(-1, 4).T
    return {at: "clipped" for at in lost if _is_lost(words[at], kept, edges, ink)}


def _is_lost(word: Word, kept: Sequence[Word], edges: NDArray[np.float64], ink: Ink) -> bool:
    """Whether what shows in a word's place is nothing, or other words."""
    x0, y0, x1, y1 = _inner(word)
    there = np.flatnonzero((edges[0] < x1) & (edges[2] > x0) & (edges[1] < y1) & (edges[3] > y0)).tolist()
    if any(_is_part(kept[at], word) for at in there):
        return False
    return bool(there) or not ink.shows((x0, y0, x1, y1))


def _is_part(kept: Word, word: Word) -> bool:
    """Whether one is a part of the other, where it stands."""
    inside = word[0] - _AS_HIGH < kept[0] < kept[2] < word[2] + _AS_HIGH
    around = kept[0] - _AS_HIGH < word[0] < word[2] < kept[2] + _AS_HIGH
    same = (inside and kept[4] in word[4]) or (around and word[4] in kept[4])
    return same and abs(kept[1] - word[1]) < _AS_HIGH


def _shapes(textpage: TextPage, words: Sequence[Word]) -> tuple[list[_Cover], NDArray[np.int64]]:
    """Opaque filled shapes, and the number of each word's block among all blocks: words count blocks of text alone."""
    texts = [number for number, kind in enumerate(kinds_of_blocks(textpage)) if kind == TEXT]
    shapes = [
        _Cover(number, (x0, y0, x1, y1), "is-rect: true" in said, _colour(said))
        for x0, y0, x1, y1, said, number, kind in textpage.extractBLOCKS()
        if kind == VECTOR and min(x1 - x0, y1 - y0) > _LEAST_SIDE and "vector filled" in said and "alpha: 255" in said
    ]
    if len(shapes) > _MOST_SHAPES:
        shapes = sorted(shapes, key=_area, reverse=True)[:_MOST_SHAPES]
    return shapes, np.array([texts[word[5]] for word in words])


def _colour(said: str) -> bytes:
    found = _COLOUR.search(said)
    return f"color:{found[1]}".encode() if found else b"no color"


def _area(cover: _Cover) -> float:
    x0, y0, x1, y1 = cover.box
    return (x1 - x0) * (y1 - y0)


def _middle_in(boxes: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    x, y = (boxes[0] + boxes[2]) / 2, (boxes[1] + boxes[3]) / 2
    return (box[0] <= x) & (x <= box[2]) & (box[1] <= y) & (y <= box[3])


def _written_over(
    cover: _Cover, boxes: NDArray[np.float64], order: NDArray[np.int64], under: NDArray[np.bool_]
) -> set[int]:
    """Words wholly under a shape on which others were written in their place: what shows there is not theirs."""
    later = np.flatnonzero((order > cover.number) & _middle_in(boxes, cover.box))
    inner = np.array([_inner(box) for box in boxes.T.tolist()]).T if len(later) else boxes
    x0, y0, x1, y1 = cover.box
    whole = under & (inner[0] >= x0) & (inner[1] >= y0) & (inner[2] <= x1) & (inner[3] <= y1)
    return {
        word
        for word in np.flatnonzero(whole).tolist()
        if (
            (boxes[0, later] < boxes[2, word])
            & (boxes[2, later] > boxes[0, word])
            & (boxes[1, later] < boxes[3, word])
            & (boxes[3, later] > boxes[1, word])
        ).any()
    }


def _inner(word: Sequence[float] | Word) -> Box:
    """The part of a word's box in which its letters stand, and its neighbours' do not."""
    x0, y0, x1, y1 = (float(edge) for edge in word[:4])
    inset, quarter = _INSET * (x1 - x0), (y1 - y0) / 4
    return x0 + inset, y0 + quarter, x1 - inset, y1 - quarter


def _pictures_over_text(page: Page) -> Iterator[Box]:
    """Boxes of pictures drawn over text that was there before."""
    if not page.get_images():
        return
    written: list[Box] = []
    for kind, box in page.get_bboxlog():
        if kind in _WRITTEN:
            written.append(box)
        elif kind in _PICTURES and any(
            box[0] < x1 and box[2] > x0 and box[1] < y1 and box[3] > y0 for x0, y0, x1, y1 in written
        ):
            yield box
