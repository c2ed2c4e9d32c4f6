"""Tables of documents: one document a row where a column holds texts, and one readable table where none does."""

import csv
import datetime
import io
import json
from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers import NotReadable, Reader, ReadOptions, list_rows, read_file, tables
from tests.readers.checks import assert_consistent, lines

Row = dict[str, str]
DEFAULTS = ReadOptions()


def _named(name: str, place: str) -> Row:
    return {"name": name, "place": place}


rows_of_texts = st.lists(
    st.fixed_dictionaries({"ref": lines, "text": lines, "year": st.just("2024")}), min_size=1, max_size=5
)


def as_csv(rows: list[Row], delimiter: str = ",") -> bytes:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def as_xlsx(rows: list[Row]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([row[name] for name in rows[0]])
    for cell in (cell for line in sheet.iter_rows() for cell in line):
        cell.data_type = "s"
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def as_jsonl(rows: list[Row]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def as_parquet(rows: list[Row]) -> bytes:
    packed = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), packed)
    return packed.getvalue()


WRITERS = {"csv": as_csv, "xlsx": as_xlsx, "jsonl": as_jsonl, "parquet": as_parquet}


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=15, deadline=None)
@given(rows=rows_of_texts)
def test_each_row_is_a_document_with_its_other_columns(kind: str, rows: list[Row]) -> None:
    data = WRITERS[kind](rows)
    assert tables.row_ids(data, kind, DEFAULTS) == [str(number) for number in range(1, len(rows) + 1)]
    table = tables.table_of_documents(data, kind, DEFAULTS)
    for position, row in enumerate(rows):
        content, canonical = tables.read_row(table, position)
        assert content.text == row["text"]
        assert content.metadata == {"ref": row["ref"], "year": "2024"}
        assert json.loads(canonical) == row
        (place,) = content.places.locate(Span(0, 1))
        assert place.path == f"row {position + 1}"


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.builds(_named, lines, lines), min_size=2, max_size=5))
def test_a_table_without_texts_is_one_document_of_readable_rows(rows: list[Row]) -> None:
    data = as_csv(rows)
    assert tables.row_ids(data, "csv", DEFAULTS) is None
    content = tables.read(data, DEFAULTS)
    assert_consistent(content)
    written = ["name | place", *(f"{row['name']} | {row['place']}" for row in rows)]
    assert content.text == "\n".join(written)
    at = content.text.rindex(rows[-1]["place"])
    (place,) = content.places.locate(Span(at, at + 1))
    assert place.path in (f"row {len(rows)}", f"row {len(rows) - 1}")
    (table,) = content.tables
    assert table.header is not None
    assert table.header.of(content.text) == "name | place"


def test_cells_of_semicolons_are_no_columns() -> None:
    content = tables.read(as_csv([{"name": ";", "place": ";"}, {"name": ";", "place": ";"}]), DEFAULTS)
    assert content.text == "name | place\n; | ;\n; | ;"


def test_a_delimiter_within_quotes_is_none_be_it_in_every_row() -> None:
    rows = "".join(f'{number},2024-01-0{number},"the flood, the bridge; and the school"\n' for number in (1, 2, 3))
    assert (
        tables.read(rows.encode(), DEFAULTS).text.splitlines()[0]
        == "1 | 2024-01-01 | the flood, the bridge; and the school"
    )
    texts = b'1;He said ","no";x\n2;y;z\n3;a;b\n'
    assert tables.read(texts, DEFAULTS).text.splitlines()[1] == "2 | y | z"


