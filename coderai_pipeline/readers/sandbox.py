"""Runs readers in worker processes under limits of time and memory, so that a bomb costs one document and nothing else.

What a worker does with a file is in `reading`; what it may not do is in `fence`.
"""

import contextlib
import json
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from coderai_pipeline.domain.documents import Document, DocumentStatus, Place
from coderai_pipeline.domain.errors import CoderAIError
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.limits import too_much_memory, too_much_time
from coderai_pipeline.readers.scratch import Scratch
from coderai_pipeline.readers.wire import DOCUMENT, HEADER, LOADED, VALUE, plain_values, unpack

_POLL_SECONDS = 0.02
_START_SECONDS = 120.0
_KEPT_ENVIRONMENT = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TESSDATA_PREFIX", "SYSTEMROOT")
"""What a worker sees of the environment: nothing that could be a key."""

Read = TypeVar("Read")


class Reader:
    """A pool of worker processes that read files. Use as a context manager; leaving it ends the workers.

    workers: how many processes, one a core by default. They start with the first files and are used again.
    """

    def __init__(self, options: ReadOptions, workers: int | None = None) -> None:
        self._options = options
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._scratch = Scratch()
        count = workers or _cores()
        self._threads = [threading.Thread(target=self._serve, daemon=True, name=f"reader-{n}") for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, path: Path, key: str, source: str, row: int | None = None) -> "Reading[Document]":
        """Read a file; `row`, the position of a document in the rows of a table of documents.

        A bad file gives a Document that says why. The future raises only CancelledError, when the reader is closed
        first, and ReaderBroken, when no file can be read at all.
        """
        return self._enqueue(_Request("document", Path(path), key, source, {"row": row}))

    def submit_rows(self, path: Path) -> "Future[list[str] | None]":
        """The ids of the rows of a table of documents; None for any other file.

        Raises NotReadable where the table's text column cannot be told.
        """
        return self._enqueue(_Request("rows", Path(path)))

    def submit_page(self, path: Path, page: int, places: Sequence[Place] = ()) -> "Future[bytes]":
        """PNG of a page (from 1) of a PDF, the places that stand on it marked. Raises NotReadable where there is none."""
        plain = [(place.page, place.rectangles) for place in places]
        return self._enqueue(_Request("page", Path(path), details={"page": page, "places": plain}))

    def submit_copy(self, path: Path, marks: Sequence[tuple[Place, str]]) -> "Future[bytes]":
        """A copy of a PDF with each place highlighted, its label as note. Raises NotReadable where there is none."""
        plain = [((place.page, place.rectangles), label) for place, label in marks]
        return self._enqueue(_Request("copy", Path(path), details={"marks": plain}))

    def close(self) -> None:
        """Cancel what is waiting, stop what is being read, end the workers."""
        self._closing.set()
        while True:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                break
            if request:
                request.future.cancel()
        for _ in self._threads:
            self._requests.put(None)
        for thread in self._threads:
            thread.join()
        self._scratch.remove()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enqueue(self, request: "_Request") -> "Reading[Any]":
        if self._closing.is_set():
            raise RuntimeError("this Reader is closed; open another")
        self._requests.put(request)
        if self._closing.is_set():
            request.future.cancel()
        return request.future

    def _serve(self) -> None:
        """One thread a worker: hands it files, watches it, replaces it when it had to be ended."""
        worker = _Worker(self._options, self._scratch.path, self._closing)
        while request := self._requests.get():
            if not request.future.set_running_or_notify_cancel():
                continue
            began = time.time_ns()
            try:
                done = worker.do(request)
                request.future.took = (began, time.time_ns())
                request.future.set_result(done)
            except BaseException as error:  # noqa: BLE001 - belongs to whoever waits for this file
                request.future.set_exception(error)
        worker.end()


class Reading(Future[Read]):
    """What a worker was asked for. took: when it began and ended, in nanoseconds since the epoch; None until it is done."""

    took: tuple[int, int] | None = None


@dataclass(slots=True, eq=False)
class _Request:
    do: str
    path: Path
    key: str = ""
    source: str = ""
    details: dict[str, object] = field(default_factory=dict[str, object])
    future: "Reading[Any]" = field(default_factory=lambda: Reading[Any]())
    known: tuple[str, str, int] | None = None
    """Type, SHA-256 and size in bytes, once the worker has them."""

    def line(self) -> bytes:
        path = os.fsencode(os.path.abspath(self.path)).hex()  # noqa: PTH100 - resolving would follow links
        values = {"do": self.do, "path": path, "key": self.key, "source": self.source, **self.details}
        return json.dumps(values).encode() + b"\n"

    def refused(self, status: DocumentStatus, reason: str) -> Document | None:
        """The document of a file that ended its worker. Its rows are none: read as a document, it gets its reason."""
        if self.do == "rows":
            return None
        if self.do in ("page", "copy"):
            raise NotReadable(status, reason)
        kind, sha256, size = self.known or ("unknown", "", 0)
        return Document(self.key, self.source, kind, status, reason, sha256, size)


