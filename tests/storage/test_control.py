"""Pause, acceptance and the run lock of a project."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from coderai_pipeline.domain.errors import ProjectBusy
from coderai_pipeline.storage.control import Control


@pytest.fixture(name="control")
def _control(tmp_path: Path) -> Control:
    (tmp_path / "project.yaml").write_text("name: study\n")
    os.utime(tmp_path / "project.yaml", (1_700_000_000, 1_700_000_000))
    return Control(tmp_path / "state")


def test_a_pause_holds_until_it_is_lifted(control: Control) -> None:
    assert control.paused == ""
    control.pause("the reviewer is on holiday")
    assert Control(control.folder).paused == "the reviewer is on holiday"
    control.resume()
    control.resume()
    assert control.paused == ""


def test_an_acceptance_says_who_and_when_and_can_be_withdrawn(control: Control) -> None:
    assert control.acceptance is None
    control.accept("Ada", "good enough")
    accepted = Control(control.folder).acceptance
    assert accepted is not None
    assert (accepted.by, accepted.note, accepted.at[-6:]) == ("Ada", "good enough", "+00:00")
    control.withdraw_acceptance()
    assert control.acceptance is None


def test_what_could_not_go_on_is_held_back_until_something_changes(control: Control) -> None:
    assert control.held_back == ""
    control.hold_back("the key is refused")
    assert control.held_back == "the key is refused"
    os.utime(control.folder.parent / "project.yaml", (time.time() + 5,) * 2)
    assert control.held_back == ""
    os.utime(control.folder.parent / "project.yaml", (1_700_000_000,) * 2)
    assert control.held_back == "the key is refused"
    control.resume()
    assert control.held_back == ""


def test_an_outage_holds_back_for_a_time_only(control: Control) -> None:
    control.hold_back("the server is down", seconds=0.1)
    assert control.held_back == "the server is down"
    time.sleep(0.12)
    assert control.held_back == ""


def test_only_one_run_extracts_a_project(control: Control) -> None:
    assert not control.is_extracting
    with control.extracting("first"):
        assert control.is_extracting
        with pytest.raises(ProjectBusy, match="run first"), control.extracting("second"):
            pass
    assert not control.is_extracting
    with control.extracting("third"):
        pass


def test_whoever_asks_whether_a_project_is_extracted_stops_no_run(control: Control) -> None:
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            _ = control.is_extracting

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(200):
            with control.extracting(f"run {number}"):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_lock_of_a_killed_process_is_free(control: Control) -> None:
    script = (
        "import sys, time; from pathlib import Path; from coderai_pipeline.storage.control import Control\n"
        "with Control(Path(sys.argv[1])).extracting('doomed'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(control.folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert control.is_extracting
        with pytest.raises(ProjectBusy, match=f"run doomed .process {process.pid}."), control.extracting("next"):
            pass
        process.kill()
        process.wait()
    with control.extracting("next"):
        assert control.is_extracting
