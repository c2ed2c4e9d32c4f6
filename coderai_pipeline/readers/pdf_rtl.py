"""Words that run right to left, mended by their letters: ligatures and numbers in the order they are read, and
apart from what they are not part of.

MuPDF turns the letters of such a line round one by one: of a ligature that stands for two, as لا does, the second comes out first.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from coderai_pipeline.readers.mupdf import Record, Word
from coderai_pipeline.readers.pdf_marks import ends_ligature

_APART = 0.6
"""Part of a line's height by which two letters of one word are never parted."""
_SAME_PLACE = 0.1
_NUMBER = re.compile(r"\d[\d.,/:٫٬]*\d")

Letter = tuple[str, float, float]
"""A character, its left and its right edge."""


def mended(words: Sequence[Word], blocks: Sequence[Record]) -> list[Word]:
    """The words, those of lines whose letters are known in their right order. blocks: of MuPDF's raw dictionary."""
    lines = _letters_by_line(blocks)
    found: list[Word] = []
    for place, group in groupby(words, key=lambda word: (word[5], word[6])):
        line, letters = list(group), lines.get(place, [])
        if "".join(word[4] for word in line) == "".join(letter[0] for letter in letters):
            found += _mended_line(line, letters)
        else:
            found += line
    return found


def _letters_by_line(blocks: Sequence[Record]) -> Mapping[tuple[int, int], list[Letter]]:
    texts = [block["lines"] for block in blocks if "lines" in block]
    return {
        (block, number): [
            (char["c"], char["bbox"][0], char["bbox"][2])
            for span in line["spans"]
            for char in span["chars"]
            if not char["c"].isspace()
        ]
        for block, lines in enumerate(texts)
        for number, line in enumerate(lines)
    }


def _mended_line(line: Sequence[Word], letters: Sequence[Letter]) -> Iterator[Word]:
    at = 0
    for word in line:
        own = letters[at : at + len(word[4])]
        at += len(word[4])
        x0, y0, x1, y1, text, block, number, position = word
        pieces = _pieces(own, _APART * (y1 - y0))
        for index, piece in enumerate(pieces):
            if len(pieces) > 1:
                x0, x1 = min(left for _, left, _ in piece), max(right for _, _, right in piece)
            letters_read = piece[::-1] if _runs_left_to_right(piece) else piece
            text = _with_numbers_turned(letters_read) or "".join(_in_order(letters_read))
            yield x0, y0, x1, y1, text, block, number, position if index == 0 else max(position, 1)


def _pieces(letters: Sequence[Letter], widest: float) -> list[list[Letter]]:
    """Parted where the next letter stands on neither side of the one before."""
    pieces: list[list[Letter]] = [[]]
    before: Letter | None = None
    for letter in letters:
        if before is not None and min(abs(letter[1] - before[2]), abs(letter[2] - before[1])) > widest:
            pieces.append([])
        pieces[-1].append(letter)
        before = letter if letter[2] > letter[1] else before
    return pieces


def _runs_left_to_right(letters: Sequence[Letter]) -> bool:
    """Whether a word of such a script was not turned round."""
    lefts = [left for character, left, _ in letters if unicodedata.bidirectional(character) in ("R", "AL")]
    return len(lefts) > 1 and all(before < after for before, after in pairwise(lefts))


def _with_numbers_turned(letters: Sequence[Letter]) -> str:
    """Numbers run left to right in every script; "" where none was turned round."""
    text = "".join(letter[0] for letter in letters)
    turned = text
    for number in _NUMBER.finditer(text):
        lefts = [left for _, left, _ in letters[number.start() : number.end()]]
        if all(after < before for before, after in pairwise(lefts)):
            turned = turned[: number.start()] + number[0][::-1] + turned[number.end() :]
    return turned if turned != text else ""


def _in_order(letters: Sequence[Letter]) -> Iterator[str]:
    """The letters of a ligature share its place: those without a width stand before the one that has it, and follow it."""
    waiting: list[Letter] = []
    base = ("", 0.0, 0.0)
    for letter in letters:
        character, left, right = letter
        if left == right and not unicodedata.combining(character):
            if base[0] and ends_ligature(base[0], base[1], character, left):
                yield character
            else:
                waiting.append(letter)
            continue
        yoked = bool(waiting) and all(abs(each[2] - right) < _SAME_PLACE for each in waiting)
        if not yoked:
            yield from (each[0] for each in waiting)
        yield character
        base = letter if right > left else base
        if yoked:
            yield from (each[0] for each in reversed(waiting))
        waiting = []
    yield from (each[0] for each in waiting)
