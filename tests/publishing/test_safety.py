"""No text of a document becomes a formula, or breaks a file, in a spreadsheet; numbers stay numbers."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderai_pipeline.publishing.safety import EXCEL_CHARACTERS, fitting, guarded, is_cut, printable, starts_formula

DANGEROUS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
    "＝1+1",
    "\x01=1",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_could_start_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text).startswith("'")
    assert starts_formula(printable(text))


@pytest.mark.parametrize(
    "text", ["-5", "+5", "-5.25", "-1,234.50", "-1.234,50", "-3e5", "-12%", "a=b", "", "x-1", "2024-03-05", "(5)"]
)
def test_numbers_and_ordinary_texts_stay_what_they_are(text: str) -> None:
    assert guarded(text) == text


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n;, '\"a1\x00\x1f\u00a0\ufeff＝"), max_size=12) | st.text())
def test_no_cell_of_a_csv_starts_a_formula_whatever_separator_it_is_read_with(text: str) -> None:
    line = f'"x","{guarded(text).replace(chr(34), chr(34) * 2)}"\r\n'
    for row in csv.reader(io.StringIO(line, newline=""), delimiter=","):
        assert not starts_formula(row[1])
    # A spreadsheet whose separator is the semicolon sees no quote at the start of the second field, and splits within.
    for cell in re.split("[;\r\n]", guarded(text)):
        bare = cell.strip("\ufeff\u200b\u200e\u2060").strip()
        assert bare[:1] not in {*"=+-@＝＋－＠"} or re.fullmatch(r"[-+]?[\d.,]+(e[-+]?\d+)?%?", bare, re.IGNORECASE)


@given(st.text())
def test_a_guarded_text_is_the_text_but_for_apostrophes_and_unprintables(text: str) -> None:
    assert guarded(text).replace("'", "") == printable(text).replace("'", "")


@given(st.text(alphabet=st.characters(), max_size=50), st.integers(0, 40_000))
def test_a_worksheet_cell_fits_and_says_when_it_was_cut(text: str, padding: int) -> None:
    whole = text + "é😀"[padding % 2] * padding
    cell = fitting(whole)
    assert len(cell.encode("utf-16-le")) // 2 <= EXCEL_CHARACTERS
    assert cell == printable(whole) or "cut: " in cell
    assert is_cut(whole) == (cell != printable(whole))
