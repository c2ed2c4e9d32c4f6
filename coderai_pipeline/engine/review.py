"""Makes a project's review of the newest snapshot: workbook, page, and copies of the PDFs with their evidence highlighted.

What they hold is decided in `publishing.review`; what comes back is applied in `feedback`.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from coderai_pipeline.domain.documents import Document, Place, Span
from coderai_pipeline.domain.review_order import AUDIT_SAMPLE
from coderai_pipeline.engine.due import documents_of
from coderai_pipeline.engine.held import HeldDocument, held_documents
from coderai_pipeline.engine.intake import read_options
from coderai_pipeline.publishing.review import Review, ReviewCell, gather
from coderai_pipeline.publishing.review_page import write_review_page
from coderai_pipeline.publishing.review_workbook import write_review_workbook
from coderai_pipeline.readers import NotReadable, mark_copy
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.projects import LoadedProject
from coderai_pipeline.storage.unfinished import unfinished

MOST_COPIES = 20
"""PDFs that get a highlighted copy: each is read in a process of its own."""


@dataclass(frozen=True, slots=True)
class Made:
    """A review as it was written."""

    review: Review
    workbook: Path
    page: Path
    copies: int


def make_review(
    loaded: LoadedProject, snapshot: Path, *, sample: int = AUDIT_SAMPLE, seed: int = 0, blind: bool = False
) -> Made:
    """Write the review below `outputs/review/`. Each file replaces the one before when it is whole."""
    review = gather(snapshot, sample=sample, seed=seed, blind=blind)
    folder = loaded.folder.outputs / "review"
    folder.mkdir(parents=True, exist_ok=True)
    name = "review-blind" if blind else "review"
    with unfinished(folder, name) as work:
        is_open = loaded.project.privacy.show_text and not blind
        copies = _copies(loaded, review, work) if is_open else dict[str, str]()
        write_review_workbook(review, snapshot, work / f"{name}.xlsx")
        write_review_page(review, snapshot, work / f"{name}.html", copies)
        if not blind:
            _replace(work / "highlighted", folder / "highlighted")
        files = [(work / f"{name}{suffix}").replace(folder / f"{name}{suffix}") for suffix in (".xlsx", ".html")]
    return Made(review, files[0], files[1], len(copies))


def marks(document: Document, evidence: Iterable[tuple[Span, str]]) -> Iterator[tuple[Place, str]]:
    """Where spans stand on the document's pages, each with its label."""
    for span, label in evidence:
        for place in document.places.locate(span):
            yield place, label


def _copies(loaded: LoadedProject, review: Review, folder: Path) -> dict[str, str]:
    """Document -> its highlighted copy, of the first PDFs of the review; one that cannot be marked has none."""
    blocks = BlockStore(loaded.folder.state)
    held = held_documents(blocks)
    records = {key: held[key] for key in review.documents if key in held and _is_pdf(loaded, held[key])}
    first = dict(list(records.items())[:MOST_COPIES])
    made: dict[str, str] = {}
    for number, document in enumerate(documents_of(blocks, first), start=1):
        plain = re.sub(r"[^\w.-]+", "_", Path(document.source).stem)[:60]
        name = f"{number:02}-{plain}.pdf"
        data = _marked(
            loaded, document, records[document.key].file, [c for c in review.cells if c.document == document.key]
        )
        if data is not None:
            (folder / "highlighted").mkdir(exist_ok=True)
            (folder / "highlighted" / name).write_bytes(data)
            made[document.key] = f"highlighted/{quote(name)}"
    return made


def _is_pdf(loaded: LoadedProject, record: HeldDocument) -> bool:
    return record.file.lower().endswith(".pdf") and (loaded.folder.inbox / record.file).is_file()


def _marked(loaded: LoadedProject, document: Document, file: str, cells: Sequence[ReviewCell]) -> bytes | None:
    evidence = [
        (Span(cell.start, cell.end), f"{cell.variable}{f' ({cell.entity})' if cell.entity else ''}: {cell.value or ''}")
        for cell in cells
        if cell.start is not None and cell.end is not None
    ]
    try:
        return mark_copy(loaded.folder.inbox / file, list(marks(document, evidence)), read_options(loaded.project))
    except NotReadable:
        return None


def _replace(made: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if made.is_dir():
        made.rename(target)
