"""`coderai metrics`: what is counted, what is served, and what is never among it."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from coderai_pipeline.cli import main
from coderai_pipeline.defs.product_assets import publish_dataset
from coderai_pipeline.storage.projects import Home
from tests.engine.small_project import KEY, label_server, make_project, run


def _samples(text: str) -> dict[tuple[str, str], float]:
    """(name, the labels beside the project's) -> value."""
    return {
        (one.name, " ".join(f"{value}" for label, value in sorted(one.labels.items()) if label != "project")): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_work_and_standing_are_counted_and_nothing_of_the_documents_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with label_server() as server:
        loaded = make_project(tmp_path, server, documents=5)
        run(loaded)
        publish_dataset(loaded)
        run(loaded)
    Home(tmp_path).create("broken").project_file.write_text("unit: {rows: three}\n")
    monkeypatch.setenv("CODERAI_HOME", str(tmp_path))
    printed = CliRunner().invoke(main, ["metrics", "--print"]).output
    counted = _samples(printed)
    assert counted["coderai_documents", "ready"] == 5
    assert counted["coderai_cells", "extracted"] == 15
    assert counted["coderai_extractions_total", "settled"] == 5
    assert counted["coderai_calls_total", "test-model"] == 5
    assert counted["coderai_call_seconds_count", ""] == 5
    assert counted["coderai_confidence_bucket", "+Inf"] == counted["coderai_confidence_count", ""] == 15
    assert counted["coderai_queue_documents", ""] == 0
    assert counted["coderai_budget_tokens", "spent"] > 0
    assert 'coderai_project_valid{project="broken"} 0.0' in printed
    assert "receipt" not in printed
    assert "Vienna" not in printed
    assert KEY not in printed


def test_it_is_served_with_health(tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("coderai"), "metrics", "--port", "0"]
    environment = {"CODERAI_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1].removesuffix("/metrics")
            assert _get(f"{address}/live") == (200, "live\n")
            assert _get(f"{address}/ready") == (200, "ready\n")
            assert _get(f"{address}/metrics")[0] == 200
            assert _get(f"{address}/")[0] == 404
        finally:
            process.kill()


def test_it_is_not_ready_while_dagsters_storage_does_not_answer(tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("coderai"), "metrics", "--port", "0"]
    environment = {
        "CODERAI_HOME": str(tmp_path),
        "CODERAI_POSTGRES_URL": "postgresql://coderai:secret@127.0.0.1:9/none",
        "PATH": "/usr/bin:/bin",
    }
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1].removesuffix("/metrics")
        status, said = _get(f"{address}/ready")
        live = _get(f"{address}/live")
        process.kill()
        recorded = process.communicate()[1]
    assert (status, live) == (503, (200, "live\n"))
    assert said.startswith("not ready: ")
    assert "127.0.0.1" not in said
    assert "onnection refused" in recorded
    assert "secret" not in recorded


def _get(url: str) -> tuple[int, str]:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
