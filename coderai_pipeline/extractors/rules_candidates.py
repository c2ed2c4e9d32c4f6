"""All values of one passage that fit one variable, each with what shows it and a confidence; the surest is the answer.

Confidence says how a value was found: 0.9 label and value in one line or table row; 0.8 value under its label; 0.75 on the
next line; 0.5 in one sentence with its label; 0.8 or 0.5 by the variable's pattern (one match, or the first of several); 0.3-0.75
by keywords, position or shape alone. A label that the codebook does not name counts nine tenths.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from coderai_pipeline.domain.cells import Answer
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.extractors import rules_money, rules_names, rules_prose
from coderai_pipeline.extractors.rules_labels import (
    Label,
    Occurrence,
    has_label,
    labels_of,
    looks_like_label,
    notion_of,
    occurrences,
    own_phrases,
    values_below,
)
from coderai_pipeline.extractors.rules_layout import Sheet, below, stands_over
from coderai_pipeline.extractors.rules_lexicon import Notion
from coderai_pipeline.extractors.rules_ticks import is_ticked, ticked_options
from coderai_pipeline.extractors.rules_values import Found, is_not_stated, read_options, read_region, within

_LONGEST_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that fits a variable. passage: what shows it, the label included."""

    found: Found
    passage: Span
    confidence: float


def answer_to(sheet: Sheet, variable: Variable) -> Answer:
    best = best_candidate(candidates(sheet, variable))
    if best is None:
        return Answer(variable.name, None, None, None, "")
    return Answer(variable.name, best.found.value, _quote(sheet, best), round(best.confidence, 2), "")


def best_candidate(found: Iterable[Candidate]) -> Candidate | None:
    """The surest; of equals the first in the text."""
    return max(found, key=lambda c: (round(c.confidence, 3), -c.found.span.start), default=None)


def _quote(sheet: Sheet, candidate: Candidate) -> str:
    passage = candidate.passage
    if passage.end - passage.start > _LONGEST_QUOTE:
        passage = candidate.found.span
    return passage.of(sheet.text)


def candidates(sheet: Sheet, variable: Variable) -> Iterator[Candidate]:
    if not sheet.lines:
        return
    labels = labels_of(variable)
    notion = notion_of(variable)
    totals = list(_total(sheet, labels)) if notion is Notion.TOTAL else []
    if totals:
        yield from totals
        return
    places = [place for place in occurrences(sheet, labels) if not _is_of_recipient(sheet, variable, place)]
    labelled = [c for place in places if place.leads for c in _beside(sheet, variable, place)]
    inner = {place.span.start for place in places if place.marked}
    # `Injured person    Name: Ann Lee` is no person called `Name: Ann Lee`.
    labelled = [c for c in labelled if c.found.span.start == c.passage.start or c.found.span.start not in inner]
    yield from labelled
    if notion is Notion.TOTAL or _says_nothing(sheet, variable, places):
        return
    if variable.type is VariableType.TEXT and not labelled:
        yield from (Candidate(*hit) for place in places for hit in rules_prose.by_role(sheet, place))
    plain = notion is Notion.DATE
    headed = any(place.leads and place.marked for place in places)
    if variable.type is VariableType.DATE and not labelled and (plain or not headed):
        hits = rules_prose.unlabelled_dates(sheet, plain)
        yield from (Candidate(*hit) for hit in hits)
    if notion is Notion.COMPANY and sheet.span.start == 0:
        yield from _shaped(rules_names.company(sheet))
    if notion is Notion.ADDRESS:
        yield from _shaped(rules_names.address(sheet))
    if notion is Notion.CURRENCY and variable.type is VariableType.TEXT:
        yield from _shaped(rules_money.currency(sheet))
    if variable.validation.pattern is not None and variable.type is VariableType.TEXT:
        yield from _by_pattern(sheet, variable.validation.pattern)
    loose = [place for place in places if not (place.leads and (place.marked or _is_of_another(sheet, place)))]
    yield from (
        Candidate(*hit)
        for hit in rules_prose.in_sentences(sheet, variable, loose, percentage=wants_percentage(variable))
    )


_OF_RECIPIENT = re.compile(
    r"customer|client|recipient|buyer|bill|ship|kunde|empfänger|destinataire|cliente|покупател|客户|买方", re.IGNORECASE
)


def _is_of_recipient(sheet: Sheet, variable: Variable, place: Occurrence) -> bool:
    """Whether an address stands with the recipient's name, where the issuer's is wanted."""
    if notion_of(variable) is not Notion.ADDRESS or any(_OF_RECIPIENT.search(name) for name in own_phrases(variable)):
        return False
    return rules_names.is_of_recipient(sheet, place.line)


