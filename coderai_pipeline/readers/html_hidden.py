"""How a web page shows an element, as far as it says so itself: attributes, inline styles, simple rules. Above all, whether.

Style sheets in other files are never fetched, so what they hide is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bs4.element import Tag

from coderai_pipeline.readers.html_elements import Elements, classes

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_RULE = re.compile(r"@(?!media)[\w-]+[^{};]*(;|\{([^{}]|\{[^{}]*\})*\})", re.I)
_MEDIA = re.compile(r"@media([^{}]*)\{((?:[^{}]|\{[^{}]*\})*)\}", re.I)
_COMPOUND = re.compile(r"([a-z][a-z0-9]*|\*)?((?:[.#][\w-]+)*)$", re.I)
_COMBINED = re.compile(r"[\s>+~]+")
_ON_ACTION = re.compile(r":(hover|focus|active|target|checked|:)", re.I)
_FAR_OFF = re.compile(r"-\s*\d{4,}(px|em|rem|pt)|-\s*999(px|em|rem|pt)")
_ZERO = re.compile(r"0*\.?0+(px|em|rem|pt|%|vw|vh)?$")
_WHITE = ("white", "#fff", "#ffffff", "rgb(255,255,255)", "rgba(255,255,255,1)")
_STRONG = (10, 0, 0, 0)
"""Ranks from here are those of `!important`."""
_ALWAYS_SHOWN = ("html", "body")
"""Pages hide themselves while their scripts load."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Colours that an element inherits; None = nothing said."""

    colour: str | None = None
    background: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Why an element is hidden by itself ("" = it is not), what its children inherit, and its style."""

    why: str
    ground: Ground
    style: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Declarations for elements of a tag ("" = any), id and classes; `rank` sorts by what CSS calls specificity."""

    rank: tuple[int, int, int, int]
    tag: str
    ids: frozenset[str]
    classes: frozenset[str]
    style: Mapping[str, str]

    def fits(self, tag: str, ids: set[str], names: set[str]) -> bool:
        return self.tag in ("", tag) and self.ids <= ids and self.classes <= names


@dataclass(slots=True)
class Visibility:
    """Answers for one page why an element's own text is not seen."""

    _rules: dict[str, list[_Rule]] = field(default_factory=dict[str, list[_Rule]])
    """By an id, class or tag that the element must have."""
    _styled_elsewhere: bool = False
    counts_itself: bool = False
    """Its styles write the numbers of its lists (CSS counters), so that a list without markers may have some."""

    @classmethod
    def of(cls, elements: Elements) -> "Visibility":
        css = "\n".join(style.get_text() for style in elements.named("style"))
        linked = any("stylesheet" in link.get_attribute_list("rel") for link in elements.named("link"))
        return cls(_rules(css), linked, "counter(" in css or "counters(" in css)

    def look(self, tag: Tag, inherited: Ground) -> Look:
        style = self._style(tag)
        colour, background = _colour(style.get("color")) or _old_colour(tag), _background(tag, style)
        ground = Ground(colour or inherited.colour, background or inherited.background)
        why = ""
        if tag.name in _ALWAYS_SHOWN:
            pass
        elif tag.has_attr("hidden") and tag["hidden"] != "until-found":
            why = "hidden"
        elif tag.name == "dialog" and not tag.has_attr("open"):
            why = "closed dialog"
        else:
            why = _hiding(style) or (self._same_colour(ground) if colour or background else "")
        return Look(why, ground, style)

    def _style(self, tag: Tag) -> Mapping[str, str]:
        own, own_strong = _declarations(str(tag.get("style") or ""))
        if not self._rules:
            return own | own_strong
        names, ids = set(classes(tag)), {str(tag.get("id") or "")}
        keys = [tag.name, *(f".{name}" for name in names), *(f"#{name}" for name in ids)]
        rules = (rule for key in keys for rule in self._rules.get(key, ()) if rule.fits(tag.name, ids, names))
        merged: dict[str, str] = {}
        applied = sorted(rules, key=lambda rule: rule.rank)
        for rule in (rule for rule in applied if rule.rank < _STRONG):
            merged |= rule.style
        merged |= own
        for rule in (rule for rule in applied if rule.rank >= _STRONG):
            merged |= rule.style
        return merged | own_strong

    def _same_colour(self, ground: Ground) -> str:
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


def _rules(css: str) -> dict[str, list[_Rule]]:
    """Rules by an id, class or tag of theirs. Of rules about elements within others only what shows something counts,
    since it might undo a simpler rule that hides it: text that may be seen is never called hidden."""
    css = _COMMENT.sub("", css)
    css = _MEDIA.sub(lambda media: media[2] if _is_screen(media[1]) else "", css)
    css = _AT_RULE.sub("", css)
    rules: dict[str, list[_Rule]] = {}
    for order, (selectors, body) in enumerate(_RULE.findall(css)):
        weak, strong = _declarations(body)
        for selector in selectors.split(","):
            *outer, last = _COMBINED.split(selector.strip())
            compound = _COMPOUND.match(re.sub(r":not\([^)]*\)|\[[^\]]*\]", "", last))
            if not compound or _ON_ACTION.search(selector):
                continue
            simple = not outer and compound[0] == last
            for level, style in ((0, weak), (_STRONG[0], strong)):
                if style := style if simple else _showing(style):
                    _add_rule(rules, compound, (level + (0 if simple else 1)), order, style)
    return rules


def _showing(style: Mapping[str, str]) -> Mapping[str, str]:
    shows = {"display": ("none",), "visibility": ("hidden", "collapse")}
    return {name: value for name, value in style.items() if name in shows and value not in shows[name]}


def _add_rule(
    rules: dict[str, list[_Rule]], compound: re.Match[str], level: int, order: int, style: Mapping[str, str]
) -> None:
    tag = "" if compound[1] in (None, "*") else compound[1].lower()
    marks: list[str] = re.findall(r"[.#][\w-]+", compound[2])
    ids = frozenset(mark[1:] for mark in marks if mark[0] == "#")
    names = frozenset(mark[1:] for mark in marks if mark[0] == ".")
    if key := marks[0] if marks else tag:
        rank = (level, len(ids), 100 * len(names) + bool(tag), order)
        rules.setdefault(key, []).append(_Rule(rank, tag, ids, names, style))


def _is_screen(condition: str) -> bool:
    return condition.strip().lower() in ("", "all", "screen", "only screen")


def _declarations(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The declarations that are not `!important`, and those that are."""
    weak: dict[str, str] = {}
    strong: dict[str, str] = {}
    for declaration in text.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            value, important, _ = value.lower().partition("!important")
            (strong if important else weak)[name.strip().lower()] = value.strip()
    return weak, strong


def _colour(value: str | None) -> str | None:
    if not value or value in ("inherit", "initial", "unset", "currentcolor", "transparent"):
        return None
    compact = value.replace(" ", "")
    return "white" if compact in _WHITE else compact


def _background(tag: Tag, style: Mapping[str, str]) -> str | None:
    if image := style.get("background-image"):
        return image
    if value := style.get("background-color") or style.get("background"):
        return _colour(value)
    return str(tag.get("background") or "") or _colour(str(tag.get("bgcolor") or "").lower())


def _old_colour(tag: Tag) -> str | None:
    """As pages said it before there were styles."""
    name = {"font": "color", "body": "text"}.get(tag.name)
    return _colour(str(tag.get(name) or "").lower()) if name else None
