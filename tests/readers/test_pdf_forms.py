"""PDF forms: what is filled in is read where it stands, and a form that only another program shows says so."""

import pymupdf
import pytest

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import pdf
from coderai_pipeline.readers.base import NotReadable
from tests.readers.test_pdf_layout import OPTIONS, read


def xfa(page_text: str, entries: str) -> pymupdf.Document:
    document = pymupdf.open()
    document.new_page().insert_text((72, 100), page_text)
    template = document.get_new_xref()
    document.update_object(template, "<<>>")
    document.update_stream(template, b'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"/>')
    catalog = document.pdf_catalog()
    document.xref_set_key(catalog, "AcroForm", f"<</XFA {template} 0 R{entries}>>")
    return document


@pytest.mark.parametrize("is_said", [True, False])
def test_a_page_that_stands_for_a_form_of_another_program_is_not_ready(is_said: bool):
    document = xfa("Please wait... If this message is not replaced, your viewer may not show this form.", "/Fields[]")
    if is_said:
        document.xref_set_key(document.pdf_catalog(), "NeedsRendering", "true")
    with pytest.raises(NotReadable) as refusal:
        pdf.read(document.tobytes(), OPTIONS)
    assert refusal.value.status is DocumentStatus.UNSUPPORTED
    assert "XFA" in refusal.value.reason


def test_a_form_whose_pages_show_it_is_read():
    document = xfa("Application for a permit to keep bees", "/Fields[9 0 R]")
    assert read(document).text == "Application for a permit to keep bees"


def test_boxes_that_are_drawn_are_read_as_ticked_or_not():
    document = pymupdf.open()
    page = document.new_page()
    for row, (label, is_on) in enumerate([("married", True), ("employed", False)]):
        page.insert_text((90, 100 + 40 * row), label)
        box = pymupdf.Widget()
        box.field_name, box.field_type = label, pymupdf.PDF_WIDGET_TYPE_CHECKBOX
        box.rect, box.field_value = pymupdf.Rect(72, 90 + 40 * row, 84, 102 + 40 * row), is_on
        page.add_widget(box)
    assert read(document).text.split() == ["☒", "married", "☐", "employed", "married:", "yes"]


def test_a_value_that_the_page_shows_on_several_lines_stands_once():
    document = pymupdf.open()
    page = document.new_page()
    box = pymupdf.Widget()
    box.field_name, box.field_type = "comment", pymupdf.PDF_WIDGET_TYPE_TEXT
    box.rect, box.field_value = pymupdf.Rect(72, 90, 300, 150), "First line\nsecond line"
    box.field_flags = pymupdf.PDF_TX_FIELD_IS_MULTILINE
    page.add_widget(box)
    assert read(document).text.split() == ["First", "line", "second", "line"]
