"""Pages as browsers and word processors print them: tables without rules whose cells stand anywhere in their row, text that
runs around a box."""

from itertools import pairwise

import pymupdf
import pytest

from tests.readers.test_pdf_layout import paragraph, read

INVOICE = [
    ("Item", "Description", "Qty", "Unit\nprice", "Amount"),
    (
        "A-\n100",
        "Drill, 800 W, with case and a set of twelve bits for wood, stone\nand metal in a wooden box",
        "2",
        "89.00",
        "178.00",
    ),
    ("B-7", "Saw blade", "10", "4.50", "45.00"),
    ("C-33", "Delivery", "1", "9.90", "9.90"),
    ("", "", "", "Total", "1,232.90"),
]


def printed(rows: list[tuple[str, ...]], lefts: list[float], rights: list[float], align: str) -> pymupdf.Document:
    """A table with white strips between its rows and cells in the middle of their height. align: of each column, l, c or r."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((lefts[0], 60), "Report of the second quarter", fontsize=14)
    top = 100.0
    for row in rows:
        lines = [cell.split("\n") for cell in row]
        tallest = max(map(len, lines))
        for cell, left, right, where in zip(lines, lefts, rights, align, strict=True):
            for number, line in enumerate(cell):
                width = pymupdf.get_text_length(line, fontsize=10)
                x = {"l": left, "c": (left + right - width) / 2, "r": right - width}[where]
                page.insert_text((x, top + 12 * (number + (tallest - len(cell)) / 2)), line, fontsize=10)
        top += 12 * tallest + 10
    page.insert_text((lefts[0], top + 30), "Thank you for your order.", fontsize=10)
    return document


@pytest.mark.parametrize("align", ["llrrr", "ccccc", "lcrcr", "rrrrr"])
def test_rows_of_an_invoice_are_read_across_wherever_their_cells_stand(align: str):
    document = printed(INVOICE, [40, 75, 420, 460, 510], [65, 400, 450, 500, 560], align)
    rows = [" | ".join(cell.replace("\n", " ") for cell in row).strip(" |") for row in INVOICE]
    text = read(document).text
    assert [line.strip(" |") for line in text.split("\n\n")[1].splitlines()] == rows
    assert text.endswith("\n\nThank you for your order.")


def test_a_head_over_several_columns_belongs_to_the_table():
    rows = [
        ("Sensor", "Readings of July", "", ""),
        *[(f"S-{n}", f"{n}.5", f"{n * n}", f"{7 * n}") for n in range(1, 5)],
    ]
    text = read(printed(rows, [40, 160, 230, 300], [120, 200, 270, 340], "lrrr")).text
    assert text.split("\n\n")[1].splitlines()[0].startswith("Sensor | Readings of July")


def test_three_columns_of_paragraphs_are_no_table():
    document = pymupdf.open()
    page = document.new_page()
    for place in range(3):
        for row in range(4):
            box = pymupdf.Rect(
                40 + 180 * place, 60 + 100 * row + 25 * place, 200 + 180 * place, 160 + 100 * row + 25 * place
            )
            page.insert_textbox(box, paragraph(4 * place + row, 18), fontsize=10)
    assert " | " not in read(document).text


def test_a_paragraph_that_runs_around_a_box_is_read_in_one():
    before, box, around = paragraph(1, 20), paragraph(2, 14), paragraph(3, 90)
    page_of = f"""<div style="font-size:10pt"><p>{before}</p></div>"""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_htmlbox(pymupdf.Rect(50, 50, 360, 120), page_of)
    page.insert_htmlbox(pymupdf.Rect(390, 60, 540, 200), f'<p style="font-size:10pt">{box}</p>')
    words, lines, line, row = around.split(), [], "", 0
    for word in [*words, ""]:
        width = 310 if row < 6 else 490
        if word and pymupdf.get_text_length(f"{line} {word}", fontsize=10) <= width:
            line = f"{line} {word}".strip()
        else:
            lines.append(line)
            line, row = word, row + 1
    for number, written in enumerate(lines):
        page.insert_text((50, 130 + 13 * number), written, fontsize=10)
    assert " ".join(around.split()) in " ".join(read(document).text.split())


def test_a_cell_over_several_rows_is_of_the_first_wherever_its_text_stands():
    document = pymupdf.open()
    page = document.new_page()
    for x0, x1, y in [(50, 350, 80), (50, 350, 100), (150, 350, 120), (50, 350, 140), (50, 350, 160)]:
        page.draw_line((x0, y), (x1, y))
    for x in (50, 150, 250, 350):
        page.draw_line((x, 80), (x, 160))
    for x, y, text in [
        (60, 94, "Name"), (160, 94, "Amount"), (260, 94, "Currency"), (60, 124, "Anna"), (160, 114, "1,200"), (260, 114, "EUR"),
        (160, 134, "50"), (260, 134, "USD"), (60, 154, "Bert"), (160, 154, "7"), (260, 154, "GBP"),
    ]:  # fmt: skip
        page.insert_text((x, y), text, fontsize=10)
    rows = ["Name | Amount | Currency", "Anna | 1,200 | EUR", "| 50 | USD", "Bert | 7 | GBP"]
    assert read(document).text.splitlines() == rows


def test_a_drop_capital_whose_line_reaches_below_its_middle_belongs_to_its_word():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((57, 133), "L", fontsize=28)
    page.insert_text((75, 117), "arge initials begin the paragraph, which goes on in the next line,", fontsize=10)
    page.insert_text((75, 131), "and in the one after it.", fontsize=10)
    assert read(document).text.startswith("Large initials begin")


def test_lines_set_flush_right_stay_lines():
    document = pymupdf.open()
    page = document.new_page()
    lines = ["Invoice no.: 2024-0815", "Date: 12 March 2024", "Due: 26 March 2024"]
    for row, line in enumerate(lines):
        page.insert_text((540 - pymupdf.get_text_length(line, fontsize=10), 80 + 12 * row), line, fontsize=10)
    assert read(document).text == "\n".join(lines)


@pytest.mark.parametrize("rotation", [0, 90, 180])
@pytest.mark.parametrize("as_boxes", [False, True])
def test_the_lines_of_a_table_are_where_they_are_drawn_however_sharp_their_corners_may_be(
    rotation: int, as_boxes: bool
):
    document = pymupdf.open()
    page = document.new_page()
    xs, ys = [72.0, 172.0, 272.0, 372.0], [100.0, 118.0, 136.0, 154.0]
    shape = page.new_shape()
    if as_boxes:
        for left, right in pairwise(xs):
            for top, bottom in pairwise(ys):
                shape.draw_rect(pymupdf.Rect(left, top, right, bottom))
                shape.finish(width=1.5)
    else:
        for start, end in [((72, y), (372, y)) for y in ys] + [((x, 100), (x, 154)) for x in xs]:
            shape.draw_line(start, end)
            shape.finish(width=1.5)
    shape.commit()
    for row, words in enumerate((("Clause", "Duty", "Due"), ("1", "Deliver", "3 May"), ("2", "Pay", "4 June"))):
        for x, word in zip(xs, words, strict=False):
            page.insert_text((x + 4, 113 + 18 * row), word, fontsize=11)
    page.set_rotation(rotation)
    table = "Clause | Duty | Due\n1 | Deliver | 3 May\n2 | Pay | 4 June"
    assert read(document).text == table
