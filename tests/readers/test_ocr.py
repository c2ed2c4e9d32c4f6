"""Scanned pages: read by Tesseract where it is installed, otherwise said to need it."""

import shutil
from pathlib import Path
from time import monotonic

import pymupdf
import pytest

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers import ocr, pdf
from coderai_pipeline.readers.base import NotReadable, ReadOptions

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


@needs_tesseract
def test_a_language_that_is_not_installed_is_warned_of():
    content = pdf.read(scan((72, 100, SENTENCE)), ReadOptions(language="xx"))
    assert any("xx" in warning for warning in content.warnings)


@needs_tesseract
def test_a_page_that_is_not_reached_in_time_still_needs_ocr():
    scanner = ocr.Scanner("en", monotonic() + 1)
    page = pymupdf.open(stream=scan((72, 100, SENTENCE)))[0]
    words = pdf.read_words(page)
    words.status = DocumentStatus.NEEDS_OCR
    assert scanner.read(page, words) is words


@pytest.mark.usefixtures("no_tesseract")
def test_without_tesseract_the_reason_names_the_remedy():
    with pytest.raises(NotReadable, match="install Tesseract") as caught:
        pdf.read(scan((72, 100, SENTENCE)), ReadOptions())
    assert caught.value.status is DocumentStatus.NEEDS_OCR
