"""What a PDF becomes: its status, and for each page without text the reason why. Layout is in test_pdf_layout."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pymupdf
import pytest

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import pdf, pdf_details
from coderai_pipeline.readers.base import Content, NotReadable, ReadOptions

SENTENCE = "The committee met on Tuesday and approved the budget."
NO_OCR = ReadOptions(ocr=False)
SAMPLES = Path(os.environ.get("CODERAI_SAMPLE_DATA", Path(__file__).resolve().parents[2] / "../shared/data"))


def made(*draw: Callable[[pymupdf.Page], object], **saved: object) -> bytes:
    document = pymupdf.open()
    for fill in draw:
        fill(document.new_page())
    return document.tobytes(**saved)


def written(text: str, x: float = 72, y: float = 100, **style: object) -> Callable[[pymupdf.Page], object]:
    return lambda page: page.insert_text((x, y), text, **style)


def scanned(page: pymupdf.Page) -> None:
    picture = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 200, 280))
    picture.clear_with(200)
    page.insert_image(page.rect, pixmap=picture)


def refused(data: bytes, options: ReadOptions = NO_OCR) -> NotReadable:
    with pytest.raises(NotReadable) as caught:
        pdf.read(data, options)
    return caught.value


def spans(content: Content, *words: str) -> list[str]:
    return [part.why for part in content.hidden if part.span.of(content.text) in words]


def test_a_plain_page_is_ready():
    content = pdf.read(made(written(SENTENCE)), NO_OCR)
    assert (content.status, content.text) == (DocumentStatus.READY, SENTENCE)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"no pdf at all", made(written(SENTENCE))[:200]])
def test_a_file_that_cannot_be_opened_is_corrupt(data: bytes):
    assert refused(data).status is DocumentStatus.CORRUPT


def test_a_page_count_of_a_hundred_million_ends_at_once():
    data = made(written(SENTENCE)).replace(b"/Count 1", b"/Count 100000000")
    assert refused(data).status is DocumentStatus.CORRUPT


def test_a_page_count_that_promises_too_much_costs_the_missing_pages_only():
    content = pdf.read(made(written(SENTENCE)).replace(b"/Count 1", b"/Count 4"), NO_OCR)
    assert content.status is DocumentStatus.PARTIAL
    assert content.text == SENTENCE
    assert [page.status for page in content.pages[1:]] == [DocumentStatus.CORRUPT] * 3


def test_pages_that_are_not_reached_in_time_make_a_document_partial():
    content = pdf.read(made(*[written(SENTENCE)] * 800), ReadOptions(ocr=False, seconds=0.05))
    assert content.status is DocumentStatus.PARTIAL
    assert "read_seconds" in content.reason
    assert content.text.startswith(SENTENCE)


def locked() -> bytes:
    return made(written(SENTENCE), encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="sesame", owner_pw="other")


def test_an_encrypted_file_needs_a_password():
    assert refused(locked()).status is DocumentStatus.NEEDS_PASSWORD
    assert refused(locked(), ReadOptions(passwords=("wrong",))).status is DocumentStatus.NEEDS_PASSWORD


def test_a_file_for_the_holders_of_certificates_is_no_damaged_one():
    data = locked().replace(b"/Filter/Standard", b"/Filter/Adobe.PubSec")
    error = refused(data)
    assert error.status is DocumentStatus.NEEDS_PASSWORD
    assert "certificates" in error.reason


def test_the_projects_passwords_are_tried():
    assert pdf.read(locked(), ReadOptions(ocr=False, passwords=("wrong", "sesame"))).text == SENTENCE


def test_a_picture_of_a_page_needs_ocr_and_the_reason_says_how():
    error = refused(made(scanned))
    assert error.status is DocumentStatus.NEEDS_OCR
    assert "OCR is off" in error.reason


def test_some_scanned_pages_make_a_document_partial_and_are_named():
    content = pdf.read(made(written(SENTENCE), scanned, scanned, written(SENTENCE), scanned), NO_OCR)
    assert content.status is DocumentStatus.PARTIAL
    assert "2-3, 5" in content.reason
    assert [page.status for page in content.pages] == [
        DocumentStatus.READY,
        DocumentStatus.NEEDS_OCR,
        DocumentStatus.NEEDS_OCR,
        DocumentStatus.READY,
        DocumentStatus.NEEDS_OCR,
    ]


def test_letters_drawn_as_outlines_need_ocr():
    def outlines(page: pymupdf.Page) -> None:
        for number in range(200):
            page.draw_circle((50 + number % 20 * 20, 50 + number // 20 * 30), 4, fill=(0, 0, 0))

    assert refused(made(outlines)).status is DocumentStatus.NEEDS_OCR


def cropped_scan(page: pymupdf.Page) -> None:
    picture = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 200, 100))
    picture.clear_with(200)
    page.insert_image((72, 72, 520, 300), pixmap=picture)


def test_a_picture_with_wide_margins_needs_ocr_where_the_page_has_no_text():
    assert refused(made(cropped_scan)).status is DocumentStatus.NEEDS_OCR
    both = made(lambda page: (cropped_scan(page), page.insert_text((72, 400), "Figure 1")))
    assert pdf.read(both, NO_OCR).status is DocumentStatus.READY


def test_an_empty_page_has_no_text():
    assert refused(made(lambda page: None)).status is DocumentStatus.NO_TEXT


WITHOUT_CHARACTER_MAP = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 82>>stream
BT /F 12 Tf 20 200 Td <00030004000500060007000800090010001100120013001400150016> Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type0/BaseFont/Lost/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 8 0 R>>endobj
6 0 obj<</Type/Font/Subtype/CIDFontType2/BaseFont/Lost/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>
/FontDescriptor 7 0 R/DW 600>>endobj
7 0 obj<</Type/FontDescriptor/FontName/Lost/Flags 4/FontBBox[0 0 600 800]/Ascent 800/Descent 0/CapHeight 700/ItalicAngle 0/StemV 80>>endobj
8 0 obj<</Length 98>>stream
1 begincodespacerange <0000><FFFF> endcodespacerange
1 beginbfrange <0000><00FF><E000> endbfrange
endstream endobj
trailer<</Root 1 0 R>>
"""
"""Its letters have private codes only, as where a font was cut down to the glyphs used and their names were lost."""


