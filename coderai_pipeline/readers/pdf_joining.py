"""How words meet where lines end: parted words made whole, and no space in scripts that have none.

Where lines, paragraphs and pages end is told in `pdf_paragraphs`; the text is put together in `pdf_text`.
"""

import re
from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.readers.pdf_letters import CJK

HYPHENS = "-\u2010\u00ad"
_WIDE_STOPS = frozenset("、。，．：；！？）」』】》〉")
"""Marks that bring their own white space."""
_SUSPENDED = frozenset(["and", "or", "und", "oder", "bis", "sowie", "et", "ou", "y", "o", "e", "och", "en", "of"])
"""After a hyphen these words start nothing: `Ein- und Ausfuhr`."""


def join_hyphenated(last: str, first: str, compounds: Set[str]) -> str | None:
    """The last word of a line as it stands when the first of the next is put right after it; None = they are two words.

    A hyphen stays where the document writes the same compound with it elsewhere, before a capital, between digits, and
    after a single letter, which nobody parts from its word: `e-mail`.
    """
    if len(last) < 2 or not first or last[-1] not in HYPHENS:
        return None
    if last[-1] == "\u00ad":
        return last[:-1]
    before, after = last[-2], first[0]
    if before.isdigit() and after.isdigit():
        return last
    if not before.isalpha() or not after.isalpha():
        return None
    # A printed hyphen of Unicode was set by a program that parts words: `seni‐or`.
    if last[-1] != "\u2010" and first.strip(",;.").casefold() in _SUSPENDED:
        return None
    stem = _core(last[:-1])
    if after.isupper() or len(stem) == 1 or f"{stem}-{_core(first)}" in compounds:
        return last
    return last[:-1]


def by_character(
    text: str, offset: int, starts: NDArray[np.int32], ends: NDArray[np.int32], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Words in scripts without spaces, which can be whole lines, split into characters of equal width (ASCII: half)."""
    rows: list[tuple[int, int, float, float, float, float]] = []
    for start, end, (x0, y0, x1, y1) in zip(starts.tolist(), ends.tolist(), boxes.tolist(), strict=True):
        word = text[start - offset : end - offset]
        if not CJK.search(word) or y1 - y0 > 1.5 * (x1 - x0) or len(word) < 2:
            rows.append((start, end, x0, y0, x1, y1))
            continue
        widths = [1 if character.isascii() else 2 for character in word]
        unit = (x1 - x0) / sum(widths)
        edge = x0
        for position, width in enumerate(widths):
            rows.append((start + position, start + position + 1, edge, y0, edge + width * unit, y1))
            edge += width * unit
    table = np.array(rows, np.float64)
    return table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), table[:, 2:].astype(np.float32)


def _core(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word).casefold()


def needs_no_space(before: str, after: str) -> bool:
    """Between ideographs, and after their marks."""
    last = before[-1:]
    return last in _WIDE_STOPS or (CJK.match(last) is not None and CJK.match(after) is not None)
