"""From the inbox to documents: which files are new or changed, reading them in worker processes, and telling duplicates.

The readers themselves are in `readers`, the walk over the folder in `storage.inbox`.
"""

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.domain.project import Project
from coderai_pipeline.engine.held import Held, HeldDocument
from coderai_pipeline.readers import Reader, list_rows, text_fingerprint
from coderai_pipeline.readers.base import NotReadable, ReadOptions
from coderai_pipeline.readers.sandbox import Reading
from coderai_pipeline.storage import inbox
from coderai_pipeline.storage.projects import ProjectFolder

TABLE_SUFFIXES = {".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson", ".json", ".parquet"}
"""Only files named so are asked whether they are tables of documents; asking every file would read each twice."""

READERS_VERSION = 1
"""Raised when the readers come to read files otherwise: everything is then read anew, and asked anew where its text differs."""

WINDOW = 256
"""Files being read or waiting to be taken over, at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document that the inbox offers: a file, or a row of a table. `row`: 0-based position, None for whole files."""

    key: str
    source: str
    file: str
    location: str
    row: int | None
    size: int
    mtime_ns: int
    refused: str = ""
    """Why it is not opened at all (a link, a pipe, ...); "" = it may be read."""

    @property
    def path(self) -> Path:
        return Path(self.location)


@dataclass(frozen=True, slots=True)
class Listing:
    """What stands in the inbox now, in a stable order. unsettled: files still being written. surplus: over the limit."""

    entries: tuple[Entry, ...]
    unsettled: tuple[str, ...]
    surplus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A document taken in, with what its record needs beside it. took: when reading it began and ended, in nanoseconds since
    the epoch; None where it was not opened."""

    document: Document
    entry: Entry
    text_sha256: str
    text_fingerprint: str
    duplicate_of: str | None
    took: tuple[int, int] | None = None


def read_options(project: Project) -> ReadOptions:
    reading, limits = project.reading, project.limits
    return ReadOptions(
        file_mb=limits.file_mb,
        seconds=limits.read_seconds,
        memory_mb=limits.read_memory_mb,
        ocr=reading.ocr == "auto",
        language=project.language,
        main_text=reading.html == "main",
        passwords=reading.passwords,
        text_column=reading.text_column,
        id_column=reading.id_column,
    )


def reader_fingerprint(options: ReadOptions, status: DocumentStatus = DocumentStatus.READY) -> str:
    """Changes when the same bytes might read differently. Limits decide only of what they refused."""
    refused = status in (DocumentStatus.TOO_LARGE, DocumentStatus.TIMED_OUT)
    deciding = options if refused else replace(options, file_mb=0, seconds=0, memory_mb=0)
    return hashlib.sha256(f"{READERS_VERSION} {deciding!r}".encode()).hexdigest()[:16]


def list_inbox(folder: ProjectFolder, project: Project, known: Container[str] = (), *, wait_s: float = 0.0) -> Listing:
    """The documents that the inbox offers now. Tables of documents are listed row by row.

    known: keys of documents held already, which a limit keeps in. wait_s: how long to wait for files still being written.
    """
    until = time.monotonic() + wait_s
    while True:
        listing = _listed(folder, project, known)
        if not listing.unsettled or time.monotonic() >= until:
            return listing
        time.sleep(0.5)


def _listed(folder: ProjectFolder, project: Project, known: Container[str]) -> Listing:
    limit = project.limits.documents
    scan = inbox.scan(folder, max_documents=limit, known=known)
    options = read_options(project)
    rows = _TableRows(folder.state / "tables.json")
    entries: list[Entry] = []
    for file in scan.files:
        entry = Entry(file.key, file.source, file.source, file.location, None, file.size, file.mtime_ns)
        ids = rows.of(entry, options) if file.path.suffix.lower() in TABLE_SUFFIXES else None
        if ids is None:
            entries.append(entry)
        else:
            entries.extend(
                replace(entry, key=inbox.row_key(file.key, row_id), source=f"{file.source}#{row_id}", row=number)
                for number, row_id in enumerate(ids)
            )
    entries.extend(
        Entry(
            refused.key, refused.source, refused.source, str(folder.inbox / refused.source), None, 0, 0, refused.reason
        )
        for refused in scan.refused
    )
    rows.save()
    surplus = (*scan.surplus, *(entry.source for entry in entries[limit:]))
    return Listing(tuple(entries[:limit]), scan.unsettled, surplus)


class _TableRows:
    """The row ids of tables of documents, remembered by the file's size and time so that a listing need not open them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[str] | None] = json.loads(path.read_text()) if path.exists() else {}
        self._changed = False

    def of(self, entry: Entry, options: ReadOptions) -> list[str] | None:
        mark = f"{entry.file}|{entry.size}|{entry.mtime_ns}|{reader_fingerprint(options)}"
        if mark not in self._known:
            self._changed = True
            try:
                self._known[mark] = list_rows(entry.path, options)
            except NotReadable:
                self._known[mark] = None  # it is then read as one document, whose status says what is wrong
        return self._known[mark]

    def save(self) -> None:
        if self._changed:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self._path.with_suffix(f".{os.getpid()}.unfinished")
            unfinished.write_text(json.dumps(self._known))
            unfinished.replace(self._path)


