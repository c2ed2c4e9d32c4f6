"""From the order in which letters are seen, left to right, to the one in which they are read, where some run right to left.

The lines are put together in `pdf_stitched`; what is read from the right in the file's own order is mended in `pdf_rtl`.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from coderai_pipeline.readers.pdf_letters import RIGHT_TO_LEFT

_IN_NUMBERS = ".,:/\u066b\u066c"
_ABOUT_NUMBERS = "%$€£₪"
_KINDS = {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}
"""What Unicode's classes of direction come to."""


class Letter(NamedTuple):
    """What stands in one place: a letter with the marks on it; its left and its right edge."""

    text: str
    x0: float
    x1: float


def is_in_order_of_sight(lines: Iterable[Sequence[Letter]]) -> bool:
    """Whether a file has the words of a line that are read from right to left in their order from left to right."""
    rising = pairs = 0
    for letters in lines:
        runs = [list(run) for is_space, run in groupby(letters, key=_is_space) if not is_space]
        places = [run[0].x0 for run in runs if any(RIGHT_TO_LEFT.match(letter.text) for letter in run)]
        rising += sum(before < after for before, after in pairwise(places))
        pairs += max(len(places) - 1, 0)
    return 2 * rising > pairs


def _is_space(letter: Letter) -> bool:
    return letter.text.isspace()


def in_reading_order(seen: Sequence[Letter], is_page_backwards: bool) -> list[Letter]:
    """The letters of a line as they are read. seen: from left to right.

    is_page_backwards: whether most of the page is read from the right, as then the line is that does not tell.

    What Unicode's rules for both directions do, the other way round and without marks of direction: numbers, and words in
    the other direction with what stands between them, keep their order within the line.
    """
    kinds = _kinds(seen)
    if _is_backwards(kinds, is_page_backwards):
        return _turned(seen, _forwards(kinds))
    order: list[Letter] = []
    for is_turned, run in groupby(zip(_backwards(kinds), seen, kinds, strict=True), key=itemgetter(0)):
        _, letters, own = zip(*run, strict=True)
        order += _turned(letters, [kind == "N" for kind in own]) if is_turned else letters
    return order


def _is_backwards(kinds: Sequence[str], is_page_backwards: bool) -> bool:
    """Whether a line as a whole is read from the right, by the letters at its ends; numbers alone do not tell."""
    strong = [kind for kind in kinds if kind in ("L", "R")]
    if not strong or strong[0] != strong[-1]:
        return is_page_backwards
    return strong[0] == "R" or (is_page_backwards and 2 * strong.count("R") > len(strong))


def _turned(letters: Sequence[Letter], kept: Sequence[bool]) -> list[Letter]:
    """From the right, with the order inside each run of `kept` letters left as it is."""
    runs = [(is_kept, list(run)) for is_kept, run in groupby(zip(kept, letters, strict=True), key=itemgetter(0))]
    return [letter for is_kept, run in reversed(runs) for _, letter in (run if is_kept else reversed(run))]


def _kinds(letters: Sequence[Letter]) -> list[str]:
    """L, R, N for numbers with the signs inside and about them, or "" for what takes its direction from its neighbours.

    On lines in Arabic letters a dash or a sign of percent stands where it would between words.
    """
    directions = [unicodedata.bidirectional(letter.text[0]) for letter in letters]
    kinds = [_KINDS.get(direction, "") for direction in directions]
    inside, about = (_IN_NUMBERS, "") if "AL" in directions else (_IN_NUMBERS + "-", _ABOUT_NUMBERS)
    for at in range(1, len(kinds) - 1):
        if letters[at].text in inside and kinds[at - 1] == kinds[at + 1] == "N":
            kinds[at] = "N"
    for at, letter in enumerate(letters):
        if letter.text in about and "N" in kinds[max(at - 1, 0) : at + 2]:
            kinds[at] = "N"
    return kinds


def _forwards(kinds: Sequence[str]) -> list[bool]:
    """Numbers and what runs left to right, with what stands between two of them, unless both are numbers."""
    return _bridged(kinds, "LN", lambda before, after: "L" in (before, after))


def _backwards(kinds: Sequence[str]) -> list[bool]:
    """What runs right to left, with what stands between two of them."""
    return _bridged([kind if kind != "N" else "" for kind in kinds], "R", lambda before, after: True)


def _bridged(kinds: Sequence[str], inside: str, joins: Callable[[str, str], bool]) -> list[bool]:
    found = [kind != "" and kind in inside for kind in kinds]
    ends = [at for at, kind in enumerate(kinds) if kind]
    for before, after in pairwise(ends):
        if found[before] and found[after] and joins(kinds[before], kinds[after]):
            found[before:after] = [True] * (after - before)
    return found
