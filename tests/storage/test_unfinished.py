"""What a killed process left half written is gone with the next one, and two processes never write into the same folder."""

import subprocess
import sys
import threading
from pathlib import Path

from coderai_pipeline.storage.unfinished import unfinished

_WRITES_AND_WAITS = """
import sys, time
from pathlib import Path
from coderai_pipeline.storage.unfinished import unfinished
with unfinished(Path(sys.argv[1]), "excel") as work:
    (work / "part").mkdir()
    (work / "part" / "dataset.xlsx").write_text("half")
    print("written", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_is_gone_with_the_next(tmp_path: Path) -> None:
    with _writing(tmp_path) as process:
        process.kill()
    assert [path.name for path in tmp_path.iterdir()] == [".excel.unfinished"]
    with unfinished(tmp_path, "excel") as work:
        assert list(work.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    has_begun = threading.Event()

    def work_too() -> None:
        with unfinished(tmp_path, "excel"):
            has_begun.set()

    with _writing(tmp_path) as process:
        waiting = threading.Thread(target=work_too)
        waiting.start()
        assert not has_begun.wait(0.3)
        assert (tmp_path / ".excel.unfinished" / "work" / "part" / "dataset.xlsx").read_text() == "half"
        with unfinished(tmp_path, "stata") as other:
            assert list(other.iterdir()) == []
        process.kill()
        assert has_begun.wait(60)
        waiting.join()
    assert list(tmp_path.iterdir()) == []


def _writing(place: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", _WRITES_AND_WAITS, str(place)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process
