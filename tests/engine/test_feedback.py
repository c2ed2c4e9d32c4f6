"""Feedback files: every row is applied or listed with its reason, and a file that was applied changes nothing again."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderai_pipeline.engine.feedback import FileReport, adopt, apply_files, unapplied_files
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.feedback_files import COLUMNS
from coderai_pipeline.storage.projects import ProjectFolder
from tests.engine.projects import make
from tests.publishing.study import cell_row, document_row, entity_rows, settled_row

VARIABLES: list[dict[str, Any]] = [
    {"name": "total", "label": "Total due", "type": "number", "unit": "EUR", "validation": {"max": 1000}},
    {"name": "day", "type": "date"},
    {"name": "kind", "type": "category", "categories": [{"value": "riot"}, {"value": "march", "keywords": ["parade"]}]},
    {"name": "violent", "type": "boolean"},
    {"name": "half", "type": "number", "formula": "total / 2"},
]
VALUES: dict[str, Any] = {"total": 5.0, "day": "2024-03-05", "kind": "riot", "violent": True}


@pytest.fixture
def study(tmp_path: Path) -> ProjectFolder:
    folder = make(tmp_path, VARIABLES, extractor={"name": "rules"})
    blocks = BlockStore(folder.state)
    for key in ("a", "b"):
        blocks.append("documents", [document_row(key)])
        blocks.append("cells", [cell_row(key, name, value, type=_type(name)) for name, value in VALUES.items()])
        blocks.append("settled", [settled_row(key)])
    return folder


def _type(name: str) -> str:
    return next(one["type"] for one in VARIABLES if one["name"] == name)


def write_csv(folder: ProjectFolder, rows: Sequence[Mapping[str, Any]], name: str = "said.csv") -> Path:
    path = folder.feedback / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def apply(folder: ProjectFolder, *paths: Path) -> list[FileReport]:
    return list(apply_files(folder.load(), [adopt(folder, path) for path in paths], "run"))


def said(folder: ProjectFolder, *rows: Mapping[str, Any]) -> FileReport:
    """What becomes of rows in the smallest file that a person writes."""
    (report,) = apply(folder, write_csv(folder, [{"document": "a", "variable": "total", **row} for row in rows]))
    return report


def stored(folder: ProjectFolder) -> list[dict[str, Any]]:
    return BlockStore(folder.state).table("feedback").to_pylist()


def test_the_smallest_file_that_a_person_writes_is_applied(study: ProjectFolder) -> None:
    rows = [
        {"document": "a", "variable": "total", "verdict": "incorrect", "corrected_value": "7,50"},
        {"document": "a.txt", "variable": "kind", "verdict": "Partially correct", "corrected_value": "parade"},
        {"document": "b", "variable": "Total due", "verdict": "correct", "corrected_value": ""},
        {"document": "b", "variable": "day", "verdict": "", "corrected_value": "(no value)"},
    ]
    (report,) = apply(study, write_csv(study, rows))
    assert (report.applied, report.refused) == (4, ())
    kept = [
        (row["document"], row["variable"], row["verdict"], row["judged_value"], row["corrected_value"])
        for row in stored(study)
    ]
    assert kept == [
        ("a", "total", "incorrect", "5.0", "7.5"),
        ("a", "kind", "partially_correct", '"riot"', '"march"'),
        ("b", "total", "correct", "5.0", None),
        ("b", "day", "incorrect", '"2024-03-05"', None),
    ]
    assert [row["is_corrected"] for row in stored(study)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"document": "aa.txt", "verdict": "correct"}, "has not read a document"),
        ({"document": "", "verdict": "correct"}, "names no document"),
        ({"variable": "totl", "verdict": "correct"}, "did you mean `total`?"),
        ({"variable": "half", "verdict": "correct"}, "computed by a formula"),
        ({"verdict": "maybe"}, "write correct, incorrect or partially_correct"),
        ({"verdict": "", "note": "hm"}, "has a note but no verdict"),
        ({"verdict": "correct", "corrected_value": "7"}, "say otherwise"),
        ({"verdict": "incorrect", "corrected_value": "5"}, "say otherwise"),
        ({"corrected_value": "seven or so"}, "write the number in digits"),
        ({"corrected_value": "5000"}, "above the maximum 1000"),
        ({"corrected_value": "7 USD"}, "wanted in EUR"),
        ({"variable": "day", "corrected_value": "03/04/2024"}, "write the date as 2024-03-05"),
        ({"variable": "kind", "corrected_value": "rioting"}, "write one of: riot, march"),
        ({"variable": "violent", "corrected_value": "perhaps"}, "write yes or no"),
        ({"verdict": "correct", "inclusion_probability": "2"}, "not between 0 and 1"),
        ({"verdict": "correct", "is_blind": "yes"}, "a blind review asks for the value"),
        ({"verdict": "correct", "cell": "c12"}, "do not belong together"),
    ],
)  # fmt: skip
def test_what_cannot_be_applied_is_listed_with_the_cause_and_what_to_do(
    study: ProjectFolder, row: dict[str, str], why: str
) -> None:
    report = said(study, row)
    assert (report.applied, len(report.refused)) == (0, 1)
    assert report.refused[0].row == 2
    assert why in report.refused[0].why
    assert stored(study) == []


def test_applying_a_file_again_changes_nothing_even_after_the_cell_has_changed(study: ProjectFolder) -> None:
    path = write_csv(study, [{"document": "a", "variable": "total", "verdict": "correct"}])
    apply(study, path)
    BlockStore(study.state).append("cells", [cell_row("a", "total", 6.0, type="number")])
    (again,) = apply(study, path)
    assert (again.applied, again.unchanged) == (0, 1)
    assert [row["judged_value"] for row in stored(study)] == ["5.0"]
    (copied,) = apply(
        study, write_csv(study, [{"document": "a", "variable": "total", "verdict": "correct"}], "copy.csv")
    )
    assert (copied.applied, copied.unchanged) == (0, 1)


def test_a_workbook_saved_anew_by_another_program_says_the_same(study: ProjectFolder) -> None:
    for blind, applied in ((False, 1), (0.0, 0), ("FALSE", 0), ("no", 0)):
        path = study.feedback / f"{blind}.json"
        path.write_text(json.dumps([{"document": "a", "variable": "total", "corrected_value": 7, "is_blind": blind}]))
        (report,) = apply(study, path)
        assert (report.applied, report.unchanged) == (applied, 1 - applied)


def test_a_reviewer_who_changes_their_mind_back_is_heard(study: ProjectFolder) -> None:
    for verdict in ("correct", "incorrect", "correct"):
        assert said(study, {"verdict": verdict, "reviewer": "Ada"}).applied == 1
    assert [row["verdict"] for row in sorted(stored(study), key=lambda row: row["version"])][-1] == "correct"
    assert said(study, {"verdict": "correct", "reviewer": "Ada"}).applied == 0


def test_an_old_file_applied_again_never_takes_back_a_newer_word(study: ProjectFolder) -> None:
    old = write_csv(study, [{"document": "a", "variable": "total", "corrected_value": "6"}], "old.csv")
    new = write_csv(study, [{"document": "a", "variable": "total", "corrected_value": "7"}], "new.csv")
    apply(study, old)
    apply(study, new)
    assert [report.unchanged for report in apply(study, old, new)] == [1, 1]
    assert len(stored(study)) == 2


def test_rows_of_one_reviewer_that_contradict_each_other_are_both_handed_back(study: ProjectFolder) -> None:
    report = said(study, {"verdict": "correct"}, {"verdict": "incorrect"}, {"verdict": "correct", "reviewer": "Bo"})
    assert report.applied == 1
    assert [refused.row for refused in report.refused] == [2, 3]
    assert "rows 2 and 3 say different things of the same cell" in report.refused[0].why


def test_of_a_corrected_cell_a_bare_verdict_is_not_taken(study: ProjectFolder) -> None:
    said(study, {"corrected_value": "7", "reviewer": "Ada"})
    report = said(study, {"verdict": "correct", "reviewer": "Bo"})
    assert "was corrected to 7 by Ada, and whether that or the extracted value is meant" in report.refused[0].why


def test_a_review_judges_the_cell_that_it_showed(study: ProjectFolder) -> None:
    blocks = BlockStore(study.state)
    shown = next(
        row["version"]
        for row in blocks.table("cells").to_pylist()
        if (row["document"], row["variable"]) == ("a", "total")
    )
    blocks.append("cells", [cell_row("a", "total", 6.0, type="number", prompt_version="p2")])
    assert said(study, {"verdict": "correct", "cell": f"c{shown}"}).applied == 1
    (row,) = stored(study)
    assert (row["judged_value"], row["prompt_version"]) == ("5.0", "p1")


def test_a_blind_value_gives_the_verdict(study: ProjectFolder) -> None:
    report = said(
        study, {"corrected_value": "5", "is_blind": "TRUE"}, {"document": "b", "corrected_value": "9", "is_blind": "1"}
    )
    assert report.applied == 2
    assert [(row["verdict"], row["is_corrected"], row["is_blind"]) for row in stored(study)] == [
        ("correct", False, True), ("incorrect", True, True),
    ]  # fmt: skip


def test_a_document_with_many_rows_needs_the_row(tmp_path: Path) -> None:
    folder = make(tmp_path, VARIABLES[:1], unit={"rows": "many"}, extractor={"name": "rules"})
    blocks = BlockStore(folder.state)
    blocks.append("documents", [document_row("a")])
    found = entity_rows("a", 2)
    blocks.append("entities", found)
    version = found[0]["version"]
    blocks.append(
        "cells", [cell_row("a", "total", 5.0, type="number", entity=row["entity"], version=version) for row in found]
    )
    assert "say in the column entity which (1 to 2)" in said(folder, {"verdict": "correct"}).refused[0].why
    assert "its rows are 1, 2" in said(folder, {"verdict": "correct", "entity": "3"}).refused[0].why
    assert said(folder, {"corrected_value": "7", "entity": "2"}).applied == 1
    blocks.append("cells", [cell_row("a", "total", 5.0, type="number", entity="1", quote="new")])
    stale = said(folder, {"verdict": "incorrect", "entity": "2", "cell": f"c{version}"})
    assert "extracted anew since the review" in stale.refused[0].why


def test_feedback_on_a_duplicate_names_the_document_that_has_the_cells(study: ProjectFolder) -> None:
    BlockStore(study.state).append("documents", [document_row("copy", status="duplicate", duplicate_of="a")])
    assert "it repeats a; judge that document" in said(study, {"document": "copy", "verdict": "correct"}).refused[0].why


@pytest.mark.parametrize("suffix", ["csv", "semicolons.csv", "json", "jsonl", "xlsx"])
def test_every_form_says_the_same(study: ProjectFolder, suffix: str) -> None:
    rows = [{"Note": "=cmd()", "Variable": "total", "document": "a", "CORRECTED VALUE": 7.5, "extra": 1}]
    path = study.feedback / f"said.{suffix}"
    _WRITERS[suffix.split(".")[-1] if suffix != "semicolons.csv" else suffix](path, rows)
    (report,) = apply(study, path)
    assert (report.applied, report.refused) == (1, ())
    (row,) = stored(study)
    assert (row["corrected_value"], row["note"]) == ("7.5", "=cmd()")


def _write_separated(path: Path, rows: Sequence[Mapping[str, Any]], separator: str = ",") -> None:
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    path.write_text("\ufeff" + "\r\n".join(separator.join(map(str, line)) for line in lines), encoding="utf-8")


def _write_semicolons(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    _write_separated(path, rows, ";")


def _write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text(json.dumps({"project": "study", "feedback": rows}))


def _write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("\n".join(json.dumps(row) for row in [*rows, *rows]).rpartition("\n")[0])


def _write_xlsx(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["my notes of Tuesday"])
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
        sheet.cell(sheet.max_row, 1).data_type = "s"  # a text, though it begins with =
    book.save(path)


_WRITERS = {
    "csv": _write_separated, "semicolons.csv": _write_semicolons, "json": _write_json, "jsonl": _write_jsonl,
    "xlsx": _write_xlsx,
}  # fmt: skip


def test_a_table_as_excel_for_windows_saves_it_is_read(study: ProjectFolder) -> None:
    path = study.feedback / "ansi.csv"
    lines = "sep=;\r\ndocument;variable;verdict;note\r\na;total;maybe;\r\na;total;correct;geprüft – „ja“ für 5 €\r\n"
    path.write_bytes(lines.encode("cp1252"))
    (report,) = apply(study, path)
    assert (report.applied, [refused.row for refused in report.refused]) == (1, [2])
    assert stored(study)[0]["note"] == "geprüft – „ja“ für 5 €"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        (
            "pieced.csv",
            "document,variable,verdict\nä,total,correct\nöüß,total,".encode() + b"\xe4",
            "encoding UTF-8",
        ),
        ("headless.csv", b"a,total,correct\n", "has no header row"),
        (
            "twice.csv",
            b"document,variable,verdict,Verdict\na,total,correct,incorrect\n",
            "has the column verdict twice",
        ),
        ("broken.json", b'[{"document": ', "is not readable as JSON"),
        ("broken.xlsx", b"PK\x03\x04 no zip", "is not readable as a workbook"),
        ("quote.csv", b'document,variable,verdict\n"a"b,total,correct\n', "is not readable as CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_listed_as_a_whole(
    study: ProjectFolder, name: str, data: bytes, why: str
) -> None:
    path = study.feedback / name
    path.write_bytes(data)
    (report,) = apply(study, path)
    assert [(refused.row, why in refused.why) for refused in report.refused] == [(None, True)]


def test_files_are_asked_for_until_they_are_applied_and_again_when_they_change(study: ProjectFolder) -> None:
    path = write_csv(study, [{"document": "a", "variable": "total", "verdict": "maybe"}])
    (study.feedback / "still-coming.csv").write_text("document,variable,verdict\n")
    assert [file.source for file in unapplied_files(study)] == ["said.csv"]
    apply(study, path)
    assert unapplied_files(study) == []
    write_csv(study, [{"document": "a", "variable": "total", "verdict": "correct"}])
    assert [file.source for file in unapplied_files(study)] == ["said.csv"]


def test_a_file_from_elsewhere_is_kept_in_feedback_without_replacing_another(
    study: ProjectFolder, tmp_path: Path
) -> None:
    write_csv(study, [{"document": "a", "variable": "total", "verdict": "correct"}])
    other = tmp_path / "said.csv"
    other.write_text("document,variable,verdict\nb,total,correct\n")
    for _ in range(2):
        assert adopt(study, other).source == "said-2.csv"


_CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.text(max_size=3), max_size=2)
)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "document": st.one_of(st.sampled_from(["a", "b", "c"]), _CELLS),
            "variable": st.one_of(st.sampled_from(["total", "kind", "half"]), _CELLS),
            "entity": _CELLS,
            "verdict": st.one_of(st.sampled_from(["correct", "incorrect"]), _CELLS),
            "corrected_value": st.one_of(st.sampled_from([7, "march", "(no value)"]), _CELLS),
            "note": _CELLS,
            "reviewer": _CELLS,
            "cell": _CELLS,
            "is_blind": _CELLS,
            "inclusion_probability": _CELLS,
        },
    ),
    max_size=6,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_nothing_of_a_feedback_file_is_lost(study: ProjectFolder, rows: list[dict[str, Any]]) -> None:
    texts = [{name: _as_text(row.get(name)) for name in COLUMNS} for row in rows]
    path = study.feedback / "any.json"
    path.write_text(json.dumps(rows))
    _check_account(study, path, len(rows))
    if texts:
        _check_account(study, write_csv(study, texts, "any.csv"), sum(any(row.values()) for row in texts))


def _check_account(study: ProjectFolder, path: Path, rows: int) -> None:
    before = len(stored(study))
    (report,) = apply(study, path)
    assert report.applied + report.unchanged + report.blank + len(report.refused) == rows
    assert len(stored(study)) - before == report.applied
    assert all(refused.why for refused in report.refused)
    (again,) = apply(study, path)
    assert (again.applied, again.refused) == (0, report.refused)


def _as_text(value: object) -> str:
    return "" if value is None else str(value).replace("\0", "").strip()


def test_a_column_that_a_person_renamed_is_not_passed_over_in_silence(study: ProjectFolder) -> None:
    rows = [
        {"document": "a", "variable": "total", "value": "5", "Urteil": "correct", "note": ""},
        {"document": "a", "variable": "kind", "value": "riot", "Urteil": "", "note": ""},
        {"document": "b", "variable": "total", "value": "5", "Urteil": "falsch", "note": ""},
    ]
    (report,) = apply(study, write_csv(study, rows))
    assert (report.applied, report.blank, [one.row for one in report.refused]) == (0, 3, [1])
    assert report.refused[0].why.startswith(
        'the column "Urteil" is not known here, and rows say nothing but what stands'
    )
    assert "(2, 4); call it verdict" in report.refused[0].why
    (report,) = apply(
        study, write_csv(study, [{"document": "a", "variable": "day", "verdict": "correct", "mine": "x"}])
    )
    assert (report.applied, report.refused) == (1, ()), "a column of their own beside what they said"


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\ndocument;variable;verdict;corrected_value\na;total;incorrect;7,5\n",
        "Unser Review;;;\n;;;\ndocument;variable;verdict;corrected_value\na;total;incorrect;7,5\n",
        "document|variable|verdict|corrected_value\na|total|incorrect|7,5\n",
        "document;variable;verdict;corrected_value\ra;total;incorrect;7,5\r",
    ],
)
def test_the_header_of_a_csv_is_found_with_its_separator_wherever_it_stands(study: ProjectFolder, text: str) -> None:
    path = study.feedback / "said.csv"
    path.write_text(text, newline="")
    (report,) = apply(study, path)
    assert (report.applied, report.refused) == (1, ())
    assert stored(study)[0]["corrected_value"] == "7.5"
