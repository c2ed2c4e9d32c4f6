"""What repeats at the edges of pages: running lines out of the text, tables that run on whole and with their header once."""

import os
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

from coderai_pipeline.readers import pdf
from coderai_pipeline.readers.base import Content, ReadOptions

Placed = tuple[float, float, str]
TOWNS = ["Oslo", "Bergen", "Narvik", "Bodo", "Molde", "Alta"]


def read(*pages: list[Placed]) -> Content:
    document = pymupdf.open()
    for lines in pages:
        page = document.new_page()
        for x, y, text in lines:
            page.insert_text((x, y), text, fontsize=10)
    return pdf.read(document.tobytes(), ReadOptions(ocr=False))


def body(page: int) -> list[Placed]:
    return [(60, 200 + 14 * row, f"Line {row} of the report tells of {TOWNS[page]} and its port.") for row in range(5)]


def test_a_running_title_that_changes_with_the_section_is_no_text_and_its_heading_is():
    titles = ["Introduction", "Introduction", "Findings of fact", "Findings of fact", "Remedies", "Remedies"]
    pages = [
        [(60 if page % 2 else 400, 40, titles[page]), (500 if page % 2 else 60, 40, str(page + 1)), *body(page)]
        for page in range(6)
    ]
    pages[2].insert(2, (60, 150, "Findings of fact"))
    content = read(*pages)
    assert content.text.count("Findings of fact") == 1
    assert "Introduction" not in content.text
    assert content.metadata["page_header"].split("\n") == ["Introduction", "1", "Findings of fact", "Remedies"]


def test_page_numbers_on_alternating_sides_are_no_text():
    content = read(*([(60 if page % 2 else 500, 815, f"Page {page + 1} of 4"), *body(page)] for page in range(4)))
    assert "Page" not in content.text


@pytest.mark.parametrize("y", [690, 150])
def test_page_numbers_far_from_the_edge_are_no_text_where_nothing_stands_nearer_to_it(y: float):
    """LaTeX sets them at five sixths of the height of A4; on the last page, far below its few lines."""
    content = read(*([(297, y, str(page + 1)), *body(page)] for page in range(4)))
    assert content.text.count("Line 0") == 4
    assert not any(map(str.isdecimal, content.text.replace("Line ", "Line").split()))
    assert "1" in content.metadata["page_footer" if y > 400 else "page_header"]


def test_a_lowest_number_that_does_not_count_the_pages_or_stands_in_a_row_is_text():
    content = read(*([(297, 690, str(7 * page + 30)), *body(page)] for page in range(4)))
    assert all(str(7 * page + 30) in content.text for page in range(4))
    content = read(*([(60, 690, "Total of ports"), (297, 690, str(page + 30)), *body(page)] for page in range(4)))
    assert all(str(page + 30) in content.text for page in range(4))


def test_a_name_beside_a_page_number_that_stands_nowhere_else_is_text():
    content = read(*([(60, 40, f"Claim of {TOWNS[page]}"), (500, 40, str(page + 1)), *body(page)] for page in range(3)))
    assert all(f"Claim of {town}" in content.text for town in TOWNS[:3])


def register(first: int, *, y: float) -> list[Placed]:
    rows = [("Port", "State", "Date"), *((f"{TOWNS[row]} {first}", "open", f"2024-03-0{row + 1}") for row in range(6))]
    return [(x, y + 16 * n, text) for n, row in enumerate(rows) for x, text in zip((60, 200, 300), row, strict=True)]


def test_a_table_that_runs_on_over_pages_has_its_header_once_and_keeps_values_that_stand_at_one_height():
    content = read(*([(60, 30, "Register of ports"), *register(page, y=70)] for page in range(4)))
    rows = [f"{town} {page} | open | 2024-03-0{row + 1}" for page in range(4) for row, town in enumerate(TOWNS)]
    assert content.text.split("\n") == ["Port | State | Date", *rows]
    (table,) = content.tables
    assert table.span.of(content.text) == content.text
    assert table.header is not None
    assert table.header.of(content.text) == "Port | State | Date"
    assert content.metadata["page_header"] == "Register of ports"


def test_two_tables_with_one_header_each_on_a_page_keep_both():
    content = read([*register(0, y=200), (60, 330, "The second register follows."), *register(1, y=360)])
    assert content.text.count("Port | State | Date") == 2


def columns_with_indents(indent: float) -> Content:
    left = [
        "The council met on Tuesday and took",
        "note of the report of the harbour.",
        "Nobody spoke against the budget it",
    ]
    left += ["laid out for the three years to come."]
    right = [
        "All members were present in the hall",
        "and gave their votes by raised hand.",
        "Afterwards the meeting was closed by",
    ]
    right += ["its chair without any further debate."]
    lines = [
        (x + (indent if row == 2 else 0), 100 + 14 * row, text)
        for x, column in ((60, left), (320, right))
        for row, text in enumerate(column)
    ]
    return read(lines)


def test_a_paragraph_goes_on_in_the_next_column_after_a_full_stop_where_paragraphs_are_indented():
    assert "to come. All members" in columns_with_indents(12).text
    assert "to come. All members" not in columns_with_indents(0).text


def invoice(copy: str) -> list[Placed]:
    lines = ["Invoice no. 2024/117", copy, "Date of issue 2024-03-05", "Due 2024-03-19", "Tax id 525-21-44"]
    items = [f"{row} | Paint, tin of {row} litres | {row}2.50 | {row}3.75" for row in range(1, 6)]
    return [(60, 60 + 14 * n, text) for n, text in enumerate([*lines, *items, "Total 221.25"])]


def test_the_copy_of_an_invoice_makes_no_running_line_of_its_number():
    content = read(invoice("Original"), invoice("Copy"))
    assert content.text.count("Invoice no. 2024/117") == 2
    assert content.text.index("Invoice") < content.text.index("Original") < content.text.index("Total")


def test_a_document_of_many_titles_is_read_the_same_in_every_process(tmp_path: Path) -> None:
    """Only so many are looked for elsewhere; which ones must not hang on the order in which a process keeps a set."""
    with pymupdf.open() as document:
        for number in range(90):
            page = document.new_page()
            page.insert_text((72, 40), f"Of matter {chr(97 + number // 26)}{chr(97 + number % 26)}")
            page.insert_text((500, 40), str(number + 1))
            page.insert_text((72, 400), f"Here it is said: Of matter {chr(97 + number // 26)}{chr(97 + number % 26)}")
        document.save(tmp_path / "titles.pdf")
    read_it = (
        "import pathlib, sys; from coderai_pipeline.readers import pdf; from coderai_pipeline.readers.base import ReadOptions; "
        "print(pdf.read(pathlib.Path(sys.argv[1]).read_bytes(), ReadOptions(ocr=False)).text)"
    )
    command = [sys.executable, "-c", read_it, str(tmp_path / "titles.pdf")]
    texts = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert b"Of matter" in texts.pop()
