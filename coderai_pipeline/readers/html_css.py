"""The rules of a web page's own style sheets, and which declarations hold for an element.

What they mean for a reader is judged in `html_hidden`.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

from bs4.element import Tag

from coderai_pipeline.readers.html_elements import classes

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_RULE = re.compile(r"@(?!media)[\w-]+[^{};]*(;|\{([^{}]|\{[^{}]*\})*\})", re.I)
_GROUP = re.compile(r"@(media|supports|layer|container)\b([^{};]*)\{((?:[^{}]|\{[^{}]*\})*)\}", re.I)
_COMPOUND = re.compile(r"([a-z][a-z0-9-]*|\*)?((?:[.#][\w-]+|\[[\w-]+\])*)$", re.I)
_MARK = re.compile(r"[.#][\w-]+|\[[\w-]+\]")
_STEPS = re.compile(r"\s*([>+~])\s*|\s+")
_ELSEWHERE = re.compile(r":(hover|focus|active|target|checked|:)|\.no-?js\b", re.I)
"""In selectors of what shows only on some action, or where no scripts run."""
_WIDTH = re.compile(r"\((min|max)-width\s*:\s*([\d.]+)(px|em|rem)\)")
_WINDOW = 1280
"""Pixels that a window is wide."""
_MEANT = re.compile(
    r"(-webkit-)?(display|visibility|content-visibility|opacity|filter|animation|animation-name|transform|clip|clip-path|"
    r"color|background|background-(?:color|image|clip)|text-(?:shadow|stroke|stroke-color|fill-color|indent)|position|"
    r"left|top|right|(?:max-)?(?:width|height)|overflow(?:-[xy])?|margin-(?:left|top)|font|font-size|white-space|"
    r"list-style|list-style-type)$"
)
"""Properties that tell a reader anything; the others are most of a style sheet."""
_STRONG = 10
"""Levels from here are those of `!important`."""


@dataclass(frozen=True, slots=True)
class _Compound:
    """What an element must have: a tag ("" = any), ids, classes, attributes."""

    tag: str
    ids: frozenset[str]
    classes: frozenset[str]
    attributes: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_Compound | None":
        found = _COMPOUND.match(text)
        if not found:
            return None
        marks: list[str] = _MARK.findall(found[2])
        named = {kind: frozenset(mark[1:] for mark in marks if mark[0] == kind) for kind in ".#["}
        tag = "" if found[1] in (None, "*") else found[1].lower()
        return cls(tag, named["#"], named["."], frozenset(name.rstrip("]").lower() for name in named["["]))

    @property
    def key(self) -> str:
        """An id, class or tag that the element must have; "" where there is none."""
        return next(iter(self.names), "")

    @property
    def names(self) -> list[str]:
        marks = [*(f"#{name}" for name in sorted(self.ids)), *(f".{name}" for name in sorted(self.classes))]
        return [*marks, self.tag] if self.tag else marks

    def fits(self, tag: Tag) -> bool:
        if self.tag not in ("", tag.name):
            return False
        if self.ids and not self.ids <= {str(tag.get("id") or "")}:
            return False
        if self.attributes and not self.attributes <= tag.attrs.keys():
            return False
        return not self.classes or self.classes <= {*classes(tag)}


@dataclass(frozen=True, slots=True)
class _Rule:
    """Declarations for elements that fit; `rank` sorts by what CSS calls specificity.

    around: what must stand around the element, the nearest first, and whether right around it. needs: of all of that.
    """

    rank: tuple[int, int, int, int]
    own: _Compound
    around: tuple[tuple[_Compound, bool], ...]
    needs: frozenset[str]
    style: Mapping[str, str]

    def stands_in(self, tag: Tag) -> bool:
        """Whether what must stand around an element does."""
        parents = iter(tag.parents)
        for compound, is_next in self.around:
            above = next(parents, None)
            while above is not None and not is_next and not compound.fits(above):
                above = next(parents, None)
            if above is None or not compound.fits(above):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rules by an id, class or tag that the element must have."""

    rules: dict[str, list[_Rule]] = field(default_factory=dict[str, list[_Rule]])
    _alike: dict[object, list[_Rule]] = field(default_factory=dict[object, list[_Rule]])
    """Rules that fit elements of a tag, id, classes and attributes, but for what stands around them."""

    _above: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])

    @classmethod
    def of(cls, css: str, used: Set[str]) -> "Sheet":
        """used: the ids and classes of the page. Rules for others, which most are, are left out.

        Of rules whose elements cannot be told here (`:not(...)`, `a + b`) only what shows something counts, since it
        might undo a simpler rule that hides it: text that may be seen is never called hidden."""
        sheet = cls()
        css = _GROUP.sub(lambda group: group[3] if _holds(group[1].lower(), group[2]) else "", _COMMENT.sub("", css))
        css = _AT_RULE.sub("", css)
        for order, (selectors, body) in enumerate(_RULE.findall(css)):
            weak, strong = (
                {name: value for name, value in said.items() if _MEANT.match(name)} for said in declarations(body)
            )
            for selector in selectors.split(","):
                for level, style in ((0, weak), (_STRONG, strong)):
                    if style and not _ELSEWHERE.search(selector):
                        sheet._add(selector.strip(), style, level, order, used)
        return sheet

    def style_of(self, tag: Tag) -> Mapping[str, str]:
        said = tag.get("style")
        own, own_strong = declarations(str(said)) if said else ({}, {})
        if not self.rules:
            return own | own_strong if own_strong else own
        merged: dict[str, str] = {}
        applied = self._alike_to(tag)
        if any(rule.around for rule in applied):
            around = self._around(tag.parent)
            applied = [rule for rule in applied if rule.needs <= around and (not rule.around or rule.stands_in(tag))]
        for rule in (rule for rule in applied if rule.rank[0] < _STRONG):
            merged |= rule.style
        merged |= own
        for rule in (rule for rule in applied if rule.rank[0] >= _STRONG):
            merged |= rule.style
        return merged | own_strong

    def _alike_to(self, tag: Tag) -> list[_Rule]:
        """The weakest first."""
        names = {*classes(tag)}
        looks = tag.name, tag.get("id"), frozenset(names), frozenset(tag.attrs)
        if looks not in self._alike:
            keys = [tag.name, *(f".{name}" for name in names), f"#{tag.get('id') or ''}"]
            rules = [rule for key in keys for rule in self.rules.get(key, ()) if rule.own.fits(tag)]
            self._alike[looks] = sorted(rules, key=lambda rule: rule.rank)
        return self._alike[looks]

    def _around(self, tag: Tag | None) -> frozenset[str]:
        """Names, ids and classes of an element and of those that it stands in."""
        unknown: list[Tag] = []
        while tag is not None and id(tag) not in self._above:
            unknown.append(tag)
            tag = tag.parent
        known = self._above[id(tag)] if tag is not None else frozenset[str]()
        for inner in reversed(unknown):
            own = {inner.name, f"#{inner.get('id') or ''}", *(f".{name}" for name in classes(inner))}
            known = known if own <= known else known | own
            self._above[id(inner)] = known
        return known

    def _add(self, selector: str, style: Mapping[str, str], level: int, order: int, used: Set[str]) -> None:
        *outer, last = _compounds(selector)
        own = _Compound.of(last[0])
        around = [(_Compound.of(text), is_next) for text, is_next in _from_the_inside(outer, last)]
        if own is None or any(compound is None for compound, _ in around) or last[1] in ("+", "~"):
            own, around = _Compound.of(re.sub(r":not\([^)]*\)|\[[^\]]*\]|:[\w-]+(\([^)]*\))?", "", last[0])), []
            style, level = _showing(style), level + 1
        if own is None or not own.key or not style:
            return
        known = tuple((compound, is_next) for compound, is_next in around if compound)
        if not all(part.ids <= used and part.classes <= used for part in (own, *(part for part, _ in known))):
            return
        ids = len(own.ids) + sum(len(compound.ids) for compound, _ in known)
        parts = [own, *(compound for compound, _ in known)]
        names = sum(100 * (len(part.classes) + len(part.attributes)) + bool(part.tag) for part in parts)
        needs = frozenset(name for compound, _ in known for name in compound.names)
        self.rules.setdefault(own.key, []).append(_Rule((level, ids, names, order), own, known, needs, style))


