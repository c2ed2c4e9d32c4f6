"""Folders in which files are made, before each replaces the one that people see."""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def unfinished(place: Path, name: str) -> Generator[Path]:
    """An empty folder below `place`, for one process at a time: others that ask for the same name wait.

    It is gone in the end, and what a killed process left in it is gone in the beginning.
    """
    folder = place / f".{name}.unfinished"
    lock = _locked(folder)
    try:
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        yield work
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(folder: Path) -> int:
    """The descriptor of the folder's lock. A lock ends with its process, however that ends."""
    file = folder / _LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            continue  # whoever had it removed the folder just now
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if file.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        os.close(lock)  # it was removed while this process waited
