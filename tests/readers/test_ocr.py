"""Scanned pages: read by Tesseract where it is installed, otherwise said to need it."""

import shutil
from pathlib import Path
from time import monotonic

import numpy as np
import pymupdf
import pytest

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers import ocr, pdf
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.pdf_page import read_words, take
from coderai_pipeline.readers.pdf_words import PageWords

SENTENCE = "The committee met on Tuesday and approved the budget."
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")


def scan(*lines: tuple[float, float, str]) -> bytes:
    paper, made = pymupdf.open(), pymupdf.open()
    sheet = paper.new_page()
    for x, y, text in lines:
        sheet.insert_text((x, y), text, fontsize=12)
    page = made.new_page()
    page.insert_image(page.rect, pixmap=sheet.get_pixmap(dpi=200))
    return made.tobytes()


@pytest.fixture
def no_tesseract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    ocr.language_for.cache_clear()
    yield
    ocr.language_for.cache_clear()


@needs_tesseract
def test_a_scanned_page_is_read_with_its_places_quality_and_a_warning():
    content = pdf.read(scan((72, 100, SENTENCE)), ReadOptions())
    assert content.status is DocumentStatus.READY
    assert content.text == SENTENCE
    assert content.pages[0].ocr_quality > 0.8
    assert any("OCR" in warning for warning in content.warnings)
    (place,) = content.places.locate(Span(4, 13))
    assert pymupdf.Rect(place.rectangles[0]).intersects(pymupdf.Rect(95, 88, 150, 102))


def laid_askew(degrees: float) -> bytes:
    """A scan in two columns that lay turned on the glass."""
    paper = pymupdf.open()
    sheet = paper.new_page(width=420, height=420)
    for row, (left, right) in enumerate(zip(COLUMNS[0].split("/"), COLUMNS[1].split("/"), strict=True)):
        sheet.insert_text((60, 120 + 16 * row), left, fontsize=11)
        sheet.insert_text((230, 120 + 16 * row), right, fontsize=11)
    glass, made = pymupdf.open(), pymupdf.open()
    turned = glass.new_page(width=420, height=420)
    turned.show_pdf_page(turned.rect, paper, 0, rotate=degrees)
    page = made.new_page(width=420, height=420)
    page.insert_image(page.rect, pixmap=turned.get_pixmap(dpi=150))
    return made.tobytes()


COLUMNS = (
    "The committee met on/Tuesday and approved/the budget of the port/without any further/debate of the members/present at the hearing.",
    "Afterwards the harbour/master reported that/three vessels had been/inspected before the/winter and that none/of them was detained.",
)


@needs_tesseract
@pytest.mark.parametrize("degrees", [2, 90])
def test_a_sheet_that_lay_askew_or_on_its_side_is_read_upright_and_its_words_stand_where_they_are_seen(degrees: float):
    data = laid_askew(degrees)
    content = pdf.read(data, ReadOptions())
    assert " ".join(content.text.split()) == " ".join(COLUMNS).replace("/", " ")
    drawn = pymupdf.open(stream=data)[0].get_pixmap(colorspace=pymupdf.csGRAY)
    ink = 255 - np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)[:, : drawn.width].astype(int)
    under = np.zeros(ink.shape, bool)
    for x0, y0, x1, y1 in content.places.rectangles.astype(int).tolist():
        under[y0 : y1 + 2, x0 : x1 + 2] = True
    assert ink[under].sum() > 0.98 * ink.sum()
    assert under.mean() < 0.4


@needs_tesseract
def test_a_language_that_is_not_installed_is_warned_of():
    content = pdf.read(scan((72, 100, SENTENCE)), ReadOptions(language="xx"))
    assert any("xx" in warning for warning in content.warnings)


@needs_tesseract
def test_a_page_that_is_not_reached_in_time_still_needs_ocr():
    scanner = ocr.Scanner("en", monotonic() + 1)
    page = pymupdf.open(stream=scan((72, 100, SENTENCE)))[0]
    (words,) = read_words([take(page)])
    words.status = DocumentStatus.NEEDS_OCR
    assert scanner.read(page, words) is words


