"""What reviewers said is in the published dataset: typed, with its reason, and only as long as it is about the same cell."""

from pathlib import Path
from typing import Any

import pytest

from coderai_pipeline.publishing.definition import Definition
from coderai_pipeline.publishing.snapshot import publish
from coderai_pipeline.storage.blocks import BlockStore
from tests.publishing.study import NOW, cell_row, definition, entity_rows, feedback_row, rows, settled_row, write_values

STUDY = definition(
    [
        {"name": "total", "type": "number", "unit": "EUR"},
        {"name": "day", "type": "date"},
        {
            "name": "kind",
            "type": "category",
            "categories": [{"value": "riot"}, {"value": "march"}],
            "allow_multiple": True,
        },
        {"name": "double", "type": "number", "formula": "total * 2"},
    ]
)


def published(tmp_path: Path, study: Definition, blocks: BlockStore) -> Path:
    return publish(study, blocks, tmp_path / "outputs", NOW).path


def cell(path: Path, variable: str, columns: str = "status, reason, value") -> tuple[Any, ...]:
    return rows(path, f"SELECT {columns} FROM cells WHERE variable = '{variable}' AND document = 'a'")[0]


def test_corrected_values_are_in_the_dataset_in_their_types_and_formulas_use_them(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0, "day": "2024-03-05", "kind": ["riot"]}})
    blocks.append(
        "feedback",
        [
            feedback_row("a", "total", 5.0, corrected=7.5),
            feedback_row("a", "day", "2024-03-05", corrected="2024-04"),
            feedback_row("a", "kind", ["riot"], corrected=["march", "riot"]),
        ],
    )
    path = published(tmp_path, STUDY, blocks)
    dataset = "SELECT total, day, day_first_day::VARCHAR, kind, double FROM dataset"
    assert rows(path, dataset) == [(7.5, "2024-04", "2024-04-01", ["march", "riot"], 15.0)]
    assert cell(path, "total") == ("corrected", "corrected by Ada, was 5", "7.5")
    assert cell(path, "day", "precision") == ("month",)
    assert rows(path, "SELECT corrected, validated, settled, open FROM ledger") == [(3, 0, 3, 0)]


def test_a_correction_keeps_evidence_and_confidence_only_where_they_speak_of_it(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0, "day": "2024"}})
    blocks.append("cells", [cell_row("a", "total", 5.0, type="number", quote="5 of 7.5 EUR")])
    said = [feedback_row("a", "total", 5.0, corrected=7.5), feedback_row("a", "day", "2024", corrected="2025")]
    blocks.append("feedback", said)
    path = published(tmp_path, STUDY, blocks)
    columns = "quote, confidence, unit, alternatives"
    assert cell(path, "total", columns) == ("5 of 7.5 EUR", None, "EUR", ["5"])
    assert cell(path, "day", columns) == (None, None, None, ["2024"])


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({}, "validated", "confirmed by Ada"),
        ({"prompt_version": "p2"}, "validated", "confirmed by Ada"),
        ({"answer": 6.0}, "flagged", "was confirmed as 5 by Ada, now 6"),
        ({"answer": None, "status": "failed", "reason": "no reply"}, "failed", "was confirmed as 5 by Ada, now no value; no reply"),
    ],
)  # fmt: skip
def test_a_confirmation_holds_as_long_as_the_value_does(
    tmp_path: Path, change: dict[str, Any], status: str, reason: str
) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    blocks.append("feedback", [feedback_row("a", "total", 5.0)])
    answer = change.pop("answer", 5.0)
    blocks.append("cells", [cell_row("a", "total", answer, type="number", **change)])
    assert cell(published(tmp_path, STUDY, blocks), "total", "status, reason") == (status, reason)


