"""Counts the lists of a Word file and gives each item the marker that Word shows.

Which list a paragraph belongs to is said by itself and by its style (`docx_styles`); how numbers are written, by `counting`.
"""

import re
from dataclasses import dataclass, field

from coderai_pipeline.readers.counting import counted
from coderai_pipeline.readers.docx_styles import Styles, W, is_on, value
from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.packages import Element

_DEPTHS = 9


@dataclass(frozen=True, slots=True)
class _Level:
    format: str = "decimal"
    text: str = "%1."
    start: int = 1
    style: str = ""
    """The paragraph style whose paragraphs stand on this level."""
    restarts_after: int | None = None
    """Counts anew only after items of fewer levels than this; None = after any that is less deep."""
    legal: bool = False
    """All numbers in Arabic digits."""


@dataclass(slots=True)
class Numbering:
    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict[str, dict[int, _Level]])
    """Of each list (w:num), what its abstract list says and it overrides."""
    _abstract: dict[str, str] = field(default_factory=dict[str, str])
    """List -> what it shares its count with."""
    _starts: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """List and level -> the number at which the list begins anew on its first item; taken out once used."""
    _counts: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])

    @classmethod
    def read(cls, root: Element | None, styles: Styles) -> "Numbering":
        numbering = cls()
        if root is None:
            return numbering
        abstracts = {element.get(W + "abstractNumId", ""): element for element in root.iter(W + "abstractNum")}
        lists = {element.get(W + "numId", ""): element for element in root.iter(W + "num")}
        for list_id, element in lists.items():
            abstract = _resolved(value(element, "abstractNumId") or "", abstracts, lists, styles)
            numbering._abstract[list_id] = abstract
            numbering._levels[list_id] = _levels(abstracts.get(abstract))
            numbering._override(list_id, element)
        return numbering

    def depth(self, list_id: str, style: str) -> int | None:
        """The level of a list that a paragraph style is bound to."""
        return next((depth for depth, level in self._levels.get(list_id, {}).items() if level.style == style), None)

    def marker(self, list_id: str, depth: int) -> str:
        """The marker of the next item of a list; "" where the list shows none."""
        abstract = self._abstract.get(list_id)
        if abstract is None or not 0 <= depth < _DEPTHS:
            return ""
        levels = self._levels[list_id]
        level = levels.get(depth, _Level("bullet", "•"))
        counts = self._count(list_id, abstract, depth, level)
        if level.format == "none":
            return ""
        if level.format == "bullet":
            return _bullet(level.text)
        return re.sub(r"%([1-9])", lambda found: _shown(levels, counts, int(found[1]) - 1, level.legal), level.text)

    def _count(self, list_id: str, abstract: str, depth: int, level: _Level) -> dict[int, int]:
        counts = self._counts.setdefault(abstract, {})
        start = self._starts.pop((list_id, depth), None)
        counts[depth] = counts.get(depth, level.start - 1) + 1 if start is None else start
        for deeper in [other for other in counts if other > depth]:
            after = self._levels[list_id].get(deeper, _Level()).restarts_after
            if after is None or depth < after:
                del counts[deeper]
        return counts

    def _override(self, list_id: str, element: Element) -> None:
        for override in element.iter(W + "lvlOverride"):
            depth = whole_number(override.get(W + "ilvl"), 0)
            if (level := override.find(W + "lvl")) is not None:
                self._levels[list_id] = self._levels[list_id] | {depth: _level(level)}
            if (start := value(override, "startOverride")) is not None:
                self._starts[list_id, depth] = whole_number(start, 1)


def _resolved(abstract: str, abstracts: dict[str, Element], lists: dict[str, Element], styles: Styles) -> str:
    """An abstract list may only name a numbering style, whose own list has the levels."""
    link = value(abstracts.get(abstract), "numStyleLink")
    target = styles.numbering(link)[0] if link else None
    return value(lists.get(target or ""), "abstractNumId") or abstract


def _levels(abstract: Element | None) -> dict[int, _Level]:
    found = () if abstract is None else abstract.iter(W + "lvl")
    return {whole_number(level.get(W + "ilvl"), 0): _level(level) for level in found}


def _level(element: Element) -> _Level:
    restart = value(element, "lvlRestart")
    return _Level(
        value(element, "numFmt") or "decimal",
        value(element, "lvlText") or "",
        whole_number(value(element, "start"), 1),
        value(element, "pStyle") or "",
        None if restart is None else whole_number(restart, 0),
        bool(is_on(element, "isLgl")),
    )


def _bullet(text: str) -> str:
    """Bullets come from symbol fonts, whose code points mean nothing outside them. A blank one sets a paragraph in."""
    if text and not text.strip():
        return ""
    return text if text and not any("\ue000" <= character <= "\uf8ff" for character in text) else "•"


def _shown(levels: dict[int, _Level], counts: dict[int, int], depth: int, legal: bool) -> str:
    level = levels.get(depth, _Level())
    return counted(counts.get(depth, level.start), "decimal" if legal else level.format)
