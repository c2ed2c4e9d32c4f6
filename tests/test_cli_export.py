"""`coderai export` writes what is asked for, by project.yaml where nothing is said, and says what is wrong."""

import csv
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from coderai_pipeline.cli import main
from coderai_pipeline.defs.export_config import ExportConfig
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.storage.projects import Home
from coderai_pipeline.storage.settings_files import check_folder, save_codebook_yaml
from tests.publishing.study import definition, publish_values

STUDY = definition([{"name": "title", "type": "text"}, {"name": "total", "type": "number"}])
EXPORTS = "exports: {filter: total > 1, confidence: true, variables: [total]}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODERAI_HOME", str(tmp_path))
    made = Home(tmp_path).create("study")
    made.codebook_file.write_text(save_codebook_yaml(STUDY.codebook))
    made.project_file.write_text(f"name: Study\n{EXPORTS}")
    return made.path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "study", *arguments])


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_projects_own_options_hold_where_nothing_is_said(folder: Path) -> None:
    publish_values(folder, STUDY, {"a": {"title": "A", "total": 1}, "b": {"title": "B", "total": 2}})
    assert run("--format", "csv_wide").exit_code == 0
    written = folder / "outputs" / "exports" / "dataset.csv"
    assert table(written) == [["document", "source", "total", "total_confidence"], ["b", "b.txt", "2", "0.9"]]


def test_what_is_said_holds_instead(folder: Path, tmp_path: Path) -> None:
    publish_values(folder, STUDY, {"a": {"title": "A", "total": 1}})
    said = ("--filter", "", "--no-confidence", "--variables", "title,total", "--to", str(tmp_path / "to"))
    result = run("--format", "csv_wide", "--format", "jsonl", *said)
    assert result.output.split() == [str(tmp_path / "to" / name) for name in ("dataset.csv", "dataset.jsonl")]
    assert json.loads((tmp_path / "to" / "dataset.jsonl").read_text())["title"] == "A"


def test_without_a_dataset_it_says_what_to_do(folder: Path) -> None:
    result = run()
    assert (result.exit_code, "run `coderai run study` first" in result.output) == (2, True)


def test_slips_in_project_yaml_are_found_with_their_line(folder: Path) -> None:
    wrong = "exports:\n  variables: [totl]\n  filter: totl > 1\n"
    (folder / "project.yaml").write_text(f"name: Study\n{wrong}")
    found = [str(problem) for problem in check_folder(folder)]
    assert found[0].startswith(
        "study/project.yaml:3: exports.variables[0]: is no variable of the codebook; did you mean `total`?"
    )
    assert found[1].startswith("study/project.yaml:4: exports.filter: `totl` is no column of the dataset")
    (folder / "project.yaml").write_text("name: Study\nexports: {several_values: apart, statuses: [good]}\n")
    assert len(check_folder(folder)) == 2


def test_the_launchpad_changes_what_it_states_alone() -> None:
    options = ExportOptions(filter="total > 1", confidence=True)
    changed = ExportConfig(variables=["title"], confidence=False, wide_values=True).changed(options)
    assert changed == ExportOptions(filter="total > 1", variables=("title",), several_values="numbered")
    assert ExportConfig().changed(options) == options


def test_statuses_are_named_as_they_stand_in_the_dataset(folder: Path) -> None:
    publish_values(folder, STUDY, {"a": {"title": "A", "total": 2}, "b": {"title": "B", "total": None}})
    arguments = ("--format", "csv_wide", "--variables", "title", "--no-confidence", "--filter", "true")
    assert run(*arguments, "--status", "absent").exit_code == 0
    written = folder / "outputs" / "exports" / "dataset.csv"
    assert table(written) == [["document", "source", "title"], ["a", "a.txt", ""], ["b", "b.txt", ""]]
    assert run(*arguments, "--status", "extracted").exit_code == 0
    assert table(written)[1:] == [["a", "a.txt", "A"], ["b", "b.txt", "B"]]
    assert run("--status", "right").exit_code == 2


def test_every_command_says_what_it_wants_in_the_same_words() -> None:
    assert "coderai, version" in CliRunner().invoke(main, ["--version"]).output
    names = main.list_commands(click.Context(main))
    for name in names:
        said = CliRunner().invoke(main, [name, "--help"])
        assert said.exit_code == 0, name
        assert "PROJECT_ID" not in said.output
