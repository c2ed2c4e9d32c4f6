"""A passage as lines, cells and words: what stands right of, below and next to what. What labels mean is in `rules_labels`.

Cells of a line are parted by a bar, a tab, two or more spaces, a row of dots, or a colon that stands alone.
"""

import bisect
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.values import Conventions, Reading

_CELL_BREAK = re.compile(r"[ \t]*(?:\||\t|\.{3,}|…|_{3,})[ \t]*|[ \u3000\xa0]{2,}")
_CURRENCY_ALONE = re.compile(r"[$€£¥₹₽₺₴₩]|(?:EUR|USD|GBP|CHF|Rs|kr|Kč|zł)\.?")
IN_BRACKETS = re.compile(r"\s*[(\[（][^)\]）]*[)\]）]\s*")
# A word; Chinese and Japanese write no spaces, so that each of their characters is a word of its own.
_CJK = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*")
_BELOW_TOLERANCE = 2.0
"""Points by which two boxes may miss each other and still stand in one column."""


@dataclass(frozen=True, slots=True)
class Word:
    folded: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank. cells: its parts from left to right, without the space around them."""

    index: int
    start: int
    end: int
    cells: tuple[Span, ...]
    words: tuple[Word, ...]


def fold_word(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().replace("’", "'")


def folded_words(text: str, offset: int = 0) -> tuple[Word, ...]:
    return tuple(Word(fold_word(m[0]), offset + m.start(), offset + m.end()) for m in _WORD.finditer(text))


class Sheet:
    """The part of a document that is read, with its lines, numbers and dates found once and shared by all variables."""

    def __init__(
        self,
        document: Document,
        span: Span,
        conventions: Conventions,
        known: frozenset[tuple[str, ...]] = frozenset(),
    ) -> None:
        """known: the labels of all variables that are asked, as folded words; they tell labels from values."""
        self.document = document
        self.text = document.text
        self.span = span
        self.conventions = conventions
        self.known = known

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        found: list[Line] = []
        at = self.span.start
        for raw in self.span.of(self.text).split("\n"):
            body = raw.strip()
            if body:
                start = at + raw.index(body[0])
                found.append(self._line(len(found), start, start + len(body)))
            at += len(raw) + 1
        return tuple(found)

    def _line(self, index: int, start: int, end: int) -> Line:
        body = self.text[start:end]
        return Line(index, start, end, tuple(_cells(body, start)), folded_words(body, start))

    @cached_property
    def numbers(self) -> tuple[tuple[Span, Reading], ...]:
        from coderai_pipeline.domain.values.numbers import find_numbers

        found: list[tuple[Span, Reading]] = []
        for line in self.lines:  # line by line, so that no number takes its sign or currency from the next line
            for span, reading in find_numbers(self.text[line.start : line.end], self.conventions):
                found.append((stripped(self.text, Span(span.start + line.start, span.end + line.start)), reading))
        return tuple(found)

    @cached_property
    def dates(self) -> tuple[tuple[Span, Reading], ...]:
        from coderai_pipeline.domain.values.dates import find_dates

        by = self.span.start
        found = find_dates(self.span.of(self.text), self.conventions)
        return tuple((stripped(self.text, Span(s.start + by, s.end + by)), reading) for s, reading in found)

    def is_dated(self, number: Span) -> bool:
        """Whether a number is part of a date."""
        at = bisect.bisect_right(self.dates, number.start, key=lambda each: each[0].start) - 1
        return at >= 0 and number.start < self.dates[at][0].end and self.dates[at][1].precision != "year"

    def line_at(self, offset: int) -> Line:
        """The line that holds an offset, or the last that starts before it."""
        low, high = 0, len(self.lines) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.lines[middle].start <= offset:
                low = middle
            else:
                high = middle - 1
        return self.lines[low]

    def box(self, span: Span) -> tuple[int, float, float, float, float] | None:
        """Page and rectangle around a span, None where the file has no geometry or it spreads over pages."""
        places = self.document.places.locate(span)
        if len(places) != 1 or not places[0].rectangles or places[0].page is None:
            return None
        boxes = places[0].rectangles
        return (
            places[0].page,
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        )

    def is_known(self, cell: Span) -> bool:
        """Whether a cell holds one of the known labels and nothing else, but perhaps a unit in brackets."""
        text = cell.of(self.text)
        forms = (text, IN_BRACKETS.sub(" ", text))
        return any(tuple(word.folded for word in folded_words(form)) in self.known for form in forms)

    def has_digit(self, cell: Span) -> bool:
        return any(char.isdigit() for char in cell.of(self.text))


def _cells(body: str, offset: int) -> Iterator[Span]:
    """The cells of a line; between two bars an empty one, so that columns keep their places. `€    73,78` is one cell."""
    at = 0
    for gap in _CELL_BREAK.finditer(body):
        if not gap[0].strip() and _CURRENCY_ALONE.fullmatch(body, at, gap.start()):
            continue
        if gap.start() > at or "|" in gap[0]:
            yield Span(offset + at, offset + gap.start())
        at = gap.end()
    if at < len(body):
        yield Span(offset + at, offset + len(body))


def cell_index(line: Line, offset: int) -> int:
    """Which cell of its line holds an offset."""
    for index, cell in enumerate(line.cells):
        if offset < cell.end:
            return index
    return len(line.cells) - 1


def below(sheet: Sheet, line: Line, cell: Span) -> Iterator[Span]:
    """The cells under a cell on the next two lines: by the page's geometry, else by column number or by character column."""
    wanted = sheet.box(cell)
    for other in sheet.lines[line.index + 1 : line.index + 3]:
        if wanted is not None:
            yield from (under for under in other.cells if _stands_below(wanted, sheet.box(under)))
        elif len(other.cells) == len(line.cells):
            yield other.cells[cell_index(line, cell.start)]
        elif len(line.cells) > 1:
            column = cell.start - line.start
            yield from (c for c in other.cells if c.start - other.start <= column + 2 and c.end - other.start > column)


def stands_over(sheet: Sheet, label: Span, value: Span) -> bool:
    """Whether the first is printed above the second, though both were read as one line: a small heading within a cell."""
    above, under = sheet.box(label), sheet.box(value)
    return above is not None and under is not None and _stands_below(above, under)


def _stands_below(
    above: tuple[int, float, float, float, float], under: tuple[int, float, float, float, float] | None
) -> bool:
    if under is None or under[0] != above[0]:
        return False
    height = max(above[4] - above[2], under[4] - under[2])
    near = -_BELOW_TOLERANCE <= under[2] - above[4] <= 2 * height
    return near and under[1] < above[3] + _BELOW_TOLERANCE and under[3] > above[1] - _BELOW_TOLERANCE


def stripped(text: str, span: Span, also: str = "") -> Span:
    """The span without the white space, and the characters of `also`, at its ends."""
    start, end = span.start, span.end
    unwanted = " \t\n\r\u3000\xa0" + also
    while start < end and text[start] in unwanted:
        start += 1
    while end > start and text[end - 1] in unwanted:
        end -= 1
    return Span(start, end)