def test_the_named_columns_decide_and_ids_are_unique() -> None:
    data = as_csv(
        [{"id": "a", "note": "x"}, {"id": "a", "note": "y"}, {"id": "", "note": "z"}, {"id": "b", "note": "w"}]
    )
    assert tables.row_ids(data, "csv", DEFAULTS) is None
    options = ReadOptions(text_column="note", id_column="id")
    assert tables.row_ids(data, "csv", options) == ["a (1)", "a (2)", "(3)", "b"]
    for wrong in (ReadOptions(text_column="body"), ReadOptions(text_column="note", id_column="key")):
        with pytest.raises(NotReadable, match=r"its columns are id, note; name one in reading\.(text|id)_column"):
            tables.row_ids(data, "csv", wrong)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_records_without_a_text_column_are_refused_by_name(kind: str) -> None:
    data = WRITERS[kind]([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}])
    with pytest.raises(NotReadable, match=r"columns are a, b; name one in reading\.text_column"):
        tables.row_ids(data, kind, DEFAULTS)


def test_semicolons_and_quoted_line_ends_are_understood() -> None:
    rows = [{"id": "1", "text": 'He said "no";\nand left'}, {"id": "2", "text": "short"}]
    table = tables.table_of_documents(as_csv(rows, ";"), "csv", DEFAULTS)
    assert tables.read_row(table, 0)[0].text == rows[0]["text"]


def test_a_row_without_text_says_so() -> None:
    table = tables.table_of_documents(as_csv([{"id": "1", "text": " "}, {"id": "2", "text": "x"}]), "csv", DEFAULTS)
    content, _ = tables.read_row(table, 0)
    assert content.status == DocumentStatus.NO_TEXT
    assert "row 1" in content.reason


def test_rows_are_read_through_the_pool_and_a_changed_table_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes(as_csv([{"title": f"T{number}", "text": f"story {number}"} for number in range(30)]))
    assert list_rows(path) == [str(number) for number in range(1, 31)]
    with Reader(DEFAULTS, workers=2) as reader:
        documents = [reader.submit(path, f"k{n}", f"news.csv#{n + 1}", row=n).result() for n in range(30)]
        assert [document.text for document in documents] == [f"story {number}" for number in range(30)]
        assert len({document.sha256 for document in documents}) == 30
        assert documents[3].metadata["title"] == "T3"
        path.write_bytes(as_csv([{"title": "new", "text": "rewritten"}]))
        assert reader.submit(path, "k", "s", row=0).result().text == "rewritten"
        gone = reader.submit(path, "k", "s", row=9).result()
        assert gone.status == DocumentStatus.UNSUPPORTED
        assert "only 1" in gone.reason
    assert list_rows(tmp_path / "none.csv") is None


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("sep=;\nid;text\n1;a, b\n", ["a, b"]),
        ("id,text\n1,Hello, world\n2,b\n", ["Hello, world", "b"]),
        ('id,text\n1,"never closed\n2,b\n', ['"never closed', "b"]),
        ('id,text\n1,5" pipe\n2,say "no"\n', ['5" pipe', 'say "no"']),
        ('text\n"Hello, world"\nplain\n', ["Hello, world", "plain"]),
        ("text\nHello, world, again\nplain\n", ["Hello, world, again", "plain"]),
        ('id, text\n1, "a, b"\n2, "c"\n', ["a, b", "c"]),
        ('id,text\n1,"say \\"hi\\", twice"\n2,""\n3,"c"\n', ['say "hi", twice', "", "c"]),
        ('id,text\n1,"C:\\dir\\"\n2,"say ""hi"""\n', ["C:\\dir\\", 'say "hi"']),
        ("Export of March\nmade by A\n\nid,text\n1,Hello, world\n2,b\n3,c\n4,d\n", ["Hello, world", "b", "c", "d"]),
    ],
)
def test_tables_are_read_as_they_are_meant(source: str, texts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(source)
    assert len(list_rows(path) or []) == len(texts)
    table = tables.table_of_documents(source.encode(), "csv", DEFAULTS)
    assert [tables.read_row(table, row)[0].text for row in range(len(texts))] == texts


def test_what_stands_above_the_header_is_kept_above_the_table() -> None:
    source = b"Sales of 2024,,\nin euros,,\nitem,region,amount\npaper,north,5\npens,south,6\n"
    content = tables.read(source, DEFAULTS)
    assert_consistent(content)
    assert content.text.startswith("Sales of 2024\nin euros\nitem | region | amount\npaper")
    header = content.tables[0].header
    assert header is not None
    assert header.of(content.text) == "item | region | amount"
    assert content.tables[0].span.start == header.start


def test_a_list_of_records_is_read_like_records_on_lines(tmp_path: Path) -> None:
    path = tmp_path / "news.json"
    path.write_text('[{"id": 7, "text": "a"},\n {"text": "b", "n": NaN}, 3]')
    assert list_rows(path) == ["1", "2", "3"]
    table = tables.table_of_documents(path.read_bytes(), "jsonl", DEFAULTS)
    assert [tables.read_row(table, row)[0].text for row in range(2)] == ["a", "b"]
    assert tables.read_row(table, 1)[0].metadata == {}
    with pytest.raises(NotReadable, match="record 3 is not a JSON object"):
        tables.read_row(table, 2)
    path.write_text('[{"text": "a"}, {"te')
    assert read_file(path).status == DocumentStatus.CORRUPT


def test_missing_numbers_are_empty_and_bytes_are_text() -> None:
    packed = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": ["Grüße".encode(), b"b"], "n": [float("nan"), 1.0]}), packed)
    table = tables.table_of_documents(packed.getvalue(), "parquet", DEFAULTS)
    rows = [tables.read_row(table, row)[0] for row in range(2)]
    assert [(row.text, dict(row.metadata)) for row in rows] == [("Grüße", {}), ("b", {"n": "1"})]


def test_a_broken_line_costs_one_row_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"text": "a\u2028b"}\n{"text": "cut\n["no object"]\n{"text": "d"}\n{"text": "e"}\n{"text":', encoding="utf-8"
    )
    assert list_rows(path) == ["1", "2", "3", "4", "5", "6"]
    with Reader(DEFAULTS, workers=1) as reader:
        documents = [reader.submit(path, "k", "s", row=row).result() for row in range(6)]
        whole = reader.submit(path, "k", "s").result()
    assert [document.text for document in documents] == ["a\u2028b", "", "", "d", "e", ""]
    assert [document.status for document in documents].count(DocumentStatus.CORRUPT) == 3
    assert "line 2 is not JSON" in documents[1].reason
    assert whole.status == DocumentStatus.PARTIAL
    assert "3 of its rows" in whole.reason


