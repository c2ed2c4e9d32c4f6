"""The pool of worker processes: limits, replacement, order, and what a worker may not do."""

import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from coderai_pipeline.domain.documents import DocumentStatus, Span
from coderai_pipeline.readers import Reader, ReadOptions, read_file, read_files, text_fingerprint, wire
from coderai_pipeline.readers.sandbox import resident_bytes
from tests.readers import samples


def written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def slow_file(folder: Path) -> Path:
    return written(folder, "slow.docx", samples.docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 1_000_000))


def test_a_document_says_what_was_read(tmp_path: Path) -> None:
    path = written(tmp_path, "note.txt", "The committee met on Tuesday in the old town hall.")
    document = read_file(path)
    assert (document.type, document.status, document.reason) == ("text", DocumentStatus.READY, "")
    assert (document.words, document.language, document.size_bytes) == (10, "en", 50)
    assert len(document.sha256) == 64
    assert document.places.locate(Span(4, 13))[0].path == "line 1"


def test_the_time_limit_ends_a_file_and_not_the_next(tmp_path: Path) -> None:
    slow, plain = slow_file(tmp_path), written(tmp_path, "plain.txt", "plain")
    with Reader(ReadOptions(seconds=0.5), workers=1) as reader:
        first, second = (reader.submit(path, path.name, path.name) for path in (slow, plain))
        document = first.result(timeout=60)
        assert document.status == DocumentStatus.TIMED_OUT
        assert "0.5 seconds" in document.reason
        assert document.type == "docx"
        assert second.result(timeout=60).text == "plain"


def test_the_memory_limit_ends_a_file_and_not_the_next(tmp_path: Path) -> None:
    wide = "<tr>" + "<td>x</td>" * 300 + "</tr>"
    hungry = written(tmp_path, "hungry.html", f"<html><table>{wide * 1000}</table>")
    plain = written(tmp_path, "plain.txt", "plain")
    with Reader(ReadOptions(seconds=30, memory_mb=60), workers=1) as reader:
        first, second = (reader.submit(path, path.name, path.name) for path in (hungry, plain))
        document = first.result(timeout=60)
        assert document.status == DocumentStatus.TOO_LARGE
        assert "60 MB of memory" in document.reason
        assert second.result(timeout=60).text == "plain"


def test_a_worker_that_dies_costs_one_document(tmp_path: Path) -> None:
    slow, plain = slow_file(tmp_path), written(tmp_path, "plain.txt", "plain")
    with Reader(ReadOptions(), workers=1) as reader:
        reader.submit(plain, "", "").result()
        first, second = (reader.submit(path, path.name, path.name) for path in (slow, plain))
        time.sleep(0.3)
        os.kill(_worker_of(reader), 11)
        assert first.result(timeout=60).status == DocumentStatus.CORRUPT
        assert second.result(timeout=60).text == "plain"


def test_closing_cancels_what_waits_and_stops_what_runs(tmp_path: Path) -> None:
    slow = slow_file(tmp_path)
    reader = Reader(ReadOptions(), workers=1)
    running, waiting = (reader.submit(slow, "", "") for _ in range(2))
    time.sleep(0.6)
    started = time.monotonic()
    reader.close()
    assert time.monotonic() - started < 60
    assert waiting.cancelled()
    with pytest.raises(CancelledError):
        running.result(timeout=1)


