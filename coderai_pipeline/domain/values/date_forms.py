"""The forms in which dates are written, found in a passage: ISO, day.month.year in any order, month names, 年月日, years.

A form that names no possible day is found too and says why (31 April). Which of several dates is meant is in `dates`.
"""

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values import Conventions, Reading, Unread
from coderai_pipeline.domain.values.date_patterns import (
    BETWEEN,
    CJK,
    CJK_DIGITS,
    COUNTED_OTHERWISE,
    DASHED_YEAR_BEFORE,
    DAY_AFTER,
    DAY_BEFORE,
    DAY_IN_WORDS,
    DAY_YEAR_AFTER,
    DAYS_BEFORE,
    DECADE_AFTER,
    DECADE_BEFORE,
    ERAS,
    NUMERIC,
    ORDINAL,
    ORDINALS,
    OTHER_ERA,
    OTHER_ERA_BEFORE,
    SHORT_YEAR_AFTER,
    THAI,
    THAI_ERA_BEFORE,
    THAI_MONTH,
    TWO_WORDS,
    VIETNAMESE,
    VIETNAMESE_MONTHS,
    WEEK_BEFORE,
    WORDS,
    YEAR,
    YEAR_AFTER,
    YEAR_BEFORE,
)
from coderai_pipeline.domain.values.locale_data import date_order_of, folded_name, month_names
from coderai_pipeline.domain.wording import sentences

# Two-digit years: 69-99 are 1969-1999, 00-68 are 2000-2068, as POSIX has it.
PIVOT = 69
# Years of the Buddhist era as Thailand counts them: no document means these years of our own.
BUDDHIST = (2400, 2700)
BUDDHIST_OFFSET = 543
# Before 1941 the Thai year began in April.
_SAME_NEW_YEAR = 2484


@dataclass(frozen=True, slots=True)
class Found:
    """A date in a passage, or what looks like one and why it is none."""

    span: Span
    reading: Reading | Unread


def scan_dates(text: str, conventions: Conventions, *, passage: bool) -> Iterator[Found]:
    """Everything in a text (digits already ASCII) that is written as a date, in order, none within another.

    passage: bare years only from 1500 to 2100 and apart from money and codes.
    """
    dates = (*_numeric(text, conventions), *_cjk(text), *_vietnamese(text), *_named(text, conventions))
    found = [_of_its_era(each, text) for each in dates]
    found.sort(key=lambda each: (each.span.start, -each.span.end))
    kept: list[Found] = []
    for each in found:
        if not kept or each.span.start >= kept[-1].span.end:
            kept.append(each)
    return iter(
        sorted([*kept, *_years(text, kept, conventions.language, passage=passage)], key=lambda each: each.span.start)
    )


def _of_its_era(found: Found, text: str) -> Found:
    """`15/09/1445 AH`, `15 March 44 BC`, `단기 4357년`: what stands with a date says that its year is not one of ours."""
    start = found.span.start
    if not OTHER_ERA.match(text, found.span.end) and not OTHER_ERA_BEFORE.search(text, max(0, start - 6), start):
        return found
    return Found(found.span, Unread(f'"{found.span.of(text)}" is counted in another era'))


def _numeric(text: str, conventions: Conventions) -> Iterator[Found]:
    for match in NUMERIC.finditer(text):
        reading = _of_numbers(match, conventions)
        first = DAYS_BEFORE.search(text, max(0, match.start() - 24), match.start())
        if first and isinstance(reading, Reading) and match["c"] and first["sep"] == match["sep2"].strip():
            written = text[first.start() : match.end()]
            over_months = first["month"] is not None and int(first["month"]) != int(match["b"])
            yield Found(Span(first.start(), match.end()), _over_months_or_days(reading, over_months, written))
        elif reading is not None:
            yield Found(Span(match.start(), match.end()), reading)


