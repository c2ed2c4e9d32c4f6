"""Marks on letters that are read from the right, such as Arabic vowels, back on the letters they were drawn with.

Browsers draw such a line from the left, each mark before its letter, and say in the file what glyphs of several characters
stand for. MuPDF puts the first mark of a piece where the drawing before it ended, which may be another line; without what
the file says it does not know those glyphs, and with it it loses letters. Lines are put together in `pdf_stitched`.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from coderai_pipeline.readers.mupdf import Record
from coderai_pipeline.readers.pdf_letters import RIGHT_TO_LEFT

_UNKNOWN = "\ufffd"
_LAM, _ALEFS = "\u0644", "\u0622\u0623\u0625\u0627"
_SAME_PLACE, _LEVEL, _KERNED, _NEAR = 0.1, 0.01, 0.5, 2.0
"""Points: so far beside its letter a mark may stand, and one that the file placed."""


class Char(NamedTuple):
    """A character, its left and its right edge; where its baseline is; whether MuPDF made it of a gap."""

    text: str
    x0: float
    x1: float
    y: float = 0.0
    is_guessed: bool = False


Chars = list[Char]


def is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def ends_ligature(letter: str, x0: float, character: str, x: float) -> bool:
    """Whether ا shares the place of a ل, which MuPDF gives all of it. letter: with its marks; x0: where it begins."""
    return letter[0] == _LAM and character in _ALEFS and abs(x - x0) < _SAME_PLACE


def has_marks(texts: str) -> bool:
    """Whether a script that is read from the right is written with its vowels."""
    return any(unicodedata.category(letter) == "Mn" for letter in set(RIGHT_TO_LEFT.findall(texts)))


def lines_of(blocks: Sequence[Record]) -> list[list[Chars]]:
    """The lines of each block of text in MuPDF's dictionary by letters."""
    return [[_chars(line) for line in block["lines"]] for block in blocks if "lines" in block]


def mend(blocks: Sequence[Sequence[Chars]], named: Sequence[Sequence[Chars]]) -> None:
    """Puts marks after their letters, and what is named for glyphs of several characters in the place of each.

    named: the lines where MuPDF heeds what the file says.
    """
    lines = [line for block in blocks for line in block]
    said = [char for block in named for line in block for char in line if not char.text.isspace()]
    if any(char.text == _UNKNOWN for line in lines for char in line):
        for line in lines:
            line[:] = _known(line, said)
    strays: Chars = []
    for line in lines:
        _turn_ligatures(line)
        strays = _put_back(line, strays)


def _chars(line: Record) -> Chars:
    return [
        Char(char["c"], char["bbox"][0], char["bbox"][2], char["origin"][1], bool(char.get("synthetic")))
        for span in line["spans"]
        for char in span["chars"]
    ]


def _put_back(line: Chars, strays: Chars) -> Chars:
    """Each letter as one with what stands on it. strays: marks of the line's first piece that ended up before; returned are
    those for the next line."""
    letters = [[char] for char in line if not _floats(char)]
    backwards = [place for place, (letter, *_) in enumerate(letters) if RIGHT_TO_LEFT.match(letter.text)]
    at = -1
    for char in line:
        if not _floats(char):
            at += 1
            strays = _given(letters, backwards, at, strays)
            continue
        owner = _owner(letters, backwards, at, char)
        if owner is None:
            strays = [*strays, char]
        else:
            letters[owner].append(char)
    line[:] = [letter[0]._replace(text="".join(char.text for char in letter)) for letter in letters]
    return strays


def _floats(char: Char) -> bool:
    first = char.text[0]
    return char.x0 == char.x1 and (is_mark(first) or first == _UNKNOWN or RIGHT_TO_LEFT.match(first) is not None)


def _turn_ligatures(line: Chars) -> None:
    """MuPDF may have the second letter of لا before the first, whose place it shares."""
    for at, char in enumerate(line):
        if char.x0 != char.x1 or char.text not in _ALEFS:
            continue
        before = next((other for other in reversed(line[:at]) if not _floats(other)), None)
        place, following = next(
            ((n, other) for n, other in enumerate(line) if n > at and not _floats(other)), (at, None)
        )
        is_turned = following is not None and following.text == _LAM and abs(following.x1 - char.x0) < _SAME_PLACE
        if following is not None and is_turned and not (before is not None and before.text == _LAM):
            line.insert(place, char._replace(x0=following.x0, x1=following.x0))
            line[at : place + 2] = [*line[at + 1 : place], following, line[place]]


def _given(letters: list[Chars], backwards: Sequence[int], at: int, strays: Chars) -> Chars:
    """Strays go to the last letter of the next piece, which is drawn first; [] once they are given."""
    if not strays or at not in backwards:
        return strays
    last = at
    for place in range(at + 1, len(letters)):
        before, letter = letters[place - 1][0], letters[place][0]
        if letter.x0 > before.x0 or before.x0 - letter.x1 > _NEAR:
            break
        last = place if place in backwards else last
    letters[last] += strays
    return []


def _owner(letters: Sequence[Chars], backwards: Sequence[int], at: int, mark: Char) -> int | None:
    """The letter that a mark stands on: the one before it, or that which begins where it stands."""
    if at >= 0:
        letter = letters[at][0]
        # What is raised or lowered was placed by the file, the rest by MuPDF where the letter was drawn.
        slack = _NEAR if abs(mark.y - letter.y) > _LEVEL else _KERNED
        if letter.x0 - slack < mark.x0 < letter.x1 - _SAME_PLACE:
            return at
    return next((place for place in backwards if abs(letters[place][0].x0 - mark.x0) < _SAME_PLACE), None)


def _known(line: Chars, named: Sequence[Char]) -> Chars:
    known: Chars = []
    at = 0
    while at < len(line):
        char = line[at]
        at += 1
        if char.text != _UNKNOWN:
            known.append(char)
        elif char.x0 == char.x1:
            known.append(char._replace(text=_marks_at(char, named) or char.text))
        else:
            group = [char, *takewhile(lambda other, on=char: _stands_on(other, on), line[at:])]
            known += _named(group, named)
            at += len(group) - 1
    return known


def _marks_at(char: Char, named: Sequence[Char]) -> str:
    """The marks that one glyph stands for."""
    return "".join(
        other.text
        for other in reversed(named)
        if is_mark(other.text) and max(abs(other.x0 - char.x0), abs(other.y - char.y)) < _SAME_PLACE
    )


def _stands_on(char: Char, letter: Char) -> bool:
    return char.is_guessed or (char.x0 == char.x1 and letter.x0 - _SAME_PLACE < char.x0 < letter.x1)


def _named(group: Chars, named: Sequence[Char]) -> Chars:
    """What is named in the place of a glyph and its marks, if it holds all that is known of them."""
    x0, x1, y = group[0].x0, group[0].x1, group[0].y
    there = [char.text for char in reversed(named) if x0 - _SAME_PLACE < char.x0 < x1 and abs(char.y - y) < x1 - x0]
    unheard = Counter(char.text for char in group if char.text != _UNKNOWN and not char.is_guessed)
    unheard.subtract(there)
    if not there or max(unheard.values(), default=0) > 0:
        return group
    if there[0] in _ALEFS and there[1:2] == [_LAM]:
        there[:2] = there[1::-1]
    return [Char("".join(there), x0, x1, y)]
