"""Finds values that stand in sentences or alone, away from labels with a colon or a cell of their own. Forms are read in `rules`."""

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.extractors.rules_labels import Occurrence, has_label
from coderai_pipeline.extractors.rules_layout import Line, Sheet, stripped
from coderai_pipeline.extractors.rules_ticks import ticked_options, without_boxes
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
_REACH = 400
_NEAR = 60
"""Characters between a label and its number beyond which they are not taken to belong together."""
_BEFORE = 3
"""By how many characters a number before its label must be nearer than one after it."""


def in_sentences(
    sheet: Sheet, variable: Variable, places: Sequence[Occurrence], *, percentage: bool = True
) -> Iterator[Hit]:
    """Values that share a sentence with a label; categories also by their keywords anywhere. percentage: a rate may be meant
    where the sentence has an amount too."""
    match variable.type:
        case VariableType.NUMBER:
            for place in places:
                yield from _nearest_number(sheet, variable, place, percentage)
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
    """The sentence around an offset, no further than `_REACH` characters on either side; in a table its row, and never beyond a
    line that has a label of its own."""
    line = sheet.line_at(offset)
    if len(line.cells) > 1:
        return Span(line.start, line.end)
    low, high = _between_labels(sheet, line, offset)
    start = low
    for end in _sentence_ends(sheet, low, offset):
        start = end
    return stripped(sheet.text, Span(start, next(_sentence_ends(sheet, offset, high), high)))


def _sentence_ends(sheet: Sheet, low: int, high: int) -> Iterator[int]:
    """The point of `20. 5. 1997` or `3. Mai` ends none."""
    for end in _SENTENCE_END.finditer(sheet.text, low, high):
        if not sheet.is_dated(Span(end.start(), end.end())):
            yield end.end()


def _between_labels(sheet: Sheet, line: Line, offset: int) -> tuple[int, int]:
    """How far a sentence may reach: what stands on a labelled line belongs to its label."""
    low, high = max(sheet.span.start, offset - _REACH), min(sheet.span.end, offset + _REACH)
    if _is_labelled(sheet, line):
        return max(low, line.start), min(high, line.end)
    for before in reversed(sheet.lines[max(0, line.index - _REACH) : line.index]):
        if before.end <= low or _is_labelled(sheet, before):
            low = max(low, before.end)
            break
    for after in sheet.lines[line.index + 1 : line.index + _REACH]:
        if after.start >= high or _is_labelled(sheet, after):
            high = min(high, after.start)
            break
    return low, high


def _is_labelled(sheet: Sheet, line: Line) -> bool:
    return has_label(sheet.text[line.start : line.end])


def _nearest_number(sheet: Sheet, variable: Variable, place: Occurrence, percentage: bool) -> Iterator[Hit]:
    around = sentence(sheet, place.span.start)
    wanted = variable.unit.casefold()
    best: tuple[int, Span] | None = None
    inside = list(within(sheet.numbers, around))
    amounts = [each for each in inside if each[1].unit != "%"]
    for span, reading in inside if percentage or not amounts else amounts:
        if any(date.start <= span.start < date.end for date, _ in within(sheet.dates, around)):
            continue
        if _CURRENCY.fullmatch(variable.unit) and not reading.unit:
            continue
        gap = span.start - place.span.end if span.start >= place.span.end else place.span.start - span.end + _BEFORE
        gap -= 20 if wanted and (reading.unit or "").casefold() == wanted else 0
        if gap <= _NEAR and (best is None or gap < best[0]):
            best = gap, span
    if best is not None:
        yield Found(best[1].of(sheet.text), best[1]), around, 0.5 - max(best[0], 0) / 300


def _nearest_date(sheet: Sheet, place: Occurrence) -> Iterator[Hit]:
    around = sentence(sheet, place.span.start)
    # A number before a label that happens to be a year is none: `No. 1664  Date ...`.
    known = [
        (span, reading)
        for span, reading in within(sheet.dates, around)
        if reading.precision != "year" or span.start >= place.span.end
    ]
    for span, _ in sorted(known, key=lambda each: abs(each[0].start - place.span.end))[:1]:
        yield Found(span.of(sheet.text), span), around, 0.5


def unlabelled_dates(sheet: Sheet, plain: bool) -> Iterator[Hit]:
    """The only date of the passage. plain: the variable is the document's date, so that the first of several does too.

    Where it is another date, such as one of payment, one that stands behind a label of its own is not taken for it.
    """
    whole = [
        (span, reading)
        for span, reading in sheet.dates
        if reading.precision in ("day", "minute") and not _ANOTHER_EVENT.search(_before(sheet, span))
    ]
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


# Labels of dates that no document is dated by.
_ANOTHER_EVENT = re.compile(
    r"(?:birth|born|\bdob\b|\bdue|expir|valid|delivery|arrival|departure|geburt|geb\.|fällig|liefer|gültig|ablauf|naissance|échéance|livraison"
    r"|expiration|nacimiento|vencimiento|entrega|caducidad|рожд|срок|поставк|действ|ميلاد|انتهاء|استحقاق|تسليم|出生|到期|交货|有效)[^\n|]{0,20}$",
    re.IGNORECASE,
)


def _before(sheet: Sheet, span: Span) -> str:
    """What stands before a date on its line."""
    return sheet.text[sheet.line_at(span.start).start : span.start]