def _says_nothing(sheet: Sheet, variable: Variable, places: Sequence[Occurrence]) -> bool:
    """Whether a label of the variable stands with a dash, `n/a` or `unknown` in the place of its value, or with boxes none of
    which, or too many, are ticked."""
    for place in places:
        if place.leads and _ticked(sheet, variable, place) == []:
            return True
        cell = place.line.cells[place.cell]
        beside = (
            place.line.cells[place.cell + 1 : place.cell + 2]
            if place.after >= cell.end
            else (Span(place.after, cell.end),)
        )
        blank = place.after >= cell.end and sheet.text.startswith("__", cell.end + 1)
        if place.leads and place.marked and (blank or any(is_not_stated(region.of(sheet.text)) for region in beside)):
            return True
    return False


def _total(sheet: Sheet, labels: Sequence[Label]) -> Iterator[Candidate]:
    hit = rules_money.total(sheet, labels)
    if hit is not None:
        yield Candidate(*hit)


def _shaped(hit: tuple[Found, float] | None) -> Iterator[Candidate]:
    if hit is not None:
        yield Candidate(hit[0], hit[0].span, hit[1])


def _by_pattern(sheet: Sheet, pattern: str) -> Iterator[Candidate]:
    hits = [hit for hit in re.finditer(pattern, sheet.span.of(sheet.text)) if hit[0]]
    confidence = 0.8 if len({hit[0] for hit in hits}) == 1 else 0.5
    for hit in hits[:1]:
        span = Span(sheet.span.start + hit.start(), sheet.span.start + hit.end())
        line = sheet.line_at(span.start)
        yield Candidate(Found(hit[0], span), Span(min(line.start, span.start), span.end), confidence)


def _beside(sheet: Sheet, variable: Variable, place: Occurrence) -> Iterator[Candidate]:
    """The value right of a label, under it, or on the next line, whichever comes first."""
    weight = 1.0 if place.label.own else 0.9
    if (ticked := _ticked(sheet, variable, place)) is not None:
        yield from (Candidate(found, Span(place.span.start, found.span.end), 0.9 * weight) for found in ticked)
        return
    identifier = place.numbered or notion_of(variable) is Notion.NUMBER
    if identifier and variable.type is VariableType.TEXT and not _is_for_numbers(variable):
        weight *= 0.5  # `Customer No: 88231` is not a customer
    for region, confidence in _regions(sheet, variable, place):
        found = read_region(sheet, variable, region)
        if found is not None:
            found = _with_amount(sheet, variable, place, found)
            found = _as_identifier(sheet, found) if identifier else _continued(sheet, variable, found)
            passage = Span(min(place.span.start, found.span.start), max(found.span.end, place.span.end))
            yield Candidate(found, passage, confidence * weight * found.share)
            return
        if confidence > 0.85 and any(char.isalnum() for char in region.of(sheet.text)):
            return  # what stands where the value should be is not a value: do not look further


def _ticked(sheet: Sheet, variable: Variable, place: Occurrence) -> list[Found] | None:
    """What the ticked one of the options beside a label, or on the next line, says, or of a boolean its own box; None where
    there are no boxes."""
    line = place.line
    if variable.type is VariableType.BOOLEAN:
        mark = is_ticked(sheet.text, line.start, place.span.start)
        if mark is not None:
            return [Found(mark, place.span)]
    if place.after >= line.end and line.index + 1 < len(sheet.lines):
        line = sheet.lines[line.index + 1]
    options = ticked_options(sheet.text, Span(max(place.after, line.start), line.end))
    return None if options is None else read_options(sheet, variable, options)


_IDENTIFIER = re.compile(r"(?=\S*\d)[^\s,;|]+(?: [A-Z]{1,3} (?=\S*\d)[^\s,;|]+)?")
# An identifier and nothing else: 7701234567, DE02 1203 0000, 12/345 B.
_ONLY_IDENTIFIER = re.compile(r"(?=[^a-z]*\d)[A-Z\d][A-Z\d./-]*(?: [A-Z\d./-]*\d[A-Z\d./-]*)*\.?")
_NUMBER_WORDS = re.compile(
    r"\b(?:no|nr|num\w*|number|id|code|ref\w*|reference|\w*nummer|\w*zeichen|n|n[o°º]|número|numéro|référence|номер|код|инн|№)\b|#|№|رقم|号|编号|番号",
    re.IGNORECASE,
)


def _is_for_numbers(variable: Variable) -> bool:
    """Whether a text variable is an identifier, by what the codebook calls it."""
    return notion_of(variable) is Notion.NUMBER or any(_NUMBER_WORDS.search(name) for name in own_phrases(variable))


def _as_identifier(sheet: Sheet, found: Found) -> Found:
    """A document's number is one word with a digit in it, or `324 O 112/23`; what follows (`45 of 12 March`) is no part of it."""
    word = _IDENTIFIER.match(str(found.value))
    return Found(word[0], Span(found.span.start, found.span.start + word.end())) if word else found


_PER_CENT = re.compile(
    r"%|per\s?cent|\brate\b|prozent|\bsatz\b|\w+satz\b|\btaux\b|\btasa\b|\btipo\b|\bshare\b|anteil|ставк|процент|\bдоля\b|率|نسبة|معدل",
    re.IGNORECASE,
)