def test_a_correction_stays_when_the_prompt_changes_and_is_looked_at_again_when_the_text_does(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    blocks.append("feedback", [feedback_row("a", "total", 5.0, corrected=7.0)])
    blocks.append("cells", [cell_row("a", "total", 6.0, type="number", prompt_version="p2")])
    assert cell(published(tmp_path, STUDY, blocks), "total") == ("corrected", "corrected by Ada, was 5", "7")
    blocks.append("cells", [cell_row("a", "total", 7.0, type="number", prompt_version="p3")])
    assert cell(published(tmp_path, STUDY, blocks), "total") == ("validated", "as corrected by Ada", "7")
    blocks.append("cells", [cell_row("a", "total", 6.0, type="number", text_sha256="another text")])
    reason = "was corrected to 7 by Ada on an earlier text of the document; look at it again"
    assert cell(published(tmp_path, STUDY, blocks), "total") == ("flagged", reason, "6")


def test_a_value_judged_wrong_is_flagged_until_it_changes(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    blocks.append("feedback", [feedback_row("a", "total", 5.0, verdict="partially_correct", note="net, not gross")])
    reason = "judged partly correct by Ada: net, not gross"
    assert cell(published(tmp_path, STUDY, blocks), "total") == ("flagged", reason, "5")
    blocks.append("cells", [cell_row("a", "total", 6.0, type="number")])
    assert cell(published(tmp_path, STUDY, blocks), "total", "status") == ("extracted",)


def test_the_latest_word_wins_and_the_earlier_stays_in_the_table(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    said = [feedback_row("a", "total", 5.0, corrected=7.0), feedback_row("a", "total", 5.0, reviewer="Bo")]
    blocks.append("feedback", said)
    path = published(tmp_path, STUDY, blocks)
    assert cell(path, "total") == ("validated", "confirmed by Bo", "5")
    table = "SELECT reviewer, judged_value, corrected_value, outcome FROM feedback ORDER BY given_at"
    assert rows(path, table) == [("Ada", "5", "7", "superseded"), ("Bo", "5", None, "applied")]


def test_a_correction_that_no_longer_fits_the_codebook_is_flagged_with_what_it_was(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    blocks.append("feedback", [feedback_row("a", "total", 5.0, corrected=700.0)])
    narrower = definition([{"name": "total", "type": "number", "validation": {"max": 100}}])
    status, reason, value = cell(published(tmp_path, narrower, blocks), "total")
    assert (status, value) == ("flagged", "5")
    assert reason.startswith(
        "was corrected to 700 by Ada, which no longer fits the variable: 700 is above the maximum 100"
    )


def test_a_correction_follows_its_row_and_never_another_that_got_its_number(tmp_path: Path) -> None:
    many = definition([{"name": "total", "type": "number"}], unit={"rows": "many"})
    blocks = BlockStore(tmp_path / "state")
    write_values(tmp_path, many, {"a": {}})

    def extract(starts: list[int], quotes: list[str]) -> None:
        found = entity_rows("a", len(starts))
        blocks.append("entities", [{**row, "start": start} for row, start in zip(found, starts, strict=True)])
        version = found[0]["version"]
        made = [
            cell_row("a", "total", 5.0 + number, type="number", entity=row["entity"], version=version, quote=quote)
            for number, (row, quote) in enumerate(zip(found, quotes, strict=True))
        ]
        blocks.append("cells", made)
        blocks.append("settled", [settled_row("a")])

    extract([10, 20], ["first", "second"])
    blocks.append("feedback", [feedback_row("a", "total", 6.0, corrected=9.0, entity="2", quote="second")])
    totals = "SELECT entity, value, status FROM cells ORDER BY entity"
    assert rows(published(tmp_path, many, blocks), totals) == [("1", "5", "extracted"), ("2", "9", "corrected")]
    extract([10, 15, 20], ["first", "between", "second"])
    moved = rows(published(tmp_path, many, blocks), totals)
    assert [status for _, _, status in moved] == ["extracted", "flagged", "extracted"]
    extract([10, 21], ["first", "second"])
    assert rows(published(tmp_path, many, blocks), totals)[1] == ("2", "9", "corrected")


def test_a_duplicate_that_repeats_a_row_repeats_its_corrections(tmp_path: Path) -> None:
    each = definition([{"name": "total", "type": "number"}], reading={"duplicates": "each"})
    blocks = write_values(tmp_path, each, {"a": {"total": 5.0}})
    from tests.publishing.study import document_row

    blocks.append("documents", [document_row("copy", status="duplicate", duplicate_of="a")])
    blocks.append("feedback", [feedback_row("a", "total", 5.0, corrected=7.0)])
    assert rows(published(tmp_path, each, blocks), "SELECT total FROM dataset") == [(7.0,), (7.0,)]


def test_new_feedback_is_a_new_publication_and_none_is_none(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    assert publish(STUDY, blocks, tmp_path / "outputs", NOW).new
    blocks.append("feedback", [feedback_row("a", "total", 5.0)])
    assert publish(STUDY, blocks, tmp_path / "outputs", NOW).new
    assert not publish(STUDY, blocks, tmp_path / "outputs", NOW).new


def test_feedback_on_cells_that_are_gone_is_kept_and_says_so(tmp_path: Path) -> None:
    blocks = write_values(tmp_path, STUDY, {"a": {"total": 5.0}})
    blocks.append("feedback", [feedback_row("gone", "total", 5.0), feedback_row("a", "dropped", "x")])
    path = published(tmp_path, STUDY, blocks)
    assert rows(path, "SELECT DISTINCT outcome, why FROM feedback") == [
        ("without_cell", "the dataset no longer has this cell")
    ]
