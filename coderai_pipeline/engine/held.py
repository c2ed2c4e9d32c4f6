"""What a project already holds: which file states were read, which documents are settled, which replies were paid for.

Read from the blocks once at the start of a run; nothing here writes.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coderai_pipeline.domain.asks import Mode
from coderai_pipeline.domain.cells import Cell
from coderai_pipeline.domain.documents import Document, DocumentStatus
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.records import cell_from, document_from


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """What is known of a document that was read, without its text. `file`: its file's path below the inbox."""

    key: str
    source: str
    file: str
    status: DocumentStatus
    reason: str
    duplicate_of: str | None
    sha256: str
    text_sha256: str
    text_fingerprint: str
    size_bytes: int
    mtime_ns: int
    reader_fingerprint: str
    removed: bool
    version: int


@dataclass(frozen=True, slots=True)
class HeldSettlement:
    """How the last extraction of a document ended. outcome: settled, failed (some cells failed) or open (to be resumed)."""

    document: str
    outcome: str
    reason: str
    work_fingerprint: str
    text_sha256: str
    counts: dict[str, int]
    version: int
    interruptions: int = 0
    """Runs in a row that ended at this document because the server gave no reply, its text and its work being the same."""


@dataclass(frozen=True, slots=True)
class HeldCall:
    """A reply that was paid for: which part of which text it was asked about, and for which variables in which wording."""

    call_id: str
    text_sha256: str
    chunk: int
    start: int
    end: int
    mode: Mode
    entities: tuple[str, ...]
    """Marks (`recall.mark_of`) of the entities that it answers."""
    asked: dict[str, str]
    """Variable that it answers -> the ask fingerprint it was asked with."""
    version: int


@dataclass(frozen=True, slots=True)
class Held:
    documents: dict[str, HeldDocument]
    settlements: dict[str, HeldSettlement]

    @property
    def newest_version(self) -> int:
        return max(
            (record.version for held in (self.documents, self.settlements) for record in held.values()), default=0
        )

    @classmethod
    def load(cls, blocks: BlockStore) -> "Held":
        return cls(held_documents(blocks), held_settlements(blocks))


_DOCUMENT_COLUMNS = (
    "document", "source", "file", "status", "reason", "duplicate_of", "sha256", "text_sha256", "text_fingerprint",
    "size_bytes", "mtime_ns", "reader_fingerprint", "removed", "version",
)  # fmt: skip


def held_documents(blocks: BlockStore) -> dict[str, HeldDocument]:
    """Latest record of each document that was ever read, by key, in the order first read."""
    latest: dict[str, HeldDocument] = {}
    for row in _rows(blocks, "documents", _DOCUMENT_COLUMNS):
        row = _texts_once(row)
        record = HeldDocument(row.pop("document"), status=DocumentStatus(row.pop("status")), **row)
        if record.key not in latest or latest[record.key].version <= record.version:
            latest[record.key] = record
    return latest


def _texts_once(row: dict[str, Any]) -> dict[str, Any]:
    """Key, source and file are mostly one text, and so are hashes: held once each, a document takes half the memory."""
    return {name: sys.intern(value) if type(value) is str else value for name, value in row.items()}


def held_settlements(blocks: BlockStore) -> dict[str, HeldSettlement]:
    columns = ("document", "outcome", "reason", "work_fingerprint", "text_sha256", "counts", "version", "interrupted")
    latest: dict[str, HeldSettlement] = {}
    for row in _rows(blocks, "settled", columns):
        interrupted = bool(row.pop("interrupted", None))  # older blocks do not have it
        record = HeldSettlement(**{**row, "counts": json.loads(row["counts"] or "{}")})
        before = latest.get(record.document)
        if before is None or before.version < record.version:
            latest[record.document] = replace(record, interruptions=_interruptions(before, record, interrupted))
    return latest


def _interruptions(before: HeldSettlement | None, now: HeldSettlement, interrupted: bool) -> int:
    if now.outcome != "open":
        return 0
    is_same = before is not None and (before.work_fingerprint, before.text_sha256) == (
        now.work_fingerprint,
        now.text_sha256,
    )
    return (before.interruptions if before is not None and is_same else 0) + interrupted


def held_cells(blocks: BlockStore, documents: Sequence[str]) -> dict[str, dict[str, list[tuple[Cell, str]]]]:
    """Document -> variable -> its current cells (one an entity), each with the hash of the text it was read from."""
    latest: dict[tuple[str, str], int] = defaultdict(int)
    rows = blocks.rows_of("cells", documents)
    for row in rows:
        place = row["document"], row["variable"]
        latest[place] = max(latest[place], row["version"])
    cells: dict[str, dict[str, dict[str, tuple[Cell, str]]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row["version"] == latest[row["document"], row["variable"]]:
            cells[row["document"]][row["variable"]][row["entity"]] = (cell_from(row), row["text_sha256"])
    return {
        document: {variable: list(by_entity.values()) for variable, by_entity in by_variable.items()}
        for document, by_variable in cells.items()
    }


def held_calls(blocks: BlockStore, documents: Sequence[str]) -> dict[str, list[HeldCall]]:
    """Document -> the usable replies held for it, oldest first."""
    columns = (
        "document", "call_id", "text_sha256", "chunk", "start", "end", "mode", "entities", "variables",
        "ask_fingerprints", "problem", "version",
    )  # fmt: skip
    calls: dict[str, list[HeldCall]] = defaultdict(list)
    for row in blocks.rows_of("calls", documents, columns):
        if row["problem"]:
            continue
        calls[row["document"]].append(
            HeldCall(
                row["call_id"], row["text_sha256"], row["chunk"], row["start"], row["end"], row["mode"],
                tuple(row["entities"] or ()),
                dict(zip(row["variables"] or (), row["ask_fingerprints"] or (), strict=True)), row["version"],
            )
        )  # fmt: skip
    return calls


def stored_documents(blocks: BlockStore, wanted: dict[str, int]) -> Iterator[Document]:
    """The documents whose latest record has the version named, with their text, block by block."""
    left = dict(wanted)
    for batch in blocks.batches("documents") if left else ():
        for row in batch:
            if left.get(row["document"]) == row["version"]:
                del left[row["document"]]  # a compaction that was killed leaves the same row twice
                yield document_from(row)


def _rows(blocks: BlockStore, kind: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in blocks.batches(kind, columns):
        yield from batch
