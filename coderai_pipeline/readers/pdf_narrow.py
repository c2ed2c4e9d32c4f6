"""Words between which a justified line left so little space that MuPDF sees none, as word processors of the 1990s set
them: parted at the gaps between their letters.

Words as the file gives them are made in `pdf_page`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import Record, Word

_WIDE, _VERY_WIDE = 7.0, 12.0
"""Heights of a word from which it is suspect if others are, too, and from which it is by itself."""
_NO_GLUE = re.compile(r"[/@\\_]|www|(.)\1\1\1")
_LEAST_SPACE = 0.05
"""Of the size of the letters: what parts them less is kerning."""
_WIDER = 3.0
"""Usual gaps between the letters of a line, from which a gap parts two words."""
_MOST_SPACES = 0.34
"""Part of the gaps of a line that may be spaces: of more, the letters are set apart."""
_LEAST_LETTERS = 12


def may_be_glued(sides: NDArray[np.float32], texts: Sequence[str]) -> bool:
    """Whether words are wider than words are. sides: widths and heights of all, shape (2, n)."""
    wide = [at for at in np.flatnonzero(sides[0] > _WIDE * sides[1]).tolist() if _may_be_several(texts[at])]
    return len(wide) > 1 or any(sides[0, at] > _VERY_WIDE * sides[1, at] for at in wide)


def _may_be_several(text: str) -> bool:
    return len(text) >= _LEAST_LETTERS and not _NO_GLUE.search(text) and 2 * sum(map(str.isalpha, text)) > len(text)


def parted(words: Sequence[Word], blocks: Sequence[Record]) -> list[Word]:
    """The words, those parted in which a gap is wider than letters leave. blocks: of MuPDF's dictionary by letters."""
    lines = [block["lines"] for block in blocks if "lines" in block]
    apart: list[Word] = []
    for (block, number), group in groupby(words, key=lambda word: (word[5], word[6])):
        own = list(group)
        letters = list(_letters(lines[block][number])) if number < len(lines[block]) else []
        if [text for text, _, _, _ in letters] == [letter for word in own for letter in word[4]]:
            apart += _parted_line(own, letters)
        else:
            apart += own
    return apart


def _letters(line: Record) -> Iterator[tuple[str, float, float, float]]:
    """Each letter that is no space, with its edges and size; none of a line that does not run left to right."""
    if line["dir"] != (1.0, 0.0):
        return
    for span in line["spans"]:
        for letter in span["chars"]:
            if not letter["c"].isspace():
                yield letter["c"], letter["bbox"][0], letter["bbox"][2], span["size"]


def _parted_line(words: Sequence[Word], letters: Sequence[tuple[str, float, float, float]]) -> Iterator[Word]:
    _, starts, ends, sizes = (np.array(side) for side in zip(*letters, strict=True))
    gaps = (starts[1:] - ends[:-1]) / np.maximum(sizes[:-1], 0.1)
    first_of_word = np.cumsum([len(word[4]) for word in words])[:-1] - 1
    within = np.ones(len(gaps), np.bool_)
    within[first_of_word] = False
    usual = float(np.median(np.abs(gaps[within]))) if within.any() else 0.0
    is_space = within & (gaps > max(_LEAST_SPACE, _WIDER * usual))
    if is_space.sum() > _MOST_SPACES * len(gaps):
        is_space[:] = False
    at = 0
    for word in words:
        end = at + len(word[4])
        cuts = [at, *(at + 1 + np.flatnonzero(is_space[at : end - 1])).tolist(), end]
        for number, (start, stop) in enumerate(pairwise(cuts)):
            x0 = word[0] if start == at else float(starts[start])
            x1 = word[2] if stop == end else float(ends[stop - 1])
            text = word[4][start - at : stop - at]
            yield x0, word[1], x1, word[3], text, word[5], word[6], word[7] + number
        at = end
