"""What a Dagster run tells in JSON logs and traces, besides its own events: that a job began and how it ended.

What happens in it is told where it happens, under the ids that are bound here.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from coderai_pipeline import telemetry
from coderai_pipeline.storage.projects import ProjectFolder
from coderai_pipeline.telemetry import logs, traces
from coderai_pipeline.telemetry.about import about_run, current


@contextmanager
def told(context: dg.OpExecutionContext | dg.AssetExecutionContext, folder: ProjectFolder) -> Generator[None]:
    """Around a step: whatever is told in here belongs to this run of this project."""
    if not telemetry.is_on():
        yield
        return
    shows_text = folder.load().project.privacy.show_text
    job = {"job": context.job_name, "step": context.op_def.name}
    began = time.monotonic()
    with (
        about_run(folder.id, context.run_id, shows_text=shows_text),
        traces.span("job", {f"coderai.{name}": value for name, value in job.items()}),
    ):
        logs.tell("job begun", current(), job)
        try:
            yield
        except BaseException as error:
            told_of = {**job, "error": type(error).__name__, "seconds": round(time.monotonic() - began, 3)}
            logs.tell("job failed", current(), told_of, logs.ERROR, quoting={"reason": str(error)})
            raise
        logs.tell("job ended", current(), {**job, "seconds": round(time.monotonic() - began, 3)})
