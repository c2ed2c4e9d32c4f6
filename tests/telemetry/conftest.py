"""Logs and traces as the environment asks for them, for the time of a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coderai_pipeline import telemetry
from tests.collectors import Collector, collector


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that JSON logs of this process, and of those it starts, go to."""
    monkeypatch.setenv("CODERAI_LOG_FILE", str(tmp_path / "log.jsonl"))
    telemetry.set_up()
    yield tmp_path / "log.jsonl"
    monkeypatch.undo()
    telemetry.set_up()


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """The collector that traces of this process, and of those it starts, go to."""
    with collector() as received:
        for name, value in received.environment.items():
            monkeypatch.setenv(name, value)
        telemetry.set_up()
        yield received
        monkeypatch.undo()
        telemetry.set_up()
