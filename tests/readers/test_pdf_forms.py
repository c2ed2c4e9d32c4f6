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


def ballot(page: pymupdf.Page, x: float, y: float, *, ticked: bool, round_one: bool) -> None:
    """A box as browsers draw it: a white ground, its outline or, if ticked, a coloured one, and the tick within."""

    def square(inset: float) -> pymupdf.Rect:
        return pymupdf.Rect(x + inset, y + inset, x + 9.5 - inset, y + 9.5 - inset)

    draw = page.draw_oval if round_one else lambda rect, **said: page.draw_rect(rect, radius=0.2, **said)
    draw(square(0), color=None, fill=(1, 1, 1))
    if round_one:
        draw(square(0.3), color=(0.4, 0.4, 0.4))
        if ticked:
            draw(square(2), color=None, fill=(0, 0.4, 1))
    elif ticked:
        draw(square(-0.2), color=None, fill=(0, 0.4, 1))
        middle, right = (x + 4, y + 7), (x + 7.5, y + 2)
        page.draw_polyline([(x + 2, y + 5), middle, right], color=(1, 1, 1), width=1.5)
    else:
        draw(square(0.3), color=(0.4, 0.4, 0.4))


@pytest.mark.parametrize("round_one", [False, True])
def test_boxes_that_a_browser_draws_stand_ticked_or_not_before_their_words(round_one: bool):
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "Consent:      yes          no")
    ballot(page, 125, 91.5, ticked=True, round_one=round_one)
    ballot(page, 172, 91.5, ticked=False, round_one=round_one)
    assert read(document).text == "Consent: ☒ yes ☐ no"


def test_a_number_in_a_circle_and_the_key_of_a_chart_are_no_boxes_to_tick():
    document = pymupdf.open()
    page = document.new_page()
    page.draw_circle((77, 97), 7, color=(0, 0, 0), fill=(1, 1, 1))
    page.insert_text((74, 100.5), "1")
    page.insert_text((90, 100), "Open the valve")
    page.draw_rect(pymupdf.Rect(74, 112, 83, 121), color=None, fill=(1, 0, 0))
    page.insert_text((90, 120), "Exports")
    assert not {"☐", "☒"} & {*read(document).text}