def unread(listing: Listing, held: Held, options: ReadOptions) -> list[Entry]:
    """The entries whose file is new, has changed, would read differently now, or duplicates one that is no longer so."""
    present = {entry.key: entry for entry in listing.entries}
    fingerprints = {status: reader_fingerprint(options, status) for status in DocumentStatus}
    fresh = {
        entry.key for entry in listing.entries if not _is_current(held.documents.get(entry.key), entry, fingerprints)
    }
    for key in present:
        record = held.documents.get(key)
        if record is not None and record.duplicate_of is not None:
            original = record.duplicate_of
            if original not in present or original in fresh:
                fresh.add(key)
    return [entry for entry in listing.entries if entry.key in fresh]


def _is_current(record: HeldDocument | None, entry: Entry, fingerprints: Mapping[DocumentStatus, str]) -> bool:
    return (
        record is not None
        and not record.removed
        and (record.size_bytes, record.mtime_ns) == (entry.size, entry.mtime_ns)
        and (record.reader_fingerprint == fingerprints[record.status] or bool(entry.refused))
    )


def take_in(entries: Iterable[Entry], standing: Iterable[HeldDocument], reader: Reader) -> Iterator[Taken]:
    """Reads the entries, in their order, a bounded number ahead, and marks duplicates of documents that came before.

    `standing` are the documents already held whose files have not changed. A file that is gone by the time it is read
    is left out; the next listing no longer has it.
    """
    known = _Known(standing)
    waiting: deque[tuple[Entry, Reading[Document] | Document]] = deque()
    source = iter(entries)
    while True:
        while len(waiting) < WINDOW and (entry := next(source, None)) is not None:
            waiting.append((entry, _refused(entry) if entry.refused else _submit(reader, entry)))
        if not waiting:
            return
        entry, pending = waiting.popleft()
        document, took = (pending.result(), pending.took) if isinstance(pending, Reading) else (pending, None)
        if document.status.is_readable or entry.refused or os.path.lexists(entry.path):
            yield known.tell(document, entry, took)


def _submit(reader: Reader, entry: Entry) -> Reading[Document]:
    return reader.submit(entry.path, entry.key, entry.source, entry.row)


def _refused(entry: Entry) -> Document:
    return Document(entry.key, entry.source, "unknown", DocumentStatus.UNSUPPORTED, entry.refused, "", 0)


class _Known:
    """Which bytes and which texts have been seen, and in which document first."""

    def __init__(self, standing: Iterable[HeldDocument]) -> None:
        self._by_bytes: dict[str, str] = {}
        self._by_text: dict[str, str] = {}
        for record in standing:
            if record.duplicate_of is None:
                self._remember(record.key, record.sha256, record.text_fingerprint)

    def tell(self, document: Document, entry: Entry, took: tuple[int, int] | None) -> Taken:
        text_sha256 = (
            hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest() if document.text else ""
        )
        fingerprint = text_fingerprint(document.text) if document.text else ""
        original = self._original(document, fingerprint)
        if original is not None:
            reason = f"the same content as {original}, which stands for it"
            document = replace(document, status=DocumentStatus.DUPLICATE, reason=reason)
        else:
            self._remember(document.key, document.sha256, fingerprint)
        return Taken(document, entry, text_sha256, fingerprint, original, took)

    def _original(self, document: Document, fingerprint: str) -> str | None:
        candidates = self._by_bytes.get(document.sha256), self._by_text.get(fingerprint)
        return next((key for key in candidates if key is not None and key != document.key), None)

    def _remember(self, key: str, sha256: str, fingerprint: str) -> None:
        if sha256:
            self._by_bytes.setdefault(sha256, key)
        if fingerprint:
            self._by_text.setdefault(fingerprint, key)
