"""Excel workbooks: cells as a person sees them, in their columns, whoever wrote the file."""

import datetime
import io

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers import tables
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.excel import visible_sheets
from coderai_pipeline.readers.excel_formats import NumberFormat
from tests.readers import samples
from tests.readers.checks import assert_consistent, lines

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(rows: str, strings: str = "", columns: str = "", settings_: str = "") -> bytes:
    """A workbook with one sheet, by its XML."""
    links = {"s": ("worksheet", "worksheets/sheet1.xml"), "t": ("sharedStrings", "sharedStrings.xml")}
    return samples.archive(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": samples.relations({"r": ("officeDocument", "xl/workbook.xml")}),
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}">{settings_}'
            '<sheets><sheet name="One" r:id="s"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": samples.relations(links),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}">{columns}<sheetData>{rows}</sheetData></worksheet>',
            "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{strings}</sst>',
        }
    )


def rows_of(data: bytes) -> list[list[str]]:
    ((_, rows),), _ = visible_sheets(data, ReadOptions())
    return rows


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<c><v>1.50</v></c>", "1.5"),
        ("<c><v>0.30000000000000004</v></c>", "0.3"),
        ("<c><v>12345678901234</v></c>", "12345678901234"),
        ('<c t="s"><v>0</v></c>', "rich text"),
        ('<c t="s"><v>9</v></c>', ""),
        ('<c t="inlineStr"><is><t>in</t><t xml:space="preserve"> line</t></is></c>', "in line"),
        ('<c t="str"><f>A1</f><v>a_x000D_b _x005F_x41_</v></c>', "a\rb _x41_"),
        ('<c t="b"><v>1</v></c>', "true"),
        ('<c t="e"><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c t="d"><v>2024-03-05</v></c>', "2024-03-05"),
        ('<c s="7"><v>5</v></c>', "5"),
        ("<c><v>no number</v></c>", "no number"),
    ],
)
def test_cells_of_every_kind_are_read(cell: str, text: str) -> None:
    strings = "<si><r><t>rich</t></r><r><t xml:space='preserve'> text</t></r><rPh><t>kana</t></rPh></si>"
    assert rows_of(workbook(f"<row>{cell}<c><v>1</v></c></row>", strings)) == [[text, "1"]]


def test_cells_stand_in_their_columns_whether_named_or_not() -> None:
    rows = '<row><c r="B1"><v>1</v></c><c><v>2</v></c><c r="E1"><v>3</v></c></row><row/><row r="9"><c r="AA9"><v>4</v></c></row>'
    assert rows_of(workbook(rows)) == [["", "1", "2", "", "3"], [*[""] * 26, "4"]]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.none() | lines | st.integers(-(10**12), 10**12), min_size=1, max_size=5), min_size=1, max_size=5
    )
)
def test_what_is_written_is_what_is_read(rows: list[list[str | int | None]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            cell.data_type = "s" if isinstance(value, str) else "n"
    packed = io.BytesIO()
    book.save(packed)
    expected = [["" if value is None else str(value) for value in row] for row in rows]
    trimmed = ["|".join(row).rstrip("|") for row in expected]
    assert ["|".join(row) for row in rows_of(packed.getvalue())] == [row for row in trimmed if row]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.256, "0.0%", "25.6%"),
        (1234.5, '#,##0.00 "€"', "1234.50 €"),
        (1234.5, "[$$-409]#,##0", "$1235"),
        (-12, "$#,##0_);[Red]($#,##0)", "($12)"),
        (0, '_-* #,##0.00 "kr"_-;-* #,##0.00 "kr"_-;_-* "-"?? "kr"_-', "- kr"),
        (7, "00000", "00007"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (-0.001, "0.00", "0.00"),
        (1.005, "0.00", "1.01"),
        (5, 'General" kg"', "5 kg"),
        (5, '0" a;b"', "5 a;b"),
        (0.5, "# ?/?", "0.5"),
        (5, "[>3]0.0;0", "5"),
        (1e30, "0.00", "1e+30"),
        (9, ";;;", ""),
        (45356, "dd.mm.yyyy", "2024-03-05"),
        (45356, '[$-407]d. mmmm yyyy;@', "2024-03-05"),
        (45356, "mmm-yy", "2024-03"),
        (45356, "yyyy", "2024"),
        (45356.60417, "m/d/yy h:mm", "2024-03-05 14:30:00"),
        (0.395833, "h:mm", "09:30:00"),
        (1.25, "[h]:mm", "30:00:00"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (1, "d/m/yyyy", "1900-01-01"),
        (-1, "d/m/yyyy", "-1"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_their_format_shows_them(value: float, code: str, shown: str) -> None:
    assert NumberFormat.of(code).written(float(value), as_shown=True, from_1904=False) == shown


@settings(max_examples=100, deadline=None)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.sampled_from('0#?.,%;"\\_* []$E+/@yMdhs-€'), max_size=12),
)
def test_no_format_stops_the_reader(value: float, code: str) -> None:
    assert isinstance(NumberFormat.of(code).written(value, as_shown=True, from_1904=True), str)


def test_a_table_is_shown_as_on_the_screen_and_documents_keep_their_numbers() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["name", "share", "day"], ["a", 0.25, datetime.date(2024, 3, 5)], ["b", 0.5, None]):
        sheet.append(row)
    sheet["B2"].number_format = "0%"
    packed = io.BytesIO()
    book.save(packed)
    content = tables.read(packed.getvalue(), ReadOptions())
    assert_consistent(content)
    assert content.text == "name | share | day\na | 25% | 2024-03-05\nb | 0.5"
    table = tables.table_of_documents(packed.getvalue(), "xlsx", ReadOptions(text_column="name"))
    assert tables.read_row(table, 0)[0].metadata == {"share": "0.25", "day": "2024-03-05"}


def test_what_excel_hides_or_has_not_computed_is_said() -> None:
    rows = '<row hidden="1"><c><v>1</v></c><c><v>2</v></c></row><row><c><f>1+1</f><v/></c><c><v>3</v></c></row>'
    data = workbook(rows, columns='<cols><col min="2" max="3" hidden="1"/></cols>')
    _, warnings = visible_sheets(data, ReadOptions())
    assert [(warning[:8], warning[-1]) for warning in warnings] == [
        ("columns ", "2"),
        ("rows tha", "1"),
        ("formulas", "1"),
    ]


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    rows = '<row><c t="d"><v>x</v></c><c s="1"><v>1</v></c></row>'
    data = workbook(rows, settings_='<workbookPr date1904="1"/>')
    assert rows_of(data) == [["x", "1"]]
    assert NumberFormat.of("yyyy-mm-dd").written(0.0, as_shown=False, from_1904=True) == "1904-01-01"


def test_a_workbook_without_its_parts_is_corrupt() -> None:
    for members in ({"xl/x.xml": ""}, {"xl/workbook.xml": "<workbook"}):
        with pytest.raises(NotReadable) as trouble:
            visible_sheets(samples.archive(members), ReadOptions())
        assert trouble.value.status == DocumentStatus.CORRUPT