def _compounds(selector: str) -> list[tuple[str, str]]:
    """The parts of a selector, each with what joins it to the one before: " ", ">", "+", "~"; "" for the first."""
    pieces = [""]
    joined = [""]
    at = 0
    for found in _STEPS.finditer(selector):
        pieces[-1] = selector[at : found.start()]
        pieces.append("")
        joined.append(found[1] or " ")
        at = found.end()
    pieces[-1] = selector[at:]
    return list(zip(pieces, joined, strict=True))


def _from_the_inside(outer: list[tuple[str, str]], last: tuple[str, str]) -> Iterator[tuple[str, bool]]:
    """What stands around the last part, the nearest first, and whether right around; siblings as what fits nothing."""
    inner = last
    for text, joined in reversed(outer):
        yield ("" if inner[1] in (" ", ">") else "!") + text, inner[1] == ">"
        inner = text, joined


def _showing(style: Mapping[str, str]) -> Mapping[str, str]:
    shows = {"display": ("none",), "visibility": ("hidden", "collapse")}
    return {name: value for name, value in style.items() if name in shows and value not in shows[name]}


def _holds(kind: str, condition: str) -> bool:
    """Whether a group of rules holds on a screen of usual size."""
    if kind != "media":
        return kind == "layer" or (kind == "supports" and not condition.strip().lower().startswith("not"))
    return is_for_screens(condition)


def is_for_screens(media: str) -> bool:
    """Whether what is said of `media` fits a screen of usual size; "" = it is for all."""
    return any(_is_usual(query.strip()) for query in media.lower().split(","))


def _is_usual(query: str) -> bool:
    rest = _WIDTH.sub("", query)
    for side, number, unit in _WIDTH.findall(query):
        width = float(number) * (1 if unit == "px" else 16)
        if (width > _WINDOW) if side == "min" else (width < _WINDOW):
            return False
    words = {*rest.split()} - {"and"}
    return words <= {"all", "screen", "only"}


def declarations(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The declarations that are not `!important`, and those that are."""
    weak: dict[str, str] = {}
    strong: dict[str, str] = {}
    if "/*" in text:
        text = _COMMENT.sub("", text)
    for declaration in text.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            value, important, _ = value.lower().partition("!important")
            (strong if important else weak)[name.strip().lower()] = value.strip()
    return weak, strong
