"""Excel's number formats: what of a number a person sees (unit, per cent, decimals, leading zeros), and which numbers are dates.

Thousands are not grouped: which separator a person sees depends on their machine, and a wrong one makes another number.
Dates are written in ISO form, as precisely as the format shows them. The cells are read in `excel`.
"""

import datetime as dt
import itertools
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss",
    22: "m/d/yy h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "0.0E+0",
    **dict.fromkeys((*range(27, 32), 36, *range(50, 59)), "yyyy-mm-dd"), **dict.fromkeys(range(32, 36), "h:mm:ss"),
}  # fmt: skip
"""Formats that files name by number only; those of East Asia are written alike in all."""
_SIGNS = re.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|([#0?,.]*[#0?][#0?,.]*|General)|(.)', re.S | re.I
)
"""Quoted text, an escaped character, room and filling, a currency, a colour, digits, any other character."""
_SEPARATOR = re.compile(r'"[^"]*"|\\.|;')
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I)
_PARTS_OF_DATES = re.compile(r"y+|m+|d+|h+|s+", re.I)
_DAY_0, _DAY_0_OF_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)
_BEFORE_FALSE_LEAP_DAY = 60
_LAST_DAY = 2_958_466
_LARGE = 1e15
_MAX_DECIMALS = 10
_MAX_LENGTH = 500
"""Excel itself allows 255 characters."""
_UNKNOWN = "/EeGg@yYmMdDhHsS"
"""Signs of dates, fractions, powers of ten and texts."""


def built_in(number: int) -> str:
    return _BUILT_IN.get(number, "General")


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """One format code, looked at once. parts: "" of a number, else which of y, m, d, h, n (minutes), s it shows."""

    code: str
    parts: str
    is_duration: bool

    @classmethod
    def of(cls, code: str) -> "NumberFormat":
        code = code if len(code) <= _MAX_LENGTH else "General"
        bare = _LITERALS.sub("", code.partition(";")[0])
        is_date = "general" not in bare.lower() and _PARTS_OF_DATES.search(bare) is not None and "#" not in bare
        parts = _parts_of_date(bare) if is_date else ""
        return cls(code, parts, is_date and re.search(r"\[(h+|m+|s+)\]", bare, re.I) is not None)

    def written(self, value: float, *, as_shown: bool, from_1904: bool) -> str:
        """A number as text: dates always in ISO form, other numbers in this format only where `as_shown`."""
        if self.parts:
            return self._date(value, from_1904)
        shown = _shown(value, self.code) if as_shown else None
        return general(value) if shown is None else shown

    def _date(self, value: float, from_1904: bool) -> str:
        if self.is_duration:
            seconds = round(abs(value) * 86_400)
            return f"{'-' * (value < 0)}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        if not 0 <= value < _LAST_DAY:
            return general(value)
        first = _DAY_0_OF_1904 if from_1904 else _DAY_0
        if not from_1904 and value < _BEFORE_FALSE_LEAP_DAY:
            first += dt.timedelta(days=1)
        moment = first + dt.timedelta(seconds=round(value * 86_400))
        if not set(self.parts) & set("ymd"):
            return moment.time().isoformat()
        if "h" in self.parts:
            return moment.isoformat(" ")
        precision = 10 if "d" in self.parts else 7 if "m" in self.parts else 4
        return moment.date().isoformat()[:precision]


def general(value: float) -> str:
    """As Excel shows it by itself: at most 15 digits, whole numbers without .0."""
    if value.is_integer() and abs(value) < _LARGE:
        return str(int(value))
    return repr(float(f"{value:.15g}"))


def _parts_of_date(code: str) -> str:
    """`m` is minutes next to hours or seconds, else months."""
    runs = [run[0].lower() for run in _PARTS_OF_DATES.findall(code)]
    parts = ""
    for before, run, after in zip(["", *runs], runs, [*runs[1:], ""], strict=False):
        parts += "n" if run == "m" and (before == "h" or after == "s") else run
    return parts


def _shown(value: float, code: str) -> str | None:
    """None where the format says nothing, or more than is known here (conditions, fractions, powers of ten)."""
    sections = _sections(code)
    if abs(value) >= _LARGE or re.search(r"\[[<>=]", code):
        return None
    if value < 0 and len(sections) > 1:
        return _in_section(-value, sections[1])
    if value == 0 and len(sections) > 2:
        return _in_section(0.0, sections[2])
    shown = _in_section(abs(value), sections[0])
    return f"-{shown}" if shown is not None and value < 0 and re.search(r"[1-9]", shown) else shown


def _sections(code: str) -> list[str]:
    """For positive numbers, negative ones, zero, and text."""
    cuts = [-1, *(found.start() for found in _SEPARATOR.finditer(code) if found[0] == ";"), len(code)]
    return [code[start + 1 : end] for start, end in itertools.pairwise(cuts)]


def _in_section(value: float, section: str) -> str | None:
    found = [match.groups() for match in _SIGNS.finditer(section)]
    digits = [pattern for *_, pattern, _ in found if pattern]
    percents = sum(other == "%" for *_, other in found)
    if len(digits) > 1 or percents > 1 or any(other and other in _UNKNOWN for *_, other in found):
        return None
    exact = Decimal(repr(value)) * 100**percents
    shown = ""
    for quoted, escaped, currency, pattern, other in found:
        shown += (quoted or "") + (escaped or "") + (currency or "") + (other or "")
        if pattern:
            shown += general(value) if pattern.lower() == "general" else _digits(exact, pattern)
    return " ".join(shown.split())


def _digits(value: Decimal, pattern: str) -> str:
    whole, _, decimals = pattern.partition(".")
    thousands = len(pattern) - len(pattern.rstrip(","))
    decimals = decimals.replace(",", "")[:_MAX_DECIMALS]
    rounded = (value / 1000**thousands).quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    before, _, after = f"{rounded:f}".partition(".")
    after = after.rstrip("0").ljust(decimals.rstrip("#?").count("0"), "0")
    return before.lstrip("0").rjust(whole.count("0"), "0") + ("." + after if after else "")