def _of_numbers(match: re.Match[str], conventions: Conventions) -> Reading | Unread | None:
    year = match["y"] or match["yy"] or match["c"]
    if 1300 <= int(year) < 1500 and conventions.language in COUNTED_OTHERWISE:
        return Unread(f'"{match[0]}" is counted in another calendar')
    if conventions.language == "th" and _SAME_NEW_YEAR <= int(year) < BUDDHIST[1] and not match["y"]:
        return _of_thailand(match, int(year), conventions)
    if match["y"]:
        if match["d"] is None and match["sep"].startswith("."):
            return None
        return _year_month(match) if match["d"] is None else _date(match, match["y"], match["m"], match["d"])
    if match["yy"] and WEEK_BEFORE.search(match.string, max(0, match.start() - 12), match.start()):
        return Reading(match["yy"], "year", change=f"week {match['mm']} left out, kept as {match['yy']}")
    if match["yy"]:
        return _date(match, match["yy"], match["mm"], None)
    return _in_some_order(match, conventions)


def _of_thailand(match: re.Match[str], year: int, conventions: Conventions) -> Reading | Unread | None:
    """`5/3/2567` in a Thai document."""
    ours = year - BUDDHIST_OFFSET
    same = NUMERIC.match(match[0].replace(str(year), str(ours), 1))
    reading = _of_numbers(same, conventions) if same else None
    if not isinstance(reading, Reading):
        return reading
    return replace(reading, change=sentences(reading.change, f'the year of "{match[0]}" is {ours} in our calendar'))


def _year_month(match: re.Match[str]) -> Reading | Unread:
    year, second = int(match["y"]), int(match["m"])
    if not 1 <= second <= 12:
        return Unread(f'"{match[0]}" is a range of years, not one date')
    following = second == (year + 1) % 100
    reading = _date(match, match["y"], match["m"], None)
    if following and isinstance(reading, Reading):
        return Reading(
            reading.value, reading.precision, ambiguous=f'"{match[0]}" could be the years {year} to {year + 1}'
        )
    return reading


def _in_some_order(match: re.Match[str], conventions: Conventions) -> Reading | Unread:
    """Day, month and year as two numbers of two digits and a year of two or four."""
    readings = {order: _ordered(match, order) for order in _orders(match)}
    possible = {order: each for order, each in readings.items() if isinstance(each, Reading)}
    if not possible:
        return next(iter(readings.values()))
    wanted = conventions.date_order
    if wanted in possible:
        return possible[wanted]
    if len({reading.value for reading in possible.values()}) == 1:
        return next(iter(possible.values()))
    if match["sep2"].startswith(".") and "DMY" in possible:
        dotted = possible["DMY"]
        return replace(dotted, change=sentences(dotted.change, f'"{match[0]}" has full stops, so the day comes first'))
    likelier = possible.get(date_order_of(conventions.locale)) or next(iter(possible.values()))
    values = " or ".join(sorted({str(reading.value) for reading in possible.values()}))
    why = f'"{match[0]}" could be {values}; set date_order'
    return replace(likelier, ambiguous=why)


def _orders(match: re.Match[str]) -> tuple[str, ...]:
    return ("DMY", "MDY") if len(match["c"]) == 4 else ("DMY", "MDY", "YMD")


def _ordered(match: re.Match[str], order: str) -> Reading | Unread:
    parts = dict(zip(order, (match["a"], match["b"], match["c"]), strict=True))
    return _date(match, parts["Y"], parts["M"], parts["D"])


def _cjk(text: str) -> Iterator[Found]:
    for match in CJK.finditer(text):
        month, day = (_cjk_number(match[part]) for part in ("m", "d"))
        if match["era"]:
            reading = _of_era(match, month, day)
        else:
            reading = _date(None, match["y"].translate(CJK_DIGITS), month, day, match[0])
        if isinstance(reading, Reading) and match["to_month"]:
            reading = _over_months_or_days(reading, True, match[0])
        elif isinstance(reading, Reading) and match["to"]:
            reading = _over_months_or_days(reading, match["other_month"] not in (None, match["m"]), match[0])
        elif isinstance(reading, Reading) and match["hour"]:
            late = match["half"] in _AFTERNOON and int(match["hour"]) < 12
            hour, minute = int(match["hour"]) + 12 * late, int(match["minute"] or 0)
            reading = replace(reading, value=f"{reading.value}T{hour:02d}:{minute:02d}", precision="minute")
        yield Found(Span(match.start(), match.end()), reading)