def test_files_come_as_they_are_finished_and_none_is_lost(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{number}.txt", f"document {number}") for number in range(50)]
    documents = list(read_files(paths, ReadOptions(), workers=2))
    assert {document.text for document in documents} == {f"document {number}" for number in range(50)}


def test_a_name_of_any_bytes_is_read(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", "‮gpj.exe".encode(), b"line\nbreak.txt", b"=1+1.txt", b"-v.txt"):
        path = tmp_path / os.fsdecode(name)
        path.write_text("here")
        assert read_file(path).text == "here"


def test_a_worker_has_no_keys_no_network_and_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader tries to do is tried here, behind the same fence."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    other = written(tmp_path, "other.txt", "of another project")
    tries = f"""
import os, socket, subprocess, sys
from pathlib import Path
from coderai_pipeline.readers import fence
fence.raise_fence()
allowed = {str(tmp_path / "mine.txt")!r}
def tried(what):
    try:
        what()
    except PermissionError:
        return "refused"
    return "done"
with fence.opened_for(allowed):
    print(tried(lambda: Path(allowed).read_text()), end=" ")
    print(tried(lambda: Path({str(other)!r}).read_text()), end=" ")
    print(tried(lambda: Path(allowed).write_text("changed")), end=" ")
    print(tried(lambda: socket.socket()), end=" ")
    print(tried(lambda: os.remove(allowed)), end=" ")
    print(tried(lambda: os.listdir({str(tmp_path)!r})), end=" ")
    print(tried(lambda: os.system("true")), end=" ")
    print(tried(lambda: subprocess.run(["true"])), end=" ")
print(tried(lambda: Path(allowed).read_text()))
"""
    written(tmp_path, "mine.txt", "mine")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", tries],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert done.stdout.split() == ["done"] + ["refused"] * 8
    with Reader(ReadOptions(), workers=1) as reader:
        reader.submit(other, "", "").result()
        assert b"sk-secret" not in Path(f"/proc/{_worker_of(reader)}/environ").read_bytes()


def test_memory_of_a_file_is_given_back(tmp_path: Path) -> None:
    large = written(tmp_path, "large.txt", "many words of text\n" * 500_000)
    with Reader(ReadOptions(memory_mb=250), workers=1) as reader:
        for _ in range(3):
            assert reader.submit(large, "", "").result().status == DocumentStatus.READY
        assert resident_bytes(_worker_of(reader)) < 300 * 2**20


def test_what_a_worker_sends_can_name_no_code() -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, ("touch /tmp/never",)

    with pytest.raises(pickle.UnpicklingError):
        wire.unpack(pickle.dumps(Evil()))


def test_a_document_travels_unchanged(tmp_path: Path) -> None:
    document = read_file(written(tmp_path, "x.md", "# A\n\nb\n\n## C ‮x\n"))
    again = wire.unpack(wire.pack(document))
    for name in ("key", "text", "status", "headings", "warnings", "metadata", "language", "sha256"):
        assert getattr(again, name) == getattr(document, name)
    assert again.places.paths == document.places.paths
    assert list(again.places.starts) == list(document.places.starts)


def test_texts_that_read_the_same_have_one_fingerprint() -> None:
    assert text_fingerprint("The  Same\ntext ") == text_fingerprint("the same TEXT")
    assert text_fingerprint("the same text") != text_fingerprint("the same texts")


def _worker_of(reader: Reader) -> int:
    """The only child process of this one that reads."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        fields = status.read_text().rpartition(")")[2].split()
        command = (status.parent / "cmdline").read_bytes()
        if int(fields[1]) == os.getpid() and b"readers.worker" in command:
            return int(status.parent.name)
    raise AssertionError("no worker")


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_is_in_use_stays(tmp_path: Path) -> None:
    link, foreign = tmp_path / "coderai-read-link", tmp_path / "coderai-read-foreign"
    foreign.mkdir()
    (killed, left), (living, in_use) = (_with_scratch(tmp_path) for _ in range(2))
    link.symlink_to(in_use)
    killed.kill()
    killed.wait()
    assert left.is_dir()
    following, new = _with_scratch(tmp_path)
    assert [path.is_dir() for path in (left, in_use, new, foreign)] == [False, True, True, True]
    assert link.is_symlink()
    for process in (living, following):
        process.kill()
        process.wait()


def _with_scratch(temporary: Path) -> tuple["subprocess.Popen[str]", Path]:
    """A process that holds a reader's temporary folder, and the folder."""
    code = "import time; from coderai_pipeline.readers.scratch import Scratch; s = Scratch(); print(s.path, flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())
