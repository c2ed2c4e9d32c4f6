"""Digits of every script as ASCII, without moving a character, so that offsets stay those of the document.

Full-width signs and punctuation are folded too. How digits make a number is in `numbers`, a date in `dates`.
"""

import unicodedata

_SIGNS = {
    "٫": ".",
    "٬": "’",
    "．": ".",
    "，": ",",
    "－": "-",
    "＋": "+",
    "（": "(",
    "）": ")",
    "％": "%",
    "٪": "%",
    "﹪": "%",
    "﹣": "-",
    "／": "/",
    "：": ":",
    "＄": "$",
    "￥": "¥",
    "￡": "£",
    "\u3000": " ",
}


# Letters, with the marks that a script writes on one: Devanagari, Bengali, Thai and others spell words with both.
_MARKS = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0971-\u09e3\u0a01-\u0a4d"
    r"\u0a81-\u0ae3\u0b01-\u0b63\u0b82-\u0bd7\u0c00-\u0c63\u0c81-\u0ce3\u0d00-\u0d63\u0e31-\u0e3a\u0e47-\u0e4e"
)
WORD = rf"(?:[^\W\d_]++[{_MARKS}]*+)++"


class _Folding(dict[int, str]):
    """A translation table that learns each character when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = str(unicodedata.decimal(char)) if char.isdecimal() else _SIGNS.get(char, char)
        self[code] = folded
        return folded


_FOLDING = _Folding()


def ascii_digits(text: str) -> str:
    """The text with the digits of every script as 0-9 and full-width signs as ASCII; same length, same offsets."""
    return text if text.isascii() else text.translate(_FOLDING)
