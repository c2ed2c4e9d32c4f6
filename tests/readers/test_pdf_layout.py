"""The order in which a PDF is read: columns, paragraphs, hyphens, tables, running lines; and where each word stands."""

import random

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.readers import pdf
from coderai_pipeline.readers.base import Content, ReadOptions
from coderai_pipeline.readers.pdf_joining import join_hyphenated
from coderai_pipeline.readers.pdf_text import Assembly
from coderai_pipeline.readers.pdf_words import from_boxes

OPTIONS = ReadOptions(ocr=False)
WORDS = [
    "amber",
    "basin",
    "candle",
    "desert",
    "engine",
    "forest",
    "garden",
    "harbour",
    "island",
    "jungle",
    "kettle",
    "lantern",
    "meadow",
    "needle",
    "orchard",
    "pebble",
    "quarry",
    "ribbon",
    "saddle",
    "timber",
    "umbrella",
    "valley",
    "willow",
    "yellow",
    "zephyr",
    "government",
    "infrastructure",
    "responsibility",
]


def paragraph(seed: int, count: int) -> str:
    chosen = random.Random(seed).choices(WORDS, k=count)
    return " ".join([chosen[0].capitalize(), *chosen[1:-1], chosen[-1] + "."])


def broken(text: str, width: float, size: float = 10) -> list[str]:
    """Lines of at most a width, long words parted by a hyphen."""
    lines, line = [], ""
    for word in text.split():
        tried = f"{line} {word}".strip()
        if pymupdf.get_text_length(tried, fontsize=size) <= width:
            line = tried
        elif len(word) > 7 and pymupdf.get_text_length(f"{line} {word[:4]}-", fontsize=size) <= width:
            lines.append(f"{line} {word[:4]}-".strip())
            line = word[4:]
        else:
            lines.append(line)
            line = word
    return [*lines, line]


def read(document: pymupdf.Document) -> Content:
    return pdf.read(document.tobytes(), OPTIONS)


def two_columns(paragraphs: list[str], row_by_row: bool) -> pymupdf.Document:
    """Paragraphs set in two columns a page with header, footer and page number; `row_by_row` writes the columns interleaved."""
    lines = [line for text in paragraphs for line in [*broken(text, 220), ""]]
    document = pymupdf.open()
    for number, start in enumerate(range(0, len(lines), 100)):
        page = document.new_page()
        page.insert_text((72, 40), "Journal of Things, Volume 7")
        page.insert_text((290, 815), f"Page {number + 1}")
        cells = [
            (72 + column * 240, 80 + row * 14, line)
            for column in (0, 1)
            for row, line in enumerate(lines[start + column * 50 : start + column * 50 + 50])
        ]
        for x, y, line in sorted(cells, key=lambda cell: cell[1]) if row_by_row else cells:
            page.insert_text((x, y), line, fontsize=10)
    return document


@pytest.mark.parametrize("row_by_row", [False, True])
def test_paragraphs_in_two_columns_come_back_in_order_and_whole(row_by_row: bool):
    paragraphs = [paragraph(seed, 90) for seed in range(24)]
    content = read(two_columns(paragraphs, row_by_row))
    assert len(content.pages) >= 3
    assert content.text.split("\n\n") == paragraphs
    assert content.metadata["page_header"] == "Journal of Things, Volume 7"
    assert content.metadata["page_footer"] == "Page 1"


def test_every_word_stands_where_it_was_written():
    paragraphs = [paragraph(seed, 90) for seed in range(12)]
    document = two_columns(paragraphs, row_by_row=False)
    content = read(document)
    written = {
        (page.number + 1, *(round(edge, 1) for edge in word[:4])): word[4].rstrip("-")
        for page in document
        for word in page.get_text("words")
    }
    places = content.places
    for start, end, page, box in zip(places.starts, places.ends, places.pages, places.rectangles, strict=True):
        assert written[int(page), *(round(float(edge), 1) for edge in box)] == content.text[start:end]


def test_a_title_across_two_columns_comes_first():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((150, 60), "A Title Across Both Of The Columns", fontsize=18)
    left, right = paragraph(1, 120), paragraph(2, 120)
    for x, text in ((320, right), (72, left)):
        for row, line in enumerate(broken(text, 220)):
            page.insert_text((x, 100 + row * 14), line, fontsize=10)
    content = read(document)
    assert content.text.split("\n\n") == ["A Title Across Both Of The Columns", left, right]
    assert content.headings[0].span.of(content.text) == "A Title Across Both Of The Columns"


