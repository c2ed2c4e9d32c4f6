"""Vowels of Arabic and Hebrew, from characters and their places as MuPDF gives them for files of browsers."""

import pytest

from coderai_pipeline.readers import pdf_rtl
from coderai_pipeline.readers.pdf_marks import Char, mend

BASELINE, RAISED = 50.0, 46.0
UNKNOWN = "\ufffd"


def line(*drawn: tuple[str, float, float]) -> list[Char]:
    """Characters with their left edge and width on one line; those without a width stand for marks."""
    return [Char(text, x, x + width, BASELINE) for text, x, width in drawn]


def mended(lines: list[list[Char]], named: list[list[Char]] | None = None) -> list[str]:
    mend([lines], [named or []])
    return ["".join(char.text for char in each) for each in lines]


def test_the_mark_of_the_letter_that_is_drawn_first_comes_back_from_the_line_before():
    first = line(("ر", 100, 8), ("َ", 100, 0), ("ب", 90, 10), ("ِ", 108, 0))
    second = line(("ي", 100, 8), ("َ", 100, 0), ("د", 90, 10))
    assert mended([first, second]) == ["رَب", "يَدِ"]


def test_the_mark_of_a_cell_does_not_go_to_the_cell_beside_it():
    cells = line(("ي", 100, 8), ("د", 90, 10), ("ٌ", 108, 0), ("ر", 60, 8), ("ب", 50, 10))
    assert mended([cells]) == ["يدربٌ"]


def test_a_mark_before_its_word_belongs_to_the_letter_that_begins_where_it_stands():
    assert mended([line(("(", 86, 4), ("َ", 90, 0), ("ر", 100, 8), ("ب", 90, 10))]) == ["(ربَ"]


def test_a_glyph_of_several_marks_is_what_the_file_says_of_its_place():
    letters = [*line(("م", 100, 8)), Char(UNKNOWN, 99.0, 99.0, RAISED), *line(("ر", 90, 10))]
    named = [Char(text, 99.0, 99.0, RAISED) for text in ("ّ", "َ", "م")]
    assert mended([letters], [named]) == ["مَّر"]


def test_a_glyph_that_nothing_is_said_of_stays_unknown():
    letters = [*line(("م", 100, 8)), Char(UNKNOWN, 99.0, 99.0, RAISED)]
    assert mended([letters], [[Char("ّ", 40.0, 40.0, RAISED)]]) == [f"م{UNKNOWN}"]


@pytest.mark.parametrize(
    ("drawn", "text"),
    [
        ([("د", 110, 8), ("ا", 110, 0), ("ل", 100, 10), ("ر", 90, 10)], "دلار"),
        ([("ل", 100, 10), ("ا", 100, 0), ("ر", 90, 10)], "لار"),
    ],
)
def test_a_ligature_is_read_in_order_on_whichever_side_its_second_letter_was_put(
    drawn: list[tuple[str, float, float]], text: str
):
    assert mended([line(*drawn)]) == [text]


def test_a_ligature_that_was_turned_already_is_not_turned_back():
    letters = [("ا", 30.0, 36.0), ("ل", 18.0, 30.0), ("ا", 18.0, 18.0), ("ج", 10.0, 18.0)]
    chars = [{"c": letter, "bbox": (x0, 0.0, x1, 12.0)} for letter, x0, x1 in letters]
    word = (10.0, 0.0, 36.0, 12.0, "الاج", 0, 0, 0)
    assert pdf_rtl.mended([word], [{"lines": [{"spans": [{"chars": chars}]}]}]) == [word]
