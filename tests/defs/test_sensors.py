"""When a sensor asks for a run, and when it does not: it looks at what is missing, never at what has happened."""

import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from coderai_pipeline.defs import names
from coderai_pipeline.defs.factory import definitions_of
from coderai_pipeline.defs.headless import open_instance, run_job
from coderai_pipeline.defs.product_assets import FOLLOWS
from coderai_pipeline.defs.reload import reload_location
from coderai_pipeline.publishing.exports import FORMATS
from coderai_pipeline.publishing.quality import measure
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, ProjectFolder
from tests.defs import corpora
from tests.deployments import Deployment
from tests.engine.projects import drop, make, set_variables

VARIABLES = [{"name": "total", "type": "number"}]
RULES = {"name": "rules"}


@dataclass(frozen=True, slots=True)
class Watched:
    """A home whose inboxes are looked into. The definitions are those of the moment it was made."""

    home: Home
    instance: dg.DagsterInstance
    definitions: dg.RepositoryDefinition

    def tick(self) -> SensorExecutionData:
        context = dg.build_sensor_context(instance=self.instance, repository_def=self.definitions)
        return self.definitions.get_sensor_def("inboxes").evaluate_tick(context)

    def requested(self) -> list[tuple[str, dict[str, str]]]:
        """The extraction runs asked for: job and its settings."""
        return [
            (
                request.job_name or "",
                dict(next(iter(request.run_config.get("ops", {"": {}}).values())).get("config", {})),
            )
            for request in self.tick().run_requests or ()
            if names.EXTRACTING_TAG in request.tags
        ]


@pytest.fixture
def study(deployment: Deployment) -> ProjectFolder:
    return make(deployment.projects, VARIABLES, extractor=RULES)


@pytest.fixture
def instance(deployment: Deployment) -> Iterator[dg.DagsterInstance]:
    with open_instance(deployment.projects) as opened:
        yield opened


@pytest.fixture
def watched(deployment: Deployment, study: ProjectFolder, instance: dg.DagsterInstance) -> Watched:
    home = Home(deployment.projects)
    return Watched(home, instance, definitions_of(home).get_repository_def())


def test_nothing_is_asked_for_where_nothing_is_missing(watched: Watched) -> None:
    assert watched.requested() == []


def test_a_dropped_file_is_asked_for_in_the_sample_until_that_is_accepted(
    watched: Watched, study: ProjectFolder
) -> None:
    drop(study, "1.txt", "total: 1")
    assert watched.requested() == [("study__sample", {"sample_size": 20, "top_up": True})]
    Control(study.state).accept("Ada")
    assert watched.requested() == [("study__extract", {})]


def test_a_run_can_be_made_of_what_is_asked_for(watched: Watched, study: ProjectFolder) -> None:
    drop(study, "1.txt", "total: 1")
    for request in watched.tick().run_requests or ():
        job = watched.definitions.get_job(request.job_name or "")
        dg.validate_run_config(job, request.run_config)


def test_a_file_still_being_written_is_left_until_it_stops_changing(watched: Watched, study: ProjectFolder) -> None:
    drop(study, "1.txt", "total: 1", at=int(time.time()))
    assert watched.requested() == []
    os.utime(study.inbox / "1.txt", (time.time() - 60, time.time() - 60))
    assert [job for job, _ in watched.requested()] == ["study__sample"]


def test_a_document_registered_but_not_done_is_asked_for_again(watched: Watched, study: ProjectFolder) -> None:
    """As after a kill between registering a document and launching its run, or before the run came to it."""
    drop(study, "1.txt", "total: 1")
    assert len(watched.requested()) == 1
    assert corpora.partitions_of(watched.instance, study.id) == {"1.txt"}
    assert len(watched.requested()) == 1
    runs = [request.run_key for request in watched.tick().run_requests or () if names.EXTRACTING_TAG in request.tags]
    assert runs == [None], "a run key lets a run through once alone"


def test_a_document_that_is_done_is_not_asked_for_again_until_it_or_the_codebook_changes(
    watched: Watched, study: ProjectFolder
) -> None:
    drop(study, "1.txt", "total: 1")
    Control(study.state).accept("Ada")
    run_job(watched.instance, study, "extract")
    assert watched.requested() == []
    drop(study, "1.txt", "total: 2", at=1_700_000_500)
    assert len(watched.requested()) == 1
    run_job(watched.instance, study, "extract")
    set_variables(study, [{"name": "total", "type": "number", "instructions": "Before tax."}])
    assert len(watched.requested()) == 1


