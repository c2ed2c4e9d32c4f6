"""Evidence drawn on a page and in a copy of the file."""

import pymupdf
import pytest

from coderai_pipeline.domain.documents import Place, Span
from coderai_pipeline.readers import highlight, pdf
from coderai_pipeline.readers.base import ReadOptions

SENTENCE = "The committee met on Tuesday and approved the budget."


def document(rotation: int = 0, **saved: object) -> bytes:
    made = pymupdf.open()
    page = made.new_page()
    page.insert_text((72, 100), SENTENCE)
    page.set_rotation(rotation)
    return made.tobytes(**saved)


def place_of(data: bytes, quote: str, passwords: tuple[str, ...] = ()) -> Place:
    content = pdf.read(data, ReadOptions(ocr=False, passwords=passwords))
    start = content.text.index(quote)
    return content.places.locate(Span(start, start + len(quote)))[0]


def is_marked(image: pymupdf.Pixmap, x: float, y: float) -> bool:
    red, green, blue = image.pixel(int(x), int(y))[:3]
    return red > 200 and green > 150 and blue < 150


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_quote_is_marked_where_it_stands(rotation: int):
    data = document(rotation)
    place = place_of(data, "met on Tuesday")
    image = pymupdf.Pixmap(highlight.page_png(data, [place], 1, zoom=2.0))
    x0, y0, x1, y1 = place.rectangles[1]
    inside = [(x * 2, y * 2) for x in (x0 + 1, (x0 + x1) / 2) for y in (y0 + 3, (y0 + y1) / 2, y1 - 3)]
    assert any(is_marked(image, x, y) for x, y in inside)
    assert not is_marked(image, image.width / 2, image.height / 2)


def test_a_copy_carries_each_label_on_its_quote():
    data = document()
    marks = [(place_of(data, "committee"), "body = committee"), (place_of(data, "budget"), "what = budget")]
    copy = pymupdf.open(stream=highlight.highlighted_copy(data, marks))
    page = copy[0]
    notes = {
        note.info["content"]: page.get_textbox(
            pymupdf.Rect(note.rect.x0, note.rect.y0 + 4, note.rect.x1, note.rect.y1 - 4)
        )
        for note in page.annots()
    }
    assert "committee" in notes["body = committee"]
    assert "budget" in notes["what = budget"]


def test_a_copy_of_a_locked_file_stays_locked():
    data = document(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="sesame")
    copy = highlight.highlighted_copy(data, [(place_of(data, "budget", ("sesame",)), "x")], ("sesame",))
    assert pymupdf.open(stream=copy).needs_pass


def test_a_page_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="page 2"):
        highlight.page_png(document(), [], 2)
