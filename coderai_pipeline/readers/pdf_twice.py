"""Lines that a file prints twice in one place, so that they look bold: read once.

Words as the file gives them are made in `pdf_page`.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import Word

_PRINTED_TWICE = 1.5
"""Points by which the second print of a line may be moved."""


def repeats_a_line(boxes: NDArray[np.float32], begin: NDArray[np.int64]) -> bool:
    """Whether a line begins where the one before does, as where bold is made by printing twice.

    boxes: of words, shape (4, n). begin: the first word of each line.
    """
    near = _unmoved(boxes[1][begin])
    return bool(near.any() and (near & _unmoved(boxes[0][begin])).any())


def _unmoved(edges: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each next edge is in the place of the one before."""
    return np.abs(edges[1:] - edges[:-1]) < _PRINTED_TWICE


def printed_once(words: Sequence[Word]) -> list[Word]:
    """The words without lines that say the same in the same place as the line before."""
    lines = [list(line) for _, line in groupby(words, key=lambda word: (word[5], word[6]))]
    kept: list[list[Word]] = []
    for line in lines:
        if not (kept and [word[4] for word in line] == [word[4] for word in kept[-1]] and _near(line[0], kept[-1][0])):
            kept.append(line)
    return [word for line in kept for word in line]


def _near(word: Word, other: Word) -> bool:
    return max(abs(word[0] - other[0]), abs(word[1] - other[1])) < _PRINTED_TWICE
