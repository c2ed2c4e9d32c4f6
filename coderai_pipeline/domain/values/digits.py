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
