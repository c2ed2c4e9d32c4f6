"""Word's paragraphs and tables in the order of the file -> text with places.

What stands within a paragraph is in `docx_runs`; which parts of the file are walked is in `docx`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers.base import NotReadable
from coderai_pipeline.readers.building import CELL, LINE, PARAGRAPH, TextBuilder
from coderai_pipeline.readers.docx_graphics import GRAPHICS, drawn_box
from coderai_pipeline.readers.docx_links import Links
from coderai_pipeline.readers.docx_math import FORMULAS, formula
from coderai_pipeline.readers.docx_numbering import Numbering
from coderai_pipeline.readers.docx_runs import CHOICES, Inline, Notes, chosen, read_inline
from coderai_pipeline.readers.docx_styles import Styles, W, is_on, numbering_of, outline_level, value
from coderai_pipeline.readers.normalise import whole_number
from coderai_pipeline.readers.packages import Element
from coderai_pipeline.readers.table_rows import looks_like_header, without_trailing_empty

_TRANSPARENT = {W + name for name in ("sdtContent", "customXml", "ins", "moveTo", "smartTag", "sdt")}
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MANY_PARAGRAPHS = 8
_MAX_COLUMNS = 500

Pieces = list[tuple[str, str]]


@dataclass(slots=True)
class Shared:
    """What all parts of one document have in common."""

    styles: Styles
    numbering: Numbering
    notes: Notes = field(default_factory=Notes)
    entities: bool = False
    deletions: bool = False
    page_is_coloured: bool = False
    unread: list[str] = field(default_factory=list[str])
    """Why each document that Word would show in place (w:altChunk) could not be read."""


@dataclass(slots=True)
class Story:
    """One run of blocks: the body, a header, a note. place: its path, "" for the body, which counts its paragraphs."""

    builder: TextBuilder
    shared: Shared
    links: Links
    place: str = ""
    in_table: bool = False
    may_be_shaded: bool = False
    paragraphs: int = 0
    tables: int = 0
    _in_list: bool = False
    _runs_on: bool = False
    """The last paragraph goes on in the next one: its end was deleted, or it is the large initial of that one."""

    def blocks(self, parent: Element) -> None:
        for element in parent:
            self.block(element)

    def block(self, element: Element) -> None:
        tag = element.tag
        if tag == W + "p":
            self.paragraph(element)
        elif tag == W + "tbl":
            self.table(element)
        elif tag in _TRANSPARENT:
            self.blocks(element)
        elif tag == CHOICES:
            self.blocks(chosen(element))
        elif tag == W + "altChunk":
            self.embedded(element)
        elif tag in FORMULAS:
            self.builder.separate(PARAGRAPH)
            self.builder.add(formula(element), self.place or f"after paragraph {self.paragraphs}")
            self.builder.separate(PARAGRAPH)

    def paragraph(self, element: Element) -> None:
        self.paragraphs += 1
        inline = self.inline(element)
        properties = element.find(W + "pPr")
        path = self.place or f"paragraph {self.paragraphs}"
        mark_deleted = _is_end_deleted(properties)
        runs_on = mark_deleted or _is_initial(properties)
        pieces = _trimmed(inline.pieces, start=not self._runs_on, end=not runs_on)
        # An empty item is counted, since Word shows its number; one that was deleted as a whole is not.
        marker = self.marker(properties) if pieces or not mark_deleted else ""
        if not self._runs_on and (pieces or not mark_deleted):
            self.builder.separate(LINE if marker and self._in_list else PARAGRAPH)
        if pieces:
            self._in_list = bool(marker)
            start = self.builder.add(f"{marker} ", path).start if marker else self.builder.here()
            for text, why in pieces:
                self.builder.add(text, path, why)
            level = outline_level(properties) or self.shared.styles.level(value(properties, "pStyle"))
            if level and not self.in_table:
                self.builder.heading(Span(start, self.builder.length), level)
        if pieces or not mark_deleted:
            self._runs_on = runs_on and bool(pieces)
        for box in inline.boxes:
            self.box(box, path)

    def box(self, element: Element, path: str) -> None:
        self.builder.separate(PARAGRAPH)
        Story(self.builder, self.shared, self.links, f"{path}, text box", in_table=True, may_be_shaded=True).blocks(
            self.inside(element)
        )
        self.builder.separate(PARAGRAPH)

    def inside(self, box: Element) -> Element:
        return drawn_box(box, self.links.graphic) if box.tag in GRAPHICS else box

    def embedded(self, element: Element) -> None:
        """A document of any kind that Word shows in place."""
        try:
            content = self.links.embedded(element.get(RELATION, ""))
        except NotReadable as trouble:
            self.shared.unread += [trouble.reason] * (trouble.status != DocumentStatus.NO_TEXT)
            return
        if content.status == DocumentStatus.PARTIAL:
            self.shared.unread.append(content.reason)
        self.builder.separate(PARAGRAPH)
        self.builder.include(content, self.place or f"after paragraph {self.paragraphs}")
        self.builder.separate(PARAGRAPH)

    def marker(self, properties: Element | None) -> str:
        style = value(properties, "pStyle") or self.shared.styles.default_paragraph
        list_id, depth = numbering_of(properties)
        styled_list, styled_depth = self.shared.styles.numbering(style)
        if not (list_id := styled_list if list_id is None else list_id):
            return ""
        if depth is None and list_id == styled_list:
            bound = self.shared.numbering.depth(list_id, style)
            depth = styled_depth if bound is None else bound
        return self.shared.numbering.marker(list_id, depth or 0)

    def inline(self, paragraph: Element) -> Inline:
        may_be_shaded = self.may_be_shaded or self.shared.page_is_coloured
        inline = read_inline(paragraph, self.shared.styles, self.shared.notes, may_be_shaded=may_be_shaded)
        self.shared.entities |= inline.entities
        self.shared.deletions |= inline.deletions
        self.shared.unread += ["it is a subdocument in a file of its own"] * inline.subdocuments
        return inline

    def table(self, element: Element) -> None:
        self.tables += 1
        self._in_list = False
        path = f"{self.place}, table {self.tables}" if self.place else f"table {self.tables}"
        rows = [row for row in _rows(element) if not _is_deleted(row)]
        self.builder.separate(PARAGRAPH)
        outer = self.may_be_shaded
        self.may_be_shaded = outer or _may_be_shaded(element)
        if _is_layout(rows):
            self.layout(rows, path)
        else:
            self.data(rows, path)
        self.may_be_shaded = outer
        self.builder.separate(PARAGRAPH)

    def layout(self, rows: list[Element], path: str) -> None:
        """A table that only arranges: its cells one after the other, as blocks."""
        for row_number, row in enumerate(rows, 1):
            for number, cell in enumerate(_cells(row), 1):
                if not _continues(cell):
                    self.builder.separate(PARAGRAPH)
                    place = f"{path}, row {row_number}, cell {number}"
                    story = Story(self.builder, self.shared, self.links, place, True, self.may_be_shaded)
                    story.blocks(cell)

    def data(self, rows: list[Element], path: str) -> None:
        start = self.builder.here()
        header: Span | None = None
        written: list[list[str]] = []
        spans: list[Span] = []
        for number, row in enumerate(rows, 1):
            columns = self.row_columns(row, f"{path}, row {number}")
            if not columns:
                continue
            self.builder.separate(LINE)
            spans.append(self.write_row(columns))
            written.append(["".join(text for text, _ in pieces) for _, pieces in columns])
            if is_on(row.find(W + "trPr"), "tblHeader") and len(spans) == 1:
                header = spans[0]
        if header is None and looks_like_header(written):
            header = spans[0]
        self.builder.table(Span(start, max(start, self.builder.length)), header)

    def row_columns(self, row: Element, path: str) -> list[tuple[str, Pieces]]:
        """Place and text of each column; a merged cell has its text once, and empty columns after it."""
        skipped = whole_number(value(row.find(W + "trPr"), "gridBefore"), 0)
        columns: list[tuple[str, Pieces]] = [("", [])] * min(skipped, _MAX_COLUMNS)
        for number, cell in enumerate(_cells(row), 1):
            pieces = [] if _continues(cell) else self.cell_pieces(cell)
            columns.append((f"{path}, cell {number}", pieces))
            columns += [("", [])] * (_columns_spanned(cell) - 1)
        return without_trailing_empty(columns, lambda column: not column[1])

    def write_row(self, columns: list[tuple[str, Pieces]]) -> Span:
        start = self.builder.here()
        for index, (path, pieces) in enumerate(columns):
            if index:
                self.builder.join(CELL)
            for text, why in pieces:
                self.builder.add(text, path, why)
        return Span(start, self.builder.length)

    def cell_pieces(self, cell: Element) -> Pieces:
        """A cell on one line: its paragraphs, list items and boxes with spaces between."""
        pieces: Pieces = []
        waiting = list(_paragraphs(cell))[::-1]
        goes_on = True
        while waiting:
            paragraph = waiting.pop()
            inline, properties = self.inline(paragraph), paragraph.find(W + "pPr")
            waiting += [inner for box in inline.boxes[::-1] for inner in list(_paragraphs(self.inside(box)))[::-1]]
            runs_on = _is_end_deleted(properties) or _is_initial(properties)
            on_one_line = [(" ".join(text.split("\n")), why) for text, why in inline.pieces]
            own = _trimmed(on_one_line, start=not (goes_on and pieces), end=not runs_on)
            if (marker := self.marker(properties)) and own:
                own.insert(0, (f"{marker} ", ""))
            if own:
                pieces += own if goes_on else [(" ", ""), *own]
                goes_on = runs_on
        return _trimmed(pieces)


def _trimmed(pieces: Pieces, *, start: bool = True, end: bool = True) -> Pieces:
    """Without white space at its ends, or at one of them; [] for a paragraph without a letter."""
    if not any(text.strip() for text, _ in pieces):
        return []
    pieces = list(pieces)
    while end and not pieces[-1][0].strip():
        pieces.pop()
    while start and not pieces[0][0].strip():
        del pieces[0]
    pieces[0] = pieces[0][0].lstrip() if start else pieces[0][0], pieces[0][1]
    pieces[-1] = pieces[-1][0].rstrip() if end else pieces[-1][0], pieces[-1][1]
    return pieces


def _is_end_deleted(properties: Element | None) -> bool:
    """Whether a paragraph's mark was deleted or moved away, so that it is one with the next."""
    return properties is not None and any(
        properties.find(f"{W}rPr/{W}{change}") is not None for change in ("del", "moveFrom")
    )


