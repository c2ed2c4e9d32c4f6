"""Lines that a PDF draws piece by piece, put together by where their letters stand: scripts whose letters change places or
share one, and letters that another font had to supply.

Asked only on pages that hold such letters. Words as the file gives them are made in `pdf_page`; the order of letters on a
line that is read from the right is in `pdf_sight`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby, pairwise
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from coderai_pipeline.readers import pdf_rtl
from coderai_pipeline.readers.mupdf import (
    COLLECT_VECTORS,
    EVERYWHERE,
    IGNORE_ACTUALTEXT,
    Page,
    Record,
    TextPage,
    Word,
)
from coderai_pipeline.readers.pdf_letters import RIGHT_TO_LEFT, runs_right_to_left
from coderai_pipeline.readers.pdf_marks import Char, ends_ligature, has_marks, is_mark, lines_of, mend
from coderai_pipeline.readers.pdf_sight import Letter, in_reading_order, is_in_order_of_sight

RARE_IN_FONTS = re.compile("[\u0530-\u10ff\u1200-\u139f\u1780-\u17ff\ufb1d-\ufdff\ufe70-\ufefc]")
"""Letters of scripts that few fonts have, or in which glyphs do not follow each other as letters do."""
_SUPPLIED = re.compile(rb"&#x(?:1e|2[1-9a-f])")
"""Letters and signs, as MuPDF's HTML has them, that many fonts lack, so that another supplies them."""
_SAME_LINE, _SAME_SIZE = 0.2, 0.3
"""Parts of a line's height by which the middles, and the heights, of its pieces may differ."""
_NEAR = 0.3
"""Heights of a line within which its next piece begins, if the width of the last letters is known."""
_ON_TOP, _MOST_ON_TOP = 0.4, 0.1
"""Part of the narrower of two letters from which they stand on each other, and of the letters that may: of more, one line
was written over another."""
_SAME_PLACE, _LEAST_WITHIN = 0.1, 1.0
"""Points."""
_GAP, _ON_SPACED_PAGE, _OPEN_GAP = 0.15, 0.35, 2.0
"""Heights from which a gap is a space; on a page that draws its spaces; and there beside letters whose width MuPDF does not
know."""
_APART = 0.6
"""Heights between two letters that are no part of one word."""
_KNOWN = 0.9
"""Part of a page's letters that must be known without what the file says, for its vowels to be put back."""

Place: TypeAlias = tuple[int, int]
_SPACES = -1
"""Stands for the number of a line without a word."""


_GUESSED = "\u2005"
"""Stands for a space that MuPDF made of a gap."""


class _Piece(NamedTuple):
    """A line as MuPDF has it. place: numbers of its block and of itself, as its words name them."""

    place: Place
    letters: tuple[Letter, ...]
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def height(self) -> float:
        return self.y1 - self.y0


class _PageKind(NamedTuple):
    """Whether spaces are glyphs of the page; most of it is read from the right; such text is drawn from the left; and
    what its glyphs stand for is known twice, so that marks may have been mended."""

    draws_spaces: bool
    is_backwards: bool
    is_in_order_of_sight: bool
    is_mended: bool


def may_be_in_pieces(html: bytes) -> bool:
    """Whether a page holds letters that its fonts may lack. html: of the page, by MuPDF."""
    return _SUPPLIED.search(html) is not None


def without_losses(page: Page, textpage: TextPage, words: Sequence[Word]) -> tuple[TextPage, Sequence[Word]]:
    """The page's text and words, read without what the file says glyphs stand for together, if that holds more letters or
    vowels: MuPDF loses some, and the order of others, where they are read from the right."""
    bare = page.get_textpage(clip=EVERYWHERE, flags=COLLECT_VECTORS | IGNORE_ACTUALTEXT)
    others = bare.extractWORDS()
    if others == words:
        return textpage, words
    known, named = _letter_count(others), _letter_count(words)
    is_better = known > named or (known > _KNOWN * named and has_marks("".join(word[4] for word in words)))
    return (bare, others) if is_better else (textpage, words)


