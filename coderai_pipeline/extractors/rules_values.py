"""Reads a value of a variable's type out of a small region of text, as it is written there. Which region is decided in `rules`."""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.codebook import Variable, VariableType
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values import Reading
from coderai_pipeline.extractors.rules_labels import looks_like_label
from coderai_pipeline.extractors.rules_layout import Sheet, folded_words, stripped

_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Found:
    """A value as written and where it stands. share: how well it fills the region it was read from, 0-1."""

    value: JsonValue
    span: Span
    share: float = 1.0


def read_region(sheet: Sheet, variable: Variable, region: Span) -> Found | None:
    """The value that a region beside a label holds, None where it holds none of the variable's type."""
    region = stripped(sheet.text, region, "|")
    if is_not_stated(region.of(sheet.text)):
        return None
    match variable.type:
        case VariableType.NUMBER:
            return _number(sheet, variable, region)
        case VariableType.DATE:
            return _first(sheet.dates, region, sheet.text) or _compact_date(sheet, region)
        case VariableType.BOOLEAN:
            return _boolean(sheet, region)
        case VariableType.CATEGORY:
            return _category(sheet, variable, region)
        case _:
            return _text(sheet, variable, region)


def read_options(sheet: Sheet, variable: Variable, options: Sequence[Span]) -> list[Found]:
    """What ticked options say for a variable; [] where nothing is ticked, or several are and one is wanted."""
    found = [each for option in options if (each := read_region(sheet, variable, option)) is not None]
    if variable.type is VariableType.CATEGORY and variable.takes_many and found:
        named = (value for each in found if isinstance(each.value, list) for value in each.value)
        values: list[JsonValue] = list(dict.fromkeys(map(str, named)))
        return [Found(values, Span(found[0].span.start, found[-1].span.end))]
    return found if len(found) == 1 else []


def is_not_stated(written: str) -> bool:
    """Whether a value's place is empty, or filled with a dash, `n/a`, `unknown` or the like."""
    return _NOT_STATED.fullmatch(written.strip()) is not None


_NOT_STATED = re.compile(
    r"[-–—./*\s?]*|n\.?\s?/?\s?a\.?|(?:not|un)\s?-?(?:known|stated|available|applicable|specified)|not yet known|tbd|tbc"
    r"|k\.\s?a\.|keine angaben?|unbekannt|nicht bekannt|entfällt|inconnu|non communiqué|sans objet|desconocido|no consta|no disponible"
    r"|неизвестно|нет данных|н/д|غير معروف|غير متوفر|不详|未知|无",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\W*(?:none|nil|nobody|no one|no|keine[rsn]?|niemand|nichts|aucune?|néant|personne|ninguno|ninguna|nadie|нет|никто|لا يوجد|لا أحد|无|没有)\W*",
    re.IGNORECASE,
)


def within(found: Sequence[tuple[Span, Reading]], region: Span) -> Iterator[tuple[Span, Reading]]:
    """Those that lie whole in the region; `found` is sorted by start."""
    at = bisect.bisect_left(found, region.start, key=lambda each: each[0].start)
    while at < len(found) and found[at][0].start < region.end:
        if found[at][0].end <= region.end:
            yield found[at]
        at += 1


def _first(found: Sequence[tuple[Span, Reading]], region: Span, text: str) -> Found | None:
    ordered = sorted(within(found, region), key=lambda each: each[1].precision == "year")
    return Found(ordered[0][0].of(text), ordered[0][0], _share(ordered[0][0], region)) if ordered else None


def _number(sheet: Sheet, variable: Variable, region: Span) -> Found | None:
    inside = [each for each in within(sheet.numbers, region) if not sheet.is_dated(each[0])]
    if not inside:
        nothing = _NOTHING.fullmatch(region.of(sheet.text))
        return Found(0, region) if nothing else None
    wanted = variable.unit.casefold()
    carrying = [each for each in inside if wanted and (each[1].unit or "").casefold() == wanted]
    span = _in_brackets(sheet, (carrying or inside)[0][0], region)
    return Found(span.of(sheet.text), span, _share(span, region))


