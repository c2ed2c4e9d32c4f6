"""Looks into a project's inbox: which files are there to be read, and which cannot be and why.

Nothing is opened here and no link is followed; reading is in `readers`. A table of documents is one file here and
becomes one document a row where it is read, under `row_key`.
"""

import hashlib
import os
import re
import stat
import sys
import time
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coderai_pipeline.storage.projects import ProjectFolder

MAX_KEY = 200
SETTLED_AFTER_S = 3.0

_TEMPORARY = (".part", ".partial", ".crdownload", ".download", ".tmp")
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_KINDS = {
    stat.S_IFLNK: "a link; links are not followed, put the file itself into the inbox",
    stat.S_IFIFO: "a pipe, not a file; remove it",
    stat.S_IFSOCK: "a socket, not a file; remove it",
    stat.S_IFCHR: "a device, not a file; remove it",
    stat.S_IFBLK: "a device, not a file; remove it",
}
_SELECTING = r"!\"#$%'*,:;<>?\[\\\]^`{|}"
"""Read by Dagster or a shell as part of a selection; # parts a table from its row."""
_UNSEEN = (
    r"\x00-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\uf8ff\U000e0000-\U0010ffff"
)
"""Control characters, blanks other than the space, marks that turn the writing direction, bytes that are not text."""
_UNSAFE = re.compile(rf"[{_SELECTING}{_UNSEEN}]+|\.{{2,}}")
_UNSAFE_START = re.compile(r"(?:(?<=/)|^)[-=+@~ ]+|^/+")
_UNSAFE_END = re.compile(r" +(?=/|\Z)")
_HASHED = re.compile(r"~[0-9a-f]{12}\Z")


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file to be read. key: of its document. source: its path below the inbox as people see it. location: its path, as
    text, which takes a quarter of the memory: there may be a hundred thousand."""

    key: str
    source: str
    location: str
    size: int
    mtime_ns: int

    @property
    def path(self) -> Path:
        return Path(self.location)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """Something in the inbox that is not opened; it is listed as a document with status `unsupported`."""

    key: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class InboxScan:
    """What is in an inbox, each part by source. unsettled: still being written, to be looked at again. surplus: more
    than the project's limit of documents, not read until the limit is raised or other files are removed."""

    files: tuple[InboxFile, ...]
    refused: tuple[RefusedFile, ...]
    unsettled: tuple[str, ...]
    surplus: tuple[str, ...]


def scan(
    folder: ProjectFolder,
    *,
    max_documents: int | None = None,
    known: Container[str] = (),
    settled_after_s: float = SETTLED_AFTER_S,
    now: float | None = None,
) -> InboxScan:
    """Everything in the inbox and its folders.

    Passed over: hidden files, Office lock files (~$x), unfinished downloads. A file modified less than
    `settled_after_s` before `now` (seconds since the epoch) is still being written. `known`: keys of documents that
    the project has already; they come first where there are more files than `max_documents` (None: no limit).
    """
    walk = _walked(folder.inbox, settled_after_s, time.time() if now is None else now)
    files = sorted(walk.files, key=lambda file: (file.key not in known, file.source))
    limit = len(files) if max_documents is None else max_documents
    return InboxScan(
        files=tuple(sorted(files[:limit], key=lambda file: file.source)),
        refused=tuple(sorted(walk.refused, key=lambda refused: refused.source)),
        unsettled=tuple(sorted(walk.unsettled)),
        surplus=tuple(sorted(file.source for file in files[limit:])),
    )


def scan_feedback(folder: ProjectFolder, *, settled_after_s: float = SETTLED_AFTER_S) -> InboxScan:
    """The files in `feedback/` and its folders, by the rules of the inbox; `key` is that of the file's partition."""
    walk = _walked(folder.feedback, settled_after_s, time.time())
    files, refused = sorted(walk.files, key=_age), sorted(walk.refused, key=lambda refused: refused.source)
    return InboxScan(tuple(files), tuple(refused), tuple(sorted(walk.unsettled)), ())


def document_key(source: str) -> str:
    """The partition key of a file: its path below the inbox, made safe for Dagster and readable.

    Two sources never get one key: wherever anything had to be changed, and wherever a source ends like a changed key,
    a hash of the source is appended. The same source always gets the same key.
    """
    cleaned = _cleaned(source)
    if source and cleaned == source and len(source) <= MAX_KEY and not _HASHED.search(source):
        return source
    if len(cleaned) > MAX_KEY - 13:
        cleaned = f"{cleaned[:90]}~{cleaned[-96:]}"
    return f"{cleaned}~{_hash(source)}"


def row_key(file_key: str, row_id: str) -> str:
    """The partition key of a row of a table: `file#row`. No file's key holds a #, so that none is equal to a row's."""
    row = _cleaned(row_id)
    key = f"{file_key}#{row}"
    if row == row_id and len(key) <= MAX_KEY and not _HASHED.search(row):
        return key
    return f"{file_key[: MAX_KEY - 75]}#{row[:60]}~{_hash(f'{file_key}#{row_id}')}"


def _age(file: InboxFile) -> tuple[int, str]:
    return file.mtime_ns, file.source


def _walked(root: Path, settled_after_s: float, now: float) -> "_Walk":
    walk = _Walk(now - settled_after_s, now)
    walk.inbox(root)
    return walk


@dataclass(slots=True)
class _Walk:
    """One pass over an inbox. A file modified after `settled_before` is still being written; one from the future
    (`now` is another machine's past) is not."""

    settled_before: float
    now: float
    files: list[InboxFile] = field(default_factory=list[InboxFile])
    refused: list[RefusedFile] = field(default_factory=list[RefusedFile])
    unsettled: list[str] = field(default_factory=list[str])

    def inbox(self, root: Path) -> None:
        if root.is_symlink():
            self._refuse("inbox", "the inbox is a link; links are not followed, make it a folder")
            return
        folders = [(str(root), "")]
        while folders:
            path, prefix = folders.pop()
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        folders.extend(self._entry(entry, prefix + entry.name))
            except FileNotFoundError:
                continue  # removed while we looked
            except OSError as error:
                self._refuse(prefix.rstrip("/") or "inbox", f"a folder that cannot be opened ({error.strerror})")

    def _entry(self, entry: os.DirEntry[str], source: str) -> Iterator[tuple[str, str]]:
        """Takes one entry in; a folder is given back to be walked."""
        if _is_passed_over(entry.name):
            return
        if entry.is_dir(follow_symlinks=False):
            yield entry.path, f"{source}/"
            return
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(found.st_mode):
            self._refuse(source, _KINDS.get(stat.S_IFMT(found.st_mode), "not a file; remove it"))
        elif self.settled_before < found.st_mtime <= self.now:
            self.unsettled.append(_shown(source))
        else:
            key = sys.intern(document_key(source))
            self.files.append(InboxFile(key, sys.intern(_shown(source)), entry.path, found.st_size, found.st_mtime_ns))

    def _refuse(self, source: str, reason: str) -> None:
        self.refused.append(RefusedFile(document_key(source), _shown(source), reason))


def _is_passed_over(name: str) -> bool:
    lowered = name.lower()
    return name.startswith((".", "~$")) or lowered.endswith(_TEMPORARY) or lowered in _LITTER


def _shown(source: str) -> str:
    """A source as text that can be stored: bytes of a name that are no UTF-8 appear as \\xff."""
    return source if source.isascii() else os.fsencode(source).decode("utf-8", "backslashreplace")


def _cleaned(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return _UNSAFE_END.sub("_", _UNSAFE_START.sub("_", _UNSAFE.sub("_", composed)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