class _Ended(Exception):
    """The worker had to be ended, or ended itself, over a file."""

    def __init__(self, status: DocumentStatus, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


def _cores() -> int:
    """Those this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ReaderBroken(CoderAIError):
    """No file can be read here: the fault is this installation's, not a file's."""


class _Worker:
    """One worker process and its replacements. Used by one thread."""

    def __init__(self, options: ReadOptions, folder: str, closing: threading.Event) -> None:
        self._options = options
        self._folder = folder
        self._closing = closing
        self._process: subprocess.Popen[bytes] | None = None
        self._memory_at_start = 0

    def do(self, request: _Request) -> object:
        try:
            kind, payload = self._exchange(request)
            answer = _answer(kind, payload)
        except _Ended as ended:
            self.end()
            return request.refused(ended.status, ended.reason)
        except (pickle.UnpicklingError, ValueError, TypeError, EOFError) as error:
            self.end()
            return request.refused(DocumentStatus.CORRUPT, f"broke the process that read it ({error})")
        self._recycle()
        return answer

    def end(self) -> None:
        """Kill the process and what it started; the next file gets a new one."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()
        self._process = None

    def _exchange(self, request: _Request) -> tuple[bytes, bytes]:
        process = self._started()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(request.line())
            process.stdin.flush()
        except OSError as error:
            raise _Ended(DocumentStatus.CORRUPT, _CRASHED) from error
        watch = _Watch(process, self._options, self._closing)
        while True:
            kind, size = HEADER.unpack(watch.receive(HEADER.size))
            if size > self._options.memory_mb * 2**20:
                raise _Ended(DocumentStatus.TOO_LARGE, too_much_memory(self._options))
            payload = watch.receive(size)
            if kind != LOADED or watch.is_reading:
                return kind, payload
            if payload:
                request.known = plain_values(payload)
            # Loading a format's libraries takes seconds and hundreds of MB on some machines; no file is charged for it.
            watch.restart()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process and self._process.poll() is None:
            return self._process
        self.end()
        with Path(self._folder, "start.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "coderai_pipeline.readers.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(self._folder),
                cwd=self._folder,
                bufsize=0,
                start_new_session=True,
            )
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            # Through the pipe, never on the command line: passwords are among them.
            self._process.stdin.write(json.dumps(asdict(self._options)).encode() + b"\n")
        self._memory_at_start = 0
        try:
            _Watch(self._process, self._options, self._closing).receive(HEADER.size)
        except _Ended as error:
            raise ReaderBroken(f"the process that reads files cannot start: {self._last_words()}") from error
        return self._process

    def _last_words(self) -> str:
        """What the process said before it could read anything; afterwards it has no place to say it."""
        return Path(self._folder, "start.log").read_text(errors="replace")[-500:].strip()

    def _recycle(self) -> None:
        """Replace a worker that still holds much of a file's memory, or the next file would pay for it."""
        if not self._process:
            return
        held = resident_bytes(self._process.pid)
        self._memory_at_start = self._memory_at_start or held
        if held - self._memory_at_start > self._options.memory_mb * 2**20 // 2:
            self.end()


class _Watch:
    """Receives a worker's answer while time, memory and the reader's closing are watched."""

    def __init__(self, process: "subprocess.Popen[bytes]", options: ReadOptions, closing: threading.Event) -> None:
        assert process.stdout
        self._process = process
        self._descriptor = process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._options = options
        self._closing = closing
        self._deadline = time.monotonic() + options.seconds + _START_SECONDS
        self._allowed = 0
        self._peak = 0

    @property
    def is_reading(self) -> bool:
        return self._allowed > 0

    def restart(self) -> None:
        """From here on the file is being read."""
        self._deadline = time.monotonic() + self._options.seconds
        self._allowed = resident_bytes(self._process.pid) + self._options.memory_mb * 2**20

    def receive(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            if not self._poll.poll(_POLL_SECONDS * 1000):
                self._check()
                continue
            chunk = os.read(self._descriptor, min(size - len(received), 2**20))
            if not chunk:
                raise self._died()
            received += chunk
        return bytes(received)

    def _check(self) -> None:
        if self._closing.is_set():
            raise CancelledError
        if time.monotonic() > self._deadline:
            raise _Ended(DocumentStatus.TIMED_OUT, too_much_time(self._options))
        if self._allowed:
            self._peak = max(self._peak, resident_bytes(self._process.pid))
            if self._peak > self._allowed:
                raise _Ended(DocumentStatus.TOO_LARGE, too_much_memory(self._options))

    def _died(self) -> _Ended:
        if self._allowed and self._peak > 0.8 * self._allowed:
            return _Ended(DocumentStatus.TOO_LARGE, too_much_memory(self._options))
        return _Ended(DocumentStatus.CORRUPT, _CRASHED)


_CRASHED = "broke the program that read it; open it and save it again, or convert it to PDF"


def resident_bytes(pid: int) -> int:
    """Memory that a process holds; 0 where the system does not say, and then only the worker's own limit holds."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _answer(kind: bytes, payload: bytes) -> object:
    if kind == DOCUMENT:
        return unpack(payload)
    if kind != VALUE:
        raise ValueError(f"answer of kind {kind!r}")
    value: tuple[Any, ...] = plain_values(payload)
    if len(value) == 1:
        return value[0]
    status, reason = value
    raise NotReadable(DocumentStatus(status), str(reason))


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS"), "1")
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # noqa: PTH100 - sys.path holds strings, also ""
    return {**kept, **threads, "PYTHONPATH": path, "TMPDIR": folder, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