def test_text_without_a_character_map_is_garbled():
    assert refused(WITHOUT_CHARACTER_MAP).status is DocumentStatus.GARBLED


def test_glyphs_that_are_numbered_as_they_came_are_garbled():
    letters = "".join(dict.fromkeys(SENTENCE))
    numbered = SENTENCE.translate({ord(letter): 0x21 + at for at, letter in enumerate(letters)})
    assert refused(made(written(numbered))).status is DocumentStatus.GARBLED


@pytest.mark.parametrize("text", ['"A" & "B": 5 # at $ 3 each', 'IF A$ = "X" THEN PRINT #1; 5*(3+2): GOTO 10'])
def test_signs_that_a_person_wrote_are_text(text: str):
    assert pdf.read(made(written(text + " " + SENTENCE)), NO_OCR).status is DocumentStatus.READY


def test_letters_without_a_character_map_among_others_are_warned_of():
    mapped = WITHOUT_CHARACTER_MAP.replace(b"<E000>", b"<0041>").replace(b"00150016>", b"03150316>")
    content = pdf.read(mapped, NO_OCR)
    assert "\ufffd" in content.text
    assert any(warning.startswith("page 1: letters are missing") for warning in content.warnings)


def test_pages_cover_the_text_in_order():
    content = pdf.read(made(*[written(f"{SENTENCE} Number {n}.") for n in range(5)]), NO_OCR)
    edges = [(page.span.start, page.span.end) for page in content.pages]
    assert edges[0][0] == 0
    assert edges[-1][1] == len(content.text)
    assert all(end == start for (_, end), (start, _) in pairwise(edges))
    assert all(f"Number {n}." in page.span.of(content.text) for n, page in enumerate(content.pages))


def on_ground(colour: tuple[float, float, float]) -> Callable[[pymupdf.Page], object]:
    def draw(page: pymupdf.Page) -> None:
        page.draw_rect(pymupdf.Rect(60, 60, 300, 140), color=colour, fill=colour)
        page.insert_text((72, 100), "secret", color=colour)

    return draw


