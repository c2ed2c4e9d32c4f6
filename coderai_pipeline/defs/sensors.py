"""The sensors: one looks into all inboxes and asks for what is missing, one lets datasets and exports follow.

Level-triggered: a tick compares what is wanted with what is held, so that nothing is lost however the last one ended.
"""

import hashlib
from collections.abc import Iterator

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.defs.jobs import op_name
from coderai_pipeline.defs.partitions import register_documents
from coderai_pipeline.defs.reload import reload_location
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.engine.backlog import SAMPLE, Backlog, backlog
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder

INTERVAL_S = 5
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def inbox_sensor(home: Home) -> dg.SensorDefinition:
    loaded_state = signature(home)

    @dg.sensor(
        name="inboxes",
        description="Takes in what is dropped into the projects' inboxes; notices new, changed and removed projects.",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=dg.AssetSelection.all(),
    )
    def inboxes(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        if signature(home) != loaded_state:
            yield dg.SkipReason(reload_location())
            return
        requests = [request for folder in home.list() if (request := _request(context, folder)) is not None]
        yield from requests
        if not requests:
            yield dg.SkipReason("Nothing is missing.")

    return inboxes


def following_sensor() -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        name="follow_up",
        description="Publishes a project's dataset, and then its exports, when its extractions have changed.",
        target=dg.AssetSelection.all(),
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )


def signature(home: Home) -> str:
    """Changes when the projects would be defined otherwise: a new one, one mended or broken, renamed or archived."""
    parts: list[str] = []
    for folder in home.list():
        try:
            project = folder.load().project
            parts.append(
                f"{folder.id}:{project.name}:{project.unit}:{project.extractor.name}:{project.owners}:{project.archived}"
            )
        except InvalidInput as error:
            parts.append(f"{folder.id}:{error}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _request(context: dg.SensorEvaluationContext, folder: ProjectFolder) -> dg.RunRequest | None:
    """The run that a project needs now; None where it needs none, is held back, or is at work already."""
    try:
        loaded = folder.load()
    except InvalidInput:
        return None
    control = Control(folder.state)
    if loaded.project.archived or control.paused or control.is_extracting or _is_active(context.instance, folder.id):
        return None
    todo = backlog(loaded)
    if not todo.due:
        return None
    register_documents(context.instance, loaded, todo.listing)
    return _run(loaded, todo)


def _is_active(instance: dg.DagsterInstance, project_id: str) -> bool:
    wanted = dg.RunsFilter(statuses=ACTIVE, tags={names.EXTRACTING_TAG: project_id})
    return instance.get_runs_count(wanted) > 0


def _run(loaded: LoadedProject, todo: Backlog) -> dg.RunRequest:
    tags = {names.PROJECT_TAG: loaded.id, names.EXTRACTING_TAG: loaded.id, "coderai/due": str(todo.due)}
    if todo.accepted:
        return dg.RunRequest(job_name=names.job_name(loaded.id, "extract"), tags=tags)
    config = {"sample_size": SAMPLE, "top_up": True}
    step = op_name(loaded.id, "sample")
    return dg.RunRequest(
        job_name=names.job_name(loaded.id, "sample"), tags=tags, run_config={"ops": {step: {"config": config}}}
    )
