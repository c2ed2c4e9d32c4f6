"""Accents that a page draws apart from their letters, as TeX does in its oldest fonts: `art´ıculo` is read as `artículo`.

Words as the file gives them are made in `pdf_page`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from coderai_pipeline.readers.mupdf import Record, Word
from coderai_pipeline.readers.pdf_own_lines import LineLetter, letters_by_line

_COMBINING = {
    "`": "\u0300", "´": "\u0301", "ˆ": "\u0302", "^": "\u0302", "˜": "\u0303", "~": "\u0303", "¯": "\u0304",
    "˘": "\u0306", "˙": "\u0307", "¨": "\u0308", "˚": "\u030a", "˝": "\u030b", "ˇ": "\u030c", "¸": "\u0327",
    "˛": "\u0328",
}  # fmt: skip
_ASCII = "`^~"
_BESIDE_LETTER = re.compile(rf"[{''.join(_COMBINING)}][^\W\d_]|[^\W\d_][¸˛]")
_DOTLESS = str.maketrans("ıȷ", "ij")
_OFF_CENTRE = 0.2
"""Part of the letters' size by which an accent may stand beside the middle of its letter; slanted ones do."""
_NO_SPACE = 0.1
"""Of that size: what stands nearer follows without a space."""


def may_be_apart(joined: str) -> bool:
    """Whether a sign that may be an accent stands before or behind a letter."""
    # To look for each sign first takes a fifth of the time, and most pages hold none.
    signs = _ASCII if joined.isascii() else _COMBINING
    return any(sign in joined for sign in signs) and _BESIDE_LETTER.search(joined) is not None


def accented(words: Sequence[Word], blocks: Sequence[Record]) -> list[Word]:
    """The words, each accent and the letter over or under which it stands as one letter. blocks: of MuPDF's dictionary by
    letters."""
    mended: list[Word] = []
    for own, letters in letters_by_line(words, blocks):
        is_suspect = bool(letters) and may_be_apart("\n".join(word[4] for word in own))
        mended += _with_accents(own, letters) if is_suspect else own
    return mended


def _with_accents(words: Sequence[Word], letters: Sequence[LineLetter]) -> list[Word]:
    made: list[Word] = []
    at = 0
    for word in words:
        own = letters[at : at + len(word[4])]
        text = "".join(_joined(own))
        if made and _follows(letters[max(at - 2, 0) : at], own):
            # The narrow accent of a wide letter begins so far from the one before that MuPDF takes it for a space.
            x0, y0, _, y1, before, *_ = made[-1]
            made[-1] = (x0, min(y0, word[1]), word[2], max(y1, word[3]), before + text, *made[-1][5:])
        else:
            made.append((*word[:4], text, *word[5:]))
        at += len(own)
    return made


def _follows(before: Sequence[LineLetter], word: Sequence[LineLetter]) -> bool:
    """Whether a word begins with an accent whose letter stands at once behind the letter before, which may have one too."""
    if len(word) < 2 or not _as_one(*word[:2]):
        return False
    right = max(letter.x1 for letter in before) if len(before) > 1 and _as_one(*before) else before[-1].x1
    return word[1].x0 - right < _NO_SPACE * before[-1].size


def _joined(letters: Sequence[LineLetter]) -> Iterator[str]:
    at = 0
    while at < len(letters):
        one = _as_one(letters[at], letters[at + 1]) if at + 1 < len(letters) else ""
        yield one or letters[at].text
        at += 2 if one else 1


def _as_one(first: LineLetter, second: LineLetter) -> str:
    """The letter that two make which stand in one place; "" where they are two."""
    accent, letter = (first, second) if first.text in _COMBINING else (second, first)
    mark = _COMBINING.get(accent.text)
    if mark is None or abs(first.middle - second.middle) > _OFF_CENTRE * letter.size:
        return ""
    whole = unicodedata.normalize("NFC", letter.text.translate(_DOTLESS) + mark)
    return whole if len(whole) == 1 else ""
