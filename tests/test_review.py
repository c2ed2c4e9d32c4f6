"""Review and feedback as people do it: the page in a browser, the workbook in a spreadsheet, a file dropped for the sensor."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import openpyxl
import pytest
from click.testing import CliRunner, Result
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from coderai_pipeline.cli import main
from coderai_pipeline.defs.factory import definitions_of
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.storage.projects import Home, ProjectFolder
from tests.dagster_ui import CHROMIUM, DRIVER, browser, until
from tests.defs import corpora
from tests.deployments import Deployment, deployed
from tests.engine import small_project
from tests.engine.projects import LONG_AGO, drop, make

VARIABLES: list[dict[str, Any]] = [
    {"name": "total", "label": "Total due", "type": "number"},
    {"name": "city", "type": "text"},
    {"name": "kind", "type": "category", "categories": [{"value": "receipt"}, {"value": "contract"}]},
]
EVIL = "<img src=x onerror=alert(1)>"


def coderai(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("review") / "deployment") as made:
        yield made


@pytest.fixture(scope="module")
def study(deployment: Deployment) -> ProjectFolder:
    """Extracted, published, and with its review written."""
    folder = make(deployment.projects, VARIABLES, extractor={"name": "rules"})
    drop(folder, "1.txt", f"total: 1.5\ncity: Graz {EVIL}\nkind: receipt\n")
    drop(folder, "2.txt", "total: 2.5\ncity: القاهرة\nkind: contract\n" + "نص طويل جدا\n" * 400)
    corpora.write_pdf(folder.inbox / "3.pdf", ["total: 3.5", "city: Wien", "kind: receipt"])
    corpora.settle(folder)
    assert small_project.run(folder.load()).done == 3
    reviewed = coderai("review", "study")
    assert reviewed.exit_code == 0, reviewed.output
    assert "9 cells to look at, 9 of them drawn by chance; 0 judged before" in reviewed.output
    return folder


def cell(folder: ProjectFolder, document: str, variable: str) -> tuple[Any, ...]:
    with duckdb.connect(str(folder.outputs / "dataset.duckdb"), read_only=True) as data:
        found = data.execute(
            f"SELECT {variable}, status, reason FROM dataset JOIN cells USING (document) WHERE document = ? AND variable = ?",
            [document, variable],
        ).fetchone()
    assert found is not None
    return found


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver")
def test_verdicts_given_in_the_page_survive_a_reload_and_reach_the_dataset(
    study: ProjectFolder, tmp_path: Path
) -> None:
    page = study.outputs / "review" / "review.html"
    with browser(tmp_path / "profile") as driver:
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
        driver.get(page.as_uri())
        driver.find_element(By.ID, "reviewer").send_keys("Ada <b>")
        _open(driver, "1.txt", "total")
        assert driver.find_element(By.CSS_SELECTOR, "mark.now").text == "total: 1.5"
        driver.find_element(By.ID, "corrected").send_keys("7.25")
        driver.find_element(By.ID, "note").send_keys("the second page says so")
        _open(driver, "3.pdf", "kind")
        driver.find_element(By.CSS_SELECTOR, "li[aria-current]").click()
        ActionChains(driver).send_keys("1").perform()
        copy = driver.find_element(By.CSS_SELECTOR, "#text a").get_attribute("href") or ""
        assert Path(copy.removeprefix("file://")).read_bytes().startswith(b"%PDF")
        _open(driver, "2.txt", "kind")
        Select(driver.find_element(By.ID, "corrected")).select_by_visible_text("receipt")
        assert driver.find_element(By.CSS_SELECTOR, "#text .line").value_of_css_property("unicode-bidi") is not None
        _shows(driver, "3 of 9 judged")
        for _ in range(20):  # Chromium forgets the localStorage of a file:// page in one reload of ten
            driver.refresh()
            _shows(driver, "3 of 9 judged")
        _open(driver, "1.txt", "city")
        assert EVIL in driver.find_element(By.ID, "facts").text
        assert driver.find_elements(By.TAG_NAME, "img") == []
        driver.find_element(By.ID, "download").click()
        (saved,) = until(lambda: list(tmp_path.glob("*.json")), 60)
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    applied = coderai("feedback", "study", str(saved))
    assert applied.exit_code == 0, applied.output
    assert "3 applied" in applied.output
    assert cell(study, "1.txt", "total") == (7.25, "corrected", "corrected by Ada <b>, was 1.5")
    assert cell(study, "3.pdf", "kind") == ("receipt", "validated", "confirmed by Ada <b>")
    assert cell(study, "2.txt", "kind")[:2] == ("receipt", "corrected")
    assert json.loads(saved.read_text())["feedback"][0]["inclusion_probability"] == 1


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver")
def test_the_key_for_correct_goes_on_and_those_for_wrong_values_stay(study: ProjectFolder, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as driver:
        driver.get((study.outputs / "review" / "review.html").as_uri())
        _shows(driver, "0 of 9 judged")

        def after(key: str) -> int:
            ActionChains(driver).send_keys(key).perform()
            cells = driver.find_elements(By.CSS_SELECTOR, "#cells li")
            return [cell.get_attribute("aria-current") for cell in cells].index("true")

        assert [after(key) for key in "12j3k2"] == [1, 1, 2, 2, 1, 1]
        assert [after(key) for key in "k1"] == [0, 0], "a second press takes the verdict back"
        _shows(driver, "1 of 9 judged")


def _shows(driver: webdriver.Chrome, progress: str) -> None:
    shown = driver.find_element(By.ID, "progress")
    until(lambda: shown.text == progress, 60, lambda: f"{shown.text!r}; {driver.get_log('browser')}")


def _open(driver: webdriver.Chrome, document: str, variable: str) -> None:
    """Narrows the list to one cell, which is thereby chosen."""
    Select(driver.find_element(By.ID, "document")).select_by_value(document)
    Select(driver.find_element(By.ID, "variable")).select_by_value(variable)


def test_a_filled_in_workbook_is_applied_and_what_is_not_is_said(study: ProjectFolder, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(study.outputs / "review" / "review.xlsx")
    sheet = book["Review"]
    header = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        document, variable = (sheet.cell(row, header[name]).value for name in ("document", "variable"))
        if (document, variable) == ("3.pdf", "total"):
            sheet.cell(row, header["verdict"]).value = "incorrect"
            sheet.cell(row, header["corrected_value"]).value = 30.5
            sheet.cell(row, header["reviewer"]).value = "Bo"
        if (document, variable) == ("3.pdf", "city"):
            sheet.cell(row, header["verdict"]).value = "sort of"
    book.save(tmp_path / "filled in.xlsx")
    for said in (
        "1 applied, 0 known already, 1 not applied, 7 left blank",
        "0 applied, 1 known already, 1 not applied",
    ):
        applied = coderai("feedback", "study", str(tmp_path / "filled in.xlsx"))
        assert applied.exit_code == 1
        assert said in applied.output
        assert '"sort of" is no verdict; write correct, incorrect or partially_correct' in " ".join(
            applied.output.split()
        )
    assert cell(study, "3.pdf", "total") == (30.5, "corrected", "corrected by Bo, was 3.5")
    assert coderai("ledger", "study").exit_code == 0
    again = coderai("run", "study")
    assert re.search(r"^cells: .*\d corrected", again.output, re.MULTILINE), again.output
    with duckdb.connect(str(study.outputs / "dataset.duckdb"), read_only=True) as data:
        refused = data.execute("SELECT file, note, why FROM feedback WHERE outcome = 'refused'").fetchall()
    assert [(file, "sort of" in note) for file, note, _ in refused] == [("filled in.xlsx", True)]


def test_a_dropped_file_is_applied_by_the_sensors_job_and_its_partition_says_what_became_of_it(
    study: ProjectFolder, deployment: Deployment
) -> None:
    path = study.feedback / "by hand.csv"
    path.write_text("document,variable,verdict,corrected_value\n2.txt,total,incorrect,20\n2.txt,totl,correct,\n")
    os.utime(path, (LONG_AGO, LONG_AGO))
    with open_instance(deployment.projects) as instance:
        definitions = definitions_of(Home(deployment.projects)).get_repository_def()
        context = dg.build_sensor_context(instance=instance, repository_def=definitions)
        asked = definitions.get_sensor_def("inboxes").evaluate_tick(context).run_requests or []
        assert "study__apply_feedback" in [request.job_name for request in asked]
        assert run_job(instance, study, "apply_feedback").success
        (made,) = corpora.materialisations(instance, "study", "feedback", "by hand.csv")
        assert made.metadata["report"].value == "1 applied, 0 known already, 1 not applied"
        (refused,) = made.metadata["not_applied"].records
        assert "did you mean `total`?" in refused.data["why"]
        assert run_job(instance, study, "publish").success
        assert run_job(instance, study, "write_review").success
        assert next(corpora.materialisations(instance, "study", "review")).metadata["judged_before"].value >= 1
    assert cell(study, "2.txt", "total")[:2] == (20.0, "corrected")


def test_the_ui_also_tells_of_a_file_that_the_command_line_applied(
    study: ProjectFolder, deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "typed.csv"
    path.write_text("document,variable,verdict\n1.txt,kind,correct\n1.txt,knd,correct\n")
    assert coderai("feedback", "study", str(path)).exit_code == 1
    with open_instance(deployment.projects) as instance:
        definitions = definitions_of(Home(deployment.projects)).get_repository_def()

        def asked() -> list[str | None]:
            context = dg.build_sensor_context(instance=instance, repository_def=definitions)
            return [
                one.job_name for one in definitions.get_sensor_def("inboxes").evaluate_tick(context).run_requests or []
            ]

        assert "study__apply_feedback" in asked()
        assert run_job(instance, study, "apply_feedback").success
        (made,) = corpora.materialisations(instance, "study", "feedback", "typed.csv")
        assert made.metadata["report"].value == "1 applied, 0 known already, 1 not applied"
        assert "did you mean `kind`?" in made.metadata["not_applied"].records[0].data["why"]
        assert "study__apply_feedback" not in asked()
