"""Batch mode in Dagster: the job that submits a project's calls, and the sensor that collects what has come back.

What is submitted and when is decided in `engine.batching`; settling the replies is the ordinary `extract` job's part.
"""
# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportReturnType=false
# Dagster's decorators are typed in part only: what they make of a function is not known to the checker.

from collections.abc import Iterator, Sequence

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.defs.confidential import HELD_BACK, guarded
from coderai_pipeline.defs.corpus_run import CorpusRun, ExtractConfig
from coderai_pipeline.defs.jobs import op_name
from coderai_pipeline.defs.sensors import is_at_work, was_cancelled
from coderai_pipeline.defs.telling import told
from coderai_pipeline.domain.errors import CoderAIError, InvalidInput
from coderai_pipeline.engine import batching
from coderai_pipeline.engine.run import Scope
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder

INTERVAL_S = 30
REASONS = 10


def submit_batch_job(folder: ProjectFolder) -> dg.JobDefinition:
    description = "Batch mode: submits the calls that an extraction would make; their replies are collected later."

    @dg.op(name=op_name(folder.id, "submit_batch"), description=description)
    def submit(context: dg.OpExecutionContext, config: ExtractConfig) -> None:
        loaded = folder.load()
        with told(context, folder), guarded(loaded.project.privacy):
            _submit(context, loaded, config)

    tags = {names.PROJECT_TAG: folder.id, names.EXTRACTING_TAG: folder.id}

    @dg.job(name=names.job_name(folder.id, "submit_batch"), description=description, tags=tags)
    def submitting() -> None:
        submit()

    return submitting


def cancel_batches_job(folder: ProjectFolder) -> dg.JobDefinition:
    description = "Batch mode: ends the batches under way; what they answered is kept, and nothing is submitted until a run or `resume`."

    @dg.op(name=op_name(folder.id, "cancel_batches"), description=description)
    def cancel(context: dg.OpExecutionContext) -> None:
        for ticket in batching.cancel(folder.load(), "in the UI"):
            context.log.info(f"batch {ticket.batch} of {len(ticket.call_ids)} calls is {ticket.status}")

    @dg.job(
        name=names.job_name(folder.id, "cancel_batches"), description=description, tags={names.PROJECT_TAG: folder.id}
    )
    def cancelling() -> None:
        cancel()

    return cancelling


def batches_sensor(home: Home, jobs: Sequence[dg.JobDefinition]) -> dg.SensorDefinition:
    """jobs: the `extract` and `submit_batch` jobs of all projects, which it may request."""

    @dg.sensor(
        name="batches",
        description="Asks after submitted batches, collects their replies, and has them settled; submits what is due.",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        jobs=list(jobs) or None,
    )
    def batches(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requests = [request for folder in home.list() for request in _requests(context, folder)]
        yield from requests
        if not requests:
            yield dg.SkipReason("Nothing has come back, and nothing is to be submitted.")

    return batches


def _submit(context: dg.OpExecutionContext, loaded: LoadedProject, config: ExtractConfig) -> None:
    if not loaded.project.extractor.batch:
        raise dg.Failure(
            "extractor.batch is not set in project.yaml; set it, or ask at once (`coderai run PROJECT`, the job `extract`).",
            allow_retries=False,
        )
    unread = _read(context, loaded, config)
    scope = Scope(
        tuple(config.documents) or None, config.sample_size or None, config.seed, config.top_up, config.retry_failed
    )
    control = Control(loaded.folder.state)
    with control.extracting(context.run_id):
        sent = batching.submit(loaded, scope)
    context.log.info(f"{sent.calls} calls submitted in {len(sent.tickets)} batches")
    shown = {"calls": sent.calls, "batches": [ticket.batch for ticket in sent.tickets]}
    context.log_event(dg.AssetObservation(names.asset_key(loaded.id, "extractions"), metadata=shown))
    if sent.stopped:
        if not batching.tickets(loaded):
            control.hold_back(sent.stopped)
        raise dg.Failure(f"Stopped before the end: {sent.stopped}", metadata=shown, allow_retries=False)
    if unread is not None:
        raise unread
    if not sent.calls and not batching.tickets(loaded):
        CorpusRun(context, loaded).extract(config)  # all that is due is in the archive already


def _read(context: dg.OpExecutionContext, loaded: LoadedProject, config: ExtractConfig) -> dg.Failure | None:
    """Reads what no run has read yet. That some documents cannot be read keeps the others from nothing."""
    try:
        CorpusRun(context, loaded, ("documents", "chunks")).extract(config)
    except dg.Failure as failure:
        return failure
    return None


def _requests(context: dg.SensorEvaluationContext, folder: ProjectFolder) -> Iterator[dg.RunRequest]:
    try:
        loaded = folder.load()
    except InvalidInput:
        return
    if loaded.project.archived or loaded.project.extractor.name != "openai":
        return
    try:
        if batching.tickets(loaded):
            _collect(context, loaded)
    except CoderAIError as error:
        context.log.warning(f"{loaded.id}: {error}")
    if loaded.project.extractor.batch and not is_at_work(context.instance, folder):
        yield from _next_run(context, loaded)


def _collect(context: dg.SensorEvaluationContext, loaded: LoadedProject) -> None:
    came = batching.collect(loaded)
    for ticket in came.ended:
        context.log.info(f"{loaded.id}: batch {ticket.batch} of {len(ticket.call_ids)} calls is {ticket.status}")
    for why, number in without_reply(loaded, came)[:REASONS]:
        context.log.warning(f"{loaded.id}: {number} calls without a reply: {why}")


def without_reply(loaded: LoadedProject, came: batching.Collection) -> list[tuple[str, int]]:
    """Why calls got no reply, and how many, the most frequent first. What a server says of a request may quote it."""
    if came.without and not loaded.project.privacy.show_text:
        return [(f"why is {HELD_BACK}", sum(came.without.values()))]
    return sorted(came.without.items(), key=lambda one: -one[1])


def _next_run(context: dg.SensorEvaluationContext, loaded: LoadedProject) -> Iterator[dg.RunRequest]:
    job, scope = batching.next_step(loaded)
    if not job or was_cancelled(context.instance, loaded.folder):
        return
    config = {"sample_size": scope.sample or 0, "top_up": scope.top_up}
    yield dg.RunRequest(
        job_name=names.job_name(loaded.id, job),
        tags={names.PROJECT_TAG: loaded.id, names.EXTRACTING_TAG: loaded.id},
        run_config={"ops": {op_name(loaded.id, job): {"config": config}}},
    )
