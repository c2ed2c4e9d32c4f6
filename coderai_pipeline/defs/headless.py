"""Runs a project's jobs in this process, in the same Dagster instance as the UI: what `coderai run` and the demo use."""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.launcher import WorkerStatus

from coderai_pipeline.defs import names
from coderai_pipeline.defs.events import enable_batches
from coderai_pipeline.defs.factory import project_definitions
from coderai_pipeline.defs.jobs import op_name
from coderai_pipeline.domain.errors import ProjectBusy
from coderai_pipeline.storage.projects import ProjectFolder

CHECKOUT = Path(__file__).resolve().parents[2]
DAGSTER_FOLDER = ".dagster"
"""Below a home of projects that is not the checkout's own: the Dagster instance that belongs to it."""

IN_PROGRESS = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]


def dagster_home(projects_home: Path) -> Path:
    """DAGSTER_HOME if set; else the checkout's `dagster_home` for its own projects, else a folder in the projects' home.

    The folder is made ready where it is not. Two homes never share an instance: their projects may have the same ids.
    """
    stated = os.environ.get("DAGSTER_HOME")
    own = CHECKOUT / "dagster_home"
    home = Path(stated) if stated else own if projects_home.parent == CHECKOUT else projects_home / DAGSTER_FOLDER
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copy(own / "dagster.yaml", home / "dagster.yaml")
    return home.resolve()


def open_instance(projects_home: Path) -> dg.DagsterInstance:
    os.environ["DAGSTER_HOME"] = str(dagster_home(projects_home))
    enable_batches()
    return dg.DagsterInstance.get()


def run_job(
    instance: dg.DagsterInstance, folder: ProjectFolder, job: str, config: Mapping[str, object] | None = None
) -> dg.ExecuteInProcessResult:
    """Executes a job of the project here; its run, events and failure stand in the instance as any other's.

    Raises ProjectBusy where another run is extracting the project.
    """
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    definition = project_definitions(folder).resolve_job_def(names.job_name(folder.id, job))
    run_config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    if config:
        run_config["ops"] = {op_name(folder.id, job): {"config": dict(config)}}
    if names.EXTRACTING_TAG in definition.tags:
        bury_dead_runs(instance, folder.id)
    return definition.execute_in_process(instance=instance, run_config=run_config, raise_on_error=False)


def bury_dead_runs(instance: dg.DagsterInstance, project_id: str) -> None:
    """Reports runs of the project whose process is gone as failed; raises ProjectBusy where one is alive."""
    wanted = dg.RunsFilter(statuses=IN_PROGRESS, tags={names.EXTRACTING_TAG: project_id})
    for run in instance.get_runs(wanted):
        health = instance.run_launcher.check_run_worker_health(run)
        if health.status in (WorkerStatus.NOT_FOUND, WorkerStatus.FAILED):
            instance.report_run_failed(
                run, f"{health.msg}; what it had stored is kept, and the next run goes on from there"
            )
        else:
            raise ProjectBusy(
                f"run {run.run_id} is extracting {project_id}; wait for it, or end it: coderai cancel {project_id}"
            )
