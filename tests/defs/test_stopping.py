"""Ending runs from outside, where Dagster cannot be reached."""

from types import SimpleNamespace
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError

from coderai_pipeline.defs.stopping import cancel_runs


def test_a_run_whose_server_does_not_answer_is_told_and_no_traceback() -> None:
    def unreachable(_: str) -> bool:
        raise DagsterUserCodeUnreachableError("Could not reach user code server")

    run = SimpleNamespace(run_id="r1", status=dg.DagsterRunStatus.QUEUED, tags={})
    instance: Any = SimpleNamespace(get_runs=lambda _: [run], run_coordinator=SimpleNamespace(cancel_run=unreachable))
    assert cancel_runs(instance, "study") == {"r1": "could not be reached; it may have ended, else try again"}