def _letter_count(words: Sequence[Word]) -> int:
    return sum(map(str.isalnum, "".join(word[4] for word in words)))


def put_together(words: Sequence[Word], blocks: Sequence[Record], named: Sequence[Record] = ()) -> list[Word]:
    """The words of a page of whose lines some may be drawn in pieces or in another order than they are read.

    blocks: of MuPDF's dictionary by letters; named: those with what the file says its glyphs stand for, where `blocks` are
    without.
    """
    words = stitched(words, blocks, named)
    if not named and any(RIGHT_TO_LEFT.search(word[4]) for word in words):
        words = pdf_rtl.mended(words, blocks)
    return words


def stitched(words: Sequence[Word], blocks: Sequence[Record], named: Sequence[Record] = ()) -> list[Word]:
    """The words, made anew on lines that were drawn in pieces or whose letters share places. blocks: of MuPDF's
    dictionary by letters; named: those of what the file says its glyphs stand for."""
    own = {place: list(group) for place, group in groupby(words, key=lambda word: (word[5], word[6]))}
    pieces = list(_pieces(own, blocks, named))
    page = _PageKind(
        any(letter.text == " " for piece in pieces for letter in piece.letters),
        runs_right_to_left("".join(letter.text for piece in pieces for letter in piece.letters)),
        is_in_order_of_sight(piece.letters for piece in pieces),
        bool(named),
    )
    for line in _lines(pieces):
        places = [piece.place for piece in line if piece.place[1] != _SPACES]
        letters = _line(line, page) if places else []
        if letters:
            widest = max((word for place in places for word in own[place]), key=lambda word: word[2] - word[0])
            own |= {place: [] for place in places}
            own[min(places)] = list(_words(letters, widest, min(places)))
    return [word for line in own.values() for word in line]


def _line(line: Sequence[_Piece], page: _PageKind) -> list[Letter]:
    """A line's letters in the order they are read; [] where the file's own words will do."""
    if any(RIGHT_TO_LEFT.search(letter.text) for piece in line for letter in piece.letters):
        if len(line) == 1 and not (page.is_in_order_of_sight or page.is_mended or _leaps(line[0])):
            return []
        return in_reading_order(_with_gaps(_side_by_side(line), line[0].height, page), page.is_backwards)
    if len(line) > 1 and (_is_interleaved(line) or any(RARE_IN_FONTS.search(piece.letters[0].text) for piece in line)):
        return _with_gaps(_side_by_side(line), line[0].height, page)
    if len(line) > 1:
        return []
    shared = any(map(_shares_a_place, line[0].letters))
    return _with_gaps(line[0].letters, line[0].height, page) if shared else []


def _leaps(piece: _Piece) -> bool:
    """Whether what is read from the right goes on further right, as where a number parts what was drawn from the left; told
    only where MuPDF knows how wide most letters are."""
    letters = [letter for letter in piece.letters if RIGHT_TO_LEFT.match(letter.text)]
    lefts = [letter.x0 for letter in letters if letter.x0 < letter.x1]
    return 2 * len(lefts) > len(letters) and any(
        after > before + _APART * piece.height for before, after in pairwise(lefts)
    )


def _is_interleaved(line: Sequence[_Piece]) -> bool:
    """Whether a piece stands within another: what only follows it is in order as it is."""
    ordered = sorted(line, key=attrgetter("x0"))
    ends = accumulate((piece.x1 for piece in ordered), max)
    return any(piece.x0 < end - _LEAST_WITHIN for end, piece in zip(ends, ordered[1:], strict=False))


