"""Keeps a worker process to its work: one document at a time, no network, no program but Tesseract, nothing written.

Python's audit events are the fence, so it holds for Python code; the C libraries are told not to reach out where they
are called. It cannot be taken down again. Limits on time and memory are in `worker` and `sandbox`.
"""

import os
import sys
import sysconfig
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

_PROGRAMS = ("tesseract",)
_NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "telnetlib.")
_PROGRAM_STARTS = ("os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn")
_CHANGES = (
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime", "shutil.",
)  # fmt: skip
_OPENS = ("open", "os.listdir", "os.scandir")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/nix/store", "/Library", "/System", "/dev/null", "/dev/urandom")

_document: str | None = None


def raise_fence() -> None:
    """From here on this process opens its document, its libraries and its own temporary folder, and nothing else."""
    readable = tuple({*_SYSTEM_FOLDERS, f"/proc/{os.getpid()}", *_library_folders()})
    writable = os.path.realpath(tempfile.gettempdir())
    sys.addaudithook(lambda event, arguments: _check(event, arguments, readable, writable))


@contextmanager
def opened_for(path: str) -> Generator[None]:
    """Within it, the document at `path` may be opened for reading."""
    global _document
    _document = path
    try:
        yield
    finally:
        _document = None


def _check(event: str, arguments: tuple[object, ...], readable: tuple[str, ...], writable: str) -> None:
    if event in _OPENS:
        _check_open(event, arguments, readable, writable)
    elif event.startswith(_NETWORK) or event.startswith(_PROGRAM_STARTS):
        raise PermissionError(f"a reader may not do this: {event}")
    elif event == "subprocess.Popen" and not _is_allowed_program(arguments[0]):
        raise PermissionError(f"a reader may not start {arguments[0]!r}")
    elif event.startswith(_CHANGES) and not _is_within(arguments[0] if arguments else None, (writable,)):
        raise PermissionError(f"a reader may not do this: {event} {arguments!r}")


def _check_open(event: str, arguments: tuple[object, ...], readable: tuple[str, ...], writable: str) -> None:
    path = _as_path(arguments[0])
    flags = arguments[2] if event == "open" else 0
    writes = isinstance(flags, int) and flags & _WRITING
    if path is None or (path == _document and not writes):
        return
    allowed = (writable, os.devnull) if writes else (*readable, writable)
    if not _is_within(path, allowed):
        raise PermissionError(f"a reader may not open {path!r}")


def _is_within(path: object, folders: tuple[str, ...]) -> bool:
    """What is no path (an open descriptor) was let through when it was opened."""
    named = _as_path(path)
    if named is None:
        return True
    real = os.path.realpath(named)
    return any(real == folder or real.startswith(folder.rstrip("/") + "/") for folder in folders)


def _is_allowed_program(executable: object) -> bool:
    program = _as_path(executable)
    return program is not None and Path(program).name in _PROGRAMS


def _as_path(value: object) -> str | None:
    return os.fsdecode(cast("str", value)) if isinstance(value, str | bytes | os.PathLike) else None


def _library_folders() -> set[str]:
    package = Path(__file__).resolve().parents[1]
    named = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, str(package)}
    on_path = {folder for folder in sys.path if folder.endswith(("-packages", ".zip")) or "python3" in folder}
    return {os.path.realpath(folder) for folder in named | on_path}
