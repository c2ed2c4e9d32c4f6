"""A document becomes chunks: parts that a model reads in one call, cut where sections, paragraphs and sentences end.

Where a text may be cut is in `bounds`; how a chunk is shown to the model is in `prompts`.
"""

import re
from dataclasses import dataclass

from coderai_pipeline.domain.bounds import Bound, Bounds, Strength, bounds_of
from coderai_pipeline.domain.documents import Document, Heading, Span
from coderai_pipeline.domain.errors import ContextTooLong
from coderai_pipeline.domain.tokens import count_tokens

TOKENS_PER_WORD_AT_MOST = 8
"""A text with more tokens a word than any language has is not words (encoded data, say); it is measured in tokens."""
IDEOGRAPHS_PER_WORD = 1.6
"""What stands for one word in Chinese and Japanese: 5,000 words of English come to about 8,000 characters there."""
LETTERS_PER_WORD = 5.0
"""The same for scripts of letters without spaces: Thai, Lao, Burmese, Khmer."""
CONTEXT_CHARACTERS = 1_000
FIRST_PART_INDEX = 1 << 20
"""Indexes from here up belong to parts of chunks that were too long for the model; no document has so many chunks."""

_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNSPACED_LETTER = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a document.

    index: unique in the document, 0-based in order; parts made by `split_further` count from FIRST_PART_INDEX up.
    section: headings above the chunk's first character, outermost first. context: header row of the table inside which
    the chunk starts, "" elsewhere. tokens: of the chunk's text, without section and context.
    """

    document: str
    index: int
    span: Span
    section: tuple[str, ...]
    context: str
    tokens: int

    @property
    def number(self) -> int:
        """What people call it: 1 for the first, also for its parts."""
        return self.index % FIRST_PART_INDEX + 1


def split(
    document: Document, *, threshold_words: int = 5000, tokens: int = 2500, overlap: int = 250
) -> tuple[Chunk, ...]:
    """The chunks of a document, in order; together they hold every character of its text.

    A document of up to `threshold_words` is one chunk. Others are cut into chunks of 0.8 to 1.2 times `tokens`, each
    repeating about `overlap` tokens of the one before it. Only the last may be smaller, and the one before a word that
    is itself larger than a chunk; such a word is the only one ever cut inside.
    """
    whole = Span(0, len(document.text))
    if not document.text or _is_short(document.text, threshold_words):
        return (_chunk(document, 0, whole),) if document.text else ()
    spans = _spans(bounds_of(document, whole, atom_tokens=max(1, (overlap or tokens // 10) // 5)), tokens, overlap)
    return tuple(_chunk(document, index, span) for index, span in enumerate(spans))


def split_further(chunk: Chunk, document: Document) -> tuple[Chunk, Chunk]:
    """The two halves of a chunk that is larger than the model reads, overlapping by a tenth, at most 250 tokens.

    Raises ContextTooLong where there is nothing left to cut.
    """
    overlap = min(250.0, chunk.tokens / 10)
    bounds = bounds_of(document, chunk.span, atom_tokens=max(1, int(overlap) // 5))
    total = bounds.last.tokens
    middle = bounds.strongest(0.4 * total, 0.6 * total, 0.5 * total) or bounds.nearest(
        1, total - 1, total / 2, Strength.INSIDE
    )
    if middle is None or not chunk.span.start < middle.at < chunk.span.end:
        raise ContextTooLong(
            f"{chunk.document}: a part of {chunk.tokens} tokens is too long for the model and cannot be split further; "
            "choose a model that reads more"
        )
    first, second = _part_indexes(chunk.index)
    return (
        _chunk(document, first, Span(chunk.span.start, middle.at)),
        _chunk(document, second, Span(_start_after(bounds, bounds.first, middle, overlap).at, chunk.span.end)),
    )


def part_of(chunk: Chunk, document: Document, index: int) -> Chunk:
    """The part of a chunk that `split_further` gave this index; the chunk itself where the index is not of a part."""
    for step in bin(index // FIRST_PART_INDEX)[3:]:
        chunk = split_further(chunk, document)[int(step)]
    return chunk


def count_words(text: str) -> float:
    """Words as spaces part them; in scripts that write without spaces a number of characters stands for a word."""
    if text.isascii():
        return len(text.split())
    spaced, ideographs = _IDEOGRAPH.subn(" ", text)
    spaced, letters = _UNSPACED_LETTER.subn(" ", spaced)
    return len(spaced.split()) + ideographs / IDEOGRAPHS_PER_WORD + letters / LETTERS_PER_WORD


def _is_short(text: str, threshold_words: int) -> bool:
    most_tokens = threshold_words * TOKENS_PER_WORD_AT_MOST
    return count_words(text) <= threshold_words and (len(text) <= most_tokens or count_tokens(text) <= most_tokens)


def _spans(bounds: Bounds, tokens: int, overlap: int) -> list[Span]:
    """Cuts at the strongest bound within the sizes allowed, nearest to an even share of what is left."""
    largest = 1.18 * tokens
    spans: list[Span] = []
    start = bounds.first
    while (left := bounds.last.tokens - start.tokens) > largest:
        end = _end(bounds, start, left, tokens, overlap)
        spans.append(Span(start.at, end.at))
        start = _start_after(bounds, start, end, overlap)
    return [*spans, Span(start.at, bounds.last.at)]


def _end(bounds: Bounds, start: Bound, left: float, tokens: int, overlap: int) -> Bound:
    smallest, largest = start.tokens + 0.82 * tokens, start.tokens + 1.18 * tokens
    parts = max(2.0, -(-(left - overlap) // (tokens - overlap)))
    wanted = start.tokens + (left - overlap) / parts + overlap
    end = bounds.strongest(smallest, largest, wanted)
    if end is None or end.strength is Strength.INSIDE:
        end = bounds.nearest(start.tokens + 2 * overlap + 1, largest, smallest, Strength.CHARACTER) or end
    return end or bounds.nearest(largest, bounds.last.tokens, largest, Strength.INSIDE) or bounds.last


def _start_after(bounds: Bounds, start: Bound, end: Bound, overlap: float) -> Bound:
    """Where the next chunk starts: about `overlap` tokens before `end`, at a sentence or else a word."""
    if overlap <= 0:
        return end
    wanted = end.tokens - overlap
    for reach, strength in ((0.6, Strength.SENTENCE), (0.6, Strength.CHARACTER), (0.99, Strength.CHARACTER)):
        found = bounds.nearest(wanted - reach * overlap, wanted + reach * overlap, wanted, strength)
        if found is not None and start.at < found.at < end.at:
            return found
    return end


def _part_indexes(index: int) -> tuple[int, int]:
    """Numbers of a chunk's two parts, unique however often parts are split: nodes of a binary tree above its index."""
    chunk, node = index % FIRST_PART_INDEX, max(1, index // FIRST_PART_INDEX)
    return chunk + 2 * node * FIRST_PART_INDEX, chunk + (2 * node + 1) * FIRST_PART_INDEX


def _chunk(document: Document, index: int, span: Span) -> Chunk:
    return Chunk(
        document=document.key,
        index=index,
        span=span,
        section=_section(document, span.start),
        context=_table_header(document, span.start),
        tokens=count_tokens(span.of(document.text)),
    )


def _section(document: Document, at: int) -> tuple[str, ...]:
    path: list[Heading] = []
    for heading in document.headings:
        if heading.span.start > at:
            break
        path = [*(above for above in path if above.level < heading.level), heading]
    spans = (heading.span for heading in path)
    return tuple(" ".join(span.of(document.text).split()) for span in spans if not _is_hidden(document, span))


def _table_header(document: Document, at: int) -> str:
    for table in document.tables:
        header = table.header
        if header is not None and header.end <= at < table.span.end and not _is_hidden(document, header):
            return header.of(document.text).strip()[:CONTEXT_CHARACTERS]
    return ""


def _is_hidden(document: Document, span: Span) -> bool:
    return any(hidden.span.start < span.end and span.start < hidden.span.end for hidden in document.hidden)