def _of_era(match: re.Match[str], month: str | None, day: str | None) -> Reading | Unread:
    """`令和6年3月5日`, `民國113年`: the year of an era whose months and days are ours, if the era had that day."""
    first, begins, ends = ERAS[match["era"]]
    number = 1 if match["e"] == "元" else int(_cjk_number(match["e"]) or 0)
    reading = _date(None, str(first + number - 1), month, day, match[0])
    if isinstance(reading, Unread):
        return reading
    value = str(reading.value)
    if not number or value < begins[: len(value)] or value > ends[: len(value)]:
        return Unread(f'"{match[0]}" names no day of that era')
    return replace(reading, change=f'"{match[0]}" is {value} in our calendar')


def _vietnamese(text: str) -> Iterator[Found]:
    """`ngày 5 tháng 3 năm 2024`: months are numbered there, in digits or words."""
    for match in VIETNAMESE.finditer(text):
        word = match["m"].casefold()
        named = (at for at, names in enumerate(VIETNAMESE_MONTHS, start=1) if word in names.split("|"))
        month = word if word.isdecimal() else str(next(named))
        reading = _date(None, match["y"], month, match["d"], match[0])
        yield Found(Span(match.start(), match.end()), _as_range(reading, match["from"], match[0]))


_AFTERNOON = ("下午", "晚上", "午後", "오후")


def _over_months_or_days(reading: Reading, over_months: bool, written: str) -> Reading:
    """A range of days at what both ends share: the month, or the year where it goes on into another month."""
    kept = str(reading.value)[: 4 if over_months else 7]
    return Reading(kept, "year" if over_months else "month", change=f'"{written}" is a range; kept as {kept}')


def _cjk_number(written: str | None) -> str | None:
    if written is None or written.isdecimal():
        return written
    tens, ten, ones = written.rpartition("十")
    digits = (tens or "1").translate(CJK_DIGITS) if ten else ""
    return digits + (ones.translate(CJK_DIGITS) if ones else "0" if ten else "")


def _named(text: str, conventions: Conventions) -> Iterator[Found]:
    months = month_names(conventions.language)
    alone: tuple[Span, int] | None = None
    for word in _words(text):
        month, end = _month_at(text, word, months)
        if month is None or (word.start() and text[word.start() - 1].isalpha() and word[0] < "\u0e00"):
            continue
        found = _around(text, word.start(), end, month)
        if found is None:
            alone = Span(word.start(), end), month
        else:
            yield _over_months(text, *alone, found) if alone else found
            alone = None


def _words(text: str) -> Iterable[re.Match[str]]:
    if not THAI.search(text):
        return WORDS.finditer(text)
    return sorted([*THAI_MONTH.finditer(text), *WORDS.finditer(text)], key=lambda word: word.start())


UP_TO = re.compile(rf"\s?(?:{BETWEEN})\s?")
_DAY_UP_TO = re.compile(rf"\s\d{{1,2}}{ORDINAL},?{UP_TO.pattern}")


def _over_months(text: str, first: Span, month: int, found: Found) -> Found:
    """`March to May 2024`, `5 March - 7 April 2024`, `March 30 - April 2, 2024`: a range within a year, kept as the year."""
    between = text[first.end : found.span.start]
    days = _DAY_UP_TO.fullmatch(between) is not None
    if not (days or UP_TO.fullmatch(between)) or isinstance(found.reading, Unread):
        return found
    span, kept = Span(first.start, found.span.end), str(found.reading.value)[:4]
    if days and str(found.reading.value)[5:7] == f"{month:02d}":
        return Found(span, _over_months_or_days(found.reading, False, span.of(text)))
    if str(found.reading.value)[5:] == f"{month:02d}":  # يناير/كانون الثاني: one month by two names
        day = DAY_BEFORE.search(text, max(0, first.start - 24), first.start)
        begin = day.start("day") if day else first.start
        written = text[begin : found.span.end]
        return Found(Span(begin, found.span.end), _date(None, kept, str(month), day and day["day"], written))
    return Found(span, Reading(kept, "year", change=f'"{span.of(text)}" is a range; kept as {kept}'))


def _month_at(text: str, word: re.Match[str], months: Mapping[str, int]) -> tuple[int | None, int]:
    """The month a word names, alone or with the word after it (كانون الثاني), and where the name ends."""
    name = folded_name(word[0])
    if name not in months and (two := TWO_WORDS.match(text, word.start())) and word[0] >= "\u0590":
        return months.get(folded_name(two[0])), two.end()
    return months.get(name) or months.get(_nominative(name)), word.end()


