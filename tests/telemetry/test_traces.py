"""Traces of real runs as a real collector receives them, and what a run is like without one that answers."""

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coderai_pipeline import telemetry
from coderai_pipeline.telemetry import traces
from coderai_pipeline.telemetry.about import NOT_KNOWN
from tests.collectors import Collector, collector, deaf_collector, events
from tests.engine.projects import KEY, answer, cells, drop, run
from tests.server_moods import Moods
from tests.servers import ModelServer
from tests.telemetry.test_runs_in_logs import SECRET, study


def test_a_call_stands_below_its_document_and_that_below_its_run(tmp_path: Path, traced: Collector) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server)
        run(folder, server)
    traces.shut_down()
    (of_run,) = traced.spans("run")
    assert (of_run.parent, of_run.service) == ("", "coderai_pipeline")
    assert of_run.attributes["coderai.project"] == "study"
    assert of_run.attributes["coderai.run_id"] == "run"
    assert of_run.attributes["coderai.cells_extracted"] == 6
    documents = {span.attributes["coderai.document"]: span for span in traced.spans("document")}
    assert set(documents) == {"0.txt", "1.txt", "2.txt"}
    assert {span.parent for span in documents.values()} == {of_run.id}
    for below in (*traced.spans("read document"), *traced.spans("chat")):
        assert below.parent == documents[below.attributes["coderai.document"]].id
    assert len(traced.spans("read document")) == len(traced.spans("chat")) == 3
    assert {span.trace for span in traced.spans()} == {of_run.trace}
    assert not any(span.is_error for span in traced.spans())


def test_a_call_bears_the_names_of_the_genai_conventions(tmp_path: Path, traced: Collector) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, documents=1)
        ran = run(folder, server)
        port = server.port
    (call,) = traced.spans("chat")
    assert (call.name, call.kind) == ("chat test-model", "SPAN_KIND_CLIENT")
    assert (
        call.attributes.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "test-model",
            "gen_ai.response.model": "test-model",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": ran.summary.input_tokens,
            "gen_ai.usage.output_tokens": ran.summary.output_tokens,
            "server.address": "127.0.0.1",
            "server.port": port,
            "coderai.call_id": cells(folder)["0.txt", "", "total"].call_ids[0],
            "coderai.variables": ("total", "city"),
            "coderai.run_id": "run",
        }.items()
    )


def test_the_server_is_told_of_which_span_its_request_is_a_part(
    tmp_path: Path, traced: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(answer) as server:
        (seen,) = run(study(tmp_path / "one", server, documents=1), server).requests
        monkeypatch.setenv("OTEL_PROPAGATORS", "none")
        (untold,) = run(study(tmp_path / "two", server, documents=1), server).requests
    call = traced.spans("chat")[0]
    assert seen.traceparent.split("-")[1:3] == [call.trace, call.id]
    assert untold.traceparent == ""


def test_a_line_of_the_log_leads_to_its_span(tmp_path: Path, log: Path, traced: Collector) -> None:
    with ModelServer(answer) as server:
        run(study(tmp_path, server, documents=1), server)
    (line,) = events(log, "call answered")
    (call,) = traced.spans("chat")
    assert (line["trace_id"], line["span_id"]) == (call.trace, call.id)


@pytest.mark.parametrize(
    ("moods", "error"),
    [(Moods(context_tokens=1), "400"), (Moods(resets=1.0), "ProviderUnavailable"), (Moods(refusals=1.0), "refusal")],
    ids=["refused", "no response", "the model refuses"],
)
def test_what_went_wrong_is_the_error_type(tmp_path: Path, traced: Collector, moods: Moods, error: str) -> None:
    with ModelServer(answer, moods) as server:
        run(study(tmp_path, server, documents=1), server)
    assert {(span.is_error, span.attributes["error.type"]) for span in traced.spans("chat")} == {(True, error)}


def test_tries_are_events_of_the_call(tmp_path: Path, traced: Collector) -> None:
    with ModelServer(answer, Moods(script=("errors", "limited"))) as server:
        run(study(tmp_path, server, documents=1), server)
    (call,) = traced.spans("chat")
    assert call.events == ("call retried", "rate limited")
    assert call.attributes["coderai.attempts"] == 3


def test_no_span_holds_a_key_or_a_word_of_a_confidential_text(tmp_path: Path, traced: Collector) -> None:
    with ModelServer(answer) as server:
        folder = study(tmp_path, server, documents=0, privacy={"show_text": False})
        drop(folder, "a.txt", f"total: {SECRET}\ncity: {SECRET}")
        run(folder, server)
    traces.shut_down()
    assert traced.spans("run")
    assert not any(word.encode() in body for body in traced.bodies for word in (SECRET, KEY))


@pytest.mark.parametrize("kind", ["none there", "deaf", "failing"])
def test_without_a_collector_that_answers_a_run_is_whole_and_hardly_longer_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    with deaf_collector() as deaf, collector(503) as failing, ModelServer(answer) as server:
        endpoints = {"none there": "http://127.0.0.1:9", "deaf": deaf, "failing": failing.endpoint}
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoints[kind])
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        telemetry.set_up()
        began = time.monotonic()
        with caplog.at_level(logging.WARNING):
            ran = run(study(tmp_path, server), server)
            traces.shut_down()
        assert time.monotonic() - began < 20
    assert ran.outcomes == {f"{number}.txt": "settled" for number in range(3)}
    assert [record.name for record in caplog.records] == ["coderai_pipeline.telemetry.otlp"]
    assert "traces are not delivered" in caplog.text


def test_nothing_of_opentelemetry_is_imported_unless_the_environment_asks_for_it() -> None:
    said = (
        "import sys; from coderai_pipeline import telemetry; telemetry.set_up(); print('opentelemetry' in sys.modules)"
    )
    for environment, imported in (
        ({}, "False"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, "False"),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, "False"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "True"),
    ):
        stated = {"PYTHONPATH": ":".join(sys.path), **environment}
        done = subprocess.run([sys.executable, "-c", said], env=stated, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == imported
        assert done.stderr == ""


def test_where_the_extra_is_not_installed_it_is_said_and_nothing_else_changes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "coderai_pipeline.telemetry.otlp", None)
    telemetry.set_up()
    assert not traces.is_on()
    assert traces.begin("x", NOT_KNOWN) is None
    assert "coderai-pipeline[telemetry]" in caplog.text
