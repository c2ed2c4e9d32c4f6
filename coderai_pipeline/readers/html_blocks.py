"""Walks a web page's elements and writes their text: blocks apart, lists with markers, tables in rows.

One loop with its own stack, since pages can be nested deeper than Python's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PageElement, Tag

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers.building import LINE, PARAGRAPH, TextBuilder
from coderai_pipeline.readers.html_hidden import Ground, Visibility
from coderai_pipeline.readers.html_lists import LISTS, ItemMarkers
from coderai_pipeline.readers.html_math import formula
from coderai_pipeline.readers.html_tables import DataTable
from coderai_pipeline.readers.symbols import raised

_ABSENT = frozenset((
    "script", "style", "template", "noscript", "head", "title", "meta", "link", "iframe", "object", "embed",
    "canvas", "audio", "video", "param", "source", "track", "rt", "rtc", "rp", "datalist", "map", "area", "noframes",
    "desc", "metadata", "defs", "symbol", "clippath", "mask", "meter", "progress",
))  # fmt: skip
_WITHOUT_SCRIPTS = frozenset(("noscript", "template", "object"))
"""What a browser shows that runs no scripts and opens no other files."""
_PARAGRAPHS = frozenset((
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol", "dl", "section", "article",
    "header", "footer", "main", "nav", "aside", "figure", "form", "fieldset", "hr", "details", "address", "center",
    "dialog", "hgroup", "search", "menu",
))  # fmt: skip
_LINES = frozenset((
    "div", "li", "dt", "dd", "tr", "br", "caption", "figcaption", "summary", "legend", "body", "html", "td", "th",
    "textarea", "text",
))  # fmt: skip
_BLOCKS = frozenset(("block", "flex", "grid", "list-item", "table", "table-row", "flow-root", "-webkit-box"))
"""Values of `display` that put any element on lines of its own."""
_IN_A_ROW = frozenset(("flex", "grid", "inline-flex", "inline-grid", "-webkit-box", "table-row"))
"""Values of `display` that set an element's children apart, without a space between them in the file."""
_DRAWN = frozenset(("text", "g", "a", "switch", "foreignobject", "svg"))
"""Parts of a drawing (SVG) in which words can stand."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLANK = re.compile(r"[ \t\n\r\f]+")
_TYPED = frozenset((
    "", "text", "search", "email", "tel", "url", "number", "date", "datetime-local", "month", "time", "submit",
    "button", "reset",
))  # fmt: skip


@dataclass(slots=True)
class _Open:
    """An element whose children are being walked."""

    tag: Tag
    children: Iterator[PageElement]
    path: str
    why: str
    ground: Ground
    only: bool
    style: Mapping[str, str] = field(default_factory=dict[str, str])
    keeps_lines: bool = False
    """Line ends in its text are shown, although it is no `pre`."""
    in_a_row: bool = False
    """It is set apart from its neighbours by their parent's style."""
    start: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class Page:
    builder: TextBuilder
    visibility: Visibility
    data_tables: set[int]
    """ids of the tables that hold data."""
    formulas: set[int] = field(default_factory=set[int])
    """ids of the elements that are formulas in MathML or hold one."""
    without_scripts: bool = False
    """Show what stands in a page for browsers that run no scripts."""
    _fresh: bool = True
    """Nothing stands on this line yet."""
    _space: bool = False
    _marker: str = ""
    _lists: list[ItemMarkers] = field(default_factory=list[ItemMarkers])
    _pre: int = 0
    _breaks: int = 0
    _tables: list[DataTable | None] = field(default_factory=list["DataTable | None"])

    def write(self, soup: BeautifulSoup, only: set[int] | None = None) -> None:
        """only: ids of the elements whose own text is wanted; None = all of the page."""
        stack = [_Open(soup, iter(soup.contents), "", "", Ground(), only is None)]
        while stack:
            top = stack[-1]
            child = next(top.children, None)
            if child is None:
                self._leave(stack.pop())
            elif isinstance(child, Tag):
                path = self._path(top, child)
                if self._is_absent(child, top.tag):
                    continue
                opened = self._opened(child, top, path)
                opened.only = only is None or id(child) in only
                self._enter(opened)
                stack.append(opened)
            elif top.only and type(child) in (NavigableString, CData):
                text = raised(str(child)) if top.tag.name == "sup" else str(child)
                if top.keeps_lines and not self._pre:
                    self._lines(text, top.path, top.why)
                else:
                    self._text(text, top.path, top.why)

    def _opened(self, tag: Tag, parent: _Open, path: str) -> _Open:
        look = self.visibility.look(tag, parent.ground)
        white_space = look.style.get("white-space", "")
        return _Open(
            tag,
            iter(_in_shown_order(tag)),
            path,
            look.why,
            look.ground,
            parent.only,
            look.style,
            white_space.startswith(("pre", "break-spaces")) if white_space else parent.keeps_lines,
            parent.style.get("display") in _IN_A_ROW,
        )

    def _is_absent(self, tag: Tag, parent: Tag) -> bool:
        if self.without_scripts and tag.name in _WITHOUT_SCRIPTS:
            return False
        if tag.name in _ABSENT or (parent.name in ("svg", "g") and tag.name not in _DRAWN):
            return True
        neighbours = (tag.find_previous_sibling, tag.find_next_sibling)
        # What is drawn beside a formula that screen readers are told is that formula once more.
        return tag.get("aria-hidden") == "true" and any(id(one()) in self.formulas for one in neighbours)

    def _path(self, parent: _Open, tag: Tag) -> str:
        number = parent.counts[tag.name] = parent.counts.get(tag.name, 0) + 1
        return f"{parent.path}/{tag.name}" if tag.name in ("html", "body") else f"{parent.path}/{tag.name}[{number}]"

    def _enter(self, opened: _Open) -> None:
        name = opened.tag.name
        self._separate_for(opened)
        opened.start = self.builder.here()
        if name == "table":
            self._tables.append(DataTable() if id(opened.tag) in self.data_tables else None)
        elif name in LISTS:
            self._lists.append(ItemMarkers.of(opened.tag, opened.style, counts_itself=self.visibility.counts_itself))
        elif name == "li" and self._lists:
            self._marker = "  " * (len(self._lists) - 1) + self._lists[-1].next(opened.tag, opened.style)
            self._marker = self._marker if self._marker.strip() else ""
        elif name == "pre" or name == "textarea":
            self._pre += 1
        elif name == "tr" and self._table:
            self._table.begin_row(
                self.builder, in_head=opened.tag.parent is not None and opened.tag.parent.name == "thead"
            )
        elif name in ("td", "th") and self._table:
            self._table.begin_cell(opened.tag)
        elif name in ("input", "option") and opened.only:
            self._field(opened)
        elif name == "math":
            opened.children = iter(())
            if opened.only:
                self._text(formula(opened.tag), opened.path, opened.why)
        elif name == "q" and opened.only:
            self._text("“", opened.path, opened.why)

    def _leave(self, closed: _Open) -> None:
        name = closed.tag.name
        if name in _HEADINGS and not self._table:
            self.builder.heading(Span(min(closed.start, self.builder.length), self.builder.length), _HEADINGS[name])
        elif name == "table" and self._tables:
            table = self._tables.pop()
            if table:
                table.finish(self.builder)
        elif name in LISTS and self._lists:
            self._lists.pop()
        elif name == "li":
            self._marker = ""
        elif name == "pre" or name == "textarea":
            self._pre -= 1
        elif name == "tr" and self._table:
            self.builder.separate(LINE)
            self._table.end_row(self.builder)
        elif name in ("td", "th") and self._table:
            self._table.end_cell()
        elif name == "q" and closed.only:
            self._put("”", closed.path, closed.why)
        if name != "br":
            self._separate_for(closed)

    @property
    def _table(self) -> DataTable | None:
        return self._tables[-1] if self._tables else None

    def _separate_for(self, element: _Open) -> None:
        tag, name = element.tag, element.tag.name
        on_lines = name in _LINES or (name not in _PARAGRAPHS and element.style.get("display") in _BLOCKS)
        self._breaks = self._breaks + 1 if name == "br" else 0 if on_lines else self._breaks
        in_list = bool(self._lists) and tag.find_parent(LISTS) is not None
        if name in _PARAGRAPHS and not in_list:
            self._separate(PARAGRAPH)
        elif name in _PARAGRAPHS or on_lines:
            self._separate(PARAGRAPH if self._breaks > 1 else LINE)
        elif name in ("option", "button") or element.in_a_row or element.style.get("display") == "table-cell":
            self._space = True

    def _separate(self, gap: str) -> None:
        if self._table and self._table.in_cell:
            self._space = True
            return
        if not self._marker:
            self.builder.separate(gap)
        self._fresh, self._space = True, False

    def _text(self, text: str, path: str, why: str) -> None:
        text = text.replace("\xad", "")
        if self._pre and not (self._table and self._table.in_cell):
            self._preformatted(text, path, why)
            return
        core = _BLANK.sub(" ", text)
        if not core.strip(" "):
            self._space |= bool(core)
            return
        if core[0] == " " or self._space:
            core = core.lstrip(" ") if self._fresh else " " + core.lstrip(" ")
        self._space = core.endswith(" ")
        self._put(core.rstrip(" "), path, why)

    def _lines(self, text: str, path: str, why: str) -> None:
        """Text whose line ends are shown, and its other white space is not."""
        if not text.strip():
            self._text(text, path, why)
            return
        for number, line in enumerate(text.split("\n")):
            if number:
                self._separate(LINE if line.strip() else PARAGRAPH)
            self._text(line, path, why)

    def _preformatted(self, text: str, path: str, why: str) -> None:
        body = text.strip("\n") if self._fresh else text.rstrip("\n")
        if body:
            self._put(body, path, why)
        if text.endswith("\n"):
            self.builder.separate(LINE)

    def _put(self, text: str, path: str, why: str) -> None:
        self._breaks = 0
        if self._table and self._table.in_cell:
            self._table.add(text, path, why)
        else:
            self.builder.add(self._marker + text, path, why)
            self._marker = ""
        self._fresh = False

    def _field(self, opened: _Open) -> None:
        """What a form shows: what is typed in, ticked, or chosen."""
        tag = opened.tag
        if tag.name == "option":
            chosen = tag.has_attr("selected") or (_is_first_option(tag) and not _has_selected(tag))
            if not chosen:
                opened.children = iter(())
            return
        kind = str(tag.get("type") or "").lower()
        if kind in ("checkbox", "radio"):
            self._text(" ☒ " if tag.has_attr("checked") else " ☐ ", opened.path, opened.why)
        elif kind in _TYPED:
            self._text(f" {tag.get('value') or ''} ", opened.path, opened.why)


def _in_shown_order(tag: Tag) -> list[PageElement]:
    """A table's foot is shown below its body, wherever it stands."""
    if tag.name != "table":
        return tag.contents
    return sorted(tag.contents, key=lambda child: isinstance(child, Tag) and child.name == "tfoot")


def _is_first_option(tag: Tag) -> bool:
    select = tag.find_parent("select")
    return select is not None and not select.has_attr("multiple") and select.find("option") is tag


def _has_selected(tag: Tag) -> bool:
    select = tag.find_parent("select")
    return select is None or select.find("option", selected=True) is not None
