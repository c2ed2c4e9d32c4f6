"""How a web page shows an element, as far as it says so itself: attributes, inline styles, simple rules. Above all, whether.

The rules of its style sheets are read in `html_css`. Those in other files are never fetched (a page saved as one file brings them along), so what they hide is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bs4.element import Tag

from coderai_pipeline.readers.html_colours import TRANSPARENT, WHITE, Colour, colour_of, looks_alike
from coderai_pipeline.readers.html_css import Sheet, is_for_screens
from coderai_pipeline.readers.html_elements import Elements

_LENGTH = re.compile(r"(-?[\d.]+)(px|em|rem|pt|%|vw|vh|ex|ch)?(?![\w.%])")
_FAR_OFF = {"px": -900, "pt": -900, "em": -90, "rem": -90, "ex": -90, "ch": -90, "%": -150, "vw": -100, "vh": -100}
"""Lengths from which an element stands where no window reaches."""
_TINY = {"px": 1.0, "pt": 1.0, "em": 0.1, "rem": 0.1, "ex": 0.1, "ch": 0.1, "%": 10.0, "vw": 0.1, "vh": 0.1}
"""Sizes of letters up to which nobody sees them."""
_FAINT = 0.05
_CLIPPED = re.compile(r"(rect|inset|circle|ellipse)\(([^)]*)\)")
_MOVED = re.compile(r"translate(?:x|y|3d)?\(([^)]*)\)")
_SHRUNK = re.compile(r"scale(?:x|y|3d)?\(\s*0?\.?0*\s*[,)]")
_NO_INK = re.compile(r"opacity\(\s*0?\.?0*%?\s*\)")
_ALWAYS_SHOWN = ("html", "body")
"""Pages hide themselves while their scripts load."""
_ALSO_DRAWN_BY = ("text-shadow", "-webkit-text-stroke", "-webkit-text-stroke-color", "-webkit-text-fill-color")
"""What shows letters whose colour does not."""
_DRAWING = ("text", "tspan", "g", "a")


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why what stands in an element is not seen, "" = it is: for good, or by what elements in it may say otherwise."""

    for_good: str = ""
    by_visibility: str = ""
    by_size: str = ""
    by_colour: str = ""

    @property
    def why(self) -> str:
        return self.for_good or self.by_visibility or self.by_size or self.by_colour


_SEEN = Unseen()


@dataclass(frozen=True, slots=True)
class Ground:
    """What an element inherits: its colours (None = nothing said), and why it is unseen."""

    colour: Colour | None = None
    background: Colour | None = None
    unseen: Unseen = _SEEN


@dataclass(frozen=True, slots=True)
class Look:
    """What an element's children inherit, and its style."""

    ground: Ground
    style: Mapping[str, str]

    @property
    def why(self) -> str:
        """Why its own text is not seen; "" = it is."""
        return self.ground.unseen.why


@dataclass(slots=True)
class Visibility:
    """Answers for one page why an element's own text is not seen."""

    _sheet: Sheet
    _styled_elsewhere: bool = False
    counts_itself: bool = False
    """Its styles write the numbers of its lists (CSS counters), so that a list without markers may have some."""

    @classmethod
    def of(cls, elements: Elements, styles: str = "") -> "Visibility":
        """styles: of sheets outside the page that are at hand."""
        sheets = (style for style in elements.named("style") if is_for_screens(str(style.get("media") or "")))
        css = "\n".join([styles, *(style.get_text() for style in sheets)]).strip()
        linked = any("stylesheet" in link.get_attribute_list("rel") for link in elements.named("link"))
        return cls(
            Sheet.of(css, elements.ids_and_classes() if css else frozenset()),
            linked,
            "counter(" in css or "counters(" in css,
        )

    def look(self, tag: Tag, inherited: Ground) -> Look:
        style = self._sheet.style_of(tag)
        colour, background = colour_of(style.get("color")) or _old_colour(tag), _background(tag, style)
        if background == TRANSPARENT:
            background = None
        unseen = inherited.unseen
        ground = Ground(colour or inherited.colour, background or inherited.background, unseen)
        if tag.name in _ALWAYS_SHOWN:
            return Look(ground, style)
        now = Unseen(
            unseen.for_good or _hidden_by_itself(tag) or (_hiding(style) if style else ""),
            _by_visibility(style, unseen.by_visibility),
            _by_size(style, unseen.by_size),
            self._by_colour(ground, style) if colour or background else unseen.by_colour,
        )
        return Look(ground if now == unseen else Ground(ground.colour, ground.background, now), style)

    def _by_colour(self, ground: Ground, style: Mapping[str, str]) -> str:
        if style.get("background-clip") == "text" or any(name in style for name in _ALSO_DRAWN_BY):
            return ""
        if style.get("-webkit-background-clip") == "text":
            return ""
        if ground.colour == TRANSPARENT:
            return TRANSPARENT
        is_white = looks_alike(ground.colour, WHITE)
        if is_white and (looks_alike(ground.background, WHITE) or not (ground.background or self._styled_elsewhere)):
            return "white"
        return "colour of the background" if looks_alike(ground.colour, ground.background) else ""


