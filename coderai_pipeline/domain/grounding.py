"""Grounding: where in a document a quote stands, and how well it was found there.

The evened-out text that quotes are compared with is in `normalised_text`; what a missing quote means for a cell is in
`settling`, whether a quote holds the value in `support`.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from coderai_pipeline.domain.cells import Evidence, Grounding
from coderai_pipeline.domain.documents import Page, Span
from coderai_pipeline.domain.likeness import says_the_same
from coderai_pipeline.domain.normalised_text import NormalisedText, look_alike, normalised, squeezed
from coderai_pipeline.domain.reply_quotes import without_additions, without_markdown
from coderai_pipeline.domain.wording import denials


def ground(
    quote: str,
    document_text: NormalisedText,
    near: Span | None = None,
    within: Span | None = None,
    pages: Sequence[Page] = (),
) -> Evidence:
    """Find a quote. Looked for in `within` first (the chunk that was asked), then in the whole document.

    Where it stands several times equally well the span is the occurrence nearest to `near`, else the first, and the
    grounding is `ambiguous`. Elided quotes ("a ... b") are found as their parts in order.
    """
    trimmed = quote.strip()
    whole = Span(0, len(document_text.original))
    for part in dict.fromkeys((within or whole, whole)):
        if found := _find(trimmed, document_text, part, near):
            return Evidence(quote, found.grounding, found.span.start, found.span.end, page_of(found.span.start, pages))
    return Evidence(quote, Grounding.ABSENT)


def page_of(offset: int, pages: Sequence[Page]) -> int | None:
    """The page on which a character stands; None without pages. Pages are in order of their spans."""
    row = bisect_right(pages, offset, key=lambda page: page.span.start) - 1
    return pages[row].number if row >= 0 and offset < pages[row].span.end else None


@dataclass(frozen=True, slots=True)
class _Found:
    span: Span
    grounding: Grounding


# The largest share of a quote's characters that may differ, by its length; shorter quotes must be found as they are.
_DISTANCES = ((25, 0.3), (12, 0.2), (6, 0.125))
# A quote this long may stand within longer words, as when it was cut off; a shorter one is then another word.
_LONG_ENOUGH_TO_BE_CUT = 15
_LONGEST_GAP = 2_000
_LONGEST_OMISSION = 40
_LONGEST_ENDING = 4
_ELISION = re.compile(r"\s*(?:\[\s*(?:\.{3,}|…)\s*\]|\(\s*(?:\.{3,}|…)\s*\)|\.{3,}|…|\n\s*(?:[-*+•]|\d{1,2}[.)])\s)\s*")
_EDGES = " \t\n.,;:!?·…'\"“”„‘’«»‹›「」()[]*_"
_BROKEN_NUMBER = re.compile(r"(?<=\d)[ \t]*\n[ \t]*(?=\d)")
_RUN_OF_DIGITS = re.compile(r"\d+")
_GROUPING = re.compile(r"(?<=\d)[ ,.'](?=\d{3}(?!\d))")
# The end of a clause, and the beginning of the next.
_ENDS_CLAUSE = re.compile(r"(?:[;!?。；！？]|\w{4}\.)\s*\w")
# A digit where a letter should be: `difficu1ty`, but not `covid19` or `第5卷`.
_DIGIT_IN_WORD = re.compile(r"(?<=[a-z\u00df-\u058f])[0158](?=[a-z\u00df-\u058f])")
_ENDS_SENTENCE = re.compile(r"[.!?؟。！？][\"”»')\]]*\s*$")
_SHORTEST_SENTENCE = 12


def _find(quote: str, text: NormalisedText, within: Span, near: Span | None) -> _Found | None:
    if not quote:
        return None
    verbatim = _occurrences(quote, text.original, within.start, within.end)
    if verbatim:
        return _choose(verbatim, near, Grounding.EXACT)
    window = text.from_original(within)
    core = normalised(_BROKEN_NUMBER.sub("", without_additions(quote).strip(_EDGES)))
    return (
        _evened(normalised(quote), text, window, near)
        or _evened(core, text, window, near)
        or _squeezed(core, text, window, near)
        or _elided(quote, text, window, near)
        or _misread(core, text, window, near)
        or _with_gap(core, text, window, near)
        or _aligned(core, text, window, near)
        or _aligned(_with_letters_for_digits(core), text, window, near)
    )


def _choose(spans: list[Span], near: Span | None, grounding: Grounding) -> _Found:
    """The occurrence nearest to `near`, else the first."""
    if len(spans) == 1:
        return _Found(spans[0], grounding)
    nearest = min(spans, key=lambda span: _distance(span, near)) if near else spans[0]
    return _Found(nearest, Grounding.AMBIGUOUS)


def _distance(span: Span, near: Span) -> int:
    return max(span.start - near.end, near.start - span.end, 0)


def _evened(quote: str, text: NormalisedText, window: Span, near: Span | None) -> _Found | None:
    """The normalised quote in the normalised text."""
    if not quote:
        return None
    found = _occurrences(quote, text.text, window.start, window.end)
    return (
        _choose([text.to_original(span.start, span.end) for span in found], near, Grounding.NORMALISED)
        if found
        else None
    )


def _squeezed(quote: str, text: NormalisedText, window: Span, near: Span | None) -> _Found | None:
    """The quote where spaces are missing or too many, as around line breaks in Chinese or within broken words."""
    dense = squeezed(quote)
    if not dense:
        return None
    at = text.squeezed_at
    low, high = int(np.searchsorted(at, window.start)), int(np.searchsorted(at, window.end))
    found: list[Span] = []
    start = text.squeezed.find(dense, low, high)
    while start >= 0:
        span = Span(int(at[start]), int(at[start + len(dense) - 1]) + 1)
        if (
            _begins_word(text.text, span.start)
            and is_boundary(text.text, span.end)
            and _same_digits(quote, span.of(text.text))
        ):
            found.append(text.to_original(span.start, span.end))
        start = text.squeezed.find(dense, start + 1, high)
    return _choose(found, near, Grounding.NORMALISED) if found else None


def _elided(quote: str, text: NormalisedText, window: Span, near: Span | None) -> _Found | None:
    """A quote with parts left out: from its first part to its last, each after the one before and not far from it."""
    parts = [normalised(without_markdown(part).strip(_EDGES)) for part in _ELISION.split(quote)]
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return None
    found = (_chain(first, parts, text) for first in _occurrences(parts[0], text.text, window.start, window.end))
    # Of beginnings that come to the same end the last is meant; of what is left, none much longer than the shortest.
    by_end = {chain.end: chain for chain in found if chain}
    shortest = min((chain.end - chain.start for chain in by_end.values()), default=0)
    chains = [chain for chain in by_end.values() if chain.end - chain.start <= 2 * shortest]
    return (
        _choose([text.to_original(chain.start, chain.end) for chain in chains], near, Grounding.NORMALISED)
        if chains
        else None
    )


def _chain(first: Span, parts: list[str], text: NormalisedText) -> Span | None:
    end = first.end
    for part in parts[1:]:
        following = _occurrences(part, text.text, end, min(len(text.text), end + _LONGEST_GAP + len(part)), limit=1)
        if not following:
            return None
        end = following[0].end
    return Span(first.start, end)


def _with_gap(quote: str, text: NormalisedText, window: Span, near: Span | None) -> _Found | None:
    """A quote that leaves out something without saying so: its longest beginning that stands in the text, then the rest. A
    few words, or else half as much as it says, or whatever stands between two sentences that the quote joins."""
    cuts = [at for at in range(1, len(quote)) if quote[at - 1] == " " or _is_wide(quote[at])]
    if len(cuts) < 2 or len(quote) < (6 if _is_wide(quote[0]) else 12):
        return None
    longest = bisect_right(
        cuts, False, key=lambda at: text.text.find(quote[:at].rstrip(), window.start, window.end) < 0
    )
    for longest_omission in (_LONGEST_OMISSION, len(quote) // 2):
        for cut in reversed(cuts[max(0, longest - 2) : longest]):
            if found := _parted(quote, cut, longest_omission, text, window):
                return _choose([text.to_original(span.start, span.end) for span in found], near, Grounding.FUZZY)
    return None


def _parted(quote: str, cut: int, longest_omission: int, text: NormalisedText, window: Span) -> list[Span]:
    """Where both parts of a quote stand, the second after the first and not far from it."""
    rest, found = quote[cut:].strip(), list[Span]()
    joined = _ENDS_SENTENCE.search(quote[:cut]) and min(cut, len(rest)) >= _SHORTEST_SENTENCE
    gap = _LONGEST_GAP if joined else longest_omission
    for first in _occurrences(quote[:cut].rstrip(), text.text, window.start, window.end):
        limit = min(len(text.text), first.end + gap + len(rest))
        found += [
            Span(first.start, last.end)
            for last in _occurrences(rest, text.text, first.end, limit, limit=1)
            if joined or not _says_more(text.text[first.end : last.start])
        ]
    return found


def _says_more(omission: str) -> bool:
    """Whether what is left out turns a quote into another statement: a denial, or the end of one clause and the next."""
    return denials(omission) > 0 or _ENDS_CLAUSE.search(omission) is not None


def _misread(quote: str, text: NormalisedText, window: Span, near: Span | None) -> _Found | None:
    """The quote where one of the two was misread by a machine: `T0TAL l2.50`."""
    if not _allowed_distance(quote):
        return None
    found = [
        span
        for span in _occurrences(look_alike(quote), text.look_alike, window.start, window.end)
        if not (_splits_number(text.text, span.start) or _splits_number(text.text, span.end))
    ]
    return _choose([text.to_original(span.start, span.end) for span in found], near, Grounding.FUZZY) if found else None


def _with_letters_for_digits(quote: str) -> str:
    """A quote with letters for the digits that stand in words; "" where there are none."""
    spelt = _DIGIT_IN_WORD.sub(lambda digit: look_alike(digit[0]), quote)
    return "" if spelt == quote else spelt


def _aligned(quote: str, text: NormalisedText, window: Span, near: Span | None) -> _Found | None:
    """The passage at the smallest edit distance, if that is small, its digits are the quote's and it ends at words."""
    allowed = _allowed_distance(quote)
    if not allowed or window.end <= window.start:
        return None
    target, query = _as_bytes(quote, text, window)
    found: list[Span] = []
    for start, end in _separate(_nearest(query, target, allowed)):
        span = _to_words(text.text, window.start + start, window.start + end + 1)
        if _same_digits(quote, span.of(text.text)):
            wider = (span, _with_word_before(span, text.text))
            found += [text.to_original(each.start, each.end) for each in wider if _says(quote, each, text.text)][:1]
    return _choose(found, near, Grounding.FUZZY) if found else None