_RUSSIAN = ("январь", "февраль", "март", "апрель", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь")
_CYRILLIC_STEMS = {name.rstrip("ь"): name for name in _RUSSIAN} | {
    f"{name[:-3]}н": name
    for name in ("січень", "березень", "квітень", "травень", "червень", "липень", "серпень", "вересень")
}


def _nominative(name: str) -> str:
    """A month's name without a case ending or attached particle: Russian `январе`, Hebrew `במרץ`."""
    if "\u0400" <= name[:1] <= "\u0481" and len(name) > 4 and name[-1] in "еі":
        return _CYRILLIC_STEMS.get(name[:-1], "")
    return name[1:] if name[:1] == "ב" else name


def _ordinal(written: str) -> int:
    """1-31 of a spelled-out day; 0, which no month has, where there is none of that name (thirty-third)."""
    word = written.casefold().replace(" ", "-")
    return ORDINALS.index(word) + 1 if word in ORDINALS else 0


def _around(text: str, start: int, end: int, month: int) -> Found | None:
    """The date of which a month's name at [start, end) is part; None where no year stands with it."""
    spelled = DAY_IN_WORDS.search(text, max(0, start - 40), start)
    # `the second May 2020 meeting` is none: without `of` only a form writes a day so, and then with a capital.
    if spelled and (spelled["of"] or spelled["day"][0].isupper()) and (year := YEAR_AFTER.match(text, end)):
        day = str(_ordinal(spelled["day"]))
        written = text[spelled.start("day") : year.end()]
        return Found(Span(spelled.start("day"), year.end()), _date(year, year["year"], str(month), day, written))
    before = DAY_BEFORE.search(text, max(0, start - 24), start)
    if before and (year := YEAR_AFTER.match(text, end) or SHORT_YEAR_AFTER.match(text, end)):
        first = before["from"] if before["from"] and int(before["from"]) < int(before["day"]) else None
        begin = before.start("from" if first else "day")
        reading = _date(year, year["year"], str(month), before["day"], text[begin : year.end()])
        return Found(Span(begin, year.end()), _as_range(reading, first, text[begin : year.end()]))
    if after := DAY_YEAR_AFTER.match(text, end):
        written = text[start : after.end()]
        return Found(
            Span(start, after.end()),
            _as_range(_date(after, after["year"], str(month), after["day"], written), after["to"], written),
        )
    dashed = DASHED_YEAR_BEFORE.search(text, max(0, start - 6), start)
    if (year := YEAR_AFTER.match(text, end)) and not before and not dashed:
        written = text[start : year.end()]
        reading = _date(None, year["year"], str(month), None, written)
        if isinstance(reading, Reading) and year["year"].isdecimal() and len(year["year"]) == 2:
            reading = replace(reading, ambiguous=f'"{written}" could be a day or a year')
        return Found(Span(start, year.end()), reading)
    if year := YEAR_BEFORE.search(text, max(0, start - 6), start):
        day = DAY_AFTER.match(text, end)
        stop = day.end() if day else end
        return Found(
            Span(year.start(), stop),
            _date(None, year["year"], str(month), day and day["day"], text[year.start() : stop]),
        )
    return None


def _as_range(reading: Reading | Unread, other_day: str | None, written: str) -> Reading | Unread:
    if other_day is None or isinstance(reading, Unread):
        return reading
    kept = str(reading.value)[:7]
    return Reading(kept, "month", change=f'"{written}" is a range; kept as {kept}')


def _years(text: str, dates: list[Found], language: str, *, passage: bool) -> Iterator[Found]:
    """Bare years that are part of no date. Outside passages any year from 1 on that has four digits."""
    taken = iter(dates)
    date = next(taken, None)
    low, high = (1500, 2100) if passage else (1, 9999)
    for match in YEAR.finditer(text):
        while date and date.span.end <= match.start():
            date = next(taken, None)
        inside = date is not None and date.span.start <= match.start()
        in_thai = THAI_ERA_BEFORE.search(text, max(0, match.start() - 6), match.start())
        if inside or not (low <= int(match["year"]) <= high or in_thai):
            continue
        if match["year"][-1] == "0" and (
            DECADE_AFTER.match(text, match.end())
            or DECADE_BEFORE.search(text, max(0, match.start() - 16), match.start())
        ):
            yield Found(Span(match.start(), match.end()), Unread(f'"{match[0]}" names a decade, not one date'))
        elif OTHER_ERA.match(text, match.end()) or OTHER_ERA_BEFORE.search(
            text, max(0, match.start() - 6), match.start()
        ):
            yield Found(Span(match.start(), match.end()), Unread(f'"{match[0]}" is counted in another era'))
        else:
            written = text[max(0, match.start() - 8) : match.end()]
            thai = written if THAI.search(written) else ""
            reading = _date(match, match["year"], None, None, thai)
            if language in COUNTED_OTHERWISE and 1300 <= int(match["year"]) < 1450 and isinstance(reading, Reading):
                reading = replace(reading, ambiguous=f'"{match[0]}" could be counted in another calendar')
            yield Found(Span(match.start(), match.end()), reading)


def _date(
    match: re.Match[str] | None, year: str, month: str | None, day: str | None, written: str = ""
) -> Reading | Unread:
    written = written or (match[0] if match else "")
    if len(year.strip("'’")) == 2 and THAI.search(written):
        return Unread(f'the year of "{written}" has two digits, of our era or the Buddhist one')
    number, change = _full_year(year, written)
    if BUDDHIST[0] <= number < BUDDHIST[1] and not written.startswith(f"{number}-"):
        if not THAI.search(written) or number < _SAME_NEW_YEAR:
            return Unread(f'"{written}" is counted in another era')
        number -= BUDDHIST_OFFSET
        change = f'the year of "{written}" is {number} in our calendar'
    if month is None:
        return Reading(f"{number:04d}", "year", change=change)
    if not 1 <= int(month) <= 12:
        return Unread(f'"{written}" names no month')
    if day is None:
        return Reading(f"{number:04d}-{int(month):02d}", "month", change=change)
    last = calendar.monthrange(number, int(month))[1] if number else 0
    if not 1 <= int(day) <= last:
        return Unread(f'"{written}" is impossible: that month has {last} days')
    date = f"{number:04d}-{int(month):02d}-{int(day):02d}"
    return _with_time(match, date, change)


def _full_year(year: str, written: str) -> tuple[int, str]:
    digits = year.strip("'’")
    if len(digits) == 4:
        return int(digits), ""
    number = int(digits) + (1900 if int(digits) >= PIVOT else 2000)
    return number, f'the year of "{written}" has two digits; taken as {number}'


def _with_time(match: re.Match[str] | None, date: str, change: str) -> Reading:
    parts = match.groupdict() if match else {}
    hour = parts.get("hour")
    if hour is None:
        return Reading(date, "day", change=change)
    half = (parts.get("half") or "").replace(".", "").casefold()
    number = int(hour) % 12 + 12 if half == "pm" else int(hour) % 12 if half == "am" else int(hour)
    if number == 24:
        return Reading(date, "day", change=change)
    zone = parts.get("zone")
    change = sentences(change, f"time zone {zone} left out" if zone else "")
    return Reading(f"{date}T{number:02d}:{parts['minute']}", "minute", change=change)


_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|(?:last|next|this|previous)\s+\w+|gestern|heute|morgen|vorgestern|(?:letzte|"
    r"nächste|vorige|kommende)\w*\s+\w+|hier|aujourd['’]hui|demain|dernière?|prochaine?|ayer|hoy|mañana|anteayer|pasado|"
    r"próximo|вчера|сегодня|завтра|назад|прошл\w+|следующ\w+|أمس|اليوم|غدا|الماضي|الماضية|القادم|monday|tuesday|wednesday|"
    r"thursday|friday|saturday|sunday)\b|昨天|今天|明天|前天|去年|今年|明年|上周|下周|上个月|本月|日前",
    re.IGNORECASE,
)


def relative_word(text: str) -> str | None:
    """The word that makes a date relative to another one (yesterday, letzte Woche, 昨天); None if there is none."""
    match = _RELATIVE.search(text)
    return match[0] if match else None
