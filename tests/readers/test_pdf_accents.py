"""Accents that a page draws apart from their letters, as TeX does in its oldest fonts."""

import pymupdf
import pytest

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers import pdf
from coderai_pipeline.readers.base import Content, ReadOptions

SIZE = 12


def over(accent: bytes, letter: bytes) -> bytes:
    """Operands that draw an accent and then its letter, their middles one below the other."""
    font = pymupdf.Font("helv")
    wide, narrow = (font.glyph_advance(ord(sign.decode("cp1252"))) * 1000 for sign in (letter, accent))
    aside = (wide - narrow) / 2
    return b")%.1f(%s)%.1f(%s" % (-aside, accent, aside + narrow, letter)


def read(*lines: bytes) -> Content:
    """lines: operands of Helvetica in Windows-1252."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 72), "The first line is like any other line.", fontsize=SIZE)
    (contents,) = page.get_contents()
    drawn = b"".join(
        b"BT /helv %d Tf 1 0 0 1 72 %d Tm [(%s)]TJ ET\n" % (SIZE, 700 - 20 * at, line) for at, line in enumerate(lines)
    )
    document.update_stream(contents, document.xref_stream(contents) + b"\n" + drawn)
    return pdf.read(document.tobytes(), ReadOptions(ocr=False))


@pytest.mark.parametrize(
    ("accent", "letter", "whole"),
    [(b"\xa8", b"u", "ü"), (b"\xb4", b"E", "É"), (b"`", b"a", "à"), (b"^", b"o", "ô"), (b"\x98", b"n", "ñ"), (b"\xb8", b"c", "ç")],
)  # fmt: skip
def test_an_accent_and_its_letter_are_one(accent: bytes, letter: bytes, whole: str) -> None:
    content = read(b"pre" + over(accent, letter) + b"post and more")
    assert f"pre{whole}post and more" in content.text
    at = content.text.index("and more")
    assert content.places.locate(Span(at, at + 3))[0].rectangles[0][0] > 100


def test_an_i_loses_the_lack_of_its_dot():
    document = pymupdf.open()
    font = pymupdf.Font("helv")
    writer = pymupdf.TextWriter(document.new_page().rect)
    x, _ = writer.append((72, 72), "Ingenier", font, SIZE)[1]
    i, acute = (font.glyph_advance(ord(sign)) * SIZE for sign in "ı´")
    writer.append((x + (i - acute) / 2, 72), "´", font, SIZE)
    writer.append((x, 72), "ıa de la universidad", font, SIZE)
    writer.write_text(document[0])
    assert pdf.read(document.tobytes(), ReadOptions(ocr=False)).text == "Ingeniería de la universidad"


def test_signs_that_stand_beside_a_letter_are_none_of_its_own():
    said = [
        b"it\xb4s and don\xb4t, as people type",
        b"the `option a^b and ~user, a \xa8 sign",
        b"caf\xe9 and \xa8umlaut",
    ]
    text = read(*said).text
    assert all(line.decode("cp1252") in text.replace("\n", " ") for line in said)


def test_two_letters_with_an_accent_each_are_parts_of_one_word():
    """Where the first has its accent below, drawn after it: that ends before the letter does."""
    font = pymupdf.Font("helv")
    wide, narrow = (font.glyph_advance(ord(sign)) * 1000 for sign in "C¸")
    cedilla = b"C)%.1f(\xb8)%.1f(" % ((wide + narrow) / 2, (narrow - wide) / 2)
    assert "INTRODUÇÃO geral" in read(b"INTRODU" + cedilla + over(b"\x98", b"A") + b"O geral").text
