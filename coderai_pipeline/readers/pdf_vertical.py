"""Pages of ideographs that stand upright and are read downwards, as browsers print vertical writing.

What a file draws with a turned line is told by the line's direction, in `pdf_page`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.pdf_letters import CJK

_SAME_COLUMN = 0.25
"""Heights by which the middles of letters in one column may differ."""
_NEXT_BELOW = 0.2, 1.7
"""Heights that the next letter stands lower."""
_UPRIGHT = 2
"""Characters that stand side by side in a column at most, as the two digits of a month do."""


def read_downwards(boxes: NDArray[np.float32], texts: Sequence[str], begin: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each word is part of a column; none is unless most of the page is.

    boxes: of the words, shape (4, n), before the page is turned. begin: the first word of each line.
    """
    single = np.fromiter((len(text) == 1 and CJK.match(text) is not None for text in texts), np.bool_, len(texts))
    if 2 * int((_is_below(boxes) & single[1:] & single[:-1]).sum()) <= len(texts):
        return np.zeros(len(texts), np.bool_)
    short = np.fromiter((len(text) <= _UPRIGHT for text in texts), np.bool_, len(texts))
    words_of_line = np.diff(begin, append=len(texts))
    return single | (short & np.repeat(words_of_line == 1, words_of_line))


def end_to_end(boxes: NDArray[np.float32], down: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The boxes with each letter of a column as high as its place: fonts give the height of a line, which may be more.

    down: of each word, as `read_downwards` tells.
    """
    placed = boxes.copy()
    upper = np.flatnonzero(_is_below(boxes) & down[:-1])
    placed[3, upper] = boxes[1, upper + 1]
    return placed


def _is_below(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each word is followed in the file by one that stands right below it, shape (n - 1,)."""
    x0, y0, x1, y1 = boxes
    heights, middles = (y1 - y0)[:-1], (x0 + x1) / 2
    lower = y0[1:] - y0[:-1]
    least, most = _NEXT_BELOW
    return (
        (lower > least * heights)
        & (lower < most * heights)
        & (np.abs(middles[1:] - middles[:-1]) < _SAME_COLUMN * heights)
    )