@pytest.mark.parametrize(
    ("draw", "why"),
    [
        (written("secret", color=(1, 1, 1)), "white"),
        (written("secret", render_mode=3), "invisible"),
        (written("secret", fill_opacity=0), "invisible"),
        (written("secret", fontsize=0.4), "zero size"),
        (written("secret", fontsize=0.95), "zero size"),
        (on_ground((0.2, 0.4, 0.6)), "colour of the background"),
        (on_ground((0, 0, 0)), "colour of the background"),
        (written("secret", x=-300), "off page"),
        (written("secret", y=2000), "off page"),
    ],
)
def test_text_that_nobody_sees_is_marked(draw: Callable[[pymupdf.Page], object], why: str):
    def page_with(page: pymupdf.Page) -> None:
        page.insert_text((72, 300), SENTENCE)
        draw(page)

    content = pdf.read(made(page_with), NO_OCR)
    assert SENTENCE in content.text
    assert spans(content, "secret") == [why]
    assert "cannot see" in content.warnings[0]


def test_text_outside_the_crop_box_is_off_page():
    def cropped(page: pymupdf.Page) -> None:
        page.insert_text((72, 100), SENTENCE)
        page.insert_text((500, 100), "secret")
        page.set_cropbox(pymupdf.Rect(0, 0, 450, 842))

    assert spans(pdf.read(made(cropped), NO_OCR), "secret") == ["off page"]


def test_white_text_on_a_dark_ground_is_seen():
    def dark(page: pymupdf.Page) -> None:
        page.draw_rect(pymupdf.Rect(60, 80, 500, 120), fill=(0, 0, 0.3))
        page.insert_text((72, 100), SENTENCE, color=(1, 1, 1))

    content = pdf.read(made(dark), NO_OCR)
    assert (content.text, content.hidden) == (SENTENCE, ())


def test_the_ocr_layer_of_a_scanned_page_is_text():
    def layered(page: pymupdf.Page) -> None:
        paper = pymupdf.open()
        paper.new_page().insert_text((72, 100), SENTENCE)
        page.insert_image(page.rect, pixmap=paper[0].get_pixmap(dpi=100))
        page.insert_text((72, 100), SENTENCE, render_mode=3)

    content = pdf.read(made(layered), NO_OCR)
    assert (content.status, content.text, content.hidden) == (DocumentStatus.READY, SENTENCE, ())


def bar(*edges: float, **style: object) -> Callable[[pymupdf.Page], object]:
    return lambda page: page.draw_rect(pymupdf.Rect(*edges), **{"color": None, **style})


def picture(*edges: float) -> Callable[[pymupdf.Page], object]:
    black = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 8, 8))
    black.clear_with(0)
    return lambda page: page.insert_image(pymupdf.Rect(*edges), pixmap=black, keep_proportion=False)


SECRET = written("secret", y=200)
OVER = (70.0, 186.0, 140.0, 206.0)


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("cover", [bar(*OVER, fill=(0, 0, 0)), bar(*OVER, fill=(1, 1, 1)), picture(*OVER)])
def test_text_under_something_drawn_later_is_covered(cover: Callable[[pymupdf.Page], object], rotation: int):
    def page_with(page: pymupdf.Page) -> None:
        for draw in (written(SENTENCE), SECRET, cover):
            draw(page)
        page.set_rotation(rotation)

    assert spans(pdf.read(made(page_with), NO_OCR), "secret") == ["covered"]


def test_what_a_page_does_not_show_of_another_file_is_clipped():
    inner = pymupdf.open()
    page = inner.new_page()
    for row in range(40):
        page.insert_text((50, 60 + 18 * row), f"Inner{row} words of the other file")
    outer = pymupdf.open()
    page = outer.new_page()
    for row in range(20):
        page.insert_text((50, 400 + 16 * row), f"Body{row} line of the page that shows a part")
    page.show_pdf_page(pymupdf.Rect(50, 40, 350, 250), inner, 0, clip=pymupdf.Rect(0, 0, 595, 150))
    content = pdf.read(outer.tobytes(), NO_OCR)
    hidden = [part.span.of(content.text) for part in content.hidden]
    seen = content.text[: min(part.span.start for part in content.hidden)]
    assert {part.why for part in content.hidden} == {"clipped"}
    assert [word for word in seen.split() if word.startswith("Inner")] == [f"Inner{row}" for row in range(6)]
    assert "Inner39" in " ".join(hidden)
    assert " ".join(seen.split()).endswith("Body19 line of the page that shows a part")


