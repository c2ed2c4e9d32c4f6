"""Signs of the fonts Symbol and Wingdings, whose characters mean nothing by their own code points, and superscripts.

Where a text changes to such a font is known in `docx_runs`.
"""

import re

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼".ljust(128)
    + "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
"""The font's characters from 0x20."""
_WINGDINGS = {
    0xFC: "✓", 0xFB: "✗", 0xFE: "☑", 0xFD: "☒", 0xA8: "☐", 0x6F: "☐", 0x78: "☒", 0x52: "☑", 0xA3: "☐", 0xE0: "→",
    0xDF: "←", 0xE8: "➔", 0xB7: "•", 0x9F: "•", 0xA7: "▪", 0xD8: "➢", 0x6C: "●", 0x6E: "■", 0x71: "❑", 0x75: "◆",
    0x76: "❖", 0xAB: "★", 0x4A: "☺", 0x4C: "☹", 0x28: "☎", 0x2A: "✉", 0x20: " ",
}  # fmt: skip
"""Ticks, boxes and arrows, which forms are made of."""
_PRIVATE = re.compile("[\uf020-\uf0ff]")
_RAISED = re.compile("[-+\u2212]?[0-9]+$")
_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


def symbol(code: int, font: str) -> str | None:
    """The sign at a code point (its last byte counts) of a symbol font; None where it is not known."""
    code &= 0xFF
    if font.casefold() == "symbol":
        sign = _SYMBOL[code - 0x20] if 0x20 <= code < 0x20 + len(_SYMBOL) else " "
        return sign if sign != " " or code == 0x20 else None
    return _WINGDINGS.get(code)


def readable(text: str, font: str) -> str:
    """Text in which the private code points that symbol fonts use are replaced by what they show."""
    return _PRIVATE.sub(lambda found: symbol(ord(found[0]), font) or found[0], text)


def raised(text: str) -> str:
    """Superscript: a number as raised digits, so that 10 to the 6th is not read as 106; all else as it stands."""
    return text.translate(_SUPERSCRIPTS) if _RAISED.match(text) else text
