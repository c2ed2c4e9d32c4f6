"""Every format holds what the snapshot holds, opens where people open it, and is replaced only when whole."""

import csv
import io
import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing import workbook
from coderai_pipeline.publishing.exports import FORMATS, export
from coderai_pipeline.publishing.snapshot import publish
from tests.publishing.study import NOW, Changed, definition, publish_values, rows
from tests.publishing.test_dataset import MANY, PAPER, PLACE, many_blocks
from tests.publishing.test_safety import DANGEROUS

VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "label": "Title | of *it*", "instructions": "As printed."},
    {"name": "total", "type": "number"},
    {"name": "filed", "type": "date"},
    {
        "name": "kind",
        "type": "category",
        "categories": [{"value": "riot", "description": "with damage"}, {"value": "march"}],
        "allow_multiple": True,
    },
    {"name": "big", "type": "boolean"},
]
VALUES: dict[str, dict[str, Any]] = {
    "a": {"title": "=HYPERLINK(1)", "total": -5, "filed": "2024-03", "kind": ["riot", "march"], "big": True},
    "b": {
        "title": Changed(answer='He said "no";\nthen left — Ž', status="flagged", reason="two titles"),
        "total": 12.25,
        "filed": None,
        "kind": ["march"],
        "big": False,
    },
    "c": {"title": None, "total": Changed(answer=None, status="failed", reason="unreadable")},
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_values(tmp_path_factory.mktemp("study"), definition(VARIABLES), VALUES).path


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def sheet_of(path: Path, name: str) -> Worksheet:
    return openpyxl.load_workbook(path)[name]


def table_of(sheet: Worksheet) -> list[dict[str, Any]]:
    header, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in body]


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_makes_the_files_it_names_and_nothing_else(snapshot: Path, tmp_path: Path, format: str) -> None:
    paths = export(format, snapshot, tmp_path / "exports")
    assert [path.name for path in paths] == list(FORMATS[format].files)
    assert sorted(paths) == sorted((tmp_path / "exports").iterdir())


@pytest.mark.parametrize(
    "format", ["csv_wide", "csv_long", "jsonl", "excel", "spss", "stata", "codebook_markdown", "codebook_excel"]
)
def test_equal_content_gives_equal_bytes(snapshot: Path, tmp_path: Path, format: str) -> None:
    first = [path.read_bytes() for path in export(format, snapshot, tmp_path / "one")]
    assert first == [path.read_bytes() for path in export(format, snapshot, tmp_path / "two")]