def wants_percentage(variable: Variable) -> bool:
    return any(_PER_CENT.search(name) for name in (variable.unit, *own_phrases(variable)))


def _with_amount(sheet: Sheet, variable: Variable, place: Occurrence, found: Found) -> Found:
    """`VAT 20 %      111.00`: the amount, not its rate, where the line has both and the variable is not a rate."""
    if variable.type is not VariableType.NUMBER or wants_percentage(variable):
        return found
    if "%" not in sheet.text[found.span.start : found.span.end + 2]:
        return found
    rest = Span(found.span.end, place.line.end)
    amounts = [span for span, reading in within(sheet.numbers, rest) if reading.unit != "%"]
    if amounts and not re.search(r"[^\W\d_]{4}", sheet.text[rest.start : amounts[0].start]):
        return Found(amounts[0].of(sheet.text), amounts[0])
    return found


def _regions(sheet: Sheet, variable: Variable, place: Occurrence) -> Iterator[tuple[Span, float]]:
    cell = place.line.cells[place.cell]
    if place.after < cell.end:
        if place.marked:
            yield Span(place.after, cell.end), 0.9
        elif (
            stands_over(sheet, place.span, Span(place.after, cell.end))
            or (not _another_label(sheet, place) and variable.type not in _OPEN_TYPES)
            or (
                (place.numbered or notion_of(variable) is Notion.NUMBER)
                and _IDENTIFIER.match(sheet.text, place.after, cell.end)
            )
            or (place.label.own and _ONLY_IDENTIFIER.fullmatch(sheet.text, place.after, cell.end))
        ):
            yield Span(place.after, cell.end), 0.8
        elif not _another_label(sheet, place) and _is_short(sheet, place):
            yield Span(place.after, cell.end), 0.4
        return
    under = list(takewhile(lambda region: not has_label(region.of(sheet.text)), below(sheet, place.line, cell)))
    is_last = place.cell + 1 == len(place.line.cells)
    # `Bill to:    Invoice no: 17`: what stands right of it has a label of its own.
    labelled = not is_last and has_label(place.line.cells[place.cell + 1].of(sheet.text))
    if not is_last and not labelled and not values_below(sheet, place.line):
        yield place.line.cells[place.cell + 1], 0.9
    else:
        yield from ((region, 0.8) for region in under)
        if is_last or not under:
            yield from _next_line(sheet, place)


_OPEN_TYPES = (VariableType.TEXT, VariableType.LOCATION)


def _another_label(sheet: Sheet, place: Occurrence) -> bool:
    """Whether the words after it make it another label: `Vessel type: ferry` is not a `Vessel`."""
    cell = place.line.cells[place.cell]
    head = sheet.text[place.after : min(cell.end, place.after + 40)]
    return bool(re.match(r"[^\d:：]{1,38}[:：]", head))


def _is_of_another(sheet: Sheet, place: Occurrence) -> bool:
    """Whether a common label is only the beginning of another one: `Date of birth:` is not the document's `Date`."""
    return not place.label.own and _another_label(sheet, place)


def _is_short(sheet: Sheet, place: Occurrence) -> bool:
    line = place.line
    return len(place.label.words) > 1 and len(line.words) <= 8 and sheet.text[line.end - 1] not in ".!?;。"


def _next_line(sheet: Sheet, place: Occurrence) -> Iterator[tuple[Span, float]]:
    following = sheet.lines[place.line.index + 1 : place.line.index + 2]
    for line in following:
        text = sheet.text[line.start : line.end]
        if not looks_like_label(text) and not has_label(text):
            start = line.start + (1 if sheet.text[line.start] in ":：" else 0)
            yield Span(start, line.cells[0].end), 0.75 if place.marked else 0.6


_PERSONAL_NUMBER = re.compile(r",\s*[^\W\da-zа-яё_]{2,8}\.?:?\s*\d[\d ./-]{5,}$")


def _without_personal_number(found: Found) -> Found:
    """`Paweł Zieliński, PESEL 91020456789`: the name, which ends before the number that he is known by."""
    number = _PERSONAL_NUMBER.search(str(found.value))
    if number is None or number.start() < 2:
        return found
    return Found(str(found.value)[: number.start()], Span(found.span.start, found.span.start + number.start()))


def _continued(sheet: Sheet, variable: Variable, found: Found) -> Found:
    """An address goes on over the next lines while they read like one; a name ends before its registration."""
    if variable.type is VariableType.TEXT and not _is_for_numbers(variable):
        found = _without_personal_number(found)
    if notion_of(variable) is Notion.COMPANY:
        return rules_names.without_registration(sheet, found)
    if notion_of(variable) is not Notion.ADDRESS:
        return found
    line = sheet.line_at(found.span.start)
    hit = rules_names.address(sheet, line.index, within=1)
    if hit is None or hit[0].span.start > found.span.start:
        return found
    span = Span(found.span.start, max(hit[0].span.end, found.span.end))
    return Found(rules_names.evened(span.of(sheet.text)), span)
