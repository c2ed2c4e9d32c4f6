"""The sensors: one looks into all inboxes and asks for what is missing, one lets datasets and exports follow.

Level-triggered: a tick compares what is wanted with what is held, so that nothing is lost however the last one ended.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.defs.jobs import op_name
from coderai_pipeline.defs.partitions import register_documents, register_feedback
from coderai_pipeline.defs.reload import reload_location
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.domain.prompts import prompt_version
from coderai_pipeline.engine.backlog import SAMPLE, Backlog, backlog, newest_change
from coderai_pipeline.engine.feedback import unapplied_files, untold_reports
from coderai_pipeline.publishing.exports import behind
from coderai_pipeline.publishing.snapshot import newest_snapshot
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder

INTERVAL_S = 5
FOLLOW_UP_S = 60.0
"""How long `follow_up` has to publish and to export before this sensor asks for it."""
TRY_AGAIN_S = 600.0
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def inbox_sensor(home: Home, jobs: Sequence[dg.JobDefinition]) -> dg.SensorDefinition:
    """jobs: those of all projects that it may request."""
    loaded_state = signature(home)

    @dg.sensor(
        name="inboxes",
        description="Takes in what is dropped into the projects' inboxes; notices new, changed and removed projects.",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        jobs=list(jobs) or None,
    )
    def inboxes(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        if signature(home) != loaded_state:
            yield dg.SkipReason(reload_location())
            return
        requests = [request for folder in home.list() for request in _requests(context, folder)]
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


def _requests(context: dg.SensorEvaluationContext, folder: ProjectFolder) -> Iterator[dg.RunRequest]:
    """The runs that a project needs now; none where it is broken, held back, or at work already."""
    try:
        loaded = folder.load()
    except InvalidInput:
        return
    if loaded.project.archived:
        return
    yield from _feedback(context, loaded)
    if is_at_work(context.instance, folder):
        return
    yield from _prompts(loaded)
    todo = backlog(loaded)
    extractor = loaded.project.extractor
    is_batched = extractor.batch and extractor.name == "openai"  # those are asked for by the sensor `batches`
    if todo.due and not is_batched and not was_cancelled(context.instance, folder):
        register_documents(context.instance, loaded.id, (entry.key for entry in todo.listing.entries))
        yield _extraction(loaded, todo)
    else:
        yield from _publication(context.instance, loaded)


def _prompts(loaded: LoadedProject) -> Iterator[dg.RunRequest]:
    """Written out whenever what would be asked has changed; the run key lets each wording through once."""
    versions = [prompt_version(loaded.project, loaded.codebook, variable) for variable in loaded.codebook.variables]
    wording = hashlib.sha256(" ".join(versions).encode()).hexdigest()[:16]
    yield dg.RunRequest(
        run_key=f"prompts:{loaded.id}:{wording}",
        job_name=names.job_name(loaded.id, "write_prompts"),
        tags={names.PROJECT_TAG: loaded.id},
    )


def _feedback(context: dg.SensorEvaluationContext, loaded: LoadedProject) -> Iterator[dg.RunRequest]:
    """Whatever is in feedback/ and not applied, or applied by the command line, of which the UI does not know yet. A run that
    breaks off is asked for again after some minutes."""
    files, untold = unapplied_files(loaded.folder), untold_reports(BlockStore(loaded.folder.state))
    job = names.job_name(loaded.id, "apply_feedback")
    if not (files or untold) or context.instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=ACTIVE)):
        return
    register_feedback(context.instance, loaded.id, (file.key for file in files))
    there = [(file.key, file.size, file.mtime_ns) for file in files]
    state = [int(time.time() // TRY_AGAIN_S), *there, *((report.file, report.stated) for report in untold)]
    wanted = hashlib.sha256(repr(state).encode()).hexdigest()[:16]
    yield dg.RunRequest(run_key=f"feedback:{loaded.id}:{wanted}", job_name=job, tags={names.PROJECT_TAG: loaded.id})


def _publication(instance: dg.DagsterInstance, loaded: LoadedProject) -> Iterator[dg.RunRequest]:
    """For what `follow_up` does not see: a document that could not be read or was forgotten, and a formula that was
    edited, materialise nothing; and it can be ended between an update and its answer."""
    changed, snapshot = newest_change(loaded), newest_snapshot(loaded.folder.outputs)
    if _is_left(changed) and (snapshot is None or snapshot.stat().st_mtime < changed.stat().st_mtime):
        yield _follow_up(loaded, "publish", f"publish:{loaded.id}:{changed.name}:{changed.stat().st_mtime_ns}")
    if _is_left(snapshot) and (formats := behind(loaded, snapshot)) and not _is_exporting(instance, loaded.id):
        yield _follow_up(loaded, "export", f"export:{loaded.id}:{snapshot.stem}", formats=formats)


def _is_left(file: Path | None) -> TypeGuard[Path]:
    """Whether a file has been there for longer than `follow_up` has to answer it."""
    return file is not None and time.time() - file.stat().st_mtime >= FOLLOW_UP_S


def _follow_up(loaded: LoadedProject, job: str, run_key: str, **config: object) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=run_key,
        job_name=names.job_name(loaded.id, job),
        tags={names.PROJECT_TAG: loaded.id},
        run_config={"ops": {op_name(loaded.id, job): {"config": config}}} if config else None,
    )


def _is_exporting(instance: dg.DagsterInstance, project_id: str) -> bool:
    exports = names.asset_key(project_id, "exports")
    return any(
        run.job_name == names.job_name(project_id, "export") or exports in (run.asset_selection or ())
        for run in instance.get_runs(dg.RunsFilter(statuses=ACTIVE))
    )


def is_at_work(instance: dg.DagsterInstance, folder: ProjectFolder) -> bool:
    """Whether a run of the project is under way, or somebody holds its runs."""
    control = Control(folder.state)
    return bool(control.paused) or control.is_extracting or _is_active(instance, folder.id)


def was_cancelled(instance: dg.DagsterInstance, folder: ProjectFolder) -> bool:
    """Whether a person ended the project's newest extraction: then none starts by itself before somebody lets it go on."""
    newest = instance.get_runs(dg.RunsFilter(tags={names.EXTRACTING_TAG: folder.id}), limit=1)
    is_cancelled = bool(newest) and newest[0].status is dg.DagsterRunStatus.CANCELED
    return is_cancelled and Control(folder.state).hold_back_after(newest[0].run_id)


def _is_active(instance: dg.DagsterInstance, project_id: str) -> bool:
    wanted = dg.RunsFilter(statuses=ACTIVE, tags={names.EXTRACTING_TAG: project_id})
    return instance.get_runs_count(wanted) > 0


def _extraction(loaded: LoadedProject, todo: Backlog) -> dg.RunRequest:
    tags = {names.PROJECT_TAG: loaded.id, names.EXTRACTING_TAG: loaded.id, "coderai/due": str(todo.due)}
    if todo.accepted:
        return dg.RunRequest(job_name=names.job_name(loaded.id, "extract"), tags=tags)
    config = {"sample_size": SAMPLE, "top_up": True}
    step = op_name(loaded.id, "sample")
    return dg.RunRequest(
        job_name=names.job_name(loaded.id, "sample"), tags=tags, run_config={"ops": {step: {"config": config}}}
    )