def without_meaning() -> bytes:
    """A page on which a person reads two sentences, while its character map makes private signs of their letters."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), SENTENCE, fontsize=12)
    page.insert_text((72, 120), "Nobody was against it, and the chair closed the meeting.", fontsize=12)
    font, codes = page.get_fonts()[0][0], document.get_new_xref()
    document.update_object(codes, "<<>>")
    document.update_stream(
        codes, b"1 begincodespacerange <00><FF> endcodespacerange 1 beginbfrange <00><FF><E000> endbfrange"
    )
    document.xref_set_key(font, "ToUnicode", f"{codes} 0 R")
    return document.tobytes()


@needs_tesseract
def test_a_page_whose_character_map_is_no_use_is_read_as_it_looks():
    content = pdf.read(without_meaning(), ReadOptions())
    assert content.status is DocumentStatus.READY
    assert SENTENCE in content.text
    assert content.pages[0].ocr_quality > 0.8
    assert any("1 page(s) read by OCR" in warning for warning in content.warnings)


@needs_tesseract
def test_glyphs_that_also_look_like_numbers_of_glyphs_stay_garbled():
    letters = "".join(dict.fromkeys(SENTENCE))
    document = pymupdf.open()
    numbered = SENTENCE.translate({ord(letter): 0x21 + at for at, letter in enumerate(letters)})
    document.new_page().insert_text((72, 100), numbered)
    with pytest.raises(NotReadable) as caught:
        pdf.read(document.tobytes(), ReadOptions())
    assert caught.value.status is DocumentStatus.GARBLED


@pytest.mark.usefixtures("no_tesseract")
def test_a_page_whose_character_map_is_no_use_is_garbled_without_tesseract():
    with pytest.raises(NotReadable, match="install Tesseract") as caught:
        pdf.read(without_meaning(), ReadOptions())
    assert caught.value.status is DocumentStatus.GARBLED


@pytest.mark.usefixtures("no_tesseract")
def test_without_tesseract_the_reason_names_the_remedy():
    with pytest.raises(NotReadable, match="install Tesseract") as caught:
        pdf.read(scan((72, 100, SENTENCE)), ReadOptions())
    assert caught.value.status is DocumentStatus.NEEDS_OCR


def blurred(width: int) -> bytes:
    """A scan of a few lines whose dots are smeared over so many of their neighbours."""
    paper, made = pymupdf.open(), pymupdf.open()
    sheet = paper.new_page(width=420, height=100)
    for row in range(4):
        sheet.insert_text((20, 25 + 18 * row), SENTENCE, fontsize=11)
    drawn = sheet.get_pixmap(dpi=150, colorspace=pymupdf.csGRAY)
    dots = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)[:, : drawn.width].astype(float)
    for axis in (0, 1):
        dots = np.apply_along_axis(lambda line: np.convolve(line, np.ones(width) / width, "same"), axis, dots)
    smeared = pymupdf.Pixmap(pymupdf.csGRAY, drawn.width, drawn.height, dots.astype(np.uint8).tobytes(), False)
    page = made.new_page(width=420, height=100)
    page.insert_image(page.rect, pixmap=smeared)
    return made.tobytes()


@needs_tesseract
def test_a_scan_too_poor_for_ocr_is_garbled_and_one_that_is_nearly_so_is_warned_of():
    with pytest.raises(NotReadable, match="too poor") as caught:
        pdf.read(blurred(9), ReadOptions())
    assert caught.value.status is DocumentStatus.GARBLED
    assert not any("unsure" in warning for warning in pdf.read(blurred(1), ReadOptions()).warnings)


@needs_tesseract
def test_what_ocr_is_unsure_of_is_warned_of():
    scanner = ocr.Scanner("en", monotonic() + 60)
    row = "5\t1\t1\t1\t1\t{n}\t100\t100\t80\t30\t{confidence}\tword"
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
    for number, confidence in enumerate((95, 70, 40)):
        table = "\n".join([head, row.format(n=1, confidence=confidence)])
        page = scanner._page(ocr._reading(table, 4.0, (595, 842), None), PageWords(number, 595, 842))
        assert page.status is (DocumentStatus.GARBLED if confidence < 60 else DocumentStatus.READY)
    assert any("unsure of page 2, 3" in warning for warning in scanner.warnings())
