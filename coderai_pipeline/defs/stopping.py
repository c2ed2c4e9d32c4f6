"""Ends a project's runs from outside, as the UI's Terminate button does."""

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.storage.tags import GRPC_INFO_TAG

from coderai_pipeline.defs import names
from coderai_pipeline.defs.sensors import ACTIVE


def cancel_runs(instance: dg.DagsterInstance, project_id: str) -> dict[str, str]:
    """Run id -> what came of it, for every run of the project that is waiting or under way."""
    wanted = dg.RunsFilter(statuses=ACTIVE, tags={names.PROJECT_TAG: project_id})
    return {run.run_id: _cancel(instance, run) for run in instance.get_runs(wanted)}


def _cancel(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """A run that a command executes in itself has nobody who could be asked to end it."""
    if run.status is not dg.DagsterRunStatus.QUEUED and GRPC_INFO_TAG not in run.tags:
        return "was started by a command; end it there with Ctrl-C"
    try:
        is_cancelled = instance.run_coordinator.cancel_run(run.run_id)
    except DagsterUserCodeUnreachableError:
        is_cancelled = False
    return "is cancelled" if is_cancelled else "could not be reached; it may have ended, else try again"
