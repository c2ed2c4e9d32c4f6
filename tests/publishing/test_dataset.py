"""The tables of a snapshot hold the latest of what was settled, typed, and nothing of what has left the project."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.snapshot import Published, publish
from coderai_pipeline.storage.blocks import BlockStore, next_version
from tests.publishing.study import (
    NOW,
    Changed,
    cell_row,
    definition,
    document_row,
    entity_rows,
    publish_values,
    rows,
    settled_row,
    write_values,
)

TITLE = {"name": "title", "type": "text", "label": "The report's title"}
TOTAL = {"name": "total", "type": "number", "unit": "EUR"}
FILED = {"name": "filed", "type": "date"}
KIND = {
    "name": "kind",
    "type": "category",
    "categories": [{"value": "riot"}, {"value": "march"}],
    "allow_multiple": True,
}


def wide(published: Published, columns: str = "*") -> list[tuple[Any, ...]]:
    return rows(published.path, f"SELECT {columns} FROM dataset")


def test_each_variable_is_a_column_of_its_type_in_the_codebooks_order(tmp_path: Path) -> None:
    study = definition([TITLE, TOTAL, FILED, KIND, {"name": "big", "type": "boolean"}])
    given = {"title": "Año", "total": -5, "filed": "2024-03-05", "kind": ["riot", "march"], "big": True}
    published = publish_values(tmp_path, study, {"a": given})
    columns = rows(published.path, "SELECT column_name, column_type FROM (DESCRIBE dataset)")
    assert columns[2:] == [
        ("title", "VARCHAR"), ("total", "DOUBLE"), ("filed", "VARCHAR"), ("filed_first_day", "DATE"),
        ("kind", "VARCHAR[]"), ("big", "BOOLEAN"),
    ]  # fmt: skip
    assert wide(published) == [("a", "a.txt", "Año", -5.0, "2024-03-05", date(2024, 3, 5), ["riot", "march"], True)]


def test_labels_are_the_columns_comments(tmp_path: Path) -> None:
    published = publish_values(tmp_path, definition([TITLE, TOTAL]), {"a": {"title": "x"}})
    comments = dict(
        rows(published.path, "SELECT column_name, comment FROM duckdb_columns() WHERE table_name='dataset'")
    )
    assert comments["title"] == "The report's title"
    assert comments["total"] == "total (EUR)"


@pytest.mark.parametrize(
    ("written", "first"), [("2024", (2024, 1, 1)), ("2024-03", (2024, 3, 1)), ("2024-03-05T10:30", (2024, 3, 5))]
)
def test_a_date_keeps_its_precision_and_has_a_first_day(
    tmp_path: Path, written: str, first: tuple[int, int, int]
) -> None:
    published = publish_values(tmp_path, definition([FILED]), {"a": {"filed": written}})
    assert wide(published, "filed, filed_first_day") == [(written, date(*first))]


def test_a_later_row_wins(tmp_path: Path) -> None:
    study = definition([TITLE])
    blocks = write_values(tmp_path, study, {"a": {"title": "old"}})
    blocks.append("cells", [cell_row("a", "title", "new")])
    blocks.append("cells", [cell_row("a", "title", "older", version=1)])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert wide(published, "title") == [("new",)]
    assert published.cells_by_status == {"extracted": 1}


def test_a_row_that_a_compaction_left_twice_counts_once(tmp_path: Path) -> None:
    study = definition([TITLE])
    blocks = write_values(tmp_path, study, {"a": {"title": "x"}})
    for file in [file for kind in ("documents", "cells", "settled") for file in blocks.files(kind)]:
        (file.parent / f"copy-{file.name}").write_bytes(file.read_bytes())
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert (published.rows, published.documents, published.cells_by_status) == (1, 1, {"extracted": 1})


def test_a_removed_document_leaves_every_table(tmp_path: Path) -> None:
    study = definition([TITLE])
    blocks = write_values(tmp_path, study, {"a": {"title": "x"}, "b": {"title": "y"}})
    blocks.append("documents", [document_row("b", removed=True)])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    for table in ("dataset", "cells", "documents", "ledger", "texts"):
        assert rows(published.path, f"SELECT DISTINCT document FROM {table}") == [("a",)], table


def test_cells_of_variables_that_left_the_codebook_or_changed_type_are_not_published(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, definition([TITLE, TOTAL]), {"a": {"title": "x", "total": 5}})
    published = publish(definition([{**TOTAL, "type": "text"}]), blocks, tmp_path / "outputs", NOW)
    assert published.cells_by_status == {}
    assert rows(published.path, "SELECT wanted, settled, open, why FROM ledger") == [(1, 0, 1, "not extracted yet")]


def test_a_document_that_is_not_ready_is_listed_with_its_reason_and_has_no_row(tmp_path: Path) -> None:
    study = definition([TITLE])
    blocks = write_values(tmp_path, study, {"a": {"title": "x"}})
    blocks.append("documents", [document_row("scan", status="needs_ocr", reason="a scan; install Tesseract", text="")])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert wide(published, "document") == [("a",)]
    assert rows(published.path, "SELECT status, reason FROM documents WHERE document = 'scan'") == [
        ("needs_ocr", "a scan; install Tesseract")
    ]
    assert rows(published.path, "SELECT wanted, why FROM ledger WHERE document = 'scan'") == [
        (0, "a scan; install Tesseract")
    ]


@pytest.mark.parametrize(("duplicates", "shown"), [("once", [("a", "x")]), ("each", [("a", "x"), ("b", "x")])])
def test_a_duplicate_repeats_its_documents_row_only_where_the_project_says_so(
    tmp_path: Path, duplicates: str, shown: list[tuple[str, str]]
) -> None:
    study = definition([TITLE], reading={"duplicates": duplicates})
    blocks = write_values(tmp_path, study, {"a": {"title": "x"}})
    blocks.append("documents", [document_row("b", status="duplicate", duplicate_of="a", reason="same bytes as a.txt")])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert wide(published, "document, title") == shown
    assert rows(published.path, "SELECT sum(cost), (SELECT sum(open) FROM ledger) FROM cells") == [(0.5, 0)]


MANY = {"unit": {"rows": "many", "represents": "each protest"}}
PLACE = {"name": "place", "type": "location"}
PAPER = {"name": "paper", "type": "text", "level": "document"}


def many_blocks(folder: Path) -> BlockStore:
    """Document a with two entities, document b with none."""
    blocks = BlockStore(folder / "state")
    blocks.append("documents", [document_row("a"), document_row("b")])
    version = next_version()
    places = [cell_row("a", "place", f"P{n}", entity=str(n), type="location", version=version) for n in (10, 2)]
    blocks.append("cells", [*places, cell_row("a", "paper", "Times"), cell_row("b", "paper", "Post")])
    blocks.append("entities", [row for row in entity_rows("a", 10) if row["entity"] in ("2", "10")])
    blocks.append("settled", [settled_row("a", entities=2), settled_row("b", entities=0)])
    return blocks


def test_document_level_values_repeat_on_each_of_the_documents_rows(tmp_path: Path) -> None:
    published = publish(definition([PAPER, PLACE], **MANY), many_blocks(tmp_path), tmp_path / "outputs", NOW)
    assert wide(published, "document, entity, paper, place") == [
        ("a", "2", "Times", "P2"),
        ("a", "10", "Times", "P10"),
    ]
    assert rows(published.path, "SELECT document, entities, wanted, settled, open FROM ledger") == [
        ("a", 2, 3, 3, 0),
        ("b", 0, 1, 1, 0),
    ]


def test_entities_that_are_no_longer_found_leave_the_dataset(tmp_path: Path) -> None:
    blocks = many_blocks(tmp_path)
    version = next_version()
    blocks.append("cells", [cell_row("a", "place", "New", entity="1", type="location", version=version)])
    blocks.append("entities", entity_rows("a", 1))
    published = publish(definition([PAPER, PLACE], **MANY), blocks, tmp_path / "outputs", NOW)
    assert wide(published, "entity, place") == [("1", "New")]
    blocks.append("settled", [settled_row("a", entities=0)])
    published = publish(definition([PAPER, PLACE], **MANY), blocks, tmp_path / "outputs", NOW)
    assert wide(published) == []
    assert published.cells_by_status == {"extracted": 2}


def test_what_was_not_found_in_a_document_without_entities_stays_visible(tmp_path: Path) -> None:
    blocks = many_blocks(tmp_path)
    blocks.append("cells", [cell_row("b", "place", None, type="location", status="failed", reason="unreadable reply")])
    published = publish(definition([PAPER, PLACE], **MANY), blocks, tmp_path / "outputs", NOW)
    assert rows(published.path, "SELECT status, reason FROM cells WHERE document = 'b' AND variable = 'place'") == [
        ("failed", "unreadable reply")
    ]
    assert rows(published.path, "SELECT wanted, settled, failed, open FROM ledger WHERE document = 'b'") == [
        (2, 1, 1, 0)
    ]


def test_columns_of_a_table_of_documents_travel_to_the_dataset(tmp_path: Path) -> None:
    metadata = '{"Region \\"Nord\\"": "North", "meta": "x", "Größe": "3"}'
    published = publish_values(tmp_path, definition([TITLE]), {"a": {"title": "x"}}, metadata=metadata, type="csv")
    assert wide(published, '"meta_Region_Nord", meta_meta, "meta_Größe"') == [("North", "x", "3")]


def test_a_variable_keeps_its_name_where_another_column_has_it(tmp_path: Path) -> None:
    names = ["document", "source", "filed_first_day"]
    study = definition([*({"name": name, "type": "text"} for name in names), FILED])
    published = publish_values(tmp_path, study, {"a": {**dict.fromkeys(names, "own"), "filed": "2024"}})
    assert wide(published, "document, source, filed_first_day, document_, source_, filed_first_day_") == [
        ("own", "own", "own", "a", "a.txt", date(2024, 1, 1))
    ]


def test_the_ledger_says_what_is_open_and_why(tmp_path: Path) -> None:
    study = definition([TITLE, TOTAL])
    blocks = write_values(
        tmp_path, study, {"done": {"title": "x", "total": 1}, "part": {"title": "x"}, "old": {"title": "x", "total": 2}}
    )
    blocks.append("documents", [document_row("new"), document_row("old", text_sha256="changed")])
    blocks.append("settled", [settled_row("part", outcome="failed", reason="the server did not answer")])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert rows(published.path, "SELECT document, open, why FROM ledger ORDER BY document") == [
        ("done", 0, ""),
        ("new", 2, "not extracted yet"),
        ("old", 2, "the document or codebook changed after it was extracted"),
        ("part", 1, "the server did not answer"),
    ]
    assert rows(published.path, "SELECT document, variable FROM ledger_open ORDER BY ALL") == [
        ("new", "title"), ("new", "total"), ("old", "title"), ("old", "total"), ("part", "total"),
    ]  # fmt: skip
    assert (published.wanted, published.settled, published.open) == (8, 3, 5)
    assert len(rows(published.path, "FROM ledger_open")) == published.open


def test_the_ledger_counts_cells_asked_for_and_tells_failed_from_settled(tmp_path: Path) -> None:
    doubled = {"name": "doubled", "type": "number", "formula": "total * 2"}
    blocks = write_values(tmp_path, study := definition([TITLE, TOTAL, doubled]), {"a": {"title": "x", "total": 1}})
    blocks.append("cells", [cell_row("a", "title", None, status="failed", reason="the reply was cut off")])
    blocks.append("settled", [settled_row("a", outcome="failed", reason="1 of 2 variables failed")])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert rows(published.path, "SELECT wanted, settled, failed, open, why FROM ledger") == [
        (2, 1, 1, 0, "1 of 2 variables failed")
    ]


def test_a_cell_has_all_that_is_known_of_it(tmp_path: Path) -> None:
    cell = Changed(answer=12.0, status="flagged", reason="two totals", alternatives=["13"], changes=["read 12,0 as 12"])
    published = publish_values(tmp_path, definition([TOTAL]), {"a": {"total": cell}})
    sql = "SELECT value, value_json, value_number, status, reason, quote, page, changes, alternatives, source, current FROM cells"
    assert rows(published.path, sql) == [
        ("12", "12.0", 12.0, "flagged", "two totals", "Text", 1, ["read 12,0 as 12"], ["13"], "a.txt", True)
    ]


def test_calls_and_prompts_are_kept_once_with_the_current_prompt_marked(tmp_path: Path) -> None:
    study = definition([TITLE])
    blocks = write_values(tmp_path, study, {"a": {"title": "x"}})
    blocks.append("calls", [{"call_id": "c1", "version": v, "document": "a", "started_at": NOW} for v in (1, 2)])
    prompts = [("p1", 1), ("p2", 2), ("p1", 3)]
    blocks.append("prompts", [{"variable": "title", "prompt_version": p, "version": v, "text": p} for p, v in prompts])
    published = publish(study, blocks, tmp_path / "outputs", NOW)
    assert rows(published.path, "SELECT call_id, started_at FROM calls") == [("c1", NOW.replace(tzinfo=None))]
    assert rows(published.path, "SELECT prompt_version, current FROM prompts") == [("p1", True), ("p2", False)]


def test_texts_stay_out_of_the_snapshot_of_a_confidential_project(tmp_path: Path) -> None:
    given = {"a": {"title": "x"}}
    shown = publish_values(tmp_path / "open", definition([TITLE]), given)
    hidden = publish_values(tmp_path / "closed", definition([TITLE], privacy={"show_text": False}), given)
    assert rows(shown.path, "FROM texts") == [("a", "Text of a")]
    assert rows(hidden.path, "FROM texts") == []


def many(level: str) -> Definition:
    variables = [{"name": "place", "type": "text"}, {"name": "title", "type": "text", "level": level}]
    return definition(variables, unit={"rows": "many", "represents": "each event", "key": ("place",)})


@pytest.mark.parametrize(("before", "after"), [("document", "entity"), ("entity", "document")])
def test_a_value_of_another_level_leaves_with_the_next_settlement_though_no_entity_is_found(
    tmp_path: Path, before: str, after: str
) -> None:
    blocks = write_values(tmp_path, many(before), {"a": {}})
    held = cell_row("a", "title", "Long ago", entity="" if before == "document" else "1")
    blocks.append("cells", [held])
    blocks.append("settled", [settled_row("a", entities=0)])
    published = publish(many(after), blocks, tmp_path / "outputs", NOW)
    assert rows(published.path, "SELECT * FROM cells WHERE variable = 'title'") == []


def test_why_entities_could_not_be_looked_for_stays_until_they_were(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, many("entity"), {"a": {}})
    version = next_version()
    failed = cell_row("a", "title", None, status="failed", reason="no reply", version=version)
    blocks.append("cells", [failed])
    blocks.append("settled", [settled_row("a", outcome="failed", entities=0, version=version)])
    kept = publish(many("entity"), blocks, tmp_path / "outputs", NOW)
    assert rows(kept.path, "SELECT status, reason FROM cells WHERE variable = 'title'") == [("failed", "no reply")]
    blocks.append("settled", [settled_row("a", entities=0)])
    over = publish(many("entity"), blocks, tmp_path / "outputs", NOW)
    assert rows(over.path, "SELECT * FROM cells") == []
