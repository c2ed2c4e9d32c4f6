"""The bundled demo projects: their files, codebooks and gold values belong together."""

from pathlib import Path

import pytest

from coderai_pipeline.demo import demo_projects, gold
from coderai_pipeline.demo.make_documents import read_sources
from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.readers import ReadOptions, read_files
from coderai_pipeline.storage.settings_files import load_codebook, load_project

PROJECTS = {path.name: path for path in demo_projects()}


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    paths = [path for project in PROJECTS.values() for path in (project / "inbox").iterdir()]
    return {Path(each.source).name: each for each in read_files(paths, ReadOptions(ocr=False), workers=2)}


def test_there_is_one_project_of_one_row_and_one_of_many() -> None:
    rows = {name: load_project(path / "project.yaml").unit.rows for name, path in PROJECTS.items()}
    assert rows == {"harbour-incidents": "one", "council-minutes": "many"}


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_the_demo_names_its_extractor_and_needs_no_installed_ocr(project: Path) -> None:
    settings = load_project(project / "project.yaml")
    assert settings.extractor.name == "rules"
    assert settings.reading.ocr == "off"


def test_the_first_project_uses_every_type_a_condition_a_formula_and_a_validation() -> None:
    codebook = load_codebook(PROJECTS["harbour-incidents"] / "codebook.yaml")
    assert len({variable.type for variable in codebook.variables}) == 6
    assert any(variable.depends_on for variable in codebook.variables)
    assert any(variable.formula for variable in codebook.variables)
    assert any(variable.validation.pattern for variable in codebook.variables)


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_gold_covers_each_readable_document_and_asked_variable(project: Path) -> None:
    codebook = load_codebook(project / "codebook.yaml")
    cells = gold(project)
    assert len({(cell.document, cell.entity, cell.variable) for cell in cells}) == len(cells)
    names = {path.name for path in (project / "inbox").iterdir()} - {"msb-2023-002.pdf"}
    assert {cell.document for cell in cells} == names
    asked = {variable.name for variable in codebook.asked}
    assert all({cell.variable for cell in cells if cell.document == name} == asked for name in names)


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_every_document_is_made_from_a_source(project: Path) -> None:
    assert {source["file"] for source in read_sources(project.name)} == {
        path.name for path in (project / "inbox").iterdir()
    }


def test_documents_are_read_as_intended(documents: dict[str, Document]) -> None:
    odd = {name: each.status for name, each in documents.items() if each.status is not DocumentStatus.READY}
    assert set(odd) == {"msb-2018-031-scan.pdf", "msb-2023-002.pdf"}
    assert odd["msb-2018-031-scan.pdf"] is DocumentStatus.NEEDS_OCR
    assert documents["msb-2020-inquiry-norrholm.pdf"].words > 5_000
    assert {each.type for each in documents.values()} == {"pdf", "docx", "html", "text"}


def test_columns_are_read_one_after_the_other(documents: dict[str, Document]) -> None:
    text = documents["msb-2022-digest-03.pdf"].text
    assert (
        text.index("noticed more than a bump")
        < text.index("moorings had been singled up")
        < text.index("Singling up is a signal")
    )


def test_the_demo_stays_small() -> None:
    assert sum(path.stat().st_size for project in PROJECTS.values() for path in project.rglob("*")) < 1_500_000
