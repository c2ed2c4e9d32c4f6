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

    def numbering(self, name: str | None) -> ListItem:
        """List and level by style; each may be said by another style that this one is based on."""
        items = [style.numbering for style in self._chain(name)]
        list_id = next((list_id for list_id, _ in items if list_id is not None), None)
        return list_id, next((depth for _, depth in items if depth is not None), None)

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


def numbering_of(properties: Element | None) -> ListItem:
    """List and level of a paragraph, None where it does not say; list "0" means: none, although its style has one."""
    found = None if properties is None else properties.find(W + "numPr")
    depth = value(found, "ilvl")
    return value(found, "numId"), None if depth is None else whole_number(depth, 0)
