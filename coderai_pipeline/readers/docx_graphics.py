"""The words of what is drawn in a Word file: SmartArt, charts, shapes and WordArt, as a text box of plain paragraphs.

Where they stand is in `docx_blocks`, the parts of the file that hold their data are found by `docx_links`.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator

from lxml import etree

from coderai_pipeline.readers.docx_styles import W
from coderai_pipeline.readers.packages import Element, text_children

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
_D = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = _D + "relIds"
_WORD_ART = "{urn:schemas-microsoft-com:vml}textpath"
_CHARTS = (_C + "chart", _CX + "chart")

GRAPHICS = frozenset((_DIAGRAM, *_CHARTS, _WORD_ART, _A + "txBody"))
"""Elements within a paragraph that stand for a drawing with words."""
_MAX_POINTS = 5000
_MAX_NAMES = 200


def drawn_box(element: Element, part: Callable[[str], Element | None]) -> Element:
    """A drawing's words as a `w:txbxContent`. part: relation id -> the root of the part that it leads to, if any."""
    return _box(line for line in _words(element, part) if line.strip())


def _words(element: Element, part: Callable[[str], Element | None]) -> Iterable[str]:
    if element.tag == _WORD_ART:
        return [element.get("string", "")]
    if element.tag not in (_DIAGRAM, *_CHARTS):
        return _paragraphs(element)
    root = part(element.get(_R + ("dm" if element.tag == _DIAGRAM else "id"), ""))
    if root is None:
        return ()
    return _diagram(root) if element.tag == _DIAGRAM else _chart(root)


def _diagram(root: Element) -> Iterator[str]:
    """The nodes of a SmartArt, each before those below it, in the order that its connections say."""
    points = {point.get("modelId", ""): point for point in root.iter(_D + "pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    for link in root.iter(_D + "cxn"):
        if link.get("type", "parOf") == "parOf" and link.get("destId", "") in points:
            order = link.get("srcOrd", "")
            child = int(order) if order.isdecimal() and len(order) < 10 else 0, link.get("destId", "")
            below.setdefault(link.get("srcId", ""), []).append(child)
    tops = [name for name, point in points.items() if point.get("type") == "doc"]
    waiting = [*reversed(points), *reversed(tops)]  # those that nothing leads to come last
    seen: set[str] = set()
    while waiting and len(seen) < _MAX_POINTS:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [child for _, child in sorted(below.get(name, ()), reverse=True)]
            yield from _paragraphs(points[name])


def _chart(root: Element) -> Iterator[str]:
    """Titles first, then the names of series and categories, each once: what a chart shows in words."""
    yield from _paragraphs(root)
    words = (
        (value.text or "").strip() for cache in _caches(root) for value in cache.iter(_C + "v", _CX + "v", _CX + "pt")
    )
    yield ", ".join(itertools.islice(dict.fromkeys(word for word in words if word), _MAX_NAMES))


def _caches(root: Element) -> Iterator[Element]:
    """What a chart keeps of the cells that name its series and categories; dates are kept there as mere numbers."""
    for named in root.iter(_C + "tx", _C + "cat", _CX + "tx", _CX + "strDim"):
        numbers = named.find(f"{_C}numRef/{_C}numCache")
        if numbers is None or numbers.findtext(_C + "formatCode", "General") in ("General", "0"):
            yield named


def _paragraphs(element: Element) -> Iterator[str]:
    for paragraph in element.iter(_A + "p"):
        pieces = ("\n" if piece.tag == _A + "br" else "".join(text_children(piece)) for piece in _pieces(paragraph))
        yield "".join(pieces)


def _pieces(paragraph: Element) -> Iterator[Element]:
    return paragraph.iter(_A + "t", _A + "br")


def _box(lines: Iterable[str]) -> Element:
    box = etree.Element(W + "txbxContent")
    for line in lines:
        run = etree.SubElement(etree.SubElement(box, W + "p"), W + "r")
        for number, text in enumerate(line.split("\n")):
            if number:
                etree.SubElement(run, W + "br")
            etree.SubElement(run, W + "t").text = text
    return box
