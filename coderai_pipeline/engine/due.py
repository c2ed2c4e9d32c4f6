"""The documents that a run would extract now, each with what is held of it, for those who look ahead without running.

The run itself streams them in `run`; what is due is decided there, by `plan`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from coderai_pipeline.domain.documents import Document
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.held import HeldCall, HeldDocument, held_calls, held_cells, stored_documents
from coderai_pipeline.engine.work import HeldCells, Steps
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.records import document_from

_FEW = 1000
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class DueDocument:
    """A document to extract, and the cells and replies that earlier runs left of it."""

    document: Document
    text_sha256: str
    cells: HeldCells
    calls: Sequence[HeldCall]

    def steps(self, extractions: Extractions, *, retry_failed: bool = False) -> Steps:
        return extractions.of_document(
            self.document, self.text_sha256, self.cells, self.calls, retry_failed=retry_failed
        )


def due_documents(blocks: BlockStore, records: Mapping[str, HeldDocument]) -> Iterator[DueDocument]:
    """The documents of these records, a bounded number in memory."""
    stored = documents_of(blocks, records) if len(records) <= _FEW else _stored(blocks, records)
    while group := list(islice(stored, _AT_ONCE)):
        keys = [document.key for document in group]
        cells, calls = held_cells(blocks, keys), held_calls(blocks, keys)
        for document in group:
            key = document.key
            yield DueDocument(document, records[key].text_sha256, cells.get(key, {}), calls.get(key, ()))


def _stored(blocks: BlockStore, records: Mapping[str, HeldDocument]) -> Iterator[Document]:
    yield from stored_documents(blocks, {key: record.version for key, record in records.items()})


def documents_of(blocks: BlockStore, records: Mapping[str, HeldDocument]) -> Iterator[Document]:
    """Only the rows asked for are made into objects, instead of all there are."""
    seen: set[str] = set()
    for row in blocks.rows_of("documents", list(records)):
        key = row["document"]
        if row["version"] == records[key].version and key not in seen:
            seen.add(key)
            yield document_from(row)
