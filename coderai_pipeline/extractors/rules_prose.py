"""Finds values that stand in sentences or alone, away from labels with a colon or a cell of their own. Forms are read in `rules`."""

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.extractors.rules_labels import Occurrence
from coderai_pipeline.extractors.rules_layout import Sheet, stripped
from coderai_pipeline.extractors.rules_values import Found, keyword_hits, within

Hit: TypeAlias = tuple[Found, Span, float]
"""A value, the sentence or line that shows it, and a confidence."""

_SENTENCE_END = re.compile(r"[.!?。！？؟](?=\s|$)|\n\s*\n|\n(?=\s*[-•*|])")
_NEGATION = re.compile(
    r"\b(?:no|not|never|nobody|niemand|without|none|neither|kein\w*|nicht|ohne|weder|aucun\w*|sans|pas|ningun\w*|sin|нет|не|без|لا|ليس|بدون|没有|未|不)\b",
    re.IGNORECASE,
)
_OPEN_QUESTION = re.compile(r"\b(?:whether|if|ob|falls|wenn|si|ли|если)\b|هل|是否", re.IGNORECASE)
_CURRENCY = re.compile(r"[A-Z]{3}|[$€£¥]")
_LABELLED = re.compile(r"[:：|]\s*$")
_NEAR = 60
"""Characters between a label and its number beyond which they are not taken to belong together."""


def in_sentences(sheet: Sheet, variable: Variable, places: Sequence[Occurrence]) -> Iterator[Hit]:
    """Values that share a sentence with a label; categories also by their keywords anywhere."""
    match variable.type:
        case VariableType.NUMBER:
            for place in places:
                yield from _nearest_number(sheet, variable, place)
        case VariableType.DATE:
            for place in places:
                yield from _nearest_date(sheet, place)
        case VariableType.BOOLEAN:
            yield from _stated(sheet, places)
        case VariableType.CATEGORY:
            yield from _by_keywords(sheet, variable)
        case _:
            return


def sentence(sheet: Sheet, offset: int) -> Span:
    """The sentence around an offset, no further than 400 characters on either side; in a table its row."""
    line = sheet.line_at(offset)
    if len(line.cells) > 1:
        return Span(line.start, line.end)
    low, high = max(sheet.span.start, offset - 400), min(sheet.span.end, offset + 400)
    start = low
    for end in _SENTENCE_END.finditer(sheet.text, low, offset):
        start = end.end()
    following = _SENTENCE_END.search(sheet.text, offset, high)
    return stripped(sheet.text, Span(start, following.end() if following else high))


def _nearest_number(sheet: Sheet, variable: Variable, place: Occurrence) -> Iterator[Hit]:
    around = sentence(sheet, place.span.start)
    wanted = variable.unit.casefold()
    best: tuple[int, Span] | None = None
    for span, reading in within(sheet.numbers, around):
        if any(date.start <= span.start < date.end for date, _ in within(sheet.dates, around)):
            continue
        if _CURRENCY.fullmatch(variable.unit) and not reading.unit:
            continue
        gap = span.start - place.span.end if span.start >= place.span.end else place.span.start - span.end
        gap -= 20 if wanted and (reading.unit or "").casefold() == wanted else 0
        if gap <= _NEAR and (best is None or gap < best[0]):
            best = gap, span
    if best is not None:
        yield Found(best[1].of(sheet.text), best[1]), around, 0.5 - max(best[0], 0) / 300


def _nearest_date(sheet: Sheet, place: Occurrence) -> Iterator[Hit]:
    around = sentence(sheet, place.span.start)
    dates = sorted(within(sheet.dates, around), key=lambda each: abs(each[0].start - place.span.end))
    for span, _ in dates[:1]:
        yield Found(span.of(sheet.text), span), around, 0.5


def unlabelled_dates(sheet: Sheet, plain: bool) -> Iterator[Hit]:
    """The only date of the passage. plain: the variable is the document's date, so that the first of several does too.

    Where it is another date, such as one of payment, one that stands behind a label of its own is not taken for it.
    """
    whole = [(span, reading) for span, reading in sheet.dates if reading.precision in ("day", "minute")]
    different = {str(reading.value)[:10] for _, reading in whole}
    if not whole or (len(different) > 1 and not plain):
        return
    span, _ = whole[0]
    line = sheet.line_at(span.start)
    if not plain and _LABELLED.search(sheet.text[line.start : span.start]):
        return
    only = 0.6 if plain else 0.4
    yield (
        Found(span.of(sheet.text), span),
        Span(min(line.start, span.start), max(span.end, line.end)),
        only if len(different) == 1 else 0.35,
    )


def _stated(sheet: Sheet, places: Sequence[Occurrence]) -> Iterator[Hit]:
    """A sentence that names it says yes, unless it says no; a bare question or heading says neither."""
    for place in places:
        around = sentence(sheet, place.span.start)
        text = around.of(sheet.text)
        if text.endswith("?") or len(text.split()) < 4 or _OPEN_QUESTION.search(text):
            continue
        near = sheet.text[max(around.start, place.span.start - 30) : min(around.end, place.span.end + 25)]
        yield Found(not _NEGATION.search(near), around), around, 0.4


def _negated(sheet: Sheet, span: Span) -> bool:
    before = sheet.text[max(sheet.span.start, span.start - 20) : span.start]
    return bool(_NEGATION.search(re.split(r"[.;:,\n|]", before)[-1]))


def _by_keywords(sheet: Sheet, variable: Variable) -> Iterator[Hit]:
    """The category that is named most often, the earlier one of equals; surer the more it leads."""
    hits = [hit for hit in keyword_hits(sheet, variable, sheet.span) if not _negated(sheet, hit.span)]
    counts: dict[str, list[Found]] = {}
    for hit in hits:
        counts.setdefault(str(hit.value), []).append(hit)
    if not counts:
        return
    first = max(counts.values(), key=lambda found: (len(found), -found[0].span.start))
    lead = len(first) / len(hits)
    yield first[0], sentence(sheet, first[0].span.start), 0.3 + 0.25 * lead