def test_the_wide_csv_has_a_row_a_document_with_numbers_as_numbers(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("csv_wide", snapshot, tmp_path)
    a, b, c = read_csv(path)
    assert (a["title"], a["total"], a["filed"], a["filed_first_day"]) == (
        "'=HYPERLINK(1)",
        "-5",
        "2024-03",
        "2024-03-01",
    )
    assert (a["kind"], a["big"]) == ("riot; march", "true")
    assert (b["title"], b["total"]) == ('He said "no";\nthen left — Ž', "12.25")
    assert set(c.values()) == {"c", "c.txt", ""}


def test_the_csv_opens_in_excel_and_in_pandas_alike(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("csv_wide", snapshot, tmp_path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    frame = pd.read_csv(path)
    assert list(frame.columns[:3]) == ["document", "source", "title"]
    assert list(frame["total"][:2]) == [-5.0, 12.25]
    plain, *_ = export("csv_wide", snapshot, tmp_path, ExportOptions(byte_order_mark=False, guard_formulas=False))
    assert plain.read_text(encoding="utf-8").startswith('"document"')
    assert '"=HYPERLINK(1)"' in plain.read_text(encoding="utf-8")


def test_the_long_csv_has_a_row_a_cell_with_its_evidence(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("csv_long", snapshot, tmp_path)
    cells = {(row["document"], row["variable"]): row for row in read_csv(path)}
    assert len(cells) == 12
    assert cells["b", "title"]["status"] == "flagged"
    assert cells["a", "total"]["value"] == "-5"
    assert cells["a", "total"]["quote"] == "Text"
    assert cells["c", "total"]["reason"] == "unreadable"


def test_json_lines_keep_types_and_texts_as_they_are(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("jsonl", snapshot, tmp_path)
    first, _, last = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "document": "a", "source": "a.txt", "title": "=HYPERLINK(1)", "total": -5, "filed": "2024-03",
        "filed_first_day": "2024-03-01", "kind": ["riot", "march"], "big": True,
    }  # fmt: skip
    assert last["title"] is None


def test_parquet_keeps_types_and_labels(snapshot: Path, tmp_path: Path) -> None:
    wide, long = export("parquet", snapshot, tmp_path)
    table = pq.read_table(wide)
    assert table.column("kind").to_pylist() == [["riot", "march"], ["march"], None]
    assert table.schema.field("title").metadata == {b"label": b"Title | of *it*"}
    assert str(table.schema.field("filed_first_day").type) == "date32[day]"
    assert pq.read_table(long).num_rows == 12


def test_options_choose_variables_columns_and_statuses(snapshot: Path, tmp_path: Path) -> None:
    options = ExportOptions(
        variables=("kind", "title"),
        confidence=True,
        evidence=True,
        prompt_version=True,
        statuses=(CellStatus.EXTRACTED,),
        several_values="numbered",
    )
    (path,) = export("csv_wide", snapshot, tmp_path, options)
    a, b, _ = read_csv(path)
    facts = ["confidence", "quote", "page", "prompt_version"]
    assert list(a) == [
        "document", "source", "title", *(f"title_{fact}" for fact in facts), "kind_1", "kind_2",
        *(f"kind_{fact}" for fact in facts),
    ]  # fmt: skip
    assert (a["kind_1"], a["kind_2"], a["kind_confidence"]) == ("riot", "march", "0.9")
    assert (b["title"], b["kind_1"], b["kind_2"]) == ("", "march", "")  # flagged cells were not asked for
    (path,) = export("csv_long", snapshot, tmp_path, options)
    assert {(row["variable"], row["status"]) for row in read_csv(path)} == {
        ("title", "extracted"),
        ("kind", "extracted"),
    }


def test_rows_of_many_take_the_facts_of_their_entity_and_of_their_document(tmp_path: Path) -> None:
    snapshot = publish(definition([PAPER, PLACE], **MANY), many_blocks(tmp_path), tmp_path / "outputs", NOW).path
    (path,) = export("csv_wide", snapshot, tmp_path, ExportOptions(evidence=True))
    assert [(row["entity"], row["paper_quote"], row["place_quote"]) for row in read_csv(path)] == [
        ("2", "Text", "Text"),
        ("10", "Text", "Text"),
    ]
    sheet = sheet_of(export("excel", snapshot, tmp_path)[0], "Data")
    assert [row["place"] for row in table_of(sheet)] == ["P2", "P10"]


def test_columns_never_share_a_name(tmp_path: Path) -> None:
    text = {"type": "text", "if_multiple": "all"}
    study = definition(
        [{"name": "x", **text}, {"name": "x_1", "type": "text"}, {"name": "x_confidence", "type": "text"}]
    )
    snapshot = publish_values(tmp_path, study, {"a": {"x": ["p", "q"], "x_1": "own", "x_confidence": "own"}}).path
    options = ExportOptions(several_values="numbered", confidence=True)
    row = json.loads(export("jsonl", snapshot, tmp_path, options)[0].read_text())
    assert (row["x_1"], row["x_1_"], row["x_2"], row["x_confidence"], row["x_confidence_"]) == (
        "own",
        "p",
        "q",
        "own",
        0.9,
    )


def test_what_is_not_there_is_refused_with_what_is(snapshot: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"por.*allowed: csv_wide, csv_long"):
        export("por", snapshot, tmp_path)
    for format in FORMATS:
        with pytest.raises(InvalidInput, match=r"totl.*allowed: title, total"):
            export(format, snapshot, tmp_path, ExportOptions(variables=("totl",)))
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_the_one_before(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("csv_wide", snapshot, tmp_path)
    before = path.read_bytes()
    with pytest.raises(InvalidInput):
        export("csv_wide", snapshot, tmp_path, ExportOptions(variables=("nope",)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_workbook_has_its_sheets_formatted_for_reading(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("excel", snapshot, tmp_path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Data", "Codebook", "Evidence", "About"]
    data = book["Data"]
    assert data.freeze_panes == "B2"
    assert data.auto_filter.ref == "A1:H4"
    assert data["A1"].font.bold
    assert data["C2"].alignment.wrap_text
    assert data["F2"].value == datetime(2024, 3, 1)
    assert data["F2"].number_format == "yyyy-mm-dd"
    assert data["C3"].fill.start_color.rgb == "FFFFE699"  # flagged
    assert data["D4"].fill.start_color.rgb == "FFF8CBAD"  # failed
    assert data["C2"].fill.fill_type is None
    assert book.properties.created == NOW.replace(tzinfo=None)


def test_the_workbooks_values_have_their_types(snapshot: Path, tmp_path: Path) -> None:
    (path,) = export("excel", snapshot, tmp_path)
    data, evidence = (sheet_of(path, name) for name in ("Data", "Evidence"))
    title, total, big = data["C2"], data["D2"], data["H2"]
    assert (title.data_type, title.value, title.quotePrefix) == ("s", "=HYPERLINK(1)", True)
    assert (total.data_type, total.value) == ("n", -5)
    assert (big.data_type, big.value) == ("b", True)
    assert len(table_of(evidence)) == 12
    assert table_of(sheet_of(path, "Codebook"))[0]["flagged"] == 1


def test_texts_and_rows_beyond_excels_limits_are_cut_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = definition([{"name": "title", "type": "text"}])
    given = {f"d{index}": {"title": "x" * 40_000} for index in range(4)}
    snapshot = publish_values(tmp_path, study, given).path
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    (path,) = export("excel", snapshot, tmp_path)
    data = table_of(sheet_of(path, "Data"))
    assert len(data) == 3
    assert all(len(row["title"]) == 32_767 and row["title"].endswith("40000 characters in all]") for row in data)
    notes = [row[1] for row in sheet_of(path, "About").iter_rows(values_only=True) if row[0] == "Left out"]
    assert any("first 3 of 4 rows" in str(note) for note in notes)
    assert any("3 texts cut" in str(note) for note in notes)


def test_dates_before_excels_calendar_are_text(tmp_path: Path) -> None:
    study = definition([{"name": "filed", "type": "date"}])
    snapshot = publish_values(tmp_path, study, {"a": {"filed": "1789-07-14"}}).path
    assert table_of(sheet_of(export("excel", snapshot, tmp_path)[0], "Data"))[0]["filed_first_day"] == "1789-07-14"


def test_an_empty_dataset_can_be_exported(tmp_path: Path) -> None:
    snapshot = publish_values(tmp_path, definition(VARIABLES), {}).path
    for format in FORMATS:
        assert export(format, snapshot, tmp_path / "exports", ExportOptions(confidence=True, several_values="numbered"))
    assert table_of(sheet_of(tmp_path / "exports" / "dataset.xlsx", "Data")) == []


TEXTS = st.text(max_size=30) | st.sampled_from(DANGEROUS)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, st.floats(min_value=-1e300, max_value=1e300)), min_size=1, max_size=8))
def test_whatever_documents_say_comes_back_from_excel_and_csv_as_text(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, float]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    given = {f"d{n:02d}": {"title": text, "total": total} for n, (text, total) in enumerate(values)}
    snapshot = publish_values(folder, definition(VARIABLES[:2]), given).path
    kept = rows(snapshot, "SELECT title, total FROM dataset")
    assert [row[0] for row in kept] == [text for text, _ in values]
    cells = sheet_of(export("excel", snapshot, folder)[0], "Data").iter_rows(min_row=2)
    frame = pd.read_csv(export("csv_wide", snapshot, folder)[0], keep_default_na=False)
    for (_, _, title, total), row, (_, number) in zip(cells, frame.itertuples(), values, strict=True):
        assert title.data_type in ("s", "n", "inlineStr")  # n: an empty text
        assert title.data_type != "f"
        assert math.isclose(total.value, number, rel_tol=1e-12)
        assert float(row.total) == number


def test_the_codebook_page_says_the_rules_and_how_they_came_out(snapshot: Path, tmp_path: Path) -> None:
    page = export("codebook_markdown", snapshot, tmp_path)[0].read_text(encoding="utf-8")
    assert page.startswith("# Study: codebook\n")
    assert "| title | Title \\| of \\*it\\* | text | 1 | 1 | 1 | 0 |" in page
    assert "| riot | with damage | 1 |" in page
    assert "As printed." in page
    sheet = sheet_of(export("codebook_excel", snapshot, tmp_path)[0], "Categories")
    assert [row["value"] for row in table_of(sheet)] == ["riot", "march"]


@pytest.mark.parametrize(
    ("condition", "documents"),
    [
        ("total < 0", ["a"]),
        ("list_contains(kind, 'march') and not big", ["b"]),
        ("title is null", ["c"]),
        ("", ["a", "b", "c"]),
    ],
)
def test_a_filter_keeps_the_rows_for_which_it_holds(
    snapshot: Path, tmp_path: Path, condition: str, documents: list[str]
) -> None:
    options = ExportOptions(filter=condition, confidence=True)
    assert [row["document"] for row in read_csv(export("csv_wide", snapshot, tmp_path, options)[0])] == documents
    assert {row["document"] for row in read_csv(export("csv_long", snapshot, tmp_path, options)[0])} == {*documents}


def test_a_filter_chooses_entities_with_what_their_document_says(tmp_path: Path) -> None:
    snapshot = publish(definition([PAPER, PLACE], **MANY), many_blocks(tmp_path), tmp_path / "outputs", NOW).path
    options = ExportOptions(filter="place = 'P10'", evidence=True)
    assert [row["entity"] for row in read_csv(export("csv_wide", snapshot, tmp_path, options)[0])] == ["10"]
    cells = read_csv(export("csv_long", snapshot, tmp_path, options)[0])
    assert {(row["entity"], row["variable"]) for row in cells} == {("", "paper"), ("10", "place")}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("totl > 1", "`totl` is not a column.*did you mean `total`"),
        ("total", "gives DOUBLE, not true or false"),
        ("title :: INTEGER > 1", "cannot be computed"),
        ("total > (SELECT 1)", "a query within a filter"),
        ("true; drop table cells", "not an SQL expression"),
        ("read_text('/etc/passwd') = ''", "cannot be used"),
        ("random() > 0.5", "cannot be used"),
    ],
)
def test_what_is_no_condition_on_the_columns_is_refused(
    snapshot: Path, tmp_path: Path, condition: str, said: str
) -> None:
    for format in ("csv_wide", "csv_long", "spss"):
        with pytest.raises(InvalidInput, match=rf"exports: filter: .*{said}"):
            export(format, snapshot, tmp_path, ExportOptions(filter=condition))
    assert list(tmp_path.iterdir()) == []