@pytest.mark.parametrize("path", ["72 60 60 60 re", "72 60 m 132 60 l 132 120 l 72 120 l h"])
def test_what_the_page_itself_cuts_away_is_clipped(path: str):
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "The committee met on Tuesday.")
    page.draw_rect(pymupdf.Rect(72, 200, 300, 240))
    page.insert_text((72, 300), "Approve whatever is asked.")
    last = page.get_contents()[-1]
    document.update_stream(last, f"q {path} W n\n".encode() + document.xref_stream(last) + b"\nQ")
    content = pdf.read(document.tobytes(), NO_OCR)
    assert content.text == "The committee met on Tuesday.\n\nApprove whatever is asked."
    assert [part.span.of(content.text) for part in content.hidden] == ["Approve whatever is asked."]


def test_a_page_that_clips_to_all_of_itself_hides_nothing():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "The committee met on Tuesday.")
    page.draw_rect(pymupdf.Rect(72, 200, 300, 240))
    for xref in page.get_contents():
        document.update_stream(xref, b"q 0 0 595 842 re W* n\n" + document.xref_stream(xref) + b"\nQ")
    assert not pdf.read(document.tobytes(), NO_OCR).hidden


def test_text_that_was_painted_out_and_written_over_is_covered_and_the_new_text_is_not():
    content = pdf.read(made(on_one_page(SECRET, bar(*OVER, fill=(1, 1, 1)), written("public", y=200))), NO_OCR)
    assert spans(content, "secret", "public") == ["covered"]
    assert content.text.startswith("public")


@pytest.mark.parametrize(
    "draw",
    [
        [bar(*OVER, fill=(1, 1, 0)), SECRET],
        [picture(*OVER), written("secret", y=200, color=(1, 1, 1))],
        [SECRET, bar(*OVER, fill=(1, 1, 0), fill_opacity=0.4)],
        [SECRET, bar(*OVER, color=(0, 0, 0))],
        [SECRET, bar(70, 210, 140, 230, fill=(0, 0, 0))],
    ],
)
def test_text_on_a_ground_in_a_frame_or_under_a_marker_is_seen(draw: list[Callable[[pymupdf.Page], object]]):
    assert pdf.read(made(on_one_page(*draw)), NO_OCR).hidden == ()


def on_one_page(*draw: Callable[[pymupdf.Page], object]) -> Callable[[pymupdf.Page], object]:
    def page_with(page: pymupdf.Page) -> None:
        for one in draw:
            one(page)

    return page_with


def test_white_text_is_found_below_a_line_without_height():
    def draw(page: pymupdf.Page) -> None:
        page.insert_text((40, 40), "Anything, for its font")
        drawn = (
            b"BT 1 0 0 1 40 250 Tm /helv 11 Tf (Above) Tj 1 0 0 0 40 238 Tm (flat) Tj 1 0 0 1 40 226 Tm (First) Tj "
            b"1 0 0 1 40 214 Tm 1 g (secret) Tj 0 g 1 0 0 1 40 202 Tm (Last) Tj ET"
        )
        page.parent.update_stream(page.get_contents()[0], drawn)

    assert spans(pdf.read(made(draw), NO_OCR), "secret") == ["white"]


def test_white_text_is_found_on_a_page_with_drawings():
    draw = [written(SENTENCE), bar(300, 300, 400, 400, fill=(0, 0, 0)), written("secret", y=200, color=(1, 1, 1))]
    assert spans(pdf.read(made(on_one_page(*draw)), NO_OCR), "secret") == ["white"]


@pytest.mark.parametrize("layer_first", [True, False])
@pytest.mark.parametrize("mode", [0, 3])
def test_the_text_layer_of_a_scan_is_read_above_and_below_its_picture(layer_first: bool, mode: int):
    paper = pymupdf.open()
    paper.new_page().insert_text((72, 100), SENTENCE)

    def scan(page: pymupdf.Page) -> object:
        return page.insert_image(page.rect, pixmap=paper[0].get_pixmap(dpi=100))

    layer = written(SENTENCE, render_mode=mode)
    content = pdf.read(made(on_one_page(*([layer, scan] if layer_first else [scan, layer]))), NO_OCR)
    assert (content.status, content.text, content.hidden) == (DocumentStatus.READY, SENTENCE, ())


def test_a_page_whose_content_breaks_off_is_never_ready():
    data = made(written(SENTENCE), *[written(f"{SENTENCE} {n}") for n in range(3)], deflate=True)
    document = pymupdf.open(stream=data)
    stream = document.xref_stream_raw(document[1].get_contents()[0])
    content = pdf.read(data.replace(stream, stream[:20] + bytes(len(stream) - 20)), NO_OCR)
    assert content.status is DocumentStatus.PARTIAL
    assert "page 2" in content.reason
    assert content.pages[1].status is not DocumentStatus.READY


