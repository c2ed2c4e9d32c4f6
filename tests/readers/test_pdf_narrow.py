"""Words between which a page draws no space, and letters that it sets apart though they are of one word."""

import pymupdf
import pytest

from coderai_pipeline.readers import pdf
from coderai_pipeline.readers.base import ReadOptions

TITLE = "uitprobeervoorwerpenverzameling tussenkopjesverzamelaarster"
"""Words so wide that several may run together in them."""


def read(document: pymupdf.Document) -> str:
    """The text of the line."""
    return pdf.read(document.tobytes(), ReadOptions(ocr=False)).text.removeprefix("Above.").strip()


def set_apart(gap: float, *pieces: tuple[str, float]) -> pymupdf.Document:
    """Below another, a line of pieces, each with its size, and between two of them a gap in parts of the size of the first."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 60), "Above.")
    writer, font, x = pymupdf.TextWriter(page.rect), pymupdf.Font("tiro"), 72.0
    for text, size in pieces:
        writer.append((x, 100 - (12 - size) / 2), text, font, size)
        x += font.text_length(text, size) + gap * size
    writer.write_text(page)
    return document


@pytest.mark.parametrize("kerning", [0.055, 0.065])
def test_letters_that_kerning_sets_apart_are_one_word_beside_wider_spaces(kerning: float) -> None:
    document = set_apart(kerning, (f"{TITLE} ob", 12.0), ("ject of a sub", 12.0), ("ject", 12.0))
    assert read(document) == f"{TITLE} object of a subject"


@pytest.mark.parametrize("sign", ["−", "∞", "ế"])
def test_a_sign_behind_which_only_a_gap_is_left_ends_a_word(sign: str) -> None:
    document = set_apart(0.25, (f"over {sign}", 12.0), ("then", 12.0))
    assert read(document) == f"over {sign} then"


def test_a_sign_within_a_word_does_not_part_it() -> None:
    document = set_apart(0.05, ("over x−", 12.0), ("then", 12.0))
    assert read(document) == "over x−then"


@pytest.mark.parametrize("mark", ["1", "12", "*"])
def test_the_mark_of_a_note_is_no_part_of_its_first_word(mark: str) -> None:
    document = set_apart(0.06, (mark, 8.0), ("Thanks to all who found it", 12.0))
    assert read(document) == f"{mark} Thanks to all who found it"


def test_the_number_of_an_isotope_is_part_of_its_name() -> None:
    assert read(set_apart(0.06, ("3", 8.0), ("He is found with lanterns", 12.0))) == "3He is found with lanterns"
