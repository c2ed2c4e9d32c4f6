"""`coderai evaluate` prints per-variable agreement with a gold file."""

from pathlib import Path

from click.testing import CliRunner

from coderai_pipeline.cli.evaluate import evaluate

CODEBOOK = "variables:\n  - {name: total, type: number}\n  - {name: date, type: date}\n"


def prepared(folder: Path) -> list[str]:
    (folder / "codebook.yaml").write_text(CODEBOOK)
    (folder / "a.txt").write_text("Date: 2024-03-05\nTotal: 12.00")
    (folder / "b.txt").write_text("Date: 2024-03-06\nTotal: 13.00")
    (folder / "gold.csv").write_text(
        "document,variable,expected,alternatives\na.txt,total,12,\na.txt,date,2024-03-05,\nb.txt,total,99,13|14\n"
        "b.txt,date,,\nmissing.txt,total,1,\n"
    )
    return [str(folder / "gold.csv"), "--codebook", str(folder / "codebook.yaml")]


def test_rules_are_measured_on_a_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(evaluate, [*prepared(tmp_path), "--documents", str(tmp_path), "--misses"])
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines()}
    assert lines["total"][1:4] == ["2", "3", "66.7%"]
    assert lines["date"][1:4] == ["1", "2", "50.0%"]
    assert "missing.txt: total: no cell" in result.stdout


def test_exported_cells_are_measured_too(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("document,entity,variable,value\na.txt,,total,12.0\na.txt,,date,2024-03-05\n")
    result = CliRunner().invoke(evaluate, [*prepared(tmp_path), "--cells", str(tmp_path / "cells.csv")])
    assert result.exit_code == 0, result.output
    assert next(line for line in result.stdout.splitlines() if line.startswith("all")).split()[1:3] == ["2", "5"]


def test_a_gold_file_without_the_columns_is_refused_by_name(tmp_path: Path) -> None:
    arguments = prepared(tmp_path)
    (tmp_path / "gold.csv").write_text("doc,variable\n")
    result = CliRunner().invoke(evaluate, [*arguments, "--documents", str(tmp_path)])
    assert result.exit_code != 0
    assert "no column document, expected" in result.output
