"""What Word's styles and numbering say of a paragraph: heading level, list marker, whether its text is hidden.

The text itself is in `docx_runs`, its order in `docx_blocks`.
"""

import re
from dataclasses import dataclass, field

from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.packages import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_HEADING = re.compile(r"heading ([1-9])$", re.I)
_MAX_DEPTH = 50
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def value(element: Element | None, name: str) -> str | None:
    """`w:val` of a child of an element's properties, None where there is no such child."""
    child = None if element is None else element.find(W + name)
    return None if child is None else child.get(W + "val", "")


def is_on(element: Element | None, name: str) -> bool | None:
    """Whether a toggle such as `w:vanish` is set; None where nothing is said of it."""
    found = value(element, name)
    return None if found is None else found not in ("0", "false", "off", "none")


@dataclass(slots=True)
class Style:
    based_on: str | None = None
    level: int | None = None
    numbering: tuple[str, int] | None = None
    hidden: bool | None = None
    shaded: bool = False


class Styles:
    """The styles of a document, inheritance followed."""

    def __init__(self, root: Element | None) -> None:
        self._styles: dict[str, Style] = {}
        self.default_paragraph = ""
        for element in () if root is None else root.iter(W + "style"):
            name = element.get(W + "styleId", "")
            self._styles[name] = _style(element)
            if element.get(W + "type") == "paragraph" and element.get(W + "default") in ("1", "true", "on"):
                self.default_paragraph = name

    def level(self, name: str | None) -> int | None:
        return next((style.level for style in self._chain(name) if style.level is not None), None)

    def numbering(self, name: str | None) -> tuple[str, int] | None:
        return next((style.numbering for style in self._chain(name) if style.numbering), None)

    def is_hidden(self, name: str | None) -> bool:
        return next((style.hidden for style in self._chain(name) if style.hidden is not None), False)

    def is_shaded(self, name: str | None) -> bool:
        return any(style.shaded for style in self._chain(name))

    def _chain(self, name: str | None) -> list[Style]:
        chain: list[Style] = []
        while name and name in self._styles and len(chain) < _MAX_DEPTH:
            chain.append(self._styles[name])
            name = chain[-1].based_on
        return chain


def _style(element: Element) -> Style:
    paragraph, run = element.find(W + "pPr"), element.find(W + "rPr")
    name = value(element, "name") or ""
    heading = _HEADING.match(name)
    level = 1 if name.lower() == "title" else int(heading[1]) if heading else outline_level(paragraph)
    shaded = any(part is not None and part.find(W + "shd") is not None for part in (paragraph, run))
    return Style(value(element, "basedOn"), level, numbering_of(paragraph), is_on(run, "vanish"), shaded)


def outline_level(properties: Element | None) -> int | None:
    level = whole_number(value(properties, "outlineLvl"), -1)
    return level + 1 if 0 <= level < 9 else None


def numbering_of(properties: Element | None) -> tuple[str, int] | None:
    """List and level of a paragraph; list "0" means: none, although its style has one."""
    found = None if properties is None else properties.find(W + "numPr")
    if found is None:
        return None
    return value(found, "numId") or "", whole_number(value(found, "ilvl"), 0)


@dataclass(slots=True)
class _Level:
    format: str = "decimal"
    text: str = "%1."
    start: int = 1


@dataclass(slots=True)
class Numbering:
    """Counts a document's lists and gives each item the marker that Word shows."""

    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict[str, dict[int, _Level]])
    _abstract: dict[str, str] = field(default_factory=dict[str, str])
    _counts: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])

    @classmethod
    def read(cls, root: Element | None) -> "Numbering":
        numbering = cls()
        for element in () if root is None else root.iter(W + "abstractNum"):
            levels = {whole_number(level.get(W + "ilvl"), 0): _level(level) for level in element.iter(W + "lvl")}
            numbering._levels[element.get(W + "abstractNumId", "")] = levels
        for element in () if root is None else root.iter(W + "num"):
            numbering._abstract[element.get(W + "numId", "")] = value(element, "abstractNumId") or ""
        return numbering

    def marker(self, list_id: str, depth: int) -> str:
        """The marker of the next item of a list; "" where the list shows none."""
        abstract = self._abstract.get(list_id)
        if abstract is None:
            return ""
        levels = self._levels.get(abstract, {})
        level = levels.get(depth, _Level("bullet", "•"))
        counts = self._counts.setdefault(abstract, {})
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        if level.format == "none":
            return ""
        if level.format == "bullet":
            return _bullet(level.text)
        return re.sub(r"%([1-9])", lambda match: _counted(levels, counts, int(match[1]) - 1), level.text)


def _level(element: Element) -> _Level:
    text = value(element, "lvlText")
    start = whole_number(value(element, "start"), 1)
    return _Level(value(element, "numFmt") or "decimal", "" if text is None else text, start)


def _bullet(text: str) -> str:
    """Bullets come from symbol fonts, whose code points mean nothing outside them."""
    return text if text and not any("\ue000" <= character <= "\uf8ff" for character in text) else "•"


def _counted(levels: dict[int, _Level], counts: dict[int, int], depth: int) -> str:
    level = levels.get(depth, _Level())
    return _number(counts.get(depth, level.start), level.format)


def _number(number: int, style: str) -> str:
    if style in ("lowerLetter", "upperLetter") and number > 0:
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters.upper() if style == "upperLetter" else letters
    if style in ("lowerRoman", "upperRoman"):
        return roman(number).upper() if style == "upperRoman" else roman(number)
    if style == "decimalZero":
        return f"{number:02}"
    return str(number)


def roman(number: int) -> str:
    written = ""
    for worth, digits in _ROMAN:
        written += digits * (number // worth if number < 10_000 else 0)
        number %= worth
    return written
