"""Puts finished documents into blocks, a group at a time, in the order that makes a kill harmless.

Order: calls and cells before the settlement that counts on them, everything before the run tells of it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from coderai_pipeline.domain.chunks import Chunk
from coderai_pipeline.domain.documents import Document, EvidenceMap
from coderai_pipeline.engine.extraction import Extracted
from coderai_pipeline.engine.intake import Taken, reader_fingerprint
from coderai_pipeline.engine.report import DocumentReport
from coderai_pipeline.readers.base import ReadOptions
from coderai_pipeline.storage.blocks import BlockStore, next_version
from coderai_pipeline.storage.records import cell_row, document_row

DOCUMENTS = 50
SECONDS = 3.0
"""A group is stored when it has so many documents, or when its first has waited so long."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A document that the run is done with. taken: None where it was read in an earlier run."""

    document: Document
    file: str
    text_sha256: str
    taken: Taken | None = None
    extracted: Extracted | None = None

    @property
    def report(self) -> DocumentReport:
        return DocumentReport(
            document=self.document,
            file=self.file,
            duplicate_of=self.taken.duplicate_of if self.taken else None,
            text_sha256=self.text_sha256,
            read=self.taken is not None,
            chunks=len(self.extracted.chunks) if self.extracted else 0,
            settlement=self.extracted.settlement if self.extracted else None,
        )


@dataclass(slots=True)
class Store:
    blocks: BlockStore
    run_id: str
    options: ReadOptions
    _waiting: list[Finished] = field(default_factory=list[Finished])
    _since: float = 0.0

    def add(self, finished: Finished) -> None:
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(finished)

    @property
    def is_due(self) -> bool:
        return bool(self._waiting) and (len(self._waiting) >= DOCUMENTS or time.monotonic() - self._since >= SECONDS)

    def flush(self) -> tuple[DocumentReport, ...]:
        """Stores what waits; on return it is in place."""
        group, self._waiting = self._waiting, []
        rows: dict[str, list[Mapping[str, Any]]] = {
            kind: [] for kind in ("calls", "chunks", "entities", "cells", "documents", "settled")
        }
        for finished in group:
            self._add_rows(finished, rows)
        for kind, of_kind in rows.items():
            self.blocks.append(kind, of_kind)
        return tuple(finished.report for finished in group)

    def _add_rows(self, finished: Finished, rows: dict[str, list[Mapping[str, Any]]]) -> None:
        version = next_version()
        if finished.taken is not None:
            rows["documents"].append(self._document_row(finished.taken, version))
        extracted = finished.extracted
        if extracted is None:
            return
        key, text = finished.document.key, finished.text_sha256
        about = {"version": version, "run_id": self.run_id}
        rows["calls"].extend({**call, **about} for call in extracted.calls)
        rows["chunks"].extend(_chunk_row(chunk, version) for chunk in extracted.chunks)
        rows["entities"].extend({**entity, "document": key, "version": version} for entity in extracted.entities)
        rows["cells"].extend(cell_row(cell, text_sha256=text, **about) for cell in extracted.settlement.cells)
        rows["settled"].append({**_settled_row(extracted, key, text), **about})

    def _document_row(self, taken: Taken, version: int) -> dict[str, Any]:
        return document_row(
            taken.document,
            version=version,
            file=taken.entry.file,
            duplicate_of=taken.duplicate_of,
            text_sha256=taken.text_sha256,
            text_fingerprint=taken.text_fingerprint,
            size_bytes=taken.entry.size,
            mtime_ns=taken.entry.mtime_ns,
            reader_fingerprint=reader_fingerprint(self.options, taken.document.status),
            run_id=self.run_id,
        )


def forget_document(blocks: BlockStore, document: Document) -> None:
    """Takes a document out of the dataset; its replies stay in the archive."""
    row = document_row(replace(document, text="", places=EvidenceMap.empty()), version=next_version())
    blocks.append("documents", [row | {"removed": True, "duplicate_of": None}])


def _chunk_row(chunk: Chunk, version: int) -> dict[str, Any]:
    return {
        "document": chunk.document,
        "version": version,
        "chunk": chunk.index,
        "start": chunk.span.start,
        "end": chunk.span.end,
        "section": list(chunk.section),
        "context": chunk.context,
        "tokens": chunk.tokens,
    }


def _settled_row(extracted: Extracted, document: str, text_sha256: str) -> dict[str, Any]:
    settlement = extracted.settlement
    return {
        "document": document,
        "outcome": settlement.outcome,
        "reason": settlement.reason,
        "work_fingerprint": extracted.work_fingerprint,
        "text_sha256": text_sha256,
        "entities": settlement.entities,
        "wanted": settlement.wanted,
        "counts": json.dumps(dict(settlement.counts)),
        "calls": settlement.calls,
        "input_tokens": settlement.input_tokens,
        "output_tokens": settlement.output_tokens,
        "cost": settlement.cost,
        "seconds": settlement.seconds,
        "interrupted": bool(extracted.stop) and not extracted.needs_person,
    }