def test_short_lines_stay_lines():
    document = pymupdf.open()
    page = document.new_page()
    address = ["Ada Lovelace", "12 St James's Square", "London", "Ref. 4711"]
    for row, line in enumerate(address):
        page.insert_text((72, 100 + 14 * row), line)
    assert read(document).text == "\n".join(address)


def test_a_word_parted_at_the_end_of_a_page_is_whole_and_stands_on_both():
    document = pymupdf.open()
    document.new_page().insert_text((72, 100), "The ministry explained the infra-")
    document.new_page().insert_text((72, 100), "structure programme in detail.")
    content = read(document)
    assert content.text == "The ministry explained the infrastructure programme in detail."
    start = content.text.index("infrastructure")
    assert [place.page for place in content.places.locate(Span(start, start + 14))] == [1, 2]


@pytest.mark.parametrize(
    ("last", "first", "joined"),
    [
        ("infra-", "structure", "infra"),
        ("infra\u00ad", "structure", "infra"),
        ("well-", "known", "well-"),
        ("Jean-", "Pierre", "Jean-"),
        ("2020-", "2021", "2020-"),
        ("Ein-", "und", None),
        ("seni\u2010", "or", "seni"),
        ("e-", "mail", "e-"),
        ("-", "dash", None),
        ("word", "word", None),
    ],
)
def test_hyphens_at_line_ends(last: str, first: str, joined: str | None):
    assert join_hyphenated(last, first, {"well-known"}) == joined


def justified(page: pymupdf.Page, left: float, width: float, text: str) -> None:
    """Each line as wide as the column, each of its words written by itself."""
    lines = broken(text, width)
    for number, line in enumerate(lines):
        words = line.split()
        widths = [pymupdf.get_text_length(word, fontsize=10) for word in words]
        space = (width - sum(widths)) / max(len(words) - 1, 1) if number < len(lines) - 1 else 3.0
        x = left
        for word, taken in zip(words, widths, strict=True):
            page.insert_text((x, 100 + 14 * number), word, fontsize=10)
            x += taken + space


def test_the_stretched_spaces_of_justified_lines_part_no_columns():
    texts = [paragraph(seed, 60) for seed in range(3)]
    document = pymupdf.open()
    page = document.new_page()
    for column, text in enumerate(texts):
        justified(page, 60 + 170 * column, 150, text)
    read_text = read(document).text
    assert "|" not in read_text
    assert read_text.split() == " ".join(texts).split()


def test_a_word_parted_in_a_cell_is_whole():
    document = pymupdf.open()
    page = document.new_page()
    for y in (90, 130, 170):
        page.draw_line((70, y), (400, y))
    for x in (70, 200, 400):
        page.draw_line((x, 90), (x, 170))
    for y, name, lines in ((105, "One", ("the infra-", "structure")), (145, "Two", ("the court", "decision"))):
        page.insert_text((75, y), name)
        for number, line in enumerate(lines):
            page.insert_text((205, y + 14 * number), line)
    assert read(document).text == "One | the infrastructure\nTwo | the court decision"


def stacked(cells: list[tuple[int, int]], gap: float) -> pymupdf.Document:
    """Two columns of cells, of so many lines each, whose rows begin together `gap` below the longer cell."""
    document = pymupdf.open()
    page = document.new_page()
    y = 100.0
    for row, counts in enumerate(cells):
        for x, count in zip((72, 330), counts, strict=True):
            for line in range(count):
                page.insert_text((x, y + 13 * line), " ".join(paragraph(row, 5).split()[:4]), fontsize=10)
        y += 13 * max(counts) + gap
    return document


def test_cells_of_several_lines_that_start_side_by_side_are_a_table():
    content = read(stacked([(3, 1), (2, 4), (1, 3), (2, 2)], 5))
    assert [line.count(" | ") for line in content.text.splitlines()] == [1, 1, 1, 1]


def test_paragraphs_as_long_as_those_beside_them_are_columns():
    content = read(stacked([(3, 3), (4, 4), (3, 3), (2, 2)], 5))
    assert "|" not in content.text


