"""What Word's styles say of a paragraph: heading level, list, whether its text is hidden.

The text itself is in `docx_runs`, its order in `docx_blocks`, list markers in `docx_numbering`.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.packages import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_HEADING = re.compile(r"heading ([1-9])$", re.I)
_MAX_DEPTH = 50
PATTERN = "pattern"
_LEAST_CONTRAST = 12
"""Of red, green or blue, 0-255."""

ListItem: TypeAlias = tuple[str | None, int | None]
"""List and level of a paragraph; None = not said."""


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
    numbering: ListItem = (None, None)
    hidden: bool | None = None
    colour: str | None = None
    half_points: int | None = None
    ground: str | None = None


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

    def numbering(self, name: str | None) -> ListItem:
        """List and level by style; each may be said by another style that this one is based on."""
        items = [style.numbering for style in self._chain(name)]
        list_id = next((list_id for list_id, _ in items if list_id is not None), None)
        return list_id, next((depth for _, depth in items if depth is not None), None)

    def is_hidden(self, name: str | None) -> bool:
        return next((style.hidden for style in self._chain(name) if style.hidden is not None), False)

    def colour(self, name: str | None) -> str | None:
        return next((style.colour for style in self._chain(name) if style.colour is not None), None)

    def half_points(self, name: str | None) -> int | None:
        return next((style.half_points for style in self._chain(name) if style.half_points is not None), None)

    def ground(self, name: str | None) -> str | None:
        return next((style.ground for style in self._chain(name) if style.ground is not None), None)

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
    return Style(
        value(element, "basedOn"),
        level,
        numbering_of(paragraph),
        is_on(run, "vanish"),
        value(run, "color"),
        half_points(run),
        ground(run) or ground(paragraph),
    )


def half_points(properties: Element | None) -> int | None:
    """Size of letters; None where it is not said."""
    size = value(properties, "sz")
    return None if size is None else whole_number(size, 99)


def ground(properties: Element | None) -> str | None:
    """Colour behind the text as RRGGBB, PATTERN where it is not one colour; None where nothing is said of it."""
    if properties is None:
        return None
    if value(properties, "highlight") not in (None, "none"):
        return PATTERN
    shade = properties.find(W + "shd")
    if shade is None:
        return None
    kind, front, fill = (shade.get(W + name, "auto").upper() for name in ("val", "color", "fill"))
    if kind not in ("CLEAR", "NIL", "AUTO"):
        return front if kind == "SOLID" and front != "AUTO" else PATTERN
    return None if fill == "AUTO" else fill


def look_alike(one: str, other: str) -> bool:
    """Whether two colours, as RRGGBB, cannot be told apart."""
    try:
        pairs = list(zip(bytes.fromhex(one), bytes.fromhex(other), strict=True))
    except ValueError:
        return False
    return all(abs(first - second) < _LEAST_CONTRAST for first, second in pairs)


def outline_level(properties: Element | None) -> int | None:
    level = whole_number(value(properties, "outlineLvl"), -1)
    return level + 1 if 0 <= level < 9 else None


def numbering_of(properties: Element | None) -> ListItem:
    """List and level of a paragraph, None where it does not say; list "0" means: none, although its style has one."""
    found = None if properties is None else properties.find(W + "numPr")
    depth = value(found, "ilvl")
    return value(found, "numId"), None if depth is None else whole_number(depth, 0)