def test_a_cell_in_the_last_corner_costs_no_memory_and_a_hidden_sheet_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["near", 1.0, datetime.date(2024, 3, 5)])
    hidden = book.create_sheet("Notes")
    hidden["A1"], hidden.sheet_state = "secret", "hidden"
    expected = "near | 1 | 2024-03-05"
    for far in ("A1", "XFD1048576"):
        sheet[far] = sheet[far].value or "far"
        packed = io.BytesIO()
        book.save(packed)
        path = tmp_path / "t.xlsx"
        path.write_bytes(packed.getvalue())
        document = read_file(path)
        assert document.text.startswith(expected)
        assert document.text.count("far") == (far != "A1")
        assert document.warnings == ("hidden sheets were left out: Notes",)


def test_a_long_table_has_its_ids_at_once() -> None:
    rows = [{"id": str(number // 2), "text": "x"} for number in range(60_000)]
    ids = tables.row_ids(as_csv(rows), "csv", ReadOptions(id_column="id"))
    assert ids is not None
    assert len(set(ids)) == len(rows)


def test_empty_sheets_are_neither_named_nor_text() -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Second")
    assert tables.read(_saved(book), ReadOptions()).status == DocumentStatus.NO_TEXT
    book.create_sheet("Third").append(["found", "here"])
    assert tables.read(_saved(book), ReadOptions()).text == "Third\n\nfound | here"


def _saved(book: openpyxl.Workbook) -> bytes:
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()