def test_aligned_words_are_table_rows_with_their_header():
    rows = [
        ("Country", "Capital", "People"),
        ("France", "Paris", "68"),
        ("Spain", "Madrid", "48"),
        ("Peru", "Lima", "34"),
    ]
    document = pymupdf.open()
    page = document.new_page()
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            page.insert_text((72 + x * 130, 100 + y * 16), cell)
    content = read(document)
    assert content.text == "\n".join(" | ".join(row) for row in rows)
    assert content.tables[0].header.of(content.text) == "Country | Capital | People"


def test_a_ruled_table_is_read_cell_by_cell():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 60), "Before the table.")
    cells = [["Item", "Remark"], ["Kettle", "boils water quickly and whistles"], ["Lamp", "burns oil"]]
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            box = pymupdf.Rect(72 + x * 120, 100 + y * 50, 192 + x * 120, 150 + y * 50)
            page.draw_rect(box)
            page.insert_textbox(pymupdf.Rect(box.x0 + 4, box.y0 + 4, box.x1, box.y1), cell)
    page.insert_text((72, 300), "After the table.")
    content = read(document)
    table = "Item | Remark\nKettle | boils water quickly and whistles\nLamp | burns oil"
    assert content.text == f"Before the table.\n\n{table}\n\nAfter the table."
    assert content.tables[0].span.of(content.text) == table


def test_labels_and_values_stay_side_by_side():
    document = pymupdf.open()
    page = document.new_page()
    for row, (label, value) in enumerate([("Total", "12.00"), ("Tax", "0.70"), ("Amount due", "12.70")]):
        page.insert_text((72, 100 + row * 16), label)
        page.insert_text((400, 100 + row * 16), value)
    assert [line.replace(" | ", " ") for line in read(document).text.splitlines()] == [
        "Total 12.00",
        "Tax 0.70",
        "Amount due 12.70",
    ]


def test_numbers_on_top_of_pages_that_do_not_count_them_are_text():
    document = pymupdf.open()
    for number in (4711, 83, 5520, 912):
        page = document.new_page()
        page.insert_text((72, 40), f"Invoice {number}")
        page.insert_text((72, 400), paragraph(number, 8))
    content = read(document)
    assert "page_header" not in content.metadata
    assert all(f"Invoice {number}" in content.text for number in (4711, 83, 5520, 912))


def test_text_turned_on_the_page_is_read_in_its_own_direction():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "Upright text comes first on this page.")
    page.insert_text((40, 500), "stamped upwards along the margin", rotate=90)
    assert read(document).text.split("\n\n") == [
        "Upright text comes first on this page.",
        "stamped upwards along the margin",
    ]


def test_chinese_lines_join_without_spaces_and_each_character_has_a_place():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "中文文本测试这是一个没有空格的句子它应该" * 2, fontname="china-s")
    page.insert_text((72, 116), "连续不断。", fontname="china-s")
    content = read(document)
    assert content.text == "中文文本测试这是一个没有空格的句子它应该" * 2 + "连续不断。"
    box = content.places.locate(Span(2, 4))[0].rectangles[0]
    assert 72 + 1.5 * 11 < box[0] < 72 + 2.5 * 11


def test_arabic_is_in_logical_order():
    document = pymupdf.open()
    document.new_page().insert_htmlbox(pymupdf.Rect(50, 50, 500, 300), "<p dir='rtl'>شركة جديدة في مدينة كبيرة</p>")
    assert read(document).text == "شركة جديدة في مدينة كبيرة"


