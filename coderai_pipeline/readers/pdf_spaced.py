"""Words whose letters are set apart, as in headings: which single letters of a line belong together.

Words as the file gives them are made in `pdf_words`.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_LEAST_LETTERS = 6
_LEAST_WORD, _LEAST_KINDS = 4, 3
"""Letters of the longest word, and different letters, of a line: fewer may be marks or columns of a table."""
_WIDER = 1.5
"""Usual gaps between letters, from which a gap parts two words."""


def spaced_letters(texts: Sequence[str], boxes: NDArray[np.float32], begin: NDArray[np.int64]) -> frozenset[int]:
    """Letters after which no space is meant; only of lines that hold nothing but single letters.

    boxes: shape (4, n). begin: the first word of each line.
    """
    bounds = [*begin.tolist(), len(texts)]
    glued: set[int] = set()
    for start, end in pairwise(bounds):
        if end - start >= _LEAST_LETTERS and all(len(text) == 1 for text in texts[start:end]):
            gaps = boxes[0, start + 1 : end] - boxes[2, start : end - 1]
            near = gaps < _WIDER * float(np.median(gaps))
            if _is_spelt("".join(texts[start:end]), near):
                glued.update((start + np.flatnonzero(near)).tolist())
    return frozenset(glued)


def _is_spelt(letters: str, near: NDArray[np.bool_]) -> bool:
    """Whether the letters make words, and are no list such as A B C D E F."""
    lengths = np.diff(np.concatenate(([-1], np.flatnonzero(~near), [len(letters) - 1])))
    is_list = list(letters) == sorted(letters)
    return letters.isalpha() and not is_list and len({*letters}) >= _LEAST_KINDS and lengths.max() >= _LEAST_WORD
