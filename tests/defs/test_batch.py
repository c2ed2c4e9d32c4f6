"""Batch mode through Dagster: the sensor `batches` and the runs that it asks for, tick by tick."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
from click.testing import CliRunner

from coderai_pipeline.cli import main
from coderai_pipeline.defs.factory import definitions_of
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.engine import batching
from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject
from tests.defs.corpora import materialised
from tests.engine.small_project import KEY, label_server, make_project, write_settings
from tests.server_moods import Moods
from tests.servers import ModelServer

BATCH = {"batch": True}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with label_server() as running:
        yield running


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with mock.patch.dict(os.environ, {"CODERAI_HOME": str(tmp_path)}):
        os.environ.pop("DAGSTER_HOME", None)
        with open_instance(tmp_path) as opened:
            yield opened


def tick(instance: dg.DagsterInstance, loaded: LoadedProject) -> list[str]:
    """One evaluation of the sensor, and the runs that it asks for, executed here; their jobs' names."""
    jobs: list[str] = []
    for request in requests_of("batches", instance, loaded):
        job = (request.job_name or "").rpartition("__")[2]
        (step,) = request.run_config["ops"].values()
        assert run_job(instance, loaded.folder, job, step["config"]).success
        jobs.append(job)
    return jobs


def requests_of(sensor: str, instance: dg.DagsterInstance, loaded: LoadedProject) -> Sequence[dg.RunRequest]:
    repository = definitions_of(Home(loaded.folder.path.parent)).get_repository_def()
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    return repository.get_sensor_def(sensor).evaluate_tick(context).run_requests or ()


def test_the_sensor_submits_collects_and_settles_until_nothing_is_left(
    server: ModelServer, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    server.set_moods(Moods(key=KEY, batch_polls=2))
    loaded = make_project(tmp_path, server, documents=25, extractor=BATCH)
    assert [tick(instance, loaded) for _ in range(4)] == [["submit_batch"], [], ["extract"], []]
    assert len(materialised(instance, loaded.id, "extractions")) == 20, "the sample only, until it is accepted"
    assert len(materialised(instance, loaded.id, "documents")) == 25
    Control(loaded.folder.state).accept("a test")
    assert [tick(instance, loaded) for _ in range(4)] == [["submit_batch"], [], ["extract"], []]
    assert len(materialised(instance, loaded.id, "extractions")) == 25
    assert server.counts()["received"] == 0
    with open_ledger(loaded) as ledger:
        assert ledger.closes


def test_calls_without_a_reply_are_submitted_again_by_themselves(
    server: ModelServer, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    server.set_moods(Moods(key=KEY, batch_missing=0.5))
    loaded = make_project(tmp_path, server, documents=12, extractor=BATCH)
    assert [tick(instance, loaded) for _ in range(2)] == [["submit_batch"], ["extract"]]
    assert 0 < len(materialised(instance, loaded.id, "extractions")) < 12, "what is awaited does not count as done"
    server.set_moods(Moods(key=KEY))
    assert [tick(instance, loaded) for _ in range(3)] == [["submit_batch"], ["extract"], []]
    assert len(materialised(instance, loaded.id, "extractions")) == 12


def test_what_the_archive_answers_is_settled_without_a_batch(
    server: ModelServer, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    loaded = make_project(tmp_path, server, documents=3)
    assert run_job(instance, loaded.folder, "extract").success
    for name in ("cells", "settled", "calls"):
        for file in (loaded.folder.state / name).iterdir():
            file.unlink()
    loaded = write_settings(loaded.folder.path, server, extractor=BATCH)
    assert [tick(instance, loaded) for _ in range(2)] == [["submit_batch"], []]
    assert server.counts()["batched"] == 0
    with open_ledger(loaded) as ledger:
        assert ledger.closes


def test_a_budget_that_holds_no_batch_holds_the_project_back(
    server: ModelServer, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    loaded = make_project(tmp_path, server, documents=3, extractor=BATCH, limits={"tokens": 100})
    assert not run_job(instance, loaded.folder, "submit_batch").success
    assert "token budget" in Control(loaded.folder.state).held_back
    assert tick(instance, loaded) == []


def test_the_inbox_sensor_leaves_projects_in_batch_mode_alone(
    server: ModelServer, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    loaded = make_project(tmp_path, server, documents=2, extractor=BATCH)
    jobs = {request.job_name for request in requests_of("inboxes", instance, loaded)}
    assert jobs <= {"small__write_prompts"}


def test_a_project_that_asks_at_once_has_nothing_to_submit(
    server: ModelServer, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    loaded = make_project(tmp_path, server, documents=1)
    assert tick(instance, loaded) == []
    assert not run_job(instance, loaded.folder, "submit_batch").success


@pytest.mark.usefixtures("instance")
def test_the_command_line_does_the_same_by_hand(server: ModelServer, tmp_path: Path) -> None:
    make_project(tmp_path, server, documents=3, extractor=BATCH)
    runner = CliRunner()
    submitted = runner.invoke(main, ["batch", "submit", "small"])
    assert submitted.exit_code == 0, submitted.output
    assert "3 calls" in submitted.output
    assert "batches under way: 1" in runner.invoke(main, ["batch", "status", "small"]).output
    assert "3 replies of 1 batches" in runner.invoke(main, ["batch", "collect", "small"]).output
    assert not batching.tickets(Home(tmp_path).project("small").load())
    assert batching.next_step(Home(tmp_path).project("small").load())[0] == "extract"
