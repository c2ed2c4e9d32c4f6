"""Reports of documents that a run was asked for and found settled already, so that it can materialise them as they stand.

What a run reports of the documents it works on comes from the engine.
"""

from collections.abc import Collection, Iterator
from itertools import islice

from coderai_pipeline.domain.chunks import split
from coderai_pipeline.domain.documents import Document
from coderai_pipeline.domain.fingerprints import of_document, work_fingerprint
from coderai_pipeline.engine.held import Held, HeldDocument, HeldSettlement, held_cells, stored_documents
from coderai_pipeline.engine.report import DocumentReport, Settlement
from coderai_pipeline.engine.work import HeldCells
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import LoadedProject

AT_ONCE = 200
"""Documents whose cells are looked up together."""


def settled_already(loaded: LoadedProject, keys: Collection[str]) -> Iterator[DocumentReport]:
    """Those of the documents that are held, with the settlement where it is current."""
    blocks = BlockStore(loaded.folder.state)
    held = Held.load(blocks)
    records = {key: held.documents[key] for key in keys if key in held.documents and not held.documents[key].removed}
    wanted = work_fingerprint(loaded.project, loaded.codebook)
    current = {
        key: settlement
        for key, record in records.items()
        if (settlement := held.settlements.get(key)) is not None and _is_current(settlement, record, wanted)
    }
    stored = stored_documents(blocks, {key: record.version for key, record in records.items()})
    while group := list(islice(stored, AT_ONCE)):
        cells = held_cells(blocks, [document.key for document in group if document.key in current])
        for document in group:
            settlement = current.get(document.key)
            of_document = cells.get(document.key, {})
            found = _settlement(settlement, of_document) if settlement is not None else None
            yield _report(document, records[document.key], found)


def _is_current(settlement: HeldSettlement, record: HeldDocument, work_fingerprint: str) -> bool:
    wanted = work_fingerprint, record.text_sha256
    return settlement.outcome == "settled" and (settlement.work_fingerprint, settlement.text_sha256) == wanted


def _report(document: Document, record: HeldDocument, settlement: Settlement | None) -> DocumentReport:
    return DocumentReport(
        document=document,
        file=record.file,
        duplicate_of=record.duplicate_of,
        text_sha256=record.text_sha256,
        read=False,
        chunks=len(split(document)) if document.status.is_readable else 0,
        settlement=settlement,
    )


def _settlement(held: HeldSettlement, by_variable: HeldCells) -> Settlement:
    cells = tuple(cell for of_variable in by_variable.values() for cell, _ in of_variable)
    return Settlement(
        outcome=held.outcome,
        reason=held.reason,
        fingerprint=of_document(held.work_fingerprint, held.text_sha256),
        counts=held.counts,
        wanted=sum(held.counts.values()),
        entities=len({cell.entity for cell in cells if cell.entity}),
        cells=cells,
    )