def test_an_extraction_that_a_person_ended_does_not_start_again_by_itself(
    watched: Watched, study: ProjectFolder
) -> None:
    drop(study, "1.txt", "total: 1")
    Control(study.state).accept("Ada")
    job = watched.definitions.get_job("study__extract")
    run = watched.instance.create_run_for_job(job, tags=dict(job.tags))
    watched.instance.report_run_canceled(run)
    assert watched.requested() == []
    assert watched.requested() == []
    assert "was cancelled" in Control(study.state).held_back
    run_job(watched.instance, study, "resume")
    assert [job for job, _ in watched.requested()] == ["study__extract"]
    run_job(watched.instance, study, "extract")
    drop(study, "2.txt", "total: 2")
    assert [job for job, _ in watched.requested()] == ["study__extract"]


def test_an_unreadable_document_is_not_asked_for_for_ever(watched: Watched, study: ProjectFolder) -> None:
    (study.inbox / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    corpora.settle(study)
    assert len(watched.requested()) == 1
    assert not run_job(watched.instance, study, "extract").success
    assert watched.requested() == []


def test_a_paused_project_is_left_alone(watched: Watched, study: ProjectFolder) -> None:
    drop(study, "1.txt", "total: 1")
    Control(study.state).pause("for now")
    assert watched.requested() == []
    Control(study.state).resume()
    assert len(watched.requested()) == 1


def test_a_project_being_extracted_is_left_alone(watched: Watched, study: ProjectFolder) -> None:
    drop(study, "1.txt", "total: 1")
    with Control(study.state).extracting("another"):
        assert watched.requested() == []


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_project_with_a_run_under_way_is_left_alone(
    watched: Watched, study: ProjectFolder, status: dg.DagsterRunStatus
) -> None:
    drop(study, "1.txt", "total: 1")
    job = watched.definitions.get_job("study__extract")
    watched.instance.create_run_for_job(job, status=status, tags=dict(job.tags))
    assert watched.requested() == []


def test_a_broken_project_stops_no_other(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    make(deployment.projects, VARIABLES, "broken").project_file.write_text("name: [a\n")
    drop(make(deployment.projects, VARIABLES, "whole", extractor=RULES), "1.txt", "total: 1")
    home = Home(deployment.projects)
    watched = Watched(home, instance, definitions_of(home).get_repository_def())
    assert [job for job, _ in watched.requested()] == ["whole__sample"]


def test_prompts_are_asked_for_once_for_each_wording(watched: Watched, study: ProjectFolder) -> None:
    def keys() -> set[str | None]:
        return {
            request.run_key
            for request in watched.tick().run_requests or ()
            if request.job_name == "study__write_prompts"
        }

    first = keys()
    assert len(first) == 1
    assert keys() == first
    set_variables(study, [{"name": "total", "type": "number", "instructions": "Before tax."}])
    assert len(keys()) == 1
    assert keys() != first


def asked_of(watched: Watched, job: str) -> list[dg.RunRequest]:
    return [request for request in watched.tick().run_requests or () if request.job_name == f"study__{job}"]


def age(files: Iterable[Path], seconds: float) -> None:
    for file in files:
        os.utime(file, (time.time() - seconds, time.time() - seconds))


def age_state_and_settings(study: ProjectFolder) -> None:
    age((*study.state.rglob("*.parquet"), study.project_file, study.codebook_file), 200)


def test_a_dataset_is_asked_for_after_a_run_that_materialised_nothing(watched: Watched, study: ProjectFolder) -> None:
    (study.inbox / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    corpora.settle(study)
    run_job(watched.instance, study, "extract")
    assert asked_of(watched, "publish") == [], "the follow-up sensor has its time first"
    age_state_and_settings(study)
    assert len(asked_of(watched, "publish")) == 1
    run_job(watched.instance, study, "publish")
    assert asked_of(watched, "publish") == []


def test_a_dataset_is_asked_for_that_a_document_came_too_late_for(watched: Watched, study: ProjectFolder) -> None:
    """The snapshot was finished after the document's block was written, and does not hold it."""
    Control(study.state).accept("Ada")
    drop(study, "1.txt", "total: 1")
    run_job(watched.instance, study, "extract")

    def measured_late(*given: Any) -> Any:
        drop(study, "2.txt", "total: 2")
        run_job(watched.instance, study, "extract")
        return measure(*given)

    with mock.patch("coderai_pipeline.publishing.snapshot.measure", side_effect=measured_late):
        run_job(watched.instance, study, "publish")
    snapshot = newest_snapshot(study.outputs)
    assert snapshot is not None
    late = max(file.stat().st_mtime for file in study.state.rglob("*.parquet"))
    assert snapshot.stat().st_mtime < late < snapshot.stat().st_ctime
    age((snapshot,), 300)
    age_state_and_settings(study)
    assert len(asked_of(watched, "publish")) == 1


def test_a_dataset_is_asked_for_once_after_an_edit_that_nothing_is_extracted_for(
    watched: Watched, study: ProjectFolder
) -> None:
    Control(study.state).accept("Ada")
    drop(study, "1.txt", "total: 1")
    run_job(watched.instance, study, "extract")
    run_job(watched.instance, study, "publish")
    age_state_and_settings(study)
    assert asked_of(watched, "publish") == []
    set_variables(study, [*VARIABLES, {"name": "twice", "type": "number", "formula": "total * 2"}])
    age((study.codebook_file,), 100)
    age(study.outputs.rglob("dataset-*.duckdb"), 150)
    first, again = asked_of(watched, "publish"), asked_of(watched, "publish")
    assert [request.run_key for request in first] == [request.run_key for request in again]
    assert len(first) == 1
    assert asked_of(watched, "extract") == []


def test_exports_that_stay_behind_their_dataset_are_asked_for(watched: Watched, study: ProjectFolder) -> None:
    Control(study.state).accept("Ada")
    drop(study, "1.txt", "total: 1")
    run_job(watched.instance, study, "extract")
    run_job(watched.instance, study, "publish")
    age_state_and_settings(study)
    assert asked_of(watched, "export") == [], "the follow-up sensor has its time first"
    age(study.outputs.rglob("dataset-*.duckdb"), 150)
    (request,) = asked_of(watched, "export")
    dg.validate_run_config(watched.definitions.get_job("study__export"), request.run_config)
    assert set(request.run_config["ops"]["study__export_op"]["config"]["formats"]) == set(FORMATS)
    job = watched.definitions.get_job("study__export")
    under_way = watched.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert asked_of(watched, "export") == []
    watched.instance.report_run_canceled(under_way)
    run_job(watched.instance, study, "export")
    assert asked_of(watched, "export") == []
    run_job(watched.instance, study, "export", {"formats": ["csv_wide"], "variables": ["total"]})
    assert asked_of(watched, "export") == [], "written with other options, it holds the newest dataset all the same"
    age((study.exports / "dataset.csv",), 3600)
    (request,) = asked_of(watched, "export")
    assert request.run_config["ops"]["study__export_op"]["config"]["formats"] == ["csv_wide"]


def test_an_update_while_the_exports_are_written_is_followed_when_that_run_is_over() -> None:
    """That run holds the dataset of before: that it ends after the update does not make it an answer to it."""

    @dg.asset
    def dataset() -> None: ...

    @dg.asset(deps=[dataset], automation_condition=FOLLOWS)
    def exports() -> None: ...

    assets, instance = dg.Definitions(assets=[dataset, exports]), dg.DagsterInstance.ephemeral()
    cursor = None

    def tick() -> int:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(assets, instance, cursor=cursor)
        cursor = result.cursor
        return result.get_num_requested(exports.key)

    def materialised(key: str) -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization(key))

    assert tick() == 0
    materialised("dataset")
    assert tick() == 1
    assert tick() == 0
    materialised("dataset")
    materialised("exports")
    assert tick() == 1
    materialised("exports")
    assert [tick(), tick()] == [0, 0]


def test_a_changed_set_of_projects_asks_the_ui_to_load_them(
    watched: Watched, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("CODERAI_UI_URL", f"http://127.0.0.1:{port}")
    make(deployment.projects, VARIABLES, "newcomer", extractor=RULES)
    ticked = watched.tick()
    assert ticked.run_requests == []
    assert ticked.skip_message is not None
    assert ticked.skip_message.startswith("The projects have changed; reload the code location in the UI")


def test_a_ui_that_does_not_run_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("CODERAI_UI_URL", f"http://127.0.0.1:{port}")
    said = reload_location()
    assert f"http://127.0.0.1:{port} could not be asked" in said
    assert len(said) < 200
