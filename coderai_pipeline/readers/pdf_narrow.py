"""Words that MuPDF does not part: a justified line left hardly a space between them, as word processors of the 1990s set
them, a letter or sign ends them behind which it looks for none, or the mark of a note stands before the first. They are
parted at the gaps between their letters.

Words as the file gives them are made in `pdf_page`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.mupdf import Record, Word
from coderai_pipeline.readers.pdf_letters import unusual_letters
from coderai_pipeline.readers.pdf_own_lines import LineLetter, letters_by_line

_WIDE, _VERY_WIDE = 7.0, 12.0
"""Heights of a word from which it is suspect if others are, too, and from which it is by itself."""
_NO_GLUE = re.compile(r"[/@\\_]|www|(.)\1\1\1")
_LEAST_SPACE = 0.05
"""Of the size of the letters: what parts them less is kerning."""
_WIDER = 3.0
"""Usual gaps between the letters of a line, from which a gap parts two words."""
_MOST_SPACES = 0.34
"""Part of the gaps of a line that may be spaces: of more, the letters are set apart."""
_AS_WIDE = 0.5
"""Part of the spaces of a line that MuPDF found from which a gap is another."""
_LEAST_LETTERS = 12
_FOLLOWED = "\u0900-\u0dff\u10a0-\u10ff\u1200-\u16ff\u1c80-\u1fff\u20d0-\u2dff\ua640-\ua7ff\U0001d400-\U0001d7ff\U0001f000-\U0001faff"
"""Letters and signs of scripts with spaces behind which MuPDF adds none that is not drawn; Hangul are more of them."""
_NO_SPACE_AFTER = re.compile(f"[{_FOLLOWED}\uac00-\ud7a3]")
_MAY_LACK = re.compile(f"[{_FOLLOWED}][^\n]|[\uac00-\ud7a3]{{10}}")
_SPACE, _MATH_SPACE = 0.15, 0.2
"""Of the size of the letters: where MuPDF sees a space behind others; and behind slanted letters of formulas, whose ends
lean over."""
_MATH = "\U0001d400"
_MARKS = "*∗†‡§¶⋆"
_NOTE = re.compile(rf"\n[\d{_MARKS}]{{1,3}}[^\W\d_a-z][^\W\d_A-Z]{{2}}")
_MOST_OF_MARK, _LEAST_AFTER_MARK, _SMALLER = 3, 3, 0.9
"""Characters of the mark of a note, and letters of the word that follows it, for an isotope's is a part of it: `3He`; part of
their size from which it is smaller."""


def may_be_glued(sides: NDArray[np.float32], texts: Sequence[str]) -> bool:
    """Whether words are wider than words are. sides: widths and heights of all, shape (2, n)."""
    wide = [at for at in np.flatnonzero(sides[0] > _WIDE * sides[1]).tolist() if _may_be_several(texts[at])]
    return len(wide) > 1 or any(sides[0, at] > _VERY_WIDE * sides[1, at] for at in wide)


def may_lack_spaces(joined: str) -> bool:
    """Whether within a word there may be a space that MuPDF did not add: behind a sign, or the mark of a note."""
    if _NOTE.search(joined):
        return True
    # The few letters beyond ASCII are looked through first: all of the text takes ten times as long.
    may = not joined.isascii() and _NO_SPACE_AFTER.search(unusual_letters(joined))
    return bool(may and _MAY_LACK.search(joined))


def _may_be_several(text: str) -> bool:
    return len(text) >= _LEAST_LETTERS and not _NO_GLUE.search(text) and 2 * sum(map(str.isalpha, text)) > len(text)


def parted(words: Sequence[Word], blocks: Sequence[Record], *, narrow: bool) -> list[Word]:
    """The words, those parted in which a gap is wider than letters leave. blocks: of MuPDF's dictionary by letters.

    narrow: whether gaps narrower than what MuPDF takes for a space may be one.
    """
    apart: list[Word] = []
    for own, letters in letters_by_line(words, blocks):
        apart += _parted_line(own, letters, narrow=narrow) if letters else own
    return apart


def _parted_line(words: Sequence[Word], letters: Sequence[LineLetter], *, narrow: bool) -> Iterator[Word]:
    texts = [text for text, _, _, _ in letters]
    _, starts, ends, sizes = (np.array(side) for side in zip(*letters, strict=True))
    bounds = [0, *np.cumsum([len(word[4]) for word in words]).tolist()]
    within = np.ones(len(letters) - 1, np.bool_)
    within[np.array(bounds[1:-1], np.int64) - 1] = False
    is_space = _lacks_space(texts, starts, ends, sizes)
    gaps = (starts[1:] - ends[:-1]) / np.maximum(sizes[:-1], 0.1)
    if narrow and (len(words) > 1 or words[0][2] - words[0][0] > _WIDE * (words[0][3] - words[0][1])):
        is_space |= _leaves_little(within, gaps)
    for first, last in pairwise(bounds if narrow else bounds[:2]):
        behind = first + _length_of_mark(letters[first:last], 1 if narrow else _LEAST_AFTER_MARK)
        if behind > first and gaps[behind - 1] > _LEAST_SPACE:
            is_space[behind - 1] = True
    is_space &= within
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


def _lacks_space(
    texts: Sequence[str], starts: NDArray[np.float64], ends: NDArray[np.float64], sizes: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each next letter stands as far off as a space is wide, behind one after which MuPDF adds none."""
    behind = np.array([_NO_SPACE_AFTER.match(text) is not None for text in texts[:-1]], np.bool_)
    # A mark over or under a letter may end before it does.
    least = np.where(np.array([text >= _MATH for text in texts[:-1]], np.bool_), _MATH_SPACE, _SPACE)
    return behind & (starts[1:] - np.maximum.accumulate(ends)[:-1] > least * sizes[1:])


def _length_of_mark(word: Sequence[LineLetter], least: int) -> int:
    """How many of a word's first characters are the mark of a note, set smaller than the word that follows at once; or 0.

    least: letters of that word.
    """
    length = next((at for at, (text, *_) in enumerate(word) if text.isalpha()), 0)
    if not 0 < length <= _MOST_OF_MARK or sum(text.isalpha() for text, *_ in word[length:]) < least:
        return 0
    is_mark = all(text in _MARKS or size < _SMALLER * word[length][3] for text, _, _, size in word[:length])
    return length if is_mark else 0


def _leaves_little(within: NDArray[np.bool_], gaps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each gap of a line is a space, though a narrow one. within: which are inside of words; gaps in sizes."""
    usual = float(np.median(np.abs(gaps[within]))) if within.any() else 0.0
    # Kerning sets letters such as `o` and `j` as far apart as some lines set words: those have no wider spaces.
    found = _AS_WIDE * float(np.median(gaps[~within])) if not within.all() else 0.0
    is_space = gaps > max(_LEAST_SPACE, _WIDER * usual, found)
    return is_space if (is_space & within).sum() <= _MOST_SPACES * len(gaps) else np.zeros(len(gaps), np.bool_)
