"""Text that spreadsheets show as text: no document can put a formula, or a character that breaks a file, into an export.

Used by every format that a spreadsheet opens; DuckDB, Parquet and JSON Lines keep texts as they are.
"""

import re

EXCEL_CHARACTERS = 32_767
"""What one cell of a worksheet holds."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
"""Refused by XML 1.0, or by readers of CSV."""

_STARTERS = "=+\\-@＝＋－＠"  # Excel reads the full-width forms alike where a CJK locale is set
_INVISIBLE = "\\s\ufeff\u200b-\u200f\u2060"
_FORMULA_START = re.compile(f"[{_INVISIBLE}]*[{_STARTERS}]|[\t\r\n]")
_NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?%?")

# Where the list separator is a semicolon, a spreadsheet does not honour the quotes of a later field of a CSV made with
# commas: what follows a semicolon or a line break within it would start a cell.
_INNER_START = re.compile(f"(?<=[;\r\n])((?:(?![\r\n])[{_INVISIBLE}])*)(?=[{_STARTERS}])")


def printable(text: str) -> str:
    """The text without the characters that a spreadsheet cannot hold."""
    return _UNPRINTABLE.sub("", text)


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula; a plain number such as -5 is none."""
    if text[:1].isalnum():
        return False
    return _FORMULA_START.match(text) is not None and _NUMBER.fullmatch(text.strip(" ")) is None


def guarded(text: str) -> str:
    """The text as it stands in a CSV: an apostrophe before whatever could start a formula."""
    if text[:1].isalnum() and ";" not in text and text.isprintable():
        return text  # nearly every text, at a tenth of the time
    text = printable(text)
    if not _NUMBER.fullmatch(text):
        text = _INNER_START.sub(r"'\1", text)
    return f"'{text}" if starts_formula(text) else text


def fitting(text: str) -> str:
    """The text as it stands in a worksheet's cell, cut where it is longer than that holds, and saying so."""
    text = printable(text)
    if not is_cut(text):
        return text
    note = f" [... cut: {len(text)} characters in all]"
    return text.encode("utf-16-le")[: 2 * (EXCEL_CHARACTERS - len(note))].decode("utf-16-le", "ignore") + note


def is_cut(text: str) -> bool:
    """Whether a worksheet's cell cannot hold the text. Excel counts UTF-16 units."""
    if len(text) <= EXCEL_CHARACTERS // 2:
        return False
    return len(printable(text).encode("utf-16-le")) > 2 * EXCEL_CHARACTERS
