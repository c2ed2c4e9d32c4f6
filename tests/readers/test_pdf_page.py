"""Words of PDF pages: those taken together are the same as those of each page by itself."""

import numpy as np
import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import pdf
from coderai_pipeline.readers.base import ReadOptions
from coderai_pipeline.readers.mupdf import PdfFile, letters_of, load_page, open_bytes, textpage_of
from coderai_pipeline.readers.pdf_narrow import may_be_glued
from coderai_pipeline.readers.pdf_page import read_words, take
from coderai_pipeline.readers.pdf_words import PageWords

BOLD = 0.4
KINDS = (
    "plain",
    "plain",
    "plain",
    "turned",
    "rotated",
    "twice",
    "tiny",
    "off page",
    "white",
    "other script",
    "ruled",
    "empty",
)


def write(page: pymupdf.Page, kind: str, number: int) -> None:
    lines = [
        f"Line {line} of page {number} speaks of lanterns, kettles and orchards." for line in range(number % 4 + 2)
    ]
    for line, text in enumerate(lines if kind != "empty" else []):
        page.insert_text((72, 90 + 15 * line), text, fontsize=10 + number % 3)
        if kind == "twice":
            page.insert_text((72 + BOLD, 90 + 15 * line), text, fontsize=10 + number % 3)
    if kind == "turned":
        page.insert_text((500, 400), "Set along the margin", rotate=90)
    elif kind == "rotated":
        page.set_rotation(90)
    elif kind == "tiny":
        page.insert_text((72, 300), "nobody can read this", fontsize=0.5)
    elif kind == "off page":
        page.insert_text((72, 1200), "below the paper")
    elif kind == "white":
        page.insert_text((72, 300), "on white paper", color=(1, 1, 1))
    elif kind == "other script":
        page.insert_text((72, 300), "用户协议与隐私政策", fontname="china-s")
    elif kind == "ruled":
        for at in range(4):
            page.draw_line((72, 400 + 20 * at), (300, 400 + 20 * at))
            page.insert_text((80, 414 + 20 * at), f"Row {at}")
            page.insert_text((200, 414 + 20 * at), str(7 * at))


def one_by_one(document: PdfFile) -> list[PageWords]:
    return [words for number in range(document.page_count) for words in read_words([take(document.load_page(number))])]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
def test_pages_taken_together_have_the_words_that_each_has_by_itself(kinds: list[str]) -> None:
    made = pymupdf.open()
    for number, kind in enumerate(kinds):
        write(made.new_page(width=595 + 100 * (number % 2)), kind, number)
    with open_bytes(made.tobytes()) as document:
        alone = one_by_one(document)
        together = read_words([take(document.load_page(number)) for number in range(document.page_count)])
        for words, expected in zip(together, alone, strict=True):
            assert (words.number, words.width, words.height) == (expected.number, expected.width, expected.height)
            assert words.words() == expected.words() == (words.texts.split("\n") if words.texts else [])
            assert (words.hidden, words.status, words.glued) == (expected.hidden, expected.status, expected.glued)
            assert words.starts.tolist() == expected.starts.tolist()
            assert words.turns.tolist() == expected.turns.tolist()
            assert np.array_equal(words.boxes, expected.boxes)
            assert np.array_equal(words.fragment_boxes(), expected.fragment_boxes())
            assert [grid.box for grid in words.grids] == [grid.box for grid in expected.grids]


def test_what_is_hidden_is_told_of_each_page_of_several() -> None:
    made = pymupdf.open()
    for number, kind in enumerate(("plain", "tiny", "off page", "white", "twice", "turned")):
        write(made.new_page(), kind, number)
    with open_bytes(made.tobytes()) as document:
        found = read_words([take(page) for page in map(document.load_page, range(6))])
    assert [sorted({*words.hidden.values()}) for words in found] == [[], ["zero size"], ["off page"], ["white"], [], []]
    assert [words.words().count("lanterns,") for words in found] == [2, 3, 4, 5, 2, 3]
    assert found[5].turns.any()


def test_a_letter_that_is_none_is_told_as_such():
    """As MuPDF makes of ornate brackets in Arabic: any number, and PyMuPDF's dictionary by letters ends with an exception."""
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 72), "(1)")
        textpage = textpage_of(load_page(open_bytes(document.tobytes()), 0), 0)
        first = next(letter for block in textpage.this for line in block for letter in line)
        first.m_internal.c = 0x3F800000
        (block,) = letters_of(textpage)
    assert [letter["c"] for letter in block["lines"][0]["spans"][0]["chars"]] == ["\ufffd", "1", ")"]


def test_words_run_together_are_suspect_beside_a_title_in_large_letters():
    """Which is wider than they are, and no wider than its height lets a word be."""
    sides = np.array([[400.0, 120.0, 130.0], [60.0, 10.0, 10.0]], np.float32)
    assert may_be_glued(sides, ("Responsibilities", "thecommitteeofthe", "regionhadreported"))
    assert not may_be_glued(sides[:, :1], ("Responsibilities",))


@pytest.mark.parametrize("part", ["9999 0 R", "{other} 0 R", "null", "5"])
def test_a_page_of_whose_content_a_part_is_missing_is_read_without_it(part: str) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((72, 72), "What can be found is read.")
        page.draw_rect(pymupdf.Rect(60, 50, 500, 120))
        other = document.get_new_xref()
        document.update_object(other, "<</No /Stream>>")
        whole = " ".join(f"{number} 0 R" for number in page.get_contents())
        document.xref_set_key(page.xref, "Contents", f"[{whole} {part.format(other=other)}]")
        content = pdf.read(document.tobytes(), ReadOptions(ocr=False))
    assert (content.status, content.text) == (DocumentStatus.READY, "What can be found is read.")
