"""The forms in which numbers are written, found in a passage: digits and marks, and what stands around them.

Which of several numbers is meant is in `numbers`; decimal and grouping marks are in `amounts`.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values import Conventions, Reading
from coderai_pipeline.domain.values.amounts import Amount, amount_of
from coderai_pipeline.domain.values.digits import WORD
from coderai_pipeline.domain.values.locale_data import number_marks
from coderai_pipeline.domain.values.measures import CJK_MEASURES, is_measure
from coderai_pipeline.domain.values.number_words import (
    CJK_CURRENCIES,
    CURRENCY_SIGNS,
    PERCENT_WORDS,
    SCALED_CURRENCIES,
    UNITS,
    UNSPACED_PERCENT_WORDS,
    currency_of,
    magnitude_of,
)
from coderai_pipeline.domain.values.spelled import find_spelled
from coderai_pipeline.domain.wording import sentences, short

# Codes (INV-2024-001), dates, times, ratios, versions and addresses.
NOT_NUMBERS = re.compile(
    r"(?<![^\W_])[^\W\d_]+[-_/]\d+(?:[-/_]\w+)+"
    r"|(?<![\d.])\d{1,2}\.\d\d\s?[ap]\.?m\b"
    r"|(?<![\d.,])\d{1,2}h\d\d(?!\d|\s?m)"
    r"|(?<!\d)(?:\d+(?:[/:]\d+)+|\d{1,4}([-.])\d{1,2}\1\d{1,4}(?!\d)|\d+(?:\.\d+){3,}|\d+\.\d+\.\d+(?!\d))"
)


def scan_numbers(text: str, conventions: Conventions, *, passage: bool) -> Iterator[tuple[Span, Reading]]:
    """Every number of a text whose digits are ASCII already. passage: running text, where a dash may be a bullet and
    (500) a remark; otherwise the text is one written value."""
    spaced = not passage or number_marks(conventions.locale)[1] == " "
    token = _TOKEN_BY_SPACE if spaced else _TOKEN
    others = NOT_NUMBERS.finditer(text)
    other = next(others, None)
    floor = position = 0
    while match := token.search(text, position):
        while other and other.end() <= match.start():
            other = next(others, None)
        within = other and (other.start() <= match.start() or (":" in other[0] and other.start() < match.end()))
        if other and within and not _GROUPED.fullmatch(other[0]):
            floor = position = max(other.end(), match.end())
            continue
        found = _read_at(text, match, conventions, floor, passage=passage)
        floor = position = max(match.end(), found[0].end if found else 0)
        if found:
            yield found


@dataclass(frozen=True, slots=True)
class _Left:
    """What stands before the digits."""

    start: int
    negative: bool = False
    opened: bool = False
    currency: str | None = None
    factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class _Right:
    """What stands after the digits: where it ends, the factor and further amount of magnitude words, unit, minus."""

    end: int
    factor: Decimal = Decimal(1)
    extra: Decimal = Decimal(0)
    unit: str | None = None
    negative: bool = False


# Digits grouped by spaces (by any space where the locale does so or the value stands alone, else where a group or the
# decimals show that it is one number), or digits with other marks inside; a vulgar fraction may follow or stand alone.
_NARROW = "\u00a0\u202f\u2009\u2007"
_MARKED = r"\d+(?:[.,'’`´]\d+)*|(?<![\w.,])[.,]\d+"
_PART = r"(?:\s?(?P<part>[½¼¾⅓⅔])|[ \u00a0](?P<over>[1-9])/(?P<under>[2-9]|1[0-6])(?![\d/]))?|(?P<alone>[½¼¾⅓⅔])"
_BY_NARROW_SPACE = rf"(?<!\d)\d{{1,3}}(?:[{_NARROW}]\d{{3}}){{1,12}}(?!\d)(?:[.,]\d+)?"
_BY_SPACE = rf"(?<!\d)\d{{1,3}}(?:[ {_NARROW}]\d{{3}}){{1,12}}(?!\d)(?:[.,]\d+)?"
_SURELY_BY_SPACE = r"(?<!\d)\d{1,3}(?: \d{3}){0,8}(?: 0\d\d| \d{3}[.,]\d\d?)(?!\d)"
_TOKEN_BY_SPACE = re.compile(rf"(?P<digits>{_BY_SPACE}|{_MARKED}){_PART}")
_TOKEN = re.compile(rf"(?P<digits>{_BY_NARROW_SPACE}|{_SURELY_BY_SPACE}|{_MARKED}){_PART}")
_FRACTIONS = {"½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75"), "⅓": Decimal(1) / 3, "⅔": Decimal(2) / 3}
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+")

_MONEY_BEFORE = re.compile(
    rf"(?P<open>\()?\s?(?P<sign>[-+−–])?\s?(?P<word>[^\W\d_]{{0,3}}\.?[{CURRENCY_SIGNS}]|[^\W\d_]{{1,12}}\.?)\s?"
    r"(?P<inner>[-+−–])?\s?(?P<open2>\()?$"
)
_BARE_BEFORE = re.compile(r"(?P<open>\()?\s?(?P<sign>[-+−–])?(?P<gap>\s?)(?P<open2>\()?$")
_AFTER_WORD = re.compile(rf"[\s-]?([^\W\d_]{{0,3}}[{CURRENCY_SIGNS}]|{WORD}\.?)")
_OF = re.compile(r"\s(?:de|of|di)\s|\s(?:d['’])")
_LENGTHS = ("km", "m", "dm", "cm", "mm")
_PER = re.compile(r"/(?:[a-zµ]{1,3}|kWh|MWh|m²|m³)(?!\w)")
# Magnitudes of scripts without spaces: whatever follows them is another word.
_UNSPACED_FACTOR = re.compile(r"[多余여]?\s?(ล้าน|แสน|หมื่น|พัน|ร้อย(?!ละ)|[万萬亿億千百兆만억조천백])")
_UNSPACED_MORE = re.compile(
    r"\s?(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s?((?:ล้าน|แสน|หมื่น|พัน|ร้อย|[万萬亿億千百十만억천백십])+)"
)
# What is left of an amount after them: `12万3,456`. Of a single figure it is not said what it counts.
_UNSPACED_REST = re.compile(r"(?<=[万萬亿億千百兆만억조천백])(\d{1,3}(?:,\d{3})+|\d{2,})(?!\d|[.,]\d)")
_UNSPACED_MAGNITUDE = re.compile(r"ล้าน|แสน|หมื่น|พัน|ร้อย|.")
_PERCENT_BEFORE = re.compile(r"(?<![\w%])[%％]$|百分之$|(?:(?<!\w)yüzde|ร้อยละ)\s?$", re.IGNORECASE)
_MINUS_BEFORE = re.compile(
    r"(?:(?<!\w)(?<!\d )(?<!\b[ad]u )(?<!\b[al]l )(?<!\blo )(?<!\bo )(?<!\bou )(?<!\bao )(?:minus|moins|menos|meno|negative|минус|سالب|ناقص)\s|[负負])$",
    re.IGNORECASE,
)
# A minus in accounts of Japan and Korea, a rise elsewhere.
_TRIANGLE_BEFORE = re.compile(r"[▲△▼▽]\s?$")
_MINUS_BY_TRIANGLE = ("ja", "ko")
_PERCENT = re.compile(rf"\s?(%|‰|{UNSPACED_PERCENT_WORDS}|(?:{PERCENT_WORDS})(?!\w))", re.IGNORECASE)
_AND_A_HALF = re.compile(
    r"\s(?:and a half|et demie?|y medi[oa]|e mei[oa]|e mezz[oa]|и половиной|с половиной|и половина|și jumătate|şi jumătate|rưỡi|"
    r"buçuk|και μισ[όή]|i pół|en een half|ja puoli)(?!\w)",
    re.IGNORECASE,
)
_AREA = re.compile(
    r"[\s-]((?:square|sq\.?|cubic) (?:met(?:er|re)s?|kilomet(?:er|re)s?|centimet(?:er|re)s?|miles?|feet|foot|ft|yards?))(?!\w)",
    re.IGNORECASE,
)
_DEGREES = re.compile(r"\s?°\s?([CF])(?!\w)")
_POWERS = "¹²³⁴⁵⁶⁷⁸⁹⁰"
_NO_CENTS = re.compile(r"[.,][-–—]{1,2}(?!\d)")
_YEN = ("JPY", "¥")
_MINUS_AFTER = re.compile(r"\s?[-−](?=\s{0,3}$|\s{0,3}[€$£¥\n)])")
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|re|ème|e|º|ª|°|-?(?:й|го|я|е|х|ми))(?![\w°])")
_EXPONENT = re.compile(r"(?:[eE]|\s?[×x]\s?10\^?)([-+−]?\d{1,3})(?!\w)")


def _read_at(
    text: str, match: re.Match[str], conventions: Conventions, floor: int, *, passage: bool
) -> tuple[Span, Reading] | None:
    """The number these digits belong to, with what stands around it; None where they are part of something else."""
    left = _left(text, match.start(), floor, conventions.language, passage=passage)
    amount = _amount(match, conventions)
    right = _right(text, match.end(), conventions.language, left.currency if left else None)
    if left is None or right is None or amount is None:
        return None
    # `¥12,980-` is no negative amount: in Japan the dash closes it.
    start, end, negative = left.start, right.end, left.negative or (right.negative and left.currency not in _YEN)
    change, ambiguous = amount.change, amount.ambiguous
    closing = _closing(text, end) if left.opened else None
    if closing is not None and not negative and not _is_spelled_before(text, start, amount.value, conventions.language):
        whole_value = not passage and not text[:start].strip() and not text[closing:].strip()
        if whole_value or left.currency or not match[0].isdigit():
            right = _beyond(text, closing, right, conventions.language)
            negative, end = True, max(closing, right.end)
            change = sentences(change, f'"{short(text[start:end])}" read as negative')
        else:
            ambiguous = ambiguous or f'"{text[start:closing]}" is negative in accounts'
    if text[end : end + 1] in _POWERS and right.unit is None and text[end : end + 1]:
        ambiguous = ambiguous or f'"{text[start : end + 1]}" could be a power, or a number with the sign of a note'
    if text[start - 1 : start] == "±":
        ambiguous = ambiguous or f'"{short(text[start - 1 : end])}" could be plus or minus'
    if _TRIANGLE_BEFORE.search(text, max(0, start - 2), start):
        ambiguous = ambiguous or f'"{short(text[start - 2 : end].strip())}" could be a rise or a minus'
    if left.opened and (closing is None or end < closing) and text[start] == "(":
        start += 1
    factor = right.factor * left.factor
    value = amount.value * factor + right.extra
    signed = -value if negative else value
    if factor != 1:
        change = sentences(change, f'read "{short(text[start:end])}" as {_plain(signed)}')
    number = float(signed)
    if not math.isfinite(number):
        return None
    return Span(start, end), Reading(number, unit=right.unit or left.currency, change=change, ambiguous=ambiguous)


def _beyond(text: str, closing: int, inner: _Right, language: str) -> _Right:
    """`(12.4) million`: what the number counts, where that stands behind the parenthesis."""
    outer = _right(text, closing, language, None) if inner.factor == 1 and inner.unit is None else None
    return outer if outer and (outer.factor != 1 or outer.unit) else inner


def _is_spelled_before(text: str, start: int, value: Decimal, language: str) -> bool:
    """`thirty (30) days`, `two thousand dollars ($2,000.00)`: the number in parentheses repeats the one before it in words."""
    before = text[max(0, start - _LONGEST_SPELLED) : start].rstrip()
    if not before or not (before[-1].isalpha() or before.endswith("/100")):
        return False
    spelled = [found for each in dict.fromkeys((language, "en")) for found in find_spelled(before, each)]
    return any(number == int(value) and _CURRENCY_WORDS.fullmatch(before, span.end) for span, number in spelled)


_CURRENCY_WORDS = re.compile(r"(?:\s+[^\W\d_]{2,12}){0,3}(?:\s+\d\d/100)?")
_LONGEST_SPELLED = 120


def _closing(text: str, end: int) -> int | None:
    """Where the parenthesis after a number ends, if one closes there."""
    at = end + (text[end : end + 1] == " ")
    return at + 1 if text[at : at + 1] == ")" else None


def _amount(match: re.Match[str], conventions: Conventions) -> Amount | None:
    if match["alone"]:
        return Amount(_FRACTIONS[match["alone"]])
    amount = amount_of(match["digits"], conventions.locale)
    if amount and match["part"]:
        return Amount(amount.value + _FRACTIONS[match["part"]])
    if amount and match["over"]:
        return Amount(amount.value + Decimal(match["over"]) / Decimal(match["under"]))
    return amount


def _left(text: str, start: int, floor: int, language: str, *, passage: bool) -> _Left | None:
    """What stands before the digits, a minus in words included; None where the digits are part of a word (A4)."""
    left = _signed_left(text, start, floor, language, passage=passage)
    if left is None or left.negative or left.opened:
        return left
    signs = _TRIANGLE_BEFORE if language in _MINUS_BY_TRIANGLE else _MINUS_BEFORE
    minus = signs.search(text, max(floor, left.start - 12), left.start)
    minus = minus or _MINUS_BEFORE.search(text, max(floor, left.start - 12), left.start)
    return replace(left, start=minus.start(), negative=True) if minus else left


def _signed_left(text: str, start: int, floor: int, language: str, *, passage: bool) -> _Left | None:
    """Sign, parenthesis and currency before the digits, not reaching back beyond `floor`; None within a word (A4)."""
    low = max(floor, start - 18)
    if percent := _PERCENT_BEFORE.search(text, low, start):
        return _Left(percent.start(), currency="%")
    money = _MONEY_BEFORE.search(text, low, start)
    if money and (left := _with_currency(text, start, money, language, passage=passage)):
        return left
    bare = _BARE_BEFORE.search(text, low, start)
    if bare is None:
        return _Left(start)
    signed = _is_minus(text, bare, "sign", spaced=bool(bare["gap"]), passage=passage)
    at = bare.start("sign") if bare["sign"] else start
    if at == start and not bare["open2"] and start and _is_letter(text[start - 1]):
        return None
    if bare["sign"] in ("-", "–") and not bare["gap"] and at and _is_letter(text[at - 1]):
        return None
    opened = bare["open"] or bare["open2"]
    begin = min(bare.start(name) for name in ("open", "open2") if bare[name]) if opened else start
    return _Left(min(begin, at) if signed else begin, signed, bool(opened))


def _with_currency(text: str, start: int, money: re.Match[str], language: str, *, passage: bool) -> _Left | None:
    word, begin = money["word"], money.start("word")
    factor, currency = SCALED_CURRENCIES.get(word, (Decimal(1), currency_of(word, language)))
    if currency is None and word[-1] in CURRENCY_SIGNS:
        begin, currency = money.end("word") - 1, currency_of(word[-1], language) or word[-1]
    if currency is None and word == "R" and _CENTS.match(text, start):
        currency = "ZAR"
    if currency is None or (begin == money.start("word") and begin and _is_letter(text[begin - 1])):
        return None
    if text[start - 1] in "-–" and not money["inner"]:
        return None
    inner = money["inner"] in ("-", "−", "–")
    outer = begin == money.start("word") and _is_minus(text, money, "sign", spaced=False, passage=passage)
    first = money.start("sign") if outer else begin
    if money["open"] and begin == money.start("word"):
        first = money.start("open")
    opened = text[first] == "(" or money["open2"] is not None
    return _Left(first, inner or outer, opened, currency, factor)


_CENTS = re.compile(r"\d[\d ,]*\.\d\d(?!\d)")


def _is_minus(text: str, match: re.Match[str], group: str, *, spaced: bool, passage: bool) -> bool:
    """Whether a dash is a minus: not between numbers (5-10) or words, and in running text not a bullet or a pause."""
    sign, at = match[group], match.start(group)
    if sign is None or sign == "+":
        return False
    if at and text[at - 1].isalnum():
        return False
    before = text[:at].rstrip(" \u00a0")[-1:] if at < 200 else text[at - 200 : at].rstrip(" \u00a0")[-1:]
    if spaced and sign != "−":
        return before in (":", "=", "|", ";") or (not passage and before == "")
    return sign != "–" or not before.isdigit()


def _right(text: str, end: int, language: str, money: str | None) -> _Right | None:
    """Magnitude, unit or currency, and a minus after the digits; None where letters make them part of a word (3D)."""
    if no_cents := _NO_CENTS.match(text, end):
        end = no_cents.end()
    if ordinal := _ORDINAL.match(text, end):
        return _Right(ordinal.end())
    factor, extra, attached = Decimal(1), Decimal(0), end < len(text) and _is_letter(text[end])
    if exponent := _EXPONENT.match(text, end):
        factor, end, attached = Decimal(10) ** int(exponent[1].replace("−", "-")), exponent.end(), False
    while match := _UNSPACED_FACTOR.match(text, end):
        factor, end, attached = factor * (magnitude_of(match[1], language) or 1), match.end(), False
    last = factor
    while factor > 1 and (more := _UNSPACED_MORE.match(text, end)):
        last = _product(more[2], language)
        extra += Decimal(more[1].replace(",", "")) * last
        end = more.end()
    if (rest := _UNSPACED_REST.match(text, end)) and (left := Decimal(rest[1].replace(",", ""))) < last:
        extra, end = extra + left, rest.end()
    minus = _MINUS_AFTER.match(text, end)
    end = minus.end() if minus else end
    half = _AND_A_HALF.match(text, end)
    end = half.end() if half else end
    while (word := _AFTER_WORD.match(text, end)) and (step := _factor(word, language, money, attached=attached)):
        factor, end, attached = factor * step[0], word.start(1) + step[1], False
        if text[end : end + 1].isdigit():
            return None  # `1tr5`, `4k7`: digits go on behind it
    if half := half or _AND_A_HALF.match(text, end):
        extra, end = extra + factor / 2, max(end, half.end())
    unit, stop = unit_after(text, end, language)
    return None if unit is None and attached else _Right(stop, factor, extra, unit, minus is not None)


def _product(magnitudes: str, language: str) -> Decimal:
    """`5천만` is five thousand ten-thousands: magnitudes that follow each other multiply."""
    factors = (magnitude_of(each, language) or Decimal(1) for each in _UNSPACED_MAGNITUDE.findall(magnitudes))
    return math.prod(factors, start=Decimal(1))


def _factor(word: re.Match[str], language: str, money: str | None, *, attached: bool) -> tuple[Decimal, int] | None:
    """The factor of a magnitude word and its length. money: the currency before the number. Single letters count only when
    attached (5k, 5M, $5m) or before a currency (5 M EUR); those of India only after a currency of hers (₹2.5 cr)."""
    written = word[1]
    if written in SCALED_CURRENCIES:
        return SCALED_CURRENCIES[written][0], 1
    letters = written.rstrip("." + CURRENCY_SIGNS)
    signed = written[-1] in CURRENCY_SIGNS
    following = _AFTER_WORD.match(word.string, word.end())
    signed = signed or (following is not None and currency_of(following[1].rstrip("."), language) is not None)
    if money in ("INR", "Rs") and letters in _INDIAN_LETTERS:
        return _INDIAN_LETTERS[letters], len(letters)
    if (attached or signed or (len(letters) > 1 and letters != written)) and letters in _LETTERS:
        factor, only_money = _LETTERS[letters]
        return (factor, len(letters)) if money or signed or not only_money else None
    factor = magnitude_of(letters, language)
    abbreviated = written.endswith(".") and len(letters) <= 4
    return (factor, len(letters) + abbreviated) if factor else None


_INDIAN_LETTERS = {"cr": Decimal(10) ** 7, "Cr": Decimal(10) ** 7, "CR": Decimal(10) ** 7, "L": Decimal(10) ** 5}
_LETTERS = {
    "k": (Decimal(10) ** 3, False),
    "K": (Decimal(10) ** 3, False),
    "M": (Decimal(10) ** 6, False),
    "m": (Decimal(10) ** 6, True),
    "Md": (Decimal(10) ** 9, True),
    "b": (Decimal(10) ** 9, True),
    "B": (Decimal(10) ** 9, True),
}


def unit_after(text: str, end: int, language: str) -> tuple[str | None, int]:
    """Per cent, currency or unit of measurement after a number, and where it ends."""
    if percent := _PERCENT.match(text, end):
        return ("‰" if percent[1] == "‰" else "%"), percent.end()
    for name in CJK_CURRENCIES:
        if text.startswith(name, end):
            return currency_of(name, language), end + len(name)
    for name in CJK_MEASURES:
        if text.startswith(name, end):
            return name, end + len(name)
    if degrees := _DEGREES.match(text, end):
        return f"°{degrees[1]}", degrees.end()
    joint = _OF.match(text, end)
    word = _AFTER_WORD.match(text, joint.end() if joint else end)
    if word is None:
        return None, end
    plain = word[1].rstrip(".")
    stop = word.start(1) + len(plain)
    if currency := currency_of(plain, language):
        return (None, end) if _is_of_next(text, word.start(), stop) else (currency, stop)
    if area := _AREA.match(text, end):
        return area[1], area.end()
    if joint or not (plain in UNITS or is_measure(plain)):
        return None, end
    stop += text[stop : stop + 1] in ("2", "3") and plain in _LENGTHS and not text[stop + 1 : stop + 2].isalnum()
    per = _PER.match(text, stop)
    stop = per.end() if per else stop
    return text[word.start(1) : stop], stop


def _is_of_next(text: str, start: int, stop: int) -> bool:
    """Whether a currency after a number stands before the next one instead: attached to it, or with it on a new line."""
    following = text[stop : stop + 2]
    return following[:1].isdigit() or (text[start] == "\n" and following.strip()[:1].isdigit())


def _is_letter(char: str) -> bool:
    """A letter that makes digits touching it part of a word: not in scripts written without spaces, nor Arabic."""
    return (char.isalpha() and char < "\u0590") or char == "_"


def _plain(value: Decimal) -> str:
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