def _in_brackets(sheet: Sheet, span: Span, region: Span) -> Span:
    """`(912)` alone in its cell, with the brackets that make it negative in accounts."""
    whole = Span(max(region.start, span.start - 1), min(region.end, span.end + 1))
    alone = whole.start == region.start and re.fullmatch(r"\([^()]+\)", whole.of(sheet.text))
    return whole if alone else span


def _compact_date(sheet: Sheet, region: Span) -> Found | None:
    """`20240318` alone where a date should be."""
    written = region.of(sheet.text)
    alone = re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", written)
    return Found(written, region) if alone else None


def _share(span: Span, region: Span) -> float:
    """1 where the value opens its region; less the more stands before it."""
    before = span.start - region.start
    return max(0.3, 1.0 - before / 60)


YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "ja",
        "j",
        "wahr",
        "oui",
        "vrai",
        "sí",
        "si",
        "verdadero",
        "да",
        "نعم",
        "是",
        "有",
        "x",
        "✓",
        "☒",
        "☑",
    ]
)
NO = frozenset(
    [
        "no",
        "n",
        "false",
        "none",
        "nein",
        "nicht",
        "kein",
        "keine",
        "keiner",
        "keinen",
        "falsch",
        "non",
        "faux",
        "aucun",
        "no",
        "нет",
        "لا",
        "否",
        "无",
        "不",
        "☐",
    ]
)
_BOXES = re.compile(r"[✓☒☑☐]")


def _boolean(sheet: Sheet, region: Span) -> Found | None:
    text = region.of(sheet.text)
    box = _BOXES.match(text)
    words = folded_words(text, region.start)
    if box is not None:
        return Found(box[0] != "☐", Span(region.start, region.start + 1))
    if not words:
        return None
    for word in words[:2]:
        if word.folded in YES or word.folded in NO:
            return Found(word.folded in YES, Span(word.start, word.end), 1.0 if word is words[0] else 0.7)
    return None


def _category(sheet: Sheet, variable: Variable, region: Span) -> Found | None:
    hits = sorted(keyword_hits(sheet, variable, region), key=lambda hit: (hit.span.start, -hit.span.end))
    if variable.takes_many and hits:
        values: list[JsonValue] = list(dict.fromkeys(str(hit.value) for hit in hits))
        return Found(values, Span(hits[0].span.start, hits[-1].span.end))
    return hits[0] if hits else None


def keyword_hits(sheet: Sheet, variable: Variable, region: Span) -> Iterator[Found]:
    """Every place in a region where a category is named by its value or by one of its keywords."""
    text = region.of(sheet.text)
    for category in variable.categories:
        names = {category.value, category.value.replace("_", " "), *category.keywords}
        pattern = "|".join(_flexible(name) for name in sorted(names, key=lambda name: (-len(name), name)))
        for hit in re.finditer(pattern, text, re.IGNORECASE):
            yield Found(category.value, Span(region.start + hit.start(), region.start + hit.end()))


def _flexible(name: str) -> str:
    """A pattern of the name as words, with any white space between them."""
    body = r"\s+".join(re.escape(part) for part in name.split())
    before = r"(?<!\w)" if name[:1].isalnum() and name[:1].isascii() else ""
    after = r"(?!\w)" if name[-1:].isalnum() and name[-1:].isascii() else ""
    return f"{before}{body}{after}"


def _text(sheet: Sheet, variable: Variable, region: Span) -> Found | None:
    text = region.of(sheet.text)
    if variable.validation.pattern is not None:
        hit = re.search(variable.validation.pattern, text)
        return Found(hit[0], Span(region.start + hit.start(), region.start + hit.end())) if hit and hit[0] else None
    if variable.validation.allowed:
        return _allowed(variable, text, region)
    line_end = text.find("\n")
    span = stripped(sheet.text, Span(region.start, region.start + line_end) if line_end >= 0 else region, ",;")
    written = span.of(sheet.text)
    if len(written) > _LONGEST_TEXT or looks_like_label(written) or not any(char.isalnum() for char in written):
        return None
    return Found(written, span)


def _allowed(variable: Variable, text: str, region: Span) -> Found | None:
    for value in variable.validation.allowed:
        hit = re.search(_flexible(str(value)), text, re.IGNORECASE)
        if hit:
            return Found(hit[0], Span(region.start + hit.start(), region.start + hit.end()))
    return None
