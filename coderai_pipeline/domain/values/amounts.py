"""Digits and marks -> an amount: which mark is decimal, which one groups, and when the locale has to decide.

Signs, currencies and magnitudes around the digits are read in `numbers`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from coderai_pipeline.domain.values.locale_data import number_marks

MAX_DIGITS = 40
SPACES = " \u00a0\u202f\u2009\u2007"
APOSTROPHES = "'’`´"
_GROUPED = re.compile(r"\d{1,3}(?:\D\d{3})+")
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")
_THOUSANDS_LIKE = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True, slots=True)
class Amount:
    """An unsigned amount. change, ambiguous: as in `Reading`."""

    value: Decimal
    change: str = ""
    ambiguous: str = ""


def amount_of(token: str, locale: str) -> Amount | None:
    """The amount that digits with inner marks stand for; None for versions, addresses and the like (1.2.3)."""
    if sum(char.isdigit() for char in token) > MAX_DIGITS:
        return None
    marks = {char for char in token if not char.isdigit()}
    if not marks:
        return Amount(Decimal(token))
    if _THOUSANDS_LIKE.fullmatch(token):
        return _by_locale(token, locale)
    decimal = _decimal_mark(token, marks)
    if decimal is None:
        return _grouped(token)
    whole, _, fraction = token.rpartition(decimal)
    grouped = _grouped(whole) if whole else Amount(Decimal(0))
    return grouped and Amount(grouped.value + Decimal(f"0.{fraction}"))


def _decimal_mark(token: str, marks: set[str]) -> str | None:
    """The mark that separates decimals: the last one, if it occurs once and can be one."""
    last = next(char for char in reversed(token) if not char.isdigit())
    if last not in ".," or token.count(last) > 1:
        return None
    return last


def _grouped(token: str) -> Amount | None:
    if token.isdigit():
        return Amount(Decimal(token))
    marks = {" " if char in SPACES else "'" if char in APOSTROPHES else char for char in token if not char.isdigit()}
    if len(marks) > 1 or not (_GROUPED.fullmatch(token) or _INDIAN.fullmatch(token)):
        return None
    return Amount(Decimal("".join(char for char in token if char.isdigit())))


def _by_locale(token: str, locale: str) -> Amount:
    """`1.234` and `1,234`: a thousand and more, or one and a bit."""
    mark = next(char for char in token if not char.isdigit())
    grouped = Decimal(token.replace(mark, ""))
    decimal = Decimal(token.replace(mark, "."))
    decimal_mark, group_mark = number_marks(locale)
    if mark == decimal_mark:
        return Amount(decimal, f'"{token}" read as {decimal}: "{mark}" is the decimal mark in {locale}')
    if mark == group_mark:
        return Amount(grouped, f'"{token}" read as {grouped}: "{mark}" groups thousands in {locale}')
    return Amount(grouped, ambiguous=f'"{token}" could be {grouped} or {decimal}: "{mark}" is not used in {locale}')
