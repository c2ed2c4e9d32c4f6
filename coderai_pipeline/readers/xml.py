"""XML of any vocabulary (TEI, JATS, DocBook, feeds, translations, data) -> document: its text without tags, blocks apart.

Attributes are no text. Which elements stand within a line is told in `xml_names`; pages and drawings are read by `html`.
"""

import re
from dataclasses import dataclass, field
from html import escape
from html.entities import html5
from typing import Any

from lxml import etree

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers import html
from coderai_pipeline.readers import text as plain
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions
from coderai_pipeline.readers.building import CELL, TextBuilder
from coderai_pipeline.readers.encodings import Decoded, decode
from coderai_pipeline.readers.packages import Element, damaged, is_element
from coderai_pipeline.readers.table_rows import without_trailing_empty
from coderai_pipeline.readers.text import cleaned
from coderai_pipeline.readers.xml_names import (
    CELLS,
    FEEDS,
    HEADINGS,
    LEFT_OUT,
    NOTES,
    PARTS,
    ROWS,
    SECTIONS,
    TABLES,
    VERBATIM,
    gap_of,
    is_inline,
    is_mixed,
    local_name,
    stated,
)

_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_ENTITY = re.compile(r"<!\[CDATA\[.*?\]\]>|&([A-Za-z][A-Za-z0-9]*;)", re.S)
_OWN = ("amp;", "lt;", "gt;", "quot;", "apos;")
_BLANK = re.compile(r"[ \t\n\r\f]+")
_PAGE = re.compile(
    r"</?(p|br|a|div|img|b|i|em|strong|span|ul|ol|li|h[1-6]|table|blockquote|figure)\b[^<>]*>|&#?\w+;", re.I
)
_MAX_HEADING = 300
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def read(data: bytes, options: ReadOptions) -> Content:
    decoded = decode(data, html.declared_encoding(data))
    text, warnings = cleaned(decoded.text)
    root, fault = _parsed(text)
    if root is None:
        content = plain.read(data, options)
        content.warnings.append("looks like XML, but is none; read as it stands, with its tags")
        return content
    if local_name(root) in ("html", "svg"):
        return html.read(data, options)
    builder = TextBuilder([decoded.warning] * bool(decoded.warning) + warnings, stated(root))
    walk = _Walk(builder, options if local_name(root) in FEEDS else None)
    walk.element(root, f"/{local_name(root)}")
    if walk.lost:
        builder.warnings.append(f"{walk.lost} references to entities that the file does not spell out were left out")
    content = builder.content(
        "holds no text between its tags; save what it holds in attributes as a table (.csv, .xlsx)"
    )
    if fault and not content.status.is_readable:
        raise damaged(f"its XML, at line {fault}")
    if fault:
        content.status = DocumentStatus.PARTIAL
        content.reason = (
            f"its XML is damaged at line {fault}, so text may be missing; copy it again from where it came from"
        )
    return content