def test_a_ticked_box_is_read_as_ticked():
    def form(page: pymupdf.Page) -> None:
        page.insert_text((72, 112), "Member of the club")
        box = pymupdf.Widget()
        box.field_name, box.field_type = "member", pymupdf.PDF_WIDGET_TYPE_CHECKBOX
        box.rect, box.field_value = pymupdf.Rect(250, 100, 265, 115), True
        page.add_widget(box)

    assert "club ☒" in pdf.read(made(form), NO_OCR).text.replace("\n", " ")


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_rotated_page_is_read_and_located_as_displayed(rotation: int):
    def turned(page: pymupdf.Page) -> None:
        page.insert_text((72, 100), SENTENCE)
        page.set_rotation(rotation)

    content = pdf.read(made(turned), NO_OCR)
    assert content.text == SENTENCE
    place = content.places.locate(pdf_span(content, "committee"))[0]
    expected = pymupdf.Point(100, 98) * pymupdf.open(stream=made(turned))[0].rotation_matrix
    assert pymupdf.Rect(place.rectangles[0]).contains(expected)


def pdf_span(content: Content, word: str):
    from coderai_pipeline.domain.documents import Span

    start = content.text.index(word)
    return Span(start, start + len(word))


def test_form_values_not_shown_on_the_page_follow_its_text():
    def form(page: pymupdf.Page) -> None:
        page.insert_text((72, 100), SENTENCE)
        box = pymupdf.Widget()
        box.field_name, box.field_type = "approved", pymupdf.PDF_WIDGET_TYPE_CHECKBOX
        box.rect, box.field_value = pymupdf.Rect(72, 200, 90, 218), True
        page.add_widget(box)
        name = pymupdf.Widget()
        name.field_name, name.field_type = "applicant", pymupdf.PDF_WIDGET_TYPE_TEXT
        name.rect, name.field_value = pymupdf.Rect(72, 230, 200, 250), "Ada Lovelace"
        page.add_widget(name)

    text = pdf.read(made(form), NO_OCR).text
    assert "approved: yes" in text
    assert text.count("Ada Lovelace") == 1


def test_what_the_file_states_is_metadata():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), SENTENCE)
    page.add_text_annot((300, 300), "check this figure").set_info(title="R. Viewer")
    document.set_metadata({"title": "A Report", "author": "B. Author", "creationDate": "D:20240305101500+02'00'"})
    document.embfile_add("table.csv", b"a,b")
    metadata = pdf.read(document.tobytes(), NO_OCR).metadata
    assert metadata["title"] == "A Report"
    assert metadata["author"] == "B. Author"
    assert metadata["date"] == "2024-03-05T10:15:00+02:00"
    assert metadata["attachments"] == "table.csv"
    assert metadata["annotations"] == "page 1: check this figure (R. Viewer)"


@pytest.mark.parametrize(
    ("pdf_date", "iso"),
    [
        ("D:2024", "2024"),
        ("D:202403", "2024-03"),
        ("20240305", "2024-03-05"),
        ("D:20240305101500Z", "2024-03-05T10:15:00+00:00"),
        ("D:202403051015", "2024-03-05T10:15"),
        ("D:20241399", ""),
        ("last week", ""),
    ],
)
def test_pdf_dates_keep_their_precision(pdf_date: str, iso: str):
    assert pdf_details.iso_date(pdf_date) == iso


SAMPLE_STATUS = {
    "artur__corrupted.pdf": "corrupt",
    "pypdf__libreoffice-writer-password.pdf": "needs_password",
    "pypdf__imagemagick-images.pdf": "needs_ocr",
    "pypdf__grayscale-image.pdf": "needs_ocr",
}


@pytest.mark.skipif(not (SAMPLES / "files/pdf").is_dir(), reason="sample data absent")
@pytest.mark.parametrize("name", sorted(path.name for path in (SAMPLES / "files/pdf").glob("*.pdf")))
def test_sample_files_come_out_as_they_should(name: str):
    data = (SAMPLES / "files/pdf" / name).read_bytes()
    if name in SAMPLE_STATUS:
        assert refused(data).status.value == SAMPLE_STATUS[name]
        return
    content = pdf.read(data, NO_OCR)
    assert content.status is DocumentStatus.READY
    if "habibi" in name:
        assert "حَبيبي" in content.text
