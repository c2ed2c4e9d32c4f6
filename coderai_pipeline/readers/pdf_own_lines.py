"""The lines of a PDF page as MuPDF has them: which of their words run together, and which way each runs.

How words are made into those that a person sees is in `pdf_page`, which asks this where a page is out of the ordinary.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import Page, Record, TextPage, Word
from coderai_pipeline.readers.pdf_words import PageWords

_NO_SPACE = 0.1
"""Heights of the line: words nearer than this touch."""


class LineLetter(NamedTuple):
    """A letter that is no space, with its left and right edge."""

    text: str
    x0: float
    x1: float
    size: float

    @property
    def middle(self) -> float:
        return (self.x0 + self.x1) / 2


def letters_by_line(
    words: Sequence[Word], blocks: Sequence[Record]
) -> Iterator[tuple[Sequence[Word], Sequence[LineLetter]]]:
    """The words of each line with the letters they are made of; without these where the line does not run from left to right,
    or MuPDF has other letters there. blocks: of its dictionary by letters."""
    lines = [block["lines"] for block in blocks if "lines" in block]
    for (block, number), group in groupby(words, key=lambda word: (word[5], word[6])):
        own = list(group)
        is_there = block < len(lines) and number < len(lines[block])
        letters = list(_letters(lines[block][number])) if is_there else []
        is_same = [letter.text for letter in letters] == [letter for word in own for letter in word[4]]
        yield own, letters if is_same else ()


def _letters(line: Record) -> Iterator[LineLetter]:
    if line["dir"] != (1.0, 0.0):
        return
    for span in line["spans"]:
        for letter in span["chars"]:
            if not letter["c"].isspace():
                yield LineLetter(letter["c"], letter["bbox"][0], letter["bbox"][2], span["size"])


def lines_by_number(textpage: TextPage, words: Sequence[Word]) -> dict[tuple[int, int], Record]:
    """Each line by the numbers that its words name: of its block among those of text, and of the line.

    Those count lines without any height, which the dictionary leaves out: from there on a line stands further up in it.
    """
    blocks: Sequence[Record] = textpage.extractDICT()["blocks"]
    texts: list[Sequence[Record]] = [block["lines"] for block in blocks if "lines" in block]
    firsts = {(word[5], word[6]): word for word in reversed(words)}
    found: dict[tuple[int, int], Record] = {}
    block, last, left_out = -1, -1, 0
    for place in sorted(firsts):
        if place[0] != block:
            block, last, left_out = place[0], -1, 0
        lines, expected = texts[block] if block < len(texts) else (), place[1] - left_out
        at = next(
            (n for n in range(min(expected, len(lines) - 1), last, -1) if _holds(lines[n], firsts[place])), expected
        )
        if at < len(lines):
            found[place] = lines[at]
            last, left_out = at, place[1] - at
    return found


def _holds(line: Record, word: Word) -> bool:
    x0, y0, x1, y1 = line["bbox"]
    return x0 <= (word[0] + word[2]) / 2 <= x1 and y0 <= (word[1] + word[3]) / 2 <= y1


def glued(lines: Mapping[tuple[int, int], Record], words: Sequence[Word]) -> frozenset[int]:
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


def turn(
    found: PageWords,
    page: Page,
    lines: Mapping[tuple[int, int], Record],
    words: Sequence[Word],
    down: NDArray[np.bool_],
) -> None:
    """Boxes into the displayed page, and each word's quarter turn there. down: whether each is read downwards, though upright."""
    quarters = {key: quarter(line["dir"]) for key, line in lines.items()}
    rotation = page.rotation
    turns = np.array([quarters.get((word[5], word[6]), 0) for word in words], np.int8)
    turns[down & (turns == 0)] = 1
    found.turns = ((turns + rotation // 90) % 4).astype(np.int8)
    if rotation:
        a, b, c, d, e, f = page.rotation_matrix
        x0, y0, x1, y1 = found.boxes
        xs = np.stack((a * x0 + c * y0 + e, a * x1 + c * y1 + e))
        ys = np.stack((b * x0 + d * y0 + f, b * x1 + d * y1 + f))
        found.boxes = np.stack((xs.min(0), ys.min(0), xs.max(0), ys.max(0))).astype(np.float32)


def quarter(direction: tuple[float, float]) -> int:
    x, y = direction
    if abs(x) >= abs(y):
        return 0 if x >= 0 else 2
    return 1 if y > 0 else 3
