"""JSON logs: what a line holds, when there are any, and that several processes can write them at once."""

import json
import logging
import logging.config
import subprocess
import sys
from pathlib import Path

import pytest

from coderai_pipeline import telemetry
from coderai_pipeline.domain.errors import InvalidInput
from coderai_pipeline.telemetry import logs
from coderai_pipeline.telemetry.about import NOT_KNOWN, About, about_run
from tests.collectors import lines

STUDY = About("study", "run-1", shows_text=True)


def test_a_line_says_when_how_grave_what_and_what_about(log: Path) -> None:
    logs.tell("cell flagged", STUDY, {"document": "a.txt", "variable": "total", "call_id": None, "confidence": 0.5})
    (line,) = lines(log)
    assert line.pop("time").endswith("+00:00")
    assert line.pop("pid") > 0
    assert line == {
        "level": "info",
        "event": "cell flagged",
        "project": "study",
        "run_id": "run-1",
        "document": "a.txt",
        "variable": "total",
        "confidence": 0.5,
    }


def test_a_line_names_the_span_it_belongs_to(log: Path) -> None:
    logs.tell("x", About(parent=f"00-{'a' * 32}-{'b' * 16}-01"))
    (line,) = lines(log)
    assert (line["trace_id"], line["span_id"]) == ("a" * 32, "b" * 16)


def test_what_may_quote_a_document_is_bounded_and_left_out_unless_known_to_be_shown(log: Path) -> None:
    for about in (STUDY, About("study"), NOT_KNOWN):
        logs.tell("x", about, quoting={"reason": "word " * 1000})
    shown, *hidden = lines(log)
    assert len(shown["reason"]) == logs.LONGEST_WORDS
    assert all("reason" not in line for line in hidden)


def test_a_line_is_one_line_of_ascii_and_never_longer_than_a_pipe_takes_at_once(log: Path) -> None:
    logs.tell("x", STUDY, {"document": "\n\u2028\udc80表" * 2000, "other": "é" * 1000})
    (line,) = log.read_bytes().splitlines()
    assert line.isascii()
    assert len(line) < logs.LONGEST_LINE
    assert json.loads(line)["project"] == "study"


def test_the_level_decides_what_is_written(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logs.LEVEL, "warning")
    telemetry.set_up()
    logs.tell("little", STUDY)
    logs.tell("more", STUDY, level=logs.WARNING)
    assert [line["event"] for line in lines(log)] == ["more"]


def test_what_a_module_logs_is_written_in_json_too_and_not_twice(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with about_run("study", "run-1", shows_text=True):
        logging.getLogger("coderai_pipeline.engine.extraction").error("%s: went wrong", "a.txt")
    (line,) = lines(log)
    assert (line["event"], line["level"], line["run_id"]) == ("a.txt: went wrong", "error", "run-1")
    assert capfd.readouterr().err == ""


def test_off_nothing_is_written_and_other_logging_is_as_ever(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.set_up()
    assert not telemetry.is_on()
    logs.tell("x", STUDY, level=logs.ERROR)
    logging.getLogger("coderai_pipeline.engine.extraction").error("went wrong")
    assert capfd.readouterr().err == ""
    assert [record.message for record in caplog.records] == ["went wrong"]


def test_json_as_format_alone_goes_to_standard_error(tmp_path: Path) -> None:
    said = "from coderai_pipeline import telemetry; from coderai_pipeline.telemetry import logs, about\n"
    said += "telemetry.set_up(); logs.tell('x', about.About('study'))"
    environment = {"CODERAI_LOG_FORMAT": "json", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", said], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stderr)["project"] == "study"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (logs.FORMAT, "xml", "allowed: text, json"),
        (logs.LEVEL, "loud", "allowed: debug, info, warning, error"),
        (logs.FILE, "/nowhere/at/all.jsonl", "a folder that exists"),
    ],
)
def test_what_the_environment_says_wrongly_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=said) as refused:
        telemetry.set_up()
    assert name in str(refused.value)


def test_a_file_that_was_moved_away_is_opened_again(log: Path) -> None:
    logs.tell("first", STUDY)
    log.rename(log.with_suffix(".1"))
    logs.tell("second", STUDY)
    assert [line["event"] for line in lines(log)] == ["second"]


def test_a_full_disk_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(logs.FILE, "/dev/full")
    telemetry.set_up()
    logs.tell("x", STUDY)
    monkeypatch.undo()
    telemetry.set_up()
    assert capfd.readouterr().err == ""


WRITER = """
from coderai_pipeline import telemetry
from coderai_pipeline.telemetry import logs
from coderai_pipeline.telemetry.about import About
telemetry.set_up()
for number in range(2000):
    logs.tell("x", About("study"), {"number": number, "filling": "-" * (number % 3000)})
"""


def test_lines_of_several_processes_are_never_mixed(log: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER]) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    by_process: dict[int, list[int]] = {}
    for line in lines(log):
        by_process.setdefault(line["pid"], []).append(line["number"])
    assert list(by_process.values()) == [list(range(2000))] * 4


def test_whoever_configures_logging_anew_takes_nothing_away(log: Path) -> None:
    logs.tell("before", STUDY)
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    logs.tell("after", STUDY)
    assert [line["event"] for line in lines(log)] == ["before", "after"]
