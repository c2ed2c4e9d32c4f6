"""The table `quality`: what of feedback and gold is compared with which cells, and how measurements follow each other."""

import json
from pathlib import Path
from typing import Any

from coderai_pipeline.domain.agreement import GoldCell
from coderai_pipeline.domain.quality import NOT_USED
from coderai_pipeline.publishing.quality import measure_now
from coderai_pipeline.publishing.snapshot import publish
from coderai_pipeline.storage.blocks import BlockStore, next_version
from tests.publishing.study import (
    NOW,
    Changed,
    cell_row,
    definition,
    document_row,
    entity_rows,
    rows,
    settled_row,
    write_values,
)

STUDY = definition([{"name": "total", "type": "number"}])
GIVEN = {
    "a": {"total": 1.0},
    "b": {"total": 2.0},
    "c": {"total": Changed(answer=3.0, status="flagged", grounding="absent")},
}
CURRENT = "SELECT measure, value, n FROM quality WHERE current AND variable = 'total' AND part = ''"


def feedback_row(document: str, verdict: str, judged: Any, **changes: Any) -> dict[str, Any]:
    version = next_version()
    return {
        "feedback_id": f"f{version}", "version": version, "document": document, "entity": "", "variable": "total",
        "verdict": verdict, "judged_value": json.dumps(judged), "judged_status": "extracted", "corrected_value": None,
        "is_corrected": False, "note": "", "reviewer": "ann", "text_sha256": f"text-{document}", "prompt_version": "p1",
        "confidence": 0.9, "quote": None, "inclusion_probability": None, "is_blind": False, "file": "f.csv", "row": 2,
        "run_id": "run",
    } | changes  # fmt: skip


def correction(document: str, judged: Any, right: Any, **changes: Any) -> dict[str, Any]:
    return feedback_row(document, "incorrect", judged, corrected_value=json.dumps(right), is_corrected=True, **changes)


def published(blocks: BlockStore, folder: Path, gold: tuple[GoldCell, ...] = ()) -> Path:
    return publish(STUDY, blocks, folder / "outputs", NOW, gold).path


def test_the_extractors_cells_are_measured_and_every_measurement_is_kept(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, GIVEN)
    first = published(blocks, tmp_path)
    assert {row[0]: row[1:] for row in rows(first, CURRENT)}["grounding_rate"] == (2 / 3, 3)
    blocks.append("feedback", [feedback_row("a", "correct", 1.0), correction("b", 2.0, 20.0)])
    second = published(blocks, tmp_path)
    assert second != first
    found = {row[0]: row[1:] for row in rows(second, CURRENT)}
    assert found["accuracy"] == (0.5, 2)
    assert found["flag_rate"] == (1 / 3, 3)
    assert rows(second, "SELECT count(DISTINCT made_at) FROM quality") == [(2,)]
    assert rows(second, "SELECT DISTINCT prompt_version FROM quality WHERE current") == [("p1",)]
    assert published(blocks, tmp_path) == second


def test_feedback_on_another_text_or_a_vanished_cell_is_counted_and_not_used(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, GIVEN)
    blocks.append(
        "feedback",
        [
            feedback_row("a", "correct", 1.0, text_sha256="older"),
            feedback_row("gone", "correct", 1.0, text_sha256=""),
            feedback_row("b", "incorrect", 7.0),
        ],
    )
    measured = measure_now(STUDY, blocks)
    unused = {one.of: one.n for one in measured.measures if one.name == NOT_USED}
    assert [one for one in measured.measures if one.source == "feedback" and one.name != NOT_USED] == []
    assert unused == {
        "the document's text has changed": 1,
        "there is no such cell any more": 1,
        "the cell holds another value, and none is known to be right": 1,
    }


def test_gold_files_name_documents_as_people_do_and_change_what_is_published(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, GIVEN)
    first = published(blocks, tmp_path)
    gold = (
        GoldCell("a.txt", "", "total", ("1",)),
        GoldCell("b", "", "total", ("9",)),
        GoldCell("unread", "", "total", ("9",)),
    )
    second = published(blocks, tmp_path, gold)
    assert second != first
    assert rows(second, "SELECT value, n FROM quality WHERE current AND measure = 'accuracy'") == [(0.5, 2)]


def test_gold_without_an_entity_is_of_the_only_row_of_its_document_and_not_used_where_there_are_several(
    tmp_path: Path,
) -> None:
    study = definition([{"name": "total", "type": "number"}], unit={"rows": "many", "key": ("total",)})
    blocks = BlockStore(tmp_path / "state")
    blocks.append("documents", [document_row("a"), document_row("b")])
    blocks.append("entities", [*entity_rows("a", 1), *entity_rows("b", 2)])
    blocks.append("settled", [settled_row("a"), settled_row("b", entities=2)])
    places = (("a", "1"), ("b", "1"), ("b", "2"))
    version = next_version()
    blocks.append("cells", [cell_row(d, "total", 5.0, entity=e, type="number", version=version) for d, e in places])
    gold = [GoldCell("a", "", "total", ("5",)), GoldCell("b", "", "total", ("5",)), GoldCell("b", "2", "total", ("6",))]
    measures = measure_now(study, blocks, gold).measures
    assert [(one.value, one.n) for one in measures if one.name == "accuracy"] == [(0.5, 2)]
    assert {one.of: one.n for one in measures if one.name == NOT_USED} == {
        "gold names no entity, and its document has several": 1
    }
