"""Colours of web pages as red, green and blue, and how different two of them look.

Which elements have them is judged in `html_hidden`.
"""

import re
from colorsys import hls_to_rgb
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int] | str
"""Red, green and blue 0-255, or as the page says it where that is not known here (a name, a picture, a gradient)."""
WHITE = (255, 255, 255)
TRANSPARENT = "transparent"
_NOT_SAID = frozenset(("", "inherit", "initial", "unset", "revert", "currentcolor", "auto", "none"))
_NAMES = {
    "white": WHITE, "black": (0, 0, 0), "red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255),
    "yellow": (255, 255, 0), "aqua": (0, 255, 255), "cyan": (0, 255, 255), "fuchsia": (255, 0, 255),
    "magenta": (255, 0, 255), "silver": (192, 192, 192), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "maroon": (128, 0, 0), "olive": (128, 128, 0), "green": (0, 128, 0), "purple": (128, 0, 128),
    "teal": (0, 128, 128), "navy": (0, 0, 128), "snow": (255, 250, 250), "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255), "floralwhite": (255, 250, 240),
}  # fmt: skip
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$")
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)$")
_LEAST_CONTRAST = 12
"""Of any of red, green and blue: what differs less cannot be told apart."""
_LEAST_ALPHA = 0.05


def colour_of(value: str | None) -> Colour | None:
    """None where nothing is said; TRANSPARENT where so little is painted that nobody sees it."""
    said = (value or "").strip().lower()
    if said in _NOT_SAID:
        return None
    if said in _NAMES:
        return _NAMES[said]
    if found := _HEX.match(said):
        return _from_hex(found[1])
    found = _FUNCTION.match(said)
    return (_from_function(found[1], found[2]) or said) if found else said


def looks_alike(one: Colour | None, other: Colour | None) -> bool:
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return one is not None and one == other
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < _LEAST_CONTRAST


def _from_hex(digits: str) -> Colour:
    if len(digits) < 6:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue, alpha = (int(f"{digits}ff"[at : at + 2], 16) for at in (0, 2, 4, 6))
    return TRANSPARENT if alpha < 255 * _LEAST_ALPHA else (red, green, blue)


def _from_function(kind: str, inner: str) -> Colour | None:
    try:
        numbers = [_number(part) for part in re.split(r"[\s,/]+", inner.strip())]
    except ValueError:
        return None
    if len(numbers) not in (3, 4):
        return None
    if len(numbers) == 4 and numbers[3] < _LEAST_ALPHA:
        return TRANSPARENT
    if kind == "hsl":
        red, green, blue = hls_to_rgb(numbers[0] / 360, numbers[2], numbers[1])
        return round(255 * red), round(255 * green), round(255 * blue)
    scale = 255 if "%" in inner.split("/")[0] else 1
    red, green, blue = (round(scale * number) for number in numbers[:3])
    return red, green, blue


def _number(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text.removesuffix("deg"))