def _parsed(text: str) -> tuple[Element | None, int]:
    """The root of what could be understood, None where that is nothing, and the line of the first damage (0 = none)."""
    bare = _DECLARATION.sub("", text, count=1)
    own = bare[: bare.find("]>") + 1] if "<!ENTITY" in bare else ""
    bare = _ENTITY.sub(lambda found: (found[1] and _character(found[1], own)) or found[0], bare)
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_pis=True, remove_comments=True,
        recover=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(bare.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None, 0
    return root, next((error.line for error in parser.error_log if error.level == etree.ErrorLevels.FATAL), 0)


def _character(name: str, own: str) -> str:
    """What a name of HTML stands for, where a file does not give it a meaning of its own: vocabularies share those names."""
    return "" if name in _OWN or f" {name[:-1]} " in own else escape(html5.get(name, ""))


def _own_entities(element: Element) -> dict[str, str]:
    """What the file itself says of its entities; "" for those that stand in other files, which are never opened."""
    types: Any = element.getroottree().docinfo.internalDTD
    return {} if types is None else {str(one.name): str(one.content or "") for one in types.iterentities()}


@dataclass(slots=True)
class _Walk:
    builder: TextBuilder
    feed: ReadOptions | None
    """Texts of a feed are pages, read by these options; None = it is no feed."""
    lost: int = 0
    _fresh: bool = True
    """Nothing stands on this line yet."""
    _space: bool = False
    _in_cell: bool = False
    _sections: int = 0
    _notes: list[tuple[Element, str]] = field(default_factory=list[tuple[Element, str]])
    """Notes of the paragraph that is being read, which follow it."""
    _rows: list[Span] = field(default_factory=list[Span])
    _header: Span | None = None
    _entities: dict[str, str] | None = None

    def element(self, element: Element, path: str) -> None:
        """An element that stands on lines of its own."""
        name = local_name(element)
        if name in LEFT_OUT:
            return
        self._separate(gap_of(element))
        start = self.builder.here()
        self._sections += name in SECTIONS
        if name in VERBATIM or element.get(_SPACE) == "preserve":
            self.builder.add("".join(map(str, element.itertext())).strip("\n"), path)
        elif name in ROWS and any(local_name(child) in CELLS for child in element) and not self._in_cell:
            self._row(element, path)
        elif self.feed and not len(element) and _PAGE.search(element.text or ""):
            self._page(element.text or "", path, self.feed)
        else:
            self.children(element, path)
        self._sections -= name in SECTIONS
        self._finish(name, start)
        self._separate(gap_of(element))
        if not self._in_cell:
            self._write_notes()

    def children(self, element: Element, path: str) -> None:
        mixed = is_mixed(element)
        self._text(element.text, path)
        counts: dict[str, int] = {}
        for child in element:
            if is_element(child):
                name = local_name(child)
                counts[name] = counts.get(name, 0) + 1
                self._child(child, f"{path}/{name}[{counts[name]}]", mixed=mixed)
            else:
                self._entity(child, path)
            self._text(child.tail, path)

    def _child(self, child: Element, path: str, *, mixed: bool) -> None:
        name = local_name(child)
        if mixed and name in NOTES:
            self._notes.append((child, path))
        elif is_inline(child, mixed=mixed):
            self._space |= name in PARTS and not mixed
            self.children(child, path)
        else:
            self.element(child, path)

    def _entity(self, entity: Element, path: str) -> None:
        """Only what the file itself says an entity is, and only where that is plain text."""
        if self._entities is None:
            self._entities = _own_entities(entity)
        said = self._entities.get((entity.text or "")[1:-1])
        if said and not set(said) & {"&", "<", "%"}:
            self._text(said, path)
        else:
            self.lost += 1

    def _text(self, text: str | None, path: str) -> None:
        core = _BLANK.sub(" ", text or "")
        if not core.strip(" "):
            self._space |= bool(core)
            return
        start = " " if (self._space or core[0] == " ") and not self._fresh else ""
        self._space = core.endswith(" ")
        self.builder.add(start + core.strip(" "), path)
        self._fresh = False

    def _separate(self, gap: str) -> None:
        if self._in_cell:
            self._space = True
            return
        self.builder.separate(gap)
        self._fresh, self._space = True, False

    def _row(self, row: Element, path: str) -> None:
        cells = [child for child in row if is_element(child)]
        cells = without_trailing_empty(cells, lambda cell: not "".join(map(str, cell.itertext())).strip())
        self._in_cell = True
        for number, cell in enumerate(cells, 1):
            if number > 1:
                self.builder.join(CELL)
            self._fresh, self._space = True, False
            self.children(cell, f"{path}/{local_name(cell)}[{number}]")
        self._in_cell = False

    def _page(self, text: str, path: str, options: ReadOptions) -> None:
        try:
            content = html.read_page(Decoded(text, "utf-8"), options)
        except NotReadable:
            content = Content("")
        content.metadata = {}
        self.builder.include(content, path)

    def _finish(self, name: str, start: int) -> None:
        span = Span(min(start, self.builder.length), self.builder.length)
        if name in HEADINGS and not self._in_cell and span.end - span.start <= _MAX_HEADING:
            self.builder.heading(span, min(self._sections + 1, 6))
        elif name in ROWS and span.end > span.start:
            self._rows.append(span)
        elif name == "thead" and self._rows:
            self._header = self._rows[0]
        elif name in TABLES and self._rows and not self._in_cell:
            self.builder.table(Span(self._rows[0].start, self._rows[-1].end), self._header)
            self._rows, self._header = [], None

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note, path in notes:
            self.element(note, path)