def _pieces(
    words: Mapping[Place, Sequence[Word]], blocks: Sequence[Record], named: Sequence[Record]
) -> Iterator[_Piece]:
    """Lines that run straight across. They are told by their text: words count lines that the dictionary leaves out."""
    waiting: dict[int, list[tuple[Place, str]]] = {}
    for place, own in words.items():
        waiting.setdefault(place[0], []).append((place, _told("".join(word[4] for word in own))))
    chars_of = lines_of(blocks)
    if named:
        mend(chars_of, lines_of(named))
    texts = [block["lines"] for block in blocks if "lines" in block]
    for block, (lines, mended) in enumerate(zip(texts, chars_of, strict=True)):
        for line, chars in zip(lines, mended, strict=True):
            text = _told("".join(char["c"] for span in line["spans"] for char in span["chars"]))
            place = next((place for place, written in waiting.get(block, ()) if written == text), None)
            if place is not None:
                waiting[block] = [other for other in waiting[block] if other[0] > place]
            if (place is not None or not text) and tuple(line["dir"]) == (1.0, 0.0):
                letters = tuple(_mended(chars) if named else _letters(chars))
                if letters:
                    yield _Piece(place or (block, _SPACES), letters, *line["bbox"])


def _mended(chars: Sequence[Char]) -> Iterator[Letter]:
    """Letters with their marks; what runs from the left may still share places."""
    if not any(RIGHT_TO_LEFT.search(char.text) for char in chars):
        yield from _letters(chars)
        return
    for char in chars:
        yield Letter(_GUESSED if char.is_guessed else char.text, char.x0, char.x1)


def _told(text: str) -> str:
    """What a line is told by: MuPDF leaves some marks and unknown letters out of the words."""
    return "".join(filter(str.isalnum, text)) or "".join(text.split())


def _letters(chars: Sequence[Char]) -> Iterator[Letter]:
    """What stands in one place together, as a letter and its marks do."""
    letter: Letter | None = None
    held = ""
    for (own, x0, x1, _, is_guessed), (following, next_x0, next_x1, *_) in pairwise([*chars, Char("", 0.0, 0.0)]):
        character = _GUESSED if is_guessed else own
        marks = is_mark(character)
        if _joins(character):
            x0 = x1 = x0 - _ON_TOP
        if letter and marks and character == letter.text[-1]:
            # MuPDF gives the last mark of letters that share a place twice.
            letter = letter._replace(x1=max(letter.x1, x1))
        elif letter and x1 <= x0 and ends_ligature(letter.text, letter.x0, character, x0):
            letter = letter._replace(text=letter.text + character)
        elif x1 <= x0 and following and _precedes_its_letter(x0, marks, following, next_x0, next_x1):
            held = character + held
        elif letter and not held and x1 <= x0 and _shares_place(letter, character, x0):
            letter = letter._replace(text=letter.text + character)
        else:
            if letter:
                yield letter
            letter, held = Letter(character + held, x0, x1), ""
    if letter:
        yield letter


def _precedes_its_letter(x: float, marks: bool, following: str, x0: float, x1: float) -> bool:
    """Whether MuPDF turned round letters that share a place, on a line that is read from the right."""
    if marks:
        return (
            x0 == x1 == x and unicodedata.category(following)[0] != "M" and RIGHT_TO_LEFT.match(following) is not None
        )
    return x0 < x1 and abs(x1 - x) < _SAME_PLACE and RIGHT_TO_LEFT.match(following) is not None


def _joins(character: str) -> bool:
    """Whether it tells how its neighbours are joined, and has no place of its own, whatever width it is given."""
    return unicodedata.category(character) == "Cf"


def _shares_place(letter: Letter, character: str, x: float) -> bool:
    if _joins(character):
        return not RIGHT_TO_LEFT.match(letter.text)
    return is_mark(character) or abs(x - letter.x1) < _SAME_PLACE


