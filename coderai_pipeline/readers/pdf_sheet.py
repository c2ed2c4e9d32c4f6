"""One page on its way into the text: its fragments in reading order, what stands between them, and where each word is then.

The order of lines is from `pdf_layout`, the breaks between them from `pdf_paragraphs`; pages are joined in `pdf_text`.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from operator import sub
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from coderai_pipeline.domain.documents import HiddenText, Span, TableSpan
from coderai_pipeline.readers.mupdf import all_moved
from coderai_pipeline.readers.pdf_joining import HYPHENS, join_hyphenated, needs_no_space
from coderai_pipeline.readers.pdf_layout import reading_order
from coderai_pipeline.readers.pdf_lines import AnyLine, Extents, Line, Region, extents_of, fragments_of
from coderai_pipeline.readers.pdf_paragraphs import LINE, PARAGRAPH, SPACE, runs_on, separators
from coderai_pipeline.readers.pdf_tables import mirrored
from coderai_pipeline.readers.pdf_words import PageWords, in_reading_frame

CELL = " | "
HEADING_HEIGHT = 1.15
"""Heights of the body from which text is taken for a heading."""


class Sheet:
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
        self.head = ""
        """The first row of the table with which the page ends."""
        self._tallest = 0.0
        self._rows: list[tuple[int, int]] = []
        """Table rows: first fragment's position, position after the last."""
        self._compounds = compounds
        self._shortened: list[int] = []
        """Words that lost the hyphen at a line's end."""
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

    def without_repeated_heads(self, regions: Sequence[Region], head: str) -> list[Region]:
        """The regions, a table's header once where it is set again above the part in the next column or on this page.

        head: the first row of the table with which the page before ends, or "".
        """
        kept: list[Region] = []
        above = float("inf")
        for region in regions:
            first = region.lines[0]
            if head and first.is_row and first.y0 < above and self.row_text(first) == head:
                region.lines.pop(0)
                region.goes_on = True
            if region.lines:
                head, above = self._running_head(region, head), region.lines[-1].y0
                kept.append(region)
        self.head = head
        return kept

    def _running_head(self, region: Region, head: str) -> str:
        """The first row of the table with which a region ends; "" where it ends otherwise."""
        lines = region.lines
        if not lines[-1].is_row:
            return ""
        start = len(lines) - 1
        while start and lines[start - 1].is_row:
            start -= 1
        return head if region.goes_on and not start else self.row_text(lines[start])

    def row_text(self, line: AnyLine) -> str:
        return CELL.join(SPACE.join(map(self._words_of, cell)) for cell in line.cells)

    def concealed(self) -> set[int]:
        """Fragments that a person cannot see."""
        if not self.page.hidden:
            return set()
        hidden = np.fromiter(self.page.hidden, np.int32, len(self.page.hidden))
        return set((np.searchsorted(self.page.starts, hidden, "right") - 1).tolist())

    def first_word(self, line: AnyLine) -> str:
        return self.texts[self._starts[line.first]]

    def write(self, regions: Sequence[Region]) -> None:
        extents = [extents_of(region.lines) for region in regions]
        heights: list[float] = []
        for _, tops, _, bottoms in extents:
            heights += map(sub, bottoms, tops)
        self._tallest = max(heights, default=0.0)
        self.body_height = median_low(heights) if heights else 0.0
        for region, edges in zip(regions, extents, strict=True):
            if self.last is not None:
                following = self.first_word(region.lines[0])
                self.after[-1] = self._between_regions(self.last, region, following)
                self._end_line(len(self.after) - 1, following)
            self._write_region(region, edges)

    def write_hidden(self, dropped: Set[int]) -> None:
        """Text that nobody sees, after all that is seen: each piece a paragraph of its own."""
        for fragment in sorted(self.concealed() - dropped):
            if self.fragments:
                self.after[-1] = PARAGRAPH
            self.fragments.append(fragment)
            self.after.append(PARAGRAPH)
            self.last = None

    def finish(self, offset: int) -> "Written":
        """The page's text, and where each of its words starts, ends and stands."""
        self.after[-1] = ""
        lengths = self._lengths()
        fragments = np.array(self.fragments)
        firsts: NDArray[np.int32] = self.page.starts[fragments]
        counts: NDArray[np.int32] = self.page.starts[fragments + 1] - firsts
        lasts = counts.cumsum(dtype=np.int64) - 1
        order = self._order(firsts, counts, lasts)
        gaps = np.ones(int(lasts[-1]) + 1, np.int32)
        gaps[lasts] = list(map(len, self.after))
        tight = self.page.cjk or bool(self.page.glued)
        words: list[int] = np.arange(len(lengths))[order].tolist() if tight else []
        if tight:
            self._glue(gaps, words, {*lasts.tolist()})
        lengths = lengths[order]
        ends = offset + (lengths + gaps).cumsum(dtype=np.int32) - gaps
        text = self._tightly_woven(gaps, words, lasts) if tight else self._woven()
        boxes = self.page.boxes if self.page.back is None else all_moved(self.page.boxes, self.page.back)
        return Written(text, ends - lengths, ends, boxes.T[order], lasts)

    def _order(
        self, firsts: NDArray[np.int32], counts: NDArray[np.int32], lasts: NDArray[np.int64]
    ) -> slice | NDArray[np.int64]:
        """The numbers of the words as they are read; on most pages that is the order of the file."""
        first = self.fragments[0]
        if self.fragments == list(range(first, first + len(self.fragments))):
            return slice(int(firsts[0]), int(firsts[0] + lasts[-1]) + 1)
        return np.arange(int(lasts[-1]) + 1) + np.repeat(firsts - lasts + counts - 1, counts)

    def _lengths(self) -> NDArray[np.int32]:
        """Of all words as they are written."""
        if "\u00ad" in self.page.texts:
            self.texts = [text.replace("\u00ad", "") for text in self.texts]
            return np.fromiter(map(len, self.texts), np.int32, len(self.texts))
        lengths = self.page.lengths()
        if self._shortened:
            lengths = lengths.copy()
        for word in self._shortened:
            lengths[word] = len(self.texts[word])
        return lengths

    def _woven(self) -> str:
        """Fragments parted by a space that follow each other in the file are joined all at once."""
        texts, starts = self.texts, self._starts
        parts: list[str] = []
        begin = self.fragments[0]
        for fragment, following, separator in zip(self.fragments, [*self.fragments[1:], -1], self.after, strict=True):
            if following != fragment + 1 or separator != SPACE:
                parts += SPACE.join(texts[starts[begin] : starts[fragment + 1]]), separator
                begin = following
        return "".join(parts)

    def _tightly_woven(self, gaps: NDArray[np.int32], words: Sequence[int], lasts: NDArray[np.int64]) -> str:
        """As `_woven`, with no space where a gap is 0."""
        parts = [self.texts[word] + SPACE[:gap] for word, gap in zip(words, gaps.tolist(), strict=True)]
        for last, separator in zip(lasts.tolist(), self.after, strict=True):
            parts[last] = self.texts[words[last]] + separator
        return "".join(parts)

    def _glue(self, gaps: NDArray[np.int32], words: Sequence[int], lasts: Set[int]) -> None:
        """No space between ideographs, nor where the file has none; what stands after the last word of a fragment stays."""
        for position, (word, following) in enumerate(pairwise(words)):
            if position in lasts or gaps[position] != 1 or following != word + 1:
                continue
            if word in self.page.glued or needs_no_space(self.texts[word], self.texts[following]):
                gaps[position] = 0

    def table_spans(self, written: "Written") -> list[TableSpan]:
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

    def hidden_spans(self, written: "Written") -> list[HiddenText]:
        """One span a piece: a hidden fragment holds nothing that is seen."""
        if not self.page.hidden:
            return []
        return [
            HiddenText(written.span(position, position + 1), self.page.hidden[self._starts[fragment]])
            for position, fragment in enumerate(self.fragments)
            if self._starts[fragment] in self.page.hidden
        ]

    def heading_spans(self, written: "Written") -> list[tuple[Span, float]]:
        return [(written.span(first, last), height) for first, last, height in self.tall]

    def _text(self, position: int) -> str:
        return self._words_of(self.fragments[position])

    def _words_of(self, fragment: int) -> str:
        return SPACE.join(self.texts[self._starts[fragment] : self._starts[fragment + 1]])

    def _regions(self, boxes: NDArray[np.float32], numbers: list[int]) -> list[Region]:
        if not numbers:
            return []
        width, grids = self.page.width, self.page.grids
        if self.page.right_to_left:
            x0, y0, x1, y1 = boxes.astype(np.float64)
            boxes = np.stack((width - x1, y0, width - x0, y1))
            grids = tuple(mirrored(grid, width) for grid in grids)
        fragments = fragments_of(boxes, self.page.starts[1:] - self.page.starts[:-1], numbers)
        return reading_order(fragments, width, grids)

    def _between_regions(self, last: tuple[Region, str], region: Region, following: str) -> str:
        above, text = last
        if region.goes_on:
            return LINE
        if not above.lines[-1].is_row and join_hyphenated(last_word(text), following, self._compounds):
            return LINE
        return SPACE if runs_on(above, text, region, following) else PARAGRAPH

    def _write_region(self, region: Region, extents: Extents) -> None:
        lines = region.lines
        numbers, starts = [line.first for line in lines], self._starts
        firsts, widths = (
            [self.texts[starts[number]] for number in numbers],
            [self._widths[number] for number in numbers],
        )
        breaks = [*separators(region, extents, widths, firsts), PARAGRAPH]
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
        least = HEADING_HEIGHT * self.body_height
        if self._tallest <= least:
            return
        heights = [line.y1 - line.y0 for line in lines]
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
        """How wide each fragment's first word is, or its first ideograph: what does not fit at a line's end begins the next."""
        first = self.page.starts[:-1]
        x0, y0, x1, y1 = self.page.boxes
        widths = x1[first] - x0[first]
        if not self.page.cjk and not len(self.page.turns):
            return widths.tolist()
        heights = y1[first] - y0[first]
        return (np.minimum(widths, heights) if self.page.cjk else np.maximum(widths, heights)).tolist()

    def _write_row(self, line: AnyLine) -> None:
        first = len(self.fragments)
        for number, cell in enumerate(line.cells):
            self.fragments += cell
            self.after += [SPACE] * len(cell)
            for position in range(len(self.fragments) - len(cell), len(self.fragments) - 1):
                self._end_line(position, self.texts[self._starts[self.fragments[position + 1]]])
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
            self._shortened.append(last)
            self.after[position] = ""
        elif self.after[position] is SPACE and needs_no_space(word, following):
            self.after[position] = ""


@dataclass(frozen=True, slots=True)
class Written:
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


def last_word(text: str) -> str:
    return text.rsplit(SPACE, 1)[-1]
