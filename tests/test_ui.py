"""The pipeline as people use it: the UI runs, a file is dropped, a row appears, and the pages say what happened."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import duckdb
import psutil
import pytest

from coderai_pipeline.storage.control import Control
from tests.collectors import Collector, collector, events
from tests.dagster_ui import CHROMIUM, DRIVER, Ui, browser, page_showing, running_ui, until
from tests.defs import corpora
from tests.deployments import Deployment, deployed
from tests.engine.projects import drop, make

pytestmark = pytest.mark.timeout(600)

READER = """
import sys, duckdb, pathlib
path, stop = map(pathlib.Path, sys.argv[1:])
queries = 0
while not stop.exists():
    with duckdb.connect(str(path), read_only=True) as data:
        data.sql("SELECT count(*), sum(total) FROM dataset").fetchall()
        data.sql("SELECT status, count(*) FROM cells GROUP BY ALL").fetchall()
    queries += 1
print(queries)
"""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("ui") / "deployment") as made:
        yield made


@pytest.fixture(scope="module")
def traced() -> Iterator[Collector]:
    with collector() as received:
        yield received


@pytest.fixture(scope="module")
def ui(deployment: Deployment, traced: Collector) -> Iterator[Ui]:
    """One start for all tests of this file: it takes half a minute."""
    folder = corpora.make_corpus(deployment.projects, extractor={"name": "rules"})
    Control(folder.state).accept("the test")
    told = {"CODERAI_LOG_FILE": str(deployment.root / "log.jsonl"), **traced.environment}
    with mock.patch.dict(os.environ, told), running_ui(deployment) as running:
        until(lambda: rows(deployment), 120, lambda: running.log.read_text()[-3000:])
        yield running


def rows(deployment: Deployment) -> dict[str, float]:
    """Document -> its total, in the dataset as published now."""
    path = deployment.projects / "study" / "outputs" / "dataset.duckdb"
    if not path.exists():
        return {}
    with duckdb.connect(str(path), read_only=True) as data:
        return dict(data.sql("SELECT document, total FROM dataset").fetchall())


def test_a_dropped_pdf_becomes_a_row_while_others_read_the_dataset(
    ui: Ui, deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = deployment.projects / "study" / "outputs"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(outputs / "dataset.duckdb"), str(tmp_path / "stop")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    corpora.write_pdf(tmp_path / "new.pdf", ["total: 77.5", "city: Graz", "note: dropped"])
    (deployment.projects / "study" / "inbox" / "new.pdf").write_bytes((tmp_path / "new.pdf").read_bytes())
    dropped = time.monotonic()
    until(lambda: rows(deployment).get("new.pdf") == 77.5, 180, lambda: ui.log.read_text()[-3000:])
    seconds = time.monotonic() - dropped
    (tmp_path / "stop").touch()
    queries, errors = reader.communicate(timeout=180)
    assert errors == ""
    assert int(queries) > 5
    with capsys.disabled():
        print(f"\nfrom copy to row: {seconds:.0f} s; {queries.strip()} queries by another process meanwhile")


def test_a_new_project_appears_without_a_restart(ui: Ui, deployment: Deployment) -> None:
    newcomer = make(deployment.projects, corpora.VARIABLES, "newcomer", extractor={"name": "rules"})
    drop(newcomer, "1.txt", "total: 4.5")
    until(lambda: ("newcomer", "extractions") in ui.assets(), 180, lambda: ui.log.read_text()[-3000:])


def test_the_processes_that_have_loaded_the_projects_outlive_a_machine_that_stands_still(ui: Ui) -> None:
    commands = [process.cmdline() for process in psutil.Process().children(recursive=True)]
    loaded = [command for command in commands if "--heartbeat-timeout" in command]
    assert {name for name in ("grpc", "code-server") if any(name in command for command in loaded)} == {
        "grpc",
        "code-server",
    }
    assert {command[command.index("--heartbeat-timeout") + 1] for command in loaded} == {"600"}


def test_the_exports_follow_the_dataset(ui: Ui, deployment: Deployment) -> None:
    exported = deployment.projects / "study" / "outputs" / "exports" / "dataset.csv"
    until(lambda: exported.exists() and "77.5" in exported.read_text(), 120, lambda: ui.log.read_text()[-3000:])


def test_run_workers_tell_logs_and_traces_what_they_do(ui: Ui, deployment: Deployment, traced: Collector) -> None:
    log = deployment.root / "log.jsonl"
    until(lambda: traced.spans("write export") and events(log, "export written"), 120, lambda: log.read_text()[-3000:])
    assert {line["status"] for line in events(log, "document read")} >= {"ready", "corrupt", "duplicate"}
    for event, spans in (
        ("run ended", "run"),
        ("dataset published", "publish dataset"),
        ("export written", "write export"),
    ):
        told = {(line["project"], line["run_id"]) for line in events(log, event)}
        traces = {(one.attributes["coderai.project"], one.attributes["coderai.run_id"]) for one in traced.spans(spans)}
        assert all(project in ("study", "newcomer") and len(run_id) == 36 for project, run_id in told)
        assert traces <= told
        assert traces
    assert corpora.SECRET not in log.read_text()


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver")
def test_the_pages_show_the_project_its_values_with_quotes_and_why_a_document_failed(ui: Ui, tmp_path: Path) -> None:
    group = f"{ui.address}/locations/__repository__@coderai_pipeline/asset-groups/study/lineage"
    value = f"{ui.address}/assets/study/extractions?view=partitions&partition=report.pdf"
    failed = f"{ui.address}/assets/study/documents?view=partitions&partition={corpora.CORRUPT}"
    with browser(tmp_path / "profile") as driver:
        page_showing(driver, group, ("extractions", "dataset", "exports", "1 failed"), tmp_path / "group.png")
        shown = page_showing(driver, value, ("values", "total: 13.5", corpora.SECRET), tmp_path / "extraction.png")
        assert "13.5 extracted total: 13.5 1" in shown
        page_showing(driver, failed, ("corrupt", "damaged or cut off: ask for it again"), tmp_path / "failed.png")
