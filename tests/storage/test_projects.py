"""Rules of project folders."""

import re
import sys
from pathlib import Path

import pytest

from coderai_pipeline.domain.codebook import VariableType
from coderai_pipeline.domain.errors import InvalidInput, ProjectBusy, UnknownProject
from coderai_pipeline.domain.project import Project
from coderai_pipeline.storage.projects import Home, find_home
from coderai_pipeline.storage.settings_files import load_project


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_new_project_is_valid_as_it_stands_and_has_a_variable_of_each_type(home: Home) -> None:
    loaded = home.create("press-reports").load()
    assert loaded.id == loaded.project.name == "press-reports"
    assert {variable.type for variable in loaded.codebook.variables} == set(VariableType)
    folder = loaded.folder
    for place in (folder.inbox, folder.feedback, folder.prompts, folder.outputs, folder.state):
        assert list(place.iterdir()) == []


def test_the_tutorial_shows_every_setting_and_all_that_it_shows_is_valid(home: Home) -> None:
    folder = home.create("p")
    tutorial = folder.project_file.read_text()
    setting = re.compile(r"^(\s*)# (\s*[\w.-]+:(?: |$).*)", re.MULTILINE)
    shown = setting.sub(r"\1\2", tutorial).replace("rows: one", "rows: many").replace("\n  passes:", "\n  passes:")
    folder.project_file.write_text(shown)
    project = load_project(folder.project_file)
    assert project.unit.key == ("event_date", "city")
    for section in (
        project,
        project.unit,
        project.extractor,
        project.limits,
        project.reading,
        project.quality,
        project.privacy,
    ):
        assert set(type(section).model_fields) <= section.model_fields_set | {"base_url"}


def test_the_settings_that_the_tutorial_gives_are_the_defaults(home: Home) -> None:
    project = home.create("p").load().project
    assert project == Project(name="p")


def test_ids_that_look_like_numbers_or_words_of_yaml_are_names_too(home: Home) -> None:
    for project_id in ("2024", "null", "true", "1-2"):
        assert home.create(project_id).load().project.name == project_id


@pytest.mark.parametrize(
    "project_id", ["", "A", "a/b", "../x", "..", ".", "a b", "-a", "_a", "ä", "a" * 64, "a\n", "/etc"]
)
def test_an_id_that_is_no_folder_name_is_refused(home: Home, project_id: str) -> None:
    for act in (home.create, home.project, home.archive, home.delete):
        with pytest.raises(InvalidInput, match="lower-case letters"):
            act(project_id)
    assert not home.root.exists()


def test_a_project_that_exists_is_not_made_again(home: Home) -> None:
    home.create("p").inbox.joinpath("kept.txt").write_text("x")
    with pytest.raises(InvalidInput, match="exists already"):
        home.create("p")
    assert home.project("p").inbox.joinpath("kept.txt").exists()


def test_an_unknown_project_is_named_with_those_that_exist(home: Home) -> None:
    home.create("b")
    home.create("a")
    with pytest.raises(UnknownProject, match=r"no project 'c' .*projects: a, b"):
        home.project("c")


def test_the_list_is_sorted_and_passes_over_strays_and_links(home: Home, tmp_path: Path) -> None:
    assert home.list() == []
    for project_id in ("b", "a"):
        home.create(project_id)
    (home.root / "note.txt").write_text("x")
    (home.root / "dagster").mkdir()
    (home.root / "Bad Name").mkdir()
    (home.root / "Bad Name" / "project.yaml").write_text("name: x")
    elsewhere = Home(tmp_path / "elsewhere").create("other")
    (home.root / "linked").symlink_to(elsewhere.path)
    assert [folder.id for folder in home.list()] == ["a", "b"]
    assert [(stray.file, "link" in stray.message) for stray in home.strays()] == [("Bad Name", False), ("linked", True)]
    with pytest.raises(InvalidInput, match="is a link"):
        home.project("linked")