_NAME = r"(?:[A-ZÀ-ÖØ-ÞА-ЯЁ][\w.'’&-]*|\b(?:of|and|de|del|du|da|van|von|der|den|und|et|y|e|la)\b|&)"
_ROLE_BEFORE = re.compile(
    rf"(?P<name>[A-ZÀ-ÖØ-ÞА-ЯЁ][\w.'’&-]*(?:[ ,]{{0,2}}{_NAME}){{1,7}}?\.?)"
    r"(?:,?\s{1,3}\((?:the |hereinafter |hereafter |in the following |nachfolgend |im Folgenden |ci-après |en adelante |далее |called |referred to as |genannt |als )*"
    r"[\"“„«'‘]?|,\s{1,3}(?:[-–—]\s)?)$"
)
_ROLE_AFTER = re.compile(r"[\"”“»'’]?\)|,?\s*$|[.,;](?!\s*[\d+(])|\s[-–—](?:\s|$)", re.MULTILINE)


def by_role(sheet: Sheet, place: Occurrence) -> Iterator[Hit]:
    """Whom a role names: `John Smith ("Tenant")`, `ACME INC., Plaintiff`, `Nordlicht GmbH, - Klägerin -`."""
    if (party := _party(sheet, place)) is not None:
        yield party
        return
    low = max(sheet.span.start, place.span.start - 120)
    name = _ROLE_BEFORE.search(sheet.text, low, place.span.start)
    if name and _ROLE_AFTER.match(sheet.text, place.span.end):
        span = stripped(sheet.text, Span(name.start("name"), name.end("name")), ",")
        yield Found(span.of(sheet.text), span), Span(span.start, place.span.end), 0.6


# Where the naming of a party begins, and its name: up to a comma, behind which stands who that is.
_PARTY_BEGINS = re.compile(
    r"\n\s*\n|\n(?=[ \t]*\(?[\da-zA-Z]{1,3}[).][ \t])|;\s|[)）][,;]?\s+(?=(?:and|und|et|y|e|и)\s)|\b(?:between|by and between|zwischen|entre|tra|между)[:\s]\s*",
    re.IGNORECASE,
)
_PARTY = re.compile(
    r"\s*(?:(?:and|und|et|y|e|и)\s+)?(?:\(?[\da-zA-Z]{1,3}[).]\s+)?(?P<name>[A-ZÀ-ÖØ-ÞА-ЯЁ][^,;:()\n]{1,80})(?P<who>,[^;]{2,400})?[(（][^()]{0,40}$"
)


def _party(sheet: Sheet, place: Occurrence) -> Hit | None:
    """`(1) Acme Limited, whose registered office is in Leeds (the "Supplier")`: the name at the head of what leads to the role."""
    low = max(sheet.span.start, place.span.start - _REACH)
    begins = [match.end() for match in _PARTY_BEGINS.finditer(sheet.text, low, place.span.start)]
    named = _PARTY.match(sheet.text, begins[-1] if begins else low, place.span.start)
    if named is None or not (begins or low == sheet.span.start) or not _ROLE_AFTER.match(sheet.text, place.span.end):
        return None
    end = named.end("name")
    if form := _FORM_BEHIND.match(sheet.text, end):
        end = form.end()
    span = stripped(sheet.text, Span(named.start("name"), end))
    if len(span.of(sheet.text).split()) > _LONGEST_NAME:
        return None
    return Found(span.of(sheet.text), span), Span(span.start, place.span.end), 0.8


# `Acme, Inc.`
_FORM_BEHIND = re.compile(r",\s?(?:Inc|LLC|L\.L\.C|Ltd|S\.A|S\.L|S\.p\.A|LLP|L\.P)\b\.?")
_LONGEST_NAME = 9


def _stated(sheet: Sheet, places: Sequence[Occurrence]) -> Iterator[Hit]:
    """A sentence that names it says yes, unless it says no; a bare question or heading says neither."""
    for place in places:
        around = sentence(sheet, place.span.start)
        text = around.of(sheet.text)
        if without_boxes(text) != text or text.endswith("?") or len(text.split()) < 4 or _OPEN_QUESTION.search(text):
            continue
        near = sheet.text[max(around.start, place.span.start - 30) : min(around.end, place.span.end + 25)]
        yield Found(not _NEGATION.search(near), around), around, 0.4


def _negated(sheet: Sheet, span: Span) -> bool:
    before = sheet.text[max(sheet.span.start, span.start - 20) : span.start]
    return bool(_NEGATION.search(re.split(r"[.;:,\n|]", before)[-1]))


def _is_unticked(sheet: Sheet, span: Span) -> bool:
    """Whether it stands on a line with boxes, and not at a ticked one."""
    line = sheet.line_at(span.start)
    options = ticked_options(sheet.text, Span(line.start, line.end))
    return options is not None and not any(each.start <= span.start < each.end for each in options)


def _by_keywords(sheet: Sheet, variable: Variable) -> Iterator[Hit]:
    """The category that is named most often, the earlier one of equals; surer the more it leads."""
    named = keyword_hits(sheet, variable, sheet.span)
    hits = [hit for hit in named if not _negated(sheet, hit.span) and not _is_unticked(sheet, hit.span)]
    counts: dict[str, list[Found]] = {}
    for hit in hits:
        counts.setdefault(str(hit.value), []).append(hit)
    if not counts:
        return
    first = max(counts.values(), key=lambda found: (len(found), -found[0].span.start))
    lead = len(first) / len(hits)
    yield first[0], sentence(sheet, first[0].span.start), 0.3 + 0.25 * lead
