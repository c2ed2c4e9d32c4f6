"""What a document is once it has been read: its text, and where in the file each part of that text stands.

Readers make these values; nothing here opens a file. All offsets are half-open [start, end) into `Document.text`,
counted in Unicode code points (Python string indices).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray


class DocumentStatus(StrEnum):
    """`READY` and `PARTIAL` documents are extracted; every other status says why a document is not."""

    READY = "ready"
    PARTIAL = "partial"
    NEEDS_PASSWORD = "needs_password"  # noqa: S105 - a status
    NEEDS_OCR = "needs_ocr"
    NO_TEXT = "no_text"
    GARBLED = "garbled"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    CORRUPT = "corrupt"
    TIMED_OUT = "timed_out"
    DUPLICATE = "duplicate"

    @property
    def is_readable(self) -> bool:
        return self in (DocumentStatus.READY, DocumentStatus.PARTIAL)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open [start, end) character offsets into a document's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    def of(self, text: str) -> str:
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paginated document and the part of the text that stands on it. `number` is 1-based.

    `status` is `ready`, `partial` where the page is damaged, or why it gave no text (`needs_ocr`, `garbled`, ...).
    """

    number: int
    span: Span
    status: DocumentStatus = DocumentStatus.READY
    ocr_quality: float | None = None
    """Mean word confidence of OCR, 0-1; None where the text is the file's own."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A section heading and its level (1 is the highest)."""

    span: Span
    level: int


@dataclass(frozen=True, slots=True)
class TableSpan:
    """A table within the text; `header` is the span of its header row, or None where it has none."""

    span: Span
    header: Span | None


@dataclass(frozen=True, slots=True)
class HiddenText:
    """Text that a person could not see in the file, and why (`white`, `zero size`, `off page`, `display:none`, ...)."""

    span: Span
    why: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of the text stands in the file: page and rectangles (x0, y0, x1, y1 in points, top-left origin)
    for PDF; a path such as `table 2, row 3, cell 1` (DOCX), `/html/body/p[3]` (HTML) or `row 17` (tables)."""

    page: int | None = None
    rectangles: tuple[tuple[float, float, float, float], ...] = ()
    path: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class EvidenceMap:
    """Text offsets -> places, in columns so that long documents stay small. Rows are sorted by start and do not overlap.

    starts, ends: shape (n,), int32. pages: shape (n,), int32, 0 = no page. rectangles: shape (n, 4), float32, NaN = none,
    or shape (0, 4) where the file has no geometry. paths: one per row, or empty.
    """

    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    pages: NDArray[np.int32]
    rectangles: NDArray[np.float32]
    paths: tuple[str, ...] = ()

    @classmethod
    def empty(cls) -> "EvidenceMap":
        none = np.zeros(0, np.int32)
        return cls(none, none, none, np.zeros((0, 4), np.float32))

    def locate(self, span: Span) -> tuple[Place, ...]:
        """The places that a span touches: one per page (its rectangles in reading order) or per path. () = not located."""
        first = int(np.searchsorted(self.ends, span.start, side="right"))
        last = int(np.searchsorted(self.starts, span.end, side="left"))
        places: dict[tuple[int, str | None], list[tuple[float, float, float, float]]] = {}
        for row in range(first, last):
            path = self.paths[row] if self.paths else None
            boxes = places.setdefault((int(self.pages[row]), path), [])
            if len(self.rectangles) and not np.isnan(self.rectangles[row, 0]):
                x0, y0, x1, y1 = (float(edge) for edge in self.rectangles[row])
                boxes.append((x0, y0, x1, y1))
        return tuple(Place(page or None, tuple(boxes), path) for (page, path), boxes in places.items())


@dataclass(frozen=True, eq=False, slots=True)
class Document:
    """One document as read.

    key: its partition key, unique in the project. source: its path below the inbox as people see it (for a row of a
    table, the table's path followed by `#` and the row). type: pdf, docx, html, xml, text, markdown, csv, xlsx,
    jsonl, parquet or eml, decided by content. reason: "" when ready, otherwise a sentence a person can act on.
    sha256: of the raw bytes (of the row for rows of a table). text: "" unless the status is readable.
    metadata: title, author, date and what else the file states, as strings; columns of a table of documents.
    """

    key: str
    source: str
    type: str
    status: DocumentStatus
    reason: str
    sha256: str
    size_bytes: int
    text: str = ""
    language: str | None = None
    """ISO 639-1 code detected from the text; None when there is too little of it."""
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    tables: tuple[TableSpan, ...] = ()
    hidden: tuple[HiddenText, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    places: EvidenceMap = field(default_factory=EvidenceMap.empty)

    @property
    def words(self) -> int:
        return len(self.text.split())

    def page_of(self, offset: int) -> int | None:
        """The 1-based page on which a character stands; None for documents without pages."""
        for page in self.pages:
            if page.span.start <= offset < page.span.end:
                return page.number
        return None
