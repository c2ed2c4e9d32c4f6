"""Dates as documents write them, with the precision they state: 2024, 2024-03, 2024-03-05 or 2024-03-05T14:30.

Nothing is completed from today's date. Month names come from `locale_data`; the forms of a date are in `date_forms`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from coderai_pipeline.domain.cells import JsonValue
from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.date_forms import BUDDHIST, UP_TO, Found, relative_word, scan_dates
from coderai_pipeline.domain.values.digits import ascii_digits
from coderai_pipeline.domain.wording import sentences, short


def read_date(written: JsonValue, conventions: Conventions) -> Reading | Unread:
    """One date. Relative dates, days without a year and ranges over years are not completed: they are `Unread`."""
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return Unread("no date is given" if written is None else f"{written!r} is not a date")
    text = " ".join(ascii_digits(str(int(written)) if written == _whole(written) else str(written)).split())
    if compact := _COMPACT.fullmatch(text):
        text, change = "-".join(compact.groups()), f'read "{text}" as year, month, day'
    else:
        change = ""
    if _is_of_other_calendar(text):
        return Unread(f'"{short(text)}" is counted in another calendar')
    if _OFFSET.search(text):
        return Unread(f'"{short(text)}" is counted from another date')
    found = _ours(list(scan_dates(text, conventions, passage=False)))
    if not found or _is_less_than_written(found, text):
        return _read_otherwise(text, conventions)
    reading = found[0].reading if len(found) == 1 else _several(found, text)
    if isinstance(reading, Unread):
        return reading
    return _with_change(_with_looseness(reading, text), change)


def find_dates(text: str, conventions: Conventions) -> Iterator[tuple[Span, Reading]]:
    """Every date of a passage in order, from whole timestamps down to bare years (1500-2100); impossible dates are left out."""
    for found in scan_dates(ascii_digits(text), conventions, passage=True):
        if isinstance(found.reading, Reading):
            yield found.span, found.reading


_COMPACT = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])([0-3]\d)")
# Periods shorter than a year and vague words: the date keeps what is certain.
_PERIOD = re.compile(
    r"\bQ[1-4]\b|\b[1-4]Q|\bH[12]\b|(?:\b[1-4](?:st|nd|rd|th|er|e|º|-?й|\.)?\s?)?(?:quarter|quartal|trimest|квартал)|"
    r"第?[1-4一二三四]?季度|第?[1-4]四半期|[1-4]\s?분기|\bquý (?:[1-4]|I{1,3}V?)\b|\b[12]\.? (?:halbjahr|semestre?|semester)\b|半年|\b(?:kw|cw|week|woche|semaine|semana|settimana)\s?\d{1,2}\b|-W\d{1,2}(?:-\d)?\b|\b(?:spring|summer|autumn|fall|winter|"
    r"frühjahr|frühling|sommer|herbst|printemps|été|automne|hiver|primavera|verano|otoño|invierno)\b|\bFY\s?\d|fiscal",
    re.IGNORECASE,
)
_OTHER_CALENDAR = re.compile(
    r"محر[مّ]|\bصفر\b|ربيع (?:ال|ا)|جماد[ىي]|\bرجب\b|شعبان|رمضان|شو[اّ]ل|ذ[وي] ال(?:قعدة|حجة)|\b(?:muharram|safar|rabi|jumada|rajab|"
    r"sha'?ban|ramadan|shawwal)\b|فروردین|اردیبهشت|خرداد|شهریور|اسفند|\bB\.?E\.?$",
    re.IGNORECASE,
)
_MOON_OR_VIKRAM = re.compile(r"农历|農曆|农曆|旧暦|陰暦|음력|âm lịch|संवत|शक\b", re.IGNORECASE)
# `30 days after 5 March 2024`: the date stated is not the one meant.
_TIME_SPAN = (
    r"days?|weeks?|months?|years?|tage?n?|tag|wochen?|monate?n?|jahre?n?|jours?|semaines?|mois|ans?|d[ií]as?|semanas?|mes|meses|"
    r"años?|anos?|дн\w+|день|недел\w+|месяц\w*|лет|giorn[oi]|settiman[ae]|mes[ei]|ann[oi]|zile|zi|dni|dzień|ngày|tuần"
)
_OFFSET = re.compile(
    rf"\b(?:{_TIME_SPAN})\s+(?:after|before|from|following|prior to|later than|nach|vor|après|avant|después|antes|depois|после|до|"
    rf"dopo|prima|după|înainte|po|przed|sau|trước)\b|\bwithin\s+(?:\w+\s+){{1,2}}(?:\(\d+\)\s+)?(?:days?|weeks?|months?)\b",
    re.IGNORECASE,
)
_OUR_YEAR = re.compile(r"(?<!\d)(?:1[7-9]|20|21)\d\d(?!\d)")
_OPEN_END = re.compile(
    r"(?:[-–—]|\b(?:to|until|till|bis|à|a|hasta|по))\s*(?:the )?(?:present|now|today|date|heute|jetzt|aujourd['’]hui|présent|hoy|"
    r"la actualidad|actualidad|настоящее время|н\.\s?в\.?)\W*$|至今|[-–—]\s*$",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:c\.|ca\.?|circa|about|around|approx\w*|early|mid|late|before|after|since|until|by|anfang|mitte|ende|um|vor|"
    r"nach|début|fin|vers|principios|finales|около|начало|конец|до|после)\b",
    re.IGNORECASE,
)


def _is_of_other_calendar(text: str) -> bool:
    return bool(_MOON_OR_VIKRAM.search(text) or (_OTHER_CALENDAR.search(text) and not _OUR_YEAR.search(text)))


def _ours(found: list[Found]) -> list[Found]:
    """`5 رمضان 1445 هـ الموافق 15 مارس 2024`: a date given in two calendars is the one in ours."""
    ours = [each for each in found if isinstance(each.reading, Reading)]
    others = [each for each in found if isinstance(each.reading, Unread)]
    return (
        ours
        if ours
        and all("counted in another" in each.reading.reason for each in others if isinstance(each.reading, Unread))
        else found
    )


def _is_less_than_written(found: list[Found], text: str) -> bool:
    """Whether only a year was recognised in a text that has more digits: a day or month in an unknown form."""
    if len(found) > 1 or not isinstance(found[0].reading, Reading) or found[0].reading.precision != "year":
        return False
    span = found[0].span
    rest = _PERIOD.sub("", text[: span.start] + " " + text[span.end :])
    return not found[0].reading.change and any(char.isdigit() for char in rest)


def _whole(written: str | float) -> object:
    """The integer a JSON number stands for, so that 2024.0 is read as 2024; None for text and fractions."""
    return int(written) if isinstance(written, int | float) and written == written // 1 else None


def _read_otherwise(text: str, conventions: Conventions) -> Reading | Unread:
    if word := relative_word(text):
        return Unread(f'"{word}" is relative to a date that is not stated with it')
    if years := re.search(r"\d{4}\s?[-–—/]\s?\d{4}", text):
        return Unread(f"a range of years ({years[0]}) is not one date")
    if not re.search(r"\d{4}", text):
        missing = "no year is given" if any(char.isdigit() for char in text) else "no date"
        return Unread(f'{missing} in "{short(text)}"')
    return _by_dateparser(text, conventions) or Unread(f'"{short(text)}" is not a date in a form that is known')


def _by_dateparser(text: str, conventions: Conventions) -> Reading | None:
    """Languages whose forms are not our own: a day named in words, and only with the year that stands in the text."""
    if not any(char.isalpha() for char in text):
        return None
    import dateparser

    settings = {"STRICT_PARSING": True, "DATE_ORDER": conventions.date_order or "DMY"}
    try:
        parsed = dateparser.parse(text, languages=[conventions.language], settings=settings)  # pyright: ignore[reportArgumentType]
    except ValueError:
        return None
    if (
        parsed is None
        or str(parsed.year) not in text
        or parsed.year >= BUDDHIST[0]
        or not re.search(rf"(?<!\d)0?{parsed.day}(?!\d)", text)
    ):
        return None
    return Reading(parsed.date().isoformat(), "day", change=f'"{short(text)}" read as {parsed.date().isoformat()}')


def _several(found: list[Found], text: str) -> Reading | Unread:
    """One date said twice, or a range within one month or year, kept at what both ends share."""
    readings = [each.reading for each in found if isinstance(each.reading, Reading)]
    if len(readings) < len(found):
        return next(each.reading for each in found if isinstance(each.reading, Unread))
    values = [str(reading.value) for reading in readings]
    longest = max(readings, key=lambda reading: len(str(reading.value)))
    if all(str(longest.value).startswith(value) for value in values):
        return longest
    between = text[found[0].span.end : found[1].span.start].strip(" .,()").casefold()
    if len(found) > 2 or not UP_TO.fullmatch(between):
        return Unread(f"holds several dates ({', '.join(values[:5])}), and none is clearly the value")
    return _shared(values[0], values[1], text)


def _shared(first: str, last: str, text: str) -> Reading | Unread:
    """A range at the precision that both ends share."""
    for precision, length in (("month", 7), ("year", 4)):
        if len(first) >= length and first[:length] == last[:length]:
            return Reading(first[:length], precision, change=f'"{short(text)}" is a range; kept as {first[:length]}')
    return Unread(f"a range ({first} to {last}) is not one date")


def _with_looseness(reading: Reading, text: str) -> Reading:
    if match := _PERIOD.search(text):
        kept = str(reading.value)[:4] if reading.precision == "year" else str(reading.value)
        return _with_change(
            Reading(kept, reading.precision, ambiguous=reading.ambiguous), f'"{match[0]}" left out, kept as {kept}'
        )
    if match := _OPEN_END.search(text):
        return replace(reading, ambiguous=f'"{short(text)}" is a range without an end; its beginning is taken')
    if match := _VAGUE.search(text):
        return _with_change(reading, f'"{match[0]}" left out')
    if reading.precision == "year" and not reading.change and len(text) > 4:
        return _with_change(reading, f'took {reading.value} out of "{short(text)}"')
    return reading


def _with_change(reading: Reading, change: str) -> Reading:
    return replace(reading, change=sentences(reading.change, change))