def test_a_project_without_its_settings_is_still_a_project(home: Home) -> None:
    folder = home.create("p")
    folder.project_file.unlink()
    assert home.list() == [folder]
    with pytest.raises(InvalidInput, match="there is no such file"):
        folder.load()


def test_all_problems_of_both_files_come_together(home: Home) -> None:
    folder = home.create("p")
    folder.project_file.write_text("name: p\nlanguage: 5\n")
    folder.codebook_file.write_text("variables: []\n")
    with pytest.raises(InvalidInput) as error:
        folder.load()
    assert [problem.file for problem in error.value.problems] == ["p/project.yaml", "p/codebook.yaml"]


def test_the_codebook_of_another_project_or_a_file_is_copied_as_it_stands(home: Home, tmp_path: Path) -> None:
    first = home.create("first")
    first.codebook_file.write_text(
        "# my notes\nvariables:\n  - {name: a, type: text, level: document}\n  - {name: b, type: text}\n"
    )
    second = home.create("second", first.path)
    assert second.codebook_file.read_text() == first.codebook_file.read_text()
    assert second.load().project.unit.rows == "many"
    first.codebook_file.write_text("variables:\n  - {name: a, type: text}\n")
    first.project_file.write_text("name: first\nunit: {rows: many}\n")
    assert home.create("fourth", first.path).load().project.unit.rows == "many"
    sheet = tmp_path / "mine.csv"
    sheet.write_text("name,type\nn,number\n")
    assert home.create("third", sheet).load().codebook["n"].type is VariableType.NUMBER


def test_a_template_that_is_wrong_leaves_nothing_behind(home: Home, tmp_path: Path) -> None:
    template = tmp_path / "bad.yaml"
    template.write_text("variables: 3\n")
    for wrong in (template, tmp_path / "missing.yaml"):
        with pytest.raises(InvalidInput):
            home.create("p", wrong)
    assert list(home.root.iterdir()) == []


def test_archiving_changes_one_line_and_keeps_the_notes(home: Home) -> None:
    folder = home.create("p")
    before = folder.project_file.read_text().splitlines()
    home.archive("p")
    assert folder.load().project.archived
    after = folder.project_file.read_text().splitlines()
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    home.unarchive("p")
    assert folder.project_file.read_text().splitlines() == before


def test_archiving_adds_the_setting_where_it_is_missing_or_says_that_it_cannot(home: Home) -> None:
    folder = home.create("p")
    folder.project_file.write_text("name: p")
    home.archive("p")
    assert folder.project_file.read_text() == "name: p\narchived: true\n"
    folder.project_file.write_text("{name: p}\n")
    with pytest.raises(InvalidInput, match="yourself"):
        home.archive("p")
    assert folder.project_file.read_text() == "{name: p}\n"
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".")]


def test_deleting_removes_everything_and_follows_no_link(home: Home, tmp_path: Path) -> None:
    folder = home.create("p")
    (tmp_path / "outside.txt").write_text("kept")
    (folder.inbox / "link").symlink_to(tmp_path)
    locked = folder.state / "locked"
    locked.mkdir()
    (locked / "x").write_text("x")
    locked.chmod(0o500)
    asked: list[str] = []
    home.delete("p", asked.append)
    assert asked == ["p"]
    assert list(home.root.iterdir()) == []
    assert (tmp_path / "outside.txt").read_text() == "kept"


def test_a_project_that_cannot_be_forgotten_elsewhere_stays(home: Home) -> None:
    folder = home.create("p")

    def busy(project_id: str) -> None:
        assert home.list() == []
        raise ProjectBusy(project_id)

    with pytest.raises(ProjectBusy):
        home.delete("p", busy)
    assert folder.load().id == "p"


def test_the_home_comes_from_the_environment_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CODERAI_HOME", str(tmp_path))
    assert find_home() == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODERAI_HOME", "here")
    assert find_home() == tmp_path / "here"
    monkeypatch.delenv("CODERAI_HOME")
    checkout = Path(sys.modules[Home.__module__].__file__ or "").resolve().parents[2]
    assert find_home() == checkout / ".coderai"
