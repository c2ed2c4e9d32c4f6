"""Walks a web page's elements and writes their text: blocks apart, lists with markers, tables in rows.

One loop with its own stack, since pages can be nested deeper than Python's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PageElement, Tag

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers.building import LINE, PARAGRAPH, TextBuilder
from coderai_pipeline.readers.counting import counted
from coderai_pipeline.readers.html_hidden import Ground, Visibility
from coderai_pipeline.readers.html_math import formula
from coderai_pipeline.readers.html_tables import DataTable
from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.symbols import raised

_ABSENT = frozenset((
    "script", "style", "template", "noscript", "head", "title", "meta", "link", "iframe", "object", "embed",
    "canvas", "audio", "video", "param", "source", "track", "rt", "rtc", "rp", "datalist", "map", "area", "noframes",
    "desc", "metadata", "defs", "symbol", "clippath", "mask",
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
_LIST_TYPES = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_DRAWN = frozenset(("text", "g", "a", "switch", "foreignobject", "svg"))
"""Parts of a drawing (SVG) in which words can stand."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLANK = re.compile(r"[ \t\n\r\f]+")
_TYPED = frozenset(
    (
        "",
        "text",
        "search",
        "email",
        "tel",
        "url",
        "number",
        "date",
        "datetime-local",
        "month",
        "time",
        "submit",
        "button",
        "reset",
    )
)


@dataclass(slots=True)
class _Open:
    """An element whose children are being walked."""

    tag: Tag
    children: Iterator[PageElement]
    path: str
    why: str
    ground: Ground
    only: bool
    start: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class Page:
    builder: TextBuilder
    visibility: Visibility
    data_tables: set[int]
    """ids of the tables that hold data."""
    without_scripts: bool = False
    """Show what stands in a page for browsers that run no scripts."""
    _fresh: bool = True
    """Nothing stands on this line yet."""
    _space: bool = False
    _marker: str = ""
    _lists: list[list[int | str]] = field(default_factory=list[list[int | str]])
    _pre: int = 0
    _breaks: int = 0
    _tables: list[DataTable | None] = field(default_factory=list["DataTable | None"])

    def write(self, soup: BeautifulSoup, only: set[int] | None = None) -> None:
        """only: ids of the elements whose text is wanted; None = all of the page."""
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
                why, ground = self.visibility.look(child, top.ground)
                opened = _Open(child, iter(child.contents), path, top.why or why, ground, top.only)
                opened.only = top.only or (only is not None and id(child) in only)
                self._enter(opened)
                stack.append(opened)
            elif top.only and type(child) in (NavigableString, CData):
                text = str(child)
                self._text(raised(text) if top.tag.name == "sup" else text, top.path, top.why)

    def _is_absent(self, tag: Tag, parent: Tag) -> bool:
        if self.without_scripts and tag.name in _WITHOUT_SCRIPTS:
            return False
        return tag.name in _ABSENT or (parent.name in ("svg", "g") and tag.name not in _DRAWN)

    def _path(self, parent: _Open, tag: Tag) -> str:
        number = parent.counts[tag.name] = parent.counts.get(tag.name, 0) + 1
        return f"{parent.path}/{tag.name}" if tag.name in ("html", "body") else f"{parent.path}/{tag.name}[{number}]"

    def _enter(self, opened: _Open) -> None:
        name = opened.tag.name
        self._separate_for(opened.tag)
        opened.start = self.builder.here()
        if name == "table":
            self._tables.append(DataTable() if id(opened.tag) in self.data_tables else None)
        elif name in ("ul", "ol"):
            self._lists.append([name, _start(opened.tag), str(opened.tag.get("type") or "1")])
        elif name == "li":
            self._marker = self._next_marker(opened.tag)
        elif name == "pre" or name == "textarea":
            self._pre += 1
        elif name == "tr" and self._table:
            self._table.begin_row(in_head=opened.tag.parent is not None and opened.tag.parent.name == "thead")
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
        elif name in ("ul", "ol") and self._lists:
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
            self._separate_for(closed.tag)

    @property
    def _table(self) -> DataTable | None:
        return self._tables[-1] if self._tables else None

    def _separate_for(self, tag: Tag) -> None:
        name = tag.name
        self._breaks = self._breaks + 1 if name == "br" else 0 if name in _LINES else self._breaks
        in_list = bool(self._lists) and tag.find_parent(("ul", "ol")) is not None
        if name in _PARAGRAPHS and not in_list:
            self._separate(PARAGRAPH)
        elif name in _PARAGRAPHS or name in _LINES:
            self._separate(PARAGRAPH if self._breaks > 1 else LINE)
        elif name in ("option", "button"):
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

    def _next_marker(self, item: Tag) -> str:
        css = str(item.parent.get("style") or "") if item.parent else ""
        if not self._lists or "list-style:none" in css.replace(" ", ""):
            return ""
        current = self._lists[-1]
        indent = "  " * (len(self._lists) - 1)
        if current[0] == "ul":
            return f"{indent}- "
        number = whole_number(str(item.get("value") or ""), int(current[1]))
        current[1] = number + 1
        style = _LIST_TYPES.get(str(current[2]), "decimal")
        return f"{indent}{counted(number, style)}. "

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


def _start(tag: Tag) -> int:
    return whole_number(str(tag.get("start") or ""), 1)


def _is_first_option(tag: Tag) -> bool:
    return tag.find_previous_sibling("option") is None


def _has_selected(tag: Tag) -> bool:
    select = tag.find_parent("select")
    return select is None or select.find("option", selected=True) is not None
