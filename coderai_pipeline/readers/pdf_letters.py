"""What the letters of a PDF page mean: forms that stand for others, letters without a meaning, raised digits, scripts.

The words themselves are made in `pdf_page`.
"""

import re
import unicodedata
from functools import lru_cache

import numpy as np

from coderai_pipeline.readers.symbols import raised

_CHANGED = "\u00ad\ufb00-\ufdff\ufe70-\ufeff\u2028\u2029\ue000-\uf8ff\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_SPECIAL, SPECIAL_IN_LINES = re.compile(f"[{_CHANGED}\n]"), re.compile(f"[{_CHANGED}]")
"""Letters of a word that `clean_word` changes; and of words parted by line breaks, of which they hold none."""
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
CJK = re.compile("[\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]")
_NO_MEANING = re.compile("[\ufffd\ue000-\uf8ff\x00-\x1f\x7f-\x9f\U000f0000-\U0010ffff]")
_RARE_SIGNS, _SMALL_LETTERS = re.compile(r"[\"#$%&*+;<=>?@\[\\\]^`{|}~!]"), re.compile("[^\\W\\d_A-Z]")
_SIGNS, _KINDS_OF_SIGNS, _FEW_SMALL, _LEAST_NUMBERED = 0.2, 5, 0.1, 40
"""Parts of the characters, and characters, from which a page's letters are numbers of glyphs."""
_RAISED = b"</span><sup>"
_POWER = re.compile(rb"([0-9.,]*[0-9])</span><sup><span[^>]*>([0-9]{1,3})(?![0-9])")
_BULLETS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xAD: "\u00ad"}


_PAGES_IN_WORK = 32
"""Pages at least between taking one and judging it: each is asked for its letters three times."""


def clean_word(text: str) -> str:
    """Ligatures and Arabic presentation forms as their letters; control characters as U+FFFD, never a line break.

    Only those forms are folded: NFKC of everything would turn 10² into 102.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SPECIAL.sub(_clean_character, text)


@lru_cache(_PAGES_IN_WORK)
def unusual_letters(texts: str) -> str:
    """Those beyond ASCII and control characters, each once; to look for some among them takes a tenth of the time.

    texts: words parted by line breaks.
    """
    codes = np.frombuffer(texts.encode("utf-32-le", "surrogatepass"), np.uint32)
    unusual = codes[(codes > ord("~")) | ((codes < ord(" ")) & (codes != ord("\n")))]
    return "".join(map(chr, {*unusual.tolist()}))


def meaningless_share(text: str) -> float:
    """Which part of the characters stands for nothing: no entry in the font's character map, or private use."""
    if not _NO_MEANING.search(unusual_letters(text)):
        return 0.0
    characters = sum(map(len, text.split()))
    return sum(map(len, _NO_MEANING.findall("".join(text.split())))) / characters if characters else 0.0


def is_numbered_glyphs(text: str) -> bool:
    """Whether text is made of signs and capitals as no writing is: glyphs numbered from `!` on, whose letters nobody knows."""
    signs, small = _RARE_SIGNS.findall(text), _SMALL_LETTERS.findall(text)
    characters = sum(map(len, text.split()))
    return (
        characters >= _LEAST_NUMBERED
        and len(signs) > _SIGNS * characters
        and len({*signs}) >= _KINDS_OF_SIGNS
        and len(small) < _FEW_SMALL * characters
    )


def runs_right_to_left(text: str) -> bool:
    """Whether most letters do."""
    backwards = len(RIGHT_TO_LEFT.findall(text))
    return backwards > 0 and 2 * backwards > sum(map(str.isalpha, text))


def with_powers(texts: tuple[str, ...], html: bytes) -> tuple[str, ...]:
    """10 to the 6th as 10⁶, not as 106: digits that are raised behind others, as MuPDF's HTML has them in the words' order."""
    if _RAISED not in html:
        return texts
    mended = list(texts)
    at = 0
    for found in _POWER.finditer(html):
        digits, power = found[1].decode(), found[2].decode()
        place = next((n for n in range(at, len(mended)) if f"{digits}{power}" in mended[n]), None)
        if place is None:
            continue
        at = place
        start = mended[at].index(f"{digits}{power}") + len(digits)
        mended[at] = mended[at][:start] + raised(power) + mended[at][start + len(power) :]
    return tuple(mended)


def _clean_character(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character == "\u00ad":
        return character
    if code in _BULLETS:
        return _BULLETS[code]
    if code == 0xFEFF or character in "\u2028\u2029":
        return ""
    if 0xFB00 <= code <= 0xFEFF:
        return unicodedata.normalize("NFKC", character).strip()
    return character if 0xE000 <= code <= 0xF8FF else "\ufffd"