def _hidden_by_itself(tag: Tag) -> str:
    if tag.has_attr("hidden") and tag["hidden"] != "until-found":
        return "hidden"
    if tag.name == "dialog" and not tag.has_attr("open"):
        return "closed dialog"
    return "display:none" if tag.name in _DRAWING and tag.get("display") == "none" else ""


def _by_visibility(style: Mapping[str, str], inherited: str) -> str:
    said = style.get("visibility")
    if said in ("hidden", "collapse"):
        return "visibility:hidden"
    return "" if said in ("visible", "initial") else inherited


def _by_size(style: Mapping[str, str], inherited: str) -> str:
    """Sizes in parts of the element around (em, %) stay nothing where that has none."""
    if size := style.get("font-size"):
        return "zero size" if _within(size, _TINY) else "" if not size.endswith(("%", "em")) else inherited
    font = style.get("font", "")
    return "zero size" if _LENGTH.match(font) and _within(font.split("/")[0], _TINY) else inherited


def _hiding(style: Mapping[str, str]) -> str:
    """Why an element with all that is in it is not shown."""
    if style.get("display") == "none":
        return "display:none"
    if style.get("content-visibility") == "hidden":
        return "visibility:hidden"
    is_moving = style.get("animation", style.get("animation-name", "none")) != "none"
    if not is_moving and (_is_faint(style.get("opacity", "1")) or _NO_INK.search(style.get("filter", ""))):
        return "opacity:0"
    if _has_no_room(style) or (not is_moving and _SHRUNK.search(style.get("transform", ""))):
        return "zero size"
    return "off page" if _is_far_off(style) else ""


def _is_faint(opacity: str) -> bool:
    found = _LENGTH.match(opacity)
    return found is not None and _float(found[1]) < _FAINT * (100 if found[2] else 1)


def _has_no_room(style: Mapping[str, str]) -> bool:
    cut = [style.get(name, "").startswith(("hidden", "clip")) for name in ("overflow", "overflow-x", "overflow-y")]
    narrow, low = (any(_is_nothing(style, name) for name in (side, f"max-{side}")) for side in ("width", "height"))
    if ((cut[0] or cut[1]) and narrow) or ((cut[0] or cut[2]) and low):
        return True
    return _is_clipped(style.get("clip-path", "")) or (_is_moved(style) and _is_clipped(style.get("clip", "")))


def _is_nothing(style: Mapping[str, str], name: str) -> bool:
    """Whether a side measures nothing, or the one pixel that screen readers are left."""
    return _within(style.get(name, "auto"), {"px": 1.0})


def _is_clipped(clip: str) -> bool:
    """Whether a shape that cuts an element out holds nothing."""
    found = _CLIPPED.match(clip)
    if not found:
        return False
    numbers = [(_float(number), unit) for number, unit in _LENGTH.findall(found[2])]
    if found[1] == "rect":
        top, right, bottom, left = ([number for number, _ in numbers] + [1e6] * 4)[:4]
        return len(numbers) == 4 and (bottom - top <= 1 or right - left <= 1)
    if found[1] == "inset":
        return bool(numbers) and all(unit == "%" and number >= 50 for number, unit in numbers)
    return bool(numbers) and numbers[0][0] == 0


def _is_moved(style: Mapping[str, str]) -> bool:
    return style.get("position") in ("absolute", "fixed")


def _is_far_off(style: Mapping[str, str]) -> bool:
    sides = ("text-indent", "margin-left", "margin-top", *(("left", "top", "right") if _is_moved(style) else ()))
    shifts = [style[side] for side in sides if side in style]
    if moved := _MOVED.search(style.get("transform", "")):
        shifts += re.split(r"\s*,\s*", moved[1].strip())
    return any(_within(shift, _FAR_OFF) for shift in shifts)


def _within(length: str, most: Mapping[str, float]) -> bool:
    """Whether a length is at most what is said for its unit."""
    found = _LENGTH.match(length)
    if not found:
        return False
    number = _float(found[1])
    return number <= most[found[2]] if found[2] in most else number == 0 and all(at >= 0 for at in most.values())


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _background(tag: Tag, style: Mapping[str, str]) -> Colour | None:
    if (image := style.get("background-image")) and image != "none":
        return image
    if value := style.get("background-color") or style.get("background"):
        return colour_of(value)
    return str(tag.get("background") or "") or colour_of(str(tag.get("bgcolor") or ""))


def _old_colour(tag: Tag) -> Colour | None:
    """As pages said it before there were styles."""
    name = {"font": "color", "body": "text"}.get(tag.name)
    return colour_of(str(tag.get(name) or "")) if name else None
