"""Tables of web pages -> rows `a | b | c`, merged cells once. Tables that only arrange a page are walked as blocks."""

from dataclasses import dataclass, field

from bs4.element import Tag

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers.building import CELL, TextBuilder
from coderai_pipeline.readers.html_elements import Elements
from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.table_rows import looks_like_header, without_trailing_empty

_MAX_SPAN = 500
_BLOCKS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "form", "blockquote", "pre")
_MANY_BLOCKS = 6

Pieces = list[tuple[str, str, str]]


def tables_of_data(elements: Elements) -> set[int]:
    """ids of the tables that hold data: none for presentation, holding tables or articles, or of one column."""
    found: set[int] = set()
    for table in elements.named("table"):
        if table.get("role") not in ("presentation", "none") and not table.find("table") and _has_columns(table):
            found.add(id(table))
    return found


def _has_columns(table: Tag) -> bool:
    rows = table.find_all("tr")
    if max((len(row.find_all(["td", "th"], recursive=False)) for row in rows), default=0) < 2:
        return False
    return all(
        len(cell.find_all(_BLOCKS, limit=_MANY_BLOCKS + 1)) <= _MANY_BLOCKS for cell in table.find_all(["td", "th"])
    )


@dataclass(slots=True)
class DataTable:
    """The rows of one table as they are walked."""

    in_cell: bool = False
    _columns: list[Pieces] = field(default_factory=list[Pieces])
    _names: list[bool] = field(default_factory=list[bool])
    _pieces: Pieces = field(default_factory=list[tuple[str, str, str]])
    _below: dict[int, int] = field(default_factory=dict[int, int])
    """Column -> how many more rows a cell from above reaches down."""
    _spans: tuple[int, int] = (1, 1)
    _head: bool = False
    _rows: list[Span] = field(default_factory=list[Span])
    _texts: list[list[str]] = field(default_factory=list[list[str]])
    _header: Span | None = None

    def begin_row(self, builder: TextBuilder, *, in_head: bool) -> None:
        if self._columns:
            self.end_row(builder)  # cells before it that stand in no row
        self._columns, self._names, self._head = [], [], in_head
        self._fill_from_above()

    def begin_cell(self, tag: Tag) -> None:
        self.in_cell = True
        self._pieces = []
        self._spans = _span(tag, "colspan"), _span(tag, "rowspan")
        self._names.append(tag.name == "th")

    def add(self, text: str, path: str, why: str) -> None:
        if text := text if self._pieces else text.lstrip():
            self._pieces.append((text, path, why))

    def end_cell(self) -> None:
        self.in_cell = False
        wide, tall = self._spans
        for offset in range(wide):
            if tall > 1:
                self._below[len(self._columns)] = tall
            self._columns.append(self._pieces if not offset else [])
        self._fill_from_above()

    def end_row(self, builder: TextBuilder) -> None:
        self.in_cell = False
        self._below = {column: rows - 1 for column, rows in self._below.items() if rows > 1}
        columns = without_trailing_empty(self._columns, lambda pieces: not pieces)
        self._columns = []
        if not columns:
            return
        start = builder.here()
        for index, pieces in enumerate(columns):
            if index:
                builder.join(CELL)
            for text, path, why in pieces:
                builder.add(text, path, why)
        self._rows.append(Span(start, builder.length))
        self._texts.append(["".join(text for text, _, _ in pieces) for pieces in columns])
        if len(self._rows) == 1 and (self._head or all(self._names)):
            self._header = self._rows[0]

    def finish(self, builder: TextBuilder) -> None:
        self.end_row(builder)  # cells that stand in no row
        if not self._rows:
            return
        if self._header is None and looks_like_header(self._texts):
            self._header = self._rows[0]
        builder.table(Span(self._rows[0].start, self._rows[-1].end), self._header)

    def _fill_from_above(self) -> None:
        while self._below.get(len(self._columns), 0) > 0 and len(self._columns) < _MAX_SPAN:
            self._columns.append([])


def _span(tag: Tag, name: str) -> int:
    return max(1, min(whole_number(str(tag.get(name) or ""), 1), _MAX_SPAN))
