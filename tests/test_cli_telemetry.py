"""`coderai run`, `export` and `feedback` as processes of their own, with JSON logs and a collector."""

from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from coderai_pipeline.defs.headless import open_instance
from tests.collectors import collector, events, lines
from tests.defs import corpora
from tests.deployments import Deployment
from tests.engine.projects import KEY, KEY_NAME, answer, drop, make
from tests.servers import ModelServer

VARIABLES = [{"name": "total", "type": "number"}]


def test_a_run_with_its_publication_and_exports_is_one_trace_and_its_dagster_runs_stand_in_the_logs(
    deployment: Deployment,
) -> None:
    log = deployment.root / "log.jsonl"
    with ModelServer(answer) as server, collector() as traced:
        folder = make(deployment.projects, VARIABLES, extractor={"base_url": server.base_url})
        drop(folder, "1.txt", "total: 1.5")
        environment = {KEY_NAME: KEY, "CODERAI_LOG_FILE": str(log), **traced.environment}
        ran = deployment.coderai("run", "study", environment=environment)
        written = deployment.coderai("export", "study", "--format", "csv_wide", environment=environment)
    assert (ran.returncode, written.returncode) == (0, 0), ran.stderr + written.stderr
    assert {line["project"] for line in lines(log)} == {"study"}
    with open_instance(deployment.projects) as instance:
        (extracted,) = instance.get_runs(dg.RunsFilter(job_name="study__extract"))
        assert corpora.materialised(instance, "study", "extractions") == {"1.txt"}
    assert {line["run_id"] for line in events(log, "call answered")} == {extracted.run_id}
    assert [line["job"] for line in events(log, "job ended")] == [
        f"study__{job}" for job in ("extract", "publish", "export")
    ]
    (published,) = events(log, "dataset published")
    assert (published["rows"], published["new"]) == (1, True)
    exports = events(log, "export written")
    assert Counter(line["format"] for line in exports)["csv_wide"] == 2
    assert all(line["bytes"] > 0 and line["run_id"] for line in exports)
    (command,) = traced.spans("coderai run")
    below = [span for span in traced.spans() if span.trace == command.trace]
    assert {"job", "run", "document", "read document", "chat test-model", "publish dataset", "write export"} <= {
        span.name for span in below
    }
    assert {span.parent for span in below if span.name == "job"} == {command.id}
    assert KEY not in log.read_text() + "".join(map(str, traced.bodies))


def test_json_lines_on_standard_error_leave_the_output_as_it_is(deployment: Deployment) -> None:
    folder = make(deployment.projects, VARIABLES, extractor={"name": "rules"})
    drop(folder, "1.txt", "total: 1.5")
    ran = deployment.coderai("run", "study", environment={"CODERAI_LOG_FORMAT": "json"})
    assert ran.returncode == 0, ran.stderr
    assert '"event": "run ended", "project": "study"' in ran.stderr
    assert "{" not in ran.stdout


def test_a_log_that_cannot_be_written_is_said_before_anything_is_done(deployment: Deployment, tmp_path: Path) -> None:
    make(deployment.projects, VARIABLES, extractor={"name": "rules"})
    ran = deployment.coderai("run", "study", environment={"CODERAI_LOG_FILE": str(tmp_path / "no" / "log")})
    assert ran.returncode == 2
    assert "CODERAI_LOG_FILE" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9"])
def test_without_a_collector_the_command_says_so_in_one_line(deployment: Deployment, endpoint: str) -> None:
    with ModelServer(answer) as server:
        folder = make(deployment.projects, VARIABLES, extractor={"base_url": server.base_url})
        drop(folder, "1.txt", "total: 1.5")
        environment = {KEY_NAME: KEY, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        ran = deployment.coderai("run", "study", environment=environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("traces are not delivered") == 1
    assert "Traceback" not in ran.stderr
