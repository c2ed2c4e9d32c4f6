"""The temporary folder of a reader, and the folders that killed processes left behind.

A folder is in use as long as its owner holds the lock on a file in it: a lock ends with its process, however that ends,
and unlike a process id is never another's. What happens in the folder is up to `sandbox`.
"""

import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_PREFIX = "coderai-read-"
_OWNER = "owner"


class Scratch:
    """A new temporary folder. The first one in a process also removes those that nobody owns any more."""

    def __init__(self) -> None:
        parent = tempfile.gettempdir()
        _sweep(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        beginning = Path(self.path, f".{_OWNER}")
        self._lock = os.open(beginning, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Only now is it found by others: locked from the first moment.
        beginning.rename(Path(self.path, _OWNER))

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


@cache
def _sweep(parent: str) -> None:
    for folder in Path(parent).glob(f"{_PREFIX}*"):
        if _is_ours(folder):
            _remove_if_left(folder)


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, no link to one, that belongs to this user."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return folder.is_dir() and not folder.is_symlink() and found.st_uid == os.getuid()


def _remove_if_left(folder: Path) -> None:
    try:
        lock = os.open(folder / _OWNER, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # Its owner lives.
    finally:
        os.close(lock)
