"""The process in which files are read: takes requests, answers with documents, and may do little else.

Started and watched by `sandbox`; a file that kills this process costs one document.
"""

import gc
import json
import os
import pickle
import resource
import signal
import sys
from functools import partial
from pathlib import Path
from typing import IO, Any

from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.readers import fence, reading
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.limits import too_much_memory
from coderai_pipeline.readers.wire import DOCUMENT, HEADER, LOADED, READY, VALUE, pack

COLLECT_AFTER = 20_000
"""Reading makes many values and few cycles; at Python's own pace, looking for them takes 3 % of the time."""
_GRACE_SECONDS = 10.0


def main() -> None:
    requests, answers = _private_channel()
    options = _options(requests.readline())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    fence.raise_fence()
    gc.set_threshold(COLLECT_AFTER)
    _send(answers, READY, b"")
    while request := requests.readline():
        # Ends a worker whose parent is gone while it reads; the parent's own limit comes first.
        signal.setitimer(signal.ITIMER_REAL, 2 * options.seconds + _GRACE_SECONDS)
        _answer(json.loads(request), options, answers)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(request: dict[str, Any], options: ReadOptions, answers: IO[bytes]) -> None:
    path = os.fsdecode(bytes.fromhex(request["path"]))
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with fence.opened_for(path):
        if request["do"] == "document":
            loaded = partial(_loaded, options, answers)
            document = reading.read(path, request["key"], request["source"], request["row"], options, loaded)
            _send(answers, DOCUMENT, pack(document))
        else:
            _send(answers, VALUE, pickle.dumps(_value(path, request, options, answers)))


def _value(path: str, request: dict[str, Any], options: ReadOptions, answers: IO[bytes]) -> tuple[object, ...]:
    """(value,), or (status, reason) where the file gives none."""
    try:
        if request["do"] == "rows":
            _loaded(options, answers)
            return (reading.list_rows(path, options),)
        from coderai_pipeline.readers import drawing

        _loaded(options, answers)
        if request["do"] == "copy":
            return (drawing.mark(path, request["marks"], options),)
        return (drawing.draw(path, request["places"], request["page"], options),)
    except NotReadable as trouble:
        return str(trouble.status), trouble.reason
    except MemoryError:
        return str(DocumentStatus.TOO_LARGE), too_much_memory(options)
    except Exception as error:  # noqa: BLE001 - the document's boundary
        return str(DocumentStatus.CORRUPT), f"could not be read ({type(error).__name__}: {error})"


def _loaded(options: ReadOptions, answers: IO[bytes], document: Document | None = None) -> None:
    """Tells the parent that reading begins, and what is known of the document should it end this process."""
    _limit_memory(options)
    known = pickle.dumps((document.type, document.sha256, document.size_bytes)) if document else b""
    _send(answers, LOADED, known)


def _limit_memory(options: ReadOptions) -> None:
    """Bounds what this file may add; half above the project's limit, the parent's watch, which knows why, is first."""
    limit = _data_bytes() + int(options.memory_mb * 1.5 * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))


def _data_bytes() -> int:
    """Private writable memory of this process, which is what RLIMIT_DATA counts; mapped libraries are not in it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except OSError:
        return 2**30
    return pages * resource.getpagesize()


def _send(answers: IO[bytes], kind: bytes, payload: bytes) -> None:
    answers.write(HEADER.pack(kind, len(payload)))
    answers.write(payload)
    answers.flush()


def _private_channel() -> tuple[IO[bytes], IO[bytes]]:
    """The parent's pipes, moved away from descriptors 0 to 2, on which C libraries print what they like."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return requests, answers


def _options(line: bytes) -> ReadOptions:
    values: dict[str, Any] = json.loads(line)
    values["passwords"] = tuple(values["passwords"])
    return ReadOptions(**values)


if __name__ == "__main__":
    sys.exit(main())