def _says(quote: str, span: Span, text: str) -> bool:
    return says_the_same(quote, _with_ending(quote, span, text))


def _with_word_before(span: Span, text: str) -> Span:
    """A quote that begins within a word and leaves out the next is aligned from the one after it."""
    return _to_words(text, text.rfind(" ", 0, max(0, span.start - 1)) + 1, span.end)


def _with_ending(quote: str, span: Span, text: str) -> str:
    """A passage that ends otherwise than the quote, with what follows where no space parts it: a denial may stand there."""
    if span.end and _is_wide(text[span.end - 1]) and text[span.end - 1] != quote[-1]:
        return text[span.start : span.end + _LONGEST_ENDING]
    return span.of(text)


def _nearest(query: bytes, target: bytes, distance: int) -> list[tuple[int, int]]:
    """First and last character of every passage of the target at the smallest edit distance, if that is small enough."""
    import edlib

    # Compiled, without stubs: what it returns is narrowed in the next line.
    result = cast(
        dict[str, list[tuple[int | None, int]]],
        edlib.align(query, target, mode="HW", task="locations", k=distance),  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    )
    return [(start or 0, end) for start, end in result["locations"]]


def _allowed_distance(quote: str) -> int:
    length = len(quote) * (3 if quote and _is_wide(quote[len(quote) // 2]) else 1)
    share = next((share for least, share in _DISTANCES if length >= least), 0.0)
    return int(share * len(quote))


def _as_bytes(quote: str, text: NormalisedText, window: Span) -> tuple[bytes, bytes]:
    """Text and quote in the quote's alphabet: all other characters of the text are one, as are those only the quote has."""
    alphabet = {char: number for number, char in enumerate(dict.fromkeys(quote[:]), start=2) if number < 256}
    table = np.zeros(max(len(text.symbols), 1), np.uint8)
    for char, number in alphabet.items():
        row = int(np.searchsorted(text.symbols, ord(char)))
        if row < len(text.symbols) and text.symbols[row] == ord(char):
            table[row] = number
    target = table[text.codes[window.start : window.end]].tobytes()
    return target, bytes(alphabet.get(char, 1) for char in quote)


def _separate(locations: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Alignments that do not overlap: of those that do, the shortest."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(locations):
        if kept and start <= kept[-1][1]:
            kept[-1] = min(kept[-1], (start, end), key=lambda each: each[1] - each[0])
        else:
            kept.append((start, end))
    return kept


def _same_digits(quote: str, passage: str) -> bool:
    """Another number is not a misspelt one: every run of digits in the quote must stand in the passage."""
    there = [*_RUN_OF_DIGITS.findall(passage), *_RUN_OF_DIGITS.findall(_GROUPING.sub("", passage))]
    return all(run in there for run in _RUN_OF_DIGITS.findall(quote))


def _to_words(text: str, start: int, end: int) -> Span:
    """An aligned passage, out to the bounds of the words it begins and ends in."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while start and not is_boundary(text, start):
        start -= 1
    while end < len(text) and not is_boundary(text, end):
        end += 1
    return Span(start, end)


def _occurrences(quote: str, text: str, start: int, end: int, limit: int = 1_000) -> list[Span]:
    """Where the quote stands as whole words; where it does nowhere and is long, also within words, as if cut off."""
    whole: list[Span] = []
    inside: list[Span] = []
    at = text.find(quote, start, end)
    while at >= 0 and len(whole) < limit:
        stop = at + len(quote)
        bounded = _begins_word(text, at) and is_boundary(text, stop)
        if bounded or (len(inside) < limit and not (_splits_number(text, at) or _splits_number(text, stop))):
            (whole if bounded else inside).append(Span(at, stop))
        at = text.find(quote, at + 1, end)
    return whole or (inside if len(quote) >= _LONG_ENOUGH_TO_BE_CUT else [])


def _splits_number(text: str, at: int) -> bool:
    """Whether an offset stands between two digits: a number that was cut off is another number."""
    return 0 < at < len(text) and text[at - 1].isdigit() and text[at].isdigit()


def is_boundary(text: str, at: int) -> bool:
    """Whether the characters on both sides of an offset belong to different words (or numbers: 5 is not in 5.20)."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before.isalnum() and after.isalnum():
        return _is_wide(before) or _is_wide(after) or _is_arabic(before) != _is_arabic(after)
    if before.isdigit() and after in ".,":
        return not text[at + 1 : at + 2].isdigit()
    if before in ".," and after.isdigit():
        return not text[at - 2 : at - 1].isdigit() if at >= 2 else True
    return True


def _is_arabic(char: str) -> bool:
    return "\u0590" <= char <= "\u08ff" and char.isalpha()


_ATTACHED = re.compile(r"(?<![^\W\d_])(?:[وفبكل]{1,2}(?:ال)?|[وفبك]?ال|لل|[והבכלמש]{1,2})$")


def _begins_word(text: str, at: int) -> bool:
    """As `is_boundary`, and after the particles that Arabic and Hebrew write attached (wa-, bi-, al-, ...)."""
    return is_boundary(text, at) or (text[at] >= "\u0590" and _ATTACHED.search(text, max(0, at - 5), at) is not None)


def _is_wide(char: str) -> bool:
    """Whether the script is written without spaces between words (Thai to Khmer, CJK, kana) or attaches particles (Hangul)."""
    return (
        "\u0e00" <= char <= "\u0fff"
        or "\u1000" <= char <= "\u109f"
        or "\u1780" <= char <= "\u17ff"
        or "\u2e80" <= char <= "\ud7ff"
        or "\uf900" <= char <= "\ufaff"
        or "\U00020000" <= char <= "\U0003ffff"
    )