ARABIC = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 92>>stream
BT /F 12 Tf 60 200 Td <00010002000300040005> Tj 50 0 Td <00060007> Tj 40 0 Td <00050001> Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type0/BaseFont/Made/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 8 0 R>>endobj
6 0 obj<</Type/Font/Subtype/CIDFontType2/BaseFont/Made/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>
/FontDescriptor 7 0 R/DW 600>>endobj
7 0 obj<</Type/FontDescriptor/FontName/Made/Flags 4/FontBBox[0 0 600 800]/Ascent 800/Descent 0/CapHeight 700/ItalicAngle 0/StemV 80>>endobj
8 0 obj<</Length 240>>stream
1 begincodespacerange <0000><FFFF> endcodespacerange
7 beginbfchar <0001><0645> <0002><06440627> <0003><0633> <0004><0644> <0005><0627> <0006><0661> <0007><0664> endbfchar
endstream endobj
trailer<</Root 1 0 R>>
"""
"""One glyph for two letters, and digits of Arabic, drawn from left to right as fonts are."""


def test_a_ligature_and_a_number_within_arabic_are_in_the_order_they_are_read():
    content = pdf.read(ARABIC, OPTIONS)
    assert content.text == "ما ١٤ السلام"


def test_the_mark_of_an_item_belongs_to_its_text_however_far_it_stands():
    document = pymupdf.open()
    page = document.new_page(width=720, height=405)
    for row, text in enumerate(["Build the quay", "Dredge the basin", "Train the crew"]):
        page.insert_text((90, 100 + 40 * row), text, fontsize=20)
    for row in range(3):
        page.insert_text((60, 100 + 40 * row), "\u00b7", fontsize=20)
    assert [line for line in read(document).text.split("\n") if line] == [
        "\u00b7 Build the quay",
        "\u00b7 Dredge the basin",
        "\u00b7 Train the crew",
    ]


def test_a_raised_number_behind_another_is_no_part_of_it():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "It was repealed in 1992", fontsize=11)
    x = 72 + pymupdf.get_text_length("It was repealed in 1992", fontsize=11)
    page.insert_text((x, 95), "3", fontsize=7)
    page.insert_text((x + 4, 100), " and cost 10", fontsize=11)
    x += 4 + pymupdf.get_text_length(" and cost 10", fontsize=11)
    page.insert_text((x, 95), "6", fontsize=7)
    page.insert_text((x + 4, 100), " crowns.", fontsize=11)
    assert read(document).text == "It was repealed in 1992\u00b3 and cost 10\u2076 crowns."


def test_columns_above_and_below_a_table_are_read_apart_from_it():
    document = pymupdf.open()
    page = document.new_page(width=842, height=595)
    above, below = [paragraph(seed, 60) for seed in (1, 2)], [paragraph(seed, 40) for seed in (3, 4, 5)]
    rows = [("Country", "Capital", "People", "Area"), ("France", "Paris", "68", "551"), ("Peru", "Lima", "34", "1285")]
    page.insert_text((200, 50), "A Title Across The Whole Sheet", fontsize=20)
    for column, text in enumerate(above):
        page.insert_textbox(pymupdf.Rect(50 + column * 380, 80, 410 + column * 380, 230), text, fontsize=9)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            page.insert_text((50 + x * 190, 260 + y * 16), cell, fontsize=10)
    for column, text in enumerate(below):
        page.insert_textbox(pymupdf.Rect(50 + column * 255, 340, 285 + column * 255, 560), text, fontsize=9)
    table = "\n".join(" | ".join(row) for row in rows)
    assert read(document).text.split("\n\n") == ["A Title Across The Whole Sheet", *above, table, *below]


def test_a_drop_capital_belongs_to_its_word():
    document = pymupdf.open()
    page = document.new_page()
    text = paragraph(7, 80)
    page.insert_text((72, 108), text[0], fontsize=44)
    beside = 75 + pymupdf.get_text_length(text[0], fontsize=44)
    for row, line in enumerate(broken(text[1:], 470 - beside, 11)):
        page.insert_text((beside if row < 3 else 72, 80 + 14 * row), line)
    assert read(document).text.split() == text.split()


HEBREW = 'הממשלה הודיעה היום על תוכנית בשנת 2024 עם חברת Google Inc. בסך 1,234.56 שקל (כולל מע"מ) למדינה.'


def right_to_left(*columns: tuple[float, float, str]) -> pymupdf.Document:
    document = pymupdf.open()
    page = document.new_page()
    for left, right, text in columns:
        page.insert_htmlbox(pymupdf.Rect(left, 60, right, 790), f"<p dir='rtl' style='text-align:justify'>{text}</p>")
    return document


def test_hebrew_with_numbers_latin_names_and_brackets_is_in_logical_order():
    assert read(right_to_left((50, 545, HEBREW))).text == HEBREW


def test_columns_read_from_right_to_left():
    first, second = f"{HEBREW} {HEBREW}", f"{HEBREW} {HEBREW} {HEBREW}"
    assert read(right_to_left((50, 285, second), (310, 545, first))).text.split("\n\n") == [first, second]


def test_a_word_in_the_other_direction_does_not_turn_its_line():
    document = pymupdf.open()
    text = "The company called הממשלה הודיעה opened in 2024, and חברת followed in 2025."
    document.new_page().insert_htmlbox(pymupdf.Rect(50, 50, 545, 300), f"<p>{text}</p>")
    assert read(document).text == text


def test_no_space_follows_a_mark_that_brings_its_own():
    text = "これは日本語の文章です。2024年3月5日に、Google社が新しい製品を発表しました。" * 2
    document = pymupdf.open()
    document.new_page().insert_htmlbox(pymupdf.Rect(50, 50, 300, 300), f"<p>{text}</p>")
    assert read(document).text == text


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.from_regex(r"[A-Za-z][a-z]{0,8}[0-9,]?", fullmatch=True), min_size=2, max_size=40),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_what_is_read(texts: list[list[str]]):
    document = pymupdf.open()
    page = document.new_page()
    y = 80.0
    written: list[tuple[str, float, float]] = []
    for text in texts:
        x = 72.0
        for word in text:
            width = pymupdf.get_text_length(word + " ", fontsize=10)
            if x + width > 500:
                x, y = 72.0, y + 14
            page.insert_text((x, y), word + " ", fontsize=10)
            written.append((word, x, y))
            x += width
        y += 40
    content = read(document)
    assert content.text.split() == [word for word, _, _ in written]
    position = 0
    for word, x, y in written:
        position = content.text.index(word, position)
        (place,) = content.places.locate(Span(position, position + len(word)))
        assert place.page == 1
        assert any(box[0] - 0.1 <= x + 0.1 <= box[2] + 0.1 and box[1] <= y <= box[3] for box in place.rectangles)
        position += len(word)


def spaced(text: str, before: str = "") -> pymupdf.Document:
    """A page with a line whose letters stand three points apart, behind words set as usual."""
    document = pymupdf.open()
    page = document.new_page()
    x = 72.0
    page.insert_text((x, 72), "Above it stands a line of text.", fontsize=12)
    page.insert_text((x, 100), before, fontsize=12)
    x += pymupdf.get_text_length(before, fontsize=12)
    for letter in text:
        page.insert_text((x, 100), letter, fontsize=12)
        x += pymupdf.get_text_length(letter, fontsize=12) + 3
    return document


def test_letters_set_apart_are_words_and_a_list_of_letters_stays_one():
    assert read(spaced("Spaced heading of the act")).text.splitlines()[-1] == "Spaced heading of the act"
    assert read(spaced("ABCDEFGH")).text.splitlines()[-1] == "A B C D E F G H"
    decided = read(spaced("decided so", "The court of appeal has ")).text.splitlines()[-1]
    assert decided == "The court of appeal has decided so"


def test_a_line_printed_twice_to_look_bold_is_read_once():
    document = pymupdf.open()
    page = document.new_page()
    for row, text in enumerate(["Findings of the inquiry", "Nobody was hurt in the port."]):
        for shift in (0, 0.4)[: 2 - row]:
            page.insert_text((72 + shift, 100 + 40 * row), text)
    assert read(document).text.splitlines() == ["Findings of the inquiry", "Nobody was hurt in the port."]


VERTICAL = "委員会は年次報告書を審査し四十五件の苦情を確認した港の安全について新しい規則を定める"


VERTICAL_PAGE = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length {length}>>stream
{drawn}
endstream endobj
5 0 obj<</Type/Font/Subtype/Type0/BaseFont/HeiseiMin-W3/Encoding/UniJIS-UTF16-V/DescendantFonts[6 0 R]>>endobj
6 0 obj<</Type/Font/Subtype/CIDFontType0/BaseFont/HeiseiMin-W3/DW 1000/FontDescriptor 7 0 R
/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 6>>>>endobj
7 0 obj<</Type/FontDescriptor/FontName/HeiseiMin-W3/Flags 4/FontBBox[0 -200 1000 900]/Ascent 900/Descent -200
/CapHeight 700/ItalicAngle 0/StemV 80>>endobj
trailer<</Root 1 0 R>>
%%EOF"""


