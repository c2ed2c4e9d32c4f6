"""Numbers as documents write them: 1.234,56 and 1,234.56, (500), 12 %, 1.2 million, 3亿5000万, with currency and unit.

How a number is recognised in running text is in `number_forms`, which mark is decimal in `amounts`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.digits import ascii_digits
from coderai_pipeline.domain.values.measures import conversion, is_measure
from coderai_pipeline.domain.values.number_forms import NOT_NUMBERS, scan_numbers
from coderai_pipeline.domain.values.number_words import currency_of, magnitude_of
from coderai_pipeline.domain.values.spelled import find_spelled
from coderai_pipeline.domain.wording import sentences, short


def read_number(written: JsonValue, conventions: Conventions, unit: str = "") -> Reading | Unread:
    """One number. `unit`: the unit wanted; of several numbers the only one that carries it is taken."""
    if isinstance(written, bool):
        return Unread(f"{str(written).lower()} is not a number")
    if isinstance(written, int | float):
        return _finite(written)
    if not isinstance(written, str):
        return Unread("no number is given" if written is None else "a list or an object is not one number")
    text = " ".join(ascii_digits(written).split())
    if _PLAIN.fullmatch(text) and not _BY_LOCALE.fullmatch(text):
        return _finite(float(text))
    return _read_text(text, conventions, unit)


def find_numbers(text: str, conventions: Conventions) -> Iterator[tuple[Span, Reading]]:
    """Every number of a passage in order; a span takes in sign, currency, magnitude and per cent sign.

    Left out: digits within words (A4, COVID-19), dates, times, versions and addresses (12:30, 1.2.3.4).
    """
    return scan_numbers(ascii_digits(text), conventions, passage=True)


_PLAIN = re.compile(r"[-+]?\d{1,40}(?:\.\d{1,40})?(?:[eE][-+]?\d{1,4})?")
_BY_LOCALE = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")
_RANGE = re.compile(r"\s*(?:[-–—~]|to|bis|à|a|al|до|إلى|الى|至|到|and|und|et|y|и)\s*")
_AS_UNIT = re.compile(r"(?:[^\W\d_]|[./°²³'’ -])+")


def _finite(number: float) -> Reading | Unread:
    try:
        value = float(number)
    except OverflowError:
        return Unread("the number is too large")
    return Reading(value) if math.isfinite(value) else Unread("the number is not finite or too large")


def _read_text(text: str, conventions: Conventions, unit: str) -> Reading | Unread:
    found = list(scan_numbers(text, conventions, passage=False))
    if not found:
        return _in_words(text, conventions) or Unread(_why_none(text))
    if len(found) > 1:
        return _one_of(found, text, unit)
    span, reading = found[0]
    if reading.unit == "m" and not unit and re.search(r"\d\s?m\b", text[: span.end]) and " m" not in text:
        reading = replace(reading, ambiguous=f'"{short(text)}" could be metres or millions; set `unit`')
    before, after = text[: span.start].strip(" .,;:"), text[span.end :].strip(" .,;:")
    if not before and not after:
        return reading
    if not before and _FRACTION.match(after.casefold()):
        return Unread(f'"{short(text)}" is a fraction in words')
    if not before and reading.unit is None and len(after.split()) <= 3 and _AS_UNIT.fullmatch(after):
        return replace(reading, unit=after)
    return _taken(reading, f'took {_shown(reading)} out of "{short(text)}"')


def _one_of(found: Sequence[tuple[Span, Reading]], text: str, unit: str) -> Reading | Unread:
    """Of several numbers: one value said twice, the only one in the unit wanted, else the reason why none."""
    readings = [reading for _, reading in found]
    if len({reading.value for reading in readings}) == 1:
        return next((reading for reading in readings if reading.unit), readings[0])
    if (whole := _in_parts(found, text, unit)) is not None:
        return whole
    in_unit = [each for each in readings if unit and each.unit and each.unit.casefold() == unit.casefold()]
    if len(in_unit) == 1:
        return _taken(in_unit[0], f'took the number in {unit} out of "{short(text)}"')
    listed = ", ".join(_shown(reading) for reading in readings[:5])
    if len(found) == 2 and _RANGE.fullmatch(text[found[0][0].end : found[1][0].start]):
        return Unread(f"a range ({listed}) is not one number")
    return Unread(f"holds several numbers ({listed}), and none is clearly the value")


def find_sums(text: str, conventions: Conventions, unit: str) -> Iterator[Reading]:
    """Every measure of a passage that is written in two or three parts, in the unit wanted: `2 h 30 min` in minutes."""
    found = list(find_numbers(text, conventions)) if is_measure(unit) else []
    for size in (2, 3):
        for at in range(len(found) - size + 1):
            if (whole := _in_parts(found[at : at + size], text, unit)) is not None:
                yield whole


_AND = re.compile(r"\s?,?\s?(?:and|und|et|y|и)?\s?", re.IGNORECASE)


def _in_parts(found: Sequence[tuple[Span, Reading]], text: str, unit: str) -> Reading | None:
    """`2 h 30 min` in minutes: one measure in units that get smaller, each part less than one of the unit before it."""
    sizes = [float(conversion(reading.unit, unit) or 0) for _, reading in found]
    parts = [float(reading.value) * size for (_, reading), size in zip(found, sizes, strict=True)]
    gaps = (text[first.end : second.start] for (first, _), (second, _) in pairwise(found))
    if not all(sizes) or not all(_AND.fullmatch(gap) for gap in gaps):
        return None
    if not all(part < size for size, part in zip(sizes, parts[1:], strict=False)):
        return None
    total = sum(parts)
    return Reading(total, unit=unit, change=f'"{short(text)}" added up to {total:.15g} {unit}')


def _taken(reading: Reading, how: str) -> Reading:
    return replace(reading, change=sentences(reading.change, how))


def _why_none(text: str) -> str:
    if not any(char.isdigit() for char in text):
        return f'there is no number in "{short(text)}"'
    if NOT_NUMBERS.search(text):
        return f'"{short(text)}" looks like a date, time, ratio or version'
    return f'the digits in "{short(text)}" are not written as one number'


_PERCENT_OF = "百分之"
_LANGUAGES = ("en", "de", "fr", "es", "ru", "ar", "zh")
# Words that go on with a number in words: `three and a half`, `one of two`.
_FURTHER = re.compile(
    r"\b(?:half|quarter|third|point|dozen|score|halb|demi|media|medio|половиной|or|to|of|and|und|oder|bis|et|ou|y|o|и|или|"
    r"dutzend|hundertstel|douzaine|dizaine|vingtaine|trentaine|centaine|millier|docena|decena|centena|centenar|millar|"
    r"dúzia|dezena|dozzina|decina|centinaio|migliaio|dozijn|tuzin|paar|couple|pair|paio|par|pareja|ventina|trentina|quarantina|cinquantina|сотня|сотню|десяток|дюжина|дюжину|половина|половину)s?\b|"
    r"^و|半|ครึ่ง|반"
)
# `ein Drittel`, `2 thirds`: what is counted is a part.
_FRACTION = re.compile(
    r"(?:thirds?|fourths?|fifths?|tenths?|drittel|viertel|fünftel|zehntel|tiers|quarts?|cinquièmes?|dixièmes?|tercios?|cuartos?|quintos?|"
    r"décimos?|terços?|quartos?|terz[oi]|quart[oi]|quint[oi]|трет[ьи]\w*|четверт[ьи]|пят(?:ая|ых)|десят(?:ая|ых)|trzeci\w*|czwart\w+|成|折|割|할)(?!\w)"
)
# What may stand before a number in words without making it another one.
_ABOUT = re.compile(
    r"(?:at (?:least|most)|about|around|approximately|approx\.?|roughly|nearly|almost|over|more than|less than|fewer than|"
    r"up to|only|exactly|a total of|mindestens|höchstens|etwa|rund|ungefähr|circa|ca\.|fast|über|mehr als|weniger als|"
    r"bis zu|knapp|insgesamt|au moins|au plus|environ|près de|plus de|moins de|presque|al menos|unos|unas|cerca de|"
    r"alrededor de|más de|menos de|casi|около|почти|более|менее|свыше|не менее|حوالي|نحو|أكثر من|أقل من|约|大约|近|超过|至少|共)",
    re.IGNORECASE,
)
_MINUS = re.compile(r"minus|moins|menos|meno|negative|минус|سالب|ناقص|负|負", re.IGNORECASE)


def _in_words(text: str, conventions: Conventions) -> Reading | None:
    """`three`, `twenty-five people`, `两万`: one number in words, at the start, nothing like a number after."""
    for language in dict.fromkeys((conventions.language, *_LANGUAGES)):
        found = list(find_spelled(text, language))
        if not found:
            continue
        span, value = found[0]
        before, rest = text[: span.start].strip(), text[span.end :].strip(" .,;")
        further = (
            _FURTHER.search(rest.casefold())
            or _FRACTION.match(rest.casefold())
            or any(magnitude_of(word, language) for word in rest.split())
        )
        currency = currency_of(before, conventions.language) if before else None
        minus = bool(before and _MINUS.fullmatch(before))
        known = not before or before == _PERCENT_OF or currency or minus or _ABOUT.fullmatch(before)
        if len(found) > 1 or not known or further or len(rest.split()) > 2:
            return None
        unit = "%" if before == _PERCENT_OF else currency or currency_of(rest, language) or rest or None
        number = -value if minus else value
        return Reading(float(number), unit=unit, change=f'read "{short(text)}" as {number}')
    return None


def _shown(reading: Reading) -> str:
    return f"{reading.value:.15g}" + (f" {reading.unit}" if reading.unit else "")
