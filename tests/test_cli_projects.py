"""Rules of `coderai project ...`."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coderai_pipeline.cli.projects import ProjectHooks, project
from coderai_pipeline.domain.errors import ProjectBusy
from coderai_pipeline.storage.projects import Home
from coderai_pipeline.storage.settings_files import load_codebook
from tests.deployments import coderai_command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CODERAI_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def coderai(*arguments: str, typed: str = "", hooks: ProjectHooks | None = None) -> Result:
    return CliRunner().invoke(project, arguments, input=typed, obj=hooks, catch_exceptions=False)


def test_a_project_is_made_shown_listed_and_checked(home: Home) -> None:
    made = coderai("new", "press")
    assert made.exit_code == 0
    assert str(home.root / "press" / "inbox") in made.stdout
    assert coderai("list").stdout == "press\tready\t7\tpress\n"
    shown = coderai("show", "press").stdout
    assert "7, 6 of them asked for" in shown
    assert "topic\tcategory\tMain topic\teconomy | politics | culture" in shown
    assert coderai("check").stdout == "press: in order\n"


def test_invalid_input_ends_with_2_and_every_problem_on_its_own_line(home: Home) -> None:
    folder = home.create("press")
    folder.project_file.write_text("nam: x\nlanguage: EN\n")
    folder.codebook_file.write_text("variables: [{name: a, type: txt}]\n")
    for command in ("check", "show"):
        result = coderai(command, "press")
        assert result.exit_code == 2
        assert [line.split(": ")[0:2] for line in result.stderr.splitlines()] == [
            ["press/project.yaml:1", "name"],
            ["press/project.yaml:1", "nam"],
            ["press/project.yaml:2", "language"],
            ["press/codebook.yaml:1", "variables[0].type"],
        ]
    assert coderai("check", "press").stdout == "press: 4 problems\n"


def test_a_codebook_that_another_would_hide_is_refused(home: Home) -> None:
    folder = home.create("press")
    (folder.path / "codebook.csv").write_text("name,type\nplace,location\n")
    result = coderai("check", "press")
    assert (result.exit_code, result.stdout) == (2, "press: 1 problem\n")
    assert result.stderr.startswith("press/codebook.yaml: stands beside codebook.csv; keep the codebook that is meant")
    folder.codebook_file.unlink()
    assert coderai("check", "press").stdout == "press: in order\n"
    assert "place\tlocation" in coderai("show", "press").stdout


def test_formulas_that_the_dataset_could_not_compute_are_named(home: Home) -> None:
    home.create("press").codebook_file.write_text(
        "variables:\n  - {name: n, type: number}\n"
        "  - {name: a, type: number, formula: n +}\n  - {name: b, type: number, formula: nosuch(n)}\n"
        "  - {name: c, type: number, formula: 'round(n, 1)'}\n"
    )
    result = coderai("check", "press")
    assert (result.exit_code, result.stdout) == (2, "press: 2 problems\n")
    incomplete, unknown = result.stderr.splitlines()
    assert incomplete.startswith("press/codebook.yaml: variables[1].formula: not an SQL expression")
    assert unknown.startswith("press/codebook.yaml: variables[2].formula: `nosuch` cannot be used")


def test_a_broken_project_is_listed_as_invalid_and_stops_no_other(home: Home) -> None:
    home.create("a")
    home.create("b").project_file.write_text("name: [a\n")
    home.create("c").codebook_file.unlink()
    home.create("d")
    result = coderai("list")
    assert result.exit_code == 0
    assert [line.split("\t")[:2] for line in result.stdout.splitlines()] == [
        ["a", "ready"],
        ["b", "invalid"],
        ["c", "invalid"],
        ["d", "ready"],
    ]
    assert "b/project.yaml:1" in result.stdout


@pytest.mark.parametrize("project_id", ["../x", "Big", "a/b", "x" * 64])
def test_an_id_that_is_no_folder_name_ends_with_2(home: Home, project_id: str) -> None:
    for command in ("new", "show", "archive", "delete"):
        result = coderai(command, project_id)
        assert result.exit_code == 2
        assert "lower-case letters" in result.stderr


def test_an_unknown_project_ends_with_1(home: Home) -> None:
    result = coderai("show", "nowhere")
    assert result.exit_code == 1
    assert "there is no project 'nowhere'" in result.stderr


def test_archived_projects_are_shown_as_such(home: Home) -> None:
    home.create("a")
    assert coderai("archive", "a").exit_code == 0
    assert coderai("list").stdout.split("\t")[1] == "archived"
    assert coderai("unarchive", "a").exit_code == 0
    assert coderai("list").stdout.split("\t")[1] == "ready"


def test_deleting_asks_for_the_id_again(home: Home) -> None:
    folder = home.create("a")
    refused = coderai("delete", "a", typed="b\n")
    assert refused.exit_code == 1
    assert "nothing was removed" in refused.stderr
    assert coderai("delete", "a", "--yes-delete", "A").exit_code == 1
    assert folder.path.exists()
    forgotten: list[str] = []
    result = coderai("delete", "a", typed="a\n", hooks=ProjectHooks(forgotten.append))
    assert result.exit_code == 0
    assert "2 files" in result.stdout
    assert forgotten == ["a"]
    assert not folder.path.exists()


def test_a_project_that_cannot_be_forgotten_is_not_deleted(home: Home) -> None:
    folder = home.create("a")

    def busy(project_id: str) -> None:
        raise ProjectBusy(f"{project_id} is being extracted; wait for the run or cancel it")

    result = coderai("delete", "a", "--yes-delete", "a", hooks=ProjectHooks(busy))
    assert result.exit_code == 1
    assert "is being extracted" in result.stderr
    assert folder.path.exists()


def test_a_codebook_goes_from_one_project_to_another(home: Home, tmp_path: Path) -> None:
    first = home.create("first")
    first.codebook_file.write_text("variables:\n  - {name: n, type: number}\n")
    target = tmp_path / "mine.yaml"
    assert coderai("export-codebook", "first", "--to", str(target)).exit_code == 0
    assert coderai("export-codebook", "first").stdout == target.read_text()
    assert coderai("export-codebook", "first", "--to", str(target)).exit_code == 1
    assert coderai("new", "second", "--template", str(target)).exit_code == 0
    assert coderai("new", "third", "--template", "first").exit_code == 0
    for project_id in ("second", "third"):
        assert load_codebook(home.project(project_id).codebook_file) == load_codebook(first.codebook_file)
    assert coderai("new", "fourth", "--template", "missing").exit_code == 1
    assert coderai("new", "fourth", "--template", "missing.yaml").exit_code == 2


def test_a_reader_who_has_seen_enough_is_told_nothing(home: Home) -> None:
    """`coderai project new press | head -1`, as good as closed before the first line."""
    command = coderai_command("project", "new", "press")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    assert process.stdout is not None
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == b""
    assert home.project("press").codebook_file.exists()