def _lines(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Pieces that stand in each other's gaps or go on where another ends, in the order of the file; most stand alone."""
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=attrgetter("middle")):
        if rows and _on_one_line(rows[-1][-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        row.sort(key=attrgetter("x0"))
        chain, right = [row[0]], row[0].x1
        for piece in row[1:]:
            near = _OPEN_GAP if _is_open(chain, piece) else _NEAR
            if piece.x0 > right + near * piece.height:
                yield from _parted(chain)
                chain = []
            chain.append(piece)
            right = max(right, piece.x1) if len(chain) > 1 else piece.x1
        yield from _parted(chain)


def _is_open(chain: Sequence[_Piece], piece: _Piece) -> bool:
    """Whether a piece may stand as far off as letters are wide that MuPDF takes for none."""
    last = max((letter for other in chain for letter in other.letters), key=attrgetter("x1"))
    return _leaves_open(last, piece.letters[0])


def _leaves_open(letter: Letter, following: Letter) -> bool:
    return _shares_a_place(letter) or is_mark(letter.text[-1]) or is_mark(following.text[0])


def _on_one_line(one: _Piece, other: _Piece) -> bool:
    height = min(one.height, other.height)
    return abs(one.middle - other.middle) < _SAME_LINE * height and abs(one.height - other.height) < _SAME_SIZE * height


def _parted(chain: list[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces one by one where some are written over others."""
    letters = sorted(
        (letter.x0, letter.x1, number)
        for number, piece in enumerate(chain)
        for letter in piece.letters
        if not letter.text.isspace() and letter.x0 < letter.x1
    )
    on_top = sum(
        one != other and x1 - other_x0 > _ON_TOP * min(x1 - x0, other_x1 - other_x0)
        for (x0, x1, one), (other_x0, other_x1, other) in pairwise(letters)
    )
    if len(chain) > 1 and on_top > _MOST_ON_TOP * len(letters):
        yield from ([piece] for piece in chain)
    else:
        yield sorted(chain)


def _side_by_side(line: Sequence[_Piece]) -> list[Letter]:
    """All letters from left to right, without the spaces that keep room for letters of another piece."""
    letters = sorted((letter for piece in line for letter in piece.letters), key=attrgetter("x0", "x1"))
    if len(line) == 1:
        return letters
    inked = [letter for letter in letters if not letter.text.isspace() and letter.x0 < letter.x1]
    return [each for each in letters if not each.text.isspace() or not any(_shares(each, other) for other in inked)]


def _shares_a_place(letter: Letter) -> bool:
    return len(letter.text) > 1


def _shares(space: Letter, letter: Letter) -> bool:
    middle, other = (space.x0 + space.x1) / 2, (letter.x0 + letter.x1) / 2
    return letter.x0 < middle < letter.x1 or space.x0 < other < space.x1


def _with_gaps(letters: Sequence[Letter], height: float, page: _PageKind) -> list[Letter]:
    """The letters, seen from the left, with a space in each gap that is wide enough."""
    apart: list[Letter] = []
    right = 0.0
    is_guessed = False
    for letter in letters:
        if letter.text == _GUESSED:
            is_guessed = True
            continue
        is_open = bool(apart) and _leaves_open(apart[-1], letter)
        is_known = page.is_mended and RIGHT_TO_LEFT.search(letter.text) is not None
        if is_known:
            is_open = is_guessed = False
        least = _GAP if is_known or not page.draws_spaces else _OPEN_GAP if is_open else _ON_SPACED_PAGE
        is_space = is_guessed and not (is_open and page.draws_spaces)
        is_guessed = False
        if apart and (is_space or letter.x0 - right > least * height):
            apart.append(Letter(" ", right, letter.x0))
        elif is_open:
            apart[-1] = apart[-1]._replace(x1=max(apart[-1].x1, letter.x0))
        apart.append(letter)
        right = max(right, letter.x1)
    return apart


def _words(letters: Sequence[Letter], like: Word, place: Place) -> Iterator[Word]:
    """Parted at spaces, and where the next letter is read after the last but does not stand beside it. They are as high as
    one of the words of the file."""
    _, y0, _, y1, *_ = like
    number = 0
    word: list[Letter] = []
    for letter, following in pairwise([*letters, Letter(" ", 0.0, 0.0)]):
        if letter.text.isspace():
            continue
        word.append(letter)
        apart = max(following.x0 - letter.x1, letter.x0 - following.x1) > _APART * (y1 - y0)
        if apart or following.text.isspace():
            x0, x1 = min(each.x0 for each in word), max(each.x1 for each in word)
            yield x0, y0, x1, y1, "".join(each.text for each in word), *place, number
            number, word = number + 1, []