def test_vertical_writing_is_read_column_by_column_from_the_right():
    columns = [VERTICAL[start : start + 10] for start in range(0, len(VERTICAL), 10)]
    drawn = "".join(
        f"1 0 0 1 {500 - 24 * number} 700 Tm <{column.encode('utf-16-be').hex()}> Tj "
        for number, column in enumerate(columns)
    )
    drawn = f"BT /F 14 Tf {drawn}ET"
    data = VERTICAL_PAGE.replace("{length}", str(len(drawn))).replace("{drawn}", drawn).encode()
    assert pdf.read(data, OPTIONS).text == VERTICAL


@pytest.mark.parametrize("pitch", [11.0, 12.0, 15.0])
def test_letters_that_a_browser_stands_upright_below_each_other_are_read_downwards(pitch: float):
    text = VERTICAL + VERTICAL
    document = pymupdf.open()
    page = document.new_page()
    for start in range(0, len(text), 20):
        for row, letter in enumerate(text[start : start + 20]):
            page.insert_text((500 - start, 100 + pitch * row), letter, fontname="japan", fontsize=12)
    page.insert_text((421, 100 + pitch * 4), "12", fontname="helv", fontsize=9)
    page.insert_text((420, 100 + pitch * 5), "年", fontname="japan", fontsize=12)
    assert read(document).text == text + " 12 年"


