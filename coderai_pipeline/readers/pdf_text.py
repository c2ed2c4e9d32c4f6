"""Puts the pages of a PDF together into one text, remembering for each word the page and rectangle where it stands.

The order of lines is from `pdf_layout`, the breaks between them from `pdf_paragraphs`, the words from `pdf_words`.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import EvidenceMap, Heading, HiddenText, Page, Span, TableSpan
from coderai_pipeline.readers.pdf_joining import HYPHENS, by_character, join_hyphenated, needs_no_space
from coderai_pipeline.readers.pdf_layout import AnyLine, Line, Region, fragments_of, reading_order
from coderai_pipeline.readers.pdf_paragraphs import LINE, PARAGRAPH, SPACE, runs_on, separators
from coderai_pipeline.readers.pdf_tables import mirrored
from coderai_pipeline.readers.pdf_words import PageWords, in_reading_frame

CELL = " | "
_HEADING_HEIGHT = 1.15
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
    _page_part: int = 0
    _last: "tuple[Region, str] | None" = None
    """The last region that was read, and the text of its last fragment."""

    def add_page(self, page: PageWords, dropped: Set[int] = frozenset()) -> None:
        """Append a page without its dropped fragments."""
        texts = page.words()
        if "-" in page.texts:
            self._compounds.update(match.casefold() for match in _COMPOUND.findall(page.texts))
        sheet = _Sheet(page, texts, self._compounds)
        regions = sheet.lay_out(dropped)
        self._join_to_last(regions, sheet)
        start, self._page_part = self.length, len(self._parts)
        sheet.write(regions)
        sheet.write_hidden(dropped)
        if sheet.fragments:
            self._append(sheet)
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
        return EvidenceMap(
            np.concatenate(self._starts),
            np.concatenate(self._ends),
            np.concatenate(self._numbers),
            np.concatenate(self._rectangles),
        )

    def headings(self) -> tuple[Heading, ...]:
        """Short lines set clearly larger than the body; the largest size is level 1."""
        if not self._heights:
            return ()
        body = median_low(self._heights)
        found = [
            (span, round(height))
            for span, height in self._tall
            if height > _HEADING_HEIGHT * body and span.end - span.start < _HEADING_CHARACTERS
        ]
        sizes = sorted({height for _, height in found}, reverse=True)
        return tuple(Heading(span, min(sizes.index(height) + 1, 6)) for span, height in found)

    def _raw(self, text: str) -> None:
        self._parts.append(text)
        self.length += len(text)

    def _join_to_last(self, regions: Sequence[Region], sheet: "_Sheet") -> None:
        """Write what stands between the previous page and this one; it belongs to the previous page."""
        if not self.length or not sheet.texts:
            return
        separator = PARAGRAPH
        if regions and self._last is not None:
            last, text = self._last
            following = sheet.first_word(regions[0].lines[0])
            parted = None if last.lines[-1].is_row else join_hyphenated(_last_word(text), following, self._compounds)
            if parted:
                self._shorten_last_word(len(_last_word(text)) - len(parted))
                separator = ""
            elif runs_on(last, text, regions[0].lines[0], following):
                separator = "" if needs_no_space(text, following) else SPACE
        self._raw(separator)
        if self.pages:
            page = self.pages[-1]
            self.pages[-1] = Page(page.number, Span(page.span.start, self.length), page.status, page.ocr_quality)

    def _shorten_last_word(self, by: int) -> None:
        if by:
            self._parts[-1] = self._parts[-1][:-by]
            self._ends[-1][-1] -= by
            self.length -= by

    def _append(self, sheet: "_Sheet") -> None:
        written = sheet.finish(self.length)
        self.tables += sheet.table_spans(written)
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


class _Sheet:
    """One page on its way into the text: its fragments in reading order, and what stands after each."""

    def __init__(self, page: PageWords, texts: list[str], compounds: Set[str]) -> None:
        self.page = page
        self.texts = texts
        self.fragments: list[int] = []
        self.after: list[str] = []
        self.last: tuple[Region, str] | None = None
        self.tall: list[tuple[int, int, float]] = []
        """Blocks set larger than the body: first fragment's position, position after the last, height."""
        self.body_height = 0.0
        self._rows: list[tuple[int, int]] = []
        """Table rows: first fragment's position, position after the last."""
        self._compounds = compounds
        self._starts: list[int] = page.starts.tolist()
        self._widths = self._unbreakable()
        self._has_parted_words = "-\n" in page.texts or not page.texts.isascii()

    def lay_out(self, dropped: Set[int]) -> list[Region]:
        """Regions of the text that runs left to right, then of text turned otherwise."""
        boxes, concealed = self.page.fragment_boxes(), self.concealed()
        gone = concealed | dropped
        shown = [i for i in range(boxes.shape[1]) if i not in gone] if gone else list(range(boxes.shape[1]))
        turns = self.page.turns
        if not len(turns):
            return self._regions(boxes, shown)
        turned = in_reading_frame(boxes, turns, self.page.width, self.page.height)
        words = np.bincount(turns, weights=np.diff(self.page.starts), minlength=4)
        return [
            region
            for turn in np.argsort(-words, kind="stable").tolist()
            for region in self._regions(turned, [i for i in shown if turns[i] == turn])
        ]

    def concealed(self) -> set[int]:
        """Fragments that a person cannot see."""
        if not self.page.hidden:
            return set()
        hidden = np.fromiter(self.page.hidden, np.int32, len(self.page.hidden))
        return set((np.searchsorted(self.page.starts, hidden, "right") - 1).tolist())

    def first_word(self, line: AnyLine) -> str:
        return self.texts[self._starts[line.first]]

    def write(self, regions: Sequence[Region]) -> None:
        heights = [line.y1 - line.y0 for region in regions for line in region.lines]
        self.body_height = median_low(heights) if heights else 0.0
        for region in regions:
            if self.last is not None:
                following = self.first_word(region.lines[0])
                self.after[-1] = self._between_regions(self.last, region, following)
                self._end_line(len(self.after) - 1, following)
            self._write_region(region)

    def write_hidden(self, dropped: Set[int]) -> None:
        """Text that nobody sees, after all that is seen: each piece a paragraph of its own."""
        for fragment in sorted(self.concealed() - dropped):
            if self.fragments:
                self.after[-1] = PARAGRAPH
            self.fragments.append(fragment)
            self.after.append(PARAGRAPH)
            self.last = None

    def finish(self, offset: int) -> "_Written":
        """The page's text, and where each of its words starts, ends and stands."""
        self.after[-1] = ""
        if "\u00ad" in self.page.texts:
            self.texts = [text.replace("\u00ad", "") for text in self.texts]
        firsts: NDArray[np.int32] = self.page.starts[self.fragments]
        counts: NDArray[np.int32] = self.page.starts[1:][self.fragments] - firsts
        lasts = np.cumsum(counts, dtype=np.int64) - 1
        order = np.arange(int(lasts[-1]) + 1) + np.repeat(firsts - lasts + counts - 1, counts)
        gaps = np.ones(len(order), np.int32)
        gaps[lasts] = list(map(len, self.after))
        tight = self.page.cjk or bool(self.page.glued)
        if tight:
            self._glue(gaps, order)
        lengths = np.fromiter(map(len, self.texts), np.int32, len(self.texts))[order]
        ends = offset + np.cumsum(lengths + gaps, dtype=np.int32) - gaps
        text = self._tightly_woven(gaps, order, lasts) if tight else self._woven()
        return _Written(text, ends - lengths, ends, self.page.boxes.T[order], lasts)

    def _woven(self) -> str:
        texts, starts = self.texts, self._starts
        return "".join(
            [
                SPACE.join(texts[starts[fragment] : starts[fragment + 1]]) + separator
                for fragment, separator in zip(self.fragments, self.after, strict=True)
            ]
        )

    def _tightly_woven(self, gaps: NDArray[np.int32], order: NDArray[np.int64], lasts: NDArray[np.int64]) -> str:
        """As `_woven`, with no space where a gap is 0."""
        words: list[int] = order.tolist()
        parts = [self.texts[word] + SPACE[:gap] for word, gap in zip(words, gaps.tolist(), strict=True)]
        for last, separator in zip(lasts.tolist(), self.after, strict=True):
            parts[last] = self.texts[words[last]] + separator
        return "".join(parts)

    def _glue(self, gaps: NDArray[np.int32], order: NDArray[np.int64]) -> None:
        """No space between ideographs, nor where the file has none; separators of lines stay as they are."""
        words: list[int] = order.tolist()
        for position, (word, following) in enumerate(pairwise(words)):
            if gaps[position] != 1 or following != word + 1:
                continue
            if word in self.page.glued or needs_no_space(self.texts[word], self.texts[following]):
                gaps[position] = 0

    def table_spans(self, written: "_Written") -> list[TableSpan]:
        """The page's tables; the first row is the header where no figure stands in it."""
        tables: list[list[tuple[int, int]]] = []
        for row in self._rows:
            if tables and tables[-1][-1][1] == row[0] and PARAGRAPH not in self.after[row[0] - 1]:
                tables[-1].append(row)
            else:
                tables.append([row])
        spans: list[TableSpan] = []
        for rows in tables:
            head = written.span(*rows[0])
            figures = any(character.isdigit() for fragment in range(*rows[0]) for character in self._text(fragment))
            table = Span(head.start, written.span(*rows[-1]).end)
            spans.append(TableSpan(table, None if figures or len(rows) < 2 else head))
        return spans

    def hidden_spans(self, written: "_Written") -> list[HiddenText]:
        """One span a piece: a hidden fragment holds nothing that is seen."""
        if not self.page.hidden:
            return []
        return [
            HiddenText(written.span(position, position + 1), self.page.hidden[self._starts[fragment]])
            for position, fragment in enumerate(self.fragments)
            if self._starts[fragment] in self.page.hidden
        ]

    def heading_spans(self, written: "_Written") -> list[tuple[Span, float]]:
        return [(written.span(first, last), height) for first, last, height in self.tall]

    def _text(self, position: int) -> str:
        fragment = self.fragments[position]
        return SPACE.join(self.texts[self._starts[fragment] : self._starts[fragment + 1]])

    def _regions(self, boxes: NDArray[np.float32], numbers: list[int]) -> list[Region]:
        if not numbers:
            return []
        x0, y0, x1, y1 = boxes.tolist()
        width = self.page.width
        if self.page.right_to_left:
            x0, x1 = [width - x for x in x1], [width - x for x in x0]
        fragments = fragments_of(numbers, x0, y0, x1, y1, np.diff(self.page.starts).tolist())
        grids = [mirrored(grid, width) for grid in self.page.grids] if self.page.right_to_left else self.page.grids
        return reading_order(fragments, width, grids)

    def _between_regions(self, last: tuple[Region, str], region: Region, following: str) -> str:
        above, text = last
        if not above.lines[-1].is_row and join_hyphenated(_last_word(text), following, self._compounds):
            return LINE
        return SPACE if runs_on(above, text, region.lines[0], following) else PARAGRAPH

    def _write_region(self, region: Region) -> None:
        lines = region.lines
        words = [self._starts[line.first] for line in lines]
        firsts, widths = [self.texts[word] for word in words], [self._widths[word] for word in words]
        breaks = [*separators(lines, region.right, widths, firsts), PARAGRAPH]
        lasts = self._write_lines(lines, breaks)
        self._note_tall(lines, breaks, lasts)
        if self._has_parted_words:
            self._mend_ends(lasts[:-1], firsts[1:])
        self.last = region, self._text(len(self.fragments) - 1)

    def _write_lines(self, lines: Sequence[AnyLine], breaks: Sequence[str]) -> Sequence[int]:
        """The position of each line's last fragment."""
        if Line not in set(map(type, lines)):
            self.fragments += [line.first for line in lines]
            self.after += breaks
            return range(len(self.fragments) - len(lines), len(self.fragments))
        lasts: list[int] = []
        for line, separator in zip(lines, breaks, strict=True):
            self._write_line(line)
            self.after[-1] = separator
            lasts.append(len(self.fragments) - 1)
        return lasts

    def _write_line(self, line: AnyLine) -> None:
        if line.is_row:
            self._write_row(line)
            return
        self.fragments += line.cells[0]
        self.after += [SPACE] * len(line.cells[0])

    def _note_tall(self, lines: Sequence[AnyLine], breaks: Sequence[str], lasts: Sequence[int]) -> None:
        """Remember the blocks set larger than the page's body."""
        least = _HEADING_HEIGHT * self.body_height
        heights = [line.y1 - line.y0 for line in lines]
        if max(heights) <= least:
            return
        start = 0
        for end in [number for number, separator in enumerate(breaks, start=1) if separator is PARAGRAPH]:
            tall = max(heights[start:end])
            if tall > least and not lines[end - 1].is_row:
                first = lasts[start - 1] + 1 if start else lasts[0] + 1 - len(lines[0].cells[0])
                self.tall.append((first, lasts[end - 1] + 1, tall))
            start = end

    def _mend_ends(self, positions: Sequence[int], following: Sequence[str]) -> None:
        """Inside paragraphs, make words whole that are parted at the ends of lines."""
        ends, texts = self._starts, self.texts
        for position, first in zip(positions, following, strict=True):
            word = texts[ends[self.fragments[position] + 1] - 1]
            if word[-1] == "-" or not word.isascii():
                self._end_line(position, first)

    def _unbreakable(self) -> list[float]:
        """How wide each word is, or one ideograph: what does not fit at the end of a line begins the next."""
        x0, y0, x1, y1 = self.page.boxes
        if self.page.cjk:
            return np.minimum(x1 - x0, y1 - y0).tolist()
        return (np.maximum(x1 - x0, y1 - y0) if len(self.page.turns) else x1 - x0).tolist()

    def _write_row(self, line: AnyLine) -> None:
        first = len(self.fragments)
        for number, cell in enumerate(line.cells):
            self.fragments += cell
            self.after += [SPACE] * len(cell)
            if number < len(line.cells) - 1 and self.fragments:
                empty_so_far = len(self.fragments) == first
                self.after[-1] = self.after[-1] + CELL.lstrip() if empty_so_far else self.after[-1].rstrip(SPACE) + CELL
        self._rows.append((first, len(self.fragments)))

    def _end_line(self, position: int, following: str) -> None:
        """Nothing stands after a fragment that ends in a part of a word, or in an ideograph before another."""
        if self.after[position] is PARAGRAPH:
            return
        last = self._starts[self.fragments[position] + 1] - 1
        word = self.texts[last]
        if word[-1] in HYPHENS and (joined := join_hyphenated(word, following, self._compounds)):
            self.texts[last] = joined
            self.after[position] = ""
        elif self.after[position] is SPACE and needs_no_space(word, following):
            self.after[position] = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """A page's text; starts, ends and boxes of its words in that order; the last word of each fragment."""

    text: str
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    boxes: NDArray[np.float32]
    lasts: NDArray[np.int64]

    def span(self, first: int, last: int) -> Span:
        """The span of the fragments at positions [first, last)."""
        word = int(self.lasts[first - 1]) + 1 if first else 0
        return Span(int(self.starts[word]), int(self.ends[self.lasts[last - 1]]))


def _last_word(text: str) -> str:
    return text.rsplit(SPACE, 1)[-1]
