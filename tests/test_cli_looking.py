"""The commands that look ahead and back: ledger, forecast, retry, cancel."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from coderai_pipeline.cli import main
from coderai_pipeline.defs import names
from coderai_pipeline.defs.headless import open_instance
from tests.engine.small_project import KEY, add_document, label_server, make_project, run
from tests.server_moods import Moods
from tests.servers import ModelServer

PRICES = {"prices": {"test-model": {"input": 2.0, "output": 8.0}}, "currency": "EUR"}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with label_server() as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODERAI_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
    return tmp_path


def coderai(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_a_ledger_that_closes_ends_with_code_0(server: ModelServer, home: Path) -> None:
    run(make_project(home, server))
    told = coderai("ledger", "small")
    assert told.exit_code == 0, told.output
    assert "24 wanted = 24 settled + 0 failed + 0 open: it closes" in told.output


def test_a_ledger_says_what_is_open_and_why(server: ModelServer, home: Path) -> None:
    loaded = make_project(home, server, documents=2)
    run(loaded)
    add_document(loaded.folder.path, "broken.pdf", b"%PDF-1.7\nnothing")
    told = coderai("ledger", "small")
    assert told.exit_code == 1
    assert "not read yet" in told.output
    assert "broken.pdf\t\t\t" not in told.output
    run(loaded)
    cells = coderai("ledger", "small", "--open")
    assert cells.exit_code == 1
    assert cells.output.startswith("broken.pdf\t\t\t")
    stated = json.loads(coderai("ledger", "small", "--json", "--open").output)
    assert (stated["wanted"], stated["settled"], stated["closes"], stated["open_cells"]) == (6, 6, False, [])
    assert stated["not_settled"][0]["source"] == "broken.pdf"


def test_a_ledger_names_what_is_gone_and_how_it_is_forgotten(server: ModelServer, home: Path) -> None:
    loaded = make_project(home, server, documents=2)
    run(loaded)
    (loaded.folder.inbox / "receipt-001.txt").unlink()
    told = coderai("ledger", "small").output
    assert "1 document no longer in the inbox (receipt-001.txt)" in told
    assert "coderai document forget small KEY" in told


def test_a_forecast_gives_every_number_with_its_interval(server: ModelServer, home: Path) -> None:
    make_project(home, server, documents=3, extractor=PRICES)
    told = coderai("forecast", "small")
    assert told.exit_code == 0, told.output
    for heading in ("calls:", "prompt tokens:", "completion tokens:", "cost:", "time:", "budget:"):
        assert heading in told.output
    stated = json.loads(coderai("forecast", "small", "--json").output)
    assert stated["documents"] == 3
    assert stated["totals"]["cost"]["low"] <= stated["totals"]["cost"]["expected"] <= stated["totals"]["cost"]["high"]
    assert json.loads(coderai("forecast", "small", "--sample", "2", "--json").output)["documents"] == 2


def test_retry_asks_again_for_what_failed_and_nothing_else(server: ModelServer, home: Path) -> None:
    server.set_moods(Moods(key=KEY, refusals=1.0))
    loaded = make_project(home, server, documents=2)
    run(loaded)
    add_document(loaded.folder.path, "late.txt", "Total: 1.00\nCity: Graz\nSeller: X\n")
    server.set_moods(Moods(key=KEY))
    server.forget()
    told = coderai("retry", "small")
    assert told.exit_code == 0, told.output
    assert server.counts()["answered"] == 2
    assert "nothing has failed" in coderai("retry", "small").output


def test_cancel_names_a_run_that_only_its_own_command_can_end(server: ModelServer, home: Path) -> None:
    make_project(home, server, documents=1)
    assert "no run is under way" in coderai("cancel", "small").output
    with open_instance(home) as instance:
        started = dg.DagsterRunStatus.STARTED
        instance.add_run(dg.DagsterRun("small__extract", "r1", status=started, tags={names.PROJECT_TAG: "small"}))
    assert "run r1: was started by a command" in coderai("cancel", "small").output


def test_a_project_that_does_not_exist_is_named() -> None:
    for command in ("ledger", "forecast", "retry", "cancel"):
        told = coderai(command, "other")
        assert told.exit_code == 1
        assert "no project 'other'" in told.output