def _is_initial(properties: Element | None) -> bool:
    """Whether a paragraph is only the large initial of the next one (a drop cap)."""
    frame = None if properties is None else properties.find(W + "framePr")
    return frame is not None and frame.get(W + "dropCap", "none") != "none"


def _may_be_shaded(table: Element) -> bool:
    """Whether a table has a style, which may give its rows any colour, or names one itself."""
    return table.find(f"{W}tblPr/{W}tblStyle") is not None or any(
        shade.get(W + "fill", "auto") != "auto" for shade in table.iter(W + "shd")
    )


def _rows(table: Element) -> Iterator[Element]:
    return _inner(table, W + "tr")


def _cells(row: Element) -> Iterator[Element]:
    return _inner(row, W + "tc")


def _paragraphs(cell: Element) -> Iterator[Element]:
    return _inner(cell, W + "p")


def _inner(parent: Element, tag: str) -> Iterator[Element]:
    """Children of a kind, also those wrapped in content controls or tracked insertions."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in _TRANSPARENT:
            yield from _inner(child, tag)
        elif child.tag == CHOICES:
            yield from _inner(chosen(child), tag)


def _is_deleted(row: Element) -> bool:
    return row.find(f"{W}trPr/{W}del") is not None


def _continues(cell: Element) -> bool:
    """Whether a cell is the rest of one that began further up or left, or was deleted."""
    properties = cell.find(W + "tcPr")
    if properties is None:
        return False
    merges = (value(properties, "vMerge"), value(properties, "hMerge"))
    return any(merge in ("", "continue") for merge in merges) or properties.find(W + "cellDel") is not None


def _columns_spanned(cell: Element) -> int:
    return max(1, min(whole_number(value(cell.find(W + "tcPr"), "gridSpan"), 1), _MAX_COLUMNS))


def _is_layout(rows: list[Element]) -> bool:
    """Whether a table arranges text rather than holds data: one column, tables in it, cells of many paragraphs."""
    cells = [list(_cells(row)) for row in rows]
    if all(len(row) < 2 for row in cells):
        return True
    for cell in (cell for row in cells for cell in row):
        if (
            any(cell.find(f".//{W}{block}") is not None for block in ("tbl", "altChunk"))
            or sum(1 for _ in _paragraphs(cell)) > _MANY_PARAGRAPHS
        ):
            return True
    return False