def test_single_ideographs_in_a_column_of_a_table_stay_in_their_rows():
    document = pymupdf.open()
    page = document.new_page()
    for left, column in (
        (80, ["姓名", "王小明", "李大海", "张文静"]),
        (200, "性男男女"),
        (300, ["城市", "北京", "上海", "广州"]),
    ):
        for row, cell in enumerate(column):
            page.insert_text((left, 100 + 14 * row), cell, fontname="china-s", fontsize=12)
    assert read(document).text.splitlines()[1] == "王小明 | 男 | 北京"


def test_the_ends_of_lines_count_in_the_places_of_ideographs():
    document = pymupdf.open()
    page = document.new_page()
    for row, line in enumerate(["浅谈校长的魅力", "山西省", "光学技术"]):
        page.insert_text((200 - 40 * row, 100 + 60 * (row > 1) + 16 * row), line, fontname="china-s", fontsize=12 - row)
    content = read(document)
    assert "\n" in content.text
    placed = [content.text[a:b] for a, b in zip(content.places.starts, content.places.ends, strict=True)]
    assert placed == [character for character in content.text if not character.isspace()]


def test_a_word_without_letters_has_no_place():
    page = from_boxes(0, 400, 600, [((50.0, 50.0, 90.0, 62.0), "Berlin", 0), ((95.0, 50.0, 99.0, 62.0), "\u00ad", 0)])
    assembly = Assembly()
    assembly.add_page(page, frozenset())
    places = assembly.places()
    assert (places.starts < places.ends).all()


OPINION = (
    "The United States moved to dismiss under the Federal Tort Claims Act and the",
    "Court of Appeals affirmed the judgment of the District Court in its entirety.",
)


def opinion(space: float, tracking: float = 0.0) -> pymupdf.Document:
    """Words of 12 points, each placed by itself with only so much between them (parts of the size), and no space written."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_font(fontname="tiro")
    font, stream = pymupdf.Font("tiro"), f"{12 * tracking} Tc\n"
    for number, line in enumerate(OPINION * 4):
        x = 72.0
        for word in line.split():
            stream += f"BT /tiro 12 Tf {x:.2f} {700 - 16 * number} Td ({word}) Tj ET\n"
            x += font.text_length(word, 12) + 12 * (tracking * len(word) + space)
    content = document.get_new_xref()
    document.update_object(content, "<<>>")
    document.update_stream(content, stream.encode())
    document.xref_set_key(page.xref, "Contents", f"{content} 0 R")
    return document


@pytest.mark.parametrize("space", [0.07, 0.1, 0.13, 0.25])
def test_words_of_a_line_that_was_justified_by_leaving_hardly_a_space_are_apart(space: float) -> None:
    content = read(opinion(space))
    assert content.text == " ".join(OPINION * 4)


def test_letters_that_are_set_apart_evenly_are_not_parted() -> None:
    content = read(opinion(0.3, tracking=0.1))
    assert content.text == " ".join(OPINION * 4)
