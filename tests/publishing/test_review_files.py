"""The review's workbook and page: what they hold, what they hide, and that no document can break out of them."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.publishing.review import Review, gather
from coderai_pipeline.publishing.review_page import write_review_page
from coderai_pipeline.publishing.review_workbook import write_review_workbook
from coderai_pipeline.publishing.snapshot import publish
from tests.publishing.study import (
    NOW,
    Changed,
    cell_row,
    definition,
    document_row,
    entity_rows,
    feedback_row,
    write_values,
)

KINDS = [{"value": "riot, violent"}, {"value": "=march"}]
VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "label": "The title", "type": "text", "instructions": "As printed."},
    {"name": "total", "type": "number"},
    {"name": "kind", "type": "category", "categories": KINDS},
    {"name": "violent", "type": "boolean"},
    {"name": "double", "type": "number", "formula": "total * 2"},
]
EVIL = '</script><script>alert(1)</script><!-- "\u2028 {{script}}'
TEXT = f"\U0001f600 before {EVIL} after. نص عربي"
AT = TEXT.index(EVIL)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    unsure = Changed(answer=EVIL, status="flagged", reason="two titles", quote=EVIL, start=AT, end=AT + len(EVIL))
    study = definition(VARIABLES)
    given = {"a": {"title": unsure, "total": 5.0, "kind": "=march", "violent": True}, "b": {"total": 6.0}}
    blocks = write_values(folder, study, given)
    blocks.append("documents", [document_row("a", text=TEXT, source="=a.txt", characters=len(TEXT))])
    blocks.append("feedback", [feedback_row("b", "total", 6.0)])
    return publish(study, blocks, folder / "outputs", NOW).path


def read_page(path: Path) -> dict[str, Any]:
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S
    )
    return json.loads(data)


def write_page(review: Review, snapshot: Path, tmp_path: Path) -> Path:
    write_review_page(review, snapshot, tmp_path / "page.html", {})
    return tmp_path / "page.html"


def write_book(review: Review, snapshot: Path, tmp_path: Path) -> openpyxl.Workbook:
    write_review_workbook(review, snapshot, tmp_path / "review.xlsx")
    return openpyxl.load_workbook(tmp_path / "review.xlsx")


def test_formulas_and_judged_cells_are_not_in_a_review(snapshot: Path) -> None:
    review = gather(snapshot)
    assert {(cell.document, cell.variable) for cell in review.cells} == {
        ("a", "title"), ("a", "total"), ("a", "kind"), ("a", "violent"),
    }  # fmt: skip
    assert review.judged == 1
    assert {cell.value for cell in review.cells if cell.variable == "violent"} == {"yes"}


def test_a_review_that_is_too_long_says_how_much_is_left(snapshot: Path) -> None:
    review = gather(snapshot, most=1)
    assert len(review.cells) == 1
    assert "3 further cells" in review.left_out[0]


def test_a_snapshot_of_an_earlier_version_is_to_be_published_again(snapshot: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "dataset-earlier.duckdb"
    earlier.write_bytes(snapshot.read_bytes())
    with duckdb.connect(str(earlier)) as connection:
        connection.execute("ALTER TABLE cells DROP COLUMN cell_version")
    with pytest.raises(InvalidInput, match="publish the dataset again"):
        gather(earlier)


def test_only_what_reviewers_fill_in_is_open_and_no_text_is_a_formula(snapshot: Path, tmp_path: Path) -> None:
    book = write_book(gather(snapshot), snapshot, tmp_path)
    sheet = book["Review"]
    header = [cell.value for cell in sheet[1]]
    assert sheet.protection.sheet
    assert sheet.freeze_panes == "C2"
    open_columns = {
        header[cell.column - 1] for row in sheet.iter_rows(min_row=2) for cell in row if not cell.protection.locked
    }
    assert open_columns == {"verdict", "corrected_value", "note", "reviewer"}
    hidden = {
        header[openpyxl.utils.column_index_from_string(letter) - 1]
        for letter, column in sheet.column_dimensions.items()
        if column.hidden
    }
    assert hidden == {"cell", "inclusion_probability", "is_blind"}
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert EVIL.replace("\u2028", "") in [str(cell.value).replace("\u2028", "") for cell in sheet[_row(sheet, "title")]]


def test_each_column_stands_once_also_where_rows_show_their_passage(tmp_path: Path) -> None:
    study = definition([VARIABLES[0]], unit={"rows": "many", "represents": "each protest"})
    blocks = write_values(tmp_path, study, {"a": {}})
    blocks.append("cells", [cell_row("a", VARIABLES[0]["name"], "x", entity="1")])
    blocks.append("entities", entity_rows("a", 1))
    path = publish(study, blocks, tmp_path / "outputs", NOW).path
    header = [cell.value for cell in write_book(gather(path), path, tmp_path)["Review"][1]]
    assert "passage" in header
    assert len(header) == len(set(header))


def test_drop_downs_offer_the_verdicts_and_the_values_whatever_is_in_them(snapshot: Path, tmp_path: Path) -> None:
    book = write_book(gather(snapshot), snapshot, tmp_path)
    offered = {str(rule.sqref): rule.formula1 for rule in book["Review"].data_validations.dataValidation}
    lists = {tuple(filter(None, column)) for column in book["lists"].iter_cols(values_only=True)}
    assert '"correct,incorrect,partially_correct"' in offered.values()
    assert lists == {("riot, violent", "=march", "(no value)"), ("yes", "no", "(no value)")}
    assert book["lists"].sheet_state == "hidden"


def _row(sheet: Any, variable: str) -> int:
    return next(row[0].row for row in sheet.iter_rows(min_row=2) if variable in [cell.value for cell in row])


def test_blind_files_hold_nothing_of_what_the_model_said(snapshot: Path, tmp_path: Path) -> None:
    review = gather(snapshot, blind=True)
    page = write_page(review, snapshot, tmp_path)
    data = read_page(page)
    assert {cell[name] for cell in data["cells"] for name in ("value", "quote", "start", "confidence", "reason")} == {
        None,
        "",
    }
    sheet = write_book(review, snapshot, tmp_path)["Review"]
    header = [cell.value for cell in sheet[1]]
    assert not {"value", "quote", "confidence", "status", "reason", "verdict"} & set(header)
    assert "As printed." in [cell.value for cell in sheet[_row(sheet, "title")]]
    assert {
        cell.value
        for cell in next(column for column in sheet.iter_cols(min_row=2) if header[column[0].column - 1] == "is_blind")
    } == {True}


def test_no_document_breaks_out_of_the_page(snapshot: Path, tmp_path: Path) -> None:
    page = write_page(gather(snapshot), snapshot, tmp_path)
    html = page.read_text(encoding="utf-8")
    assert html.count("<script") == html.count("</script>") == 2
    assert "default-src 'none'" in html
    assert read_page(page)["documents"]["a"]["text"] == TEXT


def test_spans_count_as_the_browser_does(snapshot: Path, tmp_path: Path) -> None:
    data = read_page(write_page(gather(snapshot), snapshot, tmp_path))
    (cell,) = [cell for cell in data["cells"] if cell["variable"] == "title"]
    units = data["documents"]["a"]["text"].encode("utf-16-le")
    assert units[2 * cell["start"] : 2 * cell["end"]].decode("utf-16-le") == EVIL


def test_texts_that_the_dataset_does_not_hold_are_not_in_the_page_and_it_says_so(tmp_path: Path) -> None:
    study = definition(VARIABLES, privacy={"show_text": False})
    blocks = write_values(tmp_path, study, {"a": {"title": "x"}})
    path = publish(study, blocks, tmp_path / "outputs", NOW).path
    data = read_page(write_page(gather(path), path, tmp_path))
    assert data["documents"]["a"]["text"] is None
    assert data["cells"][0]["start"] is None
    assert "privacy.show_text" in data["leftOut"][0]
