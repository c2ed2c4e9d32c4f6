"""Puts the pages of a PDF together into one text, remembering for each word the page and rectangle where it stands.

What one page says is put together in `pdf_sheet`, from words of `pdf_words`.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import EvidenceMap, Heading, HiddenText, Page, Span, TableSpan
from coderai_pipeline.readers.pdf_joining import by_character, join_hyphenated, needs_no_space
from coderai_pipeline.readers.pdf_lines import Region
from coderai_pipeline.readers.pdf_paragraphs import LINE, PARAGRAPH, SPACE, runs_on
from coderai_pipeline.readers.pdf_sheet import HEADING_HEIGHT, Sheet, last_word
from coderai_pipeline.readers.pdf_words import PageWords

_HEADING_CHARACTERS = 200
_COMPOUND = re.compile(r"\w+-\w+")


@dataclass(slots=True)
class Assembly:
    """The document so far."""

    pages: list[Page] = field(default_factory=list[Page])
    tables: list[TableSpan] = field(default_factory=list[TableSpan])
    hidden: list[HiddenText] = field(default_factory=list[HiddenText])
    length: int = 0
    _parts: list[str] = field(default_factory=list[str])
    _starts: list[NDArray[np.int32]] = field(default_factory=list[NDArray[np.int32]])
    _ends: list[NDArray[np.int32]] = field(default_factory=list[NDArray[np.int32]])
    _numbers: list[NDArray[np.int32]] = field(default_factory=list[NDArray[np.int32]])
    _rectangles: list[NDArray[np.float32]] = field(default_factory=list[NDArray[np.float32]])
    _tall: list[tuple[Span, float]] = field(default_factory=list[tuple[Span, float]])
    _heights: list[float] = field(default_factory=list[float])
    _compounds: set[str] = field(default_factory=set[str])
    _table_head: str = ""
    """The first row of the table with which the page added last ends."""
    _page_part: int = 0
    _last: "tuple[Region, str] | None" = None
    """The last region that was read, and the text of its last fragment."""

    def add_page(self, page: PageWords, dropped: Set[int] = frozenset()) -> None:
        """Append a page without its dropped fragments."""
        texts = page.words()
        if "-" in page.texts:
            self._compounds.update(match.casefold() for match in _COMPOUND.findall(page.texts))
        sheet = Sheet(page, texts, self._compounds)
        regions = sheet.without_repeated_heads(sheet.lay_out(dropped), self._table_head)
        self._join_to_last(regions, sheet)
        start, self._page_part = self.length, len(self._parts)
        sheet.write(regions)
        sheet.write_hidden(dropped)
        if sheet.fragments:
            self._append(sheet, goes_on=bool(regions) and regions[0].goes_on)
        self._table_head = sheet.head
        self.pages.append(Page(page.number + 1, Span(start, self.length), page.status, page.ocr_quality))

    def add_note(self, text: str, page: int, box: tuple[float, float, float, float]) -> None:
        """Append a line that stands in a box on a page already added, such as the value of a form's field."""
        if self.length:
            self._raw(LINE if self._last is None else PARAGRAPH)
        start = self.length
        self._raw(text)
        self._last = None
        self._starts.append(np.array([start], np.int32))
        self._ends.append(np.array([self.length], np.int32))
        self._numbers.append(np.array([page], np.int32))
        self._rectangles.append(np.array([box], np.float32))
        last = self.pages[-1]
        self.pages[-1] = Page(last.number, Span(last.span.start, self.length), last.status, last.ocr_quality)

    def text(self) -> str:
        return "".join(self._parts)

    def page_text(self) -> str:
        """Of the page added last."""
        return "".join(self._parts[self._page_part :])

    def places(self) -> EvidenceMap:
        if not self._starts:
            return EvidenceMap.empty()
        starts, ends = np.concatenate(self._starts), np.concatenate(self._ends)
        numbers, rectangles = np.concatenate(self._numbers), np.concatenate(self._rectangles)
        if (written := starts < ends).all():
            return EvidenceMap(starts, ends, numbers, rectangles)
        # A soft hyphen that stands alone leaves a word without a letter.
        return EvidenceMap(starts[written], ends[written], numbers[written], rectangles[written])

    def headings(self) -> tuple[Heading, ...]:
        """Short lines set clearly larger than the body; the largest size is level 1."""
        if not self._heights:
            return ()
        body = median_low(self._heights)
        found = [
            (span, round(height))
            for span, height in self._tall
            if height > HEADING_HEIGHT * body and span.end - span.start < _HEADING_CHARACTERS
        ]
        sizes = sorted({height for _, height in found}, reverse=True)
        return tuple(Heading(span, min(sizes.index(height) + 1, 6)) for span, height in found)

    def _raw(self, text: str) -> None:
        self._parts.append(text)
        self.length += len(text)

    def _join_to_last(self, regions: Sequence[Region], sheet: Sheet) -> None:
        """Write what stands between the previous page and this one; it belongs to the previous page."""
        if not self.length or not sheet.texts:
            return
        separator = PARAGRAPH
        if regions and self._last is not None:
            last, text = self._last
            following = sheet.first_word(regions[0].lines[0])
            parted = None if last.lines[-1].is_row else join_hyphenated(last_word(text), following, self._compounds)
            if regions[0].goes_on:
                separator = LINE
            elif parted:
                self._shortenlast_word(len(last_word(text)) - len(parted))
                separator = ""
            elif runs_on(last, text, regions[0], following):
                separator = "" if needs_no_space(text, following) else SPACE
        self._raw(separator)
        if self.pages:
            page = self.pages[-1]
            self.pages[-1] = Page(page.number, Span(page.span.start, self.length), page.status, page.ocr_quality)

    def _shortenlast_word(self, by: int) -> None:
        if by:
            self._parts[-1] = self._parts[-1][:-by]
            self._ends[-1][-1] -= by
            self.length -= by

    def _append(self, sheet: Sheet, *, goes_on: bool) -> None:
        written = sheet.finish(self.length)
        tables = sheet.table_spans(written)
        if goes_on and self.tables and tables:
            begun = self.tables.pop()
            tables[0] = TableSpan(Span(begun.span.start, tables[0].span.end), begun.header)
        self.tables += tables
        self.hidden += sheet.hidden_spans(written)
        if sheet.page.ocr_quality is None:
            self._heights.append(sheet.body_height)
            self._tall += sheet.heading_spans(written)
        starts, ends, boxes = written.starts, written.ends, written.boxes
        if sheet.page.cjk:
            starts, ends, boxes = by_character(written.text, self.length, starts, ends, boxes)
        self._raw(written.text)
        self._starts.append(starts)
        self._ends.append(ends)
        self._numbers.append(np.full(len(starts), sheet.page.number + 1, np.int32))
        self._rectangles.append(boxes)
        self._last = sheet.last
