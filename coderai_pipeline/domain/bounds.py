"""Where a text may be cut: ends of sections, paragraphs, sentences, lines and words, with the tokens before each.

Which of them become the bounds of chunks is decided in `chunks`.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from coderai_pipeline.domain.documents import Document, Span
from coderai_pipeline.domain.tokens import count_tokens


class Strength(IntEnum):
    """What ends at a bound; the higher, the better a text is cut there. INSIDE is within a word: the last resort."""

    INSIDE = 0
    CHARACTER = 1
    """Between two characters of a script without spaces."""
    WORD = 2
    LINE = 3
    SENTENCE = 4
    """A sentence, or a row of a table."""
    PARAGRAPH = 5
    SECTION = 6


@dataclass(frozen=True, slots=True)
class Bound:
    """A place between two characters. at: offset into the document's text. tokens: those before it in the part."""

    at: int
    tokens: float
    strength: Strength


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a part of a text in order, its own start and end among them."""

    all: tuple[Bound, ...]

    @property
    def first(self) -> Bound:
        return self.all[0]

    @property
    def last(self) -> Bound:
        return self.all[-1]

    def strongest(self, low: float, high: float, wanted: float) -> Bound | None:
        """The strongest bound with low <= tokens <= high, of equals the one nearest to `wanted`; None = no bound."""
        window = self._between(low, high)
        return max(window, key=lambda bound: (bound.strength, -abs(bound.tokens - wanted)), default=None)

    def nearest(self, low: float, high: float, wanted: float, at_least: Strength) -> Bound | None:
        """The bound with low <= tokens <= high nearest to `wanted`, of those at least as strong; None = no bound."""
        window = (bound for bound in self._between(low, high) if bound.strength >= at_least)
        return min(window, key=lambda bound: abs(bound.tokens - wanted), default=None)

    def _between(self, low: float, high: float) -> tuple[Bound, ...]:
        start = bisect_left(self.all, low, key=lambda bound: bound.tokens)
        return self.all[start : bisect_right(self.all, high, key=lambda bound: bound.tokens)]


Cut: TypeAlias = tuple[int, Strength]
Cutter: TypeAlias = Callable[[str, Span], Iterator[Cut]]


def bounds_of(document: Document, span: Span, atom_tokens: int) -> Bounds:
    """The bounds within `span`.

    Words are looked at only in sentences of more than `atom_tokens`, and the inside of a word only where the word has
    more: that keeps long texts cheap.
    """
    cutters: tuple[Cutter, ...] = (_Structure(document).cuts, _word_cuts, _inner_cuts)
    start = Bound(span.start, 0.0, Strength.SECTION)
    return Bounds((start, *_measured(document.text, span, 0.0, cutters, atom_tokens)))


def _measured(text: str, part: Span, before: float, cutters: tuple[Cutter, ...], atom_tokens: int) -> Iterator[Bound]:
    """The first cutter's bounds with their token counts; between them the next one's where a piece is large."""
    start = part.start
    for at, strength in cutters[0](text, part):
        tokens = count_tokens(text[_counted_from(text, start) : _counted_from(text, at)])
        if tokens > atom_tokens and len(cutters) > 1:
            yield from _scaled(tuple(_measured(text, Span(start, at), 0.0, cutters[1:], atom_tokens)), before, tokens)
        before += tokens
        yield Bound(at, before, strength)
        start = at


def _scaled(inner: tuple[Bound, ...], before: float, tokens: int) -> Iterator[Bound]:
    """The bounds inside a piece. Small pieces sum to more tokens than the whole has, so their counts shrink."""
    share = tokens / inner[-1].tokens
    return (Bound(bound.at, before + bound.tokens * share, bound.strength) for bound in inner[:-1])


def _counted_from(text: str, at: int) -> int:
    """A space belongs to the token after it; counted so, the pieces sum to the count of the whole."""
    return at - 1 if 0 < at < len(text) and text[at - 1] == " " else at


# `\n\s*` and not `\s*\n\s*`: the latter takes quadratic time on long runs of blanks.
_GAP = re.compile(
    r"""(?P<lines>\n\s*)
    |   (?P<spaced>[.!?…؟۔।։]["'”’»›)\]]*[^\S\n]+)
    |   [。！？｡][」』”’）〉》】]*[^\S\n]*""",
    re.VERBOSE,
)
_SENTENCE_ENDS = tuple(".!?…؟۔।։。！？｡")
_CLOSERS = "\"'”’»›)]」』”’）〉》】"


class _Structure:
    """Cuts from lines upwards, as the document's headings and tables and the text's own marks give them."""

    def __init__(self, document: Document) -> None:
        text = document.text
        self._section_starts = {_next_visible(text, heading.span.start) for heading in document.headings}
        self._heading_ends = {_next_visible(text, heading.span.end) for heading in document.headings}
        self._tables = sorted(table.span for table in document.tables)

    def cuts(self, text: str, part: Span) -> Iterator[Cut]:
        for gap in _GAP.finditer(text, part.start, part.end):
            strength = self._strength(text, gap) if gap.end() < part.end else None
            if strength is not None and not extends_grapheme(text, gap.end()):
                yield gap.end(), strength
        yield part.end, Strength.SECTION

    def _strength(self, text: str, gap: re.Match[str]) -> Strength | None:
        """What a gap ends; None = nothing, as in "approx. five" or "J. Smith"."""
        at = gap.end()
        if at in self._heading_ends:
            return Strength.WORD  # a heading stays with what it heads, be it the next heading
        if at in self._section_starts:
            return Strength.SECTION
        if gap["lines"]:
            return self._line_strength(text, gap)
        is_abbreviation = gap["spaced"] and (text[at].islower() or _is_initial(text, gap.start()))
        return None if is_abbreviation else Strength.SENTENCE

    def _line_strength(self, text: str, gap: re.Match[str]) -> Strength:
        if gap["lines"].count("\n") > 1:
            return Strength.PARAGRAPH
        before = text[max(0, gap.start() - 4) : gap.start()].rstrip().rstrip(_CLOSERS)
        is_end = before.endswith(_SENTENCE_ENDS) or self._in_table(gap.start())
        return Strength.SENTENCE if is_end else Strength.LINE

    def _in_table(self, at: int) -> bool:
        index = bisect_right(self._tables, at, key=lambda span: span.start) - 1
        return index >= 0 and at <= self._tables[index].end


_SPACE = re.compile(r"\s+")
_UNSPACED = "\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD_END = re.compile(rf"\s+|[、，；：]|(?<=[{_UNSPACED}])(?=\w)|(?<=\w)(?=[{_UNSPACED}])")


def _word_cuts(text: str, part: Span) -> Iterator[Cut]:
    for end in _WORD_END.finditer(text, part.start, part.end):
        at = end.end()
        if part.start < at < part.end and not extends_grapheme(text, at):
            yield at, Strength.WORD if end.group() else Strength.CHARACTER
    yield part.end, Strength.WORD


def _inner_cuts(text: str, part: Span) -> Iterator[Cut]:
    """A cut between graphemes about every 20 characters of a word too large for one chunk."""
    import regex  # 0.1 s that only texts without words should pay

    last = part.start
    for grapheme in regex.finditer(r"\X", text, pos=part.start, endpos=part.end):
        if grapheme.end() - last >= 20 and grapheme.end() < part.end:
            last = grapheme.end()
            yield last, Strength.INSIDE
    yield part.end, Strength.INSIDE


def extends_grapheme(text: str, at: int) -> bool:
    """Whether the character at `at` is drawn onto the one before it: a combining mark, joiner or skin tone."""
    character = text[at]
    return (
        unicodedata.category(character)[0] == "M" or character == "\u200d" or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _is_initial(text: str, dot: int) -> bool:
    return text[max(0, dot - 1) : dot].isalpha() and not text[max(0, dot - 2) : dot - 1].isalnum() and text[dot] == "."


def _next_visible(text: str, at: int) -> int:
    gap = _SPACE.match(text, at)
    return gap.end() if gap else at
