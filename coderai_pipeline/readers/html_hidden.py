"""What on a web page a person cannot see, as far as it says so itself: attributes, inline styles, simple rules.

Style sheets in other files are never fetched, so what they hide is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bs4.element import Tag

from coderai_pipeline.readers.html_elements import Elements, classes

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_RULE = re.compile(r"@(?!media)[\w-]+[^{};]*(;|\{([^{}]|\{[^{}]*\})*\})", re.I)
_MEDIA = re.compile(r"@media([^{}]*)\{((?:[^{}]|\{[^{}]*\})*)\}", re.I)
_SIMPLE = re.compile(r"([a-z][a-z0-9]*)?([.#][\w-]+)?$", re.I)
_FAR_OFF = re.compile(r"-\s*\d{4,}(px|em|rem|pt)|-\s*999(px|em|rem|pt)")
_ZERO = re.compile(r"0*\.?0+(px|em|rem|pt|%|vw|vh)?$")
_WHITE = ("white", "#fff", "#ffffff", "rgb(255,255,255)", "rgba(255,255,255,1)")
_ALWAYS_SHOWN = ("html", "body")
"""Pages hide themselves while their scripts load."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Colours that an element inherits; None = nothing said."""

    colour: str | None = None
    background: str | None = None


@dataclass(slots=True)
class Visibility:
    """Answers for one page why an element's own text is not seen."""

    _rules: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict[tuple[str, str], dict[str, str]])
    _styled_elsewhere: bool = False

    @classmethod
    def of(cls, elements: Elements) -> "Visibility":
        css = "\n".join(style.get_text() for style in elements.named("style"))
        linked = any("stylesheet" in link.get_attribute_list("rel") for link in elements.named("link"))
        return cls(_rules(css), linked)

    def look(self, tag: Tag, inherited: Ground) -> tuple[str, Ground]:
        """Why the element is hidden by itself ("" = it is not), and the colours that its children inherit."""
        style = self._style(tag)
        ground = Ground(
            _colour(style.get("color")) or inherited.colour, _background(tag, style) or inherited.background
        )
        if tag.name in _ALWAYS_SHOWN:
            return "", ground
        if tag.has_attr("hidden") and tag["hidden"] != "until-found":
            return "hidden", ground
        if tag.name == "dialog" and not tag.has_attr("open"):
            return "closed dialog", ground
        return _hiding(style) or self._same_colour(style, ground), ground

    def _style(self, tag: Tag) -> Mapping[str, str]:
        own = _declarations(str(tag.get("style") or ""))
        if not self._rules:
            return own
        merged: dict[str, str] = {}
        keys = ["", *(f".{name}" for name in classes(tag)), f"#{tag.get('id') or ''}"]
        for key in keys:
            merged |= self._rules.get(("", key), {}) | self._rules.get((tag.name, key), {})
        return merged | own

    def _same_colour(self, style: Mapping[str, str], ground: Ground) -> str:
        if "color" not in style and "background" not in style and "background-color" not in style:
            return ""
        if ground.colour in _WHITE and (
            ground.background in _WHITE or (not ground.background and not self._styled_elsewhere)
        ):
            return "white"
        return "colour of the background" if ground.colour and ground.colour == ground.background else ""


def _hiding(style: Mapping[str, str]) -> str:
    if not style:
        return ""
    if style.get("display") == "none":
        return "display:none"
    if style.get("visibility") in ("hidden", "collapse"):
        return "visibility:hidden"
    if _ZERO.match(style.get("opacity", "1")):
        return "opacity:0"
    if _ZERO.match(style.get("font-size", "1px")):
        return "zero size"
    clipped = style.get("overflow") == "hidden" and any(
        _ZERO.match(style.get(side, "1px")) for side in ("width", "height")
    )
    if clipped:
        return "zero size"
    moved = style.get("position") in ("absolute", "fixed")
    sides = ("text-indent", "margin-left", *(("left", "top", "right") if moved else ()))
    return "off page" if any(_FAR_OFF.match(style.get(side, "")) for side in sides) else ""


def _rules(css: str) -> dict[tuple[str, str], dict[str, str]]:
    """(tag or "", .class, #id or "") -> declarations, of rules with one simple selector; all others are left alone."""
    css = _COMMENT.sub("", css)
    css = _MEDIA.sub(lambda media: media[2] if _is_screen(media[1]) else "", css)
    css = _AT_RULE.sub("", css)
    rules: dict[tuple[str, str], dict[str, str]] = {}
    for selectors, body in _RULE.findall(css):
        declarations = _declarations(body)
        for selector in selectors.split(","):
            simple = _SIMPLE.match(selector.strip())
            if simple and (simple[1] or simple[2]) and declarations:
                rules.setdefault(((simple[1] or "").lower(), simple[2] or ""), {}).update(declarations)
    return rules


def _is_screen(condition: str) -> bool:
    return condition.strip().lower() in ("", "all", "screen", "only screen")


def _declarations(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for declaration in text.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            found[name.strip().lower()] = value.lower().replace("!important", "").strip()
    return found


def _colour(value: str | None) -> str | None:
    if not value or value in ("inherit", "initial", "unset", "currentcolor", "transparent"):
        return None
    compact = value.replace(" ", "")
    return "white" if compact in _WHITE else compact


def _background(tag: Tag, style: Mapping[str, str]) -> str | None:
    if image := style.get("background-image"):
        return image
    value = style.get("background-color") or style.get("background") or str(tag.get("bgcolor") or "").lower()
    return _colour(value)
