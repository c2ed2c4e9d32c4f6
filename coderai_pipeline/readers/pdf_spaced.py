"""Words whose letters are set apart, as in headings: which single letters of a line belong together.

Words as the file gives them are made in `pdf_page`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

_LEAST_LETTERS = 6
_PAIR, _MOSTLY = 2, 0.8
_LEAST_WORD, _LEAST_KINDS = 4, 3
"""Letters of the longest word, and different letters, of a line: fewer may be marks or columns of a table."""
_WIDER = 1.5
"""Usual gaps between letters, from which a gap parts two words."""


def spaced_letters(texts: Sequence[str], boxes: NDArray[np.float32], begin: NDArray[np.int64]) -> frozenset[int]:
    """Letters after which no space is meant: of lines, or parts of lines, that hold hardly anything but single letters.

    boxes: shape (4, n). begin: the first word of each line.
    """
    bounds = [*begin.tolist(), len(texts)]
    glued: set[int] = set()
    for start, end in pairwise(bounds):
        for first, last in _runs(texts, start, end):
            gaps = boxes[0, first + 1 : last] - boxes[2, first : last - 1]
            near = gaps < _WIDER * float(np.median(gaps))
            if _is_spelt("".join(text[0] for text in texts[first:last]), near):
                glued.update((first + np.flatnonzero(near)).tolist())
    return frozenset(glued)


def _runs(texts: Sequence[str], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where single letters follow each other, with a pair among them that kerning left together; no pair opens or closes one."""
    for is_short, group in groupby(range(start, end), key=lambda at: len(texts[at]) <= _PAIR and texts[at].isalpha()):
        run = list(group)
        while run and len(texts[run[0]]) > 1:
            del run[0]
        while run and len(texts[run[-1]]) > 1:
            del run[-1]
        singles = sum(len(texts[at]) == 1 for at in run)
        if is_short and len(run) >= _LEAST_LETTERS and singles >= _MOSTLY * len(run):
            yield run[0], run[-1] + 1


def _is_spelt(letters: str, near: NDArray[np.bool_]) -> bool:
    """Whether the letters make words, and are no list such as A B C D E F."""
    lengths = np.diff(np.concatenate(([-1], np.flatnonzero(~near), [len(letters) - 1])))
    is_list = list(letters) == sorted(letters)
    return letters.isalpha() and not is_list and len({*letters}) >= _LEAST_KINDS and lengths.max() >= _LEAST_WORD
