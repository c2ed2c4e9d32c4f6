"""Opens a file from an inbox without following, waiting on or trusting it.

What its bytes are is decided in `detect`.
"""

import errno
import os
import stat

from coderai_pipeline.domain.documents import DocumentStatus
from coderai_pipeline.readers.base import NotReadable

_KINDS = (
    (stat.S_ISDIR, "a folder, not a file; put the files in it into the inbox, or rename it"),
    (stat.S_ISLNK, "a link; copy the file itself"),
    (stat.S_ISFIFO, "a pipe, not a file; copy the file itself"),
    (stat.S_ISSOCK, "a socket, not a file; copy the file itself"),
    (stat.S_ISCHR, "a device, not a file; copy the file itself"),
    (stat.S_ISBLK, "a device, not a file; copy the file itself"),
)
_READ_BITS = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


def read_regular_file(path: str, limit_mb: float) -> bytes:
    """The bytes of a regular file of at most `limit_mb`; anything else raises NotReadable before a byte is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise _refusal(path, error) from error
    try:
        before = os.fstat(descriptor)
        _check(before, limit_mb)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(before.st_size + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if len(data) != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        raise NotReadable(DocumentStatus.CORRUPT, "changed while it was read; it is read again once it stays as it is")
    return data


def file_identity(path: str) -> tuple[int, ...] | None:
    """Changes whenever the file does; None where there is no such regular file."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _check(found: os.stat_result, limit_mb: float) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotReadable(DocumentStatus.UNSUPPORTED, f"is {_kind(found.st_mode)}")
    # Asked of the mode, not of the system, so that an administrator gets the same answer as everybody else.
    if not found.st_mode & _READ_BITS:
        raise NotReadable(DocumentStatus.UNSUPPORTED, "may not be read: nobody has permission; change its permissions")
    if found.st_size > limit_mb * 1_000_000:
        reason = f"is {found.st_size / 1e6:.1f} MB; files up to {limit_mb:g} MB are read (limits.file_mb)"
        raise NotReadable(DocumentStatus.TOO_LARGE, reason)


def _kind(mode: int) -> str:
    return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "not a regular file; copy the file itself")


def _refusal(path: str, error: OSError | ValueError) -> NotReadable:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ELOOP:
        return NotReadable(DocumentStatus.UNSUPPORTED, "is a link; copy the file itself")
    if code in (errno.ENOENT, errno.ENOTDIR):
        return NotReadable(DocumentStatus.UNSUPPORTED, "is not there any more; it was moved or deleted")
    if code in (errno.EACCES, errno.EPERM):
        return NotReadable(DocumentStatus.UNSUPPORTED, "may not be read: permission denied; change its permissions")
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return NotReadable(DocumentStatus.UNSUPPORTED, f"cannot be opened: {error}")
    if not stat.S_ISREG(mode):
        return NotReadable(DocumentStatus.UNSUPPORTED, f"is {_kind(mode)}")
    return NotReadable(DocumentStatus.UNSUPPORTED, f"cannot be opened: {error}")
